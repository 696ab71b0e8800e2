//! What a request to the identity service is about: its name in the audit trail, and what the trail
//! tells of the rows that it changed.

use hyper::{Method, StatusCode};
use model::{Body, Record};
use serde_json::Value;
use store::{
    Read, StoreError, Tx,
    audit::{Note, Principal},
};

use super::{
    route::{Route, find},
    routes::routes,
};
use crate::{audit::Subject, edge::Reply};

/// The action of a login, whose success and failure the trail has although neither writes.
const LOGIN: &str = "authenticate";

/// Whether a path is that of logins.
pub(crate) fn is_login(path: &str) -> bool {
    path.trim_end_matches('/') == "/identity/v3/auth/tokens"
}

/// Of a request below `/identity`.
pub(crate) fn subject(method: &Method, parts: &[&str]) -> Subject {
    let unknown = || Subject { action: "unknown".to_owned(), ..Subject::default() };
    let ["v3", rest @ ..] = parts else { return unknown() };
    if let (&Method::POST, ["auth", "tokens"]) = (method, rest) {
        return Subject { action: LOGIN.to_owned(), ..Subject::default() };
    }
    find(method, rest).map_or_else(unknown, |(route, parameters)| of_route(route, &parameters))
}

/// Of a request that matched a route.
pub(super) fn of_route(route: &Route, parameters: &[(&'static str, String)]) -> Subject {
    let last = parameters.last();
    Subject {
        region: None,
        action: route.action.trim_start_matches("identity:").to_owned(),
        target_type: last.map(|(name, _)| kind(name).to_owned()),
        target_id: last.map(|(_, id)| id.clone()),
    }
}

/// `user_id` names a `user`.
fn kind(parameter: &'static str) -> &'static str {
    parameter.strip_suffix("_id").unwrap_or(parameter)
}

/// The target of a write as it was before.
pub(super) struct Before(Option<Body>);

impl Before {
    /// Reads it.
    pub(super) fn of(read: &Read<'_>, parameters: &[(&'static str, String)]) -> Result<Self, StoreError> {
        Ok(Self(match parameters.last() {
            Some((name, id)) => told(read, kind(name), id)?,
            None => None,
        }))
    }

    /// Notes what a write did, by the target's row before and after. What has no row of its own, such
    /// as the assignment of a role, is told by the other ids of the path.
    pub(super) fn note(
        self,
        tx: &mut Tx<'_>,
        route: &'static Route,
        parameters: &[(&'static str, String)],
        reply: &Reply,
    ) -> Result<(), StoreError> {
        let action = route.action.trim_start_matches("identity:").to_owned();
        if let Some((kind, id)) = created(route, reply) {
            let after = told(tx, kind, &id)?;
            let Record { before, after } = Principal::record(None, after.as_ref());
            tx.note(Note { action, target_type: kind, target_id: id, before, after });
            return Ok(());
        }
        let Some(((name, id), others)) = parameters.split_last() else { return Ok(()) };
        let after = told(tx, kind(name), id)?;
        let mut record = Principal::record(self.0.as_ref(), after.as_ref());
        let others: Body = others.iter().map(|(name, id)| ((*name).to_owned(), Value::from(id.as_str()))).collect();
        if record == Record::default() && !others.is_empty() {
            record = match route.method {
                "DELETE" => Principal::record(Some(&others), None),
                _ => Principal::record(None, Some(&others)),
            };
        }
        let Record { before, after } = record;
        tx.note(Note { action, target_type: kind(name), target_id: id.clone(), before, after });
        Ok(())
    }
}

fn told(read: &Read<'_>, kind: &str, id: &str) -> Result<Option<Body>, StoreError> {
    Principal::of(kind).map_or(Ok(None), |principal| principal.told(read, id))
}

/// Kind and id of what a request made: the one member of its answer's body has it. Nothing else of
/// that body is looked at; it may hold a secret that is shown this once.
fn created(route: &Route, reply: &Reply) -> Option<(&'static str, String)> {
    if route.method != "POST" || reply.status != StatusCode::CREATED {
        return None;
    }
    let body: Value = serde_json::from_slice(&reply.body).ok()?;
    let (member, object) = body.as_object()?.iter().find(|(_, value)| value.get("id").is_some())?;
    Some((known_kind(member), object["id"].as_str()?.to_owned()))
}

/// The kinds of things that requests make are those that paths name.
fn known_kind(member: &str) -> &'static str {
    routes()
        .flat_map(|route| route.path.split('/'))
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix("_id}"))
        .find(|kind| *kind == member)
        .unwrap_or("object")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_have_the_names_of_policy_rules_and_targets_are_the_last_ids() {
        let show = |method: Method, path: &str| {
            let parts: Vec<_> = path.split('/').collect();
            let subject = subject(&method, &parts);
            let [kind, id] = [subject.target_type, subject.target_id].map(Option::unwrap_or_default);
            format!("{} {kind} {id}", subject.action)
        };
        for (method, path, expected) in [
            (Method::POST, "v3/auth/tokens", "authenticate  "),
            (Method::POST, "v3/users", "create_user  "),
            (Method::PATCH, "v3/users/u", "update_user user u"),
            (Method::PUT, "v3/projects/p/users/u/roles/r", "create_grant role r"),
            (Method::GET, "v3/nothing", "unknown  "),
            (Method::GET, "v2.0/tokens", "unknown  "),
        ] {
            assert_eq!(show(method, path), expected, "{path}");
        }
        assert!(is_login("/identity/v3/auth/tokens") && is_login("/identity/v3/auth/tokens/"));
        assert!(!is_login("/identity/v3/auth/tokens/x") && !is_login("/identity/v3/auth/projects"));
        assert_eq!((known_kind("user"), known_kind("nothing")), ("user", "object"));
    }
}
