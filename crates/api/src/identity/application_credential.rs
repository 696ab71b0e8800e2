//! Application credentials: a secret with which a program acts for a user, in one project and with
//! some of the user's roles.
//!
//! One is made with a token for the project, has roles of that token at most, and goes with its user,
//! its project, and any of its roles that is deleted. The secret is shown once and kept as a hash.
//! A token that was got by one may make and delete others only when it is unrestricted, and a token
//! that was got by a trust may not look at any: what it made would outlive the trust.

mod body;

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::{ApplicationCredential, Owned, Role};
use types::{RoleId, UserId};

use super::{
    Caller, KeystoneError, access_rule, ceiling, list, role,
    route::{Call, Visit},
    user, with_implied,
};
use crate::{clock, edge::Reply};

use body::Body;
pub(super) use body::{RoleRef, expires_at};

fn view(call: &Call<'_>, credential: &ApplicationCredential) -> Result<Value, KeystoneError> {
    let mut roles = Vec::new();
    for id in &credential.roles {
        if let Some(found) = call.identity.role(id)? {
            let mut view = role::view(call, &found);
            if let Some(view) = view.as_object_mut() {
                view.remove("links");
            }
            roles.push(view);
        }
    }
    let mut view = json!({
        "id": credential.id,
        "name": credential.name,
        "description": credential.description,
        "user_id": credential.user_id,
        "project_id": credential.project_id,
        "system": null,
        "expires_at": credential.expires_at.map(clock::keystone_without_zone),
        "unrestricted": credential.unrestricted,
        "roles": roles,
        "links": { "self": call.url(&format!("/application_credentials/{}", credential.id)) },
    });
    if !credential.access_rules.is_empty() {
        view["access_rules"] = credential.access_rules.iter().map(access_rule::view).collect();
    }
    Ok(view)
}

/// The user that the path names.
pub(super) fn owner(call: &Call<'_>) -> Result<UserId, KeystoneError> {
    Ok(user::find(call, call.parameter("user_id"))?.id)
}

/// Refuses a token that was got by a trust.
pub(super) fn not_by_trust(call: &Call<'_>) -> Result<(), KeystoneError> {
    if call.caller()?.trust().is_some() { Err(KeystoneError::Denied) } else { Ok(()) }
}

/// Refuses a token that was got by a restricted application credential.
fn not_restricted(caller: &Caller) -> Result<(), KeystoneError> {
    match caller.application_credential() {
        Some(credential) if credential.unrestricted != Some(true) => Err(KeystoneError::Forbidden(
            "Using method 'application_credential' is not allowed for managing additional application credentials.",
        )),
        _ => Ok(()),
    }
}

/// The credential that the path names, if it is the user's that the path names.
fn find(call: &Call<'_>) -> Result<ApplicationCredential, KeystoneError> {
    let id = call.parameter("application_credential_id");
    let found = match id.parse() {
        Ok(id) => call.identity.application_credential(&id)?,
        Err(_) => None,
    };
    let found = found.filter(|found| found.user_id.as_str() == call.parameter("user_id"));
    found.ok_or_else(|| KeystoneError::NotFound { kind: "Application Credential", id: id.to_owned() })
}

/// `GET /users/{user_id}/application_credentials`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    not_by_trust(call)?;
    let found = call.identity.application_credentials_of(&owner(call)?)?;
    let views = found.iter().map(|found| view(call, found)).collect::<Result<Vec<_>, _>>()?;
    let items = views.into_iter().filter(|item| list::selects(call.request(), item, &["name"])).collect();
    Ok(list::reply(call.request(), "application_credentials", items))
}

/// `GET /users/{user_id}/application_credentials/{application_credential_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    not_by_trust(call)?;
    Ok(Reply::ok(&json!({ "application_credential": view(call, &find(call)?)? })))
}

/// `DELETE /users/{user_id}/application_credentials/{application_credential_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    not_by_trust(call)?;
    not_restricted(call.caller()?)?;
    call.identity.delete_application_credential(&find(call)?.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Whether the caller may make one: for themselves, in the project of their token.
fn may_create(call: &Call<'_>) -> Result<(), KeystoneError> {
    let caller = call.caller()?;
    // An administrator, too, makes them for nobody else: who knows the secret acts as the user.
    if caller.user.id.as_str() != call.parameter("user_id") || caller.project().is_none() {
        return Err(KeystoneError::Forbidden("identity:create_application_credential"));
    }
    not_by_trust(call)?;
    not_restricted(caller)
}

/// `POST /users/{user_id}/application_credentials`.
pub(super) async fn create(visit: Visit) -> Result<Reply, KeystoneError> {
    visit.read(may_create).await?;
    let body = Body::parse(&visit.request)?;
    let secret = body.secret.clone();
    let secret_hash = visit.api.passwords.hash(visit.request.source, secret.clone()).await?;
    visit
        .write(move |call| {
            may_create(call)?;
            let new = made(call, body, secret_hash)?;
            call.identity.create_application_credential(&new)?;
            let mut view = view(call, &new)?;
            view["secret"] = json!(secret);
            Ok(Reply::json(StatusCode::CREATED, &json!({ "application_credential": view })))
        })
        .await
}

fn made(call: &Call<'_>, body: Body, secret_hash: String) -> Result<ApplicationCredential, KeystoneError> {
    let caller = call.caller()?;
    let user_id = caller.user.id.clone();
    if call.identity.application_credential_named(&user_id, &body.name)?.is_some() {
        let reason = "Duplicate entry".to_owned();
        return Err(KeystoneError::Conflict { kind: "application_credential", reason });
    }
    let project = caller.project().ok_or(KeystoneError::Forbidden("identity:create_application_credential"))?;
    let roles = roles(call, &caller.roles, &body.roles)?;
    ceiling::refuse_more(call, Owned::ApplicationCredentials, &user_id, 1)?;
    let known = if body.access_rules.is_empty() { Vec::new() } else { call.identity.access_rules_of(&user_id)? };
    let mut access_rules = Vec::new();
    for rule in body.access_rules {
        access_rules.push(rule.stored(call.identity, &user_id, &known)?);
    }
    // Equal ones are one, so only now it is known how many they are; a refusal takes them back.
    ceiling::refuse_more(call, Owned::AccessRules, &user_id, 0)?;
    // As the store will list them.
    access_rules.sort_by(|one, other| one.id.cmp(&other.id));
    access_rules.dedup();
    Ok(ApplicationCredential {
        id: types::ApplicationCredentialId::random(),
        user_id,
        project_id: project.id.clone(),
        name: body.name,
        description: body.description,
        secret_hash,
        expires_at: body.expires_at,
        unrestricted: body.unrestricted,
        roles,
        access_rules,
    })
}

/// The roles that were asked for with all that they imply; the token's when none were.
fn roles(call: &Call<'_>, held: &[Role], wanted: &[RoleRef]) -> Result<Vec<RoleId>, KeystoneError> {
    let held: Vec<RoleId> = held.iter().map(|role| role.id.clone()).collect();
    if wanted.is_empty() {
        return Ok(held);
    }
    let wanted = wanted.iter().map(|role| role.find(call)).collect::<Result<Vec<_>, _>>()?;
    let wanted: Vec<RoleId> = with_implied(call.identity, &wanted)?.into_iter().collect();
    if wanted.iter().all(|role| held.contains(role)) {
        Ok(wanted)
    } else {
        Err(KeystoneError::BadRequest(
            "Invalid application credential: Cannot create an application credential with unassigned role".to_owned(),
        ))
    }
}
