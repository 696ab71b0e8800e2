//! What must be true before anything is started, each checked by itself and told in one line.
//!
//! `baryon up` stops at the first thing that is missing; `baryon doctor` goes through all of them.

pub mod instance;
mod listener;
pub(crate) mod open_files;

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{Error, error::Result};

pub use listener::check_listener;

/// tcx links appeared in 6.6.
const KERNEL: (u32, u32) = (6, 6);
/// Bits of `CapEff` in `/proc/self/status`, from `linux/capability.h`.
const CAPABILITIES: [(u32, &str); 3] = [(12, "CAP_NET_ADMIN"), (21, "CAP_SYS_ADMIN"), (7, "CAP_SETUID")];

/// One thing that the datapath needs.
#[derive(Debug)]
pub struct Check {
    /// In a few words.
    pub name: &'static str,
    /// What was found, or what is wrong and what to do.
    pub result: Result<String>,
}

/// Everything that the datapath needs, in the order in which a person would repair it.
#[must_use]
pub fn datapath() -> Vec<Check> {
    vec![
        Check { name: "root", result: root() },
        Check { name: "kernel version", result: kernel() },
        Check { name: "eBPF", result: bpf() },
        Check { name: "kernel types (BTF)", result: btf() },
        Check { name: "network namespaces", result: namespaces() },
        Check { name: "mount namespace", result: mounts() },
        Check { name: "program nft", result: program("nft", "nftables") },
    ]
}

/// The first thing that is missing.
pub fn require_datapath() -> Result<()> {
    datapath().into_iter().try_for_each(|check| check.result.map(drop))
}

fn root() -> Result<String> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::NotRoot {
            command: "`baryon up`",
            hint: Some("try everything but the datapath with --driver null --data-dir DIR --run-dir DIR"),
        });
    }
    let status = fs::read_to_string("/proc/self/status").map_err(Error::io("read /proc/self/status"))?;
    let effective = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok())
        .unwrap_or_default();
    match CAPABILITIES.iter().find(|(bit, _)| effective & (1 << bit) == 0) {
        Some((_, missing)) => Err(Error::MissingCapability { missing }),
        None => Ok("uid 0 with the capabilities that are needed".to_owned()),
    }
}

fn kernel() -> Result<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").map_err(Error::io("read the kernel's version"))?;
    check_release(release.trim())
}

fn check_release(release: &str) -> Result<String> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().ok());
    let version = (numbers.next().flatten().unwrap_or(0), numbers.next().flatten().unwrap_or(0));
    if version < KERNEL {
        return Err(Error::KernelTooOld { found: release.to_owned(), needed: format!("{}.{}", KERNEL.0, KERNEL.1) });
    }
    Ok(format!("Linux {release}"))
}

fn bpf() -> Result<String> {
    let filesystems = fs::read_to_string("/proc/filesystems").map_err(Error::io("read /proc/filesystems"))?;
    if !filesystems.lines().any(|line| line.split_whitespace().last() == Some("bpf")) {
        return Err(Error::MissingFeature {
            feature: "the file system bpf".to_owned(),
            remedy: "use a kernel built with CONFIG_BPF_SYSCALL=y".to_owned(),
        });
    }
    Ok("the file system bpf can be mounted".to_owned())
}

fn btf() -> Result<String> {
    let path = Path::new("/sys/kernel/btf/vmlinux");
    if !path.exists() {
        return Err(Error::MissingFeature {
            feature: "its own type information (/sys/kernel/btf/vmlinux)".to_owned(),
            remedy: "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, and mount /sys".to_owned(),
        });
    }
    Ok(path.display().to_string())
}

fn namespaces() -> Result<String> {
    let path = Path::new("/proc/self/ns/net");
    if !path.exists() {
        return Err(Error::MissingFeature {
            feature: "network namespaces".to_owned(),
            remedy: "use a kernel built with CONFIG_NET_NS=y, and mount /proc".to_owned(),
        });
    }
    Ok("there".to_owned())
}

/// A private mount namespace is what `ip netns exec` makes. It is seen by a process that this one
/// stems from having another one (in a container all have the container's, which is right), or, when
/// that one is gone, by the mount that `ip netns exec` makes and names after the namespace.
fn mounts() -> Result<String> {
    let namespace = |pid: u32| fs::metadata(format!("/proc/{pid}/ns/mnt")).map(|metadata| metadata.ino()).ok();
    let ours = namespace(std::process::id());
    let mut pid = parent(std::process::id());
    while let Some(ancestor) = pid {
        if namespace(ancestor).is_some_and(|theirs| Some(theirs) != ours) {
            return Err(Error::PrivateMounts { reason: format!("process {ancestor}, which started it, has another") });
        }
        pid = parent(ancestor);
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").map_err(Error::io("read /proc/self/mountinfo"))?;
    match netns_of_sysfs(&mounts) {
        Some(name) => Err(Error::PrivateMounts { reason: format!("its /sys is that of network namespace {name}") }),
        None => Ok("that of the processes that started this one".to_owned()),
    }
}

/// The parent of a process; `None` for the first one of all that can be seen.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())?;
    (parent != 0).then_some(parent)
}

/// The namespace whose sysfs `ip netns exec` mounted: it gives its name as the device's.
fn netns_of_sysfs(mounts: &str) -> Option<&str> {
    mounts.lines().find_map(|line| {
        let (mount, filesystem) = line.split_once(" - ")?;
        let is_sys = mount.split(' ').nth(4) == Some("/sys");
        let (kind, rest) = filesystem.split_once(' ')?;
        let device = rest.split(' ').next()?;
        (is_sys && kind == "sysfs" && Path::new("/run/netns").join(device).exists()).then_some(device)
    })
}

/// A helper program, in the search path or where Debian puts it.
pub fn program(program: &'static str, package: &'static str) -> Result<String> {
    find_program(program).map(|path| path.display().to_string()).ok_or(Error::MissingProgram { program, package })
}

/// Where a program is. Services often run without the administrator's directories in their path.
#[must_use]
pub fn find_program(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|directory| directory.join(program))
        .find(|candidate| {
            fs::metadata(candidate).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_kernel_is_named_with_what_is_needed() {
        assert_eq!(check_release("6.18.44-fc").unwrap(), "Linux 6.18.44-fc");
        assert_eq!(check_release("6.6.0").unwrap(), "Linux 6.6.0");
        assert_eq!(
            check_release("6.1.0-18-amd64").unwrap_err().to_string(),
            "this kernel is 6.1.0-18-amd64; the datapath needs Linux 6.6 or newer: upgrade the kernel, or use --driver null"
        );
        assert!(check_release("nonsense").is_err());
    }

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        assert_eq!(
            program("no-such-program-here", "its-package").unwrap_err().to_string(),
            "program no-such-program-here is missing: install package its-package (Debian: apt-get install its-package); \
             `baryon doctor` lists everything"
        );
    }
}
