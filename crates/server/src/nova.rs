//! Telling Nova what became of its servers' ports.
//!
//! Nova starts a server when it hears that its ports are plugged, and gives up after five minutes. So
//! what it must hear is written into the store's outbox in the transaction that it is about, and one
//! task for each region takes it from there, in order and in batches, until Nova has answered. A Nova
//! that is away finds everything afterwards, as long as somebody may still wait for it; a restart of
//! ours loses nothing, and may tell something twice, which Nova bears.
//!
//! How answers are understood is Neutron's custom: a server that Nova does not know, or has not placed
//! yet, is no error; an event that Nova refuses will not be better the next time. Only what can pass
//! (no answer, 5xx, a refused login) is tried again.

mod counters;
mod reply;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use cloud_client::{CloudError, Health, Method, Session};
use model::{ServerEvent, ServerEventKind};
use serde_json::{Value, json};
use store::{Pending, Store, StoreError};

use crate::config::NovaConfig;

pub(crate) use counters::Counters;
use reply::{Reply, understand};

/// How often the outbox is looked into: an event waits half of this on average.
const TICK: Duration = Duration::from_millis(200);
/// Events in one message.
const BATCH: u32 = 100;
/// Nova's `vif_plugging_timeout`: nobody waits for what is older.
const WORTH_TELLING: Duration = Duration::from_secs(300);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The one who tells of a region. A region's Nova that is away keeps no other region waiting. See the module's text.
pub(crate) struct Notifier {
    region: String,
    store: Store,
    session: Session,
    config: NovaConfig,
    health: Arc<Health>,
    counters: Arc<Counters>,
}

/// Why a batch was not told.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

impl Notifier {
    pub(crate) fn new(
        region: &str,
        store: Store,
        session: Session,
        config: NovaConfig,
        health: Arc<Health>,
        counters: Arc<Counters>,
    ) -> Self {
        Self { region: region.to_owned(), store, session, config, health, counters }
    }

    /// Tells for ever.
    pub(crate) async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.round().await {
                Ok(true) => pause = FIRST_PAUSE,
                Ok(false) => {
                    pause = FIRST_PAUSE;
                    tokio::time::sleep(TICK).await;
                }
                Err(error) => {
                    self.health.failed(&error);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Tells one batch; whether there was one.
    async fn round(&self) -> Result<bool, Failure> {
        let of = self.region.clone();
        let (pending, waiting) = self
            .store
            .read(move |read| Ok::<_, StoreError>((read.pending_events(&of, BATCH)?, read.pending_event_count(&of)?)))
            .await?;
        self.counters.waiting(&self.region, waiting);
        if pending.is_empty() {
            return Ok(false);
        }
        let (late, current): (Vec<Pending>, Vec<Pending>) =
            pending.into_iter().partition(|event| event.age > WORTH_TELLING);
        if !late.is_empty() {
            tracing::warn!(
                events = late.len(),
                region = self.region,
                "Nova was not told in time of what happened to servers' ports"
            );
            self.counters.expired(late.len());
            self.forget(&late).await?;
        }
        if !current.is_empty() {
            self.tell(&current).await?;
            self.forget(&current).await?;
        }
        Ok(true)
    }

    async fn forget(&self, events: &[Pending]) -> Result<(), StoreError> {
        let told: Vec<i64> = events.iter().map(|event| event.seq).collect();
        self.store.write(move |tx| tx.forget_events(&told)).await
    }

    async fn tell(&self, events: &[Pending]) -> Result<(), CloudError> {
        let region = self.region.as_str();
        let begin = Instant::now();
        let endpoint = match &self.config.endpoint {
            Some(url) => url.to_string(),
            None => {
                let region = self.config.region_name.as_deref().unwrap_or(region);
                self.session.endpoint("compute", &self.config.interface, Some(region)).await?
            }
        };
        let url = format!("{endpoint}/os-server-external-events");
        let bodies = bodies(events);
        let answer = self.session.ask(Method::POST, &url, &[], Some(&json!({ "events": bodies }))).await?;
        match understand(&answer)? {
            Reply::Taken { refused } => {
                for event in &refused {
                    tracing::info!(%event, region, "Nova has no use for an event");
                }
                self.counters.told(bodies.len().saturating_sub(refused.len()), refused.len());
                let micros = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
                tracing::debug!(events = bodies.len(), region, micros, "told Nova");
            }
            Reply::Unknown => self.counters.told(0, bodies.len()),
            Reply::Refused { message } => {
                tracing::warn!(message, region, events = bodies.len(), "Nova refuses events; they are not told again");
                self.counters.told(0, bodies.len());
            }
        }
        self.health.works();
        Ok(())
    }
}

/// The events in Nova's form. That a server's network changed is said once in a message.
fn bodies(events: &[Pending]) -> Vec<Value> {
    let mut changed = BTreeSet::new();
    let mut bodies = Vec::with_capacity(events.len());
    for ServerEvent { kind, server, port, failed } in events.iter().map(|pending| &pending.event) {
        if *kind == ServerEventKind::NetworkChanged && !changed.insert((server, port)) {
            continue;
        }
        let status = if *failed { "failed" } else { "completed" };
        bodies.push(json!({ "name": kind.name(), "server_uuid": server, "tag": port, "status": status }));
    }
    bodies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_the_network_is_said_once_and_the_order_stays() {
        let (server, port) = (uuid::Uuid::new_v4(), types::PortId::random());
        let pending = |kind| Pending {
            seq: 0,
            region: "RegionOne".to_owned(),
            event: ServerEvent { kind, server, port, failed: false },
            age: Duration::ZERO,
        };
        use ServerEventKind::{NetworkChanged, VifPlugged, VifUnplugged};
        let events: Vec<_> =
            [NetworkChanged, VifPlugged, NetworkChanged, VifUnplugged, VifPlugged].into_iter().map(pending).collect();
        let told = bodies(&events);
        let names: Vec<_> = told.iter().filter_map(|body| body["name"].as_str()).collect();
        assert_eq!(names, ["network-changed", "network-vif-plugged", "network-vif-unplugged", "network-vif-plugged"]);
        assert_eq!(
            told[1],
            json!({ "name": "network-vif-plugged", "server_uuid": server, "tag": port, "status": "completed" })
        );
    }
}
