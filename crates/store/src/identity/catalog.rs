//! Services and endpoints: where a client finds what.
//!
//! Some are this server's own: `configured` marks them, each start brings them back, and unique
//! indexes keep each of them single. The others came through the API and are never touched by a start.

use rusqlite::{OptionalExtension, Row, named_params};
use serde_json::{Map, Value};
use types::{EndpointId, ServiceId};

use super::Identity;
use super::column::{json, parsed, text};
use crate::StoreError;

/// A service of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Id.
    pub id: ServiceId,
    /// What it is, in OpenStack's list of service types: `network`.
    pub kind: String,
    /// Name of the product that serves it: `neutron`.
    pub name: String,
    /// A disabled service is left out of the catalogue.
    pub enabled: bool,
    /// Whether it is one of this server's own.
    pub configured: bool,
    /// Attributes that only the client gives a meaning.
    pub extra: Map<String, Value>,
}

/// Where a service of a region is reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Id.
    pub id: EndpointId,
    /// The service.
    pub service_id: ServiceId,
    /// The region; none for an endpoint of no region.
    pub region_id: Option<String>,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// A whole URL, perhaps with places for ids in it; or a path of this server.
    pub url: String,
    /// A disabled endpoint is left out of the catalogue.
    pub enabled: bool,
    /// Whether it is one of this server's own.
    pub configured: bool,
    /// Attributes that only the client gives a meaning.
    pub extra: Map<String, Value>,
}

impl Service {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            kind: row.get("type")?,
            name: row.get("name")?,
            enabled: row.get("enabled")?,
            configured: row.get("configured")?,
            extra: json(row, "extra")?,
        })
    }
}

impl Endpoint {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            service_id: parsed(row, "service_id")?,
            region_id: row.get("region_id")?,
            interface: row.get("interface")?,
            url: row.get("url")?,
            enabled: row.get("enabled")?,
            configured: row.get("configured")?,
            extra: json(row, "extra")?,
        })
    }
}

impl Identity<'_> {
    /// Every service, by id.
    pub fn services(&self) -> Result<Vec<Service>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM services ORDER BY id")?;
        let rows = statement.query_map([], Service::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One service.
    pub fn service(&self, id: &ServiceId) -> Result<Option<Service>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM services WHERE id = ?1")?;
        Ok(statement.query_row([id.as_str()], Service::from_row).optional()?)
    }

    /// Stores a service: a new one, or the new state of one that exists.
    pub fn put_service(&self, service: &Service) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO services (id, type, name, enabled, configured, extra)
             VALUES (:id, :type, :name, :enabled, :configured, :extra)
             ON CONFLICT (id) DO UPDATE SET type = :type, name = :name, enabled = :enabled,
                 configured = :configured, extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": service.id.as_str(), ":type": service.kind, ":name": service.name, ":enabled": service.enabled,
            ":configured": service.configured, ":extra": text(&service.extra),
        })?;
        Ok(())
    }

    /// Deletes a service with its endpoints. A registered limit of it makes that an error.
    pub fn delete_service(&self, id: &ServiceId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM services WHERE id = ?1", [id.as_str()])? > 0)
    }

    /// Every endpoint, by id.
    pub fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM endpoints ORDER BY id")?;
        let rows = statement.query_map([], Endpoint::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One endpoint.
    pub fn endpoint(&self, id: &EndpointId) -> Result<Option<Endpoint>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM endpoints WHERE id = ?1")?;
        Ok(statement.query_row([id.as_str()], Endpoint::from_row).optional()?)
    }

    /// Stores an endpoint: a new one, or the new state of one that exists.
    pub fn put_endpoint(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO endpoints (id, service_id, region_id, interface, url, enabled, configured, extra)
             VALUES (:id, :service_id, :region_id, :interface, :url, :enabled, :configured, :extra)
             ON CONFLICT (id) DO UPDATE SET service_id = :service_id, region_id = :region_id,
                 interface = :interface, url = :url, enabled = :enabled, configured = :configured, extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": endpoint.id.as_str(), ":service_id": endpoint.service_id.as_str(),
            ":region_id": endpoint.region_id, ":interface": endpoint.interface, ":url": endpoint.url,
            ":enabled": endpoint.enabled, ":configured": endpoint.configured, ":extra": text(&endpoint.extra),
        })?;
        Ok(())
    }

    /// Deletes an endpoint. False when there is none.
    pub fn delete_endpoint(&self, id: &EndpointId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM endpoints WHERE id = ?1", [id.as_str()])? > 0)
    }
}
