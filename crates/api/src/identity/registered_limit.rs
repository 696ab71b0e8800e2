//! `/registered_limits`: how much of a service's resource there is by default.

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::RegisteredLimit;
use types::{RegisteredLimitId, ServiceId};

use super::{
    KeystoneError,
    fields::Fields,
    list,
    route::Call,
    schema::{Attribute, Kind, Schema, attribute},
};
use crate::edge::Reply;

const ATTRIBUTES: &[Attribute] = &[
    attribute("service_id", Kind::Uuid),
    attribute("region_id", Kind::TextOrNull { shortest: 1, longest: 255 }),
    attribute("resource_name", Kind::Name),
    attribute("default_limit", Kind::Limit),
    attribute("description", Kind::TextOrNull { shortest: 0, longest: 255 }),
];

static CREATE: Schema = Schema {
    attributes: ATTRIBUTES,
    required: &["service_id", "resource_name", "default_limit"],
    is_open: false,
    may_be_empty: true,
};
static UPDATE: Schema = Schema { attributes: ATTRIBUTES, required: &[], is_open: false, may_be_empty: true };

fn view(call: &Call<'_>, limit: &RegisteredLimit) -> Value {
    json!({
        "id": limit.id,
        "service_id": limit.service_id,
        "region_id": limit.region_id,
        "resource_name": limit.resource_name,
        "default_limit": limit.default_limit,
        "description": limit.description,
        "links": { "self": call.url(&format!("/registered_limits/{}", limit.id)) },
    })
}

fn find(call: &Call<'_>) -> Result<RegisteredLimit, KeystoneError> {
    let id = call.parameter("registered_limit_id");
    let found = match id.parse() {
        Ok(id) => call.identity.registered_limit(&id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::Missing(format!("Could not find registered limit for {id}.")))
}

/// The error for a body that refers to something that is not there.
pub(super) fn expected(attribute: &str, target: &str) -> KeystoneError {
    KeystoneError::BadRequest(format!(
        "Expecting to find {attribute} in {target}. The server could not comply with the request since it is either \
         malformed or otherwise incorrect. The client is assumed to be in error."
    ))
}

/// The service that a body names, if it names one. It must exist.
pub(super) fn service(call: &Call<'_>, fields: &mut Fields, of: &str) -> Result<Option<ServiceId>, KeystoneError> {
    let Some(text) = fields.text("service_id")? else { return Ok(None) };
    let found = match text.parse() {
        Ok(id) => call.identity.service(&id)?,
        Err(_) => None,
    };
    found.map(|service| Some(service.id)).ok_or_else(|| expected("service_id", of))
}

/// The region that a body names, if it names one or null. It must exist.
pub(super) fn region(call: &Call<'_>, fields: &mut Fields, of: &str) -> Result<Option<Option<String>>, KeystoneError> {
    let Some(region) = fields.nullable_text("region_id")? else { return Ok(None) };
    if let Some(id) = &region {
        call.identity.region(id)?.ok_or_else(|| expected("region_id", of))?;
    }
    Ok(Some(region))
}

/// One number for one resource.
fn no_other(call: &Call<'_>, limit: &RegisteredLimit) -> Result<(), KeystoneError> {
    let (region, name) = (limit.region_id.as_deref(), limit.resource_name.as_str());
    match call.identity.registered_limit_of(&limit.service_id, region, name)?.filter(|other| other.id != limit.id) {
        None => Ok(()),
        Some(_) => Err(KeystoneError::Conflict { kind: "registered_limit", reason: "Duplicate entry".to_owned() }),
    }
}

fn refuse_used(call: &Call<'_>, limit: &RegisteredLimit) -> Result<(), KeystoneError> {
    if !call.identity.is_limit_in_use(&limit.id)? {
        return Ok(());
    }
    Err(KeystoneError::Refused(format!(
        "Unable to update or delete registered limit {} because there are project limits associated with it.",
        limit.id
    )))
}

/// `GET /registered_limits`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let limits = call.identity.registered_limits()?;
    let views = limits.iter().map(|limit| view(call, limit));
    let filters = ["service_id", "region_id", "resource_name"];
    let items = views.filter(|item| list::selects(call.request(), item, &filters));
    Ok(list::reply(call.request(), "registered_limits", items.collect()))
}

/// `GET /registered_limits/{registered_limit_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    Ok(Reply::ok(&json!({ "registered_limit": view(call, &find(call)?) })))
}

/// `POST /registered_limits`: several at once, or none of them.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut made = Vec::new();
    for mut fields in CREATE.read_list(call.request(), "registered_limits")? {
        let limit = RegisteredLimit {
            id: RegisteredLimitId::random(),
            service_id: service(call, &mut fields, "registered_limit")?.ok_or_else(|| fields.lacks("service_id"))?,
            region_id: region(call, &mut fields, "registered_limit")?.flatten(),
            resource_name: fields.text("resource_name")?.unwrap_or_default(),
            default_limit: fields.integer("default_limit")?.ok_or_else(|| fields.lacks("default_limit"))?,
            description: fields.nullable_text("description")?.flatten(),
        };
        no_other(call, &limit)?;
        call.identity.put_registered_limit(&limit)?;
        made.push(view(call, &limit));
    }
    Ok(Reply::json(StatusCode::CREATED, &json!({ "registered_limits": made })))
}

/// `PATCH /registered_limits/{registered_limit_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = UPDATE.read(call.request(), "registered_limit")?;
    let service = service(call, &mut fields, "registered_limit")?;
    let region = region(call, &mut fields, "registered_limit")?;
    let mut limit = find(call)?;
    refuse_used(call, &limit)?;
    if let Some(service) = service {
        limit.service_id = service;
    }
    if let Some(region) = region {
        limit.region_id = region;
    }
    if let Some(name) = fields.text("resource_name")? {
        limit.resource_name = name;
    }
    if let Some(number) = fields.integer("default_limit")? {
        limit.default_limit = number;
    }
    if let Some(description) = fields.nullable_text("description")? {
        limit.description = description;
    }
    no_other(call, &limit)?;
    call.identity.put_registered_limit(&limit)?;
    Ok(Reply::ok(&json!({ "registered_limit": view(call, &limit) })))
}

/// `DELETE /registered_limits/{registered_limit_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let limit = find(call)?;
    refuse_used(call, &limit)?;
    call.identity.delete_registered_limit(&limit.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
