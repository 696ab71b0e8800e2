//! The schema, as an ordered list of steps.
//!
//! The number of steps that a database has seen is its `user_version`. A database that has seen
//! more than this program knows is refused: a newer program wrote it.

use std::path::Path;

use rusqlite::Connection;

use crate::StoreError;

/// The steps, oldest first. A released step never changes; a new one is a line at the end.
const MIGRATIONS: [&str; 9] = [
    include_str!("../migrations/0001_network.sql"),
    include_str!("../migrations/0002_identity.sql"),
    include_str!("../migrations/0003_principals.sql"),
    include_str!("../migrations/0004_grants.sql"),
    include_str!("../migrations/0005_credentials.sql"),
    include_str!("../migrations/0006_audit.sql"),
    include_str!("../migrations/0007_quota.sql"),
    include_str!("../migrations/0008_outbox.sql"),
    include_str!("../migrations/0009_conntrack_helpers.sql"),
];

/// Marks our databases: `BRYN` in ASCII.
const APPLICATION_ID: i64 = 0x4252_594e;

const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Looks whether the file is ours and of a version that this program knows, before anything is
/// written to it.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::NotOurs { path: path.to_owned() },
        _ => StoreError::Open { path: path.to_owned(), source },
    };
    let application = pragma(connection, "application_id").map_err(failed)?;
    let found = pragma(connection, "user_version").map_err(failed)?;
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION_ID && objects > 0 {
        return Err(StoreError::NotOurs { path: path.to_owned() });
    }
    if found > KNOWN {
        return Err(StoreError::OtherVersion { path: path.to_owned(), found, known: KNOWN });
    }
    Ok(())
}

/// Whether nothing is to be migrated.
pub(crate) fn is_current(connection: &Connection) -> Result<bool, StoreError> {
    Ok(pragma(connection, "user_version")? == KNOWN)
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Brings the database to the newest schema.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = pragma(connection, "user_version")?;
    for (version, sql) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
