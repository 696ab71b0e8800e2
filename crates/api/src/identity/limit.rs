//! `/limits`: what differs from the registered limits for one project or domain.
//!
//! The model is Keystone's `flat` one: a limit says nothing about the projects below.

use std::collections::BTreeSet;

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::{Limit, LimitOwner, RegisteredLimit};
use types::LimitId;

use super::{
    KeystoneError, Scope,
    fields::Fields,
    list,
    registered_limit::{expected, region, service},
    route::Call,
    schema::{Kind, Schema, attribute},
};
use crate::edge::Reply;

static CREATE: Schema = Schema {
    attributes: &[
        attribute("project_id", Kind::IdOrNull),
        attribute("domain_id", Kind::IdOrNull),
        attribute("resource_name", Kind::Name),
        attribute("region_id", Kind::TextOrNull { shortest: 1, longest: 255 }),
        attribute("service_id", Kind::Uuid),
        attribute("resource_limit", Kind::Limit),
        attribute("description", Kind::TextOrNull { shortest: 0, longest: 255 }),
    ],
    required: &["service_id", "resource_name", "resource_limit"],
    is_open: false,
    may_be_empty: true,
};

static UPDATE: Schema = Schema {
    attributes: &[
        attribute("resource_limit", Kind::Limit),
        attribute("description", Kind::TextOrNull { shortest: 0, longest: 255 }),
    ],
    required: &[],
    is_open: false,
    may_be_empty: true,
};

fn view(call: &Call<'_>, limit: &Limit) -> Value {
    let (project, domain) = match &limit.owner {
        LimitOwner::Project(id) => (json!(id), Value::Null),
        LimitOwner::Domain(id) => (Value::Null, json!(id)),
    };
    json!({
        "id": limit.id,
        "project_id": project,
        "domain_id": domain,
        "service_id": limit.registered.service_id,
        "region_id": limit.registered.region_id,
        "resource_name": limit.registered.resource_name,
        "resource_limit": limit.resource_limit,
        "description": limit.description,
        "links": { "self": call.url(&format!("/limits/{}", limit.id)) },
    })
}

fn find(call: &Call<'_>) -> Result<Limit, KeystoneError> {
    let id = call.parameter("limit_id");
    let found = match id.parse() {
        Ok(id) => call.identity.limit(&id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::Missing(format!("Could not find limit for {id}.")))
}

/// `GET /limits/model`.
pub(super) fn model(_: &Call<'_>) -> Result<Reply, KeystoneError> {
    let description = "Limit enforcement and validation does not take project hierarchy into consideration.";
    Ok(Reply::ok(&json!({ "model": { "name": "flat", "description": description } })))
}

/// Whose limits the caller sees: everybody's, or those of the token's project, or those of its domain
/// and the projects in it.
fn is_shown(call: &Call<'_>) -> Result<impl Fn(&Limit) -> bool, KeystoneError> {
    let caller = call.caller()?;
    let sees_all = matches!(caller.scope, Scope::System) || caller.is_admin() || caller.has_role("service");
    let (mut projects, mut own_domain) = (BTreeSet::new(), None);
    match &caller.scope {
        Scope::Project(project, _) => {
            projects.insert(project.id.clone());
        }
        Scope::Domain(domain) => {
            let places = call.identity.project_places()?.into_iter();
            projects.extend(places.filter(|place| place.domain_id == domain.id).map(|place| place.id));
            own_domain = Some(domain.id.clone());
        }
        Scope::System | Scope::Unscoped => {}
    }
    Ok(move |limit: &Limit| {
        sees_all
            || match &limit.owner {
                LimitOwner::Project(project) => projects.contains(project),
                LimitOwner::Domain(domain) => own_domain.as_ref() == Some(domain),
            }
    })
}

/// `GET /limits`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let is_shown = is_shown(call)?;
    let limits = call.identity.limits()?;
    let views = limits.iter().filter(|limit| is_shown(limit)).map(|limit| view(call, limit));
    let filters = ["service_id", "region_id", "resource_name", "project_id", "domain_id"];
    let items = views.filter(|item| list::selects(call.request(), item, &filters));
    Ok(list::reply(call.request(), "limits", items.collect()))
}

/// `GET /limits/{limit_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    Ok(Reply::ok(&json!({ "limit": view(call, &find(call)?) })))
}

/// The project or domain that a body names: exactly one of them, and it must exist.
fn owner(call: &Call<'_>, fields: &mut Fields) -> Result<LimitOwner, KeystoneError> {
    let (project, domain) = (fields.nullable_text("project_id")?, fields.nullable_text("domain_id")?);
    match (project.flatten(), domain.flatten()) {
        (Some(id), None) => {
            if let Ok(project) = id.parse()
                && let Some(project) = call.identity.project(&project)?
            {
                return Ok(LimitOwner::Project(project.id));
            }
            // Keystone's domains are projects too.
            let domain = match id.parse() {
                Ok(id) => call.identity.domain(&id)?,
                Err(_) => None,
            };
            domain.map(|domain| LimitOwner::Domain(domain.id)).ok_or_else(|| expected("project_id", "limit"))
        }
        (None, Some(id)) => {
            let domain = match id.parse() {
                Ok(id) => call.identity.domain(&id)?,
                Err(_) => None,
            };
            domain.map(|domain| LimitOwner::Domain(domain.id)).ok_or_else(|| expected("domain_id", "limit"))
        }
        (Some(_), Some(_)) => Err(KeystoneError::BadRequest(
            "A limit is a project's or a domain's: name one of them, not both.".to_owned(),
        )),
        (None, None) => Err(KeystoneError::BadRequest("'project_id' or 'domain_id' is a required property".to_owned())),
    }
}

fn registered(call: &Call<'_>, fields: &mut Fields) -> Result<RegisteredLimit, KeystoneError> {
    let service = service(call, fields, "limit")?.ok_or_else(|| fields.lacks("service_id"))?;
    let region = region(call, fields, "limit")?.flatten();
    let name = fields.text("resource_name")?.unwrap_or_default();
    call.identity.registered_limit_of(&service, region.as_deref(), &name)?.ok_or_else(|| {
        KeystoneError::Refused("Unable to create a limit that has no corresponding registered limit.".to_owned())
    })
}

/// `POST /limits`: several at once, or none of them.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut made = Vec::new();
    let mut known: Vec<_> =
        call.identity.limits()?.into_iter().map(|limit| (limit.registered.id, limit.owner)).collect();
    for mut fields in CREATE.read_list(call.request(), "limits")? {
        let owner = owner(call, &mut fields)?;
        let limit = Limit {
            id: LimitId::random(),
            registered: registered(call, &mut fields)?,
            owner,
            resource_limit: fields.integer("resource_limit")?.ok_or_else(|| fields.lacks("resource_limit"))?,
            description: fields.nullable_text("description")?.flatten(),
        };
        let key = (limit.registered.id.clone(), limit.owner.clone());
        if known.contains(&key) {
            return Err(KeystoneError::Conflict { kind: "limit", reason: "Duplicate entry".to_owned() });
        }
        known.push(key);
        call.identity.put_limit(&limit)?;
        made.push(view(call, &limit));
    }
    Ok(Reply::json(StatusCode::CREATED, &json!({ "limits": made })))
}

/// `PATCH /limits/{limit_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = UPDATE.read(call.request(), "limit")?;
    let mut limit = find(call)?;
    if let Some(number) = fields.integer("resource_limit")? {
        limit.resource_limit = number;
    }
    if let Some(description) = fields.nullable_text("description")? {
        limit.description = description;
    }
    call.identity.put_limit(&limit)?;
    Ok(Reply::ok(&json!({ "limit": view(call, &limit) })))
}

/// `DELETE /limits/{limit_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    call.identity.delete_limit(&find(call)?.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
