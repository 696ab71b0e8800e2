//! Quotas: how many zones a project may have, and how large they may be.

use std::sync::Arc;

use hyper::StatusCode;
use intent::quota::project::{Below, Change, Numbers, reset, set};
use model::{
    Features, Quota, QuotaDefaults, python,
    quota::{self, MAXIMUM, Service, UNLIMITED},
};
use serde_json::{Map, Value, json};
use store::Read;
use types::ProjectId;

use super::{DnsError, caller::Acting};
use crate::{
    edge::Reply,
    service::{Visit, may_read},
};

/// Global limits are in no region.
const NOWHERE: &str = "";

fn quotas() -> impl Iterator<Item = &'static Quota> {
    quota::of_service(Service::Dns, Features::BASIC)
}

/// The limits of the project that the caller acts for.
pub(super) async fn own(visit: &Visit, _: &str) -> Result<Reply, DnsError> {
    limits_of(visit, None).await
}

/// The limits of a project.
pub(super) async fn show(visit: &Visit, id: &str) -> Result<Reply, DnsError> {
    limits_of(visit, Some(project(id)?)).await
}

async fn limits_of(visit: &Visit, named: Option<ProjectId>) -> Result<Reply, DnsError> {
    let (request, defaults) = (Arc::clone(&visit.request), visit.api.config.quota_defaults());
    let body = visit
        .read(move |read, caller| {
            let acting = Acting::of(&request, caller)?;
            let project = named.unwrap_or_else(|| acting.project.clone());
            if !acting.is_admin && !may_read(caller, project.as_str()) || !acting.includes(&project) {
                return Err(DnsError::Forbidden);
            }
            limits(read, &project, &defaults)
        })
        .await?;
    Ok(Reply::ok(&Value::Object(body)))
}

/// Sets limits of a project.
pub(super) async fn update(visit: &Visit, id: &str) -> Result<Reply, DnsError> {
    let project = project(id)?;
    let (request, defaults) = (Arc::clone(&visit.request), visit.api.config.quota_defaults());
    let knows_projects = visit.api.external.is_none();
    let body = visit
        .write(move |tx, caller| {
            let acting = Acting::of(&request, caller)?;
            if !acting.is_admin {
                return Err(DnsError::Forbidden);
            }
            if knows_projects && tx.identity().project(&project)?.is_none() {
                return Err(DnsError::InvalidProject(project.to_string()));
            }
            let changes = changes(&request.json().ok_or(DnsError::Malformed)?)?;
            if !acting.includes(&project) {
                return Err(DnsError::Forbidden);
            }
            set(tx, &project, &changes, Below::Allowed)?;
            limits(tx, &project, &defaults)
        })
        .await?;
    Ok(Reply::ok(&Value::Object(body)))
}

/// Gives a project the default limits again.
pub(super) async fn delete(visit: &Visit, id: &str) -> Result<Reply, DnsError> {
    let project = project(id)?;
    let request = Arc::clone(&visit.request);
    visit
        .write(move |tx, caller| {
            // Upstream does not ask for the header here.
            if !Acting::of(&request, caller)?.is_admin {
                return Err(DnsError::Forbidden);
            }
            reset(tx, NOWHERE, &project, Service::Dns)?;
            Ok::<_, DnsError>(())
        })
        .await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn project(id: &str) -> Result<ProjectId, DnsError> {
    id.parse().map_err(|_| DnsError::InvalidProject(id.to_owned()))
}

fn limits(read: &Read<'_>, project: &ProjectId, defaults: &QuotaDefaults) -> Result<Map<String, Value>, DnsError> {
    let own = Numbers::limits(read.quotas(), project)?;
    Ok(quotas().map(|quota| (quota.name.to_owned(), json!(own.limit(NOWHERE, quota, defaults)))).collect())
}

/// What a body `{"zones": 20}` asks to be set.
fn changes(body: &Value) -> Result<Vec<Change>, DnsError> {
    let body = body.as_object().ok_or(DnsError::Malformed)?;
    let change = |(name, value): (&String, &Value)| {
        let quota = quotas()
            .find(|quota| quota.is_called(name))
            .ok_or_else(|| DnsError::InvalidObject(format!("Field value {name} is invalid")))?;
        Ok(Change { region: NOWHERE.to_owned(), quota, limit: Some(limit(value)?) })
    };
    body.iter().map(change).collect()
}

/// A number in the range of limits; a text that is one is taken, as upstream does.
fn limit(value: &Value) -> Result<i64, DnsError> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(flag) => Some(i64::from(*flag)),
        other => other.as_i64(),
    };
    match number {
        None => {
            let text = format!("invalid literal for int() with base 10: {}", python::repr(value));
            Err(DnsError::InvalidObject(text))
        }
        Some(..UNLIMITED) => Err(DnsError::InvalidObject(format!("Value must be >= {UNLIMITED} for field hard_limit"))),
        Some(number @ UNLIMITED..=MAXIMUM) => Ok(number),
        Some(_) => Err(DnsError::InvalidObject("Value too high for hard_limit".to_owned())),
    }
}
