//! Links to the pages before and after.

use intent::Page;
use model::{ListQuery, ResourceInfo};
use serde_json::{Map, Value, json};

use super::Visit;

/// A list as clients see it.
pub(super) fn view(visit: &Visit, info: &ResourceInfo, query: &ListQuery, page: Page) -> Value {
    let links = links(visit, query, &page);
    // Moved, not copied as by `json!`: a page may hold thousands.
    let items = page.items.into_iter().map(Value::Object).collect();
    let mut view = Value::Object(Map::from_iter([(info.collection.to_owned(), items)]));
    if !links.is_empty() {
        view[format!("{}_links", info.collection)] = Value::Array(links);
    }
    view
}

/// As Neutron: a full page has both neighbours, a short one only that which it was reached from. An
/// empty page has no object to go on from: its neighbour is the first or the last page.
fn links(visit: &Visit, query: &ListQuery, page: &Page) -> Vec<Value> {
    let Some(limit) = query.limit else { return Vec::new() };
    let full = page.items.len() >= limit;
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
