//! From the body of a request to patches.

use serde_json::Value;
use types::ProjectId;

use crate::{
    Patch, RequestError, Resource, ResourceInfo,
    attribute::{Attribute, Who},
    resource::Body,
    validate,
};

/// What a request asks of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Request<P> {
    /// The values.
    pub patch: P,
    /// The attributes that were named, as far as policy looks at them: on create those that differ
    /// from the default, on update all.
    pub named: Vec<&'static Attribute>,
}

impl<P> Request<P> {
    /// The named attributes that only administrators (`Admin`) or owners of the network
    /// (`NetworkOwner`) may set.
    pub fn restricted(&self, who: Who) -> impl Iterator<Item = &'static Attribute> + '_ {
        self.named.iter().copied().filter(move |attribute| attribute.set == who)
    }
}

/// The object under the resource's name in a body.
pub fn member<'b>(info: &ResourceInfo, body: &'b Value) -> Result<&'b Body, RequestError> {
    body.get(info.member).and_then(Value::as_object).ok_or(RequestError::NoMember { member: info.member })
}

/// The objects that a body asks to create: one under the resource's name, or a list under its
/// collection's name. The flag says that it was a list, since the answer has the same form.
pub fn members<'b>(info: &ResourceInfo, body: &'b Value) -> Result<(Vec<&'b Body>, bool), RequestError> {
    match body.get(info.collection) {
        None => Ok((vec![member(info, body)?], false)),
        Some(Value::Array(items)) if !items.is_empty() => {
            let missing = || RequestError::NoMember { member: info.member };
            // Neutron takes both `{"networks": [{"name": ...}]}` and items wrapped by name.
            let object =
                |item: &'b Value| item.get(info.member).and_then(Value::as_object).or_else(|| item.as_object());
            let items = items.iter().map(|item| object(item).ok_or_else(missing)).collect::<Result<_, _>>()?;
            Ok((items, true))
        }
        Some(_) => Err(RequestError::NoMember { member: info.member }),
    }
}

/// The patch that creates an object, with defaults filled in.
pub fn create<R: Resource>(
    body: &Body,
    project: &ProjectId,
    is_admin: bool,
) -> Result<Request<R::Patch>, RequestError> {
    let info = R::INFO;
    let body = &canonical_names(info, body)?;
    for attribute in info.attributes {
        if attribute.required && !body.contains_key(attribute.name) {
            return Err(RequestError::Required { name: attribute.name });
        }
    }
    if let Some(name) = body.keys().find(|name| info.attribute(name).is_some_and(|attribute| !attribute.create)) {
        return Err(RequestError::NotInPost { name: name.clone() });
    }
    if let Some(other) = body.get("project_id").and_then(Value::as_str)
        && other != project.as_str()
        && !is_admin
    {
        return Err(RequestError::OtherProject { project: other.to_owned() });
    }
    let mut values = Body::new();
    let mut named = Vec::new();
    for attribute in info.attributes {
        let default = || attribute.default.and_then(|json| serde_json::from_str::<Value>(json).ok());
        match body.get(attribute.name) {
            Some(given) => {
                let value = validate::value(attribute, given)?;
                if default().as_ref() != Some(&value) {
                    named.push(attribute);
                }
                values.insert(attribute.name.to_owned(), value);
            }
            None => {
                if let Some(value) = default() {
                    values.insert(attribute.name.to_owned(), value);
                }
            }
        }
    }
    Ok(Request { patch: typed::<R>(values)?, named })
}

/// The patch that changes an object.
pub fn update<R: Resource>(body: &Body) -> Result<Request<R::Patch>, RequestError> {
    let info = R::INFO;
    let body = &canonical_names(info, body)?;
    let mut values = Body::new();
    let mut named = Vec::new();
    if let Some(name) = body.keys().find(|name| info.attribute(name).is_some_and(|attribute| !attribute.update)) {
        return Err(RequestError::ReadOnly { name: name.clone() });
    }
    for attribute in info.attributes {
        if let Some(given) = body.get(attribute.name) {
            values.insert(attribute.name.to_owned(), validate::value(attribute, given)?);
            named.push(attribute);
        }
    }
    Ok(Request { patch: typed::<R>(values)?, named })
}

/// The body under the attributes' own names, without constants; what the resource does not have is
/// an error, and so is a constant with a value that would use its feature.
fn canonical_names(info: &'static ResourceInfo, body: &Body) -> Result<Body, RequestError> {
    let mut known = Body::new();
    let mut unknown = Vec::new();
    for (name, value) in body {
        if let Some(attribute) = info.attribute(name).filter(|attribute| attribute.is_public() || attribute.create) {
            known.insert(attribute.name.to_owned(), value.clone());
        } else if let Some(constant) = info.constant(name) {
            if !constant.accepted {
                return Err(RequestError::ReadOnly { name: name.clone() });
            }
            let unused: Value = serde_json::from_str(constant.value).unwrap_or(Value::Null);
            let is_unused =
                *value == unused || value.is_null() || validate::to_boolean(value).map(Value::from) == Some(unused);
            if !is_unused {
                return Err(RequestError::Unsupported { name: name.clone(), value: value.clone() });
            }
        } else {
            unknown.push(name.clone());
        }
    }
    if unknown.is_empty() { Ok(known) } else { Err(RequestError::Unrecognized { names: unknown }) }
}

/// Validated values as a patch. Every kind's canonical form deserialises into its field's type, so
/// an error here names a fault of the attribute table; it is an answer all the same, not a crash.
fn typed<R: Resource>(values: Body) -> Result<R::Patch, RequestError> {
    serde_json::from_value(Value::Object(values.clone())).map_err(|error| {
        let is_secret = |name: &str| R::INFO.attribute(name).is_none_or(|attribute| attribute.secret);
        let shown: Body = values.into_iter().filter(|(name, _)| !is_secret(name)).collect();
        let (name, reason) = (R::INFO.member.to_owned(), error.to_string());
        RequestError::Conversion { name, reason, value: Value::Object(shown) }
    })
}

impl<P> Request<P> {
    /// A request of this service itself, which policy does not look at.
    pub fn internal<R>(patch: P) -> Self
    where
        P: Patch<R>,
    {
        Self { patch, named: Vec::new() }
    }
}
