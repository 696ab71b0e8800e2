//! Policies: texts that services may fetch. Nothing here reads them.

use rusqlite::{OptionalExtension, Row, named_params};
use serde_json::{Map, Value};
use types::PolicyId;

use super::Identity;
use super::column::{json, parsed, text};
use crate::StoreError;

/// A policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Id.
    pub id: PolicyId,
    /// The media type of the text.
    pub kind: String,
    /// The text.
    pub blob: String,
    /// Attributes that only the client gives a meaning.
    pub extra: Map<String, Value>,
}

impl Policy {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: parsed(row, "id")?, kind: row.get("type")?, blob: row.get("blob")?, extra: json(row, "extra")? })
    }
}

impl Identity<'_> {
    /// Every policy, by id.
    pub fn policies(&self) -> Result<Vec<Policy>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM policies ORDER BY id")?;
        let rows = statement.query_map([], Policy::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One policy.
    pub fn policy(&self, id: &PolicyId) -> Result<Option<Policy>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM policies WHERE id = ?1")?;
        Ok(statement.query_row([id.as_str()], Policy::from_row).optional()?)
    }

    /// Stores a policy: a new one, or the new state of one that exists.
    pub fn put_policy(&self, policy: &Policy) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO policies (id, type, blob, extra) VALUES (:id, :type, :blob, :extra)
             ON CONFLICT (id) DO UPDATE SET type = :type, blob = :blob, extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": policy.id.as_str(), ":type": policy.kind, ":blob": policy.blob, ":extra": text(&policy.extra),
        })?;
        Ok(())
    }

    /// Deletes a policy. False when there is none.
    pub fn delete_policy(&self, id: &PolicyId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM policies WHERE id = ?1", [id.as_str()])? > 0)
    }
}
