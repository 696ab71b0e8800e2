//! What can go wrong before the driver can answer for single rows.

use std::{io, path::PathBuf};

/// Why the datapath could not be brought up, looked at or taken down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A call on a file failed.
    #[error("cannot {operation} '{}': {source}", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The pins are of a build whose maps differ.
    #[error(
        "'{}' holds a datapath of another layout ({found}; this build has {ours}): stop it with `baryon down` of the \
         build that made it",
        path.display()
    )]
    OtherLayout {
        /// Where the pins are.
        path: PathBuf,
        /// The name of what is there.
        found: String,
        /// The name of what this build would make.
        ours: String,
    },
    /// The kernel did not take the programs or maps.
    #[error("cannot {operation}: {source}")]
    Bpf {
        /// What was tried.
        operation: String,
        /// The reason.
        source: libbpf_rs::Error,
    },
    /// A system call failed.
    #[error("cannot {operation}: {source}")]
    System {
        /// What was tried.
        operation: String,
        /// The reason.
        source: io::Error,
    },
    /// A call about interfaces failed.
    #[error(transparent)]
    Host(#[from] hostnet::Error),
    /// A map that the programs should have is not there.
    #[error("the programs have no map '{0}'")]
    NoMap(&'static str),
}

/// Result of this crate's calls.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn bpf(operation: impl Into<String>) -> impl FnOnce(libbpf_rs::Error) -> Self {
        let operation = operation.into();
        |source| Self::Bpf { operation, source }
    }

    pub(crate) fn file(operation: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { operation, path, source }
    }
}
