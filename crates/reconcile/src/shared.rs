//! What the reconcile thread shows to the rest of the process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use intent::{DropCount, RegionStatus, TraceReport, TraceRequest, World, WorldError};
use logical::{Capabilities, Driver, LogicalNetwork, PortId};
use store::ChangeSeq;

use crate::{Reconciler, capability, explain};

/// The published state of a region. Everything here is replaced as a whole after a pass.
#[derive(Debug, Clone, Default)]
pub(crate) struct Published {
    /// Changes up to here have been handed to the driver.
    pub(crate) applied: ChangeSeq,
    /// The rows that the driver was given.
    pub(crate) network: LogicalNetwork,
    /// How the thread is doing.
    pub(crate) status: RegionStatus,
    /// What the driver can do, asked when nothing is known of it; `None` before its first answer.
    pub(crate) capabilities: Option<Capabilities>,
}

pub(crate) struct Shared {
    region: String,
    driver: Mutex<Box<dyn Driver>>,
    published: Mutex<Published>,
    changed: Condvar,
    stopping: Mutex<bool>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(region: String, driver: Box<dyn Driver>) -> Self {
        Self {
            region,
            driver: Mutex::new(driver),
            published: Mutex::default(),
            changed: Condvar::new(),
            stopping: Mutex::new(false),
        }
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    pub(crate) fn driver(&self) -> MutexGuard<'_, Box<dyn Driver>> {
        lock(&self.driver)
    }

    pub(crate) fn publish(&self, change: impl FnOnce(&mut Published)) {
        change(&mut lock(&self.published));
        self.changed.notify_all();
    }

    pub(crate) fn stop(&self) {
        *lock(&self.stopping) = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *lock(&self.stopping)
    }

    fn wait_applied(&self, change: ChangeSeq, timeout: Duration) -> Result<(), WorldError> {
        let deadline = Instant::now() + timeout;
        let mut published = lock(&self.published);
        while published.applied < change {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.is_stopping() {
                let reason = published.status.detail.clone().unwrap_or_else(|| "the datapath is busy".to_owned());
                return Err(WorldError::NotApplied { waited: timeout, reason });
            }
            published = self.changed.wait_timeout(published, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these locks guard is replaced as a whole, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The regions of this process: what the API asks about the compiled world goes here.
#[derive(Debug, Default)]
pub struct Regions(BTreeMap<String, Arc<Shared>>);

impl Regions {
    /// The regions of these reconcilers. It may be used as long as any of them runs; a region that
    /// was stopped answers with what it knew last.
    #[must_use]
    pub fn new<'a>(reconcilers: impl IntoIterator<Item = &'a Reconciler>) -> Self {
        let entry = |r: &Reconciler| (r.shared.region().to_owned(), Arc::clone(&r.shared));
        Self(reconcilers.into_iter().map(entry).collect())
    }

    fn region(&self, name: &str) -> Result<&Shared, WorldError> {
        self.0.get(name).map(AsRef::as_ref).ok_or_else(|| WorldError::UnknownRegion(name.to_owned()))
    }
}

impl World for Regions {
    fn wait_applied(&self, region: &str, change: ChangeSeq, timeout: Duration) -> Result<(), WorldError> {
        self.region(region)?.wait_applied(change, timeout)
    }

    fn trace(&self, region: &str, request: &TraceRequest) -> Result<TraceReport, WorldError> {
        let network = lock(&self.region(region)?.published).network.clone();
        explain::trace(&network, request)
    }

    fn drops(&self, region: &str, port: types::PortId) -> Result<Vec<DropCount>, WorldError> {
        let shared = self.region(region)?;
        if !lock(&shared.published).network.ports.contains_key(&PortId(port.0)) {
            return Err(WorldError::UnknownPort(port));
        }
        let counts = shared.driver().drops(PortId(port.0)).map_err(|e| WorldError::Unavailable(e.to_string()))?;
        let count = |c: logical::DropCount| DropCount {
            reason: c.reason.name().to_owned(),
            packets: c.packets,
            bytes: c.bytes,
        };
        Ok(counts.into_iter().map(count).collect())
    }

    fn supports(&self, region: &str, extension: &str) -> Result<bool, WorldError> {
        let published = lock(&self.region(region)?.published);
        let Some(capabilities) = &published.capabilities else { return Ok(true) };
        Ok(capability::needed(extension).iter().all(|needed| capabilities.contains(needed)))
    }

    fn status(&self, region: &str) -> Result<RegionStatus, WorldError> {
        Ok(lock(&self.region(region)?.published).status.clone())
    }
}
