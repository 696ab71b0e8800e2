//! What the region offers beyond the core.

use model::extension::{EXTENSIONS, by_alias};
use serde_json::json;

use super::{NetworkError, Visit};
use crate::edge::Reply;

/// `GET /v2.0/extensions`.
pub(super) async fn list(visit: &Visit) -> Result<Reply, NetworkError> {
    visit.read(|_, _| Ok(())).await?;
    Ok(Reply::ok(&json!({ "extensions": EXTENSIONS.as_slice() })))
}

/// `GET /v2.0/extensions/{alias}`.
pub(super) async fn show(visit: &Visit, alias: &str) -> Result<Reply, NetworkError> {
    visit.read(|_, _| Ok(())).await?;
    let extension = by_alias(alias).ok_or_else(|| NetworkError::UnknownExtension { alias: alias.to_owned() })?;
    Ok(Reply::ok(&json!({ "extension": extension })))
}
