//! Why a measurement cannot be made or believed.

/// The result of everything here.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Why a measurement cannot be made or believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The surroundings could not be built.
    #[error(transparent)]
    Testkit(#[from] testkit::Error),
    /// A system call failed.
    #[error(transparent)]
    System(#[from] nix::Error),
    /// A socket of a path could not be used.
    #[error("{path}: {source}")]
    Socket {
        /// The path.
        path: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A path forwards nothing.
    #[error("{path}: nothing arrives")]
    NothingArrives {
        /// The path.
        path: &'static str,
    },
    /// A path loses packets, so its cost per packet means nothing.
    #[error("{path}: only {arrived} of {sent} datagrams arrived")]
    Lossy {
        /// The path.
        path: &'static str,
        /// Datagrams sent.
        sent: usize,
        /// Datagrams that arrived.
        arrived: usize,
    },
    /// The bounds cannot be read.
    #[error(transparent)]
    Targets(#[from] baryon_bench::TargetsError),
    /// A bound is for a ratio that is not measured here.
    #[error("targets: {0} is not measured by this benchmark")]
    UnknownTarget(String),
}
