//! Services of the catalogue.

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::Service;
use types::ServiceId;

use super::{
    KeystoneError, list,
    route::Call,
    schema::{Attribute, Kind, Schema, attribute},
};
use crate::edge::Reply;

const ATTRIBUTES: &[Attribute] = &[
    attribute("enabled", Kind::Flag),
    attribute("type", Kind::Text { shortest: 1, longest: 255 }),
    attribute("name", Kind::Text { shortest: 1, longest: 255 }),
];

static CREATE: Schema = Schema { attributes: ATTRIBUTES, required: &["type"], is_open: true, may_be_empty: true };
static UPDATE: Schema = Schema { attributes: ATTRIBUTES, required: &[], is_open: true, may_be_empty: false };

fn view(call: &Call<'_>, service: &Service) -> Value {
    let mut view = Value::Object(service.extra.clone());
    view["name"] = json!(service.name);
    view["id"] = json!(service.id);
    view["type"] = json!(service.kind);
    view["enabled"] = json!(service.enabled);
    view["links"] = json!({ "self": call.url(&format!("/services/{}", service.id)) });
    view
}

/// The service of an id.
pub(super) fn find(call: &Call<'_>, id: &str) -> Result<Service, KeystoneError> {
    let found = match id.parse() {
        Ok(id) => call.identity.service(&id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::NotFound { kind: "service", id: id.to_owned() })
}

/// `GET /services`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let services = call.identity.services()?;
    let views = services.iter().map(|service| view(call, service));
    let items = views.filter(|item| list::selects(call.request(), item, &["type", "name"]));
    Ok(list::reply(call.request(), "services", items.collect()))
}

/// `GET /services/{service_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let service = find(call, call.parameter("service_id"))?;
    Ok(Reply::ok(&json!({ "service": view(call, &service) })))
}

/// `POST /services`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = CREATE.read(call.request(), "service")?;
    fields.ignore(&["id", "links"]);
    let service = Service {
        id: ServiceId::random(),
        kind: fields.text("type")?.unwrap_or_default(),
        name: fields.text("name")?.unwrap_or_default(),
        enabled: fields.flag("enabled")?.unwrap_or(true),
        configured: false,
        extra: fields.rest(),
    };
    call.identity.put_service(&service)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "service": view(call, &service) })))
}

/// `PATCH /services/{service_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = UPDATE.read(call.request(), "service")?;
    let mut service = find(call, call.parameter("service_id"))?;
    fields.same_id(service.id.as_str())?;
    if let Some(kind) = fields.text("type")? {
        if service.configured && kind != service.kind {
            return Err(KeystoneError::Refused(format!(
                "Unable to change the type of service {}: it is made from the server's configuration.",
                service.id
            )));
        }
        service.kind = kind;
    }
    if let Some(name) = fields.text("name")? {
        service.name = name;
    }
    if let Some(enabled) = fields.flag("enabled")? {
        service.enabled = enabled;
    }
    fields.ignore(&["links"]);
    service.extra.extend(fields.rest());
    call.identity.put_service(&service)?;
    Ok(Reply::ok(&json!({ "service": view(call, &service) })))
}

/// `DELETE /services/{service_id}`, with its endpoints.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let service = find(call, call.parameter("service_id"))?;
    let refused = |why: &str| KeystoneError::Refused(format!("Unable to delete service {}: {why}.", service.id));
    if service.configured {
        return Err(refused("it is made from the server's configuration"));
    }
    if call.identity.registered_limits()?.iter().any(|limit| limit.service_id == service.id) {
        return Err(refused("it has registered limits"));
    }
    call.identity.delete_service(&service.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
