//! What a back end does: a handful of verbs over rows.
//!
//! A driver makes the kernel equal to the rows that it was given, and it says what is true of each.
//! It may be killed at any moment and started again: whatever it finds then is *unknown* until the
//! row is put once more, which must cost nothing and change nothing when the kernel already has it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{DropReason, PortId, Row, RowKey};

/// One step towards the desired network.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Make it be as the row says.
    Put(Row),
    /// Make it not be.
    Remove(RowKey),
}

impl Change {
    /// Key of the row that changes.
    #[must_use]
    pub fn key(&self) -> RowKey {
        match self {
            Self::Put(row) => row.key(),
            Self::Remove(key) => *key,
        }
    }
}

/// What is true of a row that was put.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// The datapath does what the row says.
    Applied,
    /// Something that the row needs is missing, such as its namespace or its tap; tried again later.
    Waiting {
        /// What is missing, in words for a person.
        reason: String,
    },
    /// The kernel refused. Now unknown; tried again later.
    Failed {
        /// The refusal, in words for a person.
        reason: String,
    },
}

/// The answer to one change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Which row.
    pub key: RowKey,
    /// What is true of it now. `Applied` for a removal means that nothing is left of it.
    pub state: RowState,
}

/// What a driver knows of a row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Observation {
    /// [`Row::digest`] of the row that was put.
    pub digest: u64,
    /// What is true of it.
    pub state: RowState,
}

/// All that a driver knows. A row that is not here is unknown: it may be in the kernel or not.
pub type Observed = BTreeMap<RowKey, Observation>;

/// What a sweep removed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Swept {
    /// Descriptions of the things that no row asked for, such as `device tap1234` or `2 entries of nat`.
    pub removed: Vec<String>,
}

/// Something a driver can do; an API extension names what it needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Switching with port security and security groups, IPv4.
    Filter4,
    /// Routing, IPv4.
    Route4,
    /// Source NAT and floating IPs, IPv4.
    Nat4,
    /// DHCPv4 and metadata.
    Services4,
}

/// All that a driver can do.
pub type Capabilities = std::collections::BTreeSet<Capability>;

/// Packets that the datapath dropped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DropCount {
    /// Why.
    pub reason: DropReason,
    /// How many packets since the port came into being.
    pub packets: u64,
    /// Their bytes, Ethernet header included.
    pub bytes: u64,
}

/// Why a driver could not answer at all. What it did until then is unknown.
#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
pub enum DriverError {
    /// The process that holds the datapath does not answer.
    #[error("the agent does not answer: {0}")]
    Unreachable(String),
    /// The datapath as a whole is broken.
    #[error("the datapath failed: {0}")]
    Broken(String),
}

/// A back end.
pub trait Driver: Send {
    /// What it can do.
    fn capabilities(&mut self) -> Result<Capabilities, DriverError>;

    /// What it knows of each row.
    fn observe(&mut self) -> Result<Observed, DriverError>;

    /// Makes the changes in their order and answers each. A change that fails does not stop the next.
    fn apply(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, DriverError>;

    /// Removes from the kernel what belongs to this instance and no row has asked for since the
    /// driver was started. Called at the end of a full pass.
    fn sweep(&mut self) -> Result<Swept, DriverError>;

    /// Rows that stopped being true by themselves since the last call: a device vanished, a tap
    /// appeared. Returns at once.
    fn disturbed(&mut self) -> Result<Vec<RowKey>, DriverError>;

    /// What was dropped at the port: sent by it, or on the way to it.
    fn drops(&mut self, port: PortId) -> Result<Vec<DropCount>, DriverError>;
}

/// A driver without a datapath: everything succeeds, nothing happens.
#[derive(Debug, Default)]
pub struct NullDriver {
    observed: Observed,
}

impl Driver for NullDriver {
    fn capabilities(&mut self) -> Result<Capabilities, DriverError> {
        Ok([Capability::Filter4, Capability::Route4, Capability::Nat4, Capability::Services4].into())
    }

    fn observe(&mut self) -> Result<Observed, DriverError> {
        Ok(self.observed.clone())
    }

    fn apply(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, DriverError> {
        for change in changes {
            match change {
                Change::Put(row) => {
                    let observation = Observation { digest: row.digest(), state: RowState::Applied };
                    self.observed.insert(row.key(), observation);
                }
                Change::Remove(key) => {
                    self.observed.remove(key);
                }
            }
        }
        Ok(changes.iter().map(|change| Outcome { key: change.key(), state: RowState::Applied }).collect())
    }

    fn sweep(&mut self) -> Result<Swept, DriverError> {
        Ok(Swept::default())
    }

    fn disturbed(&mut self) -> Result<Vec<RowKey>, DriverError> {
        Ok(Vec::new())
    }

    fn drops(&mut self, _port: PortId) -> Result<Vec<DropCount>, DriverError> {
        Ok(Vec::new())
    }
}

/// A driver that hands on to another and keeps what it was asked to do.
#[derive(Debug)]
pub struct RecordingDriver<D> {
    inner: D,
    changes: Arc<Mutex<Vec<Change>>>,
}

impl<D: Driver> RecordingDriver<D> {
    /// Records what goes to `inner`. The second value reads the record.
    pub fn new(inner: D) -> (Self, Arc<Mutex<Vec<Change>>>) {
        let changes = Arc::default();
        (Self { inner, changes: Arc::clone(&changes) }, changes)
    }

    fn record(&self) -> MutexGuard<'_, Vec<Change>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Driver> Driver for RecordingDriver<D> {
    fn capabilities(&mut self) -> Result<Capabilities, DriverError> {
        self.inner.capabilities()
    }

    fn observe(&mut self) -> Result<Observed, DriverError> {
        self.inner.observe()
    }

    fn apply(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, DriverError> {
        self.record().extend_from_slice(changes);
        self.inner.apply(changes)
    }

    fn sweep(&mut self) -> Result<Swept, DriverError> {
        self.inner.sweep()
    }

    fn disturbed(&mut self) -> Result<Vec<RowKey>, DriverError> {
        self.inner.disturbed()
    }

    fn drops(&mut self, port: PortId) -> Result<Vec<DropCount>, DriverError> {
        self.inner.drops(port)
    }
}
