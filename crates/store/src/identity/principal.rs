//! Domains, projects and users.

use rusqlite::{OptionalExtension, Row, named_params, params};
use serde_json::{Map, Value};
use types::{DomainId, ProjectId, UserId};

use super::Identity;
use super::column::{json, parsed, parsed_option};
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
    /// Attributes that only the client gives a meaning.
    pub extra: Map<String, Value>,
}

/// A project (tenant): who owns networks, ports and all the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Id.
    pub id: ProjectId,
    /// The domain in which the name is unique.
    pub domain_id: DomainId,
    /// The project above; none when that is the domain itself.
    pub parent_id: Option<ProjectId>,
    /// Name, unique in its domain.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Tokens for a disabled project are refused.
    pub enabled: bool,
    /// Tokens issued before this time (microseconds since 1970) are void.
    pub valid_from: i64,
    /// Labels.
    pub tags: Vec<String>,
    /// Attributes that only the client gives a meaning.
    pub extra: Map<String, Value>,
}

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
    /// Attributes that only the client gives a meaning: `email`, `description`, ...
    pub extra: Map<String, Value>,
}

impl std::fmt::Debug for User {
    /// Leaves out the password's hash, so that no log line can hold it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Domain {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            enabled: row.get("enabled")?,
            valid_from: row.get("valid_from")?,
            tags: json(row, "tags")?,
            extra: json(row, "extra")?,
        })
    }
}

impl Project {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            domain_id: parsed(row, "domain_id")?,
            parent_id: parsed_option(row, "parent_id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            enabled: row.get("enabled")?,
            valid_from: row.get("valid_from")?,
            tags: json(row, "tags")?,
            extra: json(row, "extra")?,
        })
    }
}

impl User {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            domain_id: parsed(row, "domain_id")?,
            name: row.get("name")?,
            enabled: row.get("enabled")?,
            default_project_id: parsed_option(row, "default_project_id")?,
            password_hash: row.get("password_hash")?,
            valid_from: row.get("valid_from")?,
            extra: json(row, "extra")?,
        })
    }
}

/// A value as the JSON text of a column.
fn text(value: &(impl Into<Value> + Clone)) -> String {
    value.clone().into().to_string()
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
            "INSERT INTO domains (id, name, description, enabled, valid_from, tags, extra)
             VALUES (:id, :name, :description, :enabled, :valid_from, :tags, :extra)
             ON CONFLICT (id) DO UPDATE SET name = :name, description = :description, enabled = :enabled,
                 valid_from = :valid_from, tags = :tags, extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": domain.id.as_str(), ":name": domain.name, ":description": domain.description,
            ":enabled": domain.enabled, ":valid_from": domain.valid_from, ":tags": text(&domain.tags),
            ":extra": text(&domain.extra),
        })?;
        Ok(())
    }

    /// Deletes a domain with the projects, users and assignments in it. False when there is none.
    pub fn delete_domain(&self, id: &DomainId) -> Result<bool, StoreError> {
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
        self.connection.execute("DELETE FROM users WHERE domain_id = ?1", [id.as_str()])?;
        Ok(self.connection.execute("DELETE FROM domains WHERE id = ?1", [id.as_str()])? > 0)
    }

    /// Every project, by id.
    pub fn projects(&self) -> Result<Vec<Project>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM projects ORDER BY id")?;
        let rows = statement.query_map([], Project::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One project.
    pub fn project(&self, id: &ProjectId) -> Result<Option<Project>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM projects WHERE id = ?1")?;
        Ok(statement.query_row([id.as_str()], Project::from_row).optional()?)
    }

    /// The project of a name in a domain.
    pub fn project_named(&self, domain: &DomainId, name: &str) -> Result<Option<Project>, StoreError> {
        let sql = "SELECT * FROM projects WHERE domain_id = ?1 AND name = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params![domain.as_str(), name], Project::from_row).optional()?)
    }

    /// Stores a project: a new one, or the new state of one that exists.
    pub fn put_project(&self, project: &Project) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO projects (id, domain_id, parent_id, name, description, enabled, valid_from, tags, extra)
             VALUES (:id, :domain_id, :parent_id, :name, :description, :enabled, :valid_from, :tags, :extra)
             ON CONFLICT (id) DO UPDATE SET name = :name, description = :description, enabled = :enabled,
                 valid_from = :valid_from, tags = :tags, extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": project.id.as_str(), ":domain_id": project.domain_id.as_str(),
            ":parent_id": project.parent_id.as_ref().map(ProjectId::as_str), ":name": project.name,
            ":description": project.description, ":enabled": project.enabled, ":valid_from": project.valid_from,
            ":tags": text(&project.tags), ":extra": text(&project.extra),
        })?;
        Ok(())
    }

    /// Whether a project has projects below it.
    pub fn has_children(&self, id: &ProjectId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM projects WHERE parent_id = ?1)";
        Ok(self.connection.prepare_cached(sql)?.query_row([id.as_str()], |row| row.get(0))?)
    }

    /// Deletes a project and its assignments. False when there is none.
    pub fn delete_project(&self, id: &ProjectId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM projects WHERE id = ?1", [id.as_str()])? > 0)
    }

    /// Every user, by id.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM users ORDER BY id")?;
        let rows = statement.query_map([], User::from_row)?;
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
            "INSERT INTO users (id, domain_id, name, enabled, default_project_id, password_hash, valid_from, extra)
             VALUES (:id, :domain_id, :name, :enabled, :default_project_id, :password_hash, :valid_from, :extra)
             ON CONFLICT (id) DO UPDATE SET name = :name, enabled = :enabled, default_project_id = :default_project_id,
                 password_hash = :password_hash, valid_from = :valid_from, extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": user.id.as_str(), ":domain_id": user.domain_id.as_str(), ":name": user.name,
            ":enabled": user.enabled,
            ":default_project_id": user.default_project_id.as_ref().map(ProjectId::as_str),
            ":password_hash": user.password_hash, ":valid_from": user.valid_from, ":extra": text(&user.extra),
        })?;
        Ok(())
    }

    /// Deletes a user and their assignments. False when there is none.
    pub fn delete_user(&self, id: &UserId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM users WHERE id = ?1", [id.as_str()])? > 0)
    }
}
