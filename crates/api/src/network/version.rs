//! Version documents.

use hyper::Method;
use serde_json::json;

use super::{NetworkError, Visit};
use crate::edge::{Reply, Request};

/// `/network/{region}`: which versions there are, for everybody.
pub(super) fn list(request: &Request, region: &str) -> Result<Reply, NetworkError> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(NetworkError::MethodNotAllowed);
    }
    let href = format!("{}/network/{region}/v2.0/", request.public_url);
    let version = json!({ "id": "v2.0", "status": "CURRENT", "links": [{ "rel": "self", "href": href }] });
    Ok(Reply::ok(&json!({ "versions": [version] })))
}

/// `/v2.0`: the core resources.
pub(super) async fn v2(visit: &Visit) -> Result<Reply, NetworkError> {
    visit.read(|_, _| Ok(())).await?;
    let base = format!("{}/network/{}/v2.0", visit.request.public_url, visit.region);
    let core = model::registry::RESOURCES.iter().filter(|info| info.since.is_empty());
    let resources: Vec<_> = core
        .map(|info| {
            json!({
                "name": info.member,
                "collection": info.collection,
                "links": [{ "rel": "self", "href": format!("{base}/{}", info.path) }],
            })
        })
        .collect();
    Ok(Reply::ok(&json!({ "resources": resources })))
}
