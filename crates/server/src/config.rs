//! The configuration file, and what becomes of it together with the command line.
//!
//! One typed struct per role. A key that does not exist is an error, not a comment: a misspelt
//! `listen` would otherwise listen where nobody looks. An error names the file, the line and the
//! key, and says what is accepted there.

mod cloud;
mod example;
mod load;
#[cfg(test)]
mod tests;
mod value;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use logical::Timeouts;
use serde::{Deserialize, Serialize};
use types::Cidr;

pub use cloud::{CloudSettings, IdentityConfig, NovaConfig};
pub use example::EXAMPLE;
pub use load::{ConfigError, load, parse};
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
            physical_networks: BTreeMap::new(),
            region: vec![RegionConfig { name: RegionName::default() }],
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

/// The role `api`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Where the APIs listen.
    pub listen: SocketAddr,
    /// Where health and metrics listen.
    pub metrics_listen: SocketAddr,
    /// How clients reach the APIs; `None`: `http://` and `listen`.
    pub public_url: Option<PublicUrl>,
    /// Proxies in front of the APIs, whose word on the client's address and URL is taken.
    pub trusted_proxies: Vec<Cidr>,
    /// The headers in which they give it.
    pub proxy_headers: ProxyHeaders,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9696)),
            metrics_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9697)),
            public_url: None,
            trusted_proxies: Vec::new(),
            proxy_headers: ProxyHeaders::default(),
        }
    }
}

impl ApiConfig {
    /// What URLs in answers begin with.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.public_url.as_ref().map_or_else(|| self.local_url(), ToString::to_string)
    }

    /// What URLs on this host begin with.
    #[must_use]
    pub fn local_url(&self) -> String {
        // Nobody connects to "every address"; on this host the loopback one answers for it.
        let mut address = self.listen;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        format!("http://{address}")
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

/// A region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionConfig {
    /// Its name, in the catalogue and in URLs.
    pub name: RegionName,
}

impl Config {
    /// The file named on the command line (or the one in the usual place, if there is one), with
    /// what the command line says on top.
    pub fn for_up(args: &UpArgs) -> Result<Self, ConfigError> {
        let usual = PathBuf::from(DEFAULT_CONFIG);
        let mut config = match &args.config {
            Some(file) => load(file)?,
            None if usual.exists() => load(&usual)?,
            None => Self::default(),
        };
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
        for path in [data_dir, run_dir] {
            *path = std::path::absolute(&*path)
                .map_err(|source| ConfigError::Read { file: path.clone(), reason: source.to_string() })?;
        }
        config.check(None)?;
        Ok(config)
    }
}

fn replace<T: Clone>(place: &mut T, with: Option<&T>) {
    if let Some(value) = with {
        place.clone_from(value);
    }
}
