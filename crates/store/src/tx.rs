//! Writing objects.

use std::{cell::Cell, ops::Deref};

use model::{Attribute, Body, ObjectKey, Resource, Timestamp, view};
use rusqlite::{params, types::Value as Sql};

use crate::{
    ChangeSeq, Read, StoreError,
    audit::Note,
    read::references,
    table::{column, table, to_sql},
};

/// A write transaction: a savepoint in a transaction that several requests share. It reads what it
/// wrote, and every write goes to the change log with it.
pub struct Tx<'c> {
    read: Read<'c>,
    last_change: Cell<ChangeSeq>,
    /// What operations say that they did, see [`crate::audit`].
    pub(crate) notes: Vec<Note>,
    after_commit: Vec<AfterCommit>,
}

/// What is to be done when a transaction is on disk.
pub(crate) type AfterCommit = Box<dyn FnOnce() + Send>;

impl std::fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("last_change", &self.last_change).finish_non_exhaustive()
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Read<'c>;

    fn deref(&self) -> &Self::Target {
        &self.read
    }
}

impl<'c> Tx<'c> {
    pub(crate) fn new(connection: &'c rusqlite::Connection, last_change: ChangeSeq) -> Self {
        Self {
            read: Read { connection },
            last_change: Cell::new(last_change),
            notes: Vec::new(),
            after_commit: Vec::new(),
        }
    }

    /// Has something done when this transaction is on disk, also when its caller no longer waits for
    /// it; never when it is rolled back. The thread that writes does it, so it must not take long.
    pub fn after_commit(&mut self, done: impl FnOnce() + Send + 'static) {
        self.after_commit.push(Box::new(done));
    }

    pub(crate) fn take_after_commit(&mut self) -> Vec<AfterCommit> {
        std::mem::take(&mut self.after_commit)
    }

    /// The newest entry of the change log, this transaction's own included: what
    /// `World::wait_applied` is to wait for.
    #[must_use]
    pub fn last_change(&self) -> ChangeSeq {
        self.last_change.get()
    }

    /// Adds an object.
    pub fn insert<R: Resource>(&mut self, region: &str, object: &R) -> Result<(), StoreError> {
        let table = table(R::INFO);
        let body = view::body_of(object);
        let stored: Vec<&Attribute> =
            R::INFO.attributes.iter().filter(|attribute| table.derived(attribute.name).is_none()).collect();
        let mut columns = "region".to_owned();
        let mut values = vec![Sql::Text(region.to_owned())];
        for attribute in &stored {
            columns.push_str(", ");
            columns.push_str(&column(attribute));
            values.push(to_sql(attribute, body.get(attribute.name).unwrap_or(&serde_json::Value::Null)));
        }
        let marks = vec!["?"; values.len()].join(", ");
        let sql = format!("INSERT INTO {} ({columns}) VALUES ({marks})", table.name);
        self.connection.prepare_cached(&sql)?.execute(&*references(&values))?;
        self.replace_rows::<R>(region, &body, None)?;
        self.log::<R>(region, object.id())
    }

    /// Writes what differs between two states of an object; false when nothing does. The revision
    /// number is the caller's (`Resource::touch`).
    pub fn update<R: Resource>(&mut self, region: &str, old: &R, new: &R) -> Result<bool, StoreError> {
        let table = table(R::INFO);
        let (before, after) = (view::body_of(old), view::body_of(new));
        if before == after {
            return Ok(false);
        }
        let mut sets = Vec::new();
        let mut values = Vec::new();
        for attribute in R::INFO.attributes.iter().filter(|attribute| table.derived(attribute.name).is_none()) {
            if before.get(attribute.name) != after.get(attribute.name) {
                sets.push(format!("{} = ?", column(attribute)));
                values.push(to_sql(attribute, after.get(attribute.name).unwrap_or(&serde_json::Value::Null)));
            }
        }
        if !sets.is_empty() {
            values.extend([Sql::Text(region.to_owned()), Sql::Text(new.id().to_string())]);
            let sql = format!("UPDATE {} SET {} WHERE region = ? AND id = ?", table.name, sets.join(", "));
            self.connection.prepare_cached(&sql)?.execute(&*references(&values))?;
        }
        self.replace_rows::<R>(region, &after, Some(&before))?;
        self.log::<R>(region, new.id())?;
        Ok(true)
    }

    /// Counts a change of the object and writes it.
    pub fn update_touched<R: Resource>(&mut self, region: &str, old: &R, mut new: R) -> Result<R, StoreError> {
        if *old != new {
            new.touch(Timestamp::now());
            self.update(region, old, &new)?;
        }
        Ok(new)
    }

    /// Removes an object; false when there is none. Rows that refer to it make it an error.
    pub fn delete<R: Resource>(&mut self, region: &str, id: R::Id) -> Result<bool, StoreError> {
        let sql = format!("DELETE FROM {} WHERE region = ? AND id = ?", table(R::INFO).name);
        let removed = self.connection.prepare_cached(&sql)?.execute(params![region, id.to_string()])?;
        if removed > 0 {
            self.log::<R>(region, id)?;
        }
        Ok(removed > 0)
    }

    /// Records an object as touched though its own row is not: one that shows another's values.
    pub fn log_change(&mut self, region: &str, key: ObjectKey) -> Result<(), StoreError> {
        self.log_entry(region, key.info().member, &key.id())
    }

    fn log<R: Resource>(&mut self, region: &str, id: R::Id) -> Result<(), StoreError> {
        self.log_entry(region, R::INFO.member, &id.to_string())
    }

    fn log_entry(&mut self, region: &str, resource: &str, id: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT INTO changes (region, resource, object_id) VALUES (?, ?, ?)")?
            .execute(params![region, resource, id])?;
        self.last_change.set(ChangeSeq(self.connection.last_insert_rowid().unsigned_abs()));
        Ok(())
    }

    fn replace_rows<R: Resource>(&self, region: &str, new: &Body, old: Option<&Body>) -> Result<(), StoreError> {
        let id = new.get("id").and_then(serde_json::Value::as_str).unwrap_or_default();
        for derived in table(R::INFO).derived {
            let Some(replace) = derived.replace else { continue };
            let value = new.get(derived.attribute);
            let is_same = old.is_some_and(|old| old.get(derived.attribute) == value);
            if let (Some(value), false) = (value, is_same) {
                replace(self.connection, region, id, value)?;
            }
        }
        Ok(())
    }
}
