//! What tests of the whole are made of: hosts, servers and the outside, as network namespaces.
//!
//! A [`Host`] is a machine that Baryon runs on, with the real binary in it; a [`Server`] is a guest with real clients
//! (`udhcpc`, `dhclient`, `ping`, `curl`, `ncat`, `arping`, `tcpdump`); [`Openstack`] is the command from PyPI. Nothing is
//! mocked, and nothing outside the namespaces of the test is touched, so that tests run side by side, and twice in a row
//! after any of them was killed: see [`Scope`].
//!
//! What is asserted belongs to the tests; here are only the means to do and to see.

#![forbid(unsafe_code)]

mod capture;
mod cloud;
mod dhcp;
mod error;
pub mod frame;
pub mod generate;
mod host;
mod keystone;
mod netns;
mod nova;
mod openstack;
pub mod packet_table;
mod process;
mod raw;
pub mod rest;
mod scope;
mod server;
mod service;
mod traffic;

pub use capture::Capture;
pub use cloud::Cloud;
pub use dhcp::{DhcpClient, Lease};
pub use error::{Error, Result};
pub use host::{FAR_AWAY, GATEWAY, Host, UPLINK};
pub use keystone::{Keystone, Login};
pub use netns::Netns;
pub use nova::Nova;
pub use openstack::Openstack;
pub use process::{Background, Finished, PATIENCE, family, run, run_within, wait_for};
pub use scope::{Scope, purge};
pub use server::{Pinged, Server};
pub use service::Service;
pub use traffic::{Connection, Pings, Stream, Streamed, Talked};
