//! Quota and usage of a project across regions: one object per region, keys such as
//! `network.floatingips`.
//!
//! The API is that of the service which this one is modelled on; setting limits by it goes beyond.
//! What is global (`dns.zones`) is shown in every region, since a client asks for a region and wants
//! all that holds there; set in one, it is set in all.
//!
//! A request asks the database once, whatever the number of regions, and what it is told is of one
//! moment.

use std::collections::BTreeMap;

use intent::quota::project::{Below, Change, ChangeError, Numbers, change};
use model::{
    Quota,
    quota::{self, Counts, MAXIMUM, QUOTAS, UNLIMITED},
};
use serde_json::{Map, Value, json};
use types::ProjectId;

use super::{KeystoneError, project, route::Call};
use crate::{Region, edge::Reply};

impl From<ChangeError> for KeystoneError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::BelowUsage { .. } => {
                Self::BadRequest(format!("{error}; repeat it with ?force=true to set it."))
            }
            ChangeError::Store(error) => error.into(),
        }
    }
}

/// `GET /projects/{project_id}/quota`: the limits.
pub(super) fn limits(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let asked = Asked::of(call)?;
    let own = Numbers::limits(call.identity.quotas(), &owner(call)?)?;
    Ok(asked.reply(|region, quota| Some(limit_in(region, quota, &own))))
}

/// `GET /projects/{project_id}/current_usage`: what there is. Limits of each object have no usage.
pub(super) fn usage(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let asked = Asked::of(call)?;
    let usage = Numbers::usage(call.identity.quotas(), &owner(call)?)?;
    Ok(asked.reply(|region, quota| (quota.counts == Counts::Objects).then(|| usage.used(&region.name, quota))))
}

/// `PATCH /projects/{project_id}/quota`: sets the limits that the body names, in all its regions or in none.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let wanted = Wanted::of(call)?;
    let changes = wanted.changes.into_iter().map(|((_, key), (region, limit))| (region, key, limit));
    set(call, changes.collect(), &wanted.regions)
}

/// `PUT /projects/{project_id}/quota`: makes these the project's own limits in the body's regions; the others are as
/// by default.
pub(super) fn replace(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut wanted = Wanted::of(call)?;
    for region in &wanted.regions {
        for quota in QUOTAS.iter().filter(|quota| has(region, quota)) {
            let place = (quota.place(&region.name).to_owned(), quota.key);
            wanted.changes.entry(place).or_insert_with(|| (region.name.clone(), None));
        }
    }
    let changes = wanted.changes.into_iter().map(|((_, key), (region, limit))| (region, key, limit));
    set(call, changes.collect(), &wanted.regions)
}

fn set(
    call: &Call<'_>,
    changes: Vec<(String, &'static str, Option<i64>)>,
    regions: &[&Region],
) -> Result<Reply, KeystoneError> {
    let project = owner(call)?;
    let below = if call.request().query.flag("force") { Below::Allowed } else { Below::Refused };
    let changes: Vec<Change> = changes
        .into_iter()
        .filter_map(|(region, key, limit)| Some(Change { region, quota: quota::by_key(key)?, limit }))
        .collect();
    change(call.identity.quotas(), &project, &changes, below)?;
    let own = Numbers::limits(call.identity.quotas(), &project)?;
    let asked = Asked { regions: regions.to_vec(), filter: None };
    Ok(asked.reply(|region, quota| Some(limit_in(region, quota, &own))))
}

/// The project that the path names. Projects of another Keystone are not in the store, so whether they exist only it
/// can say.
fn owner(call: &Call<'_>) -> Result<ProjectId, KeystoneError> {
    let id = call.parameter("project_id");
    if call.api().external.is_none() {
        return Ok(project::find(call, id)?.id);
    }
    id.parse().map_err(|_| KeystoneError::NotFound { kind: "project", id: id.to_owned() })
}

fn has(region: &Region, quota: &Quota) -> bool {
    region.settings.features.contains(quota.feature())
}

fn limit_in(region: &Region, quota: &Quota, own: &Numbers) -> i64 {
    own.limit(&region.name, quota, &region.settings.quotas)
}

/// What a query asks for.
struct Asked<'a> {
    regions: Vec<&'a Region>,
    /// Components and keys; none for all.
    filter: Option<Vec<&'a str>>,
}

impl<'a> Asked<'a> {
    fn of(call: &Call<'a>) -> Result<Self, KeystoneError> {
        let all = &call.api().config.regions;
        let regions = match items(call, "regions") {
            None => all.iter().collect(),
            Some(names) => names.into_iter().map(|name| region(call, name)).collect::<Result<_, _>>()?,
        };
        let filter = items(call, "filter");
        for item in filter.iter().flatten() {
            if !QUOTAS.iter().any(|quota| quota.component == *item || quota.key == *item) {
                let mut components: Vec<_> = QUOTAS.iter().map(|quota| quota.component).collect();
                components.sort_unstable();
                components.dedup();
                return Err(KeystoneError::BadRequest(format!(
                    "Filter '{item}' is no component and no quota. The components are: {}; a quota is, for example, \
                     network.floatingips.",
                    components.join(", ")
                )));
            }
        }
        Ok(Self { regions, filter })
    }

    fn selects(&self, quota: &Quota) -> bool {
        self.filter.as_ref().is_none_or(|items| items.iter().any(|item| [quota.component, quota.key].contains(item)))
    }

    /// An object per region with the numbers that there are.
    fn reply(&self, number: impl Fn(&Region, &Quota) -> Option<i64>) -> Reply {
        let mut body = Map::new();
        for region in &self.regions {
            let offered = QUOTAS.iter().filter(|quota| has(region, quota) && self.selects(quota));
            let numbers = offered.filter_map(|quota| Some((quota.key.to_owned(), json!(number(region, quota)?))));
            body.insert(region.name.clone(), Value::Object(numbers.collect()));
        }
        Reply::ok(&Value::Object(body))
    }
}

/// The values of a parameter: separated by commas, or given several times.
fn items<'a>(call: &Call<'a>, name: &str) -> Option<Vec<&'a str>> {
    let values = call.request().query.pairs().filter(|(key, _)| *key == name).flat_map(|(_, value)| value.split(','));
    let items: Vec<_> = values.map(str::trim).filter(|item| !item.is_empty()).collect();
    (!items.is_empty()).then_some(items)
}

fn region<'a>(call: &Call<'a>, name: &str) -> Result<&'a Region, KeystoneError> {
    let regions = &call.api().config.regions;
    regions.iter().find(|region| region.name == name).ok_or_else(|| {
        let known = call.api().config.region_names().join(", ");
        KeystoneError::BadRequest(format!("There is no region '{name}' here; the regions are: {known}."))
    })
}

/// What a body asks to be set.
struct Wanted<'a> {
    regions: Vec<&'a Region>,
    /// By place and key: a region to name it by, and the limit, none for the default.
    changes: BTreeMap<(String, &'static str), (String, Option<i64>)>,
}

impl<'a> Wanted<'a> {
    fn of(call: &Call<'a>) -> Result<Self, KeystoneError> {
        let form = || {
            KeystoneError::BadRequest(
                "The body must be an object per region: {\"REGION\": {\"network.floatingips\": 50}}.".to_owned(),
            )
        };
        let body = call.request().json().ok_or_else(form)?;
        let body = body.as_object().filter(|body| !body.is_empty()).ok_or_else(form)?;
        let mut wanted = Self { regions: Vec::new(), changes: BTreeMap::new() };
        for (name, limits) in body {
            let region = region(call, name)?;
            wanted.regions.push(region);
            for (key, value) in limits.as_object().ok_or_else(form)? {
                wanted.add(region, key, value)?;
            }
        }
        Ok(wanted)
    }

    fn add(&mut self, region: &Region, key: &str, value: &Value) -> Result<(), KeystoneError> {
        let quota = quota::by_key(key)
            .ok_or_else(|| KeystoneError::BadRequest(format!("'{key}' is no quota; GET shows those there are.")))?;
        if !has(region, quota) {
            return Err(KeystoneError::BadRequest(format!(
                "Region {} does not offer {}, so it has no {key}.",
                region.name,
                quota.feature()
            )));
        }
        let limit = match value {
            Value::Null => None,
            value => {
                let number = value.as_i64().filter(|number| (UNLIMITED..=MAXIMUM).contains(number));
                let reason =
                    format!("Give a number from 0 to {MAXIMUM}, {UNLIMITED} for no limit, or null for the default.");
                Some(number.ok_or_else(|| KeystoneError::invalid(key, value, reason))?)
            }
        };
        let place = (quota.place(&region.name).to_owned(), quota.key);
        match self.changes.insert(place, (region.name.clone(), limit)) {
            Some((other, different)) if different != limit => Err(KeystoneError::BadRequest(format!(
                "'{key}' is one limit for all regions, and cannot differ between {other} and {}.",
                region.name
            ))),
            _ => Ok(()),
        }
    }
}
