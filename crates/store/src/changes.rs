//! The change log, as reconcile reads it.

use std::collections::BTreeSet;

use model::ObjectKey;
use rusqlite::{Connection, params};

use crate::{ChangeSeq, Read, StoreError};

/// How many entries the log keeps. A consumer that is further behind reads everything instead,
/// which is cheaper than so many keys.
pub(crate) const KEEP: u64 = 100_000;

/// What was touched since a place in the change log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// These objects; some may be gone since.
    Keys {
        /// Each touched object once.
        keys: Vec<ObjectKey>,
        /// Up to here: where to ask from the next time.
        upto: ChangeSeq,
    },
    /// The log no longer reaches back that far: read everything.
    Trimmed,
}

impl Read<'_> {
    pub(crate) fn newest_change(&self) -> Result<ChangeSeq, StoreError> {
        // `sqlite_sequence` remembers the last number also when the log is empty.
        let newest: Option<u64> = self
            .connection
            .prepare_cached("SELECT max(seq) FROM (SELECT seq FROM sqlite_sequence WHERE name = 'changes')")?
            .query_row([], |row| row.get(0))?;
        Ok(ChangeSeq(newest.unwrap_or(0)))
    }

    pub(crate) fn changes_since(&self, region: &str, since: ChangeSeq) -> Result<Changes, StoreError> {
        let trimmed: u64 =
            self.connection.prepare_cached("SELECT upto FROM changes_trimmed")?.query_row([], |row| row.get(0))?;
        let upto = self.newest_change()?;
        if since.0 < trimmed || since > upto {
            return Ok(Changes::Trimmed);
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT resource, object_id FROM changes WHERE seq > ? AND region = ? ORDER BY seq")?;
        let rows = statement
            .query_map(params![since.0, region], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut keys = BTreeSet::new();
        for row in rows {
            let (resource, id) = row?;
            keys.extend(ObjectKey::parse(&resource, &id));
        }
        Ok(Changes::Keys { keys: keys.into_iter().collect(), upto })
    }
}

/// Removes all but the newest `keep` entries.
pub(crate) fn trim(connection: &Connection, keep: u64) -> Result<(), StoreError> {
    let newest = Read { connection }.newest_change()?.0;
    let upto = newest.saturating_sub(keep);
    let trimmed: u64 = connection.query_row("SELECT upto FROM changes_trimmed", [], |row| row.get(0))?;
    if upto <= trimmed {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    transaction.execute("DELETE FROM changes WHERE seq <= ?", [upto])?;
    transaction.execute("UPDATE changes_trimmed SET upto = ?", [upto])?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_behind_the_trim_point_is_told_to_read_everything() {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::migrate::migrate(&mut connection).unwrap();
        let id = types::NetworkId::random().to_string();
        for _ in 0..10 {
            let sql = "INSERT INTO changes (region, resource, object_id) VALUES ('r', 'network', ?)";
            connection.execute(sql, [&id]).unwrap();
        }
        trim(&connection, 4).unwrap();
        let read = Read { connection: &connection };
        assert_eq!(read.changes_since("r", ChangeSeq(5)).unwrap(), Changes::Trimmed);
        for since in [6, 9] {
            let Changes::Keys { keys, upto } = read.changes_since("r", ChangeSeq(since)).unwrap() else {
                panic!("trimmed too much");
            };
            assert_eq!((keys.len(), upto), (1, ChangeSeq(10)));
        }
        trim(&connection, 0).unwrap();
        assert_eq!(read.newest_change().unwrap(), ChangeSeq(10));
    }
}
