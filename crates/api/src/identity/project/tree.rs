//! Projects below projects.
//!
//! A domain is the root, and below it are at most [`DEEPEST`] levels. A branch is enabled from the top
//! down and disabled from the bottom up, so that no project is enabled below a disabled one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use store::identity::{Domain, PrincipalFilter, Project};
use types::{DomainId, ProjectId};

use super::{Named, domain, named, parent, view};
use crate::{
    edge::Request,
    identity::{KeystoneError, auth, route::Call},
};

/// Levels of projects below a domain: Keystone's `max_project_tree_depth`.
const DEEPEST: usize = 5;

/// Where a new project goes: the parent, or none for the top of its domain, which Keystone calls the parent
/// of what is there.
pub(super) fn place(
    call: &Call<'_>,
    domain_id: &DomainId,
    parent: Option<&str>,
) -> Result<Option<ProjectId>, KeystoneError> {
    let domain = domain::find(call, domain_id.as_str())?;
    let parent = match parent {
        None => None,
        Some(id) if id == domain_id.as_str() => None,
        Some(id) => match named(call, id)? {
            Named::Project(project) => Some(project),
            Named::Domain(_) => {
                return Err(KeystoneError::BadRequest(format!(
                    "Cannot create project, the parent ({id}) is acting as a domain, but this project's domain id \
                     ({domain_id}) does not match the parent's id."
                )));
            }
        },
    };
    let Some(parent) = parent else {
        refuse_disabled(domain_id.as_str(), domain.enabled)?;
        return Ok(None);
    };
    if parent.domain_id != *domain_id {
        return Err(KeystoneError::BadRequest(format!(
            "Cannot create project, since it specifies its domain_id {domain_id}, but specifies a parent in a \
             different domain ({}).",
            parent.domain_id
        )));
    }
    let above = call.identity.projects_above(&parent.id)?;
    refuse_disabled(domain_id.as_str(), domain.enabled)?;
    for project in above.iter().rev().chain([&parent]) {
        refuse_disabled(project.id.as_str(), project.enabled)?;
    }
    if above.len() + 1 >= DEEPEST {
        return Err(KeystoneError::Refused(format!("Max hierarchy depth reached for {} branch.", parent.id)));
    }
    Ok(Some(parent.id))
}

fn refuse_disabled(id: &str, enabled: bool) -> Result<(), KeystoneError> {
    if enabled {
        return Ok(());
    }
    let text = format!("cannot create a project in a branch containing a disabled project: {id}");
    Err(KeystoneError::BadRequest(text))
}

/// Refuses to enable a project below a disabled one.
pub(super) fn refuse_enable(call: &Call<'_>, project: &Project) -> Result<(), KeystoneError> {
    let domain = domain::find(call, project.domain_id.as_str())?;
    let above = call.identity.projects_above(&project.id)?;
    if domain.enabled && above.iter().all(|project| project.enabled) {
        return Ok(());
    }
    let text = format!("Cannot enable project {} since it has disabled parents", project.id);
    Err(KeystoneError::Refused(text))
}

/// Refuses to disable a project above an enabled one.
pub(super) fn refuse_disable(call: &Call<'_>, project: &Project) -> Result<(), KeystoneError> {
    if call.identity.projects_below(&project.id)?.iter().all(|project| !project.enabled) {
        return Ok(());
    }
    let text = format!("Cannot disable project {} since its subtree contains enabled projects.", project.id);
    Err(KeystoneError::Refused(text))
}

/// How the query wants relatives: not at all, as objects, or as ids within ids.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    None,
    Objects,
    Ids,
}

fn form(request: &Request, relatives: &str) -> Result<Form, KeystoneError> {
    // As policy has it, only 0 means no.
    let asks = |form: &str| request.query.first(&format!("{relatives}_as_{form}")).is_some_and(|value| value != "0");
    match (asks("list"), asks("ids")) {
        (true, true) => Err(KeystoneError::BadRequest(format!(
            "Cannot use {relatives}_as_list and {relatives}_as_ids query params at the same time."
        ))),
        (true, false) => Ok(Form::Objects),
        (false, true) => Ok(Form::Ids),
        (false, false) => Ok(Form::None),
    }
}

/// A project's view with the parents and the subtree that the query asks for. As objects only those
/// are shown in which the caller has a role, as ids all.
pub(super) fn with_relatives(call: &Call<'_>, project: &Project, mut item: Value) -> Result<Value, KeystoneError> {
    let (parents, subtree) = (form(call.request(), "parents")?, form(call.request(), "subtree")?);
    if parents != Form::None {
        let above = call.identity.projects_above(&project.id)?;
        item["parents"] = match parents {
            Form::Ids => {
                let top = json!({ project.domain_id.as_str(): null });
                above.iter().rev().fold(top, |outer, project| json!({ project.id.as_str(): outer }))
            }
            _ => objects(call, &above)?,
        };
    }
    if subtree != Form::None {
        let below = call.identity.projects_below(&project.id)?;
        item["subtree"] = if subtree == Form::Ids { ids(project.id.as_str(), &below) } else { objects(call, &below)? };
    }
    Ok(item)
}

/// The same for a domain, which has no parents, and every project of it below.
pub(super) fn with_projects(call: &Call<'_>, domain: &Domain, mut item: Value) -> Result<Value, KeystoneError> {
    let (parents, subtree) = (form(call.request(), "parents")?, form(call.request(), "subtree")?);
    match parents {
        Form::None => {}
        Form::Objects => item["parents"] = json!([]),
        Form::Ids => item["parents"] = Value::Null,
    }
    if subtree != Form::None {
        let filter = PrincipalFilter { domain: Some(domain.id.clone()), name: None };
        let below = call.identity.projects_where(&filter)?;
        item["subtree"] = if subtree == Form::Ids { ids(domain.id.as_str(), &below) } else { objects(call, &below)? };
    }
    Ok(item)
}

/// The projects in which the caller has a role.
fn objects(call: &Call<'_>, projects: &[Project]) -> Result<Value, KeystoneError> {
    let own: BTreeSet<_> =
        auth::projects_of(call.identity, &call.caller()?.user)?.into_iter().map(|project| project.id).collect();
    let shown = projects.iter().filter(|project| own.contains(&project.id));
    Ok(shown.map(|project| json!({ "project": view(call, project) })).collect())
}

/// The ids below a project, each with those below it; null where there is none.
fn ids(root: &str, below: &[Project]) -> Value {
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for project in below {
        children.entry(parent(project)).or_default().push(project.id.as_str());
    }
    branch(root, &children)
}

fn branch(root: &str, children: &BTreeMap<&str, Vec<&str>>) -> Value {
    // As deep as the tree, which is DEEPEST at most.
    match children.get(root) {
        None => Value::Null,
        Some(below) => below.iter().map(|id| ((*id).to_owned(), branch(id, children))).collect::<Map<_, _>>().into(),
    }
}
