//! How much projects may have, and how much they have.
//!
//! Limits are rows that administrators write. Usage is kept by triggers of the schema, in the
//! transaction that makes or removes an object, so that nobody counts. Whoever is about to make
//! objects asks for the [`Balance`]: it holds the usage's row until the transaction ends, so of two
//! that want the last place one sees the other's. Here the one writer of a SQLite database is that
//! lock, across processes too; in PostgreSQL the statement of [`Quotas::balance`] takes the row
//! `FOR UPDATE`, after an insert of zero where there is none.
//!
//! Deliberately absent: defaults, names and refusals, which `intent` and `model` have.

use model::Quota;
use rusqlite::{Connection, Row, params};
use types::ProjectId;

use crate::{Read, StoreError, identity::Identity, table::TABLES};

/// The rows of quotas as one snapshot or transaction sees them. The writing methods are for
/// transactions; a snapshot's connection refuses to write.
#[derive(Clone, Copy)]
pub struct Quotas<'a> {
    connection: &'a Connection,
}

/// A number that belongs to a quota of a project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuotaRow {
    /// The project, as the row has it.
    pub project: String,
    /// The region; empty for what is in none.
    pub region: String,
    /// The key of the quota.
    pub resource: String,
    /// The limit, or what is used.
    pub number: i64,
}

/// What a decision about new objects needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// The project's own limit.
    pub limit: Option<i64>,
    /// What it has.
    pub used: u64,
}

/// A usage that is not what is there: a fault of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Whose, where and of what; the number is the recorded one.
    pub recorded: QuotaRow,
    /// How many objects there are.
    pub counted: i64,
}

impl<'c> Read<'c> {
    /// The rows of quotas of this snapshot or transaction.
    #[must_use]
    pub fn quotas(&self) -> Quotas<'c> {
        Quotas { connection: self.connection() }
    }
}

impl<'a> Identity<'a> {
    /// The rows of quotas of the same snapshot or transaction.
    #[must_use]
    pub fn quotas(&self) -> Quotas<'a> {
        Quotas { connection: self.connection() }
    }
}

impl QuotaRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { project: row.get(0)?, region: row.get(1)?, resource: row.get(2)?, number: row.get(3)? })
    }
}

impl Quotas<'_> {
    fn rows(&self, sql: &str, parameters: &[&str]) -> Result<Vec<QuotaRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(parameters), QuotaRow::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A project's own limits in all regions.
    pub fn limits(&self, project: &ProjectId) -> Result<Vec<QuotaRow>, StoreError> {
        let sql = "SELECT project_id, region, resource, maximum FROM quota_limits WHERE project_id = ?";
        self.rows(sql, &[project.as_str()])
    }

    /// What a project has in all regions.
    pub fn usage(&self, project: &ProjectId) -> Result<Vec<QuotaRow>, StoreError> {
        let sql = "SELECT project_id, region, resource, used FROM quota_usage WHERE project_id = ?";
        self.rows(sql, &[project.as_str()])
    }

    /// The own limits of all projects in a region, as far as their keys have a prefix; by project.
    pub fn limits_in(&self, region: &str, prefix: &str) -> Result<Vec<QuotaRow>, StoreError> {
        let sql = "SELECT project_id, region, resource, maximum FROM quota_limits \
                   WHERE region = ?1 AND substr(resource, 1, length(?2)) = ?2 ORDER BY project_id, resource";
        self.rows(sql, &[region, prefix])
    }

    /// A project's own limit of a quota and its usage, held until the transaction ends.
    pub fn balance(&self, region: &str, project: &ProjectId, quota: &Quota) -> Result<Balance, StoreError> {
        let sql = "SELECT (SELECT maximum FROM quota_limits WHERE project_id = ?1 AND region = ?2 AND resource = ?3), \
                   (SELECT used FROM quota_usage WHERE project_id = ?1 AND region = ?2 AND resource = ?3)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let parameters = params![project.as_str(), quota.place(region), quota.key];
        Ok(statement.query_row(parameters, |row| {
            Ok(Balance { limit: row.get(0)?, used: row.get::<_, Option<u64>>(1)?.unwrap_or(0) })
        })?)
    }

    /// Sets a project's own limit, or takes it away.
    pub fn set_limit(
        &self,
        region: &str,
        project: &ProjectId,
        quota: &Quota,
        limit: Option<i64>,
    ) -> Result<(), StoreError> {
        let (project, region) = (project.as_str(), quota.place(region));
        match limit {
            Some(limit) => self
                .connection
                .prepare_cached(
                    "INSERT INTO quota_limits (project_id, region, resource, maximum) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT DO UPDATE SET maximum = ?4",
                )?
                .execute(params![project, region, quota.key, limit])?,
            None => self
                .connection
                .prepare_cached("DELETE FROM quota_limits WHERE project_id = ? AND region = ? AND resource = ?")?
                .execute(params![project, region, quota.key])?,
        };
        Ok(())
    }

    /// Where the recorded usage is not the number of objects: nowhere, or there is a fault in this
    /// program. It counts every object, so it is for tests and for an operator's question.
    pub fn drift(&self) -> Result<Vec<Drift>, StoreError> {
        let counts: Vec<String> = TABLES
            .iter()
            .filter_map(|table| Some((table.name, model::quota::of_resource(table.info)?.key)))
            .map(|(table, key)| {
                format!(
                    "SELECT project_id, region, '{key}' AS resource, count(*) AS counted FROM {table} \
                     WHERE project_id <> '' GROUP BY project_id, region"
                )
            })
            .collect();
        let sql = format!(
            "WITH counts AS ({}) SELECT project_id, region, resource, ifnull(used, 0), ifnull(counted, 0) \
             FROM quota_usage FULL JOIN counts USING (project_id, region, resource) \
             WHERE used IS NOT counted",
            counts.join(" UNION ALL ")
        );
        let mut statement = self.connection.prepare(&sql)?;
        let rows =
            statement.query_map([], |row| Ok(Drift { recorded: QuotaRow::from_row(row)?, counted: row.get(4)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
