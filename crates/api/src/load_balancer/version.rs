//! Version documents.

use hyper::Method;
use serde_json::{Value, json};

use super::{LoadBalancerError, Visit};
use crate::edge::Reply;

/// When each minor version came, from 2.0 on. What clients may use follows from the newest one.
const VERSIONS: [&str; 31] = [
    "2016-12-11T00:00:00Z",
    "2018-04-20T00:00:00Z",
    "2018-07-31T00:00:00Z",
    "2018-12-18T00:00:00Z",
    "2018-12-19T00:00:00Z",
    "2019-01-21T00:00:00Z",
    "2019-01-25T00:00:00Z",
    "2018-01-25T12:00:00Z",
    "2019-02-12T00:00:00Z",
    "2019-03-04T00:00:00Z",
    "2019-03-05T00:00:00Z",
    "2019-06-24T00:00:00Z",
    "2019-09-11T00:00:00Z",
    "2019-09-13T00:00:00Z",
    "2019-11-10T00:00:00Z",
    "2020-03-10T00:00:00Z",
    "2020-03-15T00:00:00Z",
    "2020-04-29T00:00:00Z",
    "2020-04-29T01:00:00Z",
    "2020-05-12T00:00:00Z",
    "2020-08-02T00:00:00Z",
    "2020-09-03T00:00:00Z",
    "2020-09-04T00:00:00Z",
    "2020-09-07T00:00:00Z",
    "2020-10-15T00:00:00Z",
    "2021-10-02T00:00:00Z",
    "2022-08-29T00:00:00Z",
    "2023-05-05T00:00:00Z",
    "2023-11-08T00:00:00Z",
    "2024-10-15T00:00:00Z",
    "2025-02-26T00:00:00Z",
];

/// `/load-balancer/{region}`: which versions there are, for everybody.
pub(super) fn list(visit: &Visit) -> Result<Reply, LoadBalancerError> {
    let request = &visit.base.request;
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(LoadBalancerError::MethodNotAllowed);
    }
    let href = format!("{}/load-balancer/{}/v2", request.public_url, visit.region.name);
    let version = |(minor, updated): (usize, &&str)| {
        let status = if minor + 1 == VERSIONS.len() { "CURRENT" } else { "SUPPORTED" };
        let links = json!([{ "rel": "self", "href": href }]);
        json!({ "id": format!("v2.{minor}"), "status": status, "updated": updated, "links": links })
    };
    let versions: Vec<Value> = VERSIONS.iter().enumerate().map(version).collect();
    Ok(Reply::ok(&json!({ "versions": versions })))
}

/// `/load-balancer/{region}/v2`: its name.
pub(super) async fn v2(visit: &Visit, _: &str) -> Result<Reply, LoadBalancerError> {
    visit.base.read(|_, _| Ok::<_, LoadBalancerError>(())).await?;
    Ok(Reply::ok(&json!("v2")))
}
