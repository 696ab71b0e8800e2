//! The host's network, as plain blocking calls: namespaces, links, addresses, routes, nftables,
//! sysctls, and how a process of ours gives up its rights.
//!
//! Everything here is a thin edge over the kernel and decides nothing. Two facts shape it:
//!
//! - **A netlink socket belongs to the namespace in which it was opened**, whatever thread uses it
//!   later. So a [`Links`] is a handle on one namespace ([`Links::open`] of the calling thread,
//!   [`Links::open_in`] of a named one) and may be shared between threads.
//! - **Namespaces, capabilities and `/proc/sys/net` belong to threads.** [`Netns::run`] therefore
//!   runs its closure on a fresh thread that ends afterwards: no pooled thread is ever left behind
//!   in a foreign namespace. [`sysctl`] and [`nft`] act on the namespace of the calling thread.
//!
//! Netlink is spoken over a blocking socket, not through an asynchronous library: a runtime inside
//! would panic when called from within another one, and a request is answered in microseconds.
//!
//! Deliberately absent: traffic control and BPF (the driver's), any naming scheme (the callers
//! know their instance), and changes to anything that the caller did not name.

#![forbid(unsafe_code)]

mod address;
mod error;
mod link;
mod links;
mod neighbour;
mod netlink;
mod netns;
pub mod nft;
mod route;
pub mod sandbox;
pub mod sysctl;
mod veth;
mod watch;

pub use address::InterfaceAddress;
pub use error::{Error, Result};
pub use link::{Link, LinkName};
pub use links::Links;
pub use neighbour::Neighbour;
pub use netns::Netns;
pub use nix::errno::Errno;
pub use route::{Route, RouteKind};
pub use veth::{PeerSpec, VethSpec};
pub use watch::{LinkEvent, LinkWatch, WatchStop};
