//! No compute service: every call is answered with what to do instead.
//!
//! The catalogue has a `compute` entry only for this. Without it, `openstack server create` says
//! that an endpoint is missing, and the user learns nothing. The version documents are whole, so
//! that clients get as far as the call whose answer they show.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::edge::{Reply, Request};

const MESSAGE: &str = "Baryon has no compute service: it connects servers that exist already. \
    Create a port (openstack port create) and connect a network namespace or a tap device to it on this host: \
    baryon attach PORT --netns NAME, or baryon attach PORT --tap NAME";

fn version(request: &Request) -> Value {
    json!({
        "id": "v2.1",
        "status": "CURRENT",
        "version": "2.1",
        "min_version": "2.1",
        "updated": "2013-07-23T11:33:21Z",
        "links": [{ "rel": "self", "href": format!("{}/compute/v2.1/", request.public_url) }],
        "media-types": [{ "base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1" }],
    })
}

/// Answers a request to the compute service that is not there.
pub(crate) fn handle(request: &Request) -> Reply {
    match (&request.method, request.parts_after(1).as_slice()) {
        (&Method::GET | &Method::HEAD, []) => Reply::ok(&json!({ "versions": [version(request)] })),
        (&Method::GET | &Method::HEAD, ["v2.1"]) => Reply::ok(&json!({ "version": version(request) })),
        _ => {
            let status = StatusCode::NOT_IMPLEMENTED;
            Reply::json(status, &json!({ "computeFault": { "code": status.as_u16(), "message": MESSAGE } }))
        }
    }
}
