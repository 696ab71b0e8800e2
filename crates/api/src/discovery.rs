//! `/`: what is here.

use hyper::Method;
use serde_json::json;

use crate::{
    edge::{Reply, Request, html_not_found},
    endpoint::Endpoint,
    identity::Access,
};

/// What is at the root.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new("GET", "/", Access::Anyone)]
}

/// The services of this address.
pub(crate) fn root(request: &Request) -> Reply {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return html_not_found("");
    }
    let url = &request.public_url;
    Reply::ok(&json!({
        "name": "baryon",
        "version": env!("CARGO_PKG_VERSION"),
        "services": [
            { "type": "identity", "href": format!("{url}/identity/v3") },
            { "type": "network", "href": format!("{url}/network/{{region}}/v2.0") },
        ],
    }))
}
