//! Quotas: how many balancers and parts of them a project may have.

use std::collections::BTreeMap;

use hyper::StatusCode;
use intent::quota::project::{Below, Change, Numbers, set};
use model::{
    Quota, python,
    quota::{self, Service, UNLIMITED},
};
use serde_json::{Map, Value, json};
use store::Quotas;
use types::ProjectId;

use super::{LoadBalancerError, Visit};
use crate::{Region, edge::Reply, identity::Caller, service::may_read};

/// The largest limit that Octavia takes.
const MAXIMUM: i64 = 2_000_000_000;

/// In place of a project's id: nobody's, for the defaults.
const DEFAULTS: &str = "defaults";

fn quotas() -> impl Iterator<Item = &'static Quota> {
    quota::of_service(Service::LoadBalancer, model::Features::all())
}

/// The limits of every project that has some of its own; for others than administrators, of their own project.
pub(super) async fn list(visit: &Visit, _: &str) -> Result<Reply, LoadBalancerError> {
    let region = visit.region.name.clone();
    let named = visit.base.request.query.first("project_id").map(str::to_owned);
    let quotas = visit
        .base
        .read(move |read, caller| {
            let wanted = match (named, caller.project()) {
                (None, _) if caller.is_admin() => None,
                (Some(named), _) => Some(named),
                (None, Some(own)) => Some(own.id.to_string()),
                (None, None) => return Err(LoadBalancerError::Forbidden),
            };
            if let Some(wanted) = &wanted {
                allow_read(caller, wanted)?;
            }
            let mut projects: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
            for row in read.quotas().limits_in(&region, Service::LoadBalancer.prefix())? {
                if wanted.as_ref().is_none_or(|wanted| *wanted == row.project) {
                    projects.entry(row.project).or_default().insert(row.resource, json!(row.number));
                }
            }
            // What is not set is null here, and only here.
            let view = |(project, own): (String, Map<String, Value>)| {
                body(&project, |quota| own.get(quota.key).cloned().unwrap_or_default())
            };
            Ok(projects.into_iter().map(view).collect::<Vec<_>>())
        })
        .await?;
    Ok(Reply::ok(&json!({ "quotas": quotas, "quotas_links": [] })))
}

/// The limits of a project.
pub(super) async fn show(visit: &Visit, id: &str) -> Result<Reply, LoadBalancerError> {
    if id == DEFAULTS {
        return defaults(visit, id).await;
    }
    let (region, project) = (visit.region.clone(), project(id)?);
    let view = visit
        .base
        .read(move |read, caller| {
            allow_read(caller, project.as_str())?;
            limits(read.quotas(), &region, &project)
        })
        .await?;
    Ok(Reply::ok(&json!({ "quota": view })))
}

/// The limits of a project that has none of its own.
pub(super) async fn defaults(visit: &Visit, id: &str) -> Result<Reply, LoadBalancerError> {
    let (region, id) = (visit.region.clone(), id.to_owned());
    let view = visit
        .base
        .read(move |_, caller| {
            allow_read(caller, &id)?;
            Ok::<_, LoadBalancerError>(body(&id, |quota| json!(region.settings.quotas.of(quota))))
        })
        .await?;
    Ok(Reply::ok(&json!({ "quota": view })))
}

/// Sets limits of a project.
pub(super) async fn update(visit: &Visit, id: &str) -> Result<Reply, LoadBalancerError> {
    let (region, project) = (visit.region.clone(), project(id)?);
    let request = std::sync::Arc::clone(&visit.base.request);
    let view = visit
        .base
        .write(move |tx, caller| {
            allow_write(caller)?;
            let changes = changes(&region.name, &request.body)?;
            set(tx, &project, &changes, Below::Allowed)?;
            limits(tx.quotas(), &region, &project)
        })
        .await?;
    Ok(Reply::json(StatusCode::ACCEPTED, &json!({ "quota": view })))
}

/// Gives a project the default limits again.
pub(super) async fn reset(visit: &Visit, id: &str) -> Result<Reply, LoadBalancerError> {
    let (region, project) = (visit.region.name.clone(), project(id)?);
    visit
        .base
        .write(move |tx, caller| {
            allow_write(caller)?;
            if intent::quota::project::reset(tx, &region, &project, Service::LoadBalancer)? {
                Ok(())
            } else {
                Err(LoadBalancerError::NotFound { kind: "Quotas", id: project.to_string() })
            }
        })
        .await?;
    Ok(Reply::empty(StatusCode::ACCEPTED))
}

fn project(id: &str) -> Result<ProjectId, LoadBalancerError> {
    id.parse().map_err(|_| LoadBalancerError::NotFound { kind: "Quotas", id: id.to_owned() })
}

fn allow_read(caller: &Caller, project: &str) -> Result<(), LoadBalancerError> {
    if may_read(caller, project) { Ok(()) } else { Err(LoadBalancerError::Forbidden) }
}

fn allow_write(caller: &Caller) -> Result<(), LoadBalancerError> {
    if caller.is_admin() { Ok(()) } else { Err(LoadBalancerError::Forbidden) }
}

fn limits(quotas: Quotas<'_>, region: &Region, project: &ProjectId) -> Result<Map<String, Value>, LoadBalancerError> {
    let own = Numbers::limits(quotas, project)?;
    Ok(body(project.as_str(), |quota| json!(own.limit(&region.name, quota, &region.settings.quotas))))
}

/// A project's numbers under all their names.
fn body(project: &str, number: impl Fn(&Quota) -> Value) -> Map<String, Value> {
    let numbers = quotas().flat_map(|quota| {
        let number = number(quota);
        [Some(quota.name), quota.alias].into_iter().flatten().map(move |name| (name.to_owned(), number.clone()))
    });
    let owner = ["project_id", "tenant_id"].map(|name| (name.to_owned(), json!(project)));
    numbers.chain(owner).collect()
}

/// What a body `{"quota": {...}}` asks to be set.
fn changes(region: &str, body: &[u8]) -> Result<Vec<Change>, LoadBalancerError> {
    if body.is_empty() {
        return Err(LoadBalancerError::MissingArgument("quotas"));
    }
    let json: Value = serde_json::from_slice(body).map_err(|_| LoadBalancerError::Malformed)?;
    let root = json.as_object().ok_or(LoadBalancerError::Malformed)?;
    if let Some(name) = root.keys().find(|name| *name != "quota") {
        return Err(LoadBalancerError::UnknownAttribute { argument: "quotas", name: name.clone() });
    }
    let members = root.get("quota").and_then(Value::as_object).ok_or(LoadBalancerError::MissingArgument("quotas"))?;
    let change = |(name, value): (&String, &Value)| {
        let quota = quotas()
            .find(|quota| quota.is_called(name))
            .ok_or_else(|| LoadBalancerError::UnknownAttribute { argument: "quotas.quota", name: name.clone() })?;
        let limit = if value.is_null() { None } else { Some(limit(name, value, &json)?) };
        Ok(Change { region: region.to_owned(), quota, limit })
    };
    members.iter().map(change).collect()
}

/// A number in the range of limits; a text that is one is taken, as upstream does.
fn limit(name: &str, value: &Value, json: &Value) -> Result<i64, LoadBalancerError> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(flag) => Some(i64::from(*flag)),
        other => other.as_i64(),
    };
    let Some(number) = number else {
        let reason = format!("invalid literal for int() with base 10: {}", python::repr(value));
        return Err(LoadBalancerError::InvalidInput { field: "quotas".to_owned(), value: python::repr(json), reason });
    };
    let reason = match number {
        ..UNLIMITED => format!("Value should be greater or equal to {UNLIMITED}"),
        UNLIMITED..=MAXIMUM => return Ok(number),
        _ => format!("Value should be lower or equal to {MAXIMUM}"),
    };
    Err(LoadBalancerError::InvalidInput { field: name.to_owned(), value: number.to_string(), reason })
}
