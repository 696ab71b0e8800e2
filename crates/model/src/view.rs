//! From stored values to what a client sees.

use serde_json::Value;

use crate::{
    Features, Resource, ResourceInfo,
    attribute::{self, Attribute, Constant, Who},
    extension::is_preview,
    feature,
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

/// What objects say that are kept, and that nothing is done about.
static NOT_APPLIED: Constant = attribute::constant("baryon:applied", "false").read_only();

/// How one client sees the objects of one resource.
#[derive(Debug)]
pub struct Viewer {
    info: &'static ResourceInfo,
    is_admin: bool,
    /// Attributes of features that the region lacks.
    absent: Vec<&'static str>,
}

impl Viewer {
    /// The view of somebody in a region with these features.
    #[must_use]
    pub fn new(info: &'static ResourceInfo, is_admin: bool, features: Features) -> Self {
        Self { info, is_admin, absent: feature::attribute::absent(info, features) }
    }

    /// The resource.
    #[must_use]
    pub fn info(&self) -> &'static ResourceInfo {
        self.info
    }

    /// Whether the client sees an attribute.
    #[must_use]
    pub fn shows(&self, attribute: &Attribute) -> bool {
        sees(attribute, self.is_admin) && !self.absent.contains(&attribute.name)
    }

    /// Whether the client sees what has this name.
    pub(crate) fn shows_name(&self, name: &str) -> bool {
        match self.info.attribute(name) {
            Some(attribute) => self.shows(attribute),
            None => !self.absent.contains(&name),
        }
    }

    /// The constants that the client sees.
    pub fn constants(&self) -> impl Iterator<Item = &'static Constant> {
        let preview = is_preview(self.info.since).then_some(&NOT_APPLIED);
        let shown = |constant: &&Constant| (!constant.admin || self.is_admin) && !self.absent.contains(&constant.name);
        self.info.constants.iter().filter(shown).chain(preview)
    }

    /// Makes the stored attributes of an object those that the client sees: internal ones and those
    /// that the client may not see go, constants and `tenant_id` come, and `fields` selects.
    pub fn present(&self, body: &mut Body, fields: &[String]) {
        for attribute in self.info.attributes {
            let left_out = attribute.omit_null && body.get(attribute.name).is_some_and(Value::is_null);
            if left_out || !self.shows(attribute) {
                body.remove(attribute.name);
            }
        }
        for constant in self.constants() {
            body.insert(constant.name.to_owned(), constant_value(constant.value));
        }
        if let Some(project) = body.get("project_id").cloned() {
            body.insert("tenant_id".to_owned(), project);
        }
        if !fields.is_empty() {
            body.retain(|name, _| fields.iter().any(|field| field == name));
        }
    }
}

/// A constant's value; a list of a thousand objects asks for it ten thousand times.
pub(crate) fn constant_value(json: &str) -> Value {
    match json {
        "null" => Value::Null,
        "[]" => Value::Array(Vec::new()),
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        other => serde_json::from_str(other).unwrap_or(Value::Null),
    }
}
