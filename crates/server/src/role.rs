//! A role: one of the processes that `baryon up` starts, and how the two talk.
//!
//! The supervisor writes the role's settings as one line of JSON to its standard input and keeps
//! that open: when it ends, however it ends, the role's input ends and the role with it. No process
//! of an instance outlives its supervisor, and no signal has to arrive for that. The role answers by
//! one line on its standard output: ready, with notes for the administrator, or failed, with why.
//! Log lines go to the standard error that it shares with the supervisor.

use std::{
    io::{self, BufRead, Read, Write},
    path::PathBuf,
};

use logical::Timeouts;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Error,
    account::Account,
    cli::RoleName,
    config::{ApiConfig, AuditConfig, CloudSettings, LogConfig, QuotaConfig, RegionName, SecurityConfig},
    error::Result,
    instance::InstanceId,
    region::{Region, Slot},
};

/// Longest line of settings.
const MAX_SETTINGS: u64 = 1 << 20;

/// What the role `api` works with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiSettings {
    /// The data directory.
    pub data_dir: PathBuf,
    /// `<run-dir>/<instance>`.
    pub run_dir: PathBuf,
    /// Listeners.
    pub api: ApiConfig,
    /// Whom to become; none: whoever this is.
    pub account: Option<Account>,
    /// Log lines.
    pub log: LogConfig,
    /// What is remembered of requests.
    pub audit: AuditConfig,
    /// Rules for passwords, and for logins that fail.
    pub security_compliance: SecurityConfig,
    /// The limits of projects that have none of their own.
    pub quota: QuotaConfig,
    /// Regions that it serves.
    pub regions: Vec<Region>,
    /// The cloud around us, if there is one.
    pub cloud: Option<CloudSettings>,
    /// Names by which a compute service calls this host.
    pub hosts: Vec<String>,
}

/// What the role `agent` works with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgentSettings {
    /// The instance.
    pub instance: InstanceId,
    /// `<run-dir>/<instance>`.
    pub run_dir: PathBuf,
    /// Whom the role `api` runs as, the only one to be spoken with.
    pub account: Account,
    /// Log lines.
    pub log: LogConfig,
    /// The regions with a datapath.
    pub regions: Vec<Region>,
    /// Regions that have none any more, and may have left things in the kernel.
    pub retired: Vec<(Slot, RegionName)>,
    /// How long connections are remembered.
    pub timeouts: Timeouts,
}

/// What the supervisor tells a role that runs, a line of JSON each, after its settings.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// A certificate for the listener, and its key, in PEM.
    Certificate {
        /// With the chain.
        certificate: String,
        /// A secret.
        key: String,
    },
    /// The files of the certificate have changed and are of no use.
    NoCertificate {
        /// Why.
        reason: String,
    },
}

impl News {
    /// The line that says it.
    pub fn to_line(&self) -> Result<String> {
        let text = serde_json::to_string(self).map_err(io::Error::from).map_err(Error::io("write news for a role"))?;
        Ok(text + "\n")
    }
}

/// What a role says once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announcement {
    /// It does its work.
    Ready {
        /// Lines for the administrator: what was changed, where things are.
        notes: Vec<String>,
    },
    /// It cannot.
    Failed {
        /// Why, and what to do.
        message: String,
    },
}

impl Announcement {
    /// Says it to the supervisor.
    pub fn send(&self) -> Result<()> {
        let mut text =
            serde_json::to_string(self).map_err(io::Error::from).map_err(Error::io("write an announcement"))?;
        text.push('\n');
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::io("tell the supervisor"))
    }
}

/// Reads the settings that the supervisor gives.
pub fn settings<T: DeserializeOwned>(role: RoleName) -> Result<T> {
    let mut line = String::new();
    io::stdin().lock().take(MAX_SETTINGS).read_line(&mut line).map_err(Error::io("read the role's settings"))?;
    serde_json::from_str(&line).map_err(|error| {
        Error::Usage(format!(
            "`baryon role {}` is started by `baryon up`, which gives it its settings ({error}): use `baryon up`",
            role.name()
        ))
    })
}

/// The next thing that the supervisor says; none when it is gone or wants the role to end.
pub fn next_news() -> Option<News> {
    let mut line = String::new();
    loop {
        line.clear();
        match io::stdin().lock().take(MAX_SETTINGS).read_line(&mut line) {
            Ok(0) => return None,
            Ok(_) => match serde_json::from_str(&line) {
                Ok(news) => return Some(news),
                // Its text may be a secret.
                Err(_) => tracing::warn!("the supervisor said something that is not understood"),
            },
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return None,
            Err(_) => {}
        }
    }
}

/// Waits until the supervisor is gone or wants the role to end.
pub fn wait_for_end() {
    let mut input = io::stdin().lock();
    let mut rest = [0; 64];
    loop {
        match input.read(&mut rest) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
            _ => {}
        }
    }
}

/// The program that a role runs: this one.
pub fn program() -> PathBuf {
    // The path is what `ps` shows. When the file was replaced by another version meanwhile, the one
    // that runs is still this link's target, and a role of another version would not fit.
    match std::env::current_exe() {
        Ok(path) if path.exists() => path,
        _ => "/proc/self/exe".into(),
    }
}

impl RoleName {
    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Agent => "agent",
            Self::Services => "services",
        }
    }
}
