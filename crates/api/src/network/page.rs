//! Links to the pages before and after.

use hyper::StatusCode;
use intent::Page;
use model::{ListQuery, ResourceInfo};
use serde_json::{Value, json};

use super::Visit;
use crate::edge::Reply;

/// A list as clients see it. The objects are JSON already, and go into it as they are.
pub(super) fn reply(visit: &Visit, info: &ResourceInfo, query: &ListQuery, page: Page) -> Reply {
    let links = links(visit, query, &page);
    let mut body = Vec::with_capacity(page.json.len() + 64);
    body.extend(format!("{{\"{}\":", info.collection).bytes());
    body.extend(page.json);
    if !links.is_empty() {
        body.extend(format!(",\"{}_links\":{}", info.collection, Value::Array(links)).bytes());
    }
    body.push(b'}');
    Reply::json_text(StatusCode::OK, body)
}

/// As Neutron: a full page has both neighbours, a short one only that which it was reached from. An
/// empty page has no object to go on from: its neighbour is the first or the last page.
fn links(visit: &Visit, query: &ListQuery, page: &Page) -> Vec<Value> {
    let Some(limit) = query.limit else { return Vec::new() };
    let full = page.count >= limit;
    let mut links = Vec::new();
    if full || query.page_reverse {
        links.push(json!({ "rel": "next", "href": href(visit, page.last.as_deref(), false) }));
    }
    if full || !query.page_reverse {
        links.push(json!({ "rel": "previous", "href": href(visit, page.first.as_deref(), true) }));
    }
    links
}

fn href(visit: &Visit, marker: Option<&str>, reverse: bool) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(visit.request.query.pairs().filter(|(name, _)| !matches!(*name, "marker" | "page_reverse")));
    if let Some(marker) = marker {
        query.append_pair("marker", marker);
    }
    if reverse {
        query.append_pair("page_reverse", "True");
    }
    format!("{}{}?{}", visit.request.public_url, visit.request.path, query.finish())
}
