//! Lists and the filters of a query.

use serde_json::{Value, json};

use crate::edge::{Reply, Request};

/// `{"<key>": [...], "links": {...}}`.
pub(crate) fn reply(request: &Request, key: &str, items: Vec<Value>) -> Reply {
    let own = format!("{}{}", request.public_url, request.path);
    Reply::ok(&json!({ key: items, "links": { "next": null, "self": own, "previous": null } }))
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
            Value::Bool(found) => {
                *found == !matches!(wanted.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off")
            }
            Value::String(found) => compare(comparison, found, wanted),
            _ => false,
        }
    })
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
