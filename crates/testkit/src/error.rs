//! What can go wrong while a test's surroundings are built or used, with the values that explain it.

use std::io;
use std::time::Duration;

/// The result of nearly everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the surroundings of a test could not do what the test asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call to the operating system failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the path or name.
        what: String,
        /// What the system answered.
        source: io::Error,
    },
    /// The host's network refused.
    #[error(transparent)]
    Hostnet(#[from] hostnet::Error),
    /// A program ended with another status than success.
    #[error("`{command}` {status}: {output}")]
    Command {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: String,
        /// Both of its outputs.
        output: String,
    },
    /// A program or a condition took longer than it may.
    #[error("{what} took longer than {limit:?}: {detail}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
        /// What was seen last.
        detail: String,
    },
    /// The cloud answered a request otherwise than the test needs.
    #[error("{method} {path} answered {status}: {body}")]
    Answer {
        /// The method of the request.
        method: &'static str,
        /// Its path below the service's URL.
        path: String,
        /// The status of the answer.
        status: u16,
        /// The body of the answer.
        body: String,
    },
    /// Something that a program printed or a file held is not what was expected there.
    #[error("{what}: cannot make sense of {found:?}")]
    Unexpected {
        /// What was read.
        what: String,
        /// What it held.
        found: String,
    },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what: what.into(), source }
    }

    pub(crate) fn unexpected(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Unexpected { what: what.into(), found: found.into() }
    }
}
