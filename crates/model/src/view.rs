//! From stored values to what a client sees.

use serde_json::Value;

use crate::{
    Resource, ResourceInfo,
    attribute::{Attribute, Who},
    resource::Body,
};

/// Whether somebody sees an attribute of an object that they may see.
#[must_use]
pub const fn sees(attribute: &Attribute, is_admin: bool) -> bool {
    match attribute.see {
        Who::Everyone | Who::NetworkOwner => true,
        Who::Admin => is_admin,
        Who::Nobody => false,
    }
}

/// The attributes of a typed object under their API names, internal ones included: the form in
/// which the store gives objects too.
#[must_use]
pub fn body_of<R: Resource>(object: &R) -> Body {
    match serde_json::to_value(object) {
        Ok(Value::Object(body)) => body,
        // A struct of `resource!` serialises to an object: its keys are strings and its values
        // plain data.
        _ => Body::new(),
    }
}

/// Makes the stored attributes of an object those that a client sees: internal ones and those that
/// the client may not see go, constants and `tenant_id` come, and `fields` selects.
pub fn present(info: &'static ResourceInfo, body: &mut Body, is_admin: bool, fields: &[String]) {
    for attribute in info.attributes {
        let hidden = !sees(attribute, is_admin);
        if hidden || (attribute.omit_null && body.get(attribute.name).is_some_and(Value::is_null)) {
            body.remove(attribute.name);
        }
    }
    for constant in info.constants {
        if !constant.admin || is_admin {
            body.insert(constant.name.to_owned(), constant_value(constant.value));
        }
    }
    if let Some(project) = body.get("project_id").cloned() {
        body.insert("tenant_id".to_owned(), project);
    }
    if !fields.is_empty() {
        body.retain(|name, _| fields.iter().any(|field| field == name));
    }
}

/// A constant's value; a list of a thousand objects asks for it ten thousand times.
fn constant_value(json: &str) -> Value {
    match json {
        "null" => Value::Null,
        "[]" => Value::Array(Vec::new()),
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        other => serde_json::from_str(other).unwrap_or(Value::Null),
    }
}
