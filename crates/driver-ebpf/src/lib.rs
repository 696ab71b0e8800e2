//! The eBPF datapath.
//!
//! Packets are forwarded by programs in the kernel (`bpf/`), which read maps and remember connections.
//! This crate loads the programs, makes devices, and keeps the maps equal to the rows that it is given.
//!
//! - **The datapath outlives the process.** Maps and links are pinned ([`Pins`]); a driver that
//!   starts again opens them, and what is right already is not written again.
//! - **A pure core.** A row becomes map entries by a function ([`mod@encode`]); what is in the maps and
//!   whose it is, is known here ([`mod@entries`], [`mod@rows`]); only `kernel`, `devices`
//!   and `sys` touch the kernel.
//! - **Layouts are defined once**, in [`mod@layout`], for both sides.
//! - **Remembered decisions carry generations.** A change bumps the generation of what it makes old: of
//!   forwarding, or of single ports' groups. Additions to groups bump nothing.
//!
//! Rejected: an LRU of connections, in which one tenant's new connections evict another's; the
//! kernel's connection tracking, which has no notion of our zones and rules; a program per port, whose
//! loading would take longer than all other work on a port together.
//!
//! Deliberately absent: decisions. Which rows there are is the compiler's business, and what they mean
//! is said in `logical`.

mod announce;
mod bpffs;
mod collector;
mod config;
mod datapath;
mod devices;
mod driver;
pub mod encode;
pub mod entries;
mod error;
mod kernel;
#[doc = "Constants and layouts that both sides of the kernel's edge agree on."]
pub mod layout;
pub mod numbers;
mod preflight;
mod promiscuous;
pub mod rows;
mod sys;
pub mod table;
pub mod test_run;
mod watch;

pub use bpffs::{LAYOUT, Pins};
pub use config::{EbpfConfig, FIRST_IFINDEX};
pub use driver::{EbpfDriver, ServiceChange, ServicePort, remove_instance};
pub use error::Error;
pub use preflight::{Probe, preflight};
