//! What can go wrong, with the values it went wrong with.

use std::{io, path::PathBuf};

use nix::errno::Errno;

/// Result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A call that the kernel, or a program that we start, did not carry out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No namespace of this name.
    #[error("network namespace '{name}' does not exist")]
    NetnsNotFound {
        /// The name that was asked for.
        name: String,
    },
    /// A namespace of this name is there already.
    #[error("network namespace '{name}' already exists")]
    NetnsExists {
        /// The name that is taken.
        name: String,
    },
    /// A name that cannot be a file name below `/run/netns`.
    #[error("'{name}' is not a name for a network namespace: use 1 to 255 characters, no '/', not '.' or '..'")]
    InvalidNetnsName {
        /// The refused name.
        name: String,
    },
    /// A file that is no network namespace, such as what a removed one left behind.
    #[error("'{}' is not a network namespace", path.display())]
    NotNetns {
        /// The file.
        path: PathBuf,
    },
    /// No interface of this name.
    #[error("interface '{name}' does not exist in this namespace")]
    LinkNotFound {
        /// The name that was asked for.
        name: String,
    },
    /// No interface of this index.
    #[error("interface {ifindex} does not exist in this namespace")]
    LinkIndexNotFound {
        /// The index that was asked for.
        ifindex: u32,
    },
    /// An interface of this name is there already.
    #[error("interface '{name}' already exists in {netns}")]
    LinkExists {
        /// The name that is taken.
        name: String,
        /// In which namespace, in words.
        netns: String,
    },
    /// A name that the kernel does not take for an interface.
    #[error("'{name}' is not a name for an interface: use 1 to 15 bytes, no '/', ':' or white space, not '.' or '..'")]
    InvalidLinkName {
        /// The refused name.
        name: String,
    },
    /// The kernel refused a request.
    #[error("cannot {operation}: {}{}", errno.desc(), extra(explanation))]
    Refused {
        /// What was asked for, with its values.
        operation: String,
        /// The kernel's reason.
        errno: Errno,
        /// The kernel's own words, if it had any.
        explanation: String,
    },
    /// The kernel answered with something that cannot be read.
    #[error("cannot {operation}: unexpected answer of the kernel: {message}")]
    Protocol {
        /// What was asked for.
        operation: String,
        /// What was wrong with the answer.
        message: String,
    },
    /// Reading or writing failed.
    #[error("cannot {operation}: {source}")]
    Io {
        /// What was tried, with its values.
        operation: String,
        /// The reason.
        source: io::Error,
    },
    /// A name that is not a key below `/proc/sys/net`.
    #[error("'{key}' is not a network sysctl: write it as net/ipv4/ip_forward")]
    InvalidSysctl {
        /// The refused key.
        key: String,
    },
    /// A name that is not usable for an nftables table.
    #[error("'{name}' is not a name for an nftables table: use 1 to 63 letters, digits, '_' and '-', a letter first")]
    InvalidTableName {
        /// The refused name.
        name: String,
    },
    /// A helper program is missing.
    #[error("program '{program}' is missing: install package {package}")]
    ProgramMissing {
        /// The program.
        program: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// A helper program failed.
    #[error("cannot {operation}: {program} says: {message}")]
    ProgramFailed {
        /// What was tried.
        operation: String,
        /// The program.
        program: &'static str,
        /// What it wrote to its standard error.
        message: String,
    },
    /// Rights were to be dropped in a process that has several threads already.
    #[error("rights can only be dropped while the process has one thread; it has {threads}")]
    SeveralThreads {
        /// How many there are.
        threads: usize,
    },
}

fn extra(explanation: &str) -> String {
    if explanation.is_empty() { String::new() } else { format!(" ({explanation})") }
}

impl Error {
    /// The kernel's reason, where there is one.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Refused { errno, .. } => Some(*errno),
            Self::Io { source, .. } => source.raw_os_error().map(Errno::from_raw),
            _ => None,
        }
    }

    /// True when the thing asked for is not there (any more).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NetnsNotFound { .. } | Self::LinkNotFound { .. } | Self::LinkIndexNotFound { .. })
    }

    pub(crate) fn io(operation: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Io { operation: operation.into(), source: source.into() }
    }
}
