//! How much of what users make for themselves a user has.

use rusqlite::params;
use types::UserId;

use super::Identity;
use crate::StoreError;

/// What users make without anybody's leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owned {
    /// Credentials of any type.
    Credentials,
    /// Application credentials.
    ApplicationCredentials,
    /// The access rules of those, which outlive them.
    AccessRules,
    /// Trusts of which the user is the trustor.
    Trusts,
}

impl Identity<'_> {
    /// How many of them a user has.
    pub fn count_owned(&self, owned: Owned, user: &UserId) -> Result<usize, StoreError> {
        let sql = match owned {
            Owned::Credentials => "SELECT count(*) FROM credentials WHERE user_id = ?1",
            Owned::ApplicationCredentials => "SELECT count(*) FROM application_credentials WHERE user_id = ?1",
            Owned::AccessRules => "SELECT count(*) FROM access_rules WHERE user_id = ?1",
            Owned::Trusts => "SELECT count(*) FROM trusts WHERE trustor_user_id = ?1",
        };
        let count: u64 = self.connection.prepare_cached(sql)?.query_row(params![user.as_str()], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}
