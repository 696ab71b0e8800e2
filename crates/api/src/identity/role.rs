//! Roles.

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::Role;
use types::{DomainId, RoleId};

use super::{
    KeystoneError,
    access::Access,
    domain,
    fields::Fields,
    list,
    route::Call,
    schema::{Kind, Schema, attribute},
};
use crate::edge::Reply;

static OPTIONS: Schema = Schema {
    attributes: &[attribute("immutable", Kind::FlagOrNull)],
    required: &[],
    is_open: false,
    may_be_empty: true,
};

static CREATE: Schema = Schema {
    attributes: &[
        attribute("name", Kind::Name),
        attribute("description", Kind::TextOrNull { shortest: 0, longest: usize::MAX }),
        attribute("domain_id", Kind::IdOrNull),
        attribute("options", Kind::Object(&OPTIONS)),
    ],
    required: &["name"],
    is_open: true,
    may_be_empty: true,
};

static UPDATE: Schema = Schema { attributes: CREATE.attributes, required: &[], is_open: true, may_be_empty: false };

/// A role as clients see it.
pub(super) fn view(call: &Call<'_>, role: &Role) -> Value {
    let mut view = Value::Object(role.extra.clone());
    view["id"] = json!(role.id);
    view["name"] = json!(role.name);
    view["domain_id"] = json!(role.domain_id);
    view["description"] = json!(role.description);
    view["options"] = match role.immutable {
        Some(immutable) => json!({ "immutable": immutable }),
        None => json!({}),
    };
    view["links"] = json!({ "self": call.url(&format!("/roles/{}", role.id)) });
    view
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
    let other = call.identity.role_named(role.domain_id.as_ref(), &role.name)?;
    if other.is_none_or(|other| other.id == role.id) {
        return Ok(());
    }
    let place = role.domain_id.as_ref().map(|domain| format!(" at domain ID {domain}")).unwrap_or_default();
    let reason = format!("Duplicate entry found with name {}{place}", role.name);
    Err(KeystoneError::Conflict { kind: "role", reason })
}

fn refuse_immutable(role: &Role, verb: &str) -> KeystoneError {
    // The lone quote is Keystone's.
    KeystoneError::Refused(format!(
        "Unable to {verb} immutable role resource: `{}. Set resource option \"immutable\" to false first.",
        role.id
    ))
}

/// The option `immutable` of a body: not named, reset, or set.
fn immutable(fields: &mut Fields) -> Result<Option<Option<bool>>, KeystoneError> {
    let Some(options) = fields.optional_object("options")? else { return Ok(None) };
    Ok(options.rest().get("immutable").map(Value::as_bool))
}

/// `GET /roles`: those of the whole cloud, or those of `domain_id`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let of_domain = call.request().query.first("domain_id").filter(|id| !id.is_empty());
    if of_domain.is_some() {
        call.require(Access::SystemReader, "identity:list_domain_roles")?;
    }
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
    let mut fields = CREATE.read(call.request(), "role")?;
    let immutable = immutable(&mut fields)?.flatten();
    fields.ignore(&["id", "links"]);
    let role = Role {
        id: RoleId::random(),
        name: fields.text("name")?.unwrap_or_default(),
        domain_id: match fields.nullable_text("domain_id")?.flatten() {
            Some(id) => Some(domain::find(call, &id)?.id),
            None => None,
        },
        description: fields.nullable_text("description")?.flatten(),
        immutable,
        extra: fields.rest(),
    };
    no_namesake(call, &role)?;
    call.identity.put_role(&role)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "role": view(call, &role) })))
}

/// `PATCH /roles/{role_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut role = find(call, call.parameter("role_id"))?;
    let mut fields = UPDATE.read(call.request(), "role")?;
    if role.immutable == Some(true) && !fields.frees_alone("immutable") {
        return Err(refuse_immutable(&role, "update"));
    }
    fields.same_id(role.id.as_str())?;
    let domain = fields.nullable_text("domain_id")?;
    if domain.is_some_and(|domain| domain.as_deref() != role.domain_id.as_ref().map(DomainId::as_str)) {
        return Err(KeystoneError::BadRequest("Update of `domain_id` is not allowed.".to_owned()));
    }
    if let Some(immutable) = immutable(&mut fields)? {
        role.immutable = immutable;
    }
    if let Some(name) = fields.text("name")? {
        role.name = name;
    }
    if let Some(description) = fields.nullable_text("description")? {
        role.description = description;
    }
    fields.ignore(&["links"]);
    role.extra.extend(fields.rest());
    no_namesake(call, &role)?;
    call.identity.put_role(&role)?;
    Ok(Reply::ok(&json!({ "role": view(call, &role) })))
}

/// `DELETE /roles/{role_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let role = find(call, call.parameter("role_id"))?;
    if role.immutable == Some(true) {
        return Err(refuse_immutable(&role, "delete"));
    }
    call.identity.delete_role(&role.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
