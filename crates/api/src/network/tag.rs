//! Tags of an object.

use hyper::{Method, StatusCode};
use intent::tags;
use model::ResourceInfo;
use serde_json::json;

use super::{NetworkError, Visit, resource::json_body};
use crate::edge::Reply;

/// Answers below `/v2.0/{path}/{id}/tags`.
pub(super) async fn route(
    visit: &Visit,
    info: &'static ResourceInfo,
    id: &str,
    parts: &[&str],
) -> Result<Reply, NetworkError> {
    let id = id.to_owned();
    let method = match visit.request.method {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    match (method, parts) {
        (&Method::GET, []) => {
            let tags = visit.read(move |read, context| Ok(tags::list(read, context, info, &id)?)).await?;
            Ok(Reply::ok(&json!({ "tags": tags })))
        }
        (&Method::PUT, []) => {
            let body = json_body(visit).await?;
            let tags = visit.write(move |tx, context| Ok(tags::replace(tx, context, info, &id, &body)?)).await?;
            Ok(Reply::ok(&json!({ "tags": tags })))
        }
        (&Method::POST, []) => {
            let body = json_body(visit).await?;
            let tags = visit.write(move |tx, context| Ok(tags::extend(tx, context, info, &id, &body)?)).await?;
            Ok(Reply::json(StatusCode::CREATED, &json!({ "tags": tags })))
        }
        (&Method::DELETE, []) => {
            visit.write(move |tx, context| Ok(tags::clear(tx, context, info, &id)?)).await?;
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        }
        (method, [tag]) => {
            let tag = (*tag).to_owned();
            match *method {
                Method::GET => {
                    visit.read(move |read, context| Ok(tags::contains(read, context, info, &id, &tag)?)).await?;
                    Ok(Reply::empty(StatusCode::NO_CONTENT))
                }
                Method::PUT => {
                    visit.write(move |tx, context| Ok(tags::add(tx, context, info, &id, &tag)?)).await?;
                    // Upstream answers `null` here, not an empty body.
                    Ok(Reply::json(StatusCode::CREATED, &serde_json::Value::Null))
                }
                Method::DELETE => {
                    visit.write(move |tx, context| Ok(tags::remove(tx, context, info, &id, &tag)?)).await?;
                    Ok(Reply::empty(StatusCode::NO_CONTENT))
                }
                _ => Err(NetworkError::MethodNotAllowed),
            }
        }
        _ => Err(NetworkError::MethodNotAllowed),
    }
}
