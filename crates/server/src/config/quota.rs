//! The limits of projects that have none of their own, as they are configured: `network.floatingips = 50`.

use std::collections::BTreeMap;

use model::{QuotaDefaults, QuotaError};
use serde::{Deserialize, Serialize};

/// As a file spells it: a table per service, which dots in keys make.
type Written = BTreeMap<String, BTreeMap<String, i64>>;

/// `[quota]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct QuotaConfig(QuotaDefaults);

impl QuotaConfig {
    /// The defaults.
    #[must_use]
    pub fn defaults(&self) -> &QuotaDefaults {
        &self.0
    }
}

impl TryFrom<Written> for QuotaConfig {
    type Error = QuotaError;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let limits: Vec<(String, i64)> = written
            .into_iter()
            .flat_map(|(service, limits)| {
                limits.into_iter().map(move |(name, limit)| (format!("{service}.{name}"), limit))
            })
            .collect();
        QuotaDefaults::with(limits.iter().map(|(key, limit)| (key.as_str(), *limit))).map(Self)
    }
}

impl From<QuotaConfig> for Written {
    fn from(config: QuotaConfig) -> Self {
        let mut written = Self::new();
        for (key, limit) in config.0.given() {
            let (service, name) = key.split_once('.').unwrap_or((key, ""));
            written.entry(service.to_owned()).or_default().insert(name.to_owned(), limit);
        }
        written
    }
}
