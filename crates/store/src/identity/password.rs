//! What keeps passwords safe beside their hash: failed logins in a row, and passwords of the past.

use rusqlite::{OptionalExtension, params};
use types::UserId;

use super::Identity;
use crate::StoreError;

/// Who the failures count for that count for nobody.
const NOBODY: &str = "";

/// Failed logins in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedLogins {
    /// How many.
    pub attempts: u32,
    /// When the last one was, in microseconds since 1970.
    pub last_at: i64,
}

impl Identity<'_> {
    /// The failed logins of a user since the last good one; none when there were none.
    pub fn failed_logins(&self, user: &UserId) -> Result<Option<FailedLogins>, StoreError> {
        let sql = "SELECT attempts, last_at FROM failed_logins WHERE user_id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement
            .query_row([user.as_str()], |row| Ok(FailedLogins { attempts: row.get(0)?, last_at: row.get(1)? }));
        Ok(found.optional()?)
    }

    /// Writes down a user's failed logins, or (none) a failure that counts for nobody: a write like the
    /// other, so that its time does not say whether there is such a user.
    pub fn put_failed_logins(&self, user: Option<&UserId>, failed: FailedLogins) -> Result<(), StoreError> {
        let sql = "INSERT INTO failed_logins (user_id, attempts, last_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (user_id) DO UPDATE SET attempts = excluded.attempts, last_at = excluded.last_at";
        let user = user.map_or(NOBODY, UserId::as_str);
        self.connection.prepare_cached(sql)?.execute(params![user, failed.attempts, failed.last_at])?;
        Ok(())
    }

    /// Forgets the failed logins of a user.
    pub fn forget_failed_logins(&self, user: &UserId) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM failed_logins WHERE user_id = ?1")?.execute([user.as_str()])?;
        Ok(())
    }

    /// The hashes of a user's passwords before the present one, the newest first, at most `most`.
    pub fn former_passwords(&self, user: &UserId, most: usize) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT hash FROM former_passwords WHERE user_id = ?1 ORDER BY number DESC LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![user.as_str(), limit(most)], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Adds to a user's former passwords, and forgets all but the newest `keep`.
    pub fn retire_password(&self, user: &UserId, hash: &str, keep: usize) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO former_passwords (user_id, number, hash)
                 SELECT ?1, coalesce(max(number), 0) + 1, ?2 FROM former_passwords WHERE user_id = ?1",
            )?
            .execute(params![user.as_str(), hash])?;
        self.connection
            .prepare_cached(
                "DELETE FROM former_passwords WHERE user_id = ?1 AND number NOT IN
                 (SELECT number FROM former_passwords WHERE user_id = ?1 ORDER BY number DESC LIMIT ?2)",
            )?
            .execute(params![user.as_str(), limit(keep)])?;
        Ok(())
    }
}

fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
