//! Role assignments, as a list of all and as grants under their target's path.

use std::collections::{BTreeMap, BTreeSet};

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::{Actor, Assignment, AssignmentFilter, Target};

use super::{KeystoneError, domain, list, project, role, route::Call, user};
use crate::edge::Reply;

/// The names of what assignments refer to, by id; filled only when asked for.
struct Names {
    users: BTreeMap<String, (String, String)>,
    projects: BTreeMap<String, (String, String)>,
    domains: BTreeMap<String, String>,
    roles: BTreeMap<String, String>,
}

impl Names {
    fn read(call: &Call<'_>) -> Result<Self, KeystoneError> {
        let identity = call.identity;
        Ok(Self {
            users: identity
                .users()?
                .into_iter()
                .map(|user| (user.id.to_string(), (user.name, user.domain_id.to_string())))
                .collect(),
            projects: identity
                .projects()?
                .into_iter()
                .map(|project| (project.id.to_string(), (project.name, project.domain_id.to_string())))
                .collect(),
            domains: identity.domains()?.into_iter().map(|domain| (domain.id.to_string(), domain.name)).collect(),
            roles: identity.roles()?.into_iter().map(|role| (role.id.to_string(), role.name)).collect(),
        })
    }

    fn domain(&self, id: &str) -> Value {
        json!({ "id": id, "name": self.domains.get(id) })
    }

    fn owned(&self, id: &str, of: &BTreeMap<String, (String, String)>) -> Value {
        match of.get(id) {
            Some((name, domain)) => json!({ "id": id, "name": name, "domain": self.domain(domain) }),
            None => json!({ "id": id }),
        }
    }
}

fn view(call: &Call<'_>, assignment: &Assignment, names: Option<&Names>) -> Value {
    let Assignment { role_id, actor, target, inherited } = assignment;
    let (kind, actor_id) = match actor {
        Actor::User(id) => ("user", id.as_str()),
        Actor::Group(id) => ("group", id.as_str()),
    };
    let (holder, role) = match names {
        Some(names) => (
            names.owned(actor_id, &names.users),
            json!({ "id": role_id, "name": names.roles.get(role_id.as_str()) }),
        ),
        None => (json!({ "id": actor_id }), json!({ "id": role_id })),
    };
    let (scope, path) = match target {
        Target::Project(id) => {
            let project = names.map_or_else(|| json!({ "id": id }), |names| names.owned(id.as_str(), &names.projects));
            (json!({ "project": project }), format!("/projects/{id}"))
        }
        Target::Domain(id) => {
            let domain = names.map_or_else(|| json!({ "id": id }), |names| names.domain(id.as_str()));
            (json!({ "domain": domain }), format!("/domains/{id}"))
        }
        Target::System => (json!({ "system": { "all": true } }), "/system".to_owned()),
    };
    let (before, after) = if *inherited { ("/OS-INHERIT", "/inherited_to_projects") } else { ("", "") };
    let url = call.url(&format!("{before}{path}/{kind}s/{actor_id}/roles/{role_id}{after}"));
    let mut view = json!({ "links": { "assignment": url }, "scope": scope, kind: holder, "role": role });
    if *inherited {
        view["scope"]["OS-INHERIT:inherited_to"] = json!("projects");
    }
    view
}

/// Replaces assignments by what follows from them: implied roles one by one.
fn effective(call: &Call<'_>, assignments: Vec<Assignment>) -> Result<Vec<Assignment>, KeystoneError> {
    let mut seen = BTreeSet::new();
    let mut result = Vec::new();
    for assignment in assignments.into_iter().filter(|assignment| !assignment.inherited) {
        let Actor::User(user_id) = &assignment.actor else { continue };
        for role in call.identity.effective_roles(user_id, &assignment.target)? {
            let key = (user_id.clone(), assignment.target.clone(), role.id.clone());
            if seen.insert(key) {
                result.push(Assignment { role_id: role.id, ..assignment.clone() });
            }
        }
    }
    Ok(result)
}

/// `GET /role_assignments`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let query = &call.request().query;
    let mut filter = AssignmentFilter::default();
    // An id that is none selects nothing; which is what a random one does.
    if let Some(id) = query.first("user.id") {
        filter.actor = Some(Actor::User(id.parse().unwrap_or_else(|_| types::UserId::random())));
    }
    if let Some(id) = query.first("scope.project.id") {
        filter.target = Some(Target::Project(id.parse().unwrap_or_else(|_| types::ProjectId::random())));
    } else if let Some(id) = query.first("scope.domain.id") {
        filter.target = Some(Target::Domain(id.parse().unwrap_or_else(|_| types::DomainId::random())));
    } else if query.first("scope.system").is_some() {
        filter.target = Some(Target::System);
    }
    let names = if query.flag("include_names") { Some(Names::read(call)?) } else { None };
    let mut assignments = call.identity.assignments(&filter)?;
    if query.flag("effective") {
        assignments = effective(call, assignments)?;
    }
    if let Some(role) = query.first("role.id") {
        assignments.retain(|assignment| assignment.role_id.as_str() == role);
    }
    if query.first("group.id").is_some() {
        assignments.clear();
    }
    let items = assignments.iter().map(|assignment| view(call, assignment, names.as_ref())).collect();
    Ok(list::reply(call.request(), "role_assignments", items))
}

/// The target that the path names. It must exist.
fn target(call: &Call<'_>) -> Result<Target, KeystoneError> {
    match (call.parameter("project_id"), call.parameter("domain_id")) {
        ("", "") => Ok(Target::System),
        ("", domain) => Ok(Target::Domain(domain::find(call, domain)?.id)),
        (project, _) => Ok(Target::Project(project::find(call, project)?.id)),
    }
}

/// The assignment that the path names. Its parts must exist.
fn named(call: &Call<'_>) -> Result<Assignment, KeystoneError> {
    Ok(Assignment {
        role_id: role::find(call, call.parameter("role_id"))?.id,
        actor: Actor::User(user::find(call, call.parameter("user_id"))?.id),
        target: target(call)?,
        inherited: false,
    })
}

fn missing(assignment: &Assignment) -> KeystoneError {
    KeystoneError::NotFound { kind: "role assignment with role", id: assignment.role_id.to_string() }
}

/// `GET .../users/{user_id}/roles`: the roles given there, without implied ones.
pub(super) fn list_grants(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let user = user::find(call, call.parameter("user_id"))?.id;
    let filter = AssignmentFilter { actor: Some(Actor::User(user)), target: Some(target(call)?), ..AssignmentFilter::default() };
    let given: BTreeSet<_> = call
        .identity
        .assignments(&filter)?
        .into_iter()
        .filter(|given| !given.inherited)
        .map(|given| given.role_id)
        .collect();
    let roles = call.identity.roles()?.into_iter().filter(|role| given.contains(&role.id));
    Ok(list::reply(call.request(), "roles", roles.map(|role| role::view(call, &role)).collect()))
}

/// `GET .../users/{user_id}/roles/{role_id}`: 204 when given.
pub(super) fn check(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let wanted = named(call)?;
    let filter = AssignmentFilter {
        actor: Some(wanted.actor.clone()),
        role: Some(wanted.role_id.clone()),
        target: Some(wanted.target.clone()),
        inherited: Some(wanted.inherited),
    };
    let given = call.identity.assignments(&filter)?.contains(&wanted);
    if given { Ok(Reply::empty(StatusCode::NO_CONTENT)) } else { Err(missing(&wanted)) }
}

/// `PUT .../users/{user_id}/roles/{role_id}`.
pub(super) fn grant(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    call.identity.assign_role(&named(call)?)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `DELETE .../users/{user_id}/roles/{role_id}`.
pub(super) fn revoke(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let wanted = named(call)?;
    if call.identity.unassign_role(&wanted)? { Ok(Reply::empty(StatusCode::NO_CONTENT)) } else { Err(missing(&wanted)) }
}
