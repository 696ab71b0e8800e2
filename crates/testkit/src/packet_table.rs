//! The packet table: what a datapath must do, as packets in and packets out.
//!
//! A case is a small network and a sequence of steps: a packet comes in at a point and something is
//! expected of it, the clock advances, the network changes. Each sentence of the pipeline's text
//! (`logical`, `pipeline.rs`) has its cases, named after it, and so has each reason to drop a packet. The
//! same table runs on everything that calls itself a [`Datapath`]: the interpreter, and the eBPF programs.
//!
//! What the cases do not think of, [`crate::generate`] looks for: random networks and packets, on which two
//! datapaths must agree.

pub mod case;
mod cases;
mod datapath;
pub mod topology;

pub use case::{Case, Script};
pub use cases::cases;
pub use datapath::{Answer, Datapath, DatapathError, Interpreter};
pub use topology::{Rule, Topology, mac};
