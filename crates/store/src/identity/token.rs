//! Revoked tokens, by audit id.

use rusqlite::params;

use super::Identity;
use crate::StoreError;

impl Identity<'_> {
    /// Revokes a token, which ends at `expires_at` (microseconds since 1970) anyway.
    pub fn revoke_token(&self, audit_id: &str, expires_at: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO revoked_tokens (audit_id, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        self.connection.prepare_cached(sql)?.execute(params![audit_id, expires_at])?;
        Ok(())
    }

    /// Whether a token was revoked.
    pub fn is_token_revoked(&self, audit_id: &str) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE audit_id = ?1)";
        Ok(self.connection.prepare_cached(sql)?.query_row([audit_id], |row| row.get(0))?)
    }

    /// Whether there are revocations of tokens that ended before a time.
    pub fn has_revocations_before(&self, time: i64) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE expires_at < ?1)";
        Ok(self.connection.prepare_cached(sql)?.query_row([time], |row| row.get(0))?)
    }

    /// Forgets revocations of tokens that ended before a time, `most` of them at most. Answers how many.
    pub fn purge_revocations(&self, time: i64, most: u32) -> Result<usize, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM revoked_tokens WHERE audit_id IN
                 (SELECT audit_id FROM revoked_tokens WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)",
        )?;
        Ok(statement.execute(params![time, most])?)
    }
}
