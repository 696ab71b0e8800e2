//! The catalogue as tokens carry it: which services there are, and where.
//!
//! A URL may have places for ids in it, `$(project_id)s` or `%(project_id)s`, which are filled for the
//! token's holder. An endpoint whose URL needs a project is left out where there is none. A project
//! that was given endpoints of its own, one by one or by groups, sees those alone.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use store::identity::{Endpoint, EndpointGroup, Service};
use types::{EndpointId, ProjectId};

use super::{Caller, KeystoneError, route::Call};

/// A path of this server becomes a URL.
pub(super) fn whole_url(call: &Call<'_>, url: &str) -> String {
    if url.starts_with('/') { format!("{}{url}", call.request().public_url) } else { url.to_owned() }
}

/// Fills the places of a URL. None when there is a place for which `value` has nothing, or when what
/// looks like a place is none.
pub(super) fn filled(url: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let template = url.replace("$(", "%(");
    let mut filled = String::with_capacity(template.len());
    let mut rest = template.as_str();
    while let Some((before, after)) = rest.split_once('%') {
        filled.push_str(before);
        rest = match after.strip_prefix('%') {
            Some(after) => {
                filled.push('%');
                after
            }
            None => {
                let (name, after) = after.strip_prefix('(')?.split_once(")s")?;
                filled.push_str(&value(name)?);
                after
            }
        };
    }
    filled.push_str(rest);
    Some(filled)
}

/// The names of places that a URL may have.
pub(super) const PLACES: [&str; 5] = ["tenant_id", "project_id", "user_id", "compute_host", "public_endpoint"];

/// Whether an endpoint is one that a group chooses.
pub(super) fn chooses(group: &EndpointGroup, endpoint: &Endpoint) -> bool {
    group.filters.iter().all(|(attribute, wanted)| match attribute.as_str() {
        "interface" => *wanted == endpoint.interface,
        "service_id" => wanted == endpoint.service_id.as_str(),
        "region_id" => wanted.as_str() == endpoint.region_id.as_deref(),
        _ => false,
    })
}

/// The endpoints that a project was given, one by one and by groups.
pub(super) fn given(
    call: &Call<'_>,
    project: &ProjectId,
    endpoints: &[Endpoint],
) -> Result<BTreeSet<EndpointId>, KeystoneError> {
    let alone = call.identity.endpoints_of_project(project)?.into_iter().map(|endpoint| endpoint.id);
    let groups = call.identity.endpoint_groups_of_project(project)?;
    let chosen = endpoints.iter().filter(|endpoint| groups.iter().any(|group| chooses(group, endpoint)));
    Ok(alone.chain(chosen.map(|endpoint| endpoint.id.clone())).collect())
}

/// The catalogue for the holder of a token.
pub(super) fn of(call: &Call<'_>, holder: &Caller) -> Result<Value, KeystoneError> {
    let project = holder.project().map(|project| &project.id);
    let endpoints = call.identity.endpoints()?;
    let given = match project {
        Some(project) => given(call, project, &endpoints)?,
        None => BTreeSet::new(),
    };
    let value = |name: &str| match name {
        "project_id" | "tenant_id" => project.map(ToString::to_string),
        "user_id" => Some(holder.user.id.to_string()),
        "public_endpoint" => Some(call.request().public_url.clone()),
        _ => None,
    };
    let view = |endpoint: &Endpoint| {
        let url = filled(&endpoint.url, value)?;
        Some(json!({
            "id": endpoint.id,
            "interface": endpoint.interface,
            "region_id": endpoint.region_id,
            "url": whole_url(call, &url),
            "region": endpoint.region_id,
        }))
    };
    let entry = |service: Service| {
        let is_shown = |endpoint: &&Endpoint| {
            endpoint.enabled && endpoint.service_id == service.id && (given.is_empty() || given.contains(&endpoint.id))
        };
        let endpoints: Vec<_> = endpoints.iter().filter(is_shown).filter_map(view).collect();
        let is_left_out = endpoints.is_empty() && !given.is_empty();
        let entry = json!({ "endpoints": endpoints, "id": service.id, "type": service.kind, "name": service.name });
        (!is_left_out).then_some(entry)
    };
    Ok(call.identity.services()?.into_iter().filter(|service| service.enabled).filter_map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_or_the_url_is_none() {
        let value = |name: &str| (name == "project_id").then(|| "p".to_owned());
        assert_eq!(filled("http://h/$(project_id)s", value).as_deref(), Some("http://h/p"));
        assert_eq!(filled("http://h/%(project_id)s/x", value).as_deref(), Some("http://h/p/x"));
        assert_eq!(filled("http://h/100%%", value).as_deref(), Some("http://h/100%"));
        for bad in ["http://h/%(user_id)s", "http://h/%(project_id)", "http://h/%(project_id)d", "http://h/%41", "%"] {
            assert_eq!(filled(bad, value), None, "{bad}");
        }
    }
}
