//! One owner of a region's datapath at a time, and the status that it reports.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::{Attribute, ObjectKey, ServerEvent, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::{StoreError, Tx, table::table};

/// The number of an ownership. It grows with every new owner, so that a late write of an old one
/// is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// What the datapath says about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusUpdate {
    /// The object.
    pub key: ObjectKey,
    /// `ACTIVE`, `DOWN`, `ERROR`, ...
    pub status: String,
    /// Why it is not ACTIVE, for people.
    pub error: Option<String>,
    /// What the compute service has to be told if the status is written.
    pub event: Option<ServerEvent>,
}

fn now_millis() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn acquire(tx: &Tx<'_>, region: &str, holder: &str, ttl: Duration) -> Result<Fence, StoreError> {
    let now = now_millis();
    let expires = now.saturating_add(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX));
    let found: Option<(String, u64, i64)> = tx
        .connection()
        .query_row("SELECT holder, fence, expires_at FROM leases WHERE region = ?", [region], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let fence = match found {
        None => 1,
        Some((owner, fence, until)) if owner == holder => {
            // The same holder after a gap may have been replaced in its own mind: a new number.
            if until > now { fence } else { fence + 1 }
        }
        Some((_, fence, until)) if until <= now => fence + 1,
        Some((owner, _, until)) => {
            let seconds = (until - now).max(0).saturating_add(999) / 1000;
            return Err(StoreError::LeaseHeld { region: region.to_owned(), holder: owner, seconds });
        }
    };
    tx.connection().execute(
        "INSERT OR REPLACE INTO leases (region, holder, fence, expires_at) VALUES (?, ?, ?, ?)",
        params![region, holder, fence, expires],
    )?;
    Ok(Fence(fence))
}

pub(crate) fn release(tx: &Tx<'_>, region: &str, fence: Fence) -> Result<(), StoreError> {
    let sql = "UPDATE leases SET expires_at = 0 WHERE region = ? AND fence = ?";
    tx.connection().execute(sql, params![region, fence.0])?;
    Ok(())
}

/// Writes statuses, without entries in the change log: reconcile does not wake itself. A change of
/// the status counts as a revision, as in Neutron; a change of the error's text alone does not.
/// Objects that are gone, or have no status, are skipped.
pub(crate) fn write_status(
    tx: &mut Tx<'_>,
    region: &str,
    fence: Fence,
    updates: &[StatusUpdate],
) -> Result<(), StoreError> {
    let newest: Option<u64> = tx
        .connection()
        .query_row("SELECT fence FROM leases WHERE region = ?", [region], |row| row.get(0))
        .optional()?;
    if newest != Some(fence.0) {
        return Err(StoreError::StaleFence { region: region.to_owned(), fence: fence.0, newest: newest.unwrap_or(0) });
    }
    let now = Timestamp::now().to_string();
    for update in updates {
        let info = update.key.info();
        let has = |name: &str| info.attribute(name).is_some_and(|attribute: &Attribute| !attribute.create);
        if !has("status") || !has("baryon:error") {
            continue;
        }
        let sql = format!(
            "UPDATE {} SET revision_number = revision_number + (status <> ?1), \
             updated_at = iif(status <> ?1, ?2, updated_at), status = ?1, baryon_error = ?3 \
             WHERE region = ?4 AND id = ?5 AND (status <> ?1 OR baryon_error IS NOT ?3)",
            table(info).name
        );
        let written = tx.connection().prepare_cached(&sql)?.execute(params![
            update.status,
            now,
            update.error,
            region,
            update.key.id()
        ])?;
        if written > 0 {
            tx.notify(region, update.event.clone())?;
        }
    }
    Ok(())
}
