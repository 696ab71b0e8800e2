//! The task that keeps the trail: writes down what has no transaction of its own, logs everything,
//! and removes what is old.

use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use store::{
    Store, StoreError,
    audit::{AuditExcess, Event, Outcome},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{AuditConfig, show, trail::Counts};
use crate::clock;

/// Events of one transaction, at most.
const BATCH: usize = 256;
/// Between two of these: a flood of refusals gets this much of the one writer, and no more.
const PAUSE: Duration = Duration::from_millis(50);
/// Events that one transaction removes. It takes a millisecond or two, for which others wait.
const PURGE_BATCH: u64 = 200;
/// Between two of these.
const PURGE_PAUSE: Duration = Duration::from_millis(20);

/// Keeps the trail.
pub(crate) struct Keeper {
    config: AuditConfig,
    to_write: mpsc::Receiver<Event>,
    to_log: mpsc::Receiver<Vec<Event>>,
    counts: Arc<Counts>,
}

impl Keeper {
    pub(super) fn new(
        config: AuditConfig,
        to_write: mpsc::Receiver<Event>,
        to_log: mpsc::Receiver<Vec<Event>>,
        counts: Arc<Counts>,
    ) -> Self {
        Self { config, to_write, to_log, counts }
    }

    /// Keeps it until `stop` is ready; what waits then is written and logged still.
    pub(crate) async fn run(mut self, store: Store, stop: impl Future<Output = ()>) {
        let config = self.config.clone();
        let mut stop = pin!(stop);
        let mut purge = pin!(purge_for_ever(&config, &store));
        let mut not_before = Instant::now();
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = &mut purge => {}
                Some(events) = self.to_log.recv() => events.iter().for_each(show::log),
                count = next_batch(&mut self.to_write, &mut batch, not_before) => {
                    if count == 0 {
                        break;
                    }
                    self.write(&store, std::mem::take(&mut batch)).await;
                    not_before = Instant::now() + PAUSE;
                }
            }
        }
        self.finish(&store).await;
    }

    /// What requests left that are over.
    async fn finish(&mut self, store: &Store) {
        self.to_write.close();
        self.to_log.close();
        let mut batch = Vec::new();
        while self.to_write.recv_many(&mut batch, BATCH).await > 0 {
            self.write(store, std::mem::take(&mut batch)).await;
        }
        while let Some(events) = self.to_log.recv().await {
            events.iter().for_each(show::log);
        }
    }

    async fn write(&self, store: &Store, mut events: Vec<Event>) {
        let count = events.len() as u64;
        let unreported = self.counts.unreported.swap(0, Ordering::Relaxed);
        if unreported > 0 {
            events.push(dropped(unreported));
        }
        let written = store
            .write(move |tx| {
                for event in &mut events {
                    tx.insert_audit(event)?;
                }
                Ok::<_, StoreError>(events)
            })
            .await;
        match written {
            Ok(events) => {
                for event in &events {
                    self.counts.written(event.outcome);
                    show::log(event);
                }
            }
            Err(error) => {
                tracing::error!(%error, events = count, "events of the audit trail could not be written");
                self.counts.dropped(count);
                self.counts.unreported.fetch_add(unreported, Ordering::Relaxed);
            }
        }
    }
}

async fn next_batch(events: &mut mpsc::Receiver<Event>, batch: &mut Vec<Event>, not_before: Instant) -> usize {
    sleep_until(not_before).await;
    events.recv_many(batch, BATCH).await
}

/// The event that stands for those that were too many.
fn dropped(count: u64) -> Event {
    Event {
        sequence: 0,
        time: clock::now(),
        request_id: "req-internal".to_owned(),
        global_request_id: None,
        region: None,
        service: "baryon".to_owned(),
        action: "baryon:drop_audit_events".to_owned(),
        outcome: Outcome::Failure,
        status: None,
        user_id: None,
        user_name: None,
        user_domain_id: None,
        project_id: None,
        application_credential_id: None,
        trust_id: None,
        source: None,
        target_type: None,
        target_id: None,
        before: None,
        after: None,
        reason: Some(format!("{count} refused requests and logins were too many to write down")),
    }
}

async fn purge_for_ever(config: &AuditConfig, store: &Store) {
    loop {
        sleep(config.purge_every).await;
        if let Err(error) = purge(config, store).await {
            tracing::warn!(%error, "old events of the audit trail could not be removed");
        }
    }
}

async fn purge(config: &AuditConfig, store: &Store) -> Result<(), StoreError> {
    let age = i64::try_from(config.retention.as_micros()).unwrap_or(i64::MAX);
    let oldest = clock::now().saturating_sub(age);
    while store.write(move |tx| tx.purge_audit_before(oldest, PURGE_BATCH)).await? == PURGE_BATCH {
        sleep(PURGE_PAUSE).await;
    }
    let most = config.max_events;
    let mut excess = store.read(move |read| read.audit_excess(most)).await?;
    while excess != AuditExcess::default() {
        excess = store
            .write(move |tx| {
                tx.purge_audit_excess(&mut excess, PURGE_BATCH)?;
                Ok::<_, StoreError>(excess)
            })
            .await?;
        sleep(PURGE_PAUSE).await;
    }
    Ok(())
}
