//! Reading a configuration file, and saying precisely what is wrong with one.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};

use super::{Config, cloud, DriverKind, PUBLIC, Uplink, ValueError};

/// A place in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// The key with its table, such as `api.listen`; empty when the line has none.
    pub key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)?;
        if self.key.is_empty() { Ok(()) } else { write!(f, ": {}", self.key) }
    }
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {reason}; `baryon check-config --example` prints a file to start from", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// A line of the file is wrong.
    #[error("{place}: {reason}; `baryon check-config --example` shows every key")]
    Line {
        /// Where.
        place: Place,
        /// What is wrong and what is accepted.
        reason: String,
    },
    /// The parts do not fit each other.
    #[error("{}{reason}", file.as_ref().map(|file| format!("{}: ", file.display())).unwrap_or_default())]
    Conflict {
        /// The file, when the parts come from one.
        file: Option<PathBuf>,
        /// Which parts, and what to do.
        reason: String,
    },
    /// A value on the command line is wrong.
    #[error("{option}: {source}")]
    Option {
        /// The option.
        option: &'static str,
        /// What is wrong and what is accepted.
        source: ValueError,
    },
}

/// Reads and checks a file.
pub fn load(file: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| ConfigError::Read { file: file.to_owned(), reason: error.to_string() })?;
    parse(file, &text)
}

/// Checks the text of a file.
pub fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
    let config: Config = toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        // The parser's words may span lines; ours is one.
        let reason = error.message().lines().map(str::trim).collect::<Vec<_>>().join(" ");
        ConfigError::Line { place: place(file, text, offset), reason }
    })?;
    config.check(Some(file))?;
    Ok(config)
}

/// Line and key of an offset. The key is read off the line, since the parser keeps no path.
fn place(file: &Path, text: &str, offset: usize) -> Place {
    let offset = offset.min(text.len());
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let current = text.lines().nth(line - 1).unwrap_or_default();
    let table = text
        .lines()
        .take(line - 1)
        .filter_map(|line| {
            let line = line.split('#').next().unwrap_or_default().trim();
            line.strip_prefix('[')?.strip_suffix(']').map(|name| name.trim_matches(['[', ']', ' ']))
        })
        .last();
    let name = current.split_once('=').map(|(name, _)| name.trim());
    let key = match (table, name) {
        (Some(table), Some(name)) => format!("{table}.{name}"),
        (None, Some(name)) => name.to_owned(),
        (_, None) => String::new(),
    };
    Place { file: file.to_owned(), line, key }
}

impl Config {
    /// Checks what no single value shows.
    pub(super) fn check(&self, file: Option<&Path>) -> Result<(), ConfigError> {
        let conflict = |reason: String| Err(ConfigError::Conflict { file: file.map(Path::to_owned), reason });
        if self.region.is_empty() {
            return conflict("no region is left: give one [[region]] with a name, or none for RegionOne".to_owned());
        }
        let mut names = BTreeSet::new();
        for region in &self.region {
            if !names.insert(&region.name) {
                return conflict(format!("two [[region]] have the name {}: rename one, or remove it", region.name));
            }
        }
        if self.agent.driver == DriverKind::Ebpf && self.region.len() > 1 {
            return conflict(format!(
                "{} regions with agent.driver = \"ebpf\": the eBPF driver serves one region a process; \
                 start one `baryon up` per region in network namespaces of their own, or set driver = \"null\"",
                self.region.len()
            ));
        }
        if self.api.listen == self.api.metrics_listen && self.api.listen.port() != 0 {
            return conflict(format!(
                "api.listen and api.metrics_listen are both {}: give metrics another port",
                self.api.listen
            ));
        }
        if let Some(interface) = self.physical_networks.get(PUBLIC)
            && let Uplink::Interface(uplink) = &self.agent.uplink
            && uplink != interface
        {
            return conflict(format!(
                "the physical network public is {interface} in [physical_networks] and {uplink} as uplink: keep one"
            ));
        }
        if let Err(reason) = cloud::check(&self.identity, &self.nova) {
            return conflict(reason);
        }
        if let Err(error) = self.log.filter.parse::<tracing_subscriber::filter::EnvFilter>() {
            return conflict(format!(
                "log.filter = {:?}: {error}; give a level such as info, or targets such as info,reconcile=debug",
                self.log.filter
            ));
        }
        Ok(())
    }
}
