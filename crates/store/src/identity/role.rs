//! Roles and what they imply.

use rusqlite::{OptionalExtension, Row, named_params, params};
use types::{DomainId, RoleId};

use super::Identity;
use super::column::{parsed, parsed_option};
use crate::StoreError;

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Id.
    pub id: RoleId,
    /// Name, unique in its domain.
    pub name: String,
    /// The domain that the role belongs to; none for a role of the whole cloud.
    pub domain_id: Option<DomainId>,
    /// Free text.
    pub description: Option<String>,
    /// An immutable role can be neither changed nor deleted.
    pub immutable: bool,
}

impl Role {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            name: row.get("name")?,
            domain_id: parsed_option(row, "domain_id")?,
            description: row.get("description")?,
            immutable: row.get("immutable")?,
        })
    }
}

impl Identity<'_> {
    /// Every role, by id.
    pub fn roles(&self) -> Result<Vec<Role>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM roles ORDER BY id")?;
        let rows = statement.query_map([], Role::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One role.
    pub fn role(&self, id: &RoleId) -> Result<Option<Role>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM roles WHERE id = ?1")?;
        Ok(statement.query_row([id.as_str()], Role::from_row).optional()?)
    }

    /// The role of a name, in a domain or (none) in the whole cloud.
    pub fn role_named(&self, domain: Option<&DomainId>, name: &str) -> Result<Option<Role>, StoreError> {
        let sql = "SELECT * FROM roles WHERE name = ?1 AND coalesce(domain_id, '') = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let domain = domain.map_or("", DomainId::as_str);
        Ok(statement.query_row(params![name, domain], Role::from_row).optional()?)
    }

    /// Stores a role: a new one, or the new state of one that exists.
    pub fn put_role(&self, role: &Role) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO roles (id, name, domain_id, description, immutable)
             VALUES (:id, :name, :domain_id, :description, :immutable)
             ON CONFLICT (id) DO UPDATE SET name = :name, description = :description, immutable = :immutable",
        )?;
        statement.execute(named_params! {
            ":id": role.id.as_str(), ":name": role.name,
            ":domain_id": role.domain_id.as_ref().map(DomainId::as_str),
            ":description": role.description, ":immutable": role.immutable,
        })?;
        Ok(())
    }

    /// Deletes a role with its assignments and implications. False when there is none.
    pub fn delete_role(&self, id: &RoleId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM roles WHERE id = ?1", [id.as_str()])? > 0)
    }

    /// The direct implications: whoever has the first role has the second.
    pub fn implied_roles(&self) -> Result<Vec<(RoleId, RoleId)>, StoreError> {
        let sql = "SELECT prior_role_id, implied_role_id FROM implied_roles ORDER BY 1, 2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows =
            statement.query_map([], |row| Ok((parsed(row, "prior_role_id")?, parsed(row, "implied_role_id")?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes a role imply another. Nothing happens when it does already.
    pub fn imply_role(&self, prior: &RoleId, implied: &RoleId) -> Result<(), StoreError> {
        let sql = "INSERT INTO implied_roles (prior_role_id, implied_role_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        self.connection.prepare_cached(sql)?.execute(params![prior.as_str(), implied.as_str()])?;
        Ok(())
    }
}
