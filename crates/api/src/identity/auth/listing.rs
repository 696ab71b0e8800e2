//! What a user may ask a token for, and what is where.

use std::collections::BTreeMap;

use serde_json::json;
use store::identity::{Identity, Project, Target, User};

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
    let enabled: BTreeMap<_, _> = identity.domains()?.into_iter().map(|domain| (domain.id, domain.enabled)).collect();
    let usable = |project: &Project| project.enabled && enabled.get(&project.domain_id) == Some(&true);
    Ok(identity.projects_of_user(&user.id)?.into_iter().filter(usable).collect())
}

/// `GET /auth/domains`: domains in which the caller has a role.
pub(crate) fn domains(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let found = call.identity.domains_of_user(&call.caller()?.user.id)?;
    let items = found.iter().filter(|found| found.enabled).map(|found| domain::view(call, found)).collect();
    Ok(list::reply(call.request(), "domains", items))
}

/// `GET /auth/system`: whether the caller has a role in the whole cloud.
pub(crate) fn system(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let roles = call.identity.effective_roles(&call.caller()?.user.id, &Target::System)?;
    let items = if roles.is_empty() { Vec::new() } else { vec![json!({ "all": true })] };
    Ok(list::reply(call.request(), "system", items))
}

/// `GET /auth/catalog`. As in Keystone for a token that is for a project alone, though other tokens
/// carry a catalogue too.
pub(crate) fn catalog(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let caller = call.caller()?;
    if caller.project().is_none() {
        let reason = "A project-scoped token is required to produce a service catalog.";
        return Err(KeystoneError::Refused(reason.to_owned()));
    }
    let own = format!("{}{}", call.request().public_url, call.request().path);
    Ok(Reply::ok(&json!({ "catalog": catalogue::of(call, caller)?, "links": { "self": own } })))
}
