//! The DNS service: Designate's API, version 2, one for all regions.
//!
//! Quotas and the version documents are what there is so far, so the service is in the catalogue only
//! with `[api] preview = true`, and without it nothing answers below `/dns`. All else is 404 in
//! Designate's words.

mod caller;
mod error;
mod quota;
mod routes;
mod version;

use std::sync::Arc;

use hyper::{Method, StatusCode};

use crate::{
    Api,
    audit::Subject,
    edge::{Reply, Request, html_not_found},
    endpoint::Endpoint,
    identity::Access,
    service,
};
use error::DnsError;

/// The name of the service in the audit trail.
const SERVICE: &str = "dns";

/// An error of the edge in this service's words.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Reply {
    let kind = if status.is_server_error() { "unknown" } else { "bad_request" };
    error::body(status, kind, Some(message), None)
}

/// Answers a request under `/dns`.
pub(crate) async fn handle(api: &Arc<Api>, request: &Arc<Request>) -> Reply {
    if !api.config.preview {
        return html_not_found("");
    }
    let visit = service::Visit::new(api, request, SERVICE, subject);
    let reply = match request.parts_after(1).as_slice() {
        [] => version::list(&visit),
        // The real service has nothing at `/v2` itself.
        parts => routes::answer(&visit, parts).await,
    };
    let reply = reply.unwrap_or_else(|error| error.into_reply(request));
    if request.method == Method::HEAD { reply.without_body() } else { reply }
}

/// What this service answers when it is there.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    [Endpoint::new("GET", "/dns", Access::Anyone)].into_iter().chain(routes::endpoints()).collect()
}

/// What a path below `/dns` is about.
pub(crate) fn subject(method: &Method, parts: &[&str]) -> Subject {
    match parts {
        ["v2", "quotas", id @ ..] => Subject {
            region: None,
            action: match *method {
                Method::PATCH => "set_quota",
                Method::DELETE => "reset_quotas",
                _ => "get_quotas",
            }
            .to_owned(),
            target_type: Some("quota".to_owned()),
            target_id: id.first().map(|id| (*id).to_owned()),
        },
        _ => Subject { action: "unknown".to_owned(), ..Subject::default() },
    }
}
