//! Quotas: what a project may have, and what it has.

use hyper::{Method, StatusCode};
use intent::quota::network as quota;
use serde_json::json;
use types::ProjectId;

use super::{NetworkError, Visit, resource::json_body};
use crate::edge::Reply;

/// Answers below `/v2.0/quotas`.
pub(super) async fn route(visit: &Visit, parts: &[&str]) -> Result<Reply, NetworkError> {
    let method = match visit.request.method {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    let project: Option<ProjectId> = parts.first().and_then(|id| id.parse().ok());
    let quota = match (method, parts, project) {
        (&Method::GET, [], _) => {
            let quotas = visit.read(|read, context| Ok(quota::list(read, context)?)).await?;
            return Ok(Reply::ok(&json!({ "quotas": quotas })));
        }
        // What project the caller's token is for: upstream has it here.
        (&Method::GET, [name @ ("tenant" | "project")], _) => {
            let project = visit.read(|_, context| Ok(context.project_id.clone())).await?;
            return Ok(Reply::ok(&json!({ *name: { format!("{name}_id"): project } })));
        }
        (&Method::GET, [_], Some(project)) => {
            visit.read(move |read, context| Ok(quota::show(read, context, &project)?)).await?
        }
        (&Method::GET, [_, "default"], Some(project)) => {
            visit.read(move |read, context| Ok(quota::defaults(read, context, &project)?)).await?
        }
        (&Method::GET, [_, "details" | "details.json"], Some(project)) => {
            visit.read(move |read, context| Ok(quota::details(read, context, &project)?)).await?
        }
        (&Method::PUT, [_], Some(project)) => {
            let body = json_body(visit).await?;
            visit.write(move |tx, context| Ok(quota::update(tx, context, &project, &body)?)).await?
        }
        (&Method::DELETE, [_], Some(project)) => {
            visit.write(move |tx, context| Ok(quota::reset(tx, context, &project)?)).await?;
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        }
        (_, [] | [_] | [_, "default" | "details" | "details.json"], _) => return Err(NetworkError::MethodNotAllowed),
        _ => {
            let path = format!("quotas/{}", parts.join("/"));
            return Err(NetworkError::UnknownResource { region: visit.region.clone(), path });
        }
    };
    Ok(Reply::ok(&json!({ "quota": quota })))
}
