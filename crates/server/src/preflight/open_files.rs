//! How many files a process may have open, against how many the configured connections take.
//!
//! Login shells and systemd give a soft limit of 1024 for programs that use `select`, and a far higher hard one to
//! those that ask for it. The supervisor asks, before it starts its roles, which inherit it and cannot ask any more:
//! going over the hard limit takes a right that they give up.

use nix::{
    errno::Errno,
    sys::resource::{Resource, getrlimit, setrlimit},
};

use crate::{Error, config::ApiConfig, error::Result};

/// The limits of this process: soft and hard.
fn limits() -> Result<(u64, u64)> {
    getrlimit(Resource::RLIMIT_NOFILE).map_err(|errno| Error::io("read the limit of open files")(errno.into()))
}

fn needed(api: &ApiConfig) -> u64 {
    api.limits().open_files() as u64
}

/// Raises the limits as far as the connections need and the kernel lets us. The error says how far it fell short.
pub(crate) fn raise(api: &ApiConfig) -> Result<()> {
    let (soft, hard) = limits()?;
    let needed = needed(api);
    if soft >= needed {
        return Ok(());
    }
    let set = |soft, hard| setrlimit(Resource::RLIMIT_NOFILE, soft, hard);
    // Over the hard limit by right, or up to it.
    match set(needed, hard.max(needed)) {
        // By lack of the right, or over what the kernel gives anybody (fs.nr_open).
        Err(Errno::EPERM | Errno::EINVAL) if hard < needed => {
            set(hard, hard).map_err(failed)?;
            Err(few(api, hard))
        }
        result => result.map_err(failed),
    }
}

fn failed(errno: Errno) -> Error {
    Error::io("raise the limit of open files")(errno.into())
}

fn few(api: &ApiConfig, allowed: u64) -> Error {
    Error::FewOpenFiles { allowed, needed: needed(api), connections: api.connections.get() }
}

/// What `baryon up` would find when it is started as this process was.
pub(crate) fn check(api: &ApiConfig) -> Result<String> {
    let (soft, hard) = limits()?;
    if hard < needed(api) {
        return Err(few(api, hard));
    }
    let (needed, connections) = (needed(api), api.connections);
    Ok(format!("{needed} needed for api.connections = {connections}, {hard} allowed ({soft} unless asked for)"))
}
