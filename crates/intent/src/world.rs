//! What the API asks of the compiled world.
//!
//! Operations only write intent; whether it has come true, and what a packet would meet, only
//! reconcile knows. It implements this trait, and the API gets it handed in. All calls may block for
//! a moment; an asynchronous caller moves them off its executor.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use store::ChangeSeq;
use types::{PortId, Protocol};

/// A question about the compiled world that has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// No such region here.
    #[error("region {0} is not served by this process")]
    UnknownRegion(String),
    /// The port is not in the compiled network.
    #[error("port {0} is not in the datapath: it does not exist, or the change that made it is not applied yet")]
    UnknownPort(PortId),
    /// The change was not applied in time.
    #[error("the change is stored, but was not applied within {} s: {reason}", .waited.as_secs())]
    NotApplied {
        /// How long the caller waited.
        waited: Duration,
        /// What reconcile was doing, in words.
        reason: String,
    },
    /// The question makes no sense, such as an IPv6 destination.
    #[error("{0}")]
    BadRequest(String),
    /// The datapath does not answer.
    #[error("{0}")]
    Unavailable(String),
}

/// What packet to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceRequest {
    /// The port that sends.
    pub from: PortId,
    /// Destination address.
    pub to: IpAddr,
    /// IP protocol.
    pub protocol: Protocol,
    /// Source port; one is chosen where none is given.
    pub source_port: Option<u16>,
    /// Destination port of TCP, UDP and SCTP.
    pub destination_port: Option<u16>,
}

/// One step of a packet's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceStep {
    /// Pipeline stage.
    pub stage: String,
    /// The object that decided: kind and id.
    pub subject: Option<(String, String)>,
    /// What was decided, in words.
    pub text: String,
}

/// A packet's way through the datapath.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceReport {
    /// The steps in order.
    pub steps: Vec<TraceStep>,
    /// True when the packet arrives somewhere.
    pub delivered: bool,
    /// The end, in words.
    pub verdict: String,
    /// The drop reason, when it does not arrive.
    pub reason: Option<String>,
}

/// Packets dropped at a port, by reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropCount {
    /// Name of the reason.
    pub reason: String,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A row that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The object: kind and id.
    pub subject: (String, String),
    /// What is wrong, in words.
    pub reason: String,
    /// True while something that it needs is missing; false when the datapath refused it.
    pub waiting: bool,
    /// When it is tried again, in seconds from now.
    pub retry_in: u64,
}

/// How reconcile is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegionStatus {
    /// False when the datapath cannot be reached; `detail` says why.
    pub driver_ok: bool,
    /// The last error of the driver as a whole.
    pub detail: Option<String>,
    /// Rows in the datapath.
    pub rows: u64,
    /// Committed changes that are not applied yet.
    pub lag: u64,
    /// What is wrong now.
    pub problems: Vec<Problem>,
    /// Counters of reconcile itself: passes, puts, removals, failures.
    pub counters: BTreeMap<String, u64>,
}

/// The compiled world. See the module's text.
pub trait World: Send + Sync {
    /// Waits until the datapath has been told of a committed change. An object that the datapath then
    /// refuses shows so in its status; that is no error here.
    fn wait_applied(&self, region: &str, change: ChangeSeq, timeout: Duration) -> Result<(), WorldError>;

    /// Follows a packet through what the datapath has been told.
    fn trace(&self, region: &str, request: &TraceRequest) -> Result<TraceReport, WorldError>;

    /// What was dropped at a port.
    fn drops(&self, region: &str, port: PortId) -> Result<Vec<DropCount>, WorldError>;

    /// Whether the region's datapath can do what an extension promises. What the datapath has not
    /// said yet is taken for possible: it is asked before anything is applied.
    fn supports(&self, region: &str, extension: &str) -> Result<bool, WorldError>;

    /// How reconcile is doing.
    fn status(&self, region: &str) -> Result<RegionStatus, WorldError>;
}
