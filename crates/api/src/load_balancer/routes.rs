//! What the load balancer service answers, as a table.

use std::pin::Pin;

use super::{LoadBalancerError, Visit, quota, version};
use crate::{
    edge::Reply,
    endpoint::{Endpoint, Found, find},
    identity::Access,
};

type Answer = Result<Reply, LoadBalancerError>;
type Future = Pin<Box<dyn std::future::Future<Output = Answer> + Send>>;

/// A line of the table. An operation checks its caller itself, by the object that it is about; what a line says of
/// access is what the sweep of unauthorised calls expects.
struct Route {
    method: &'static str,
    /// The path below `/v2/lbaas`; its one parameter, if any, is a project's id.
    path: &'static str,
    access: Access,
    handler: fn(Visit, String) -> Future,
}

macro_rules! route {
    ($method:literal $path:literal $access:ident $answer:path) => {
        Route {
            method: $method,
            path: $path,
            access: Access::$access,
            handler: |visit, id| Box::pin(async move { $answer(&visit, &id).await }),
        }
    };
}

/// Every line.
static ROUTES: &[Route] = &[
    route!("GET" "" Authenticated version::v2),
    route!("GET" "/quotas" Authenticated quota::list),
    route!("GET" "/quotas/{project_id}" AdminOrProject quota::show),
    route!("GET" "/quotas/{project_id}/default" AdminOrProject quota::defaults),
    route!("PUT" "/quotas/{project_id}" Admin quota::update),
    route!("DELETE" "/quotas/{project_id}" Admin quota::reset),
];

/// Answers a path below `/v2/lbaas`.
pub(super) async fn answer(visit: &Visit, parts: &[&str]) -> Answer {
    let request = &visit.base.request;
    let refusal = match find(ROUTES, |route| (route.method, route.path), &request.method, parts) {
        Found::Line(route, parameters) => {
            let id = parameters.into_iter().next().map(|(_, id)| id).unwrap_or_default();
            return (route.handler)(visit.clone(), id).await;
        }
        Found::OtherMethod => LoadBalancerError::MethodNotAllowed,
        Found::Nothing => LoadBalancerError::UnknownPath,
    };
    // A stranger learns nothing of what is here.
    visit.base.read(|_, _| Ok::<_, LoadBalancerError>(())).await?;
    Err(refusal)
}

/// The table's endpoints.
pub(super) fn endpoints() -> impl Iterator<Item = Endpoint> {
    let path = |route: &Route| format!("/load-balancer/{{region}}/v2/lbaas{}", route.path);
    ROUTES.iter().map(move |route| Endpoint::new(route.method, path(route), route.access))
}
