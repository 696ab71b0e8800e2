//! What the DNS service answers, as a table.

use std::pin::Pin;

use super::{DnsError, quota};
use crate::{
    edge::Reply,
    endpoint::{Endpoint, Found, find},
    identity::Access,
    service::Visit,
};

type Answer = Result<Reply, DnsError>;
type Future = Pin<Box<dyn std::future::Future<Output = Answer> + Send>>;

/// A line of the table. An operation checks its caller itself, by the object that it is about; what a line says of
/// access is what the sweep of unauthorised calls expects.
struct Route {
    method: &'static str,
    /// The path below `/dns`; its one parameter, if any, is a project's id.
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
    route!("GET" "/v2/quotas" Authenticated quota::own),
    route!("GET" "/v2/quotas/{project_id}" AdminOrProject quota::show),
    route!("PATCH" "/v2/quotas/{project_id}" Admin quota::update),
    route!("DELETE" "/v2/quotas/{project_id}" Admin quota::delete),
];

/// Answers a path below `/dns`.
pub(super) async fn answer(visit: &Visit, parts: &[&str]) -> Answer {
    let refusal = match find(ROUTES, |route| (route.method, route.path), &visit.request.method, parts) {
        Found::Line(route, parameters) => {
            let id = parameters.into_iter().next().map(|(_, id)| id).unwrap_or_default();
            return (route.handler)(visit.clone(), id).await;
        }
        Found::OtherMethod => DnsError::MethodNotAllowed,
        Found::Nothing => DnsError::UnknownPath,
    };
    // A stranger learns nothing of what is here.
    visit.read(|_, _| Ok::<_, DnsError>(())).await?;
    Err(refusal)
}

/// The table's endpoints.
pub(super) fn endpoints() -> impl Iterator<Item = Endpoint> {
    ROUTES.iter().map(|route| Endpoint::new(route.method, format!("/dns{}", route.path), route.access))
}
