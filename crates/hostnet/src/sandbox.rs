//! How a process of ours gives up its rights, for good.
//!
//! To be called at the start of a process, before it has threads: capabilities and namespaces are
//! per thread in Linux, so a thread that exists already would keep them. That is checked.
//!
//! What remains is a process that cannot get anything back: every capability set is empty,
//! including the bounding set, and `no_new_privs` makes set-user-id programs ordinary ones.

use std::fs;

use caps::CapSet;
use nix::{
    sys::{
        prctl,
        resource::{Resource, setrlimit},
    },
    unistd::{Gid, Uid, setgroups, setresgid, setresuid},
};

use crate::{Error, Netns, Result};

/// The user and group that own nothing (`nobody` and `nogroup` in Debian).
pub const NOBODY: u32 = 65534;

/// What a sandboxed process keeps: a namespace, a user, limits.
#[derive(Clone, Debug)]
pub struct SandboxSpec<'a> {
    /// The network namespace to move into first; the current one when absent.
    pub netns: Option<&'a Netns>,
    /// The user to become.
    pub uid: u32,
    /// The group to become; all supplementary groups go.
    pub gid: u32,
    /// Limits of resources, soft and hard alike.
    pub limits: Vec<(Resource, u64)>,
}

impl Default for SandboxSpec<'_> {
    /// Nobody, in the current namespace, without core dumps (they would hold tenants' data).
    fn default() -> Self {
        Self { netns: None, uid: NOBODY, gid: NOBODY, limits: vec![(Resource::RLIMIT_CORE, 0)] }
    }
}

/// Moves the process into its sandbox. Files and sockets that are open stay usable: what needs
/// rights, such as binding a low port, is done before.
pub fn enter(spec: &SandboxSpec<'_>) -> Result<()> {
    require_one_thread()?;
    if let Some(netns) = spec.netns {
        netns.enter()?;
    }
    for &(resource, limit) in &spec.limits {
        setrlimit(resource, limit, limit)
            .map_err(|errno| Error::io(format!("limit {resource:?} to {limit}"), errno))?;
    }
    // The bounding set needs a capability to be emptied, so it goes before the user does.
    clear(CapSet::Bounding)?;
    let identity = || -> nix::Result<()> {
        let (uid, gid) = (Uid::from_raw(spec.uid), Gid::from_raw(spec.gid));
        setgroups(&[])?;
        setresgid(gid, gid, gid)?;
        setresuid(uid, uid, uid)
    };
    identity().map_err(|errno| Error::io(format!("become user {} of group {}", spec.uid, spec.gid), errno))?;
    clear_rest()
}

/// Empties every capability set of the process, whatever its user is.
pub fn drop_all_capabilities() -> Result<()> {
    require_one_thread()?;
    // Without root there may be nothing to empty it with, and `no_new_privs` below keeps a
    // bounding set from ever mattering.
    if caps::has_cap(None, CapSet::Effective, caps::Capability::CAP_SETPCAP).map_err(|error| refused(&error))? {
        clear(CapSet::Bounding)?;
    }
    clear_rest()
}

fn clear_rest() -> Result<()> {
    for set in [CapSet::Ambient, CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        clear(set)?;
    }
    prctl::set_no_new_privs().map_err(|errno| Error::io("set no_new_privs", errno))
}

fn clear(set: CapSet) -> Result<()> {
    caps::clear(None, set).map_err(|error| refused(&error))
}

fn refused(error: &caps::errors::CapsError) -> Error {
    Error::io("drop capabilities", std::io::Error::other(error.to_string()))
}

fn require_one_thread() -> Result<()> {
    let threads = fs::read_dir("/proc/self/task").map_err(|source| Error::io("count threads", source))?.count();
    if threads == 1 { Ok(()) } else { Err(Error::SeveralThreads { threads }) }
}
