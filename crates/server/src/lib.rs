//! The one binary `baryon`: command line, configuration, roles, wiring.
//!
//! `baryon up` is a supervisor. It starts roles of the same binary as processes of their own, so
//! that each has only the rights that its job needs:
//!
//! - `api` serves HTTP, owns the store, compiles and reconciles, as a user of its own without any capability ([`account`]);
//! - `agent` owns the datapath and the host side, and speaks the verbs of [`logical::Driver`] over a
//!   socket ([`agent`]);
//! - `services` answers DHCP and metadata, unprivileged, in a namespace that the agent made.
//!
//! Invariants:
//! - No process of an instance outlives its supervisor ([`role`]); the datapath outlives all of them.
//! - Two supervisors never run on one data directory ([`data_dir`]).
//! - Everything in the kernel is found again by its name ([`instance`]), so that each start takes over
//!   what is there, and `baryon down` removes all of it.
//! - What goes wrong is one line that says what to do ([`Error`]), and an exit code that is not 0.
//!
//! Other commands are clients of the API like any other. Deliberately absent: any way around it.

#![forbid(unsafe_code)]

pub mod account;
pub mod agent;
pub mod cli;
pub mod client;
mod commands;
pub mod config;
pub mod data_dir;
pub mod error;
pub mod host_side;
pub mod instance;
mod logging;
mod nova;
mod output;
pub mod preflight;
pub mod region;
pub mod role;
mod roles;
pub mod supervisor;
pub mod tls;

use std::process::ExitCode;

use clap::Parser;

pub use error::Error;

use cli::{Cli, Command};

/// Runs the command line and says how it went.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // "No answer" is told apart from "the packet is dropped".
    let failure = if matches!(cli.command, Command::Trace(_)) { 2 } else { 1 };
    match commands::run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Told) => ExitCode::from(1),
        Err(error) => {
            use std::io::Write;
            // Whoever closed standard error does not want to know.
            let _ = writeln!(std::io::stderr(), "baryon: {error}");
            ExitCode::from(failure)
        }
    }
}
