//! The logical network: what the datapath shall do, as plain data, and what that data means.
//!
//! [`LogicalNetwork`] is the intermediate representation between the API's objects and a datapath.
//! It says nothing of OpenStack (no projects, no JSON) and nothing of eBPF (no map, no ifindex). The
//! compiler makes it, [`Driver`]s make the kernel equal to it, and the interpreter in [`mod@trace`]
//! says what it means: for every packet, in every state, there is one right answer, and it is the
//! interpreter's. The eBPF programs are held against it case by case.
//!
//! Invariants:
//! - A row is self-contained: a driver needs no other row to know what to write for it. What several
//!   rows share is worked out once, by the compiler.
//! - Rows are values: two equal networks behave the same, their text forms are equal, and the
//!   difference of two networks is a list of rows to put and keys to remove.
//! - Tables are persistent maps: a changed copy shares all that did not change.
//!
//! Deliberately absent: clocks, randomness, I/O, numbers that a driver assigns (slots, ifindexes,
//! service addresses).

#![forbid(unsafe_code)]

mod driver;
mod flow;
mod frame;
mod id;
mod network;
mod pipeline;
mod row;
mod services;
mod text;
pub mod trace;

pub use driver::{
    Capabilities, Capability, Change, Driver, DriverError, DropCount, NullDriver, Observation, Observed, Outcome,
    RecordingDriver, RowState, Swept,
};
pub use flow::{FlowState, Point};
pub use id::{AclGroupId, AclId, AddressSetId, PortId, RouterId, SwitchId};
pub use network::LogicalNetwork;
pub use pipeline::{DropReason, MAX_ROUTERS, NAT_TRIES, SERVICE_ADDRESS, SERVICE_MAC, Stage, Timeouts, nat_ports};
pub use row::{
    Acl, AddressPair, AddressSetEntry, Attachment, FloatingIp, IcmpMatch, InterfaceAddress, Origin, Port, PortKind,
    PortSecurity, Remote, Route, Router, Row, RowKey, SourceNat, Switch, SwitchKind,
};
pub use services::{Dhcp4Options, DhcpRoute, ExtraDhcpOption, Metadata, PortServices};
pub use trace::{ExplainError, ExplainRequest, Input, Output, Step, Target, Trace, Verdict, explain, trace};
