//! Projects.
//!
//! They form trees below their domains ([`tree`]) and carry labels ([`tag`]). A domain is also a
//! project, one that acts as a domain: this API shows, changes and deletes it as such, and `domain`
//! keeps it.

pub(super) mod tag;
mod tree;

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::{Domain, PrincipalFilter, Project};
use types::{DomainId, ProjectId};

use super::{KeystoneError, Scope, domain, fields::Fields, list, option, route::Call, user::wanted};
use crate::{clock, edge::Reply};

const LONGEST_NAME: usize = 64;
/// The domain of what is made without naming one, by a caller whose token is for no domain.
const DEFAULT_DOMAIN: &str = "default";

/// A project as clients see it.
pub(super) fn view(call: &Call<'_>, project: &Project) -> Value {
    let mut view = Value::Object(project.extra.clone());
    view["id"] = json!(project.id);
    view["name"] = json!(project.name);
    view["domain_id"] = json!(project.domain_id);
    view["description"] = json!(project.description);
    view["enabled"] = json!(project.enabled);
    view["parent_id"] = json!(parent(project));
    view["is_domain"] = json!(false);
    view["tags"] = json!(project.tags);
    view["options"] = json!(project.options);
    view["links"] = json!({ "self": call.url(&format!("/projects/{}", project.id)) });
    view
}

/// What is above a project: another, or its domain.
fn parent(project: &Project) -> &str {
    project.parent_id.as_ref().map_or(project.domain_id.as_str(), ProjectId::as_str)
}

/// A domain as a project that acts as one.
fn domain_view(call: &Call<'_>, domain: &Domain) -> Value {
    let mut view = domain::view(call, domain);
    view["domain_id"] = Value::Null;
    view["parent_id"] = Value::Null;
    view["is_domain"] = json!(true);
    view["links"] = json!({ "self": call.url(&format!("/projects/{}", domain.id)) });
    view
}

fn not_found(id: &str) -> KeystoneError {
    KeystoneError::NotFound { kind: "project", id: id.to_owned() }
}

fn look_up(call: &Call<'_>, id: &str) -> Result<Option<Project>, KeystoneError> {
    Ok(match id.parse() {
        Ok(id) => call.identity.project(&id)?,
        Err(_) => None,
    })
}

/// The project of an id.
pub(super) fn find(call: &Call<'_>, id: &str) -> Result<Project, KeystoneError> {
    look_up(call, id)?.ok_or_else(|| not_found(id))
}

/// What an id of this API names.
enum Named {
    Project(Project),
    Domain(Domain),
}

/// The project of an id, or the domain that acts as one.
fn named(call: &Call<'_>, id: &str) -> Result<Named, KeystoneError> {
    if let Some(project) = look_up(call, id)? {
        return Ok(Named::Project(project));
    }
    match domain::find(call, id) {
        Ok(domain) => Ok(Named::Domain(domain)),
        Err(KeystoneError::NotFound { .. }) => Err(not_found(id)),
        Err(error) => Err(error),
    }
}

fn no_namesake(call: &Call<'_>, project: &Project) -> Result<(), KeystoneError> {
    let other = call.identity.project_named(&project.domain_id, &project.name)?;
    match other.filter(|other| other.id != project.id) {
        None => Ok(()),
        Some(other) => Err(KeystoneError::Conflict {
            kind: "project",
            reason: format!(
                "it is not permitted to have two projects with either the same name or same id in the same domain: \
                 name is {}, project id {}",
                other.name, other.id
            ),
        }),
    }
}

/// `GET /projects`: those that act as domains only when asked for.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let request = call.request();
    let own = call.own_domain()?;
    let views: Vec<_> = if list::truth(request.query.first("is_domain").unwrap_or("0")) {
        // They are in no domain, not even in their own, so that a token for a domain shows none of them.
        let domains = if own.is_none() { call.identity.domains()? } else { Vec::new() };
        domains.iter().map(|domain| domain_view(call, domain)).collect()
    } else {
        let filter: PrincipalFilter = wanted(call)?;
        call.identity.projects_where(&filter)?.iter().map(|project| view(call, project)).collect()
    };
    let filters = ["name", "domain_id", "enabled", "parent_id"];
    let tags = tag::Filter::of(request);
    let items = views.into_iter().filter(|item| list::selects(request, item, &filters) && tags.selects(item)).collect();
    list::page(call, "projects", items, |id| list::found(named(call, id)))
}

/// `GET /projects/{project_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let item = match named(call, call.parameter("project_id"))? {
        Named::Project(project) => tree::with_relatives(call, &project, view(call, &project))?,
        Named::Domain(domain) => tree::with_projects(call, &domain, domain_view(call, &domain))?,
    };
    Ok(Reply::ok(&json!({ "project": item })))
}

/// The domain in which a body wants something made, where the caller may do that: the one that it names, else
/// that of the token, else the default one.
pub(super) fn domain_for_new(call: &Call<'_>, fields: &mut Fields) -> Result<DomainId, KeystoneError> {
    let name = match (fields.nullable_text("domain_id")?.flatten(), &call.caller()?.scope) {
        (Some(id), _) => id,
        (None, Scope::Domain(domain)) => domain.id.to_string(),
        (None, _) => DEFAULT_DOMAIN.to_owned(),
    };
    if let Ok(id) = name.parse() {
        call.require_manager(&id)?;
    }
    Ok(domain::find(call, &name)?.id)
}

/// Refuses a body that moves something to another domain.
pub(super) fn same_domain(fields: &mut Fields, domain: &DomainId) -> Result<(), KeystoneError> {
    match fields.nullable_text("domain_id")? {
        Some(wanted) if wanted.as_deref() != Some(domain.as_str()) => {
            Err(KeystoneError::BadRequest("Cannot change Domain ID".to_owned()))
        }
        _ => Ok(()),
    }
}

/// `POST /projects`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = Fields::of(call.request(), "project")?;
    fields.ignore(&["id", "links"]);
    let item = if fields.flag("is_domain")?.unwrap_or(false) {
        let above = [fields.nullable_text("parent_id")?, fields.nullable_text("domain_id")?];
        if above.into_iter().flatten().flatten().next().is_some() {
            let text = "only root projects are allowed to act as domains.".to_owned();
            return Err(KeystoneError::BadRequest(text));
        }
        if !call.caller()?.is_admin() {
            return Err(KeystoneError::Forbidden(call.action()));
        }
        domain_view(call, &domain::make(call, DomainId::random(), fields)?)
    } else {
        view(call, &make(call, fields)?)
    };
    Ok(Reply::json(StatusCode::CREATED, &json!({ "project": item })))
}

fn make(call: &Call<'_>, mut fields: Fields) -> Result<Project, KeystoneError> {
    // What the body names and is not there is the body's mistake, not the path's.
    let of_body = |error: KeystoneError| match error {
        KeystoneError::NotFound { .. } => KeystoneError::BadRequest(error.to_string()),
        other => other,
    };
    let name = fields.name(LONGEST_NAME)?.ok_or_else(|| fields.lacks("name"))?;
    let domain_id = domain_for_new(call, &mut fields).map_err(of_body)?;
    let parent = fields.nullable_text("parent_id")?.flatten();
    let parent_id = tree::place(call, &domain_id, parent.as_deref()).map_err(of_body)?;
    let mut project = Project {
        parent_id,
        description: fields.nullable_text("description")?.flatten().unwrap_or_default(),
        enabled: fields.flag("enabled")?.unwrap_or(true),
        tags: tag::sent(&mut fields)?.unwrap_or_default(),
        ..Project::new(domain_id, name)
    };
    option::merge(&mut fields, option::RESOURCE_OPTIONS, &mut project.options)?;
    project.extra = fields.rest();
    no_namesake(call, &project)?;
    call.identity.put_project(&project)?;
    Ok(project)
}

/// `PATCH /projects/{project_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let found = named(call, call.parameter("project_id"))?;
    let mut fields = Fields::of(call.request(), "project")?;
    fields.same_id(call.parameter("project_id"))?;
    fields.ignore(&["links"]);
    let item = match found {
        Named::Project(project) => view(call, &change(call, project, fields)?),
        Named::Domain(domain) => {
            refuse_move(&mut fields, None, true)?;
            if fields.nullable_text("domain_id")?.flatten().is_some() {
                return Err(KeystoneError::BadRequest("Cannot change Domain ID".to_owned()));
            }
            domain_view(call, &domain::change(call, domain, fields)?)
        }
    };
    Ok(Reply::ok(&json!({ "project": item })))
}

/// Refuses a body that moves a project in its tree, or makes a domain of it.
fn refuse_move(fields: &mut Fields, parent: Option<&str>, is_domain: bool) -> Result<(), KeystoneError> {
    if fields.nullable_text("parent_id")?.is_some_and(|wanted| wanted.as_deref() != parent) {
        return Err(KeystoneError::Refused("Update of `parent_id` is not allowed.".to_owned()));
    }
    if fields.flag("is_domain")?.is_some_and(|wanted| wanted != is_domain) {
        return Err(KeystoneError::BadRequest("Update of `is_domain` is not allowed.".to_owned()));
    }
    Ok(())
}

fn change(call: &Call<'_>, mut project: Project, mut fields: Fields) -> Result<Project, KeystoneError> {
    same_domain(&mut fields, &project.domain_id)?;
    option::refuse_update("project", project.id.as_str(), &project.options, &fields)?;
    refuse_move(&mut fields, Some(parent(&project)), false)?;
    if let Some(name) = fields.name(LONGEST_NAME)? {
        project.name = name;
    }
    if let Some(description) = fields.nullable_text("description")? {
        project.description = description.unwrap_or_default();
    }
    match fields.flag("enabled")? {
        Some(true) if !project.enabled => {
            tree::refuse_enable(call, &project)?;
            project.enabled = true;
        }
        Some(false) if project.enabled => {
            tree::refuse_disable(call, &project)?;
            project.enabled = false;
            project.valid_from = clock::now();
        }
        _ => {}
    }
    if let Some(tags) = tag::sent(&mut fields)? {
        project.tags = tags;
    }
    option::merge(&mut fields, option::RESOURCE_OPTIONS, &mut project.options)?;
    project.extra.extend(fields.rest());
    no_namesake(call, &project)?;
    call.identity.put_project(&project)?;
    Ok(project)
}

/// `DELETE /projects/{project_id}`. What the project owns elsewhere (networks, ports, ...) stays, as in
/// Keystone: it is the other services' to give away or delete.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    match named(call, call.parameter("project_id"))? {
        Named::Domain(domain) => domain::remove(call, &domain)?,
        Named::Project(project) => {
            option::refuse_delete("project", project.id.as_str(), &project.options)?;
            if call.identity.has_children(&project.id)? {
                return Err(KeystoneError::Refused(format!(
                    "Cannot delete the project {} since it is not a leaf in the hierarchy. Use the cascade option if \
                     you want to delete a whole subtree.",
                    project.id
                )));
            }
            call.identity.delete_project(&project.id)?;
        }
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
