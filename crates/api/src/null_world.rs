//! The world of a process without a datapath.

use std::time::Duration;

use intent::{DropCount, RegionStatus, TraceReport, TraceRequest, World, WorldError};
use store::ChangeSeq;
use types::PortId;

/// Takes every change for applied and knows nothing else: for the API alone, without reconcile.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullWorld;

fn nothing_here() -> WorldError {
    WorldError::Unavailable("this process has no datapath".to_owned())
}

impl World for NullWorld {
    fn wait_applied(&self, _region: &str, _change: ChangeSeq, _timeout: Duration) -> Result<(), WorldError> {
        Ok(())
    }

    fn trace(&self, _region: &str, _request: &TraceRequest) -> Result<TraceReport, WorldError> {
        Err(nothing_here())
    }

    fn drops(&self, _region: &str, _port: PortId) -> Result<Vec<DropCount>, WorldError> {
        Err(nothing_here())
    }

    fn supports(&self, _region: &str, _extension: &str) -> Result<bool, WorldError> {
        Ok(true)
    }

    fn status(&self, _region: &str) -> Result<RegionStatus, WorldError> {
        Ok(RegionStatus { driver_ok: true, ..RegionStatus::default() })
    }
}
