//! `/policies`: texts that services may fetch as their policy. Nothing here reads them.

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::Policy;
use types::PolicyId;

use super::{
    KeystoneError, list,
    route::Call,
    schema::{Attribute, Kind, Schema, attribute},
};
use crate::edge::Reply;

const ATTRIBUTES: &[Attribute] = &[
    attribute("blob", Kind::Text { shortest: 0, longest: usize::MAX }),
    attribute("type", Kind::Text { shortest: 0, longest: 255 }),
];

static CREATE: Schema =
    Schema { attributes: ATTRIBUTES, required: &["blob", "type"], is_open: true, may_be_empty: true };
static UPDATE: Schema = Schema { attributes: ATTRIBUTES, required: &[], is_open: true, may_be_empty: false };

fn view(call: &Call<'_>, policy: &Policy) -> Value {
    let mut view = Value::Object(policy.extra.clone());
    view["id"] = json!(policy.id);
    view["type"] = json!(policy.kind);
    view["blob"] = json!(policy.blob);
    view["links"] = json!({ "self": call.url(&format!("/policies/{}", policy.id)) });
    view
}

fn find(call: &Call<'_>) -> Result<Policy, KeystoneError> {
    let id = call.parameter("policy_id");
    let found = match id.parse() {
        Ok(id) => call.identity.policy(&id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::NotFound { kind: "policy", id: id.to_owned() })
}

/// `GET /policies`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let policies = call.identity.policies()?;
    let views = policies.iter().map(|policy| view(call, policy));
    let items = views.filter(|item| list::selects(call.request(), item, &["type"]));
    Ok(list::reply(call.request(), "policies", items.collect()))
}

/// `GET /policies/{policy_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    Ok(Reply::ok(&json!({ "policy": view(call, &find(call)?) })))
}

/// `POST /policies`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = CREATE.read(call.request(), "policy")?;
    fields.ignore(&["id", "links"]);
    let policy = Policy {
        id: PolicyId::random(),
        kind: fields.text("type")?.unwrap_or_default(),
        blob: fields.text("blob")?.unwrap_or_default(),
        extra: fields.rest(),
    };
    call.identity.put_policy(&policy)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "policy": view(call, &policy) })))
}

/// `PATCH /policies/{policy_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = UPDATE.read(call.request(), "policy")?;
    let mut policy = find(call)?;
    fields.same_id(policy.id.as_str())?;
    if let Some(kind) = fields.text("type")? {
        policy.kind = kind;
    }
    if let Some(blob) = fields.text("blob")? {
        policy.blob = blob;
    }
    fields.ignore(&["links"]);
    policy.extra.extend(fields.rest());
    call.identity.put_policy(&policy)?;
    Ok(Reply::ok(&json!({ "policy": view(call, &policy) })))
}

/// `DELETE /policies/{policy_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    call.identity.delete_policy(&find(call)?.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
