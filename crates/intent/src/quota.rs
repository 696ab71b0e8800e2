//! How much a project may have: the refusal, and what every API of quotas is made of.
//!
//! `model::quota` names what is limited. Limits and usage are rows; usage is kept by the database
//! itself ([`store::Quotas`]), and an operation that makes objects compares the two in its own
//! transaction, before it makes any. The cost is two look-ups, however much a project has.
//!
//! What is made on behalf of a request counts as upstream has it. The ports of router interfaces and
//! the rules of a new security group are the project's: they count. Ports of gateways and floating
//! IPs belong to nobody and count for nobody. A request is refused for the objects that it names
//! and for the rules that come with a group; the port of a router's interface may go beyond the
//! limit.
//!
//! [`network`] is Neutron's API of all that; [`project`] is what the APIs of the other services and
//! the one across regions need.

pub mod network;
pub mod project;

use std::collections::BTreeMap;

use model::{ResourceInfo, quota};
use store::{Read, Tx};
use types::ProjectId;

use crate::{Context, Error};

/// Refuses a request after which one of the owners of its objects would have more than its limit.
pub(crate) fn enforce(
    tx: &Tx<'_>,
    context: &Context,
    info: &'static ResourceInfo,
    owners: &[ProjectId],
) -> Result<(), Error> {
    let mut wanted: BTreeMap<&ProjectId, u64> = BTreeMap::new();
    for owner in owners {
        *wanted.entry(owner).or_default() += 1;
    }
    wanted.into_iter().try_for_each(|(project, count)| enforce_all(tx, context, project, &[(info, count)]))
}

/// Refuses so many more objects of several resources, and names all those that would be too many.
pub(crate) fn enforce_all(
    tx: &Tx<'_>,
    context: &Context,
    project: &ProjectId,
    wanted: &[(&'static ResourceInfo, u64)],
) -> Result<(), Error> {
    let mut over = Vec::new();
    for (info, count) in wanted {
        let Some(quota) = quota::of_resource(info) else { continue };
        let balance = tx.quotas().balance(&context.region, project, quota)?;
        let limit = balance.limit.unwrap_or_else(|| context.settings.quotas.of(quota));
        // A negative limit is none.
        if u64::try_from(limit).is_ok_and(|limit| balance.used.saturating_add(*count) > limit) {
            over.push(quota.name);
        }
    }
    if over.is_empty() { Ok(()) } else { Err(over_quota(over)) }
}

/// Refuses more parts of a single object than the project's objects may have each.
pub(crate) fn enforce_each(
    read: &Read<'_>,
    context: &Context,
    project: &ProjectId,
    key: &str,
    count: usize,
) -> Result<(), Error> {
    let Some(quota) = quota::by_key(key) else { return Ok(()) };
    let limit = read.quotas().balance(&context.region, project, quota)?.limit;
    let limit = limit.unwrap_or_else(|| context.settings.quotas.of(quota));
    if usize::try_from(limit).is_ok_and(|limit| count > limit) { Err(over_quota(vec![quota.name])) } else { Ok(()) }
}

/// Upstream prints a list as Python does, in the order of the alphabet.
fn over_quota(mut names: Vec<&'static str>) -> Error {
    names.sort_unstable();
    let resources = names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    Error::OverQuota { resources: format!("[{resources}]") }
}
