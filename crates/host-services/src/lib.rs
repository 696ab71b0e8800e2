//! DHCP and metadata for guests, served by one unprivileged process per instance.
//!
//! Tenants may use the same addresses, so no address of theirs says who is asking. The datapath
//! therefore rewrites the source of every packet to the services into the *service address* of the
//! port that it came from, unique in the instance. Here, in a namespace where nothing but services
//! lives, one UDP socket and one TCP listener at 169.254.169.254 serve all guests: **the peer's
//! address is the port**, and a table from that address to the port's facts is all there is to know.
//!
//! Invariants:
//! - Answers are pure functions of the port's facts and the request ([`dhcp::answer`],
//!   [`metadata::answer`]). There is no lease store: a port's address is the API's decision, so the
//!   same question gets the same answer after any restart.
//! - Nothing that a guest sends can crash the process, reach another port's facts or make it grow:
//!   requests are bounded, rates and connections are limited per port, and what is ignored is
//!   counted with a reason.
//! - The process holds no rights: sockets are bound ([`Sockets::bind`]) before the role gives up
//!   its capabilities, and nothing after that needs any.
//!
//! The table arrives over a stream from the agent ([`config`]). When the stream ends, the process
//! ends ([`mod@run`]): the agent starts a new one with the whole table whenever it starts itself, and
//! guests of a stopped instance are not told things that may have become wrong.
//!
//! Deliberately absent: relays (`giaddr`), BOOTP, leases, and any client of the network.

#![forbid(unsafe_code)]

pub mod config;
mod counters;
pub mod dhcp;
mod limit;
pub mod metadata;
mod run;

pub use counters::{Count, Counters};
pub use run::{Error, Sockets, run};
