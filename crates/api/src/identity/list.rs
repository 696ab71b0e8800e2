//! Lists and the filters of a query.

use form_urlencoded::Serializer;
use model::python;
use serde_json::{Value, json};

use super::{KeystoneError, route::Call};
use crate::edge::{Reply, Request};

/// `{"<key>": [...], "links": {...}}`.
pub(crate) fn reply(request: &Request, key: &str, items: Vec<Value>) -> Reply {
    let own = format!("{}{}", request.public_url, request.path);
    Reply::ok(&json!({ key: items, "links": { "next": null, "self": own, "previous": null } }))
}

/// Whether something was found. Any other error than its absence stays one.
pub(crate) fn found<T>(looked_up: Result<T, KeystoneError>) -> Result<bool, KeystoneError> {
    match looked_up {
        Ok(_) => Ok(true),
        Err(KeystoneError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The page of a list that the query asks for by `limit` and `marker`, of items in the order of their ids.
/// `exists` says whether there is an object of an id: a marker must name one, listed or not.
pub(crate) fn page(
    call: &Call<'_>,
    key: &str,
    mut items: Vec<Value>,
    exists: impl FnOnce(&str) -> Result<bool, KeystoneError>,
) -> Result<Reply, KeystoneError> {
    let request = call.request();
    let longest = call.api().config.limits.page;
    let limit = match request.query.first("limit") {
        None | Some("" | "0") => longest,
        Some(text) => match text.parse::<usize>() {
            Ok(limit) => limit.min(longest),
            Err(_) => {
                let quoted = python::repr(&Value::from(text));
                return Err(KeystoneError::invalid("limit", text, format!("{quoted} is not of type 'integer'")));
            }
        },
    };
    if let Some(marker) = request.query.first("marker").filter(|marker| !marker.is_empty()) {
        if !exists(marker)? {
            return Err(KeystoneError::Missing(format!("Marker {marker} could not be found.")));
        }
        items.retain(|item| item["id"].as_str().is_some_and(|id| id > marker));
    }
    if items.len() <= limit {
        return Ok(reply(request, key, items));
    }
    items.truncate(limit);
    let own = format!("{}{}", request.public_url, request.path);
    let last = items.last().and_then(|item| item["id"].as_str()).unwrap_or_default();
    let next = format!("{own}?{}", after(request, last, limit));
    let links = json!({ "next": next, "self": own, "previous": null });
    Ok(Reply::ok(&json!({ key: items, "links": links, "truncated": true })))
}

/// The query of a request again, for what comes after an object.
fn after(request: &Request, marker: &str, limit: usize) -> String {
    let mut next = Serializer::new(String::new());
    next.extend_pairs(request.query.pairs().filter(|(name, _)| !matches!(*name, "limit" | "marker")));
    next.append_pair("limit", &limit.to_string()).append_pair("marker", marker).finish()
}

/// Whether an object has what the query asks for, in these attributes: `name=x`, `name__contains=x`
/// and the like as in Keystone. Other names in a query are ignored.
pub(crate) fn selects(request: &Request, object: &Value, attributes: &[&str]) -> bool {
    request.query.pairs().all(|(key, wanted)| {
        let (name, comparison) = key.split_once("__").unwrap_or((key, "exact"));
        if !attributes.contains(&name) {
            return true;
        }
        match &object[name] {
            Value::Bool(found) => *found == truth(wanted),
            Value::String(found) => compare(comparison, found, wanted),
            _ => false,
        }
    })
}

/// Whether the text of a query means yes: everything does but a few words.
pub(crate) fn truth(text: &str) -> bool {
    !matches!(text.to_ascii_lowercase().as_str(), "0" | "f" | "false" | "n" | "no" | "off")
}

fn compare(comparison: &str, found: &str, wanted: &str) -> bool {
    let folded = || (found.to_lowercase(), wanted.to_lowercase());
    match comparison {
        "contains" => found.contains(wanted),
        "icontains" => folded().0.contains(&folded().1),
        "startswith" => found.starts_with(wanted),
        "istartswith" => folded().0.starts_with(&folded().1),
        "endswith" => found.ends_with(wanted),
        "iendswith" => folded().0.ends_with(&folded().1),
        "iexact" => folded().0 == folded().1,
        _ => found == wanted,
    }
}
