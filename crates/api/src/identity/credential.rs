//! Credentials: secrets of users that are kept for other services, such as EC2 keys and certificates.
//!
//! The secret, the `blob`, is encrypted in the store and shown to its owner and to administrators. A
//! token that acts by somebody's leave reaches the credentials of its own project only, and what it
//! makes remembers by whose leave.

pub(super) mod ec2;

use hyper::StatusCode;
use ring::digest;
use serde_json::{Map, Value, json};
use store::{
    StoreError,
    identity::{Credential, Owned},
};
use types::{CredentialId, ProjectId};

use super::{
    Caller, Delegation, KeystoneError, Scope, ceiling, fields::Fields, list, project, route::Call, sealed, user,
};
use crate::edge::Reply;

/// Longer secrets are refused; certificates with their chain are far shorter.
const LONGEST_BLOB: usize = 64 * 1024;

fn blob(call: &Call<'_>, credential: &Credential) -> Result<String, KeystoneError> {
    sealed::open(&call.api().secret_keys, credential.id.as_str(), &credential.sealed)
}

fn view(call: &Call<'_>, credential: &Credential) -> Result<Value, KeystoneError> {
    let mut view = Value::Object(credential.extra.clone());
    view["id"] = json!(credential.id);
    view["user_id"] = json!(credential.user_id);
    view["project_id"] = json!(credential.project_id);
    view["type"] = json!(credential.kind);
    view["blob"] = json!(blob(call, credential)?);
    view["links"] = json!({ "self": call.url(&format!("/credentials/{}", credential.id)) });
    Ok(view)
}

/// The id of EC2 keys: the SHA-256 of the access key, as Keystone has it.
fn id_of_access(access: &str) -> Result<CredentialId, KeystoneError> {
    let hash = digest::digest(&digest::SHA256, access.as_bytes());
    let id: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    id.parse().map_err(|_| KeystoneError::Internal(format!("no id: {id}")))
}

fn is_ec2(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("ec2")
}

fn reads_system(caller: &Caller) -> bool {
    caller.is_admin() || (matches!(caller.scope, Scope::System) && caller.has_role("reader"))
}

/// Refuses a token that acts by somebody's leave what is of another project, or of none.
fn in_scope(caller: &Caller, project: Option<&ProjectId>, refusal: &'static str) -> Result<(), KeystoneError> {
    let own = caller.project().map(|project| &project.id);
    if caller.delegation.is_some() && (project.is_none() || project != own) {
        return Err(KeystoneError::Forbidden(refusal));
    }
    Ok(())
}

const OTHER_PROJECT: &str = "Credential project does not match the project scope of the delegated token";

/// The credential that the path names, for somebody who may see or change it.
fn find(call: &Call<'_>, writes: bool, action: &'static str) -> Result<Credential, KeystoneError> {
    let id = call.parameter("credential_id");
    let found = match id.parse() {
        Ok(id) => call.identity.credential(&id)?,
        Err(_) => None,
    };
    let caller = call.caller()?;
    let privileged = if writes { caller.is_admin() } else { reads_system(caller) };
    let is_own = found.as_ref().is_some_and(|found| found.user_id == caller.user.id);
    if !privileged && !is_own {
        return Err(KeystoneError::Forbidden(action));
    }
    let found = found.ok_or_else(|| KeystoneError::NotFound { kind: "credential", id: id.to_owned() })?;
    in_scope(caller, found.project_id.as_ref(), OTHER_PROJECT)?;
    Ok(found)
}

/// `GET /credentials`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let caller = call.caller()?;
    let of = if reads_system(caller) { None } else { Some(&caller.user.id) };
    let mut items = Vec::new();
    for found in call.identity.credentials(of)? {
        if in_scope(caller, found.project_id.as_ref(), OTHER_PROJECT).is_ok() {
            let plain = json!({ "user_id": found.user_id, "type": found.kind });
            // Decrypted only if it is shown.
            if list::selects(call.request(), &plain, &["user_id", "type"]) {
                items.push(view(call, &found)?);
            }
        }
    }
    Ok(list::reply(call.request(), "credentials", items))
}

/// `GET /credentials/{credential_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let found = find(call, false, "identity:get_credential")?;
    Ok(Reply::ok(&json!({ "credential": view(call, &found)? })))
}

/// `DELETE /credentials/{credential_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let found = find(call, true, "identity:delete_credential")?;
    call.identity.delete_credential(&found.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn short_enough(blob: String) -> Result<String, KeystoneError> {
    if blob.len() > LONGEST_BLOB {
        return Err(KeystoneError::BadRequest(format!("The blob is longer than {LONGEST_BLOB} bytes.")));
    }
    Ok(blob)
}

/// The object in the blob of EC2 keys.
fn keys(blob: &str) -> Result<Map<String, Value>, KeystoneError> {
    let parsed = serde_json::from_str(blob);
    let parsed = parsed.map_err(|_| KeystoneError::BadRequest("Invalid blob in credential".to_owned()))?;
    match parsed {
        Value::Object(keys) if !keys.is_empty() => Ok(keys),
        _ => Err(KeystoneError::expecting("blob", "credential")),
    }
}

fn access_of(keys: &Map<String, Value>) -> Result<&str, KeystoneError> {
    keys.get("access").and_then(Value::as_str).ok_or_else(|| KeystoneError::expecting("access", "credential"))
}

/// `POST /credentials`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = Fields::of(call.request(), "credential")?;
    fields.ignore(&["id", "links"]);
    let mut required = |name: &str| fields.text(name)?.ok_or_else(|| fields.lacks(name));
    let (owner, kind, blob) = (required("user_id")?, required("type")?, short_enough(required("blob")?)?);
    let caller = call.caller()?;
    if owner != caller.user.id.as_str() && !caller.is_admin() {
        return Err(KeystoneError::Forbidden("identity:create_credential"));
    }
    let project_id = fields.nullable_text("project_id")?.flatten();
    if is_ec2(&kind) && project_id.is_none() {
        return Err(fields.lacks("project_id"));
    }
    let project_id = project_id.map(|id| project::find(call, &id)).transpose()?.map(|project| project.id);
    if is_ec2(&kind) {
        ec2::not_restricted(caller)?;
    }
    in_scope(caller, project_id.as_ref(), OTHER_PROJECT)?;
    let (id, blob) = if is_ec2(&kind) { remembering(caller, &blob)? } else { (CredentialId::random(), blob) };
    let new = Credential {
        sealed: sealed::seal(&call.api().secret_keys, id.as_str(), &blob)?,
        id,
        user_id: user::find(call, &owner)?.id,
        project_id,
        kind,
        extra: fields.rest(),
    };
    stored(call, &new)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "credential": view(call, &new)? })))
}

/// The id of EC2 keys, and their blob with the name of what lets the caller act.
fn remembering(caller: &Caller, blob: &str) -> Result<(CredentialId, String), KeystoneError> {
    let mut keys = keys(blob)?;
    let id = id_of_access(access_of(&keys)?)?;
    let blob = match &caller.delegation {
        None => blob.to_owned(),
        Some(delegation) => {
            let (name, by) = match delegation {
                Delegation::Trust(trust) => ("trust_id", json!(trust.id)),
                Delegation::ApplicationCredential(credential) => ("app_cred_id", json!(credential.id)),
            };
            keys.insert(name.to_owned(), by);
            Value::Object(keys).to_string()
        }
    };
    Ok((id, blob))
}

fn stored(call: &Call<'_>, new: &Credential) -> Result<(), KeystoneError> {
    ceiling::refuse_more(call, Owned::Credentials, &new.user_id, 1)?;
    match call.identity.create_credential(new) {
        Err(StoreError::NotUnique { .. }) => Err(KeystoneError::Conflict {
            kind: "credential",
            reason: format!("Duplicate entry found with ID {}", new.id),
        }),
        result => Ok(result?),
    }
}

/// `PATCH /credentials/{credential_id}`. The id stays, whatever becomes of the access key.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut found = find(call, true, "identity:update_credential")?;
    let mut fields = Fields::of(call.request(), "credential")?;
    fields.same_id(found.id.as_str())?;
    let new_blob = fields.text("blob")?.map(short_enough).transpose()?;
    if is_ec2(&found.kind) {
        let new = keys(new_blob.as_deref().unwrap_or_default())?;
        access_of(&new)?;
        let old = keys(&blob(call, &found)?)?;
        for name in ["trust_id", "app_cred_id", "access_token_id", "access_id"] {
            if old.get(name) != new.get(name) {
                return Err(KeystoneError::BadRequest(format!("{name} can not be updated for credential")));
            }
        }
    }
    let caller = call.caller()?;
    if let Some(owner) = fields.text("user_id")? {
        if owner != found.user_id.as_str() && !caller.is_admin() {
            return Err(KeystoneError::Forbidden("identity:update_credential"));
        }
        found.user_id = user::find(call, &owner)?.id;
    }
    if let Some(project) = fields.nullable_text("project_id")? {
        found.project_id = project.map(|id| project::find(call, &id)).transpose()?.map(|project| project.id);
        in_scope(caller, found.project_id.as_ref(), OTHER_PROJECT)?;
    }
    if let Some(kind) = fields.text("type")? {
        // Keys remember by whose leave they were made; what becomes keys, or was some meanwhile, does not.
        if caller.delegation.is_some() && is_ec2(&kind) != is_ec2(&found.kind) {
            return Err(KeystoneError::Forbidden("identity:update_credential"));
        }
        found.kind = kind;
    }
    if let Some(blob) = new_blob {
        found.sealed = sealed::seal(&call.api().secret_keys, found.id.as_str(), &blob)?;
    }
    fields.ignore(&["links"]);
    found.extra.extend(fields.rest());
    call.identity.update_credential(&found)?;
    Ok(Reply::ok(&json!({ "credential": view(call, &found)? })))
}
