//! Regions of the catalogue.

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::Region;
use types::ServiceId;

use super::{
    KeystoneError, list,
    route::Call,
    schema::{Kind, Schema, attribute},
};
use crate::edge::Reply;

static CREATE: Schema = Schema {
    attributes: &[
        attribute("description", Kind::TextOrNull { shortest: 0, longest: 255 }),
        attribute("id", Kind::TextOrNull { shortest: 0, longest: 255 }),
        attribute("parent_region_id", Kind::TextOrNull { shortest: 1, longest: 255 }),
    ],
    required: &[],
    is_open: true,
    may_be_empty: true,
};

static UPDATE: Schema = Schema {
    attributes: &[
        attribute("description", Kind::TextOrNull { shortest: 0, longest: 255 }),
        attribute("id", Kind::TextOrNull { shortest: 1, longest: 255 }),
        attribute("parent_region_id", Kind::TextOrNull { shortest: 1, longest: 255 }),
    ],
    required: &[],
    is_open: true,
    may_be_empty: false,
};

fn view(call: &Call<'_>, region: &Region) -> Value {
    let mut view = Value::Object(region.extra.clone());
    view["id"] = json!(region.id);
    view["description"] = json!(region.description);
    view["parent_region_id"] = json!(region.parent_region_id);
    view["links"] = json!({ "self": call.url(&format!("/regions/{}", region.id)) });
    view
}

/// The region of an id.
pub(super) fn find(call: &Call<'_>, id: &str) -> Result<Region, KeystoneError> {
    call.identity.region(id)?.ok_or_else(|| KeystoneError::NotFound { kind: "region", id: id.to_owned() })
}

/// `GET /regions`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let regions = call.identity.regions()?;
    let views = regions.iter().map(|region| view(call, region));
    let items = views.filter(|item| list::selects(call.request(), item, &["parent_region_id"]));
    Ok(list::reply(call.request(), "regions", items.collect()))
}

/// `GET /regions/{region_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let region = find(call, call.parameter("region_id"))?;
    Ok(Reply::ok(&json!({ "region": view(call, &region) })))
}

fn make(call: &Call<'_>, id_of_path: Option<&str>) -> Result<Reply, KeystoneError> {
    let mut fields = CREATE.read(call.request(), "region")?;
    let id_of_body = fields.nullable_text("id")?.flatten();
    let id = match (id_of_path, id_of_body) {
        (Some(of_path), Some(of_body)) if of_path != of_body => {
            return Err(KeystoneError::BadRequest(format!(
                "Conflicting region IDs specified: \"{of_path}\" != \"{of_body}\""
            )));
        }
        (Some(of_path), _) => of_path.to_owned(),
        // An id as Keystone makes them; a region's own may be any text.
        (None, of_body) => {
            of_body.filter(|id| !id.is_empty()).unwrap_or_else(|| ServiceId::random().as_str().to_owned())
        }
    };
    if call.identity.region(&id)?.is_some() {
        return Err(KeystoneError::Conflict { kind: "region", reason: format!("Duplicate ID, {id}.") });
    }
    let parent_region_id = match fields.nullable_text("parent_region_id")?.flatten() {
        Some(parent) => Some(find(call, &parent)?.id),
        None => None,
    };
    let description = fields.nullable_text("description")?.flatten().unwrap_or_default();
    fields.ignore(&["links"]);
    let region = Region { id, description, parent_region_id, extra: fields.rest() };
    call.identity.put_region(&region)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "region": view(call, &region) })))
}

/// `POST /regions`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    make(call, None)
}

/// `PUT /regions/{region_id}`: a new region of this id.
pub(super) fn create_named(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    make(call, Some(call.parameter("region_id")))
}

/// `PATCH /regions/{region_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = UPDATE.read(call.request(), "region")?;
    let id = call.parameter("region_id");
    fields.same_id(id)?;
    let mut region = find(call, id)?;
    if let Some(parent) = fields.nullable_text("parent_region_id")? {
        if let Some(parent) = &parent {
            find(call, parent)?;
            if call.identity.is_within_region(parent, &region.id)? {
                return Err(KeystoneError::BadRequest(format!(
                    "The specified parent region {} would create a circular region hierarchy.",
                    region.id
                )));
            }
        }
        region.parent_region_id = parent;
    }
    if let Some(description) = fields.nullable_text("description")? {
        region.description = description.unwrap_or_default();
    }
    fields.ignore(&["links"]);
    region.extra.extend(fields.rest());
    call.identity.put_region(&region)?;
    Ok(Reply::ok(&json!({ "region": view(call, &region) })))
}

/// `DELETE /regions/{region_id}`, with the regions that are parts of it.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let region = find(call, call.parameter("region_id"))?;
    if call.identity.has_endpoints(&region.id)? {
        return Err(KeystoneError::Refused(format!(
            "Unable to delete region {} because it or its child regions have associated endpoints.",
            region.id
        )));
    }
    for limit in call.identity.registered_limits()? {
        let Some(of) = &limit.region_id else { continue };
        if call.identity.is_within_region(of, &region.id)? {
            return Err(KeystoneError::Refused(format!(
                "Unable to delete region {} because it or its child regions have registered limits.",
                region.id
            )));
        }
    }
    call.identity.delete_region(&region.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
