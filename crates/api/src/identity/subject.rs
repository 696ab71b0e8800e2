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
use crate::{
    audit::{Subject, shortened},
    edge::Reply,
};

/// The longest text of a path that is told.
const LONGEST: usize = 255;

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
pub(super) fn of_route(route: &Route, parameters: &[Parameter]) -> Subject {
    let target = target(parameters);
    Subject {
        region: None,
        action: action(route),
        target_type: target.map(|(name, _)| kind(name).to_owned()),
        target_id: target.map(|(_, id)| id.clone()),
    }
}

/// A part of a path that a route names.
type Parameter = (&'static str, String);

fn action(route: &Route) -> String {
    route.action.trim_start_matches("identity:").to_owned()
}

/// The object that a request is about: the last id in its path. A tag or an option is something of it.
fn target(parameters: &[Parameter]) -> Option<&Parameter> {
    parameters.iter().rfind(|(name, _)| name.ends_with("_id"))
}

/// `user_id` names a `user`.
fn kind(parameter: &'static str) -> &'static str {
    parameter.strip_suffix("_id").unwrap_or(parameter)
}

/// The target of a write as it was before.
pub(super) struct Before(Option<Body>);

impl Before {
    /// Reads it.
    pub(super) fn of(read: &Read<'_>, parameters: &[Parameter]) -> Result<Self, StoreError> {
        Ok(Self(match target(parameters) {
            Some((name, id)) => told(read, kind(name), id)?,
            None => None,
        }))
    }

    /// Notes what a write did, by the target's row before and after; unless it noted that itself. What
    /// has no row of its own, such as the assignment of a role, is told by the rest of the path.
    pub(super) fn note(
        self,
        tx: &mut Tx<'_>,
        route: &'static Route,
        parameters: &[Parameter],
        reply: &Reply,
    ) -> Result<(), StoreError> {
        if tx.is_noted() {
            return Ok(());
        }
        let created = created(route, reply);
        for (kind, target_id) in &created {
            let Record { before, after } = Principal::record(None, told(tx, kind, target_id)?.as_ref());
            tx.note(Note { action: action(route), target_type: kind, target_id: target_id.clone(), before, after });
        }
        let Some((name, id)) = target(parameters).filter(|_| created.is_empty()) else { return Ok(()) };
        let mut record = Principal::record(self.0.as_ref(), told(tx, kind(name), id)?.as_ref());
        if record == Record::default() {
            let others: Body = parameters
                .iter()
                .filter(|(other, _)| other != name)
                .map(|(name, text)| ((*name).to_owned(), Value::from(shortened(text, LONGEST))))
                .collect();
            record = match route.method {
                "DELETE" => Principal::record(Some(&others), None),
                _ => Principal::record(None, Some(&others)),
            };
        }
        let Record { before, after } = record;
        tx.note(Note { action: action(route), target_type: kind(name), target_id: id.clone(), before, after });
        Ok(())
    }
}

fn told(read: &Read<'_>, kind: &str, id: &str) -> Result<Option<Body>, StoreError> {
    Principal::of(kind).map_or(Ok(None), |principal| principal.told(read, id))
}

/// Kind and id of what a request made: the one member of its answer's body has it, or a list of them.
/// Nothing else of that body is looked at; it may hold a secret that is shown this once.
fn created(route: &Route, reply: &Reply) -> Vec<(&'static str, String)> {
    if route.method != "POST" || reply.status != StatusCode::CREATED {
        return Vec::new();
    }
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(&reply.body) else { return Vec::new() };
    let id = |object: &Value| object.get("id")?.as_str().map(str::to_owned);
    body.iter()
        .flat_map(|(member, value)| match value {
            Value::Array(items) => {
                let kind = known_kind(member.trim_end_matches('s'));
                items.iter().filter_map(id).map(|id| (kind, id)).collect()
            }
            object => id(object).map(|id| (known_kind(member), id)).into_iter().collect::<Vec<_>>(),
        })
        .collect()
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
            (Method::PUT, "v3/projects/p/tags/blue", "create_project_tag project p"),
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
