//! Quotas: what a project may have, and what it has.

use hyper::StatusCode;
use intent::quota::network as quota;
use model::Body;
use serde_json::json;
use types::ProjectId;

use super::{NetworkError, Visit, resource::json_body};
use crate::edge::Reply;

type Answer = Result<Reply, NetworkError>;

fn reply(quota: &Body) -> Answer {
    Ok(Reply::ok(&json!({ "quota": quota })))
}

/// `GET /quotas`.
pub(super) async fn list(visit: &Visit) -> Answer {
    let quotas = visit.read(|read, context| Ok(quota::list(read, context)?)).await?;
    Ok(Reply::ok(&json!({ "quotas": quotas })))
}

/// `GET /quotas/tenant`: what project the caller's token is for; upstream has it here.
pub(super) async fn tenant(visit: &Visit) -> Answer {
    let project = own(visit).await?;
    Ok(Reply::ok(&json!({ "tenant": { "tenant_id": project } })))
}

/// `GET /quotas/project`: the same by its newer name.
pub(super) async fn project(visit: &Visit) -> Answer {
    let project = own(visit).await?;
    Ok(Reply::ok(&json!({ "project": { "project_id": project } })))
}

async fn own(visit: &Visit) -> Result<ProjectId, NetworkError> {
    visit.read(|_, context| Ok(context.project_id.clone())).await
}

/// `GET /quotas/{project_id}`.
pub(super) async fn show(visit: &Visit, project: ProjectId) -> Answer {
    reply(&visit.read(move |read, context| Ok(quota::show(read, context, &project)?)).await?)
}

/// `GET /quotas/{project_id}/default`.
pub(super) async fn defaults(visit: &Visit, project: ProjectId) -> Answer {
    reply(&visit.read(move |read, context| Ok(quota::defaults(read, context, &project)?)).await?)
}

/// `GET /quotas/{project_id}/details`.
pub(super) async fn details(visit: &Visit, project: ProjectId) -> Answer {
    reply(&visit.read(move |read, context| Ok(quota::details(read, context, &project)?)).await?)
}

/// `PUT /quotas/{project_id}`.
pub(super) async fn update(visit: &Visit, project: ProjectId) -> Answer {
    let body = json_body(visit).await?;
    reply(&visit.write(move |tx, context| Ok(quota::update(tx, context, &project, &body)?)).await?)
}

/// `DELETE /quotas/{project_id}`.
pub(super) async fn reset(visit: &Visit, project: ProjectId) -> Answer {
    visit.write(move |tx, context| Ok(quota::reset(tx, context, &project)?)).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
