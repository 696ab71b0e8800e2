//! Regions: parts of the cloud, each perhaps a part of another.

use rusqlite::{OptionalExtension, Row, named_params};
use serde_json::{Map, Value};

use super::Identity;
use super::column::{json, text};
use crate::StoreError;

/// A region of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Its name is its id.
    pub id: String,
    /// Free text.
    pub description: String,
    /// The region that this one is a part of.
    pub parent_region_id: Option<String>,
    /// Attributes that only the client gives a meaning.
    pub extra: Map<String, Value>,
}

impl Region {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            description: row.get("description")?,
            parent_region_id: row.get("parent_region_id")?,
            extra: json(row, "extra")?,
        })
    }
}

/// A region and those that are parts of it, at any depth. `UNION` ends a circle, should there be one.
const SUBTREE: &str = "
    WITH RECURSIVE subtree (id) AS (
        SELECT id FROM identity_regions WHERE id = ?1
        UNION
        SELECT identity_regions.id FROM subtree JOIN identity_regions ON parent_region_id = subtree.id)";

impl Identity<'_> {
    /// Every region, by id.
    pub fn regions(&self) -> Result<Vec<Region>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM identity_regions ORDER BY id")?;
        let rows = statement.query_map([], Region::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One region.
    pub fn region(&self, id: &str) -> Result<Option<Region>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM identity_regions WHERE id = ?1")?;
        Ok(statement.query_row([id], Region::from_row).optional()?)
    }

    /// Whether a region is another one, or a part of it at any depth.
    pub fn is_within_region(&self, id: &str, whole: &str) -> Result<bool, StoreError> {
        let sql = format!("{SUBTREE} SELECT EXISTS (SELECT 1 FROM subtree WHERE id = ?2)");
        Ok(self.connection.prepare_cached(&sql)?.query_row([whole, id], |row| row.get(0))?)
    }

    /// Stores a region: a new one, or the new state of one that exists.
    pub fn put_region(&self, region: &Region) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO identity_regions (id, description, parent_region_id, extra)
             VALUES (:id, :description, :parent, :extra)
             ON CONFLICT (id) DO UPDATE SET description = :description, parent_region_id = :parent, extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": region.id, ":description": region.description, ":parent": region.parent_region_id,
            ":extra": text(&region.extra),
        })?;
        Ok(())
    }

    /// Whether a region, or a part of it, has endpoints.
    pub fn has_endpoints(&self, region: &str) -> Result<bool, StoreError> {
        let sql =
            format!("{SUBTREE} SELECT EXISTS (SELECT 1 FROM endpoints WHERE region_id IN (SELECT id FROM subtree))");
        Ok(self.connection.prepare_cached(&sql)?.query_row([region], |row| row.get(0))?)
    }

    /// Deletes a region and its parts. What refers to any of them makes it an error.
    pub fn delete_region(&self, id: &str) -> Result<(), StoreError> {
        // A part refers to its whole, and the reference restricts; so it is cut before.
        let cut = format!(
            "UPDATE identity_regions SET parent_region_id = NULL
             WHERE id IN ({SUBTREE} SELECT id FROM subtree) RETURNING id"
        );
        let mut statement = self.connection.prepare_cached(&cut)?;
        let gone: Vec<String> = statement.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut delete = self.connection.prepare_cached("DELETE FROM identity_regions WHERE id = ?1")?;
        for id in gone {
            delete.execute([id])?;
        }
        Ok(())
    }
}
