//! What can go wrong in a pass.

use logical::DriverError;
use store::StoreError;

/// Why a pass could not be finished. Every pass is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The store does not answer, or another process owns the region.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The driver does not answer.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// No thread could be started.
    #[error("cannot start the reconcile thread: {0}")]
    Thread(#[source] std::io::Error),
}
