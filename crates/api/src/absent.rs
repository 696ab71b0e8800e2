//! No compute and no image service: every call is answered with what to do instead.
//!
//! The catalogue has `compute` and `image` entries only for this. Without them, `openstack server
//! create` says that an endpoint is missing, and the user learns nothing. The version documents are
//! whole, so that clients get as far as the call whose answer they show.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    edge::{Reply, Request},
    endpoint::Endpoint,
    identity::Access,
};

const MESSAGE: &str = "Baryon has no compute service: it connects servers that exist already. \
    Create a port (openstack port create) and connect a network namespace or a tap device to it on this host: \
    baryon attach PORT --netns NAME, or baryon attach PORT --tap NAME";

fn compute_version(request: &Request) -> Value {
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

fn image_versions(request: &Request) -> Reply {
    let href = format!("{}/image/v2/", request.public_url);
    let version = json!({ "id": "v2.0", "status": "CURRENT", "links": [{ "rel": "self", "href": href }] });
    Reply::ok(&json!({ "versions": [version] }))
}

/// What other commands ask in passing: a service that is not there limits nothing and has no zones.
fn in_passing(parts: &[&str], request: &Request) -> Option<Reply> {
    match (parts, &request.method) {
        (["os-quota-sets", project, ..], &Method::GET) => Some(Reply::ok(&json!({ "quota_set": { "id": project } }))),
        (["os-quota-sets", _], &Method::DELETE) => Some(Reply::empty(StatusCode::ACCEPTED)),
        (["limits"], &Method::GET) => Some(Reply::ok(&json!({ "limits": { "rate": [], "absolute": {} } }))),
        (["os-availability-zone", ..], &Method::GET) => Some(Reply::ok(&json!({ "availabilityZoneInfo": [] }))),
        _ => None,
    }
}

/// What is answered in place of these services: to everybody, since there is nothing to tell.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    ["/compute", "/compute/v2.1", "/compute/v2.1/{anything}", "/image", "/image/{anything}"]
        .map(|path| Endpoint::new("GET", path, Access::Anyone))
        .to_vec()
}

/// Answers a request to a service that is not there.
pub(crate) fn handle(request: &Request) -> Reply {
    let get = matches!(request.method, Method::GET | Method::HEAD);
    let parts = request.parts_after(0);
    if let ["compute", "v2.1", rest @ ..] = parts.as_slice()
        && let Some(reply) = in_passing(rest, request)
    {
        return reply;
    }
    match parts.as_slice() {
        ["compute"] if get => Reply::ok(&json!({ "versions": [compute_version(request)] })),
        ["compute", "v2.1"] if get => Reply::ok(&json!({ "version": compute_version(request) })),
        ["image"] if get => image_versions(request),
        _ => {
            let status = StatusCode::NOT_IMPLEMENTED;
            Reply::json(status, &json!({ "computeFault": { "code": status.as_u16(), "message": MESSAGE } }))
        }
    }
}
