//! `/identity` where another Keystone is responsible: the way there.

use hyper::{Method, StatusCode, header};
use serde_json::json;

use crate::{
    edge::{Reply, Request},
    identity::error,
};

/// Version documents lead to Keystone, which clients follow; whatever is asked beyond is not here.
pub(in crate::identity) fn answer(url: &str, request: &Request, parts: &[&str]) -> Reply {
    let base = url.trim_end_matches('/');
    let href = if base.ends_with("/v3") { format!("{base}/") } else { format!("{base}/v3/") };
    let get = matches!(request.method, Method::GET | Method::HEAD);
    match parts {
        [] | ["v3"] if get => {
            let version = json!({
                "id": "v3.14",
                "status": "stable",
                "updated": "2020-04-07T00:00:00Z",
                "links": [{ "rel": "self", "href": href }],
                "media-types": [{ "base": "application/json", "type": "application/vnd.openstack.identity-v3+json" }],
            });
            let body = json!({ "versions": { "values": [version] } });
            Reply::json(StatusCode::MULTIPLE_CHOICES, &body).with_header(header::LOCATION, &href)
        }
        _ => error::body(StatusCode::NOT_FOUND, &format!("Identities of this cloud are kept by {href}: ask there.")),
    }
}
