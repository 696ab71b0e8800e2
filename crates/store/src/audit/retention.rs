//! How long the trail remembers.
//!
//! By age, and by number: the table must end somewhere. Anybody who reaches the port can cause
//! refusals without limit, and must not push out with them what was really done. So when the room is
//! full, events without success go first, as long as they are more than half.
//!
//! What is to go is counted in a snapshot, and removed by the writer in batches that the caller makes
//! small: everyone else's writes wait for one.

use rusqlite::params;

use crate::{Read, StoreError, Tx};

/// How many events are to go because there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuditExcess {
    /// The oldest of those without success.
    pub unsuccessful: u64,
    /// The oldest of what is left then.
    pub any: u64,
}

impl Read<'_> {
    /// What is too much when at most `most` events are to be kept.
    pub fn audit_excess(&self, most: u64) -> Result<AuditExcess, StoreError> {
        let count = |sql: &str| -> Result<u64, StoreError> {
            Ok(self.connection().prepare_cached(sql)?.query_row([], |row| row.get(0))?)
        };
        let excess = count("SELECT count(*) FROM audit")?.saturating_sub(most);
        if excess == 0 {
            return Ok(AuditExcess::default());
        }
        let spare = count("SELECT count(*) FROM audit WHERE outcome <> 'success'")?.saturating_sub(most / 2);
        let unsuccessful = excess.min(spare);
        Ok(AuditExcess { unsuccessful, any: excess - unsuccessful })
    }
}

impl Tx<'_> {
    /// Removes up to `batch` events of before a time, in microseconds since 1970; answers how many.
    pub fn purge_audit_before(&mut self, time: i64, batch: u64) -> Result<u64, StoreError> {
        let sql =
            "DELETE FROM audit WHERE sequence IN (SELECT sequence FROM audit WHERE time < ? ORDER BY time LIMIT ?)";
        Ok(self.connection().prepare_cached(sql)?.execute(params![time, batch])? as u64)
    }

    /// Removes up to `batch` events of an excess, which is less by these afterwards.
    pub fn purge_audit_excess(&mut self, excess: &mut AuditExcess, batch: u64) -> Result<(), StoreError> {
        const UNSUCCESSFUL: &str = "DELETE FROM audit WHERE sequence IN \
            (SELECT sequence FROM audit WHERE outcome <> 'success' ORDER BY sequence LIMIT ?)";
        const ANY: &str = "DELETE FROM audit WHERE sequence IN (SELECT sequence FROM audit ORDER BY sequence LIMIT ?)";
        let (place, sql) =
            if excess.unsuccessful > 0 { (&mut excess.unsuccessful, UNSUCCESSFUL) } else { (&mut excess.any, ANY) };
        let now = batch.min(*place);
        let removed = self.connection().prepare_cached(sql)?.execute([now])? as u64;
        // Fewer than counted: somebody else removed them.
        *place = if removed < now { 0 } else { *place - now };
        Ok(())
    }
}
