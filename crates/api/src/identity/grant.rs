//! Grants: a role of a user or a group on a project, a domain or the system, under the target's path.

use std::collections::BTreeSet;

use hyper::StatusCode;
use store::identity::{Actor, Assignment, AssignmentFilter, Role, Target};

use super::{KeystoneError, domain, group, list, project, role, route::Call, user};
use crate::edge::Reply;

/// The target that the path names. It must exist.
fn target(call: &Call<'_>) -> Result<Target, KeystoneError> {
    match (call.parameter("project_id"), call.parameter("domain_id")) {
        ("", "") => Ok(Target::System),
        ("", domain) => Ok(Target::Domain(domain::find(call, domain)?.id)),
        (project, _) => Ok(Target::Project(project::find(call, project)?.id)),
    }
}

/// The user or group that the path names. It must exist.
fn actor(call: &Call<'_>) -> Result<Actor, KeystoneError> {
    match call.parameter("user_id") {
        "" => Ok(Actor::Group(group::find(call, call.parameter("group_id"))?.id)),
        user => Ok(Actor::User(user::find(call, user)?.id)),
    }
}

/// Whether the path names what the projects below the target inherit.
fn is_inherited(call: &Call<'_>) -> bool {
    call.request().segments.last().is_some_and(|part| part == "inherited_to_projects")
}

/// The assignment that the path names. Its parts must exist.
fn named(call: &Call<'_>) -> Result<(Assignment, Role), KeystoneError> {
    let role = role::find(call, call.parameter("role_id"))?;
    let assignment = Assignment {
        role_id: role.id.clone(),
        actor: actor(call)?,
        target: target(call)?,
        inherited: is_inherited(call),
    };
    Ok((assignment, role))
}

fn missing(call: &Call<'_>) -> KeystoneError {
    let first = |names: [&str; 2]| {
        let given = names.map(|name| call.parameter(name));
        given.into_iter().find(|id| !id.is_empty())
    };
    KeystoneError::Missing(format!(
        "Could not find role assignment with role: {}, user or group: {}, project, domain, or system: {}.",
        call.parameter("role_id"),
        first(["user_id", "group_id"]).unwrap_or_default(),
        first(["domain_id", "project_id"]).unwrap_or("system"),
    ))
}

/// `GET .../roles`: the roles given there, without implied ones.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let filter = AssignmentFilter {
        actors: Some(vec![actor(call)?]),
        targets: Some(vec![target(call)?]),
        inherited: Some(is_inherited(call)),
        ..AssignmentFilter::default()
    };
    let given: BTreeSet<_> = call.identity.assignments(&filter)?.into_iter().map(|given| given.role_id).collect();
    let roles = call.identity.roles()?.into_iter().filter(|role| given.contains(&role.id));
    Ok(list::reply(call.request(), "roles", roles.map(|role| role::view(call, &role)).collect()))
}

/// `GET .../roles/{role_id}`: 204 when given.
pub(super) fn check(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let (wanted, _) = named(call)?;
    let filter = AssignmentFilter {
        actors: Some(vec![wanted.actor]),
        role: Some(wanted.role_id),
        targets: Some(vec![wanted.target]),
        inherited: Some(wanted.inherited),
        after: None,
        most: Some(1),
    };
    if call.identity.assignments(&filter)?.is_empty() {
        return Err(missing(call));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `PUT .../roles/{role_id}`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let (assignment, role) = named(call)?;
    match (&assignment.target, &role.domain_id) {
        (Target::System, Some(_)) => {
            return Err(KeystoneError::BadRequest(format!(
                "Role {} is a domain-specific role. Unable to use a domain-specific role in a system assignment.",
                role.id
            )));
        }
        (Target::Project(id), Some(of_role)) if project::find(call, id.as_str())?.domain_id != *of_role => {
            return Err(KeystoneError::Refused(format!(
                "Project {id} must be in the same domain as the role {} being assigned.",
                role.id
            )));
        }
        _ => {}
    }
    call.identity.assign_role(&assignment)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `DELETE .../roles/{role_id}`.
pub(super) fn revoke(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let wanted = match named(call) {
        Ok((wanted, _)) => wanted,
        // Whoever is gone has the role no more.
        Err(KeystoneError::NotFound { kind: "user" | "group", .. }) => return Err(missing(call)),
        Err(error) => return Err(error),
    };
    if call.identity.unassign_role(&wanted)? { Ok(Reply::empty(StatusCode::NO_CONTENT)) } else { Err(missing(call)) }
}
