//! What is the same for every resource: parse, authorise, count, write, show.
//!
//! A resource adds its own part as a [`Behaviour`]; [`Operations`] is the same without types, so
//! that the API routes by the registry alone.

use std::{borrow::Cow, marker::PhantomData};

use model::{
    Attribute, Body, Fields, ListQuery, Patch as _, Request, RequestError, Resource, ResourceInfo, Row, Timestamp, Who,
    feature, query::Filter, request, row, view,
};
use serde_json::Value;
use store::{Read, Scope, Tx};
use types::ProjectId;

use crate::{
    Context, Error,
    note::{action, note},
    quota,
};

/// What is a resource's own.
pub(crate) trait Behaviour: Send + Sync + 'static {
    /// The resource.
    type Of: Resource;

    /// The error for an id that names nothing which the caller sees.
    fn not_found(id: &str) -> Error;

    /// Looks at an object that is to be, beside the state that it replaces (none on create): refuses
    /// it, or fills in what the request leaves to the operation. All that a plain resource needs.
    fn check(
        _tx: &mut Tx<'_>,
        _context: &Context,
        _old: Option<&Self::Of>,
        _new: &mut Self::Of,
        _patch: &<Self::Of as Resource>::Patch,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// Refuses a parent that is not there, or that the caller does not see.
    fn check_parent(_read: &Read<'_>, _context: &Context, _id: &str) -> Result<(), Error> {
        Ok(())
    }

    /// Makes an object that the caller may make; the project is the owner to be.
    fn create(
        tx: &mut Tx<'_>,
        context: &Context,
        project: ProjectId,
        request: Request<<Self::Of as Resource>::Patch>,
    ) -> Result<Self::Of, Error> {
        let mut object = Self::Of::start(Self::Of::new_id(), project, Timestamp::now());
        request.patch.apply(&mut object);
        Self::check(tx, context, None, &mut object, &request.patch)?;
        tx.insert(&context.region, &object)?;
        Ok(object)
    }

    /// Changes an object that the caller may change.
    fn update(
        tx: &mut Tx<'_>,
        context: &Context,
        old: Self::Of,
        request: Request<<Self::Of as Resource>::Patch>,
    ) -> Result<Self::Of, Error> {
        let mut new = old.clone();
        request.patch.apply(&mut new);
        Self::check(tx, context, Some(&old), &mut new, &request.patch)?;
        Ok(tx.update_touched(&context.region, &old, new)?)
    }

    /// Removes an object that the caller may change.
    fn delete(tx: &mut Tx<'_>, context: &Context, object: Self::Of) -> Result<(), Error> {
        tx.delete::<Self::Of>(&context.region, object.id())?;
        Ok(())
    }

    /// Adds the attributes that are computed from other objects, to all objects of an answer with a
    /// constant number of statements.
    fn complete<F: Fields>(_read: &Read<'_>, _context: &Context, _objects: &mut [F]) -> Result<(), Error> {
        Ok(())
    }

    /// [`complete`](Self::complete) for the answer to a create request, where that differs.
    fn complete_created(read: &Read<'_>, context: &Context, bodies: &mut [Body]) -> Result<(), Error> {
        Self::complete(read, context, bodies)
    }

    /// Whether the caller, who sees the object, may change it.
    fn may_change(_read: &Read<'_>, context: &Context, object: &Self::Of) -> Result<bool, Error> {
        Ok(context.owns(object.project_id()))
    }

    /// Whether something must be written before the caller reads.
    fn setup_needed(_read: &Read<'_>, _context: &Context) -> Result<bool, Error> {
        Ok(false)
    }

    /// Writes it.
    fn set_up(_tx: &mut Tx<'_>, _context: &Context) -> Result<(), Error> {
        Ok(())
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The objects, as the caller sees them, with the `fields` that were asked for: the JSON text of
    /// an array.
    pub json: Vec<u8>,
    /// How many they are.
    pub count: usize,
    /// The id of the first object, for the link to the previous page.
    pub first: Option<String>,
    /// The id of the last object, for the link to the next page.
    pub last: Option<String>,
}

/// The id of the object that a part belongs to, from its path; none for what is part of nothing.
pub type Parent<'a> = Option<&'a str>;

/// An object, as a path names it.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a> {
    /// What it is a part of.
    pub parent: Parent<'a>,
    /// Its id, as the client wrote it.
    pub id: &'a str,
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(id: &'a str) -> Self {
        Self { parent: None, id }
    }
}

/// The operations on one resource, without its type.
pub trait Operations: Send + Sync {
    /// What is known about the resource.
    fn info(&self) -> &'static ResourceInfo;

    /// Whether [`set_up`](Self::set_up) must run before the caller's first read.
    fn setup_needed(&self, read: &Read<'_>, context: &Context) -> Result<bool, Error>;

    /// Writes what a first read must find: a project's default security group. Harmless when it is
    /// there.
    fn set_up(&self, tx: &mut Tx<'_>, context: &Context) -> Result<(), Error>;

    /// Makes all these objects, or none.
    fn create(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        parent: Parent<'_>,
        bodies: &[&Body],
    ) -> Result<Vec<Body>, Error>;

    /// The objects that a query selects, as far as the caller sees them.
    fn list(&self, read: &Read<'_>, context: &Context, parent: Parent<'_>, query: &ListQuery) -> Result<Page, Error>;

    /// One object; `fields` selects attributes, empty for all.
    fn show(&self, read: &Read<'_>, context: &Context, name: Name<'_>, fields: &[String]) -> Result<Body, Error>;

    /// Changes one object. `if_match` is the revision that the object must have.
    fn update(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        name: Name<'_>,
        body: &Body,
        if_match: Option<u64>,
    ) -> Result<Body, Error>;

    /// Removes one object.
    fn delete(&self, tx: &mut Tx<'_>, context: &Context, name: Name<'_>, if_match: Option<u64>) -> Result<(), Error>;
}

/// A resource's operations.
pub(crate) struct Collection<B>(PhantomData<fn() -> B>);

impl<B> Collection<B> {
    pub(crate) const NEW: Self = Self(PhantomData);
}

impl<B: Behaviour> Operations for Collection<B> {
    fn info(&self) -> &'static ResourceInfo {
        B::Of::INFO
    }

    fn setup_needed(&self, read: &Read<'_>, context: &Context) -> Result<bool, Error> {
        B::setup_needed(read, context)
    }

    fn set_up(&self, tx: &mut Tx<'_>, context: &Context) -> Result<(), Error> {
        B::set_up(tx, context)
    }

    fn create(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        parent: Parent<'_>,
        bodies: &[&Body],
    ) -> Result<Vec<Body>, Error> {
        let info = B::Of::INFO;
        bodies.iter().try_for_each(|body| require_features(info, context, body))?;
        let whole = bodies.iter().map(|body| with_parent::<B>(tx, context, parent, body));
        let whole = whole.collect::<Result<Vec<_>, _>>()?;
        let parse = |body: &Cow<'_, Body>| request::create::<B::Of>(body, &context.project_id, context.is_admin);
        let requests = whole.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        for request in &requests {
            authorise("create", info, context, &request.named)?;
        }
        let owners: Vec<ProjectId> = bodies.iter().map(|body| owner(body, context)).collect();
        quota::enforce(tx, context, info, &owners)?;
        let mut created = Vec::with_capacity(requests.len());
        for (request, project) in requests.into_iter().zip(owners) {
            let object = B::create(tx, context, project.clone(), request)?;
            // A rule belongs to its group's project, whoever asks for it.
            if *object.project_id() != project {
                quota::enforce_all(tx, context, object.project_id(), &[(info, 0)])?;
            }
            let body = stored::<B>(tx, context, &object)?;
            note(tx, action("create", info), info, None, Some(&body));
            created.push(body);
        }
        B::complete_created(tx, context, &mut created)?;
        let viewer = context.viewer(info);
        created.iter_mut().for_each(|body| viewer.present(body, &[]));
        Ok(created)
    }

    fn list(&self, read: &Read<'_>, context: &Context, parent: Parent<'_>, query: &ListQuery) -> Result<Page, Error> {
        let info = B::Of::INFO;
        if info.admin_only && !context.is_admin {
            return Ok(Page { json: b"[]".to_vec(), count: 0, first: None, last: None });
        }
        if let Some(marker) = &query.marker
            && read.get_body(info, &context.region, marker, context.scope())?.is_none()
        {
            return Err(B::not_found(marker));
        }
        let query = &of_parent::<B>(read, context, parent, query)?;
        let mut rows = read.list_rows(info, &context.region, context.scope(), query)?;
        let id = |row: Option<&Row>| row?.text("id").map(str::to_owned);
        let (first, last) = (id(rows.first()), id(rows.last()));
        B::complete(read, context, &mut rows)?;
        let json = row::write_list(&context.viewer(info), &rows, &query.fields);
        Ok(Page { json, count: rows.len(), first, last })
    }

    fn show(&self, read: &Read<'_>, context: &Context, name: Name<'_>, fields: &[String]) -> Result<Body, Error> {
        let info = B::Of::INFO;
        let mut bodies = [seen::<B>(read, context, name)?.ok_or_else(|| B::not_found(name.id))?];
        B::complete(read, context, &mut bodies)?;
        let [mut body] = bodies;
        context.viewer(info).present(&mut body, fields);
        Ok(body)
    }

    fn update(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        name: Name<'_>,
        body: &Body,
        if_match: Option<u64>,
    ) -> Result<Body, Error> {
        let info = B::Of::INFO;
        require_features(info, context, body)?;
        let request = request::update::<B::Of>(body)?;
        let old = changeable::<B>(tx, context, name, "update")?;
        authorise("update", info, context, &request.named)?;
        check_revision(&old, if_match)?;
        let before = view::body_of(&old);
        let new = B::update(tx, context, old, request)?;
        let mut bodies = [stored::<B>(tx, context, &new)?];
        note(tx, action("update", info), info, Some(&before), Some(&bodies[0]));
        B::complete(tx, context, &mut bodies)?;
        let [mut body] = bodies;
        context.viewer(info).present(&mut body, &[]);
        Ok(body)
    }

    fn delete(&self, tx: &mut Tx<'_>, context: &Context, name: Name<'_>, if_match: Option<u64>) -> Result<(), Error> {
        let object = changeable::<B>(tx, context, name, "delete")?;
        let info = B::Of::INFO;
        authorise("delete", info, context, &[])?;
        check_revision(&object, if_match)?;
        let before = view::body_of(&object);
        B::delete(tx, context, object)?;
        note(tx, action("delete", info), info, Some(&before), None);
        Ok(())
    }
}

/// The stored attributes of an object that the caller sees, where its path says.
fn seen<B: Behaviour>(read: &Read<'_>, context: &Context, name: Name<'_>) -> Result<Option<Body>, Error> {
    let info = B::Of::INFO;
    if info.admin_only && !context.is_admin {
        return Ok(None);
    }
    if let Some(parent) = name.parent {
        B::check_parent(read, context, parent)?;
    }
    let found = read.get_body(info, &context.region, name.id, context.scope())?;
    Ok(found.filter(|body| match (info.parent, name.parent) {
        (Some(attribute), Some(parent)) => body.get(attribute).and_then(Value::as_str) == Some(parent),
        _ => true,
    }))
}

/// The body of a part with its parent, which only the path may name.
fn with_parent<'b, B: Behaviour>(
    read: &Read<'_>,
    context: &Context,
    parent: Parent<'_>,
    body: &'b Body,
) -> Result<Cow<'b, Body>, Error> {
    let (Some(attribute), Some(parent)) = (B::Of::INFO.parent, parent) else { return Ok(Cow::Borrowed(body)) };
    if body.contains_key(attribute) {
        return Err(RequestError::Unrecognized { names: vec![attribute.to_owned()] }.into());
    }
    B::check_parent(read, context, parent)?;
    let mut whole = body.clone();
    whole.insert(attribute.to_owned(), parent.into());
    Ok(Cow::Owned(whole))
}

/// The query for the parts of one parent.
fn of_parent<'q, B: Behaviour>(
    read: &Read<'_>,
    context: &Context,
    parent: Parent<'_>,
    query: &'q ListQuery,
) -> Result<Cow<'q, ListQuery>, Error> {
    let attribute = B::Of::INFO.parent.and_then(|name| B::Of::INFO.attribute(name));
    let (Some(attribute), Some(parent)) = (attribute, parent) else { return Ok(Cow::Borrowed(query)) };
    B::check_parent(read, context, parent)?;
    let mut narrowed = query.clone();
    narrowed.filters.push(Filter::OneOf { attribute, values: vec![parent.into()] });
    Ok(Cow::Owned(narrowed))
}

/// Refuses a request that uses what the region does not have.
fn require_features(info: &ResourceInfo, context: &Context, body: &Body) -> Result<(), Error> {
    let unseen = feature::attribute::previews(info, body, context.settings.features);
    if !unseen.is_empty() {
        return Err(RequestError::Unrecognized { names: unseen.into_iter().map(str::to_owned).collect() }.into());
    }
    match feature::attribute::needed(info, body, context.settings.features) {
        None => Ok(()),
        Some((attribute, feature)) => Err(Error::FeatureNotOffered {
            region: context.region.clone(),
            feature,
            attribute: attribute.to_owned(),
            elsewhere: context.settings.regions_with(feature),
        }),
    }
}

/// The project that an object is to belong to. An administrator may name it; for others the request
/// was refused if it is not their own.
fn owner(body: &Body, context: &Context) -> ProjectId {
    let named = body.get("project_id").or_else(|| body.get("tenant_id"));
    named.and_then(|project| project.as_str()?.parse().ok()).unwrap_or_else(|| context.project_id.clone())
}

/// Whether the caller's roles, and the attributes that are named, allow the operation.
fn authorise(
    verb: &str,
    info: &'static ResourceInfo,
    context: &Context,
    named: &[&'static Attribute],
) -> Result<(), Error> {
    if context.is_admin {
        return Ok(());
    }
    let rule = format!("rule:{verb}_{}", rule_name(info));
    if info.admin_only || !context.may_write() {
        return Err(Error::forbidden(rule));
    }
    let denied: Vec<_> = named
        .iter()
        .filter(|attribute| attribute.set == Who::Admin)
        .map(|attribute| format!("{rule}:{}", attribute.name))
        .collect();
    if denied.is_empty() { Ok(()) } else { Err(Error::forbidden(format!("({rule} and {})", denied.join(" and ")))) }
}

/// The resource's name in policy rules.
fn rule_name(info: &ResourceInfo) -> &'static str {
    info.member
}

/// The error for an attribute that only the network's owner may set.
pub(crate) fn not_network_owner(verb: &str, info: &ResourceInfo, attribute: &str) -> Error {
    let rule = format!("rule:{verb}_{}", rule_name(info));
    Error::forbidden(format!("({rule} and {rule}:{attribute})"))
}

/// The object, if the caller sees it and may change it.
pub(crate) fn changeable<B: Behaviour>(
    read: &Read<'_>,
    context: &Context,
    name: Name<'_>,
    verb: &str,
) -> Result<B::Of, Error> {
    let info = B::Of::INFO;
    if info.admin_only && !context.is_admin {
        return Err(Error::HTTPNotFound {});
    }
    let body = seen::<B>(read, context, name)?.ok_or_else(|| B::not_found(name.id))?;
    let object: B::Of = serde_json::from_value(body.into())
        .map_err(|source| store::StoreError::Corrupt { table: info.collection, source })?;
    if B::may_change(read, context, &object)? && context.may_write() {
        Ok(object)
    } else {
        Err(Error::forbidden(format!("rule:{verb}_{}", rule_name(info))))
    }
}

/// An object that the caller sees.
pub(crate) fn visible<R: Resource>(read: &Read<'_>, context: &Context, id: R::Id) -> Result<Option<R>, Error> {
    let Some(body) = read.get_body(R::INFO, &context.region, &id.to_string(), context.scope())? else {
        return Ok(None);
    };
    let object = serde_json::from_value(body.into())
        .map_err(|source| store::StoreError::Corrupt { table: R::INFO.collection, source })?;
    Ok(Some(object))
}

fn check_revision<R: Resource>(object: &R, if_match: Option<u64>) -> Result<(), Error> {
    let current = object.revision_number();
    match if_match {
        Some(expected) if expected != current => Err(Error::RevisionNumberConstraintFailed { expected, current }),
        _ => Ok(()),
    }
}

/// The object's stored attributes, with those that lie in other rows.
fn stored<B: Behaviour>(read: &Read<'_>, context: &Context, object: &B::Of) -> Result<Body, Error> {
    let id = object.id().to_string();
    read.get_body(B::Of::INFO, &context.region, &id, Scope::All)?.ok_or_else(|| B::not_found(&id))
}
