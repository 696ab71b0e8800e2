//! What the DNS service answers, as a table.

use super::{DnsError, quota};
use crate::{
    edge::Reply,
    endpoint::Endpoint,
    service::{self, Miss, Route, Visit, route},
};

/// Every line, below `/dns`.
static ROUTES: &[Route<Visit, DnsError>] = &[
    route!("GET" "/v2/quotas" Authenticated quota::own),
    route!("GET" "/v2/quotas/{project_id}" AdminOrProject quota::show),
    route!("PATCH" "/v2/quotas/{project_id}" Admin quota::update),
    route!("DELETE" "/v2/quotas/{project_id}" Admin quota::delete),
];

impl From<Miss> for DnsError {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Method => Self::MethodNotAllowed,
            Miss::Path => Self::UnknownPath,
        }
    }
}

/// Answers a path below `/dns`.
pub(super) async fn answer(visit: &Visit, parts: &[&str]) -> Result<Reply, DnsError> {
    service::answer(ROUTES, visit, visit, parts).await
}

/// The table's endpoints.
pub(super) fn endpoints() -> impl Iterator<Item = Endpoint> {
    service::endpoints(ROUTES, "/dns")
}
