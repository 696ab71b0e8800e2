//! Credentials and consumers: secrets that are kept for others, encrypted.

use rusqlite::{OptionalExtension, Row, named_params};
use serde_json::{Map, Value};
use types::{ConsumerId, CredentialId, ProjectId, UserId};

use super::Identity;
use super::column::{json, parsed, parsed_option, text};
use crate::StoreError;

/// A secret of a user: a pair of EC2 keys, a certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct Credential {
    /// Id; for EC2 keys the hash of the access key.
    pub id: CredentialId,
    /// Whose it is.
    pub user_id: UserId,
    /// Where it is good, for the types that know projects.
    pub project_id: Option<ProjectId>,
    /// `ec2`, `cert`, ...
    pub kind: String,
    /// The secret, encrypted.
    pub sealed: Vec<u8>,
    /// Attributes that only the client gives a meaning.
    pub extra: Map<String, Value>,
}

/// A program that asks users for their rights by OAuth.
#[derive(Debug, Clone, PartialEq)]
pub struct Consumer {
    /// Id.
    pub id: ConsumerId,
    /// Free text.
    pub description: Option<String>,
    /// The secret, encrypted.
    pub sealed: Vec<u8>,
    /// Attributes that only the client gives a meaning.
    pub extra: Map<String, Value>,
}

impl Credential {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            user_id: parsed(row, "user_id")?,
            project_id: parsed_option(row, "project_id")?,
            kind: row.get("type")?,
            sealed: row.get("sealed")?,
            extra: json(row, "extra")?,
        })
    }
}

impl Consumer {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            description: row.get("description")?,
            sealed: row.get("sealed")?,
            extra: json(row, "extra")?,
        })
    }
}

impl Identity<'_> {
    /// The credentials of a user, or of all, by id.
    pub fn credentials(&self, user: Option<&UserId>) -> Result<Vec<Credential>, StoreError> {
        let sql = "SELECT * FROM credentials WHERE ?1 IS NULL OR user_id = ?1 ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([user.map(UserId::as_str)], Credential::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One credential.
    pub fn credential(&self, id: &CredentialId) -> Result<Option<Credential>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM credentials WHERE id = ?1")?;
        Ok(statement.query_row([id.as_str()], Credential::from_row).optional()?)
    }

    /// Stores a new credential.
    pub fn create_credential(&self, credential: &Credential) -> Result<(), StoreError> {
        self.write_credential(
            "INSERT INTO credentials (id, user_id, project_id, type, sealed, extra)
             VALUES (:id, :user, :project, :type, :sealed, :extra)",
            credential,
        )
    }

    /// Stores the new state of a credential.
    pub fn update_credential(&self, credential: &Credential) -> Result<(), StoreError> {
        self.write_credential(
            "UPDATE credentials SET user_id = :user, project_id = :project, type = :type, sealed = :sealed,
                 extra = :extra WHERE id = :id",
            credential,
        )
    }

    fn write_credential(&self, sql: &str, credential: &Credential) -> Result<(), StoreError> {
        self.connection.prepare_cached(sql)?.execute(named_params! {
            ":id": credential.id.as_str(), ":user": credential.user_id.as_str(),
            ":project": credential.project_id.as_ref().map(ProjectId::as_str), ":type": credential.kind,
            ":sealed": credential.sealed, ":extra": text(&credential.extra),
        })?;
        Ok(())
    }

    /// Deletes a credential. False when there is none.
    pub fn delete_credential(&self, id: &CredentialId) -> Result<bool, StoreError> {
        Ok(self.connection.prepare_cached("DELETE FROM credentials WHERE id = ?1")?.execute([id.as_str()])? > 0)
    }

    /// Every consumer, by id.
    pub fn consumers(&self) -> Result<Vec<Consumer>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM consumers ORDER BY id")?;
        let rows = statement.query_map([], Consumer::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One consumer.
    pub fn consumer(&self, id: &ConsumerId) -> Result<Option<Consumer>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM consumers WHERE id = ?1")?;
        Ok(statement.query_row([id.as_str()], Consumer::from_row).optional()?)
    }

    /// Stores a consumer: a new one, or the new state of one that exists.
    pub fn put_consumer(&self, consumer: &Consumer) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO consumers (id, description, sealed, extra) VALUES (:id, :description, :sealed, :extra)
             ON CONFLICT (id) DO UPDATE SET description = :description, extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": consumer.id.as_str(), ":description": consumer.description, ":sealed": consumer.sealed,
            ":extra": text(&consumer.extra),
        })?;
        Ok(())
    }

    /// Deletes a consumer. False when there is none.
    pub fn delete_consumer(&self, id: &ConsumerId) -> Result<bool, StoreError> {
        Ok(self.connection.prepare_cached("DELETE FROM consumers WHERE id = ?1")?.execute([id.as_str()])? > 0)
    }
}
