//! Ranges of transport ports.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A range whose first port is above its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("port range {first}-{last} is empty: its first port is above its last")]
pub struct PortRangeError {
    first: u16,
    last: u16,
}

/// A range of TCP, UDP or SCTP ports, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// Every port.
    pub const ALL: Self = Self { first: 0, last: u16::MAX };

    /// A range from `first` to `last`, both included.
    pub const fn new(first: u16, last: u16) -> Result<Self, PortRangeError> {
        if first <= last { Ok(Self { first, last }) } else { Err(PortRangeError { first, last }) }
    }

    /// The lowest port.
    #[must_use]
    pub const fn first(self) -> u16 {
        self.first
    }

    /// The highest port.
    #[must_use]
    pub const fn last(self) -> u16 {
        self.last
    }

    /// Whether the port lies in the range.
    #[must_use]
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}
