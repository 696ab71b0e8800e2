//! The configuration file, and what becomes of it together with the command line.
//!
//! One typed struct per role. A key that does not exist is an error, not a comment: a misspelt
//! `listen` would otherwise listen where nobody looks. An error names the file, the line and the
//! key, and says what is accepted there.

mod api;
mod audit;
mod cloud;
mod example;
mod load;
mod quota;
mod region;
mod security;
#[cfg(test)]
mod tests;
mod value;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use logical::Timeouts;
use serde::{Deserialize, Serialize};

pub use api::ApiConfig;
pub use audit::AuditConfig;
pub use cloud::{CloudSettings, IdentityConfig, NovaConfig};
pub use example::EXAMPLE;
pub use load::{ConfigError, load, parse};
pub use quota::QuotaConfig;
pub use region::{ExternalPrefix, MAX_REGIONS, RegionArg, RegionConfig};
pub use security::SecurityConfig;
pub use value::{DriverKind, InterfaceName, LogFormat, ProxyHeaders, PublicUrl, RegionName, Uplink, ValueError};

use crate::cli::UpArgs;

/// Where the data is, unless told otherwise.
pub const DEFAULT_DATA_DIR: &str = "/var/lib/baryon";
/// Where sockets and pins are, unless told otherwise.
pub const DEFAULT_RUN_DIR: &str = "/run/baryon";
/// Read when there is one and `--config` was not given.
pub const DEFAULT_CONFIG: &str = "/etc/baryon/baryon.toml";
/// The physical network that the first region's `ext-net` is on.
pub const PUBLIC: &str = "public";

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Directory of the database, keys and clouds.yaml.
    pub data_dir: PathBuf,
    /// Directory of sockets, pinned programs and what must be undone.
    pub run_dir: PathBuf,
    /// Log lines of all processes.
    pub log: LogConfig,
    /// The role `api`.
    pub api: ApiConfig,
    /// The role `agent`.
    pub agent: AgentConfig,
    /// Who knows the users.
    pub identity: IdentityConfig,
    /// The compute service beside us.
    pub nova: NovaConfig,
    /// What is remembered of requests.
    pub audit: AuditConfig,
    /// Rules for passwords, and for logins that fail.
    pub security_compliance: SecurityConfig,
    /// The limits of projects that have none of their own.
    pub quota: QuotaConfig,
    /// Interfaces by the name of the physical network that they lead to.
    pub physical_networks: BTreeMap<String, InterfaceName>,
    /// Regions that this process serves.
    pub region: Vec<RegionConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: DEFAULT_DATA_DIR.into(),
            run_dir: DEFAULT_RUN_DIR.into(),
            log: LogConfig::default(),
            api: ApiConfig::default(),
            agent: AgentConfig::default(),
            identity: IdentityConfig::default(),
            nova: NovaConfig::default(),
            audit: AuditConfig::default(),
            security_compliance: SecurityConfig::default(),
            quota: QuotaConfig::default(),
            physical_networks: BTreeMap::new(),
            region: vec![RegionConfig::default()],
        }
    }
}

/// Log lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// How a line looks.
    pub format: LogFormat,
    /// Which lines are written, as `tracing-subscriber` filters say it.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Human, filter: "info".to_owned() }
    }
}

/// The role `agent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct AgentConfig {
    /// The datapath.
    pub driver: DriverKind,
    /// What the physical network `public` connects to.
    pub uplink: Uplink,
    /// How long connections are remembered.
    pub timeouts: Timeouts,
}

impl Config {
    /// The file named on the command line (or the one in the usual place, if there is one), with
    /// what the command line says on top.
    pub fn for_up(args: &UpArgs) -> Result<Self, ConfigError> {
        let mut config = Self::of_file(args.config.as_deref())?;
        config.take_regions(&args.regions);
        let Self { data_dir, run_dir, log, api, agent, .. } = &mut config;
        replace(data_dir, args.data_dir.as_ref());
        replace(run_dir, args.run_dir.as_ref());
        replace(&mut log.format, args.log_format.as_ref());
        replace(&mut log.filter, args.log.as_ref());
        replace(&mut api.listen, args.listen.as_ref());
        replace(&mut api.metrics_listen, args.metrics_listen.as_ref());
        replace(&mut agent.driver, args.driver.as_ref());
        replace(&mut agent.uplink, args.uplink.as_ref());
        if let Some(url) = &args.public_url {
            api.public_url =
                Some(url.parse().map_err(|source| ConfigError::Option { option: "--public-url", source })?);
        }
        // Child processes do not share our working directory by contract, so paths are absolute from here on.
        for path in [data_dir, run_dir].into_iter().chain(api.paths()) {
            *path = std::path::absolute(&*path)
                .map_err(|source| ConfigError::Read { file: path.clone(), reason: source.to_string() })?;
        }
        config.check(None)?;
        Ok(config)
    }
}

impl Config {
    /// A file, or the one in the usual place, if there is one.
    pub fn of_file(file: Option<&Path>) -> Result<Self, ConfigError> {
        let usual = Path::new(DEFAULT_CONFIG);
        match file {
            Some(file) => load(file),
            None if usual.exists() => load(usual),
            None => Ok(Self::default()),
        }
    }
}

fn replace<T: Clone>(place: &mut T, with: Option<&T>) {
    if let Some(value) = with {
        place.clone_from(value);
    }
}
