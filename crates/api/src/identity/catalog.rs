//! The catalogue: regions, services and endpoints.

use serde_json::{Value, json};
use store::identity::{Endpoint, Region, Service};

use super::{KeystoneError, list, route::Call};
use crate::edge::Reply;

/// A path of this server becomes a URL.
fn whole_url(call: &Call<'_>, url: &str) -> String {
    if url.starts_with('/') { format!("{}{url}", call.request().public_url) } else { url.to_owned() }
}

/// The catalogue as tokens carry it.
pub(super) fn of(call: &Call<'_>) -> Result<Value, KeystoneError> {
    let endpoints = call.identity.endpoints()?;
    let services = call.identity.services()?.into_iter().filter(|service| service.enabled);
    let entry = |service: Service| {
        let of_service = endpoints.iter().filter(|endpoint| endpoint.enabled && endpoint.service_id == service.id);
        let endpoints: Vec<_> = of_service
            .map(|endpoint| {
                json!({
                    "id": endpoint.id,
                    "interface": endpoint.interface,
                    "region_id": endpoint.region_id,
                    "url": whole_url(call, &endpoint.url),
                    "region": endpoint.region_id,
                })
            })
            .collect();
        json!({ "endpoints": endpoints, "id": service.id, "type": service.kind, "name": service.name })
    };
    Ok(services.map(entry).collect())
}

fn region_view(call: &Call<'_>, region: &Region) -> Value {
    json!({
        "id": region.id,
        "description": region.description,
        "parent_region_id": region.parent_region_id,
        "links": { "self": call.url(&format!("/regions/{}", region.id)) },
    })
}

fn service_view(call: &Call<'_>, service: &Service) -> Value {
    json!({
        "name": service.name,
        "id": service.id,
        "type": service.kind,
        "enabled": service.enabled,
        "links": { "self": call.url(&format!("/services/{}", service.id)) },
    })
}

fn endpoint_view(call: &Call<'_>, endpoint: &Endpoint) -> Value {
    json!({
        "id": endpoint.id,
        "interface": endpoint.interface,
        "region_id": endpoint.region_id,
        "service_id": endpoint.service_id,
        "url": whole_url(call, &endpoint.url),
        "enabled": endpoint.enabled,
        "region": endpoint.region_id,
        "links": { "self": call.url(&format!("/endpoints/{}", endpoint.id)) },
    })
}

fn listed(call: &Call<'_>, key: &str, items: Vec<Value>, filters: &[&str]) -> Reply {
    let items = items.into_iter().filter(|item| list::selects(call.request(), item, filters)).collect();
    list::reply(call.request(), key, items)
}

fn one(kind: &'static str, id: &str, items: Vec<Value>) -> Result<Reply, KeystoneError> {
    let found = items.into_iter().find(|item| item["id"] == id);
    let found = found.ok_or_else(|| KeystoneError::NotFound { kind, id: id.to_owned() })?;
    Ok(Reply::ok(&json!({ kind: found })))
}

fn region_views(call: &Call<'_>) -> Result<Vec<Value>, KeystoneError> {
    Ok(call.identity.regions()?.iter().map(|region| region_view(call, region)).collect())
}

fn service_views(call: &Call<'_>) -> Result<Vec<Value>, KeystoneError> {
    Ok(call.identity.services()?.iter().map(|service| service_view(call, service)).collect())
}

fn endpoint_views(call: &Call<'_>) -> Result<Vec<Value>, KeystoneError> {
    Ok(call.identity.endpoints()?.iter().map(|endpoint| endpoint_view(call, endpoint)).collect())
}

/// `GET /regions`.
pub(super) fn regions(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    Ok(listed(call, "regions", region_views(call)?, &["parent_region_id"]))
}

/// `GET /regions/{region_id}`.
pub(super) fn region(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    one("region", call.parameter("region_id"), region_views(call)?)
}

/// `GET /services`.
pub(super) fn services(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    Ok(listed(call, "services", service_views(call)?, &["type", "name"]))
}

/// `GET /services/{service_id}`.
pub(super) fn service(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    one("service", call.parameter("service_id"), service_views(call)?)
}

/// `GET /endpoints`.
pub(super) fn endpoints(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    Ok(listed(call, "endpoints", endpoint_views(call)?, &["interface", "service_id", "region_id"]))
}

/// `GET /endpoints/{endpoint_id}`.
pub(super) fn endpoint(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    one("endpoint", call.parameter("endpoint_id"), endpoint_views(call)?)
}
