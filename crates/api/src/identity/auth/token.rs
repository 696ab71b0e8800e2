//! The method `token`: a token for a token, in another scope.

use super::{issue::Grant, request::Wanted, validate::opened};
use crate::identity::{
    Delegation, KeystoneError, Scope, authenticate_token,
    route::Call,
    token::{Methods, Token},
};

/// What a token proves. A token that acts by somebody's leave makes no other, so that nobody gets
/// further than that leave; one of an application credential makes its like only.
pub(super) fn grant(call: &Call<'_>, text: &str, wanted: &Wanted) -> Result<Grant, KeystoneError> {
    let parent = opened(call, text, 0).and_then(|token| authenticate_token(call.identity, token));
    let parent = parent.map_err(|error| match error {
        KeystoneError::Unauthorized => KeystoneError::Missing("Could not find token.".to_owned()),
        other => other,
    })?;
    let asks_for_place = matches!(wanted, Wanted::Domain(_) | Wanted::ProjectId(_) | Wanted::ProjectName(..));
    match (&parent.delegation, &parent.scope) {
        (Some(Delegation::Trust(_)), _) => {
            return Err(KeystoneError::Forbidden(
                "Using trust-scoped token to create another token. Create a new trust-scoped token instead",
            ));
        }
        (Some(Delegation::ApplicationCredential(credential)), _) => {
            // Who holds this token may not know which requests it is good for.
            if !credential.access_rules.is_empty() {
                return Err(KeystoneError::Missing("Could not find token.".to_owned()));
            }
            if !matches!(wanted, Wanted::Default) {
                return Err(KeystoneError::Forbidden(
                    "Using an application credential token to create a scoped token is not allowed.",
                ));
            }
        }
        (None, Scope::System) if asks_for_place => {
            return Err(KeystoneError::Forbidden(
                "Using a system-scoped token to create a project-scoped or domain-scoped token is not allowed.",
            ));
        }
        _ => {}
    }
    let Token { methods, audit_id, chain_id, expires_at, .. } = parent.token;
    let mut grant = Grant::to(parent.user, methods.and(Methods::TOKEN));
    grant.chain_id = Some(chain_id.unwrap_or(audit_id));
    // A token from a token lives no longer, or it could live for ever.
    grant.expires_at = Some(expires_at);
    if let Some(Delegation::ApplicationCredential(credential)) = parent.delegation {
        grant.application_credential = Some(credential);
    }
    Ok(grant)
}
