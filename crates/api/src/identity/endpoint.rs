//! Endpoints of the catalogue.

use hyper::StatusCode;
use serde_json::{Map, Value, json};
use store::identity::{Endpoint, Region};
use types::{EndpointId, ServiceId};

use super::{
    KeystoneError, catalog,
    fields::Fields,
    list,
    route::Call,
    schema::{Attribute, Kind, Schema, attribute},
};
use crate::edge::Reply;

/// Who may be meant by an endpoint.
pub(super) const INTERFACES: &[&str] = &["admin", "internal", "public"];

const ATTRIBUTES: &[Attribute] = &[
    attribute("enabled", Kind::Flag),
    attribute("interface", Kind::OneOf(INTERFACES)),
    attribute("region_id", Kind::TextOrNull { shortest: 0, longest: usize::MAX }),
    attribute("region", Kind::TextOrNull { shortest: 0, longest: usize::MAX }),
    attribute("service_id", Kind::Text { shortest: 0, longest: usize::MAX }),
    attribute("url", Kind::Url),
    attribute("name", Kind::Text { shortest: 0, longest: usize::MAX }),
    attribute("description", Kind::TextOrNull { shortest: 0, longest: usize::MAX }),
];

static CREATE: Schema =
    Schema { attributes: ATTRIBUTES, required: &["interface", "service_id", "url"], is_open: true, may_be_empty: true };
static UPDATE: Schema = Schema { attributes: ATTRIBUTES, required: &[], is_open: true, may_be_empty: false };

/// An endpoint as clients see it.
pub(super) fn view(call: &Call<'_>, endpoint: &Endpoint) -> Value {
    let mut view = Value::Object(endpoint.extra.clone());
    view["id"] = json!(endpoint.id);
    view["interface"] = json!(endpoint.interface);
    view["region_id"] = json!(endpoint.region_id);
    view["service_id"] = json!(endpoint.service_id);
    view["url"] = json!(catalog::whole_url(call, &endpoint.url));
    view["enabled"] = json!(endpoint.enabled);
    view["region"] = json!(endpoint.region_id);
    view["links"] = json!({ "self": call.url(&format!("/endpoints/{}", endpoint.id)) });
    view
}

/// The endpoint of an id.
pub(super) fn find(call: &Call<'_>, id: &str) -> Result<Endpoint, KeystoneError> {
    let found = match id.parse() {
        Ok(id) => call.identity.endpoint(&id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::NotFound { kind: "endpoint", id: id.to_owned() })
}

/// `GET /endpoints`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let endpoints = call.identity.endpoints()?;
    let views = endpoints.iter().map(|endpoint| view(call, endpoint));
    let filters = ["interface", "service_id", "region_id"];
    let items = views.filter(|item| list::selects(call.request(), item, &filters));
    Ok(list::reply(call.request(), "endpoints", items.collect()))
}

/// `GET /endpoints/{endpoint_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let endpoint = find(call, call.parameter("endpoint_id"))?;
    Ok(Reply::ok(&json!({ "endpoint": view(call, &endpoint) })))
}

fn expected(attribute: &str, target: &str) -> KeystoneError {
    KeystoneError::BadRequest(format!(
        "Expecting to find endpoint {attribute} in {target}. The server could not comply with the request since it \
         is either malformed or otherwise incorrect. The client is assumed to be in error."
    ))
}

/// The region that a body names, if it names one: by `region_id` one that exists, by `region`, as in
/// version 2 of the API, one that is made if need be.
fn region(call: &Call<'_>, fields: &mut Fields) -> Result<Option<Option<String>>, KeystoneError> {
    let (by_id, by_name) = (fields.nullable_text("region_id")?, fields.nullable_text("region")?);
    match (by_id, by_name.flatten()) {
        (Some(Some(id)), _) => {
            call.identity.region(&id)?.ok_or_else(|| expected("region_id", "region table"))?;
            Ok(Some(Some(id)))
        }
        (_, Some(name)) => {
            if call.identity.region(&name)?.is_none() {
                let (id, extra) = (name.clone(), Map::new());
                let region = Region { id, description: String::new(), parent_region_id: None, extra };
                call.identity.put_region(&region)?;
            }
            Ok(Some(Some(name)))
        }
        (by_id, None) => Ok(by_id),
    }
}

fn service(call: &Call<'_>, fields: &mut Fields) -> Result<Option<ServiceId>, KeystoneError> {
    let Some(text) = fields.text("service_id")? else { return Ok(None) };
    let found = match text.parse() {
        Ok(id) => call.identity.service(&id)?,
        Err(_) => None,
    };
    found.map(|service| Some(service.id)).ok_or_else(|| expected("service_id", "service table"))
}

fn url(fields: &mut Fields) -> Result<Option<String>, KeystoneError> {
    let Some(url) = fields.text("url")? else { return Ok(None) };
    let known = |name: &str| catalog::PLACES.contains(&name).then(String::new);
    if catalog::filled(&url, known).is_none() {
        return Err(KeystoneError::BadRequest(format!("Cannot create an endpoint with an invalid URL: {url}.")));
    }
    Ok(Some(url))
}

/// `POST /endpoints`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = CREATE.read(call.request(), "endpoint")?;
    fields.ignore(&["id", "links"]);
    let url = url(&mut fields)?.unwrap_or_default();
    let region_id = region(call, &mut fields)?.flatten();
    let endpoint = Endpoint {
        id: EndpointId::random(),
        service_id: service(call, &mut fields)?.ok_or_else(|| fields.lacks("service_id"))?,
        region_id,
        interface: fields.text("interface")?.unwrap_or_default(),
        url,
        enabled: fields.flag("enabled")?.unwrap_or(true),
        configured: false,
        extra: fields.rest(),
    };
    call.identity.put_endpoint(&endpoint)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "endpoint": view(call, &endpoint) })))
}

fn refuse_configured(endpoint: &Endpoint, verb: &str) -> KeystoneError {
    KeystoneError::Refused(format!(
        "Unable to {verb} endpoint {}: it is made from the server's configuration.",
        endpoint.id
    ))
}

/// `PATCH /endpoints/{endpoint_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = UPDATE.read(call.request(), "endpoint")?;
    let before = find(call, call.parameter("endpoint_id"))?;
    fields.same_id(before.id.as_str())?;
    let mut endpoint = before.clone();
    if let Some(region) = region(call, &mut fields)? {
        endpoint.region_id = region;
    }
    if let Some(service) = service(call, &mut fields)? {
        endpoint.service_id = service;
    }
    if let Some(interface) = fields.text("interface")? {
        endpoint.interface = interface;
    }
    if let Some(url) = url(&mut fields)?.filter(|url| *url != catalog::whole_url(call, &before.url)) {
        endpoint.url = url;
    }
    let is_moved = (&endpoint.region_id, &endpoint.service_id, &endpoint.interface, &endpoint.url)
        != (&before.region_id, &before.service_id, &before.interface, &before.url);
    if before.configured && is_moved {
        return Err(refuse_configured(&before, "change"));
    }
    if let Some(enabled) = fields.flag("enabled")? {
        endpoint.enabled = enabled;
    }
    fields.ignore(&["links"]);
    endpoint.extra.extend(fields.rest());
    call.identity.put_endpoint(&endpoint)?;
    Ok(Reply::ok(&json!({ "endpoint": view(call, &endpoint) })))
}

/// `DELETE /endpoints/{endpoint_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let endpoint = find(call, call.parameter("endpoint_id"))?;
    if endpoint.configured {
        return Err(refuse_configured(&endpoint, "delete"));
    }
    call.identity.delete_endpoint(&endpoint.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
