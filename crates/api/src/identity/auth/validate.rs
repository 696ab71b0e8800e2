//! `GET`, `HEAD` and `DELETE /auth/tokens`: what a token says, and its end.

use hyper::StatusCode;
use serde_json::{Value, json};
use types::DomainId;

use super::SUBJECT;
use crate::{
    clock,
    edge::Reply,
    identity::{Caller, KeystoneError, Scope, authenticate_token, catalog as catalogue, route::Call, token::Token},
};

/// A token of ours that has not expired.
pub(super) fn opened(call: &Call<'_>, text: &str) -> Result<Token, KeystoneError> {
    let token = Token::open(text, &call.api().keys).filter(|token| token.expires_at > clock::now());
    token.ok_or(KeystoneError::Unauthorized)
}

/// The body that tells a token.
pub(super) fn view(call: &Call<'_>, holder: &Caller) -> Result<Value, KeystoneError> {
    let token = &holder.token;
    let domain_of = |id: &DomainId, name: &str| json!({ "id": id, "name": name });
    let mut body = json!({
        "methods": token.methods.names(),
        "user": {
            "domain": domain_of(&holder.domain.id, &holder.domain.name),
            "id": holder.user.id,
            "name": holder.user.name,
            "password_expires_at": null,
        },
        "audit_ids": token.audit_ids(),
        "expires_at": clock::keystone(token.expires_at),
        "issued_at": clock::keystone(token.issued_at),
    });
    match &holder.scope {
        Scope::Unscoped => return Ok(json!({ "token": body })),
        Scope::Project(project, domain) => {
            body["project"] =
                json!({ "domain": domain_of(&domain.id, &domain.name), "id": project.id, "name": project.name });
            body["is_domain"] = json!(false);
        }
        Scope::Domain(domain) => body["domain"] = domain_of(&domain.id, &domain.name),
        Scope::System => body["system"] = json!({ "all": true }),
    }
    body["roles"] = holder.roles.iter().map(|role| json!({ "id": role.id, "name": role.name })).collect();
    if call.request().query.first("nocatalog").is_none() {
        body["catalog"] = catalogue::of(call)?;
    }
    Ok(json!({ "token": body }))
}

fn subject(call: &Call<'_>) -> Result<Caller, KeystoneError> {
    let missing = || KeystoneError::Missing("Could not recognize the subject token.".to_owned());
    let text = call
        .request()
        .header(SUBJECT.as_str())
        .ok_or_else(|| KeystoneError::BadRequest("The header X-Subject-Token must name the token.".to_owned()))?;
    let subject =
        opened(call, text).and_then(|token| authenticate_token(call.identity, token)).map_err(|error| match error {
            KeystoneError::Unauthorized => missing(),
            other => other,
        })?;
    let caller = call.caller()?;
    let may = caller.is_admin() || caller.has_role("service") || caller.user.id == subject.user.id;
    if may { Ok(subject) } else { Err(KeystoneError::Forbidden("identity:validate_token")) }
}

/// `GET /auth/tokens`.
pub(crate) fn validate(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let subject = subject(call)?;
    let text = call.request().header(SUBJECT.as_str()).unwrap_or_default();
    Ok(Reply::ok(&view(call, &subject)?).with_header(SUBJECT, text))
}

/// `DELETE /auth/tokens`.
pub(crate) fn revoke(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let token = subject(call)?.token;
    call.identity.revoke_token(&token.audit_text(), token.expires_at)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
