//! Projects.

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::Project;
use types::ProjectId;

use super::{KeystoneError, Scope, domain, fields::Fields, list, route::Call};
use crate::{clock, edge::Reply};

const LONGEST_NAME: usize = 64;

/// A project as clients see it.
pub(super) fn view(call: &Call<'_>, project: &Project) -> Value {
    let mut view = Value::Object(project.extra.clone());
    view["id"] = json!(project.id);
    view["name"] = json!(project.name);
    view["domain_id"] = json!(project.domain_id);
    view["description"] = json!(project.description);
    view["enabled"] = json!(project.enabled);
    view["parent_id"] = match &project.parent_id {
        Some(parent) => json!(parent),
        None => json!(project.domain_id),
    };
    view["is_domain"] = json!(false);
    view["tags"] = json!(project.tags);
    view["options"] = json!({});
    view["links"] = json!({ "self": call.url(&format!("/projects/{}", project.id)) });
    view
}

/// The project of an id.
pub(super) fn find(call: &Call<'_>, id: &str) -> Result<Project, KeystoneError> {
    let found = match id.parse() {
        Ok(id) => call.identity.project(&id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::NotFound { kind: "project", id: id.to_owned() })
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

/// `GET /projects`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let views = call.identity.projects()?.into_iter().map(|project| view(call, &project));
    let filters = ["name", "domain_id", "enabled", "parent_id", "is_domain"];
    let wanted = |item: &Value| list::selects(call.request(), item, &filters) && has_tags(call, item);
    Ok(list::reply(call.request(), "projects", views.filter(wanted).collect()))
}

fn has_tags(call: &Call<'_>, item: &Value) -> bool {
    let has = |tag: &str| item["tags"].as_array().is_some_and(|tags| tags.iter().any(|have| have == tag));
    let query = &call.request().query;
    let all = query.first("tags").is_none_or(|tags| tags.split(',').all(has));
    let any = query.first("tags-any").is_none_or(|tags| tags.split(',').any(has));
    let not_all = query.first("not-tags").is_none_or(|tags| !tags.split(',').all(has));
    let none = query.first("not-tags-any").is_none_or(|tags| !tags.split(',').any(has));
    all && any && not_all && none
}

/// `GET /projects/{project_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let project = find(call, call.parameter("project_id"))?;
    Ok(Reply::ok(&json!({ "project": view(call, &project) })))
}

/// `POST /projects`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = Fields::of(call.request(), "project")?;
    fields.ignore(&["id", "links", "options"]);
    let name = fields.name(LONGEST_NAME)?.ok_or_else(|| fields.lacks("name"))?;
    if fields.flag("is_domain")?.unwrap_or(false) {
        let reason = "A project cannot act as a domain here; create a domain instead.".to_owned();
        return Err(KeystoneError::BadRequest(reason));
    }
    let domain_id = match fields.text("domain_id")? {
        Some(id) => domain::find(call, &id)?.id,
        None => default_domain(call)?,
    };
    // Keystone calls the domain the parent of a project at the top.
    let parent_id = match fields.nullable_text("parent_id")?.flatten() {
        Some(parent) if parent != domain_id.as_str() => {
            let parent = find(call, &parent)?;
            if parent.domain_id != domain_id {
                let reason = format!(
                    "Cannot create project, since it specifies its domain_id {domain_id}, but \
                    specifies a parent in a different domain ({}).",
                    parent.domain_id
                );
                return Err(KeystoneError::BadRequest(reason));
            }
            Some(parent.id)
        }
        _ => None,
    };
    let project = Project {
        id: ProjectId::random(),
        domain_id,
        parent_id,
        name,
        description: fields.nullable_text("description")?.flatten().unwrap_or_default(),
        enabled: fields.flag("enabled")?.unwrap_or(true),
        valid_from: 0,
        tags: fields.texts("tags")?.unwrap_or_default(),
        options: serde_json::Map::new(),
        extra: fields.rest(),
    };
    no_namesake(call, &project)?;
    call.identity.put_project(&project)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "project": view(call, &project) })))
}

/// The domain of an object whose creator names none: the caller's.
pub(super) fn default_domain(call: &Call<'_>) -> Result<types::DomainId, KeystoneError> {
    let caller = call.caller()?;
    Ok(match &caller.scope {
        Scope::Domain(domain) | Scope::Project(_, domain) => domain.id.clone(),
        Scope::Unscoped | Scope::System => caller.user.domain_id.clone(),
    })
}

/// `PATCH /projects/{project_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut project = find(call, call.parameter("project_id"))?;
    let mut fields = Fields::of(call.request(), "project")?;
    fields.ignore(&["id", "links", "options", "is_domain"]);
    for (name, is) in [("domain_id", Some(project.domain_id.as_str())), ("parent_id", None)] {
        let is = is.or(project.parent_id.as_ref().map(ProjectId::as_str)).unwrap_or(project.domain_id.as_str());
        if fields.text(name)?.is_some_and(|wanted| wanted != is) {
            return Err(KeystoneError::BadRequest(format!("Cannot change {name} of a project.")));
        }
    }
    if let Some(name) = fields.name(LONGEST_NAME)? {
        project.name = name;
    }
    if let Some(description) = fields.nullable_text("description")? {
        project.description = description.unwrap_or_default();
    }
    if let Some(enabled) = fields.flag("enabled")? {
        if !enabled && project.enabled {
            project.valid_from = clock::now();
        }
        project.enabled = enabled;
    }
    if let Some(tags) = fields.texts("tags")? {
        project.tags = tags;
    }
    project.extra.extend(fields.rest());
    no_namesake(call, &project)?;
    call.identity.put_project(&project)?;
    Ok(Reply::ok(&json!({ "project": view(call, &project) })))
}

/// `DELETE /projects/{project_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let project = find(call, call.parameter("project_id"))?;
    if call.identity.has_children(&project.id)? {
        let reason = format!("Cannot delete the project {} since it is not a leaf in the hierarchy.", project.id);
        return Err(KeystoneError::Refused(reason));
    }
    call.identity.delete_project(&project.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
