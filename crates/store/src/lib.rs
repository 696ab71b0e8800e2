//! State: SQLite, transactions, the change log.
//!
//! The theory in five lines. One thread writes, and requests share its transactions (group commit,
//! see `writer`), so a reply means durable and nobody waits for locks. A few threads read, each
//! request in one snapshot. Objects are read and written by the attribute tables of `model`: an
//! attribute is a column of its name. Uniqueness and references are constraints of the schema;
//! operations check first to word the error, and the constraint decides. Every write of an object
//! leaves an entry in the change log in the same transaction, which is what reconcile follows.
//!
//! Everything but identity belongs to a region, and every function names it.
//!
//! Rejected: an async driver (sqlx), which cannot share a transaction between requests
//! (`docs/adr/0002-sqlite-by-rusqlite.md`); objects as JSON documents, which have no constraints;
//! one writer connection per request, which would wait for locks and pay an fsync each.
//!
//! Deliberately absent: policy, defaults, and any knowledge of what an attribute means.
//!
//! A module of this crate may add tables of its own: a file in `migrations/`, a line in `migrate`,
//! and functions over [`Read::connection`] (a [`Tx`] is a [`Read`] too).

#![forbid(unsafe_code)]

pub mod audit;
mod changes;
mod children;
mod error;
pub mod identity;
mod lease;
mod log;
mod migrate;
mod outbox;
mod quota;
mod read;
mod reader;
mod store;
mod table;
mod tx;
mod writer;

pub use changes::Changes;
pub use error::StoreError;
pub use lease::{Fence, StatusUpdate};
pub use log::ChangeSeq;
pub use outbox::Pending;
pub use quota::{Balance, Drift, QuotaRow, Quotas};
pub use read::{Read, Scope};
pub use store::Store;
pub use tx::Tx;
