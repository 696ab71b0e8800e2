//! The role `services`: DHCP and metadata, without any right, in the namespace that it was started in.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
    sync::Arc,
};

use hostnet::sandbox::{self, SandboxSpec};

use crate::{Error, config::LogConfig, error::Result};

/// Longest line of settings.
const MAX_SETTINGS: usize = 1 << 16;

/// Serves until standard input, the stream of port records, ends.
pub(super) fn run() -> Result<()> {
    let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(Error::io("open standard input"))?;
    let mut stream = File::from(stdin);
    let log: LogConfig = settings(&mut stream)?;
    crate::logging::start(&log);
    let sockets = host_services::Sockets::bind(logical::SERVICE_ADDRESS)?;
    sandbox::enter(&SandboxSpec::default())?;
    let counters = Arc::new(host_services::Counters::default());
    Ok(host_services::run(stream, sockets, counters)?)
}

/// The first line, and not a byte more: what follows belongs to the records.
fn settings(stream: &mut File) -> Result<LogConfig> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < MAX_SETTINGS {
        stream.read_exact(&mut byte).map_err(Error::io("read the role's settings"))?;
        match byte {
            [b'\n'] => break,
            [other] => line.push(other),
        }
    }
    serde_json::from_slice(&line).map_err(|error| {
        Error::Usage(format!("`baryon role services` is started by the agent, which gives it its settings ({error})"))
    })
}
