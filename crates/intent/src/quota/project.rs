//! A project's limits and usage in all regions, and their change: what the APIs of quotas share.

use std::collections::BTreeMap;

use model::{Body, Quota, QuotaDefaults, Record, quota::Service};
use serde_json::json;
use store::{QuotaRow, Quotas, StoreError, Tx, audit::Note};
use types::ProjectId;

/// Numbers of one project: its own limits, or what it uses, in all regions at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers(BTreeMap<(String, String), i64>);

impl Numbers {
    /// The limits that a project has of its own.
    pub fn limits(quotas: Quotas<'_>, project: &ProjectId) -> Result<Self, StoreError> {
        Ok(Self::of_rows(quotas.limits(project)?))
    }

    /// What a project uses.
    pub fn usage(quotas: Quotas<'_>, project: &ProjectId) -> Result<Self, StoreError> {
        Ok(Self::of_rows(quotas.usage(project)?))
    }

    pub(super) fn of_rows(rows: Vec<QuotaRow>) -> Self {
        Self(rows.into_iter().map(|row| ((row.region, row.resource), row.number)).collect())
    }

    /// The number of a quota as a region sees it.
    #[must_use]
    pub fn get(&self, region: &str, quota: &Quota) -> Option<i64> {
        self.0.get(&(quota.place(region).to_owned(), quota.key.to_owned())).copied()
    }

    /// The limit that holds: the project's own, or the default.
    #[must_use]
    pub fn limit(&self, region: &str, quota: &Quota, defaults: &QuotaDefaults) -> i64 {
        self.get(region, quota).unwrap_or_else(|| defaults.of(quota))
    }

    /// How much of a quota is used.
    #[must_use]
    pub fn used(&self, region: &str, quota: &Quota) -> i64 {
        self.get(region, quota).unwrap_or(0)
    }
}

/// A limit to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The region.
    pub region: String,
    /// Of what.
    pub quota: &'static Quota,
    /// The limit; none for the default.
    pub limit: Option<i64>,
}

/// Whether a limit may be below what is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// It may; nothing is added until enough is gone.
    Allowed,
    /// It is refused.
    Refused,
}

/// Why limits were not set.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// More is in use than a new limit allows.
    #[error(
        "Quota limit {limit} for {} in region {region} must be greater than or equal to already used {used}",
        quota.key
    )]
    BelowUsage {
        /// The region that was named.
        region: String,
        /// Of what.
        quota: &'static Quota,
        /// The limit.
        limit: i64,
        /// What is in use.
        used: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sets limits of a project. After an error the transaction must be given up.
pub fn change(quotas: Quotas<'_>, project: &ProjectId, changes: &[Change], below: Below) -> Result<(), ChangeError> {
    for Change { region, quota, limit } in changes {
        if let (Some(limit), Below::Refused) = (*limit, below) {
            let used = quotas.balance(region, project, quota)?.used;
            if u64::try_from(limit).is_ok_and(|limit| limit < used) {
                return Err(ChangeError::BelowUsage { region: region.clone(), quota, limit, used });
            }
        }
        quotas.set_limit(region, project, quota, *limit)?;
    }
    Ok(())
}

/// [`change`] with a note for the audit trail.
pub fn set(tx: &mut Tx<'_>, project: &ProjectId, changes: &[Change], below: Below) -> Result<(), ChangeError> {
    let before = Numbers::limits(tx.quotas(), project)?;
    change(tx.quotas(), project, changes, below)?;
    let old = |change: &Change| (change.quota.key.to_owned(), json!(before.get(&change.region, change.quota)));
    let new = |change: &Change| (change.quota.key.to_owned(), json!(change.limit));
    note(tx, "update_quota", project, changes.iter().map(old).collect(), changes.iter().map(new).collect());
    Ok(())
}

/// Gives a project the default limits of a service again, as far as they are a region's; false when
/// it has none of its own.
pub fn reset(tx: &mut Tx<'_>, region: &str, project: &ProjectId, service: Service) -> Result<bool, StoreError> {
    let before = Numbers::limits(tx.quotas(), project)?;
    let own = |quota: &'static Quota| Some((quota, before.get(region, quota)?));
    let own: Vec<_> = model::quota::QUOTAS.iter().filter(|quota| quota.service == service).filter_map(own).collect();
    for (quota, _) in &own {
        tx.quotas().set_limit(region, project, quota, None)?;
    }
    if own.is_empty() {
        return Ok(false);
    }
    let old = own.iter().map(|(quota, limit)| (quota.key.to_owned(), json!(limit))).collect();
    let new = own.iter().map(|(quota, _)| (quota.key.to_owned(), json!(null))).collect();
    note(tx, "delete_quota", project, old, new);
    Ok(true)
}

/// A limit that is null is as by default.
fn note(tx: &mut Tx<'_>, action: &str, project: &ProjectId, before: Body, after: Body) {
    let Record { before, after } = Record::changed(Some(&before), Some(&after), |_| true);
    let (action, target_id) = (action.to_owned(), project.to_string());
    tx.note(Note { action, target_type: "quota", target_id, before, after });
}
