//! Users.

use rusqlite::{OptionalExtension, Row, named_params, params, params_from_iter};
use serde_json::{Map, Value};
use types::{DomainId, ProjectId, UserId};

use super::column::{json, parsed, parsed_option, text};
use super::{Identity, PrincipalFilter};
use crate::StoreError;

/// A user.
#[derive(Clone, PartialEq)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// The domain in which the name is unique.
    pub domain_id: DomainId,
    /// Name, unique in its domain.
    pub name: String,
    /// A disabled user is refused, with tokens issued before too.
    pub enabled: bool,
    /// The scope of tokens that ask for none.
    pub default_project_id: Option<ProjectId>,
    /// PHC string of argon2id; none for a user who cannot log in by password.
    pub password_hash: Option<String>,
    /// Tokens issued before this time (microseconds since 1970) are void.
    pub valid_from: i64,
    /// When the password was set, in microseconds since 1970.
    pub password_set_at: Option<i64>,
    /// Until when the password may be used; none for ever.
    pub password_expires_at: Option<i64>,
    /// Whether the user set the password, and not an administrator.
    pub password_by_user: bool,
    /// What the service itself obeys, by Keystone's names: `lock_password`, ...
    pub options: Map<String, Value>,
    /// Attributes that only the client gives a meaning: `email`, `description`, ...
    pub extra: Map<String, Value>,
}

impl std::fmt::Debug for User {
    /// Leaves out the password's hash, so that no log line can hold it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl User {
    /// An enabled user of a name without a password, with a new id.
    #[must_use]
    pub fn new(domain_id: DomainId, name: impl Into<String>) -> Self {
        Self {
            id: UserId::random(),
            domain_id,
            name: name.into(),
            enabled: true,
            default_project_id: None,
            password_hash: None,
            valid_from: 0,
            password_set_at: None,
            password_expires_at: None,
            password_by_user: false,
            options: Map::new(),
            extra: Map::new(),
        }
    }

    /// Whether an option is set.
    #[must_use]
    pub fn has_option(&self, name: &str) -> bool {
        self.options.get(name).is_some_and(|value| *value == Value::Bool(true))
    }

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            domain_id: parsed(row, "domain_id")?,
            name: row.get("name")?,
            enabled: row.get("enabled")?,
            default_project_id: parsed_option(row, "default_project_id")?,
            password_hash: row.get("password_hash")?,
            valid_from: row.get("valid_from")?,
            password_set_at: row.get("password_set_at")?,
            password_expires_at: row.get("password_expires_at")?,
            password_by_user: row.get("password_by_user")?,
            options: json(row, "options")?,
            extra: json(row, "extra")?,
        })
    }
}

impl Identity<'_> {
    /// Every user, by id.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM users ORDER BY id")?;
        let rows = statement.query_map([], User::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The users that a filter selects, by id.
    pub fn users_where(&self, filter: &PrincipalFilter) -> Result<Vec<User>, StoreError> {
        let (condition, values) = filter.sql("users");
        let sql = format!("SELECT * FROM users WHERE {condition} ORDER BY id");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), User::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One user.
    pub fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM users WHERE id = ?1")?;
        Ok(statement.query_row([id.as_str()], User::from_row).optional()?)
    }

    /// The user of a name in a domain.
    pub fn user_named(&self, domain: &DomainId, name: &str) -> Result<Option<User>, StoreError> {
        let sql = "SELECT * FROM users WHERE domain_id = ?1 AND name = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params![domain.as_str(), name], User::from_row).optional()?)
    }

    /// Stores a user: a new one, or the new state of one that exists.
    pub fn put_user(&self, user: &User) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO users (id, domain_id, name, enabled, default_project_id, password_hash, valid_from,
                 password_set_at, password_expires_at, password_by_user, options, extra)
             VALUES (:id, :domain_id, :name, :enabled, :default_project_id, :password_hash, :valid_from,
                 :password_set_at, :password_expires_at, :password_by_user, :options, :extra)
             ON CONFLICT (id) DO UPDATE SET name = :name, enabled = :enabled, default_project_id = :default_project_id,
                 password_hash = :password_hash, valid_from = :valid_from, password_set_at = :password_set_at,
                 password_expires_at = :password_expires_at, password_by_user = :password_by_user,
                 options = :options, extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": user.id.as_str(), ":domain_id": user.domain_id.as_str(), ":name": user.name,
            ":enabled": user.enabled,
            ":default_project_id": user.default_project_id.as_ref().map(ProjectId::as_str),
            ":password_hash": user.password_hash, ":valid_from": user.valid_from,
            ":password_set_at": user.password_set_at, ":password_expires_at": user.password_expires_at,
            ":password_by_user": user.password_by_user, ":options": text(&user.options),
            ":extra": text(&user.extra),
        })?;
        Ok(())
    }

    /// Deletes a user with their assignments, memberships and passwords. False when there is none.
    pub fn delete_user(&self, id: &UserId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM users WHERE id = ?1", [id.as_str()])? > 0)
    }
}
