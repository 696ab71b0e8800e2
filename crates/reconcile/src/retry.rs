//! When to try again what did not work.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use logical::RowKey;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy)]
struct Retry {
    due: Instant,
    delay: Duration,
}

/// Rows to be tried again, each at intervals that double up to half a minute.
#[derive(Debug, Default)]
pub(crate) struct Retries(BTreeMap<RowKey, Retry>);

impl Retries {
    pub(crate) fn failed(&mut self, key: RowKey, now: Instant) {
        let delay = self.0.get(&key).map_or(FIRST, |retry| (retry.delay * 2).min(LONGEST));
        self.0.insert(key, Retry { due: now + delay, delay });
    }

    pub(crate) fn succeeded(&mut self, key: &RowKey) {
        self.0.remove(key);
    }

    pub(crate) fn due(&self, now: Instant) -> BTreeSet<RowKey> {
        self.0.iter().filter(|(_, retry)| retry.due <= now).map(|(key, _)| *key).collect()
    }

    /// Time until the row is tried again.
    pub(crate) fn remaining(&self, key: &RowKey, now: Instant) -> Duration {
        self.0.get(key).map_or(Duration::ZERO, |retry| retry.due.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use logical::RouterId;
    use types::RouterId as Id;

    use super::*;

    #[test]
    fn intervals_grow_to_half_a_minute_and_start_anew_after_success() {
        let key = RowKey::Router(RouterId(Id::random().0));
        let (mut retries, start) = (Retries::default(), Instant::now());
        retries.failed(key, start);
        assert!(retries.due(start).is_empty());
        assert_eq!(retries.due(start + FIRST), [key].into());
        for _ in 0..20 {
            retries.failed(key, start);
        }
        assert_eq!(retries.remaining(&key, start), LONGEST);
        retries.succeeded(&key);
        retries.failed(key, start);
        assert_eq!(retries.remaining(&key, start), FIRST);
    }
}
