//! What can go wrong between an operation and the disk.

use std::path::PathBuf;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened.
    #[error("cannot open the database {}: {source}", path.display())]
    Open {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The directory of the database cannot be made.
    #[error("cannot make the data directory {}: {source}", path.display())]
    Directory {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The data directory was written by a newer program.
    #[error(
        "the data directory is of another version: {} has schema {found}, this program knows up to {known}; start the \
         program that wrote it, or give another --data-dir",
        path.display()
    )]
    OtherVersion {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema of this program.
        known: i64,
    },
    /// The file is a database of another program.
    #[error("{} is not a database of this program; give another --data-dir", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A uniqueness constraint.
    #[error("not unique: {constraint}")]
    NotUnique {
        /// The columns or the index, as SQLite names them.
        constraint: String,
    },
    /// Something refers to the row, or the row refers to nothing.
    #[error("a reference between rows does not hold")]
    Reference,
    /// The database itself.
    #[error("database: {0}")]
    Sql(rusqlite::Error),
    /// A row that does not fit its resource.
    #[error("a row of {table} does not fit its resource: {source}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The transaction's function panicked; it left no trace in the database.
    #[error("an operation failed: {0}")]
    Panicked(String),
    /// The group of transactions could not be committed.
    #[error("the transaction could not be committed: {0}")]
    Commit(String),
    /// Another process owns the region.
    #[error("region {region} is owned by {holder} for another {seconds} s")]
    LeaseHeld {
        /// The region.
        region: String,
        /// Who owns it.
        holder: String,
        /// For how long.
        seconds: i64,
    },
    /// The lease under which status is written is no longer the newest.
    #[error("fence {fence} of region {region} is stale: the newest is {newest}")]
    StaleFence {
        /// The region.
        region: String,
        /// The fence of the writer.
        fence: u64,
        /// The fence of the owner.
        newest: u64,
    },
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::LeaseHeld { .. } | Self::Commit(_))
    }

    /// Whether a uniqueness constraint that names `what` (a column or an index) was violated.
    #[must_use]
    pub fn is_not_unique(&self, what: &str) -> bool {
        matches!(self, Self::NotUnique { constraint } if constraint.contains(what))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi;
        let rusqlite::Error::SqliteFailure(failure, Some(message)) = &error else { return Self::Sql(error) };
        match failure.extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
                let constraint = message.strip_prefix("UNIQUE constraint failed: ").unwrap_or(message);
                Self::NotUnique { constraint: constraint.to_owned() }
            }
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_TRIGGER => Self::Reference,
            _ => Self::Sql(error),
        }
    }
}
