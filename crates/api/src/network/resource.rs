//! Collections and objects, whatever their kind.

use hyper::{Method, StatusCode, header};
use intent::{Name, Operations, Parent};
use model::{Body, ListQuery, RequestError, ResourceInfo, request};
use serde_json::Value;

use super::{NetworkError, Visit, action, page, tag};
use crate::{edge::Reply, endpoint::Endpoint, identity::Access};

/// The endpoints of a resource at a path: the collection, an object, its tags.
pub(super) fn endpoints(collection: &str, info: &'static ResourceInfo) -> Vec<Endpoint> {
    let object = format!("{collection}/{{id}}");
    // Without an id, PUT and DELETE are answered too: as upstream does, for the object `None`.
    let mut paths = vec![(&["GET", "POST", "PUT", "DELETE"][..], collection.to_owned())];
    paths.push((&["GET", "PUT", "DELETE"], object.clone()));
    if info.has_tags() {
        paths.push((&["GET", "PUT", "POST", "DELETE"], format!("{object}/tags")));
        paths.push((&["GET", "PUT", "DELETE"], format!("{object}/tags/{{tag}}")));
    }
    let lines = paths.into_iter().flat_map(|(methods, path)| methods.iter().map(move |method| (*method, path.clone())));
    lines.map(|(method, path)| Endpoint::new(method, path, Access::Authenticated)).collect()
}

type Answer = Result<Reply, NetworkError>;

/// A [`Name`] that goes along into the store's threads.
struct OwnedName {
    parent: Option<String>,
    id: String,
}

impl OwnedName {
    fn borrowed(&self) -> Name<'_> {
        Name { parent: self.parent.as_deref(), id: &self.id }
    }
}

/// Answers what follows a resource's path.
pub(super) async fn route(
    visit: &Visit,
    operations: &'static dyn Operations,
    parent: Parent<'_>,
    parts: &[&str],
) -> Answer {
    let method = match visit.request.method {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    let info = operations.info();
    let name = |id: &str| OwnedName { parent: parent.map(str::to_owned), id: id.to_owned() };
    match (method, parts) {
        (&Method::GET, []) => list(visit, operations, parent).await,
        (&Method::POST, []) => create(visit, operations, parent).await,
        // Upstream takes these for an object whose id is missing, which Python calls None.
        (&Method::PUT | &Method::DELETE, []) => show(visit, operations, name("None")).await,
        (&Method::GET, [id]) => show(visit, operations, name(id)).await,
        (&Method::PUT, [id]) => update(visit, operations, name(id)).await,
        (&Method::DELETE, [id]) => delete(visit, operations, name(id)).await,
        (_, [id, "tags", rest @ ..]) if info.has_tags() => tag::route(visit, info, id, rest).await,
        (_, [id, name]) => action::run(visit, info, id, name).await,
        (_, [_, _, ..]) => {
            visit.read(|_, _| Ok(())).await?;
            let path = format!("{}/{}", info.path, parts.join("/"));
            Err(NetworkError::UnknownResource { region: visit.region.clone(), path })
        }
        _ => Err(NetworkError::MethodNotAllowed),
    }
}

async fn list(visit: &Visit, operations: &'static dyn Operations, parent: Parent<'_>) -> Answer {
    let parent = parent.map(str::to_owned);
    let pairs: Vec<_> = visit.request.query.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    // The body of an error about the query is for those with a token only.
    let query = match ListQuery::parse(operations.info(), &pairs) {
        Ok(query) => query,
        Err(error) => {
            visit.read(|_, _| Ok(())).await?;
            return Err(error.into());
        }
    };
    let (wanted, of) = (query.clone(), parent.clone());
    let found = visit
        .read(move |read, context| {
            let ready = !operations.setup_needed(read, context)?;
            if ready { Ok(Ok(operations.list(read, context, of.as_deref(), &wanted)?)) } else { Ok(Err(wanted)) }
        })
        .await?;
    let found = match found {
        Ok(page) => page,
        // What a project has from its first use on, such as its default security group, is made
        // when it is first looked for.
        Err(wanted) => {
            let make = move |tx: &mut store::Tx<'_>, context: &intent::Context| {
                operations.set_up(tx, context)?;
                Ok(operations.list(tx, context, parent.as_deref(), &wanted)?)
            };
            visit.write(make).await?
        }
    };
    Ok(page::reply(visit, operations.info(), &query, found))
}

async fn show(visit: &Visit, operations: &'static dyn Operations, name: OwnedName) -> Answer {
    let fields: Vec<_> =
        visit.request.query.all("fields").filter(|field| !field.is_empty()).map(str::to_owned).collect();
    let body = visit.read(move |read, context| Ok(operations.show(read, context, name.borrowed(), &fields)?)).await?;
    Ok(Reply::wrapped(StatusCode::OK, operations.info().member, body.into()))
}

/// The body, for somebody with a token: others learn nothing about bodies.
pub(super) async fn json_body(visit: &Visit) -> Result<Value, NetworkError> {
    if let Some(body) = visit.request.json() {
        return Ok(body);
    }
    visit.read(|_, _| Ok(())).await?;
    // Upstream takes an empty body for one that lacks the resource, see request::member.
    if visit.request.body.is_empty() { Ok(Value::Null) } else { Err(RequestError::Malformed.into()) }
}

async fn create(visit: &Visit, operations: &'static dyn Operations, parent: Parent<'_>) -> Answer {
    let parent = parent.map(str::to_owned);
    let of = parent.clone();
    let info = operations.info();
    let json = json_body(visit).await?;
    let most = visit.api.config.limits.page;
    let (bodies, bulk) = visit
        .write(move |tx, context| {
            let (bodies, bulk) = request::members(info, &json)?;
            if bodies.len() > most {
                return Err(NetworkError::BadField {
                    field: info.collection,
                    value: format!("{} objects", bodies.len()),
                    wanted: "a list short enough for one request",
                });
            }
            Ok((operations.create(tx, context, of.as_deref(), &bodies)?, bulk))
        })
        .await?;
    let bodies = as_applied(visit, operations, parent, bodies).await?;
    let mut bodies = bodies.into_iter().map(Value::Object);
    let (name, view) =
        if bulk { (info.collection, bodies.collect()) } else { (info.member, bodies.next().unwrap_or_default()) };
    Ok(Reply::wrapped(StatusCode::CREATED, name, view))
}

/// After a wait, the objects as they are now: their status has changed.
async fn as_applied(
    visit: &Visit,
    operations: &'static dyn Operations,
    parent: Option<String>,
    bodies: Vec<Body>,
) -> Result<Vec<Body>, NetworkError> {
    if !visit.waits() {
        return Ok(bodies);
    }
    visit
        .read(move |read, context| {
            let now = |body: Body| match body.get("id").and_then(Value::as_str) {
                Some(id) => Ok(operations.show(read, context, Name { parent: parent.as_deref(), id }, &[])?),
                None => Ok(body),
            };
            bodies.into_iter().map(now).collect()
        })
        .await
}

async fn update(visit: &Visit, operations: &'static dyn Operations, name: OwnedName) -> Answer {
    let info = operations.info();
    let json = json_body(visit).await?;
    let (parent, if_match) = (name.parent.clone(), if_match(visit)?);
    let body = visit
        .write(move |tx, context| {
            let body = request::member(info, &json)?;
            Ok(operations.update(tx, context, name.borrowed(), body, if_match)?)
        })
        .await?;
    let body = as_applied(visit, operations, parent, vec![body]).await?.into_iter().next();
    Ok(Reply::wrapped(StatusCode::OK, info.member, body.map_or(Value::Null, Value::Object)))
}

async fn delete(visit: &Visit, operations: &'static dyn Operations, name: OwnedName) -> Answer {
    let if_match = if_match(visit)?;
    visit.write(move |tx, context| Ok(operations.delete(tx, context, name.borrowed(), if_match)?)).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `If-Match: revision_number=5`: only if the object has not changed since.
fn if_match(visit: &Visit) -> Result<Option<u64>, NetworkError> {
    let Some(text) = visit.request.header(header::IF_MATCH.as_str()) else { return Ok(None) };
    match text.strip_prefix("revision_number=").and_then(|number| number.trim().parse().ok()) {
        Some(revision) => Ok(Some(revision)),
        None => Err(NetworkError::BadField {
            field: "If-Match",
            value: text.to_owned(),
            wanted: "of the form revision_number=NUMBER",
        }),
    }
}
