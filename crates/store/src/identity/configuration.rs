//! What is configured for one domain.

use rusqlite::params;
use types::DomainId;

use super::Identity;
use crate::StoreError;

/// An option of a domain's configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct DomainOption {
    /// The group: `ldap`.
    pub group: String,
    /// The name in the group: `url`.
    pub name: String,
    /// The value as JSON, or sealed.
    pub value: String,
    /// Whether the value is sealed: a secret that no answer shows.
    pub sealed: bool,
}

impl std::fmt::Debug for DomainOption {
    /// Leaves out the value, which may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DomainOption").field("group", &self.group).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Identity<'_> {
    /// The options of a domain, by group and name.
    pub fn domain_options(&self, domain: &DomainId) -> Result<Vec<DomainOption>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT group_name, name, value, sealed FROM domain_configuration WHERE domain_id = ?1
             ORDER BY group_name, name",
        )?;
        let rows = statement.query_map([domain.as_str()], |row| {
            Ok(DomainOption { group: row.get(0)?, name: row.get(1)?, value: row.get(2)?, sealed: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Sets an option of a domain.
    pub fn put_domain_option(&self, domain: &DomainId, option: &DomainOption) -> Result<(), StoreError> {
        let DomainOption { group, name, value, sealed } = option;
        self.connection
            .prepare_cached(
                "INSERT INTO domain_configuration (domain_id, group_name, name, value, sealed)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET value = excluded.value, sealed = excluded.sealed",
            )?
            .execute(params![domain.as_str(), group, name, value, sealed])?;
        Ok(())
    }

    /// Removes one option of a domain, those of a group, or (neither given) all.
    pub fn delete_domain_options(
        &self,
        domain: &DomainId,
        group: Option<&str>,
        name: Option<&str>,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "DELETE FROM domain_configuration
                 WHERE domain_id = ?1 AND (?2 IS NULL OR group_name = ?2) AND (?3 IS NULL OR name = ?3)",
            )?
            .execute(params![domain.as_str(), group, name])?;
        Ok(())
    }
}
