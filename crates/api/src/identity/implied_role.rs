//! Which role implies which: whoever has the prior role has the implied one too.

use std::collections::BTreeMap;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use store::identity::Role;
use types::RoleId;

use super::{KeystoneError, role, route::Call};
use crate::edge::Reply;

/// Keystone's default of `prohibited_implied_role`: nobody shall become an administrator by a rule.
const PROHIBITED: &str = "admin";

fn short(call: &Call<'_>, role: &Role) -> Value {
    json!({ "id": role.id, "name": role.name, "links": { "self": call.url(&format!("/roles/{}", role.id)) } })
}

fn named(call: &Call<'_>) -> Result<(Role, Role), KeystoneError> {
    let prior = role::find(call, call.parameter("prior_role_id"))?;
    Ok((prior, role::find(call, call.parameter("implied_role_id"))?))
}

fn view(call: &Call<'_>, prior: &Role, implied: &Role) -> Value {
    let url = call.url(&format!("/roles/{}/implies/{}", prior.id, implied.id));
    json!({
        "role_inference": { "prior_role": short(call, prior), "implies": short(call, implied) },
        "links": { "self": url },
    })
}

fn missing(prior: &Role, implied: &Role) -> KeystoneError {
    KeystoneError::Missing(format!("{} does not imply {}.", prior.id, implied.id))
}

/// `GET /roles/{prior_role_id}/implies`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let prior = role::find(call, call.parameter("prior_role_id"))?;
    let implied: Vec<_> = call.identity.roles_implied_by(&prior.id)?.iter().map(|role| short(call, role)).collect();
    let url = call.url(&format!("/roles/{}/implies", prior.id));
    Ok(Reply::ok(&json!({
        "role_inference": { "prior_role": short(call, &prior), "implies": implied },
        "links": { "self": url },
    })))
}

/// `GET /roles/{prior_role_id}/implies/{implied_role_id}`; HEAD answers 204, as in Keystone.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let (prior, implied) = named(call)?;
    if !call.identity.roles_implied_by(&prior.id)?.iter().any(|role| role.id == implied.id) {
        return Err(missing(&prior, &implied));
    }
    if call.request().method == Method::HEAD {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    Ok(Reply::ok(&view(call, &prior, &implied)))
}

/// `PUT /roles/{prior_role_id}/implies/{implied_role_id}`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let (prior, implied) = named(call)?;
    let refused = || KeystoneError::Refused(format!("{} cannot be an implied roles.", implied.id));
    // A role of a domain would reach beyond its domain.
    if implied.name == PROHIBITED || prior.domain_id.is_none() && implied.domain_id.is_some() {
        return Err(refused());
    }
    // Roles that imply one another in a circle would all be the same role.
    if call.identity.is_implied(&implied.id, &prior.id)? {
        return Err(refused());
    }
    if call.identity.roles_implied_by(&prior.id)?.iter().any(|role| role.id == implied.id) {
        return Err(KeystoneError::Conflict { kind: "implied_role", reason: "Duplicate entry".to_owned() });
    }
    call.identity.imply_role(&prior.id, &implied.id)?;
    Ok(Reply::json(StatusCode::CREATED, &view(call, &prior, &implied)))
}

/// `DELETE /roles/{prior_role_id}/implies/{implied_role_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let (prior, implied) = named(call)?;
    if call.identity.stop_implying(&prior.id, &implied.id)? {
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    } else {
        Err(missing(&prior, &implied))
    }
}

/// `GET /role_inferences`: every rule.
pub(super) fn inferences(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let roles: BTreeMap<_, _> = call.identity.roles()?.into_iter().map(|role| (role.id.clone(), role)).collect();
    let short = |id: &RoleId| roles.get(id).map(|role| short(call, role));
    let mut implied: BTreeMap<RoleId, Vec<Value>> = BTreeMap::new();
    for (prior, next) in call.identity.implied_roles()? {
        implied.entry(prior).or_default().extend(short(&next));
    }
    let items: Vec<_> = implied
        .into_iter()
        .map(|(prior, implies)| json!({ "prior_role": short(&prior), "implies": implies }))
        .collect();
    Ok(Reply::ok(&json!({ "role_inferences": items })))
}
