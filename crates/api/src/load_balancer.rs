//! The load balancer service: Octavia's API, version 2, per region.
//!
//! Quotas and the version documents are what there is so far, so the service is in the catalogue only
//! with `[api] preview = true`, and without it nothing answers below `/load-balancer`. All else is
//! 404 in Octavia's words.
//!
//! A path may leave `lbaas` out, and say `v2.0` for `v2`: clients of all ages do.

mod error;
mod quota;
mod routes;
mod version;

use std::sync::Arc;

use hyper::{Method, StatusCode};
use model::Feature;

use crate::{
    Api, Region,
    audit::Subject,
    edge::{Reply, Request, html_not_found},
    endpoint::Endpoint,
    identity::Access,
    service,
};
use error::LoadBalancerError;

/// The name of the service in the audit trail.
const SERVICE: &str = "load-balancer";

/// A request and its region.
#[derive(Clone)]
struct Visit {
    base: service::Visit,
    region: Region,
}

/// An error of the edge in this service's words.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Reply {
    error::body(status, message)
}

/// Answers a request under `/load-balancer`.
pub(crate) async fn handle(api: &Arc<Api>, request: &Arc<Request>) -> Reply {
    let parts = request.parts_after(1);
    let (true, Some((name, rest))) = (api.config.preview, parts.split_first()) else { return html_not_found("") };
    let reply = match api.config.regions.iter().find(|region| region.name == *name) {
        None => Err(LoadBalancerError::NotHere(format!(
            "There is no region '{name}' here; the regions are: {}.",
            api.config.region_names().join(", ")
        ))),
        Some(region) if !region.settings.features.contains(Feature::Octavia) => {
            Err(LoadBalancerError::NotHere(format!(
                "Region {name} does not offer {}. {}",
                Feature::Octavia,
                region.settings.regions_with(Feature::Octavia)
            )))
        }
        Some(region) => {
            let base = service::Visit::new(api, request, SERVICE, subject);
            route(&Visit { base, region: region.clone() }, rest).await
        }
    };
    let reply = reply.unwrap_or_else(|error| error.into_reply(request));
    if request.method == Method::HEAD { reply.without_body() } else { reply }
}

async fn route(visit: &Visit, parts: &[&str]) -> Result<Reply, LoadBalancerError> {
    match parts {
        [] => version::list(visit),
        ["v2" | "v2.0", "lbaas", rest @ ..] | ["v2" | "v2.0", rest @ ..] => routes::answer(visit, rest).await,
        _ => {
            visit.base.read(|_, _| Ok::<_, LoadBalancerError>(())).await?;
            Err(LoadBalancerError::UnknownPath)
        }
    }
}

/// What this service answers when it is there.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let root = Endpoint::new("GET", "/load-balancer/{region}", Access::Anyone);
    [root].into_iter().chain(routes::endpoints()).collect()
}

/// What a path below `/load-balancer` is about.
pub(crate) fn subject(method: &Method, parts: &[&str]) -> Subject {
    let region = parts.first().map(|region| (*region).to_owned());
    let rest: Vec<_> = parts.iter().skip(2).filter(|part| **part != "lbaas").copied().collect();
    match rest.as_slice() {
        ["quotas", id @ ..] => Subject {
            region,
            action: match *method {
                Method::PUT => "put_quota",
                Method::DELETE => "delete_quota",
                _ => "get_quota",
            }
            .to_owned(),
            target_type: Some("quota".to_owned()),
            target_id: id.first().map(|id| (*id).to_owned()),
        },
        _ => Subject { region, action: "unknown".to_owned(), ..Subject::default() },
    }
}
