//! Neutron's API of quotas: limits by the names of resources, for one region.

use std::collections::BTreeMap;

use model::{
    Body, Quota, RequestError, attribute,
    quota::{self, Service},
    validate,
};
use serde_json::{Value, json};
use store::{Read, Tx};
use types::ProjectId;

use super::project::{self, Below, Change, ChangeError, Numbers};
use crate::{Context, Error};

impl From<ChangeError> for Error {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::BelowUsage { quota, limit, used, .. } => {
                Self::QuotaBelowUsage { resource: quota.name, limit, used }
            }
            ChangeError::Store(error) => error.into(),
        }
    }
}

/// The quotas that the region has.
fn quotas(context: &Context) -> impl Iterator<Item = &'static Quota> {
    quota::of_service(Service::Network, context.settings.features)
}

/// The limits that `GET /v2.0/quotas/{project}` shows.
pub fn show(read: &Read<'_>, context: &Context, project: &ProjectId) -> Result<Body, Error> {
    allowed(context, project)?;
    Ok(limits(context, &Numbers::limits(read.quotas(), project)?))
}

/// The limits of a project that has none of its own.
pub fn defaults(_read: &Read<'_>, context: &Context, project: &ProjectId) -> Result<Body, Error> {
    allowed(context, project)?;
    Ok(limits(context, &Numbers::default()))
}

/// The limits with what is used.
pub fn details(read: &Read<'_>, context: &Context, project: &ProjectId) -> Result<Body, Error> {
    if !context.owns(project) {
        return Err(Error::AdminRequired { reason: "Only admin is authorized to access quotas for another project" });
    }
    let (own, usage) = (Numbers::limits(read.quotas(), project)?, Numbers::usage(read.quotas(), project)?);
    let detail = |quota: &Quota| {
        let limit = own.limit(&context.region, quota, &context.settings.quotas);
        json!({ "limit": limit, "used": usage.used(&context.region, quota), "reserved": 0 })
    };
    Ok(quotas(context).map(|quota| (quota.name.to_owned(), detail(quota))).collect())
}

/// The limits of every project that has some of its own; for administrators.
pub fn list(read: &Read<'_>, context: &Context) -> Result<Vec<Body>, Error> {
    if !context.is_admin {
        return Err(Error::forbidden("rule:get_quota"));
    }
    let mut projects: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for row in read.quotas().limits_in(&context.region, Service::Network.prefix())? {
        projects.entry(row.project.clone()).or_default().push(row);
    }
    let body = |(project, rows): (String, Vec<_>)| {
        let mut body = limits(context, &Numbers::of_rows(rows));
        body.insert("project_id".to_owned(), json!(project));
        body.insert("tenant_id".to_owned(), json!(project));
        body
    };
    Ok(projects.into_iter().map(body).collect())
}

/// Sets limits from a body `{"quota": {...}}`; answers all limits. A limit below what is used is
/// refused unless the body says `force`.
pub fn update(tx: &mut Tx<'_>, context: &Context, project: &ProjectId, body: &Value) -> Result<Body, Error> {
    if !context.is_admin {
        return Err(Error::forbidden("rule:update_quota"));
    }
    let body = body.get("quota").and_then(Value::as_object).ok_or(RequestError::NoMember { member: "quota" })?;
    let mut changes = Vec::new();
    let mut unknown = Vec::new();
    for (name, value) in body {
        match quotas(context).find(|quota| quota.name == name) {
            Some(quota) => {
                changes.push(Change { region: context.region.clone(), quota, limit: Some(limit(quota, value)?) })
            }
            // What clients send along, and the two flags.
            None if ["tenant_id", "project_id", "force", "check_limit"].contains(&name.as_str()) => {}
            None => unknown.push(name.clone()),
        }
    }
    if !unknown.is_empty() {
        return Err(RequestError::Unrecognized { names: unknown }.into());
    }
    let below = if body.get("force") == Some(&Value::Bool(true)) { Below::Allowed } else { Below::Refused };
    project::set(tx, project, &changes, below)?;
    show(tx, context, project)
}

/// Gives a project the default limits again.
pub fn reset(tx: &mut Tx<'_>, context: &Context, project: &ProjectId) -> Result<(), Error> {
    if !context.is_admin {
        return Err(Error::forbidden("rule:delete_quota"));
    }
    if project::reset(tx, &context.region, project, Service::Network)? {
        Ok(())
    } else {
        Err(Error::TenantQuotaNotFound { project: project.to_string() })
    }
}

fn limits(context: &Context, own: &Numbers) -> Body {
    let limit = |quota: &Quota| json!(own.limit(&context.region, quota, &context.settings.quotas));
    quotas(context).map(|quota| (quota.name.to_owned(), limit(quota))).collect()
}

/// A number in the range of the limits, in Neutron's words.
fn limit(quota: &'static Quota, value: &Value) -> Result<i64, Error> {
    let rule = attribute::integer(quota::UNLIMITED, quota::MAXIMUM).named(quota.name, "");
    Ok(validate::value(&rule, value)?.as_i64().unwrap_or(quota::UNLIMITED))
}

fn allowed(context: &Context, project: &ProjectId) -> Result<(), Error> {
    if context.owns(project) { Ok(()) } else { Err(Error::forbidden("rule:get_quota")) }
}
