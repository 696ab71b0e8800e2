//! What can go wrong on the way to another service.

use std::{path::PathBuf, time::Duration};

/// Why another service of the cloud gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// The certificates to trust cannot be read.
    #[error("cannot read the certificates in {}: {reason}", file.display())]
    Certificates {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The machine's own certificates cannot be read.
    #[error(
        "cannot read this machine's certificates: {0}; install the package ca-certificates, or name a file as `cacert`"
    )]
    NoRoots(String),
    /// What should be a URL is none.
    #[error("'{0}' is no URL that can be asked: give http:// or https://, a host and a path")]
    Url(String),
    /// A URL holds a user's name or password.
    #[error("a URL that is to be asked holds a user's name or password before its host: leave that out")]
    UserInUrl,
    /// A value that cannot be a header's.
    #[error("the header {0} cannot be sent: its value has characters that HTTP does not allow")]
    Header(&'static str),
    /// Nobody answers.
    #[error("{url} does not answer: {reason}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why, in the words of the system or of TLS.
        reason: String,
    },
    /// No answer came in time.
    #[error("{url} did not answer within {} s", limit.as_secs_f32())]
    TooSlow {
        /// What was asked.
        url: String,
        /// How long was waited.
        limit: Duration,
    },
    /// So many questions wait already that this one was not asked.
    #[error("{url} was not asked: {limit} questions wait for its answers already")]
    Busy {
        /// What would have been asked.
        url: String,
        /// How many may wait.
        limit: usize,
    },
    /// The answer is larger than any that makes sense.
    #[error("{url} answered with more than {limit} bytes")]
    TooLarge {
        /// What was asked.
        url: String,
        /// The bound.
        limit: usize,
    },
    /// The answer is not what such a service gives.
    #[error("{url} gave an answer that cannot be understood: {reason}")]
    Answer {
        /// What was asked.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The service user may not log in.
    #[error(
        "{url} refuses the login of user '{user}' of project '{project}': {message}; check the service user's name, \
             password, project and domains, and that it is enabled and has a role there"
    )]
    Login {
        /// Where.
        url: String,
        /// Who.
        user: String,
        /// For what.
        project: String,
        /// Keystone's words.
        message: String,
    },
    /// Another refusal.
    #[error("{url} answered {status}: {message}")]
    Refused {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
        /// The service's words.
        message: String,
    },
    /// The catalogue lacks the service.
    #[error("the catalogue of {url} has no {interface} endpoint of type {service}{}; add one, or name it in the configuration",
            region.as_ref().map(|region| format!(" in region {region}")).unwrap_or_default())]
    NoEndpoint {
        /// Whose catalogue.
        url: String,
        /// The service's type.
        service: String,
        /// The interface.
        interface: String,
        /// The region, if one is wanted.
        region: Option<String>,
    },
}

impl CloudError {
    /// Whether the same question may be answered later, without anybody changing anything here.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TooSlow { .. } | Self::Busy { .. } => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 429 || *status == 408,
            _ => false,
        }
    }
}
