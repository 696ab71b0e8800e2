//! What the load balancer service answers, as a table.

use super::{LoadBalancerError, Visit, quota, version};
use crate::{
    edge::Reply,
    endpoint::Endpoint,
    service::{self, Miss, Route, route},
};

/// Every line, below `/v2/lbaas`.
static ROUTES: &[Route<Visit, LoadBalancerError>] = &[
    route!("GET" "" Authenticated version::v2),
    route!("GET" "/quotas" Authenticated quota::list),
    route!("GET" "/quotas/{project_id}" AdminOrProject quota::show),
    route!("GET" "/quotas/{project_id}/default" AdminOrProject quota::defaults),
    route!("PUT" "/quotas/{project_id}" Admin quota::update),
    route!("DELETE" "/quotas/{project_id}" Admin quota::reset),
];

impl From<Miss> for LoadBalancerError {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Method => Self::MethodNotAllowed,
            Miss::Path => Self::UnknownPath,
        }
    }
}

/// Answers a path below `/v2/lbaas`.
pub(super) async fn answer(visit: &Visit, parts: &[&str]) -> Result<Reply, LoadBalancerError> {
    service::answer(ROUTES, visit, &visit.base, parts).await
}

/// The table's endpoints.
pub(super) fn endpoints() -> impl Iterator<Item = Endpoint> {
    service::endpoints(ROUTES, "/load-balancer/{region}/v2/lbaas")
}
