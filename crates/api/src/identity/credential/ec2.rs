//! EC2 keys as an attribute of users: `/users/{user_id}/credentials/OS-EC2`.
//!
//! The same rows as `/credentials` of type `ec2`, with keys that the server makes.

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::Credential;
use types::UserId;

use super::{blob, id_of_access, in_scope, is_ec2, keys, stored};
use crate::{
    edge::Reply,
    identity::{Caller, KeystoneError, fields::Fields, list, project, route::Call, sealed, user},
};

const OTHER_PROJECT: &str = "EC2 credential project does not match the project scope of the delegated token";

/// Refuses a token that was got by a restricted application credential.
pub(super) fn not_restricted(caller: &Caller) -> Result<(), KeystoneError> {
    match caller.application_credential() {
        Some(credential) if credential.unrestricted != Some(true) => Err(KeystoneError::Forbidden(
            "Using method 'application_credential' is not allowed for managing additional credentials.",
        )),
        _ => Ok(()),
    }
}

fn view(call: &Call<'_>, credential: &Credential) -> Result<Value, KeystoneError> {
    let keys = keys(&blob(call, credential)?)?;
    let access = keys.get("access").and_then(Value::as_str).unwrap_or_default();
    Ok(json!({
        "user_id": credential.user_id,
        "tenant_id": credential.project_id,
        "access": access,
        "secret": keys.get("secret"),
        "trust_id": keys.get("trust_id"),
        "links": { "self": call.url(&format!("/users/{}/credentials/OS-EC2/{access}", credential.user_id)) },
    }))
}

fn owner(call: &Call<'_>) -> Result<UserId, KeystoneError> {
    Ok(user::find(call, call.parameter("user_id"))?.id)
}

/// The keys that the path names, if they are the user's that it names.
fn find(call: &Call<'_>) -> Result<Credential, KeystoneError> {
    let owner = owner(call)?;
    let access = call.parameter("access");
    let id = id_of_access(access)?;
    let found = call.identity.credential(&id)?.filter(|found| found.user_id == owner && is_ec2(&found.kind));
    let found = found.ok_or_else(|| KeystoneError::NotFound { kind: "credential", id: id.to_string() })?;
    in_scope(call.caller()?, found.project_id.as_ref(), OTHER_PROJECT)?;
    Ok(found)
}

/// `GET /users/{user_id}/credentials/OS-EC2`.
pub(in crate::identity) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut items = Vec::new();
    for found in call.identity.credentials(Some(&owner(call)?))?.iter().filter(|found| is_ec2(&found.kind)) {
        if in_scope(call.caller()?, found.project_id.as_ref(), OTHER_PROJECT).is_ok() {
            items.push(view(call, found)?);
        }
    }
    Ok(list::reply(call.request(), "credentials", items))
}

/// `POST /users/{user_id}/credentials/OS-EC2`.
pub(in crate::identity) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let caller = call.caller()?;
    // The path names the caller, unless an administrator.
    if !caller.is_admin() && !caller.has_role("member") {
        return Err(KeystoneError::Forbidden("identity:ec2_create_credential"));
    }
    not_restricted(caller)?;
    let user_id = owner(call)?;
    // The body is the attributes themselves, without a name around them.
    let body = call.request().json().ok_or_else(|| KeystoneError::expecting("tenant_id", "credential"))?;
    let mut fields = Fields::from_value("body", body)?;
    let tenant = fields.text("tenant_id")?.ok_or_else(|| fields.lacks("tenant_id"))?;
    let project = project::find(call, &tenant)?.id;
    in_scope(caller, Some(&project), OTHER_PROJECT)?;
    let key = || uuid::Uuid::new_v4().simple().to_string();
    let access = key();
    let keys = json!({ "access": access, "secret": key(), "trust_id": caller.trust().map(|trust| &trust.id) });
    let id = id_of_access(&access)?;
    let new = Credential {
        sealed: sealed::seal(&call.api().secret_keys, id.as_str(), &keys.to_string())?,
        id,
        user_id,
        project_id: Some(project),
        kind: "ec2".to_owned(),
        extra: serde_json::Map::new(),
    };
    stored(call, &new)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "credential": view(call, &new)? })))
}

/// `GET /users/{user_id}/credentials/OS-EC2/{access}`.
pub(in crate::identity) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    Ok(Reply::ok(&json!({ "credential": view(call, &find(call)?)? })))
}

/// `DELETE /users/{user_id}/credentials/OS-EC2/{access}`.
pub(in crate::identity) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let found = find(call)?;
    let caller = call.caller()?;
    if !caller.is_admin() && !caller.has_role("member") {
        return Err(KeystoneError::Forbidden("identity:ec2_delete_credential"));
    }
    call.identity.delete_credential(&found.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
