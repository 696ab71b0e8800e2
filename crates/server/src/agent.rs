//! The agent: the privileged part, and how the rest speaks to it.
//!
//! It owns the drivers, one of each region, and the host side, and does what the verbs of [`logical::Driver`] say, no more:
//! it decides nothing about networks, reads no database and parses nothing that a tenant sent.

mod protocol;
mod remote;
mod serve;
mod services;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use remote::RemoteDriver;
pub use serve::{Drivers, Socket, bind, serve};
pub use services::{ServingDriver, start as start_services};

/// The version that both ends of the socket must share.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The socket of an instance's agent.
#[must_use]
pub fn socket(run_dir: &Path) -> PathBuf {
    run_dir.join("agent.sock")
}
