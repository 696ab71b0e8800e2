//! Regions, services and endpoints: where a client finds what.

use rusqlite::{Row, named_params};

use super::Identity;
use crate::StoreError;

/// A region of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Its name is its id.
    pub id: String,
    /// Free text.
    pub description: String,
    /// The region that this one is a part of.
    pub parent_region_id: Option<String>,
}

/// A service of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Id.
    pub id: String,
    /// What it is, in OpenStack's list of service types: `network`.
    pub kind: String,
    /// Name of the product that serves it: `neutron`.
    pub name: String,
    /// A disabled service is left out of the catalogue.
    pub enabled: bool,
}

/// Where a service of a region is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Id.
    pub id: String,
    /// The service.
    pub service_id: String,
    /// The region.
    pub region_id: String,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// A whole URL, or a path of this server.
    pub url: String,
    /// A disabled endpoint is left out of the catalogue.
    pub enabled: bool,
}

impl Endpoint {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            service_id: row.get("service_id")?,
            region_id: row.get("region_id")?,
            interface: row.get("interface")?,
            url: row.get("url")?,
            enabled: row.get("enabled")?,
        })
    }
}

impl Identity<'_> {
    /// Every region, by id.
    pub fn regions(&self) -> Result<Vec<Region>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM identity_regions ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok(Region {
                id: row.get("id")?,
                description: row.get("description")?,
                parent_region_id: row.get("parent_region_id")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Stores a region: a new one, or the new state of one that exists.
    pub fn put_region(&self, region: &Region) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO identity_regions (id, description, parent_region_id) VALUES (:id, :description, :parent)
             ON CONFLICT (id) DO UPDATE SET description = :description, parent_region_id = :parent",
        )?;
        statement.execute(named_params! {
            ":id": region.id, ":description": region.description, ":parent": region.parent_region_id,
        })?;
        Ok(())
    }

    /// Every service, by id.
    pub fn services(&self) -> Result<Vec<Service>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM services ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok(Service {
                id: row.get("id")?,
                kind: row.get("type")?,
                name: row.get("name")?,
                enabled: row.get("enabled")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Stores a service: a new one, or the new state of one that exists.
    pub fn put_service(&self, service: &Service) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO services (id, type, name, enabled) VALUES (:id, :type, :name, :enabled)
             ON CONFLICT (id) DO UPDATE SET type = :type, name = :name, enabled = :enabled",
        )?;
        statement.execute(named_params! {
            ":id": service.id, ":type": service.kind, ":name": service.name, ":enabled": service.enabled,
        })?;
        Ok(())
    }

    /// Every endpoint, by id.
    pub fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM endpoints ORDER BY id")?;
        let rows = statement.query_map([], Endpoint::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Stores an endpoint: a new one, or the new state of one that exists.
    pub fn put_endpoint(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO endpoints (id, service_id, region_id, interface, url, enabled)
             VALUES (:id, :service_id, :region_id, :interface, :url, :enabled)
             ON CONFLICT (id) DO UPDATE SET interface = :interface, url = :url, enabled = :enabled",
        )?;
        statement.execute(named_params! {
            ":id": endpoint.id, ":service_id": endpoint.service_id, ":region_id": endpoint.region_id,
            ":interface": endpoint.interface, ":url": endpoint.url, ":enabled": endpoint.enabled,
        })?;
        Ok(())
    }

    /// Deletes an endpoint. False when there is none.
    pub fn delete_endpoint(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM endpoints WHERE id = ?1", [id])? > 0)
    }
}
