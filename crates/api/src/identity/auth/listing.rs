//! What a user may ask a token for, and what is where.

use std::collections::BTreeMap;

use serde_json::json;
use store::identity::{AssignmentFilter, Identity, Project, Target, User};

use crate::{
    edge::Reply,
    identity::{KeystoneError, catalog as catalogue, domain, list, project, route::Call},
};

/// `GET /auth/projects`: where the caller has a role.
pub(crate) fn projects(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let found = projects_of(call.identity, &call.caller()?.user)?;
    let items = found.iter().map(|item| project::view(call, item)).collect();
    Ok(list::reply(call.request(), "projects", items))
}

/// The enabled projects in which a user has a role, by id.
pub(crate) fn projects_of(identity: Identity<'_>, user: &User) -> Result<Vec<Project>, KeystoneError> {
    let filter = AssignmentFilter { user: Some(user.id.clone()), ..AssignmentFilter::default() };
    let assignments = identity.assignments(&filter)?;
    let has = |project: &Project| {
        assignments.iter().any(|assignment| match &assignment.target {
            Target::Project(id) => !assignment.inherited && *id == project.id,
            Target::Domain(id) => assignment.inherited && *id == project.domain_id,
            Target::System => false,
        })
    };
    let enabled: BTreeMap<_, _> = identity.domains()?.into_iter().map(|domain| (domain.id, domain.enabled)).collect();
    let usable = |project: &Project| project.enabled && enabled.get(&project.domain_id) == Some(&true);
    Ok(identity.projects()?.into_iter().filter(|project| usable(project) && has(project)).collect())
}

/// `GET /auth/domains`: domains in which the caller has a role.
pub(crate) fn domains(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut items = Vec::new();
    for found in call.identity.domains()? {
        let target = Target::Domain(found.id.clone());
        if found.enabled && !call.identity.effective_roles(&call.caller()?.user.id, &target)?.is_empty() {
            items.push(domain::view(call, &found));
        }
    }
    Ok(list::reply(call.request(), "domains", items))
}

/// `GET /auth/system`: whether the caller has a role in the whole cloud.
pub(crate) fn system(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let roles = call.identity.effective_roles(&call.caller()?.user.id, &Target::System)?;
    let items = if roles.is_empty() { Vec::new() } else { vec![json!({ "all": true })] };
    Ok(list::reply(call.request(), "system", items))
}

/// `GET /auth/catalog`.
pub(crate) fn catalog(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let own = format!("{}{}", call.request().public_url, call.request().path);
    Ok(Reply::ok(&json!({ "catalog": catalogue::of(call)?, "links": { "self": own } })))
}
