//! How much the audit trail remembers.

use serde::{Deserialize, Serialize};

/// The audit trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditConfig {
    /// How many days an event is kept.
    pub retention_days: u32,
    /// The most events that are kept.
    pub max_events: u64,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { retention_days: 90, max_events: 1_000_000 }
    }
}

impl AuditConfig {
    /// What is wrong with it, if anything.
    pub(super) fn check(self) -> Result<(), String> {
        if self.retention_days == 0 || self.max_events == 0 {
            let key = if self.retention_days == 0 { "retention_days" } else { "max_events" };
            return Err(format!("audit.{key} is 0, which would keep nothing: give 1 or more"));
        }
        Ok(())
    }
}

impl From<AuditConfig> for api::AuditConfig {
    fn from(config: AuditConfig) -> Self {
        let retention = std::time::Duration::from_secs(u64::from(config.retention_days) * 24 * 3600);
        Self { retention, max_events: config.max_events, ..Self::default() }
    }
}
