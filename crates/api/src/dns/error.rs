//! Designate's errors: `{"code", "type", "message", "request_id"}`.

use hyper::StatusCode;
use intent::quota::project::ChangeError;
use serde_json::json;
use store::StoreError;

use crate::{
    edge::{Reply, Request},
    identity::KeystoneError,
};

/// Why the DNS service refuses a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum DnsError {
    /// What the identity service says: no valid token, or nothing that says so.
    #[error(transparent)]
    Identity(#[from] KeystoneError),
    /// The caller may not; which rule forbids it is not said.
    #[error("")]
    Forbidden,
    /// The caller may not act for others; the real service says so before it knows the dialect.
    #[error("")]
    ForbiddenHeader,
    /// Nothing has that path.
    #[error("resource not found")]
    UnknownPath,
    /// Not by this method.
    #[error("")]
    MethodNotAllowed,
    /// The body is no JSON object.
    #[error("Request Body is empty or no JSON object")]
    Malformed,
    /// A value that does not fit.
    #[error("Provided object is not valid. Got a ValueError error with message {0}")]
    InvalidObject(String),
    /// There is no such project.
    #[error("{0} is not a valid project ID.")]
    InvalidProject(String),
}

impl From<StoreError> for DnsError {
    fn from(error: StoreError) -> Self {
        Self::Identity(error.into())
    }
}

impl From<ChangeError> for DnsError {
    fn from(error: ChangeError) -> Self {
        Self::Identity(error.into())
    }
}

/// An error body.
pub(super) fn body(status: StatusCode, kind: &str, message: Option<&str>, request_id: Option<&str>) -> Reply {
    let mut body = json!({ "code": status.as_u16(), "type": kind });
    for (name, value) in [("message", message), ("request_id", request_id)] {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    Reply::json(status, &body)
}

impl DnsError {
    pub(super) fn into_reply(self, request: &Request) -> Reply {
        let id = request.id.to_string();
        let body = |status, kind, message| body(status, kind, message, Some(&id));
        let message = self.to_string();
        let told = Some(message.as_str()).filter(|message| !message.is_empty());
        match self {
            Self::Identity(KeystoneError::Internal(cause)) => {
                tracing::error!(request_id = %request.id, cause, "the DNS service failed");
                body(StatusCode::INTERNAL_SERVER_ERROR, "unknown", None)
            }
            Self::Identity(error) => error.into_reply(request),
            Self::Forbidden => body(StatusCode::FORBIDDEN, "forbidden", told),
            Self::ForbiddenHeader => Reply::empty(StatusCode::FORBIDDEN),
            Self::UnknownPath => body(StatusCode::NOT_FOUND, "not_found", told),
            Self::MethodNotAllowed => body(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", told),
            Self::Malformed => body(StatusCode::BAD_REQUEST, "bad_request", told),
            Self::InvalidObject(_) => body(StatusCode::BAD_REQUEST, "invalid_object", told),
            Self::InvalidProject(_) => body(StatusCode::BAD_REQUEST, "invalid_project", told),
        }
    }
}
