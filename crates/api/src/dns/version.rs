//! Version documents.

use hyper::Method;
use serde_json::{Value, json};

use super::DnsError;
use crate::{edge::Reply, service::Visit};

/// The versions, and when each was last changed.
const VERSIONS: [(&str, &str); 6] = [
    ("v2", "2022-06-29T00:00:00Z"),
    ("v2.0", "2022-06-29T00:00:00Z"),
    ("v2.1", "2023-01-25T00:00:00Z"),
    ("v2.2", "2025-08-25T00:00:00Z"),
    ("v2.3", "2026-04-06T00:00:00Z"),
    ("v2.4", "2026-04-13T00:00:00Z"),
];

/// `/dns`: which versions there are, for everybody.
pub(super) fn list(visit: &Visit) -> Result<Reply, DnsError> {
    if !matches!(visit.request.method, Method::GET | Method::HEAD) {
        return Err(DnsError::MethodNotAllowed);
    }
    let href = format!("{}/dns/v2", visit.request.public_url);
    let version = |(index, (id, updated)): (usize, &(&str, &str))| {
        json!({
            "id": id,
            "status": if index + 1 == VERSIONS.len() { "CURRENT" } else { "SUPPORTED" },
            "updated": updated,
            "links": [
                { "rel": "self", "href": href },
                { "rel": "help", "href": "https://docs.openstack.org/api-ref/dns" },
            ],
        })
    };
    let versions: Vec<Value> = VERSIONS.iter().enumerate().map(version).collect();
    Ok(Reply::ok(&json!({ "versions": versions })))
}
