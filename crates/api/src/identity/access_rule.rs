//! Access rules of application credentials: what they let through, and a user's list of them.

mod pattern;

use hyper::StatusCode;
use serde_json::{Value, json};
use store::{StoreError, identity::AccessRule};
use types::UserId;

use super::{
    KeystoneError,
    application_credential::{not_by_trust, owner},
    list,
    route::Call,
};
use crate::edge::Reply;

pub(crate) use pattern::Asked;

/// A rule as it appears in tokens and application credentials.
pub(super) fn view(rule: &AccessRule) -> Value {
    json!({ "id": rule.id, "service": rule.service, "path": rule.path, "method": rule.method })
}

fn view_with_links(call: &Call<'_>, rule: &AccessRule) -> Value {
    let mut view = view(rule);
    view["links"] = json!({ "self": call.url(&format!("/access_rules/{}", rule.id)) });
    view
}

/// The rule that the path names, among those of the user that it names.
fn find(call: &Call<'_>, user: &UserId) -> Result<AccessRule, KeystoneError> {
    let id = call.parameter("access_rule_id");
    let found = call.identity.access_rules_of(user)?.into_iter().find(|rule| rule.id.as_str() == id);
    found.ok_or_else(|| KeystoneError::NotFound { kind: "Access Rule", id: id.to_owned() })
}

/// `GET /users/{user_id}/access_rules`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    not_by_trust(call)?;
    let rules = call.identity.access_rules_of(&owner(call)?)?;
    let views = rules.iter().map(|rule| view_with_links(call, rule));
    let items = views.filter(|item| list::selects(call.request(), item, &["service", "path", "method"])).collect();
    Ok(list::reply(call.request(), "access_rules", items))
}

/// `GET /users/{user_id}/access_rules/{access_rule_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    not_by_trust(call)?;
    let rule = find(call, &owner(call)?)?;
    Ok(Reply::ok(&json!({ "access_rule": view_with_links(call, &rule) })))
}

/// `DELETE /users/{user_id}/access_rules/{access_rule_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    not_by_trust(call)?;
    let rule = find(call, &owner(call)?)?;
    match call.identity.delete_access_rule(&rule.id) {
        Ok(_) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        Err(StoreError::Reference) => Err(KeystoneError::Refused("May not delete access rule in use".to_owned())),
        Err(error) => Err(error.into()),
    }
}
