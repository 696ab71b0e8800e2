//! What the network service answers beside its resources, as a table.
//!
//! Resources, their tags and actions follow `model`'s registry and `intent`'s tables
//! (`resource.rs`); a path is looked for here first.

use std::pin::Pin;

use hyper::StatusCode;
use serde_json::json;
use types::ProjectId;

use super::{NetworkError, Visit, baryon, extension, quota, version};
use crate::{
    edge::Reply,
    endpoint::{Endpoint, Found, find},
    identity::Access,
};

type Answer = Result<Reply, NetworkError>;
type Future = Pin<Box<dyn std::future::Future<Output = Answer> + Send>>;

/// A line of the table.
struct Route {
    method: &'static str,
    /// The path below `/v2.0`.
    path: &'static str,
    handler: fn(Visit, Parameters) -> Future,
}

/// The parts of a path by the names that its pattern gives them.
pub(super) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// The project that the path names.
    fn project(&self, visit: &Visit) -> Result<ProjectId, NetworkError> {
        let id = self.get("project_id");
        let path = || format!("quotas/{id}");
        id.parse().map_err(|_| NetworkError::UnknownResource { region: visit.region.clone(), path: path() })
    }
}

/// A handler that needs the request only.
macro_rules! plain {
    ($method:literal $path:literal $answer:path) => {
        Route { method: $method, path: $path, handler: |visit, _| Box::pin(async move { $answer(&visit).await }) }
    };
}

/// A handler that is about a project.
macro_rules! of_project {
    ($method:literal $path:literal $answer:path) => {
        Route {
            method: $method,
            path: $path,
            handler: |visit, parameters| Box::pin(async move { $answer(&visit, parameters.project(&visit)?).await }),
        }
    };
}

/// Every line.
static ROUTES: &[Route] = &[
    plain!("GET" "" version::v2),
    plain!("GET" "/extensions" extension::list),
    Route {
        method: "GET",
        path: "/extensions/{alias}",
        handler: |visit, parameters| Box::pin(async move { extension::show(&visit, parameters.get("alias")).await }),
    },
    plain!("GET" "/agents" no_agents),
    plain!("GET" "/availability_zones" no_zones),
    plain!("GET" "/quotas" quota::list),
    plain!("GET" "/quotas/tenant" quota::tenant),
    plain!("GET" "/quotas/project" quota::project),
    of_project!("GET" "/quotas/{project_id}" quota::show),
    of_project!("PUT" "/quotas/{project_id}" quota::update),
    of_project!("DELETE" "/quotas/{project_id}" quota::reset),
    of_project!("GET" "/quotas/{project_id}/default" quota::defaults),
    of_project!("GET" "/quotas/{project_id}/details" quota::details),
    of_project!("GET" "/quotas/{project_id}/details.json" quota::details),
    plain!("POST" "/baryon/trace" baryon::trace),
    plain!("GET" "/baryon/status" baryon::status),
    Route {
        method: "GET",
        path: "/baryon/drops/{port_id}",
        handler: |visit, parameters| Box::pin(async move { baryon::drops(&visit, parameters.get("port_id")).await }),
    },
];

/// What clients ask in passing. One host has no agents apart from itself.
async fn no_agents(visit: &Visit) -> Answer {
    visit.read(|_, _| Ok(())).await?;
    Ok(Reply::ok(&json!({ "agents": [] })))
}

/// Nor has it zones.
async fn no_zones(visit: &Visit) -> Answer {
    visit.read(|_, _| Ok(())).await?;
    Ok(Reply::json(StatusCode::OK, &json!({ "availability_zones": [] })))
}

/// Answers a path that the table has; `None` for all others.
pub(super) async fn answer(visit: &Visit, parts: &[&str]) -> Option<Answer> {
    match find(ROUTES, |route| (route.method, route.path), &visit.request.method, parts) {
        Found::Line(route, parameters) => Some((route.handler)(visit.clone(), Parameters(parameters)).await),
        Found::OtherMethod => Some(Err(NetworkError::MethodNotAllowed)),
        Found::Nothing => None,
    }
}

/// The table's endpoints.
pub(super) fn endpoints(base: &str) -> impl Iterator<Item = Endpoint> {
    ROUTES.iter().map(move |route| Endpoint::new(route.method, format!("{base}{}", route.path), Access::Authenticated))
}
