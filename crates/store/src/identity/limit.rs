//! Unified limits: how much of something there is by default, and what differs for one project or
//! domain. Services that keep their own counts ask for these numbers.

use rusqlite::{OptionalExtension, Row, named_params, params};
use types::{DomainId, LimitId, ProjectId, RegisteredLimitId, ServiceId};

use super::Identity;
use super::column::{parsed, parsed_option};
use crate::StoreError;

/// How much of a resource a project or domain may have by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredLimit {
    /// Id.
    pub id: RegisteredLimitId,
    /// The service that has the resource.
    pub service_id: ServiceId,
    /// The region in which it holds; none for all.
    pub region_id: Option<String>,
    /// Name of the resource.
    pub resource_name: String,
    /// The number; -1 for no limit.
    pub default_limit: i64,
    /// Free text.
    pub description: Option<String>,
}

/// Whose limit it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitOwner {
    /// A project's.
    Project(ProjectId),
    /// A domain's.
    Domain(DomainId),
}

impl LimitOwner {
    fn columns(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Project(id) => (Some(id.as_str()), None),
            Self::Domain(id) => (None, Some(id.as_str())),
        }
    }
}

/// How much of a resource one project or domain may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Id.
    pub id: LimitId,
    /// Whose limit it is.
    pub owner: LimitOwner,
    /// What is limited: service, region and resource.
    pub registered: RegisteredLimit,
    /// The number; -1 for no limit.
    pub resource_limit: i64,
    /// Free text.
    pub description: Option<String>,
}

impl RegisteredLimit {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "registered_id")?,
            service_id: parsed(row, "service_id")?,
            region_id: row.get("region_id")?,
            resource_name: row.get("resource_name")?,
            default_limit: row.get("default_limit")?,
            description: row.get("registered_description")?,
        })
    }
}

impl Limit {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let owner = match parsed_option(row, "project_id")? {
            Some(project) => LimitOwner::Project(project),
            None => LimitOwner::Domain(parsed(row, "domain_id")?),
        };
        Ok(Self {
            id: parsed(row, "id")?,
            owner,
            registered: RegisteredLimit::from_row(row)?,
            resource_limit: row.get("resource_limit")?,
            description: row.get("description")?,
        })
    }
}

const REGISTERED: &str = "registered_limits.id AS registered_id, service_id, region_id, resource_name, default_limit,
    registered_limits.description AS registered_description";

impl Identity<'_> {
    /// Every registered limit, by id.
    pub fn registered_limits(&self) -> Result<Vec<RegisteredLimit>, StoreError> {
        let sql = format!("SELECT {REGISTERED} FROM registered_limits ORDER BY id");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], RegisteredLimit::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One registered limit.
    pub fn registered_limit(&self, id: &RegisteredLimitId) -> Result<Option<RegisteredLimit>, StoreError> {
        let sql = format!("SELECT {REGISTERED} FROM registered_limits WHERE id = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([id.as_str()], RegisteredLimit::from_row).optional()?)
    }

    /// The registered limit of a resource.
    pub fn registered_limit_of(
        &self,
        service: &ServiceId,
        region: Option<&str>,
        resource_name: &str,
    ) -> Result<Option<RegisteredLimit>, StoreError> {
        let sql = format!(
            "SELECT {REGISTERED} FROM registered_limits
             WHERE service_id = ?1 AND coalesce(region_id, '') = ?2 AND resource_name = ?3"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let parameters = params![service.as_str(), region.unwrap_or_default(), resource_name];
        Ok(statement.query_row(parameters, RegisteredLimit::from_row).optional()?)
    }

    /// Stores a registered limit: a new one, or the new state of one that exists.
    pub fn put_registered_limit(&self, limit: &RegisteredLimit) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO registered_limits (id, service_id, region_id, resource_name, default_limit, description)
             VALUES (:id, :service_id, :region_id, :resource_name, :default_limit, :description)
             ON CONFLICT (id) DO UPDATE SET service_id = :service_id, region_id = :region_id,
                 resource_name = :resource_name, default_limit = :default_limit, description = :description",
        )?;
        statement.execute(named_params! {
            ":id": limit.id.as_str(), ":service_id": limit.service_id.as_str(), ":region_id": limit.region_id,
            ":resource_name": limit.resource_name, ":default_limit": limit.default_limit,
            ":description": limit.description,
        })?;
        Ok(())
    }

    /// Deletes a registered limit. False when there is none; a limit of a project or domain that
    /// refers to it is [`StoreError::Reference`].
    pub fn delete_registered_limit(&self, id: &RegisteredLimitId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM registered_limits WHERE id = ?1", [id.as_str()])? > 0)
    }

    /// Whether a project or domain has its own number in place of a registered limit.
    pub fn is_limit_in_use(&self, id: &RegisteredLimitId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM limits WHERE registered_limit_id = ?1)";
        Ok(self.connection.prepare_cached(sql)?.query_row([id.as_str()], |row| row.get(0))?)
    }

    /// Every limit of a project or domain, by id.
    pub fn limits(&self) -> Result<Vec<Limit>, StoreError> {
        let sql = format!(
            "SELECT limits.*, {REGISTERED}
             FROM limits JOIN registered_limits ON registered_limits.id = registered_limit_id ORDER BY limits.id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], Limit::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One limit of a project or domain.
    pub fn limit(&self, id: &LimitId) -> Result<Option<Limit>, StoreError> {
        let sql = format!(
            "SELECT limits.*, {REGISTERED}
             FROM limits JOIN registered_limits ON registered_limits.id = registered_limit_id WHERE limits.id = ?1"
        );
        Ok(self.connection.prepare_cached(&sql)?.query_row([id.as_str()], Limit::from_row).optional()?)
    }

    /// Stores a limit: a new one, or the new number and description of one that exists.
    pub fn put_limit(&self, limit: &Limit) -> Result<(), StoreError> {
        let (project, domain) = limit.owner.columns();
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO limits (id, registered_limit_id, project_id, domain_id, resource_limit, description)
             VALUES (:id, :registered, :project, :domain, :resource_limit, :description)
             ON CONFLICT (id) DO UPDATE SET resource_limit = :resource_limit, description = :description",
        )?;
        statement.execute(named_params! {
            ":id": limit.id.as_str(), ":registered": limit.registered.id.as_str(), ":project": project,
            ":domain": domain, ":resource_limit": limit.resource_limit, ":description": limit.description,
        })?;
        Ok(())
    }

    /// Deletes a limit. False when there is none.
    pub fn delete_limit(&self, id: &LimitId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM limits WHERE id = ?1", [id.as_str()])? > 0)
    }
}
