//! Reading a configuration file, and saying precisely what is wrong with one.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use logical::Timeouts;

use super::{Config, PUBLIC, Uplink, ValueError, cloud};

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

/// The first of the numbers that is zero.
fn zero(timeouts: &Timeouts) -> Option<&'static str> {
    let numbers = [
        ("tcp_opening", timeouts.tcp_opening),
        ("tcp_established", timeouts.tcp_established),
        ("tcp_closing", timeouts.tcp_closing),
        ("udp_opening", timeouts.udp_opening),
        ("udp_established", timeouts.udp_established),
        ("icmp", timeouts.icmp),
        ("other", timeouts.other),
        ("max_connections", timeouts.max_connections),
    ];
    numbers.into_iter().find(|(_, number)| *number == 0).map(|(key, _)| key)
}

impl Config {
    /// Checks what no single value shows.
    pub(super) fn check(&self, file: Option<&Path>) -> Result<(), ConfigError> {
        let conflict = |reason: String| Err(ConfigError::Conflict { file: file.map(Path::to_owned), reason });
        if let Err(reason) = self.check_regions() {
            return conflict(reason);
        }
        if let Err(reason) = self.api.check() {
            return conflict(reason);
        }
        if let Some(interface) = self.physical_networks.get(PUBLIC)
            && let Uplink::Interface(uplink) = &self.agent.uplink
            && uplink != interface
        {
            return conflict(format!(
                "the physical network public is {interface} in [physical_networks] and {uplink} as uplink: keep one"
            ));
        }
        if let Some(key) = zero(&self.agent.timeouts) {
            return conflict(format!("agent.timeouts.{key} = 0: no connection would be remembered; give at least 1"));
        }
        if let Err(reason) = cloud::check(&self.identity, &self.nova) {
            return conflict(reason);
        }
        if let Err(reason) = self.security_compliance.rules() {
            return conflict(reason);
        }
        if let Err(reason) = self.audit.check() {
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
