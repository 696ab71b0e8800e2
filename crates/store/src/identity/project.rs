//! Projects and their tree.

use rusqlite::{OptionalExtension, Row, named_params, params, params_from_iter};
use serde_json::{Map, Value};
use types::{DomainId, ProjectId};

use super::column::{json, parsed, parsed_option, text};
use super::{Identity, PrincipalFilter};
use crate::StoreError;

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
    /// What the service itself obeys, by Keystone's names: `immutable`.
    pub options: Map<String, Value>,
    /// Attributes that only the client gives a meaning.
    pub extra: Map<String, Value>,
}

impl Project {
    /// An enabled project of a name at the top of a domain, with a new id.
    #[must_use]
    pub fn new(domain_id: DomainId, name: impl Into<String>) -> Self {
        Self {
            id: ProjectId::random(),
            domain_id,
            parent_id: None,
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
            domain_id: parsed(row, "domain_id")?,
            parent_id: parsed_option(row, "parent_id")?,
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
    /// Every project, by id.
    pub fn projects(&self) -> Result<Vec<Project>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM projects ORDER BY id")?;
        let rows = statement.query_map([], Project::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The projects that a filter selects, by id.
    pub fn projects_where(&self, filter: &PrincipalFilter) -> Result<Vec<Project>, StoreError> {
        let (condition, values) = filter.sql("projects");
        let sql = format!("SELECT * FROM projects WHERE {condition} ORDER BY id");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), Project::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The projects above a project, the nearest first.
    pub fn projects_above(&self, id: &ProjectId) -> Result<Vec<Project>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "WITH RECURSIVE above (id, distance) AS (
                 SELECT parent_id, 1 FROM projects WHERE id = ?1 AND parent_id IS NOT NULL
                 UNION ALL
                 SELECT parent_id, distance + 1 FROM projects JOIN above USING (id) WHERE parent_id IS NOT NULL)
             SELECT projects.* FROM projects JOIN above USING (id) ORDER BY distance",
        )?;
        let rows = statement.query_map([id.as_str()], Project::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The projects below a project, parents before their children.
    pub fn projects_below(&self, id: &ProjectId) -> Result<Vec<Project>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "WITH RECURSIVE below (id, distance) AS (
                 SELECT id, 1 FROM projects WHERE parent_id = ?1
                 UNION ALL
                 SELECT projects.id, distance + 1 FROM projects JOIN below ON parent_id = below.id)
             SELECT projects.* FROM projects JOIN below USING (id) ORDER BY distance, projects.id",
        )?;
        let rows = statement.query_map([id.as_str()], Project::from_row)?;
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
            "INSERT INTO projects (id, domain_id, parent_id, name, description, enabled, valid_from, tags, options, extra)
             VALUES (:id, :domain_id, :parent_id, :name, :description, :enabled, :valid_from, :tags, :options, :extra)
             ON CONFLICT (id) DO UPDATE SET name = :name, description = :description, enabled = :enabled,
                 valid_from = :valid_from, tags = :tags, options = :options, extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": project.id.as_str(), ":domain_id": project.domain_id.as_str(),
            ":parent_id": project.parent_id.as_ref().map(ProjectId::as_str), ":name": project.name,
            ":description": project.description, ":enabled": project.enabled, ":valid_from": project.valid_from,
            ":tags": text(&project.tags), ":options": text(&project.options), ":extra": text(&project.extra),
        })?;
        Ok(())
    }

    /// Whether a project has projects below it.
    pub fn has_children(&self, id: &ProjectId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM projects WHERE parent_id = ?1)";
        Ok(self.connection.prepare_cached(sql)?.query_row([id.as_str()], |row| row.get(0))?)
    }

    /// Deletes a project and its assignments; nobody's default project is it any longer. False when there is
    /// none.
    pub fn delete_project(&self, id: &ProjectId) -> Result<bool, StoreError> {
        let sql = "UPDATE users SET default_project_id = NULL WHERE default_project_id = ?1";
        self.connection.execute(sql, [id.as_str()])?;
        Ok(self.connection.execute("DELETE FROM projects WHERE id = ?1", [id.as_str()])? > 0)
    }
}
