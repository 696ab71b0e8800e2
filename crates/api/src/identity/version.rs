//! Version documents: where clients begin.

use hyper::{StatusCode, header};
use serde_json::{Value, json};

use crate::edge::{Reply, Request};

fn document(request: &Request) -> Value {
    json!({
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{ "rel": "self", "href": format!("{}/identity/v3/", request.public_url) }],
        "media-types": [{ "base": "application/json", "type": "application/vnd.openstack.identity-v3+json" }],
    })
}

/// `/identity`: 300, because the client has to choose, out of one.
pub(super) fn list(request: &Request) -> Reply {
    let body = json!({ "versions": { "values": [document(request)] } });
    let location = format!("{}/identity/v3/", request.public_url);
    Reply::json(StatusCode::MULTIPLE_CHOICES, &body).with_header(header::LOCATION, &location)
}

/// `/identity/v3`.
pub(super) fn v3(request: &Request) -> Reply {
    Reply::ok(&json!({ "version": document(request) }))
}
