//! Neutron's errors: `{"NeutronError": {"type", "message", "detail"}}`.

use hyper::{StatusCode, header};
use intent::WorldError;
use model::{Feature, RequestError};
use serde_json::json;
use store::StoreError;

use crate::{
    edge::{Reply, Request, html_not_found},
    identity::{self, KeystoneError},
};

use super::extension::Absence;

/// Why the network service refuses a request.
#[derive(Debug)]
pub(super) enum NetworkError {
    /// No valid token.
    Unauthorized,
    /// What the identity service says beyond that.
    Identity(KeystoneError),
    /// A token without a project.
    NoProject,
    /// What the operation says.
    Operation(intent::Error),
    /// What the body or query says is wrong in itself.
    Request(RequestError),
    /// The region is not one of ours.
    UnknownRegion { region: String, known: Vec<String>, feature: Option<String> },
    /// Nothing of this region has that path.
    UnknownResource { region: String, path: String },
    /// The path belongs to a feature that the region lacks.
    Absent(Absence),
    /// The path belongs to a feature that the region is to have, and this version lacks.
    NotYet { region: String, feature: Feature },
    /// No extension of that alias here.
    UnknownExtension { alias: String, absence: Option<Absence> },
    /// Only administrators may.
    Forbidden { rule: String },
    /// The path exists, not by this method.
    MethodNotAllowed,
    /// A field of one of our own bodies.
    BadField { field: &'static str, value: String, wanted: &'static str },
    /// What the compiled world says.
    World(WorldError),
    /// Something here failed; the log says what.
    Internal(String),
}

impl From<intent::Error> for NetworkError {
    fn from(error: intent::Error) -> Self {
        Self::Operation(error)
    }
}

impl From<RequestError> for NetworkError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<WorldError> for NetworkError {
    fn from(error: WorldError) -> Self {
        Self::World(error)
    }
}

impl From<StoreError> for NetworkError {
    fn from(error: StoreError) -> Self {
        Self::Operation(error.into())
    }
}

impl From<KeystoneError> for NetworkError {
    fn from(error: KeystoneError) -> Self {
        match error {
            KeystoneError::Internal(cause) => Self::Internal(cause),
            KeystoneError::Unauthorized => Self::Unauthorized,
            other => Self::Identity(other),
        }
    }
}

/// An error body.
pub(super) fn body(status: StatusCode, kind: &str, message: &str, detail: &str) -> Reply {
    Reply::json(status, &json!({ "NeutronError": { "type": kind, "message": message, "detail": detail } }))
}

const NOT_FOUND: &str = "The resource could not be found.";

impl NetworkError {
    pub(super) fn into_reply(self, request: &Request) -> Reply {
        match self {
            Self::Unauthorized => {
                let message = "The request you have made requires authentication.";
                identity::refusal(StatusCode::UNAUTHORIZED, message)
                    .with_header(header::WWW_AUTHENTICATE, &identity::challenge(request))
            }
            Self::Identity(error) => error.into_reply(request),
            Self::NoProject => body(
                StatusCode::FORBIDDEN,
                "InvalidScope",
                "The token has no project, which network requests need.",
                "Ask for a token of a project: openstack --os-project-name PROJECT ...",
            ),
            Self::Operation(error) => operation(&error, request),
            Self::Request(error) => body(status(error.status()), error.kind(), &error.to_string(), &error.detail()),
            Self::UnknownRegion { region, known, feature } => {
                let asked = feature.map(|feature| format!(" (asked for: {feature})")).unwrap_or_default();
                let detail = format!("region: {region}{asked}; the regions here are: {}.", known.join(", "));
                body(StatusCode::NOT_FOUND, "HTTPNotFound", &format!("There is no region '{region}' here."), &detail)
            }
            Self::UnknownResource { region, path } => {
                let detail = format!("Region {region} has no '{path}'. GET /v2.0/extensions lists what it has.");
                body(StatusCode::NOT_FOUND, "HTTPNotFound", NOT_FOUND, &detail)
            }
            Self::Absent(Absence { message, detail }) => {
                body(StatusCode::NOT_FOUND, "FeatureNotOffered", &message, &detail)
            }
            Self::NotYet { region, feature } => {
                let detail = format!("Region {region} is to offer {feature}, which this version does not have yet.");
                body(StatusCode::NOT_FOUND, "HTTPNotFound", NOT_FOUND, &detail)
            }
            Self::UnknownExtension { alias, absence } => {
                let why = absence.map(|absence| format!(". {} {}", absence.message, absence.detail));
                let why = escaped(&why.unwrap_or_default());
                html_not_found(&format!("Extension with alias {} does not exist{why}", escaped(&alias)))
            }
            Self::Forbidden { rule } => body(
                StatusCode::FORBIDDEN,
                "PolicyNotAuthorized",
                &format!("rule:{rule} is disallowed by policy"),
                "Only administrators may.",
            ),
            Self::MethodNotAllowed => body(
                StatusCode::METHOD_NOT_ALLOWED,
                "HTTPMethodNotAllowed",
                "The server could not comply with the request since it is either malformed or otherwise incorrect.",
                &format!("{} is no method of {}.", request.method, request.path),
            ),
            Self::BadField { field, value, wanted } => body(
                StatusCode::BAD_REQUEST,
                "HTTPBadRequest",
                &format!("Invalid input for {field}. Reason: '{value}' is not {wanted}."),
                &format!("field: {field}, value: {value}"),
            ),
            Self::World(error) => world(&error),
            Self::Internal(cause) => failed(&cause, request),
        }
    }
}

/// The service tells no numbers that are not of HTTP.
fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn operation(error: &intent::Error, request: &Request) -> Reply {
    let status = status(error.status());
    if status.is_server_error() {
        tracing::error!(request_id = %request.id, %error, cause = ?error, "an operation failed");
    }
    let reply = body(status, error.kind(), &error.to_string(), &error.detail());
    if status == StatusCode::SERVICE_UNAVAILABLE { reply.with_header(header::RETRY_AFTER, "1") } else { reply }
}

fn failed(cause: &str, request: &Request) -> Reply {
    tracing::error!(request_id = %request.id, cause, "the network service failed");
    let message = "Request Failed: internal server error while processing your request.";
    body(
        StatusCode::INTERNAL_SERVER_ERROR,
        "HTTPInternalServerError",
        message,
        &format!("See the log for {}.", request.id),
    )
}

fn world(error: &WorldError) -> Reply {
    let message = error.to_string();
    let (status, kind, detail) = match error {
        WorldError::UnknownRegion(_) => (StatusCode::NOT_FOUND, "HTTPNotFound", ""),
        WorldError::UnknownPort(_) => {
            (StatusCode::NOT_FOUND, "PortNotInDatapath", "Attach the port (baryon attach), or look at: baryon status")
        }
        WorldError::NotApplied { .. } => (
            StatusCode::GATEWAY_TIMEOUT,
            "NotApplied",
            "The change is not lost: it is applied as soon as that is possible. What hinders it: baryon status",
        ),
        WorldError::BadRequest(_) => (StatusCode::BAD_REQUEST, "BadRequest", ""),
        WorldError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "DatapathUnavailable", "Try: baryon status"),
    };
    body(status, kind, &message, detail)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
