//! Making the datapath what the store says, for one region.
//!
//! One thread per region does all of it, over and over: take in what changed, compile, compare with
//! what the driver is known to have, tell the driver the difference, write down what is true now. What
//! woke it (a commit, a timer, a device that vanished, a retry that is due) only chooses the rows to
//! look at; from there on the path is the same. A full pass looks at all rows, desired or observed.
//!
//! Invariants:
//! - Nothing is remembered across restarts but what the store and the driver know. A crash anywhere is
//!   healed by the next full pass, the first thing that a new process does.
//! - After a driver call that failed as a whole, everything is unknown, and a full pass follows.
//! - A row that failed or waits is tried again, at growing intervals, until it is applied or gone.
//!   No state needs an operator's hand to leave it.
//! - Status is written here and nowhere else, by the holder of the region's lease only.
//!
//! Deliberately absent: knowledge of any one resource beyond where its status comes from
//! ([`mod@status`]), and of how rows reach the kernel.

#![forbid(unsafe_code)]

mod capability;
mod error;
mod explain;
mod plan;
mod retry;
mod shared;
mod status;
mod worker;

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use logical::Driver;
use store::Store;

pub use error::ReconcileError;
pub use shared::Regions;

use crate::{shared::Shared, worker::Worker};

/// A region's reconcile thread. Dropping the handle stops it.
#[derive(Debug)]
pub struct Reconciler {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Reconciler {
    /// Starts reconciling a region onto a driver.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(store: Store, region: String, driver: Box<dyn Driver>) -> Result<Self, ReconcileError> {
        let shared = Arc::new(Shared::new(region, driver));
        let worker = Worker::new(store, Arc::clone(&shared));
        let name = format!("reconcile-{}", shared.region());
        let thread = thread::Builder::new().name(name).spawn(move || worker.run()).map_err(ReconcileError::Thread)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Ends the thread after the pass that it is in.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(region = self.shared.region(), "reconcile thread panicked");
        }
    }
}

impl Drop for Reconciler {
    fn drop(&mut self) {
        self.end();
    }
}
