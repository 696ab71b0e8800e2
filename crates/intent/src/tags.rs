//! Tags: short texts on any object that has the attribute.

use model::{Body, RequestError, Resource, ResourceInfo, validate};
use serde_json::Value;
use store::{Read, Tx};

use crate::{
    Context, Error,
    floating_ip::FloatingIps,
    network::Networks,
    note::{self, note_change},
    operations::{Behaviour, changeable},
    port::Ports,
    router::Routers,
    security_group::SecurityGroups,
    subnet::Subnets,
};

/// The most tags of one object.
pub const MAX_TAGS: usize = 50;

/// The name of changes of an object's tags, in the audit trail.
#[must_use]
pub fn action(info: &ResourceInfo) -> String {
    format!("{}_tags", note::action("update", info))
}

/// The tags of an object that the caller sees.
pub fn list(read: &Read<'_>, context: &Context, info: &'static ResourceInfo, id: &str) -> Result<Vec<String>, Error> {
    let missing = || Error::TagResourceNotFound { resource: info.member, id: id.to_owned() };
    if !info.has_tags() {
        return Err(Error::HTTPNotFound {});
    }
    let body: Body = read.get_body(info, &context.region, id, context.scope())?.ok_or_else(missing)?;
    Ok(texts(body.get("tags")))
}

/// Whether the object has the tag: an error says that it has not.
pub fn contains(
    read: &Read<'_>,
    context: &Context,
    info: &'static ResourceInfo,
    id: &str,
    tag: &str,
) -> Result<(), Error> {
    if list(read, context, info, id)?.iter().any(|known| known == tag) {
        Ok(())
    } else {
        Err(Error::TagNotFound { tag: tag.to_owned() })
    }
}

/// Replaces the tags by those of a body `{"tags": [...]}`; answers them.
pub fn replace(
    tx: &mut Tx<'_>,
    context: &Context,
    info: &'static ResourceInfo,
    id: &str,
    body: &Value,
) -> Result<Vec<String>, Error> {
    let tags = parse(info, body)?;
    change(tx, context, info, id, |known| {
        *known = tags.clone();
        Ok(())
    })
}

/// Adds the tags of a body `{"tags": [...]}`; answers all.
pub fn extend(
    tx: &mut Tx<'_>,
    context: &Context,
    info: &'static ResourceInfo,
    id: &str,
    body: &Value,
) -> Result<Vec<String>, Error> {
    let tags = parse(info, body)?;
    change(tx, context, info, id, |known| {
        let new: Vec<_> = tags.iter().filter(|tag| !known.contains(tag)).cloned().collect();
        known.extend(new);
        Ok(())
    })
}

/// Adds a tag; nothing happens when it is there.
pub fn add(tx: &mut Tx<'_>, context: &Context, info: &'static ResourceInfo, id: &str, tag: &str) -> Result<(), Error> {
    let body = serde_json::json!({ "tags": [tag] });
    extend(tx, context, info, id, &body).map(drop)
}

/// Removes a tag.
pub fn remove(
    tx: &mut Tx<'_>,
    context: &Context,
    info: &'static ResourceInfo,
    id: &str,
    tag: &str,
) -> Result<(), Error> {
    change(tx, context, info, id, |known| {
        let before = known.len();
        known.retain(|other| other != tag);
        if known.len() < before { Ok(()) } else { Err(Error::TagNotFound { tag: tag.to_owned() }) }
    })
    .map(drop)
}

/// Removes all tags.
pub fn clear(tx: &mut Tx<'_>, context: &Context, info: &'static ResourceInfo, id: &str) -> Result<(), Error> {
    change(tx, context, info, id, |known| {
        known.clear();
        Ok(())
    })
    .map(drop)
}

fn parse(info: &'static ResourceInfo, body: &Value) -> Result<Vec<String>, Error> {
    let attribute = info.attribute("tags").ok_or(Error::HTTPNotFound {})?;
    let tags = body.get("tags").ok_or(RequestError::NoMember { member: "tags" })?;
    Ok(texts(Some(&validate::value(attribute, tags)?)))
}

fn texts(tags: Option<&Value>) -> Vec<String> {
    let tags = tags.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    tags.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Changes the tags of the object at a path: the one place that goes from a path to a type.
fn change(
    tx: &mut Tx<'_>,
    context: &Context,
    info: &'static ResourceInfo,
    id: &str,
    edit: impl Fn(&mut Vec<String>) -> Result<(), Error>,
) -> Result<Vec<String>, Error> {
    match info.member {
        "network" => change_of::<Networks>(tx, context, id, edit, |object| &mut object.tags),
        "subnet" => change_of::<Subnets>(tx, context, id, edit, |object| &mut object.tags),
        "port" => change_of::<Ports>(tx, context, id, edit, |object| &mut object.tags),
        "router" => change_of::<Routers>(tx, context, id, edit, |object| &mut object.tags),
        "floatingip" => change_of::<FloatingIps>(tx, context, id, edit, |object| &mut object.tags),
        "security_group" => change_of::<SecurityGroups>(tx, context, id, edit, |object| &mut object.tags),
        _ => Err(Error::HTTPNotFound {}),
    }
}

fn change_of<B: Behaviour>(
    tx: &mut Tx<'_>,
    context: &Context,
    id: &str,
    edit: impl Fn(&mut Vec<String>) -> Result<(), Error>,
    tags: fn(&mut B::Of) -> &mut Vec<String>,
) -> Result<Vec<String>, Error> {
    let resource = B::Of::INFO.member;
    let old = changeable::<B>(tx, context, id.into(), "update").map_err(|error| match error.status() {
        404 => Error::TagResourceNotFound { resource, id: id.to_owned() },
        _ => error,
    })?;
    let mut new = old.clone();
    edit(tags(&mut new))?;
    if tags(&mut new).len() > MAX_TAGS {
        return Err(Error::invalid(format!("an object has at most {MAX_TAGS} tags")));
    }
    let mut new = tx.update_touched(&context.region, &old, new)?;
    note_change(tx, action(B::Of::INFO), &old, &new);
    Ok(tags(&mut new).clone())
}
