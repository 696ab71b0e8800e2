//! Keystone's errors: `{"error": {"code", "title", "message"}}`.

use hyper::{StatusCode, header};
use serde_json::{Value, json};
use store::StoreError;
use types::UserId;

use super::token::Methods;
use crate::edge::{Reply, Request};

/// Why the identity service refuses a request. The messages are Keystone's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeystoneError {
    /// No valid token, or wrong credentials; which of them is not said.
    #[error("The request you have made requires authentication.")]
    Unauthorized,
    /// A way of proving who one is that is not there.
    #[error("Attempted to authenticate with an unsupported method.")]
    UnsupportedMethod,
    /// An application credential is for its own project, whatever is asked for.
    #[error("Error authenticating with application credential: Application credentials cannot request a scope.")]
    CredentialScope,
    /// The right password, too late.
    #[error("The password is expired and needs to be changed for user: {0}.")]
    PasswordExpired(UserId),
    /// The caller's roles do not allow the action.
    #[error("You are not authorized to perform the requested action: {0}.")]
    Forbidden(&'static str),
    /// Allowed by policy, refused by the state of things.
    #[error("{0}")]
    Refused(String),
    /// Refused without a word on the reason, which might tell a stranger something.
    #[error("You are not authorized to perform the requested action.")]
    Denied,
    /// There is no such object.
    #[error("Could not find {kind}: {id}.")]
    NotFound {
        /// What was looked for.
        kind: &'static str,
        /// Its id or name, as the client gave it.
        id: String,
    },
    /// No such grant, token or the like.
    #[error("{0}")]
    Missing(String),
    /// No route.
    #[error("The resource could not be found.")]
    UnknownPath,
    /// A route, but not by this method.
    #[error("The method is not allowed for the requested URL.")]
    MethodNotAllowed,
    /// Two objects cannot both be.
    #[error("Conflict occurred attempting to store {kind} - {reason}.")]
    Conflict {
        /// What was to be stored.
        kind: &'static str,
        /// What it collides with.
        reason: String,
    },
    /// The body or query does not say what is needed.
    #[error("{0}")]
    BadRequest(String),
    /// More logins at once than hashes can be computed.
    #[error("Too many logins are being checked. Try again in a moment.")]
    TooManyLogins,
    /// More failed logins from one source than are looked at.
    #[error("Too many failed logins came from your address. Try again in {seconds} seconds.")]
    TooManyFailures {
        /// Until the next one is looked at.
        seconds: u64,
    },
    /// The Keystone that knows who is who does not answer.
    #[error("The Keystone service is temporarily unavailable.")]
    Unavailable(String),
    /// Something here failed; the log says what.
    #[error("An unexpected error prevented the server from fulfilling your request.")]
    Internal(String),
}

impl From<StoreError> for KeystoneError {
    fn from(error: StoreError) -> Self {
        match error {
            // A full disk, as a rule, of which the writer tells the log: what is asked may be asked again.
            StoreError::Commit(reason) => Self::Unavailable(reason),
            error => Self::Internal(error.to_string()),
        }
    }
}

impl KeystoneError {
    /// An attribute whose value does not fit.
    pub(crate) fn invalid(attribute: &str, value: impl std::fmt::Display, reason: impl std::fmt::Display) -> Self {
        Self::BadRequest(format!("Invalid input for field/attribute {attribute}. Value: {value}. {reason}"))
    }

    /// A body that lacks an attribute, in the words that Keystone has outside its schemas.
    pub(crate) fn expecting(attribute: &str, target: &str) -> Self {
        Self::BadRequest(format!(
            "Expecting to find {attribute} in {target}. The server could not comply with the request since it is \
             either malformed or otherwise incorrect. The client is assumed to be in error."
        ))
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized | Self::PasswordExpired(_) | Self::UnsupportedMethod | Self::CredentialScope => {
                StatusCode::UNAUTHORIZED
            }
            Self::Forbidden(_) | Self::Refused(_) | Self::Denied => StatusCode::FORBIDDEN,
            Self::NotFound { .. } | Self::Missing(_) | Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::TooManyLogins | Self::TooManyFailures { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn into_reply(self, request: &Request) -> Reply {
        if let Self::Internal(cause) = &self {
            tracing::error!(request_id = %request.id, cause, "the identity service failed");
        }
        let identity = match &self {
            Self::UnsupportedMethod => Some(json!({ "methods": Methods::all_names() })),
            Self::CredentialScope => Some(json!({})),
            _ => None,
        };
        let status = self.status();
        let reply = match identity {
            Some(identity) => body_with(self.status(), &self.to_string(), Some(&identity)),
            None => body(self.status(), &self.to_string()),
        };
        let reply = if status == StatusCode::UNAUTHORIZED {
            reply.with_header(header::WWW_AUTHENTICATE, &challenge(request))
        } else {
            reply
        };
        match self {
            // Why is in the log: it is the operator's affair, and said once.
            Self::TooManyLogins | Self::Unavailable(_) => reply.with_header(header::RETRY_AFTER, "1"),
            Self::TooManyFailures { seconds } => reply.with_header(header::RETRY_AFTER, &seconds.to_string()),
            _ => reply,
        }
    }
}

/// Where a client without a token gets one, in the words of OpenStack's services.
pub(crate) fn challenge(request: &Request) -> String {
    format!("Keystone uri=\"{}/identity/v3\"", request.public_url)
}

/// An error body.
pub(super) fn body(status: StatusCode, message: &str) -> Reply {
    body_with(status, message, None)
}

/// An error body, with what a login might try instead.
fn body_with(status: StatusCode, message: &str, identity: Option<&Value>) -> Reply {
    let title = status.canonical_reason().unwrap_or("Error");
    let mut error = json!({ "code": status.as_u16(), "message": message, "title": title });
    if let Some(identity) = identity {
        error["identity"] = identity.clone();
    }
    Reply::json(status, &json!({ "error": error }))
}
