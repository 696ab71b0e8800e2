//! Revoked tokens, by audit id.

use rusqlite::params;

use super::Identity;
use crate::StoreError;

impl Identity<'_> {
    /// Revokes a token until its expiry (microseconds since 1970), and forgets those that expired
    /// before `now`, so that the table holds at most the revocations of one token lifetime.
    pub fn revoke_token(&self, audit_id: &str, expires_at: i64, now: i64) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM revoked_tokens WHERE expires_at < ?1", [now])?;
        self.connection.execute(
            "INSERT INTO revoked_tokens (audit_id, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![audit_id, expires_at],
        )?;
        Ok(())
    }

    /// Whether a token was revoked.
    pub fn is_token_revoked(&self, audit_id: &str) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE audit_id = ?1)";
        Ok(self.connection.prepare_cached(sql)?.query_row([audit_id], |row| row.get(0))?)
    }
}
