//! Octavia's errors: `{"faultcode", "faultstring", "debuginfo"}` from its operations, and
//! `{"code", "title", "description"}` from what lies before them.

use hyper::StatusCode;
use intent::quota::project::ChangeError;
use serde_json::json;
use store::StoreError;

use crate::{
    edge::{Reply, Request},
    identity::KeystoneError,
};

/// Why the load balancer service refuses a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadBalancerError {
    /// What the identity service says: no valid token, or nothing that says so.
    #[error(transparent)]
    Identity(#[from] KeystoneError),
    /// The caller may not.
    #[error("Policy does not allow this request to be performed.")]
    Forbidden,
    /// There is no such object.
    #[error("{kind} {id} not found.")]
    NotFound { kind: &'static str, id: String },
    /// The region or the service is not here.
    #[error("{0}")]
    NotHere(String),
    /// Nothing has that path.
    #[error("")]
    UnknownPath,
    /// Not by this method.
    #[error("")]
    MethodNotAllowed,
    /// The body is no JSON.
    #[error("Request is not in valid JSON format")]
    Malformed,
    /// The body lacks what the operation works on.
    #[error("Missing argument: \"{0}\"")]
    MissingArgument(&'static str),
    /// A member that the operation does not know.
    #[error("Unknown attribute for argument {argument}: {name}")]
    UnknownAttribute { argument: &'static str, name: String },
    /// A value that does not fit.
    #[error("Invalid input for field/attribute {field}. Value: '{value}'. {reason}")]
    InvalidInput { field: String, value: String, reason: String },
}

impl From<StoreError> for LoadBalancerError {
    fn from(error: StoreError) -> Self {
        Self::Identity(error.into())
    }
}

impl From<ChangeError> for LoadBalancerError {
    fn from(error: ChangeError) -> Self {
        Self::Identity(error.into())
    }
}

/// An error body of an operation.
pub(super) fn body(status: StatusCode, message: &str) -> Reply {
    let code = if status.is_server_error() { "Server" } else { "Client" };
    Reply::json(status, &json!({ "faultcode": code, "faultstring": message, "debuginfo": null }))
}

/// An error body from before any operation.
fn plain(status: StatusCode, description: &str) -> Reply {
    let title = status.canonical_reason().unwrap_or("Error");
    Reply::json(status, &json!({ "code": status.as_u16(), "title": title, "description": description }))
}

impl LoadBalancerError {
    pub(super) fn into_reply(self, request: &Request) -> Reply {
        let message = self.to_string();
        match self {
            Self::Identity(KeystoneError::Internal(cause)) => {
                tracing::error!(request_id = %request.id, cause, "the load balancer service failed");
                body(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    &format!("An unknown exception occurred. See the log for {}.", request.id),
                )
            }
            Self::Identity(error) => error.into_reply(request),
            Self::Forbidden => body(StatusCode::FORBIDDEN, &message),
            Self::NotFound { .. } => body(StatusCode::NOT_FOUND, &message),
            Self::NotHere(_) | Self::UnknownPath => plain(StatusCode::NOT_FOUND, &message),
            Self::MethodNotAllowed => plain(StatusCode::METHOD_NOT_ALLOWED, &message),
            Self::Malformed | Self::MissingArgument(_) | Self::UnknownAttribute { .. } | Self::InvalidInput { .. } => {
                body(StatusCode::BAD_REQUEST, &message)
            }
        }
    }
}
