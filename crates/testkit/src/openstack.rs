//! The `openstack` command of PyPI, run inside a host.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::netns::Netns;
use crate::process::{Finished, run_within};

/// The command, logged in as one cloud of a `clouds.yaml`.
#[derive(Debug, Clone)]
pub struct Openstack {
    netns: Netns,
    clouds: PathBuf,
    cloud: String,
}

impl Openstack {
    pub(crate) fn new(netns: Netns, clouds: PathBuf, cloud: &str) -> Self {
        Self { netns, clouds, cloud: cloud.to_owned() }
    }

    /// Where `make venv` put it.
    fn program() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/openstack")
    }

    /// Runs it, whatever its status.
    pub fn run(&self, arguments: &[&str]) -> Result<Finished> {
        let mut command = self.netns.command(&Self::program().to_string_lossy());
        command.env("OS_CLIENT_CONFIG_FILE", &self.clouds).env("OS_CLOUD", &self.cloud).args(arguments);
        run_within(&mut command, Duration::from_secs(90))
    }

    /// A command that prints nothing of interest.
    pub fn quiet(&self, arguments: &[&str]) -> Result<()> {
        self.run(arguments)?.success().map(drop)
    }

    /// A command that prints an object or a list, as JSON.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let mut all = arguments.to_vec();
        all.extend(["-f", "json"]);
        let printed = self.run(&all)?.success()?;
        serde_json::from_str(&printed)
            .map_err(|_| Error::unexpected(format!("openstack {}", arguments.join(" ")), printed.clone()))
    }

    /// The id of what a command creates or shows.
    pub fn id(&self, arguments: &[&str]) -> Result<String> {
        let object = self.json(arguments)?;
        object["id"].as_str().map(str::to_owned).ok_or_else(|| Error::unexpected("an object's id", object.to_string()))
    }
}
