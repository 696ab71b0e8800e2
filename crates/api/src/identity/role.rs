//! Roles and what they imply.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::Role;
use types::{DomainId, RoleId};

use super::{KeystoneError, domain, fields::Fields, list, route::Call};
use crate::edge::Reply;

const LONGEST_NAME: usize = 255;

/// A role as clients see it.
pub(super) fn view(call: &Call<'_>, role: &Role) -> Value {
    json!({
        "id": role.id,
        "name": role.name,
        "domain_id": role.domain_id,
        "description": role.description,
        "options": if role.immutable { json!({ "immutable": true }) } else { json!({}) },
        "links": { "self": call.url(&format!("/roles/{}", role.id)) },
    })
}

/// The role of an id.
pub(super) fn find(call: &Call<'_>, id: &str) -> Result<Role, KeystoneError> {
    let found = match id.parse() {
        Ok(id) => call.identity.role(&id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::NotFound { kind: "role", id: id.to_owned() })
}

fn no_namesake(call: &Call<'_>, role: &Role) -> Result<(), KeystoneError> {
    match call.identity.role_named(role.domain_id.as_ref(), &role.name)?.filter(|other| other.id != role.id) {
        None => Ok(()),
        Some(_) => Err(KeystoneError::Conflict {
            kind: "role",
            reason: format!("Duplicate entry found with name {}", role.name),
        }),
    }
}

fn is_immutable(fields: &mut Fields) -> Result<Option<bool>, KeystoneError> {
    match fields.optional_object("options")? {
        Some(mut options) => options.flag("immutable"),
        None => Ok(None),
    }
}

fn refuse_immutable(role: &Role, verb: &str) -> Result<(), KeystoneError> {
    if !role.immutable {
        return Ok(());
    }
    Err(KeystoneError::Refused(format!(
        "You are not authorized to perform the requested action: cannot {verb} immutable role {}; set its option \
         immutable to false first.",
        role.id
    )))
}

/// `GET /roles`: those of the whole cloud, or those of `domain_id`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let of_domain = call.request().query.first("domain_id");
    let roles = call.identity.roles()?.into_iter();
    let roles = roles.filter(|role| role.domain_id.as_ref().map(DomainId::as_str) == of_domain);
    let items = roles.map(|role| view(call, &role)).filter(|item| list::selects(call.request(), item, &["name"]));
    Ok(list::reply(call.request(), "roles", items.collect()))
}

/// `GET /roles/{role_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let role = find(call, call.parameter("role_id"))?;
    Ok(Reply::ok(&json!({ "role": view(call, &role) })))
}

/// `POST /roles`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = Fields::of(call.request(), "role")?;
    let role = Role {
        id: RoleId::random(),
        name: fields.name(LONGEST_NAME)?.ok_or_else(|| fields.lacks("name"))?,
        domain_id: match fields.nullable_text("domain_id")?.flatten() {
            Some(id) => Some(domain::find(call, &id)?.id),
            None => None,
        },
        description: fields.nullable_text("description")?.flatten(),
        immutable: is_immutable(&mut fields)?.unwrap_or(false),
    };
    no_namesake(call, &role)?;
    call.identity.put_role(&role)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "role": view(call, &role) })))
}

/// `PATCH /roles/{role_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut role = find(call, call.parameter("role_id"))?;
    let mut fields = Fields::of(call.request(), "role")?;
    match is_immutable(&mut fields)? {
        // Saying so in the same request is enough, as in Keystone.
        Some(immutable) => role.immutable = immutable,
        None => refuse_immutable(&role, "update")?,
    }
    if let Some(name) = fields.name(LONGEST_NAME)? {
        role.name = name;
    }
    if let Some(description) = fields.nullable_text("description")? {
        role.description = description;
    }
    no_namesake(call, &role)?;
    call.identity.put_role(&role)?;
    Ok(Reply::ok(&json!({ "role": view(call, &role) })))
}

/// `DELETE /roles/{role_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let role = find(call, call.parameter("role_id"))?;
    refuse_immutable(&role, "delete")?;
    call.identity.delete_role(&role.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `GET /role_inferences`: which role implies which.
pub(super) fn inferences(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let roles: BTreeMap<_, _> = call.identity.roles()?.into_iter().map(|role| (role.id.clone(), role)).collect();
    let short = |id: &RoleId| {
        let name = roles.get(id).map(|role| role.name.as_str());
        json!({ "id": id, "name": name, "links": { "self": call.url(&format!("/roles/{id}")) } })
    };
    let mut implied: BTreeMap<RoleId, Vec<Value>> = BTreeMap::new();
    for (prior, next) in call.identity.implied_roles()? {
        implied.entry(prior).or_default().push(short(&next));
    }
    let items: Vec<_> = implied
        .into_iter()
        .map(|(prior, implies)| json!({ "prior_role": short(&prior), "implies": implies }))
        .collect();
    Ok(Reply::ok(&json!({ "role_inferences": items })))
}
