//! The cloud around this process: who its users are asked of, and who is told of their servers.

use std::{sync::Arc, time::Duration};

use cloud_client::{Health, Http, Session};
use store::{Store, StoreError};
use tokio::task::JoinSet;

use crate::{
    Error,
    config::CloudSettings,
    error::Result,
    nova::{Counters, Notifier},
};

/// What was made of the settings.
#[derive(Default)]
pub(super) struct Cloud {
    /// Who knows the users, if not this service.
    pub(super) external: Option<api::ExternalIdentity>,
    /// How the others are doing.
    pub(super) peers: Vec<Arc<Health>>,
    /// What was told to Nova.
    pub(super) counters: Option<Arc<Counters>>,
    /// One for each region.
    notifiers: Vec<Notifier>,
}

impl Cloud {
    /// Makes the clients. A login that is refused is the administrator's to mend and an error; a Keystone
    /// that is away may come back, so that both can be started in any order.
    pub(super) async fn new(settings: Option<&CloudSettings>, store: &Store, regions: &[String]) -> Result<Self> {
        let mut cloud = Self::default();
        let notify = settings.is_some_and(|settings| settings.nova.notify);
        let readers = if notify { regions.to_vec() } else { Vec::new() };
        store.write(move |tx| tx.set_event_readers(&readers)).await.map_err(|error: StoreError| Error::from(error))?;
        let Some(settings) = settings else { return Ok(cloud) };

        let session = Session::new(Http::new(settings.http())?, settings.user.clone());
        if let Some(url) = &settings.identity.external {
            let health = Arc::new(Health::new("keystone"));
            match session.access().await {
                Ok(_) => health.works(),
                Err(error) if error.is_passing() => health.failed(&error),
                Err(error) => return Err(error.into()),
            }
            cloud.peers.push(Arc::clone(&health));
            cloud.external = Some(api::ExternalIdentity {
                session: session.clone(),
                url: url.to_string(),
                cache_time: Duration::from_secs(settings.identity.cache_seconds.into()),
                poll_time: Duration::from_secs(settings.identity.poll_seconds.into()),
                health,
            });
        }
        if notify {
            let counters = Arc::new(Counters::default());
            for region in regions {
                let name = if regions.len() == 1 { "nova".to_owned() } else { format!("nova of {region}") };
                let health = Arc::new(Health::new(name));
                cloud.peers.push(Arc::clone(&health));
                let (session, config) = (session.clone(), settings.nova.clone());
                let counters = Arc::clone(&counters);
                cloud.notifiers.push(Notifier::new(region, store.clone(), session, config, health, counters));
            }
            cloud.counters = Some(counters);
        }
        Ok(cloud)
    }

    /// Starts telling Nova. The tasks end with what is answered.
    pub(super) fn notify(&mut self) -> JoinSet<()> {
        self.notifiers.drain(..).map(Notifier::run).collect()
    }
}
