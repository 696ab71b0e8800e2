//! What the notifier has counted, in the text format of Prometheus.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// By region.
    waiting: Mutex<BTreeMap<String, u64>>,
    taken: AtomicU64,
    refused: AtomicU64,
    expired: AtomicU64,
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

impl Counters {
    pub(super) fn waiting(&self, region: &str, events: u64) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(region.to_owned(), events);
    }

    pub(super) fn told(&self, taken: usize, refused: usize) {
        self.taken.fetch_add(count(taken), Ordering::Relaxed);
        self.refused.fetch_add(count(refused), Ordering::Relaxed);
    }

    pub(super) fn expired(&self, events: usize) {
        self.expired.fetch_add(count(events), Ordering::Relaxed);
    }

    /// The text.
    pub(crate) fn render(&self) -> String {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let line =
            |(region, events): (&String, &u64)| format!("baryon_nova_events_waiting{{region=\"{region}\"}} {events}\n");
        let waiting: String = waiting.iter().map(line).collect();
        format!(
            "# HELP baryon_nova_events_waiting Events that Nova is to be told.\n\
             # TYPE baryon_nova_events_waiting gauge\n\
             {}\
             # HELP baryon_nova_events_total Events by what became of them.\n\
             # TYPE baryon_nova_events_total counter\n\
             baryon_nova_events_total{{result=\"taken\"}} {}\n\
             baryon_nova_events_total{{result=\"refused\"}} {}\n\
             baryon_nova_events_total{{result=\"expired\"}} {}\n",
            waiting,
            get(&self.taken),
            get(&self.refused),
            get(&self.expired)
        )
    }
}
