//! How many objects a project may have.

use std::collections::BTreeMap;

use model::{Body, RequestError, ResourceInfo, attribute, registry, validate};
use serde_json::{Value, json};
use store::{Read, Tx};
use types::ProjectId;

use crate::{Context, Error};

/// The limits of a project that has none of its own; -1 is no limit.
pub const DEFAULTS: [(&str, i64); 8] = [
    ("network", 1024),
    ("subnet", 1024),
    ("port", 1024),
    ("router", 128),
    ("router_route", 30),
    ("floatingip", 50),
    ("security_group", 1024),
    ("security_group_rule", 2048),
];

/// The limits that `GET /v2.0/quotas/{project}` shows.
pub fn show(read: &Read<'_>, context: &Context, project: &ProjectId) -> Result<Body, Error> {
    allowed(context, project, "get_quota")?;
    Ok(limits(read, context, project)?.into_iter().map(|(name, limit)| (name.to_owned(), json!(limit))).collect())
}

/// The limits of a project that has none of its own.
pub fn defaults(_read: &Read<'_>, context: &Context, project: &ProjectId) -> Result<Body, Error> {
    allowed(context, project, "get_quota")?;
    Ok(DEFAULTS.iter().map(|(name, limit)| ((*name).to_owned(), json!(limit))).collect())
}

/// The limits with what is used.
pub fn details(read: &Read<'_>, context: &Context, project: &ProjectId) -> Result<Body, Error> {
    allowed(context, project, "get_quota")?;
    let mut body = Body::new();
    for (name, limit) in limits(read, context, project)? {
        let used = used(read, context, project, name)?;
        body.insert(name.to_owned(), json!({"limit": limit, "used": used, "reserved": 0}));
    }
    Ok(body)
}

/// The limits of every project that has its own; for others than administrators, only theirs.
pub fn list(read: &Read<'_>, context: &Context) -> Result<Vec<Body>, Error> {
    let own = (!context.is_admin).then_some(&context.project_id);
    let mut projects: Vec<String> =
        read.quotas(&context.region, own)?.into_iter().map(|(project, ..)| project).collect();
    projects.dedup();
    let mut bodies = Vec::new();
    for project in projects {
        let Ok(id) = project.parse::<ProjectId>() else { continue };
        let mut body = show(read, context, &id)?;
        body.insert("project_id".to_owned(), json!(project));
        body.insert("tenant_id".to_owned(), json!(project));
        bodies.push(body);
    }
    Ok(bodies)
}

/// Sets limits from a body `{"quota": {...}}`; answers all limits.
pub fn update(tx: &mut Tx<'_>, context: &Context, project: &ProjectId, body: &Value) -> Result<Body, Error> {
    if !context.is_admin {
        return Err(Error::forbidden("rule:update_quota"));
    }
    let quota = body.get("quota").and_then(Value::as_object).ok_or(RequestError::NoMember { member: "quota" })?;
    let known = |name: &str| DEFAULTS.iter().any(|(known, _)| *known == name);
    // Without check_limit a limit may be below what is used: then nothing is added until enough is gone.
    let ignored = ["tenant_id", "project_id", "force", "check_limit"];
    let unknown: Vec<_> =
        quota.keys().filter(|name| !known(name) && !ignored.contains(&name.as_str())).cloned().collect();
    if !unknown.is_empty() {
        return Err(RequestError::Unrecognized { names: unknown }.into());
    }
    let checked = quota.get("check_limit").and_then(validate::to_boolean) == Some(true);
    for (name, value) in quota.iter().filter(|(name, _)| known(name)) {
        // The largest number is the largest that Neutron's column takes.
        let Some((name, _)) = DEFAULTS.iter().find(|(known, _)| known == name) else { continue };
        let limit = validate::value(&attribute::integer(-1, i64::from(i32::MAX)).named(name, ""), value)?;
        let limit = limit.as_i64().unwrap_or(-1);
        if checked && limit >= 0 {
            let used = used(tx, context, project, name)?;
            if limit.unsigned_abs() < used {
                return Err(Error::QuotaBelowUsage { resource: name, limit, used });
            }
        }
        tx.set_quota(&context.region, project, name, limit)?;
    }
    show(tx, context, project)
}

/// Gives a project the default limits again.
pub fn reset(tx: &mut Tx<'_>, context: &Context, project: &ProjectId) -> Result<(), Error> {
    if !context.is_admin {
        return Err(Error::forbidden("rule:delete_quota"));
    }
    if tx.delete_quotas(&context.region, project)? {
        Ok(())
    } else {
        Err(Error::TenantQuotaNotFound { project: project.to_string() })
    }
}

/// A project's limit of a resource, -1 for none.
pub(crate) fn limit(read: &Read<'_>, context: &Context, project: &ProjectId, resource: &str) -> Result<i64, Error> {
    let limits = limits(read, context, project)?;
    Ok(limits.into_iter().find(|(name, _)| *name == resource).map_or(-1, |(_, limit)| limit))
}

/// Refuses a request after which one of its owners would have more than its limit.
pub(crate) fn enforce(
    read: &Read<'_>,
    context: &Context,
    info: &'static ResourceInfo,
    owners: &[ProjectId],
) -> Result<(), Error> {
    let mut wanted: BTreeMap<&ProjectId, u64> = BTreeMap::new();
    for owner in owners {
        *wanted.entry(owner).or_default() += 1;
    }
    for (project, count) in wanted {
        enforce_count(read, context, info, project, count)?;
    }
    Ok(())
}

/// Refuses `count` more objects of a resource that would exceed the project's limit.
pub(crate) fn enforce_count(
    read: &Read<'_>,
    context: &Context,
    info: &'static ResourceInfo,
    project: &ProjectId,
    count: u64,
) -> Result<(), Error> {
    let Ok(limit) = u64::try_from(limit(read, context, project, info.member)?) else { return Ok(()) };
    if read.count(info, &context.region, project)? + count > limit {
        return Err(Error::OverQuota { resources: format!("['{}']", info.member) });
    }
    Ok(())
}

fn used(read: &Read<'_>, context: &Context, project: &ProjectId, resource: &str) -> Result<u64, Error> {
    match registry::RESOURCES.iter().find(|info| info.member == resource) {
        Some(info) => Ok(read.count(info, &context.region, project)?),
        // Counted per router, not per project.
        None => Ok(0),
    }
}

fn limits(read: &Read<'_>, context: &Context, project: &ProjectId) -> Result<Vec<(&'static str, i64)>, Error> {
    let own = read.quotas(&context.region, Some(project))?;
    let limit = |name: &str, default: i64| {
        own.iter().find(|(_, resource, _)| resource == name).map_or(default, |(.., limit)| *limit)
    };
    Ok(DEFAULTS.iter().map(|(name, default)| (*name, limit(name, *default))).collect())
}

fn allowed(context: &Context, project: &ProjectId, rule: &str) -> Result<(), Error> {
    if context.owns(project) { Ok(()) } else { Err(Error::forbidden(format!("rule:{rule}"))) }
}
