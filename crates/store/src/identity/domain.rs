//! Domains.

use rusqlite::{OptionalExtension, Row, named_params};
use serde_json::{Map, Value};
use types::DomainId;

use super::Identity;
use super::column::{json, parsed, text};
use crate::StoreError;

/// A domain: a name space of projects and users.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    /// Id; the first one's is `default`.
    pub id: DomainId,
    /// Name, unique in the cloud.
    pub name: String,
    /// Free text.
    pub description: String,
    /// A disabled domain's users and projects get no tokens.
    pub enabled: bool,
    /// Tokens issued before this time (microseconds since 1970) are void.
    pub valid_from: i64,
    /// Labels.
    pub tags: Vec<String>,
    /// What the service itself obeys, by Keystone's names: `immutable`.
    pub options: Map<String, Value>,
    /// Attributes that only the client gives a meaning.
    pub extra: Map<String, Value>,
}

impl Domain {
    /// An enabled domain of a name, with a new id.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            id: DomainId::random(),
            name: name.into(),
            description: String::new(),
            enabled: true,
            valid_from: 0,
            tags: Vec::new(),
            options: Map::new(),
            extra: Map::new(),
        }
    }

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            enabled: row.get("enabled")?,
            valid_from: row.get("valid_from")?,
            tags: json(row, "tags")?,
            options: json(row, "options")?,
            extra: json(row, "extra")?,
        })
    }
}

impl Identity<'_> {
    /// Every domain, by id.
    pub fn domains(&self) -> Result<Vec<Domain>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM domains ORDER BY id")?;
        let rows = statement.query_map([], Domain::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One domain.
    pub fn domain(&self, id: &DomainId) -> Result<Option<Domain>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM domains WHERE id = ?1")?;
        Ok(statement.query_row([id.as_str()], Domain::from_row).optional()?)
    }

    /// The domain of a name.
    pub fn domain_named(&self, name: &str) -> Result<Option<Domain>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM domains WHERE name = ?1")?;
        Ok(statement.query_row([name], Domain::from_row).optional()?)
    }

    /// Stores a domain: a new one, or the new state of one that exists.
    pub fn put_domain(&self, domain: &Domain) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO domains (id, name, description, enabled, valid_from, tags, options, extra)
             VALUES (:id, :name, :description, :enabled, :valid_from, :tags, :options, :extra)
             ON CONFLICT (id) DO UPDATE SET name = :name, description = :description, enabled = :enabled,
                 valid_from = :valid_from, tags = :tags, options = :options, extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": domain.id.as_str(), ":name": domain.name, ":description": domain.description,
            ":enabled": domain.enabled, ":valid_from": domain.valid_from, ":tags": text(&domain.tags),
            ":options": text(&domain.options), ":extra": text(&domain.extra),
        })?;
        Ok(())
    }

    /// Deletes a domain with the projects, users, groups and assignments in it. False when there is none.
    pub fn delete_domain(&self, id: &DomainId) -> Result<bool, StoreError> {
        self.connection.execute(
            "UPDATE users SET default_project_id = NULL
             WHERE default_project_id IN (SELECT id FROM projects WHERE domain_id = ?1)",
            [id.as_str()],
        )?;
        // Children before parents, as long as any goes: parent_id restricts.
        loop {
            let leaves = self.connection.execute(
                "DELETE FROM projects WHERE domain_id = ?1
                 AND id NOT IN (SELECT parent_id FROM projects WHERE parent_id IS NOT NULL)",
                [id.as_str()],
            )?;
            if leaves == 0 {
                break;
            }
        }
        self.connection.execute("DELETE FROM groups WHERE domain_id = ?1", [id.as_str()])?;
        self.connection.execute("DELETE FROM users WHERE domain_id = ?1", [id.as_str()])?;
        Ok(self.connection.execute("DELETE FROM domains WHERE id = ?1", [id.as_str()])? > 0)
    }
}
