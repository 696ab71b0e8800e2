//! Actions on one object: `PUT /v2.0/routers/{id}/add_router_interface` and its like.

use hyper::Method;
use model::{RequestError, ResourceInfo};
use serde_json::Value;

use super::{NetworkError, Visit, resource::json_body};
use crate::edge::Reply;

/// Answers `/v2.0/{path}/{id}/{name}`.
pub(super) async fn run(
    visit: &Visit,
    info: &'static ResourceInfo,
    id: &str,
    name: &str,
) -> Result<Reply, NetworkError> {
    let Some(action) = intent::action(info.path, name) else {
        visit.read(|_, _| Ok(())).await?;
        let path = format!("{}/{{id}}/{name}", info.path);
        return Err(NetworkError::UnknownResource { region: visit.region.clone(), path });
    };
    if visit.request.method != Method::PUT {
        return Err(NetworkError::MethodNotAllowed);
    }
    let Value::Object(body) = json_body(visit).await? else { return Err(RequestError::Malformed.into()) };
    let id = id.to_owned();
    let answer = visit.write(move |tx, context| Ok(action(tx, context, &id, &body)?)).await?;
    Ok(Reply::ok(&Value::Object(answer)))
}
