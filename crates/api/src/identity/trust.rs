//! Trusts: roles of one user, the trustor, that another, the trustee, may use in a project.
//!
//! Only the trustor makes one, with roles that they have. Its trustee asks for a token with it and
//! then has those roles, as themselves or (by impersonation) as the trustor, for as long as the trust
//! lives, the trustor keeps every one of the roles, and both are enabled. A trust may allow its
//! trustee to hand it on ([`redelegation`]). Tokens of application credentials have no business here:
//! they are for one project and shall not learn or change what their user trusts whom with.

mod redelegation;

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::{Owned, Target, Trust, TrustFilter};
use types::{TrustId, UserId};

use super::{
    Caller, KeystoneError, Scope,
    application_credential::{RoleRef, expires_at},
    ceiling, chain,
    fields::Fields,
    list, project, role,
    route::Call,
    user,
};
use crate::{clock, edge::Reply};

/// A trust as lists show it.
fn view(call: &Call<'_>, trust: &Trust) -> Value {
    json!({
        "id": trust.id,
        "trustor_user_id": trust.trustor_user_id,
        "trustee_user_id": trust.trustee_user_id,
        "project_id": trust.project_id,
        "impersonation": trust.impersonation,
        // Whole seconds, as Keystone shows them.
        "expires_at": trust.expires_at.map(|end| clock::keystone(end - end.rem_euclid(1_000_000))),
        "remaining_uses": trust.remaining_uses,
        "deleted_at": null,
        "redelegated_trust_id": trust.redelegated_trust_id,
        "redelegation_count": trust.redelegation_count,
        "links": { "self": call.url(&format!("/OS-TRUST/trusts/{}", trust.id)) },
    })
}

fn roles_of(call: &Call<'_>, trust: &Trust) -> Result<Vec<Value>, KeystoneError> {
    let mut roles = Vec::new();
    for id in &trust.roles {
        // One that was deleted makes the trust void, and is not there to be shown.
        if let Some(found) = call.identity.role(id)? {
            roles.push(role::view(call, &found));
        }
    }
    Ok(roles)
}

fn roles_links(call: &Call<'_>, trust: &Trust) -> Value {
    let own = call.url(&format!("/OS-TRUST/trusts/{}/roles", trust.id));
    json!({ "self": own, "next": null, "previous": null })
}

/// A trust by itself.
fn view_with_roles(call: &Call<'_>, trust: &Trust) -> Result<Value, KeystoneError> {
    let mut view = view(call, trust);
    view["roles"] = json!(roles_of(call, trust)?);
    view["roles_links"] = roles_links(call, trust);
    Ok(view)
}

fn not_by_application_credential(caller: &Caller) -> Result<(), KeystoneError> {
    if caller.application_credential().is_some() {
        return Err(KeystoneError::Forbidden(
            "Using method 'application_credential' is not allowed for managing trusts.",
        ));
    }
    Ok(())
}

fn reads_all(caller: &Caller) -> bool {
    caller.is_admin() || (matches!(caller.scope, Scope::System) && caller.has_role("reader"))
}

/// The trust that the path names. That it is not there is said to everybody, as in Keystone.
fn find(call: &Call<'_>) -> Result<Trust, KeystoneError> {
    let id = call.parameter("trust_id");
    let found = match id.parse::<TrustId>() {
        Ok(id) => call.identity.trust(&id)?.filter(|trust| trust.is_usable(clock::now())),
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::NotFound { kind: "trust", id: id.to_owned() })
}

/// The trust that the path names, for somebody who may see it.
fn visible(call: &Call<'_>, action: &'static str) -> Result<Trust, KeystoneError> {
    let trust = find(call)?;
    let caller = call.caller()?;
    let is_party = [&trust.trustor_user_id, &trust.trustee_user_id].contains(&&caller.user.id);
    if !is_party && !reads_all(caller) {
        return Err(KeystoneError::Forbidden(action));
    }
    not_by_application_credential(caller)?;
    Ok(trust)
}

/// `GET /OS-TRUST/trusts`: all, or those of the trustor or the trustee that the query names.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let query = &call.request().query;
    let caller = call.caller()?;
    let (trustor, trustee) = (query.first("trustor_user_id"), query.first("trustee_user_id"));
    let (named, action) = match (trustor, trustee) {
        (Some(id), _) => (Some(id), "identity:list_trusts_for_trustor"),
        (None, Some(id)) => (Some(id), "identity:list_trusts_for_trustee"),
        (None, None) => (None, "identity:list_trusts"),
    };
    if named != Some(caller.user.id.as_str()) && !reads_all(caller) {
        return Err(KeystoneError::Forbidden(action));
    }
    not_by_application_credential(caller)?;
    // An id that is none selects nothing; which is what a random one does.
    let id = |text: &str| text.parse().unwrap_or_else(|_| UserId::random());
    let filter = TrustFilter { trustor: trustor.map(id), trustee: trustee.map(id) };
    let items = call.identity.trusts(&filter)?.iter().map(|trust| view(call, trust)).collect();
    Ok(list::reply(call.request(), "trusts", items))
}

/// `GET /OS-TRUST/trusts/{trust_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let trust = visible(call, "identity:get_trust")?;
    Ok(Reply::ok(&json!({ "trust": view_with_roles(call, &trust)? })))
}

/// `GET /OS-TRUST/trusts/{trust_id}/roles`.
pub(super) fn roles(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let trust = visible(call, "identity:list_roles_for_trust")?;
    Ok(Reply::ok(&json!({ "roles": roles_of(call, &trust)?, "links": roles_links(call, &trust) })))
}

/// `GET /OS-TRUST/trusts/{trust_id}/roles/{role_id}`.
pub(super) fn role(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let trust = visible(call, "identity:get_role_for_trust")?;
    let id = call.parameter("role_id");
    if !trust.roles.iter().any(|role| role.as_str() == id) {
        return Err(KeystoneError::NotFound { kind: "role", id: id.to_owned() });
    }
    Ok(Reply::ok(&json!({ "role": role::view(call, &role::find(call, id)?) })))
}

/// `DELETE /OS-TRUST/trusts/{trust_id}`: with those that were made by it.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let trust = find(call)?;
    let caller = call.caller()?;
    if caller.user.id != trust.trustor_user_id && !caller.is_admin() {
        return Err(KeystoneError::Forbidden("identity:delete_trust"));
    }
    not_by_application_credential(caller)?;
    call.identity.delete_trust(&trust.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `POST /OS-TRUST/trusts`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = Fields::of(call.request(), "trust")?;
    let mut id = |name: &str| fields.text(name)?.ok_or_else(|| fields.lacks(name));
    let (trustor, trustee) = (id("trustor_user_id")?, id("trustee_user_id")?);
    let caller = call.caller()?;
    if caller.user.id.as_str() != trustor {
        return Err(KeystoneError::Forbidden("identity:create_trust"));
    }
    not_by_application_credential(caller)?;
    let impersonation = fields.flag("impersonation")?.ok_or_else(|| fields.lacks("impersonation"))?;
    let project_id = fields.nullable_text("project_id")?.flatten().filter(|id| !id.is_empty());
    let wanted = RoleRef::list(&mut fields)?;
    if project_id.is_some() && wanted.is_empty() {
        return Err(KeystoneError::Forbidden("At least one role should be specified"));
    }
    let trustee = user::find(call, &trustee)?;
    let project = project_id.map(|id| project::find(call, &id)).transpose()?;
    let roles = wanted.iter().map(|role| role.find(call)).collect::<Result<Vec<_>, _>>()?;
    let remaining_uses = redelegation::remaining_uses(&mut fields)?;
    let expires_at = expires_at(&mut fields)?;
    let depth = redelegation::depth(&mut fields, remaining_uses)?;
    let mut new = Trust {
        id: TrustId::random(),
        trustor_user_id: caller.user.id.clone(),
        trustee_user_id: trustee.id,
        project_id: project.map(|project| project.id),
        impersonation,
        expires_at,
        remaining_uses,
        redelegated_trust_id: None,
        redelegation_count: depth.first(),
        roles,
    };
    let origin = match caller.trust() {
        Some(parent) => {
            // All of them, the nearest first; a trust by itself is its own first one.
            let mut line = vec![parent.clone()];
            line.extend(chain(call.identity, parent)?);
            redelegation::hand_on(&mut new, &line, depth)?;
            line.pop().map_or_else(|| caller.user.id.clone(), |first| first.trustor_user_id)
        }
        None => caller.user.id.clone(),
    };
    require_roles(call, &new, &origin)?;
    ceiling::refuse_more(call, Owned::Trusts, &new.trustor_user_id, 1)?;
    match call.identity.create_trust(&new) {
        Ok(()) => {}
        Err(error) if error.is_not_unique("trusts.") => {
            return Err(KeystoneError::Conflict { kind: "trust", reason: "Duplicate entry".to_owned() });
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Reply::json(StatusCode::CREATED, &json!({ "trust": view_with_roles(call, &new)? })))
}

/// Nobody gives what they have not got.
fn require_roles(call: &Call<'_>, new: &Trust, origin: &UserId) -> Result<(), KeystoneError> {
    let held = match &new.project_id {
        Some(project) => call.identity.effective_roles(origin, &Target::Project(project.clone()))?,
        None => Vec::new(),
    };
    match new.roles.iter().find(|wanted| !held.iter().any(|role| role.id == **wanted)) {
        None => Ok(()),
        Some(missing) => Err(KeystoneError::NotFound { kind: "role", id: missing.to_string() }),
    }
}
