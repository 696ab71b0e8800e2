//! `GET`, `HEAD` and `DELETE /auth/tokens`: what a token says, and its end.

use std::time::Duration;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use types::DomainId;

use super::SUBJECT;
use crate::{
    clock,
    edge::Reply,
    identity::{
        Caller, Delegation, KeystoneError, Scope, access_rule, authenticate_token, catalog as catalogue, route::Call,
        token::Token,
    },
};

/// How long after its end a token may be asked about with `allow_expired`, so that a long operation of
/// a service can still tell whose it is.
pub(crate) const EXPIRED_WINDOW: Duration = Duration::from_secs(48 * 3600);
/// Whoever sends it enforces access rules: a number, 1.0 for what there is.
const ACCESS_RULES: &str = "openstack-identity-access-rules";

/// A token of ours that has not expired, or not more than a window (microseconds) ago.
pub(super) fn opened(call: &Call<'_>, text: &str, window: i64) -> Result<Token, KeystoneError> {
    let now = clock::now();
    let token = Token::open(text, &call.api().keys).filter(|token| token.expires_at.saturating_add(window) > now);
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
            "password_expires_at": holder.user.password_expires_at.map(clock::keystone_without_zone),
        },
        "audit_ids": token.audit_ids(),
        "expires_at": clock::keystone(token.expires_at),
        "issued_at": clock::keystone(token.issued_at),
    });
    match &holder.delegation {
        Some(Delegation::Trust(trust)) => {
            body["OS-TRUST:trust"] = json!({
                "id": trust.id,
                "trustor_user": { "id": trust.trustor_user_id },
                "trustee_user": { "id": trust.trustee_user_id },
                "impersonation": trust.impersonation,
            });
        }
        Some(Delegation::ApplicationCredential(credential)) => {
            body["application_credential"] = json!({
                "id": credential.id,
                "name": credential.name,
                "restricted": credential.unrestricted != Some(true),
            });
            if !credential.access_rules.is_empty() {
                let rules = credential.access_rules.iter().map(access_rule::view);
                body["application_credential"]["access_rules"] = rules.collect();
            }
        }
        None => {}
    }
    match &holder.scope {
        Scope::Unscoped => return Ok(json!({ "token": body })),
        Scope::Project(project, domain) => {
            body["project"] =
                json!({ "domain": domain_of(&domain.id, &domain.name), "id": project.id, "name": project.name });
            if holder.trust().is_none() {
                body["is_domain"] = json!(false);
            }
        }
        Scope::Domain(domain) => body["domain"] = domain_of(&domain.id, &domain.name),
        Scope::System => body["system"] = json!({ "all": true }),
    }
    body["roles"] = holder.roles.iter().map(|role| json!({ "id": role.id, "name": role.name })).collect();
    if call.request().query.first("nocatalog").is_none() {
        body["catalog"] = catalogue::of(call, holder)?;
    }
    Ok(json!({ "token": body }))
}

/// The token that is asked about, and whether it is one of the caller's user.
fn subject(call: &Call<'_>, window: Duration) -> Result<(Caller, bool), KeystoneError> {
    let missing = || KeystoneError::Missing("Could not find token.".to_owned());
    let text = call.request().header(SUBJECT.as_str()).ok_or_else(missing)?;
    let window = i64::try_from(window.as_micros()).unwrap_or(i64::MAX);
    let subject = opened(call, text, window).and_then(|token| authenticate_token(call.identity, token));
    let subject = subject.map_err(|error| match error {
        KeystoneError::Unauthorized => missing(),
        other => other,
    })?;
    // By whose proof the tokens are, not as whom a trust lets them appear.
    let is_own = call.caller()?.token.user == subject.token.user;
    Ok((subject, is_own))
}

/// `GET /auth/tokens`.
pub(crate) fn validate(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let request = call.request();
    let window = if request.query.flag("allow_expired") { EXPIRED_WINDOW } else { Duration::ZERO };
    let (subject, is_own) = subject(call, window)?;
    let caller = call.caller()?;
    let reads_system = matches!(caller.scope, Scope::System) && caller.has_role("reader");
    let is_check = request.method == Method::HEAD;
    let may = is_own || caller.is_admin() || reads_system || (!is_check && caller.has_role("service"));
    if !may {
        return Err(KeystoneError::Forbidden(if is_check {
            "identity:check_token"
        } else {
            "identity:validate_token"
        }));
    }
    let has_rules = subject.application_credential().is_some_and(|credential| !credential.access_rules.is_empty());
    let enforces = request.header(ACCESS_RULES).and_then(|text| text.parse::<f64>().ok()).is_some_and(|v| v >= 1.0);
    if has_rules && !enforces {
        // Whoever does not know of rules would let everything through.
        return Err(KeystoneError::Missing("Could not find token.".to_owned()));
    }
    let text = request.header(SUBJECT.as_str()).unwrap_or_default();
    Ok(Reply::ok(&view(call, &subject)?).with_header(SUBJECT, text))
}

/// `DELETE /auth/tokens`: this token, not those that were made from it.
pub(crate) fn revoke(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let (subject, is_own) = subject(call, Duration::ZERO)?;
    if !is_own && !call.caller()?.is_admin() {
        return Err(KeystoneError::Forbidden("identity:revoke_token"));
    }
    call.identity.revoke_token(&subject.token.audit_text(), subject.token.expires_at)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
