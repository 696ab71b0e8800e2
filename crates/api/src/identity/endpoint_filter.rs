//! `/OS-EP-FILTER`: what projects' catalogues are cut down to.

use hyper::StatusCode;
use serde_json::{Map, Value, json};
use store::identity::EndpointGroup;
use types::EndpointGroupId;

use super::{
    KeystoneError, catalog, endpoint,
    fields::Fields,
    list, project,
    route::Call,
    schema::{Attribute, Kind, Schema, attribute},
};
use crate::edge::Reply;

/// The attributes of endpoints that a group may choose by.
const CHOICES: [&str; 3] = ["service_id", "region_id", "interface"];

static FILTERS: Schema = Schema {
    attributes: &[
        attribute("interface", Kind::OneOf(endpoint::INTERFACES)),
        attribute("service_id", Kind::Text { shortest: 0, longest: usize::MAX }),
        attribute("region_id", Kind::TextOrNull { shortest: 0, longest: usize::MAX }),
        attribute("enabled", Kind::Flag),
    ],
    required: &[],
    is_open: true,
    may_be_empty: true,
};

const ATTRIBUTES: &[Attribute] = &[
    attribute("description", Kind::TextOrNull { shortest: 0, longest: usize::MAX }),
    attribute("filters", Kind::Object(&FILTERS)),
    attribute("name", Kind::Name),
];

static CREATE: Schema =
    Schema { attributes: ATTRIBUTES, required: &["name", "filters"], is_open: false, may_be_empty: true };
static UPDATE: Schema = Schema { attributes: ATTRIBUTES, required: &[], is_open: false, may_be_empty: false };

fn view(call: &Call<'_>, group: &EndpointGroup) -> Value {
    json!({
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "filters": group.filters,
        "links": { "self": call.url(&format!("/OS-EP-FILTER/endpoint_groups/{}", group.id)) },
    })
}

fn find(call: &Call<'_>) -> Result<EndpointGroup, KeystoneError> {
    let id = call.parameter("endpoint_group_id");
    let found = match id.parse() {
        Ok(id) => call.identity.endpoint_group(&id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::NotFound { kind: "Endpoint Group", id: id.to_owned() })
}

fn filters(fields: &mut Fields) -> Result<Option<Map<String, Value>>, KeystoneError> {
    let Some(filters) = fields.optional_object("filters")? else { return Ok(None) };
    let filters = filters.rest();
    if filters.keys().any(|key| !CHOICES.contains(&key.as_str())) {
        return Err(KeystoneError::BadRequest(format!(
            "Expecting to find {} in endpoint_group. The server could not comply with the request since it is either \
             malformed or otherwise incorrect. The client is assumed to be in error.",
            CHOICES.join(" or ")
        )));
    }
    Ok(Some(filters))
}

/// `GET /OS-EP-FILTER/endpoint_groups`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let groups = call.identity.endpoint_groups()?;
    let views = groups.iter().map(|group| view(call, group));
    let items = views.filter(|item| list::selects(call.request(), item, &["name"]));
    Ok(list::reply(call.request(), "endpoint_groups", items.collect()))
}

/// `GET /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    Ok(Reply::ok(&json!({ "endpoint_group": view(call, &find(call)?) })))
}

/// `POST /OS-EP-FILTER/endpoint_groups`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = CREATE.read(call.request(), "endpoint_group")?;
    let filters = filters(&mut fields)?.filter(|filters| !filters.is_empty());
    let group = EndpointGroup {
        id: EndpointGroupId::random(),
        name: fields.text("name")?.unwrap_or_default(),
        description: fields.nullable_text("description")?.flatten(),
        filters: filters
            .ok_or_else(|| KeystoneError::BadRequest("filters field is required and cannot be empty".to_owned()))?,
    };
    call.identity.put_endpoint_group(&group)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "endpoint_group": view(call, &group) })))
}

/// `PATCH /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = UPDATE.read(call.request(), "endpoint_group")?;
    let filters = filters(&mut fields)?;
    let mut group = find(call)?;
    if let Some(filters) = filters {
        group.filters = filters;
    }
    if let Some(name) = fields.text("name")? {
        group.name = name;
    }
    if let Some(description) = fields.nullable_text("description")? {
        group.description = description;
    }
    call.identity.put_endpoint_group(&group)?;
    Ok(Reply::ok(&json!({ "endpoint_group": view(call, &group) })))
}

/// `DELETE /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    call.identity.delete_endpoint_group(&find(call)?.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `GET /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/endpoints`: those that the group chooses.
pub(super) fn endpoints_of_group(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let group = find(call)?;
    let endpoints = call.identity.endpoints()?;
    let chosen = endpoints.iter().filter(|endpoint| catalog::chooses(&group, endpoint));
    Ok(list::reply(call.request(), "endpoints", chosen.map(|endpoint| endpoint::view(call, endpoint)).collect()))
}

/// `GET /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects`.
pub(super) fn projects_of_group(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let projects = call.identity.projects_of_endpoint_group(&find(call)?.id)?;
    Ok(list::reply(call.request(), "projects", projects.iter().map(|item| project::view(call, item)).collect()))
}

/// `GET /OS-EP-FILTER/projects/{project_id}/endpoint_groups`.
pub(super) fn groups_of_project(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let project = project::find(call, call.parameter("project_id"))?;
    let groups = call.identity.endpoint_groups_of_project(&project.id)?;
    Ok(list::reply(call.request(), "endpoint_groups", groups.iter().map(|group| view(call, group)).collect()))
}

/// `GET /OS-EP-FILTER/projects/{project_id}/endpoints`: what the project's catalogue is cut down to.
pub(super) fn endpoints_of_project(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let project = project::find(call, call.parameter("project_id"))?;
    let endpoints = call.identity.endpoints()?;
    let given = catalog::given(call, &project.id, &endpoints)?;
    let views = endpoints.iter().filter(|item| given.contains(&item.id)).map(|item| endpoint::view(call, item));
    Ok(list::reply(call.request(), "endpoints", views.collect()))
}

/// `GET /OS-EP-FILTER/endpoints/{endpoint_id}/projects`.
pub(super) fn projects_of_endpoint(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let endpoint = endpoint::find(call, call.parameter("endpoint_id"))?;
    let projects = call.identity.projects_of_endpoint(&endpoint.id)?;
    Ok(list::reply(call.request(), "projects", projects.iter().map(|item| project::view(call, item)).collect()))
}

fn not_in_project(call: &Call<'_>) -> KeystoneError {
    let (endpoint, project) = (call.parameter("endpoint_id"), call.parameter("project_id"));
    KeystoneError::Missing(format!("Endpoint {endpoint} not found in project {project}"))
}

fn duplicate(kind: &'static str) -> KeystoneError {
    KeystoneError::Conflict { kind, reason: "Duplicate entry".to_owned() }
}

/// `GET /OS-EP-FILTER/projects/{project_id}/endpoints/{endpoint_id}`: 204 when given.
pub(super) fn check_endpoint(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let endpoint = endpoint::find(call, call.parameter("endpoint_id"))?;
    let project = project::find(call, call.parameter("project_id"))?;
    if call.identity.has_endpoint(&project.id, &endpoint.id)? {
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    } else {
        Err(not_in_project(call))
    }
}

/// `PUT /OS-EP-FILTER/projects/{project_id}/endpoints/{endpoint_id}`.
pub(super) fn add_endpoint(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let endpoint = endpoint::find(call, call.parameter("endpoint_id"))?;
    let project = project::find(call, call.parameter("project_id"))?;
    if call.identity.has_endpoint(&project.id, &endpoint.id)? {
        return Err(duplicate("project_endpoint"));
    }
    call.identity.add_endpoint_to_project(&endpoint.id, &project.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /OS-EP-FILTER/projects/{project_id}/endpoints/{endpoint_id}`.
pub(super) fn remove_endpoint(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let removed = match (call.parameter("endpoint_id").parse(), call.parameter("project_id").parse()) {
        (Ok(endpoint), Ok(project)) => call.identity.remove_endpoint_from_project(&endpoint, &project)?,
        _ => false,
    };
    if removed { Ok(Reply::empty(StatusCode::NO_CONTENT)) } else { Err(not_in_project(call)) }
}

fn has_group(call: &Call<'_>) -> Result<(store::identity::Project, EndpointGroup, bool), KeystoneError> {
    let project = project::find(call, call.parameter("project_id"))?;
    let group = find(call)?;
    let has = call.identity.endpoint_groups_of_project(&project.id)?.iter().any(|given| given.id == group.id);
    Ok((project, group, has))
}

fn no_association() -> KeystoneError {
    KeystoneError::Missing("Endpoint Group Project Association not found".to_owned())
}

/// `GET /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects/{project_id}`.
pub(super) fn check_group(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let (project, group, true) = has_group(call)? else { return Err(no_association()) };
    // The link is a path only, as Keystone's is.
    let own = format!("/OS-EP-FILTER/endpoint_groups/{}/projects/{}", group.id, project.id);
    Ok(Reply::ok(&json!({
        "project_endpoint_group": {
            "endpoint_group_id": group.id, "project_id": project.id, "links": { "self": own },
        },
    })))
}

/// `PUT /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects/{project_id}`.
pub(super) fn add_group(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let (project, group, false) = has_group(call)? else { return Err(duplicate("project_endpoint_group")) };
    call.identity.add_endpoint_group_to_project(&group.id, &project.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects/{project_id}`.
pub(super) fn remove_group(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let (project, group, true) = has_group(call)? else { return Err(no_association()) };
    call.identity.remove_endpoint_group_from_project(&group.id, &project.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
