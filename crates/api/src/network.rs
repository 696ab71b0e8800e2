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
mod subject;
mod tag;
mod version;
mod visit;

use std::sync::Arc;

use hyper::{Method, StatusCode};
use model::Feature;
use serde_json::json;

use crate::{
    Api,
    edge::{Reply, Request, html_not_found},
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
    let request = &visit.request;
    let get = request.method == Method::GET || request.method == Method::HEAD;
    let feature = parts.first().map_or(Feature::Basic, |first| Feature::of_path(first));
    if feature != Feature::Basic
        && let Some(absence) = extension::Absence::of(visit, feature)
    {
        // A stranger learns nothing of what is here.
        visit.read(|_, _| Ok(())).await?;
        return Err(NetworkError::Absent(absence));
    }
    match parts {
        [] if get => version::v2(visit).await,
        ["extensions"] if get => extension::list(visit).await,
        ["extensions", alias] if get => extension::show(visit, alias).await,
        [] | ["extensions", ..] => Err(NetworkError::MethodNotAllowed),
        [empty @ ("agents" | "availability_zones")] if get => {
            // What clients ask in passing. One host has no agents apart from itself, and no zones.
            visit.read(|_, _| Ok(())).await?;
            Ok(Reply::ok(&json!({ *empty: [] })))
        }
        ["quotas", rest @ ..] => quota::route(visit, rest).await,
        ["baryon", "trace"] => baryon::trace(visit).await,
        ["baryon", "drops", port] => baryon::drops(visit, port).await,
        ["baryon", "status"] => baryon::status(visit).await,
        _ => match find_resource(parts) {
            Some((operations, rest)) => resource::route(visit, operations, rest).await,
            None => {
                visit.read(|_, _| Ok(())).await?;
                let region = visit.region.clone();
                Err(match feature {
                    Feature::Basic => NetworkError::UnknownResource { region, path: parts.join("/") },
                    feature => NetworkError::NotYet { region, feature },
                })
            }
        },
    }
}

/// The resource whose path begins a path, and what follows.
fn find_resource<'a, 'b>(parts: &'a [&'b str]) -> Option<(&'static dyn intent::Operations, &'a [&'b str])> {
    // A collection's path has one part, those of our own have two.
    (1..=parts.len().min(2)).find_map(|length| {
        let (path, rest) = parts.split_at(length);
        // Upstream takes security_groups for security-groups.
        Some((intent::operations(&path.join("/").replace('_', "-"))?, rest))
    })
}
