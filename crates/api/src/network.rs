//! The network service: Neutron's API, version 2.0, per region.
//!
//! Resources are not named here: what can be listed, created and changed follows `model`'s registry,
//! and what that means is `intent`'s. This module knows the forms of requests and answers: paths,
//! bodies, pages, error bodies. Each request authenticates inside the snapshot or transaction that
//! it works in ([`visit`]).

mod action;
mod baryon;
mod error;
mod extension;
mod page;
mod quota;
mod resource;
mod routes;
mod subject;
mod tag;
mod version;
mod visit;

use std::sync::Arc;

use hyper::StatusCode;
use model::Feature;

use crate::{
    Api,
    edge::{Reply, Request, html_not_found},
    endpoint::Endpoint,
    identity::Access,
};
use error::NetworkError;
pub(crate) use subject::subject;
use visit::Visit;

/// An error of the edge in this service's words.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Reply {
    error::body(status, "RequestRefused", message, "")
}

/// Answers a request under `/network`.
pub(crate) async fn handle(api: &Arc<Api>, request: &Arc<Request>) -> Reply {
    let parts = request.parts_after(1);
    let Some((region, rest)) = parts.split_first() else { return html_not_found("") };
    let reply = match (api.config.regions.iter().find(|known| known.name == *region), rest) {
        (None, _) => Err(NetworkError::UnknownRegion {
            region: (*region).to_owned(),
            known: api.config.region_names(),
            feature: rest.get(1).map(|part| (*part).to_owned()),
        }),
        (Some(_), []) => version::list(request, region),
        (Some(known), ["v2.0", rest @ ..]) => route(&Visit::new(api, request, known), rest).await,
        (Some(_), _) => return html_not_found(""),
    };
    reply.unwrap_or_else(|error| error.into_reply(request))
}

/// Finds what a path below `/v2.0` means.
async fn route(visit: &Visit, parts: &[&str]) -> Result<Reply, NetworkError> {
    let feature = parts.first().map_or(Feature::Basic, |first| Feature::of_path(first));
    if feature != Feature::Basic
        && let Some(absence) = extension::Absence::of(visit, feature)
    {
        // A stranger learns nothing of what is here.
        visit.read(|_, _| Ok(())).await?;
        return Err(NetworkError::Absent(absence));
    }
    if let Some(answer) = routes::answer(visit, parts).await {
        return answer;
    }
    match intent::operations_at(parts).filter(|(operations, ..)| offers(visit, operations.info())) {
        Some((operations, length, parent)) => {
            resource::route(visit, operations, parent, parts.get(length..).unwrap_or_default()).await
        }
        None => {
            visit.read(|_, _| Ok(())).await?;
            let region = visit.region.clone();
            Err(match feature {
                Feature::Basic => NetworkError::UnknownResource { region, path: parts.join("/") },
                feature => NetworkError::NotYet { region, feature },
            })
        }
    }
}

/// Whether the region shows the extension that a resource came with.
fn offers(visit: &Visit, info: &model::ResourceInfo) -> bool {
    info.since.is_empty() || visit.settings.features.offers(info.since)
}

/// What this service answers: the table of paths of their own, and the resources with what is below them.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let base = "/network/{region}/v2.0";
    let mut endpoints = vec![Endpoint::new("GET", "/network/{region}", Access::Anyone)];
    endpoints.extend(routes::endpoints(base));
    for info in model::registry::RESOURCES.iter() {
        endpoints.extend(resource::endpoints(&format!("{base}/{}", info.path), info));
    }
    let action = |(path, name, _): &(&str, &str, _)| format!("{base}/{path}/{{id}}/{name}");
    endpoints.extend(intent::ACTIONS.iter().map(|line| Endpoint::new("PUT", action(line), Access::Authenticated)));
    endpoints
}
