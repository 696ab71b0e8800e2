//! What a project's catalogue is cut down to: endpoints, and groups of endpoints.

use rusqlite::{OptionalExtension, Row, named_params, params};
use types::{EndpointGroupId, EndpointId, ProjectId};

use super::column::{json, parsed, text};
use super::{Endpoint, Identity, Project};
use crate::StoreError;

/// A group of endpoints: those whose attributes are as its filters say.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointGroup {
    /// Id.
    pub id: EndpointGroupId,
    /// Name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Attributes of endpoints and their values: `interface`, `region_id`, `service_id`.
    pub filters: serde_json::Map<String, serde_json::Value>,
}

impl EndpointGroup {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            filters: json(row, "filters")?,
        })
    }
}

impl Identity<'_> {
    /// Every group of endpoints, by id.
    pub fn endpoint_groups(&self) -> Result<Vec<EndpointGroup>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM endpoint_groups ORDER BY id")?;
        let rows = statement.query_map([], EndpointGroup::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One group of endpoints.
    pub fn endpoint_group(&self, id: &EndpointGroupId) -> Result<Option<EndpointGroup>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM endpoint_groups WHERE id = ?1")?;
        Ok(statement.query_row([id.as_str()], EndpointGroup::from_row).optional()?)
    }

    /// Stores a group of endpoints: a new one, or the new state of one that exists.
    pub fn put_endpoint_group(&self, group: &EndpointGroup) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO endpoint_groups (id, name, description, filters) VALUES (:id, :name, :description, :filters)
             ON CONFLICT (id) DO UPDATE SET name = :name, description = :description, filters = :filters",
        )?;
        statement.execute(named_params! {
            ":id": group.id.as_str(), ":name": group.name, ":description": group.description,
            ":filters": text(&group.filters),
        })?;
        Ok(())
    }

    /// Deletes a group of endpoints, from projects too. False when there is none.
    pub fn delete_endpoint_group(&self, id: &EndpointGroupId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM endpoint_groups WHERE id = ?1", [id.as_str()])? > 0)
    }

    /// Gives a project an endpoint. An endpoint that it has already is [`StoreError::NotUnique`].
    pub fn add_endpoint_to_project(&self, endpoint: &EndpointId, project: &ProjectId) -> Result<(), StoreError> {
        let sql = "INSERT INTO project_endpoints (project_id, endpoint_id) VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute(params![project.as_str(), endpoint.as_str()])?;
        Ok(())
    }

    /// Whether a project was given an endpoint.
    pub fn has_endpoint(&self, project: &ProjectId, endpoint: &EndpointId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM project_endpoints WHERE project_id = ?1 AND endpoint_id = ?2)";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params![project.as_str(), endpoint.as_str()], |row| row.get(0))?)
    }

    /// Takes an endpoint from a project. False when it had not got it.
    pub fn remove_endpoint_from_project(&self, endpoint: &EndpointId, project: &ProjectId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM project_endpoints WHERE project_id = ?1 AND endpoint_id = ?2";
        Ok(self.connection.prepare_cached(sql)?.execute(params![project.as_str(), endpoint.as_str()])? > 0)
    }

    /// The endpoints that a project was given one by one, by id.
    pub fn endpoints_of_project(&self, project: &ProjectId) -> Result<Vec<Endpoint>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT endpoints.* FROM project_endpoints JOIN endpoints ON endpoints.id = endpoint_id
             WHERE project_id = ?1 ORDER BY endpoints.id",
        )?;
        let rows = statement.query_map([project.as_str()], Endpoint::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The projects that were given an endpoint, by id.
    pub fn projects_of_endpoint(&self, endpoint: &EndpointId) -> Result<Vec<Project>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT projects.* FROM project_endpoints JOIN projects ON projects.id = project_id
             WHERE endpoint_id = ?1 ORDER BY projects.id",
        )?;
        let rows = statement.query_map([endpoint.as_str()], Project::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Gives a project a group of endpoints. A group that it has already is [`StoreError::NotUnique`].
    pub fn add_endpoint_group_to_project(
        &self,
        group: &EndpointGroupId,
        project: &ProjectId,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO project_endpoint_groups (project_id, endpoint_group_id) VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute(params![project.as_str(), group.as_str()])?;
        Ok(())
    }

    /// Takes a group of endpoints from a project. False when it had not got it.
    pub fn remove_endpoint_group_from_project(
        &self,
        group: &EndpointGroupId,
        project: &ProjectId,
    ) -> Result<bool, StoreError> {
        let sql = "DELETE FROM project_endpoint_groups WHERE project_id = ?1 AND endpoint_group_id = ?2";
        Ok(self.connection.prepare_cached(sql)?.execute(params![project.as_str(), group.as_str()])? > 0)
    }

    /// The groups of endpoints that a project was given, by id.
    pub fn endpoint_groups_of_project(&self, project: &ProjectId) -> Result<Vec<EndpointGroup>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT endpoint_groups.* FROM project_endpoint_groups
             JOIN endpoint_groups ON endpoint_groups.id = endpoint_group_id
             WHERE project_id = ?1 ORDER BY endpoint_groups.id",
        )?;
        let rows = statement.query_map([project.as_str()], EndpointGroup::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The projects that were given a group of endpoints, by id.
    pub fn projects_of_endpoint_group(&self, group: &EndpointGroupId) -> Result<Vec<Project>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT projects.* FROM project_endpoint_groups JOIN projects ON projects.id = project_id
             WHERE endpoint_group_id = ?1 ORDER BY projects.id",
        )?;
        let rows = statement.query_map([group.as_str()], Project::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
