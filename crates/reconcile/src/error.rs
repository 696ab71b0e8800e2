//! What can go wrong in a pass.

use logical::DriverError;
use store::StoreError;

/// Why a pass could not be finished. Every pass is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The store does not answer.
    #[error("cannot read intent: {0}")]
    Store(#[from] StoreError),
    /// The driver does not answer.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// Another process reconciles this region.
    #[error("region {region} is reconciled by {holder}")]
    NotOwner {
        /// The region.
        region: String,
        /// Who holds the lease.
        holder: String,
    },
    /// No thread could be started.
    #[error("cannot start the reconcile thread: {0}")]
    Thread(#[source] std::io::Error),
}
