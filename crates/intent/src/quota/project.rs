//! A project's limits and usage in all regions, and their change: what the APIs of quotas share.

use std::collections::BTreeMap;

use model::{Quota, QuotaDefaults};
use store::{QuotaRow, Quotas, StoreError};
use types::ProjectId;

use crate::Error;

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

/// Sets limits of a project, all or none.
pub fn change(quotas: Quotas<'_>, project: &ProjectId, changes: &[Change], below: Below) -> Result<(), Error> {
    for Change { region, quota, limit } in changes {
        if let (Some(limit), Below::Refused) = (*limit, below) {
            let used = quotas.balance(region, project, quota)?.used;
            if u64::try_from(limit).is_ok_and(|limit| limit < used) {
                return Err(Error::QuotaBelowUsage { resource: quota.name, limit, used });
            }
        }
        quotas.set_limit(region, project, quota, *limit)?;
    }
    Ok(())
}
