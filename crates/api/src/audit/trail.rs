//! The way from requests to the [`Keeper`]: two queues, both bounded, neither ever waited for.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use store::audit::{Event, Outcome};
use tokio::sync::mpsc::{self, error::TrySendError};

use super::{AuditConfig, Keeper};

/// How many committed transactions may wait for the log. Their events are in the table already; a
/// log that takes none costs lines, and they are counted.
const LOG_QUEUE: usize = 4096;

/// What happened to events.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) success: AtomicU64,
    pub(super) failure: AtomicU64,
    pub(super) refused: AtomicU64,
    /// Refusals and logins that nothing is written of.
    pub(super) dropped: AtomicU64,
    /// Those of them that no event tells the number of yet.
    pub(super) unreported: AtomicU64,
    /// Events in the table that the log lacks.
    pub(super) unlogged: AtomicU64,
}

impl Counts {
    pub(super) fn written(&self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Success => &self.success,
            Outcome::Failure => &self.failure,
            Outcome::Refused => &self.refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self, events: u64) {
        self.dropped.fetch_add(events, Ordering::Relaxed);
        self.unreported.fetch_add(events, Ordering::Relaxed);
    }
}

/// Where events go.
pub(crate) struct Trail {
    later: mpsc::Sender<Event>,
    committed: mpsc::Sender<Vec<Event>>,
    counts: Arc<Counts>,
}

impl Trail {
    /// A trail, and who keeps it.
    pub(crate) fn new(config: &AuditConfig) -> (Self, Keeper) {
        let (later, to_write) = mpsc::channel(config.queue.max(1));
        let (committed, to_log) = mpsc::channel(LOG_QUEUE);
        let counts = Arc::<Counts>::default();
        let keeper = Keeper::new(config.clone(), to_write, to_log, Arc::clone(&counts));
        (Self { later, committed, counts }, keeper)
    }

    /// Has an event written that has no effect of its own, if there is room for it.
    pub(super) fn later(&self, event: Event) {
        if self.later.try_send(event).is_err() {
            self.counts.dropped(1);
        }
    }

    /// Has events logged that are in the table.
    pub(super) fn committed(&self, events: Vec<Event>) {
        for event in &events {
            self.counts.written(event.outcome);
        }
        if let Err(TrySendError::Full(events) | TrySendError::Closed(events)) = self.committed.try_send(events) {
            self.counts.unlogged.fetch_add(events.len() as u64, Ordering::Relaxed);
        }
    }

    /// What was counted, in the text format of Prometheus.
    pub(crate) fn render(&self) -> String {
        let counts = &self.counts;
        let mut text = "# HELP baryon_audit_events_total Events written to the audit trail.\n\
                        # TYPE baryon_audit_events_total counter\n"
            .to_owned();
        for (outcome, count) in
            [("success", &counts.success), ("failure", &counts.failure), ("refused", &counts.refused)]
        {
            let count = count.load(Ordering::Relaxed);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "baryon_audit_events_total{{outcome=\"{outcome}\"}} {count}");
        }
        for (name, help, count) in [
            ("dropped", "Refusals and logins that were too many to write down.", &counts.dropped),
            ("unlogged", "Events of the trail that the log had no room for.", &counts.unlogged),
        ] {
            let name = format!("baryon_audit_{name}_total");
            let count = count.load(Ordering::Relaxed);
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {count}\n");
        }
        text
    }
}
