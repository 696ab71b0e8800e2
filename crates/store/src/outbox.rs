//! What a compute service has to be told, until it was.
//!
//! An event is a row of the transaction that it is about: if the one is durable, so is the other, and
//! a crash between the change and the telling loses nothing. Events are kept only for regions that
//! have a reader, and of those the newest [`LIMIT`] only: a reader that is so far behind has lost
//! whoever waited.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use model::{ServerEvent, ServerEventKind};
use rusqlite::{Row, params};
use types::PortId;
use uuid::Uuid;

use crate::{Read, StoreError, Tx};

/// Events of all regions.
const LIMIT: i64 = 65_536;

/// An event that waits to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its place in the order of events.
    pub seq: i64,
    /// The region of the port.
    pub region: String,
    /// The event.
    pub event: ServerEvent,
    /// How long it has waited.
    pub age: Duration,
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl Read<'_> {
    /// A region's oldest events that wait.
    pub fn pending_events(&self, region: &str, limit: u32) -> Result<Vec<Pending>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT seq, region, event, server_id, port_id, failed, written_at FROM outbox \
             WHERE region = ? ORDER BY seq LIMIT ?",
        )?;
        let now = now();
        let mut found = Vec::new();
        for pending in statement.query_map(params![region, limit], |row| pending(row, now))? {
            found.push(pending?);
        }
        Ok(found)
    }

    /// How many events of a region wait.
    pub fn pending_event_count(&self, region: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM outbox WHERE region = ?";
        Ok(self.connection().prepare_cached(sql)?.query_row([region], |row| row.get(0))?)
    }
}

impl Tx<'_> {
    /// Sets which regions' events are read. Those of others are dropped.
    pub fn set_event_readers(&mut self, regions: &[String]) -> Result<(), StoreError> {
        let wanted: BTreeSet<&String> = regions.iter().collect();
        let known: Vec<String> = {
            let mut statement = self.connection().prepare_cached("SELECT region FROM outbox_readers")?;
            statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        for gone in known.iter().filter(|region| !wanted.contains(region)) {
            self.connection().execute("DELETE FROM outbox_readers WHERE region = ?", [gone])?;
        }
        for region in wanted {
            self.connection().execute("INSERT OR IGNORE INTO outbox_readers (region) VALUES (?)", [region])?;
        }
        Ok(())
    }

    /// Writes what is to be told, if somebody reads the region's events.
    pub fn notify(&mut self, region: &str, event: Option<ServerEvent>) -> Result<(), StoreError> {
        let Some(event) = event else { return Ok(()) };
        let written = self
            .connection()
            .prepare_cached(
                "INSERT INTO outbox (region, event, server_id, port_id, failed, written_at) \
                 SELECT region, ?2, ?3, ?4, ?5, ?6 FROM outbox_readers WHERE region = ?1",
            )?
            .execute(params![
                region,
                event.kind.name(),
                event.server.to_string(),
                event.port.to_string(),
                event.failed,
                millis(now())
            ])?;
        if written > 0 {
            let newest = self.connection().last_insert_rowid();
            self.connection().prepare_cached("DELETE FROM outbox WHERE seq <= ?")?.execute([newest - LIMIT])?;
        }
        Ok(())
    }

    /// Forgets events that were told, or that are not worth telling any more.
    pub fn forget_events(&mut self, told: &[i64]) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached("DELETE FROM outbox WHERE seq = ?")?;
        for seq in told {
            statement.execute([seq])?;
        }
        Ok(())
    }
}

fn pending(row: &Row<'_>, now: Duration) -> rusqlite::Result<Pending> {
    let id = |index: usize| -> rusqlite::Result<Uuid> {
        let text: String = row.get(index)?;
        Uuid::try_parse(&text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, error.into())
        })
    };
    let name: String = row.get(2)?;
    let kind = ServerEventKind::named(&name).ok_or_else(|| {
        let error = format!("no event is called {name}");
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, error.into())
    })?;
    let written = Duration::from_millis(row.get::<_, i64>(6)?.unsigned_abs());
    Ok(Pending {
        seq: row.get(0)?,
        region: row.get(1)?,
        event: ServerEvent { kind, server: id(3)?, port: PortId(id(4)?), failed: row.get(5)? },
        age: now.saturating_sub(written),
    })
}
