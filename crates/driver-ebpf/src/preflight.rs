//! What the datapath needs of the kernel, tried out.

use std::{fs, os::fd::AsFd};

use hostnet::Links;

use crate::{
    Error,
    error::Result,
    kernel::{Program, open_object},
    sys,
};

/// The first kernel with tcx links.
const OLDEST: (u32, u32) = (6, 6);
/// Entries of each map while trying: as few as possible.
const FEW: u32 = 1;

/// One thing that was tried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Probe {
    /// What it is about.
    pub name: &'static str,
    /// What was found, or what is missing and what to do.
    pub outcome: Result<String, String>,
}

/// Tries what the datapath needs. Needs its privileges, and leaves nothing behind.
#[must_use]
pub fn preflight() -> Vec<Probe> {
    let probe = |name, outcome| Probe { name, outcome };
    vec![
        probe("kernel", kernel_version()),
        probe("bpffs", has_bpffs()),
        probe("datapath programs", try_programs().map_err(|error| error.to_string())),
    ]
}

fn kernel_version() -> Result<String, String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").map_err(|error| error.to_string())?;
    let release = release.trim();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let version = match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
        _ => return Err(format!("the kernel's version '{release}' cannot be read")),
    };
    if version < OLDEST {
        let (major, minor) = OLDEST;
        return Err(format!("Linux {release} has no tcx links: use {major}.{minor} or newer"));
    }
    Ok(format!("Linux {release}"))
}

fn has_bpffs() -> Result<String, String> {
    let filesystems = fs::read_to_string("/proc/filesystems").map_err(|error| error.to_string())?;
    if filesystems.lines().any(|line| line.split_whitespace().last() == Some("bpf")) {
        Ok("the file system bpf can be mounted".to_owned())
    } else {
        Err("the kernel has no file system bpf: use one built with CONFIG_BPF_SYSCALL".to_owned())
    }
}

/// Loads the programs, with all helpers that they call, and attaches one to the loopback interface for
/// a moment: one that lets everything pass, since it knows no device.
fn try_programs() -> Result<String> {
    let mut open = open_object()?;
    for mut map in open.maps_mut() {
        if !map.name().to_string_lossy().contains('.') {
            map.set_max_entries(FEW).map_err(Error::bpf("size a map"))?;
        }
    }
    let object = open.load().map_err(Error::bpf("load the datapath's programs (is this root, with CAP_BPF?)"))?;
    let program = object.progs().find(|program| program.name() == Program::FromWire.name());
    let program = program.ok_or(Error::NoMap(Program::FromWire.name()))?;
    let program = program.as_fd().try_clone_to_owned().map_err(Error::file("keep the program", "from_wire"))?;
    let loopback = Links::open()?.by_name("lo")?;
    let link = sys::create_link(&program, loopback.ifindex)?;
    drop(link);
    Ok("the programs load, and attach by tcx".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_kernel_has_what_the_datapath_needs() {
        for probe in preflight() {
            assert!(probe.outcome.is_ok(), "{probe:?}");
        }
    }
}
