//! A host that Baryon runs on: a namespace, an instance of the real binary in it, and the world outside.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cloud::Cloud;
use crate::error::{Error, Result};
use crate::netns::Netns;
use crate::openstack::Openstack;
use crate::process::{Background, Finished, PATIENCE, family, run_within, wait_for};
use crate::scope::{DATA_DIR, Scope};
use crate::server::Server;

/// The interface of a host that leads outside, when it has one.
pub const UPLINK: &str = "phys0";

/// The Internet as servers see it: the gateway of `ext-net`, and an address far behind it.
pub const GATEWAY: &str = "198.51.100.1";
/// An address that is reached only by way of the gateway (of the range for benchmarks, RFC 2544).
pub const FAR_AWAY: &str = "198.18.0.10";

/// A host in a namespace of its own, with everything that belongs to it. All of it goes with the value.
#[derive(Debug)]
pub struct Host {
    // Before the scope, so that the process ends before what it works on is removed.
    baryon: Option<Background>,
    netns: Netns,
    binary: PathBuf,
    starts: u32,
    scope: Scope,
}

impl Host {
    /// A new host on which `binary`, the `baryon` to be tested, has not been started yet.
    pub fn new(binary: &Path) -> Result<Self> {
        let scope = Scope::new()?;
        let netns = scope.netns("host")?;
        Ok(Self { baryon: None, netns, binary: binary.to_path_buf(), starts: 0, scope })
    }

    /// Its namespace.
    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// What it owns.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The data directory of its instance.
    pub fn data_dir(&self) -> PathBuf {
        self.scope.dir().join(DATA_DIR)
    }

    /// Where its instance has sockets and pins.
    pub fn run_dir(&self) -> PathBuf {
        self.scope.dir().join("run")
    }

    /// A guest of this host, without a port yet.
    pub fn server(&self, name: &str) -> Result<Server> {
        Server::new(&self.scope, name)
    }

    /// Lays a wire from [`UPLINK`] to a namespace that plays the Internet: it has the gateway's address, knows no route
    /// into any tenant's network, and one address more far behind.
    pub fn outside(&self) -> Result<Server> {
        let outside = self.scope.netns("outside")?;
        self.netns.veth(UPLINK, &outside, "eth0")?;
        outside.ip(&format!("addr add {GATEWAY}/24 dev eth0"))?;
        outside.ip(&format!("addr add {FAR_AWAY}/32 dev lo"))?;
        Ok(Server::in_netns(outside, "eth0", &self.scope))
    }

    /// Starts `baryon up` with these options more and waits until it says that it is ready.
    pub fn up(&mut self, options: &[&str]) -> Result<()> {
        let mut command = self.netns.command(&self.binary.to_string_lossy());
        command.arg("up").arg("--data-dir").arg(self.data_dir()).arg("--run-dir").arg(self.run_dir()).args(options);
        self.starts += 1;
        let mut baryon = Background::start(&mut command, &self.log_path(self.starts))?;
        wait_for("baryon up to be ready", PATIENCE, || {
            if let Ok(Some(status)) = baryon.ended() {
                return Ok(Err(status));
            }
            if self.is_ready() { Ok(Ok(())) } else { Err(baryon.output()) }
        })?
        .map_err(|status| Error::Command {
            command: "baryon up".to_owned(),
            status: status.to_string(),
            output: baryon.output(),
        })?;
        self.baryon = Some(baryon);
        Ok(())
    }

    /// Whether the running instance answers that it is ready.
    pub fn is_ready(&self) -> bool {
        let mut curl = self.netns.command("curl");
        curl.args(["--silent", "--fail", "--max-time", "2", "http://127.0.0.1:9697/readyz"]);
        run_within(&mut curl, PATIENCE).is_ok_and(|finished| finished.status.success())
    }

    /// What the instance has printed, from its first start to its last.
    pub fn log(&self) -> String {
        (1..=self.starts).filter_map(|start| std::fs::read_to_string(self.log_path(start)).ok()).collect()
    }

    fn log_path(&self, start: u32) -> PathBuf {
        self.scope.dir().join(format!("baryon-{start}.log"))
    }

    /// The processes of the running instance, the supervisor first.
    pub fn processes(&self) -> Vec<Pid> {
        self.baryon.as_ref().map(|baryon| family(baryon.pid())).unwrap_or_default()
    }

    /// Ends the instance as a service manager would, and waits for it.
    pub fn stop(&mut self) -> Result<()> {
        let Some(baryon) = self.baryon.take() else { return Ok(()) };
        let (status, output) = baryon.stop(Signal::SIGTERM, PATIENCE)?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Command { command: "baryon up".to_owned(), status: status.to_string(), output })
    }

    /// `kill -9` for every process of the instance, the supervisor first, so that it restarts none.
    pub fn kill(&mut self) -> Result<()> {
        let processes = self.processes();
        for pid in &processes {
            // A role may end by itself when its supervisor is gone.
            let _ = kill(*pid, Signal::SIGKILL);
        }
        // Waits for the supervisor, which is our child.
        self.baryon = None;
        wait_for("killed processes to be gone", PATIENCE, || {
            let alive = processes.iter().filter(|pid| Path::new(&format!("/proc/{pid}")).exists()).count();
            if alive == 0 { Ok(()) } else { Err(format!("{alive} are alive")) }
        })
    }

    /// A `baryon` command on this host, for its instance.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.netns.command(&self.binary.to_string_lossy());
        command.args(arguments).arg("--data-dir").arg(self.data_dir());
        command
    }

    /// Runs a `baryon` command to its end, whatever its status.
    pub fn baryon(&self, arguments: &[&str]) -> Result<Finished> {
        run_within(&mut self.command(arguments), Duration::from_secs(120))
    }

    /// `baryon attach` of a port to a server's namespace.
    pub fn attach(&self, port: &str, server: &Server, options: &[&str]) -> Result<()> {
        let mut arguments = vec!["attach", port, "--netns", server.netns().name()];
        arguments.extend(options);
        self.baryon(&arguments)?.success().map(drop)
    }

    /// The `openstack` command on this host, as a cloud of the instance's `clouds.yaml`.
    pub fn openstack(&self, cloud: &str) -> Openstack {
        Openstack::new(self.netns.clone(), self.data_dir().join("clouds.yaml"), cloud)
    }

    /// The same cloud by HTTP, for what a test needs much of.
    pub fn cloud(&self, cloud: &str) -> Result<Cloud> {
        Cloud::log_in(self.netns.clone(), &self.data_dir().join("clouds.yaml"), cloud)
    }
}
