//! Roles and what they imply.

use rusqlite::{OptionalExtension, Row, named_params, params};
use serde_json::{Map, Value};
use types::{DomainId, RoleId};

use super::Identity;
use super::column::{json, parsed, parsed_option, text};
use crate::StoreError;

/// A role.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Id.
    pub id: RoleId,
    /// Name, unique in its domain.
    pub name: String,
    /// The domain that the role belongs to; none for a role of the whole cloud.
    pub domain_id: Option<DomainId>,
    /// Free text.
    pub description: Option<String>,
    /// An immutable role can be neither changed nor deleted; none when nothing was said.
    pub immutable: Option<bool>,
    /// Attributes that only the client gives a meaning.
    pub extra: Map<String, Value>,
}

impl Role {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            name: row.get("name")?,
            domain_id: parsed_option(row, "domain_id")?,
            description: row.get("description")?,
            immutable: row.get("immutable")?,
            extra: json(row, "extra")?,
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
            "INSERT INTO roles (id, name, domain_id, description, immutable, extra)
             VALUES (:id, :name, :domain_id, :description, :immutable, :extra)
             ON CONFLICT (id) DO UPDATE SET name = :name, description = :description, immutable = :immutable,
                 extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": role.id.as_str(), ":name": role.name,
            ":domain_id": role.domain_id.as_ref().map(DomainId::as_str),
            ":description": role.description, ":immutable": role.immutable,
            ":extra": text(&role.extra),
        })?;
        Ok(())
    }

    /// Deletes a role with its assignments and implications, and the application credentials that have
    /// it. False when there is none.
    pub fn delete_role(&self, id: &RoleId) -> Result<bool, StoreError> {
        self.delete_application_credentials_with(id)?;
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

    /// The roles that a role implies directly, by id.
    pub fn roles_implied_by(&self, prior: &RoleId) -> Result<Vec<Role>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT roles.* FROM implied_roles JOIN roles ON roles.id = implied_role_id
             WHERE prior_role_id = ?1 ORDER BY roles.id",
        )?;
        let rows = statement.query_map([prior.as_str()], Role::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether having a role means to have another, at any remove; a role means itself.
    pub fn is_implied(&self, prior: &RoleId, implied: &RoleId) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "WITH RECURSIVE held (id) AS (
                 SELECT ?1
                 UNION
                 SELECT implied_role_id FROM held JOIN implied_roles ON prior_role_id = held.id)
             SELECT EXISTS (SELECT 1 FROM held WHERE id = ?2)",
        )?;
        Ok(statement.query_row(params![prior.as_str(), implied.as_str()], |row| row.get(0))?)
    }

    /// Ends that a role implies another. False when it did not.
    pub fn stop_implying(&self, prior: &RoleId, implied: &RoleId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM implied_roles WHERE prior_role_id = ?1 AND implied_role_id = ?2";
        Ok(self.connection.prepare_cached(sql)?.execute(params![prior.as_str(), implied.as_str()])? > 0)
    }
}
