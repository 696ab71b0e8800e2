//! Network namespaces by name, as `ip netns` keeps them, and ways to be inside one.
//!
//! A program enters by `nsenter --net`: `ip netns exec` would also make a private mount namespace, in which what a daemon
//! mounts dies with it. Our own code enters with a thread: sockets stay in the namespace where they were made, so a
//! socket made there works from everywhere afterwards. What a person would type in a test bed (addresses, routes, veth
//! pairs) is done by `ip`, so that the words of a scenario are those of its manual.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::{Error, Result};
use crate::process::{all_pids, run};

/// A named network namespace. It does not go with the value: the [`Scope`](crate::Scope) that made it removes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Netns {
    name: String,
}

impl Netns {
    /// The namespace of that name, which may not exist yet.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// Creates it, with its loopback up.
    pub fn create(&self) -> Result<()> {
        hostnet::Netns::create(&self.name)?;
        self.ip("link set lo up")
    }

    /// Removes it with everything in it: the processes first, since a namespace lives as long as one of them.
    pub fn remove(&self) -> Result<()> {
        for pid in self.processes() {
            // It may have ended meanwhile.
            let _ = kill(pid, Signal::SIGKILL);
        }
        hostnet::Netns::delete(&self.name)?;
        Ok(())
    }

    /// The name, as `baryon attach --netns` takes it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that stands for it.
    pub fn path(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.name)
    }

    /// Whether there is a namespace of that name.
    pub fn exists(&self) -> bool {
        self.path().exists()
    }

    /// The processes whose network is this one.
    pub fn processes(&self) -> Vec<Pid> {
        let Ok(inode) = std::fs::metadata(self.path()).map(|m| m.ino()) else { return Vec::new() };
        all_pids()
            .into_iter()
            .filter(|pid| std::fs::metadata(format!("/proc/{pid}/ns/net")).is_ok_and(|m| m.ino() == inode))
            .map(Pid::from_raw)
            .collect()
    }

    /// A command that runs inside; the process that is started is the program itself.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path().display())).arg("--").arg(program);
        command
    }

    /// Runs a command line of plain words inside; it must succeed.
    pub fn sh(&self, words: &str) -> Result<String> {
        let mut words = words.split_whitespace();
        run(self.command(words.next().unwrap_or_default()).args(words))
    }

    /// `ip` with these words, inside.
    pub fn ip(&self, words: &str) -> Result<()> {
        run(Command::new("ip").args(["-n", &self.name]).args(words.split_whitespace())).map(drop)
    }

    /// A veth pair from here to another namespace.
    pub fn veth(&self, here: &str, peer: &Self, there: &str) -> Result<()> {
        self.ip(&format!("link add {here} type veth peer name {there} netns {}", peer.name))?;
        self.ip(&format!("link set {here} up"))?;
        peer.ip(&format!("link set {there} up"))
    }

    /// Sets a sysctl below `/proc/sys/net`, inside.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        let path = format!("/proc/sys/net/{key}");
        // `/proc/sys/net` shows the namespace of the thread that opens it.
        self.enter(|| std::fs::write(&path, value))?.map_err(Error::io(format!("{path} = {value} in {}", self.name)))
    }

    /// The number of the interface of that name, inside.
    pub fn ifindex(&self, ifname: &str) -> Result<u32> {
        let shown = run(Command::new("ip").args(["-n", &self.name, "-o", "link", "show", "dev", ifname]))?;
        shown
            .split_once(':')
            .and_then(|(index, _)| index.parse().ok())
            .ok_or_else(|| Error::unexpected(format!("the index of {ifname} in {}", self.name), &*shown))
    }

    /// Runs `inside` on a thread whose network is this namespace.
    pub fn enter<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> Result<T> {
        Ok(hostnet::Netns::open(&self.name)?.run(inside)?)
    }
}
