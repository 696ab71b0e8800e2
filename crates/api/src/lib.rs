//! The HTTP API: identity and network, in the dialects of OpenStack.
//!
//! This crate is the front end: it turns requests into calls of `intent` (and, for identity, into
//! rows of `store`), and what comes back into the JSON that Keystone and Neutron would send. Only
//! here is JSON, only here is HTTP.
//!
//! ```text
//!  bytes ─▶ edge ─▶ identity ─▶ store            one listener, a path per service:
//!             │                                  /identity/v3
//!             └───▶ network ──▶ intent ─▶ store  /network/{region}/v2.0
//!                        └────▶ World            (?wait=1, trace, drops, status)
//! ```
//!
//! Invariants:
//!
//! - One request is one snapshot or one transaction, and the token is checked inside it. What was
//!   disabled, revoked or deleted a moment ago is refused.
//! - What a client sends is bounded before it is looked at: head, body, time, requests at once,
//!   logins at once.
//! - No secret is logged: the access log knows methods, paths and statuses, never bodies, headers
//!   or queries.
//! - Nothing here touches the network. A call may wait until reconcile has applied a change, and
//!   never applies it itself.

#![forbid(unsafe_code)]

mod absent;
mod clock;
mod config;
mod discovery;
mod edge;
mod identity;
mod network;
mod null_world;

use std::sync::Arc;

use intent::World;
use store::Store;
use tokio::sync::Semaphore;

pub use config::{ApiConfig, Limits, Region};
pub use edge::{Bound, Probes, ProxyHeaders, ServeError, TrustedProxies};
pub use identity::{
    Access, Route as IdentityRoute,
    bootstrap::{Bootstrap, BootstrapError, Bootstrapped, bootstrap},
    failures::FailureLimits,
    keyring::KeyError,
    routes as identity_routes,
};
pub use null_world::NullWorld;

use edge::Metrics;
use identity::{failures::Failures, keyring::Keyring, password::Passwords};

/// What every request works with.
pub(crate) struct Api {
    pub(crate) config: ApiConfig,
    pub(crate) store: Store,
    pub(crate) world: Arc<dyn World>,
    pub(crate) keys: Keyring,
    pub(crate) passwords: Passwords,
    pub(crate) failures: Failures,
    pub(crate) metrics: Metrics,
    /// Places of the requests that are worked on at once.
    pub(crate) turns: Arc<Semaphore>,
    /// Places of the questions that the world is asked at once.
    pub(crate) questions: Arc<Semaphore>,
}

/// Opens the keys and the listeners, and brings the catalogue up to date.
pub async fn bind(config: ApiConfig, store: Store, world: Arc<dyn World>, probes: Probes) -> Result<Bound, ServeError> {
    let keys = Keyring::open(&config.keys_dir)?;
    let limits = &config.limits;
    let passwords = Passwords::new(limits.hashes, limits.waiting_logins).map_err(BootstrapError::from)?;
    let turns = Arc::new(Semaphore::new(limits.requests));
    let questions = Arc::new(Semaphore::new(limits.questions));
    identity::bootstrap::refresh_catalogue(&store, config.region_names()).await?;
    let failures = Failures::new(limits.failures.clone());
    let metrics = Metrics::default();
    Bound::open(Api { config, store, world, keys, passwords, failures, metrics, turns, questions }, probes).await
}

/// Serves until `shutdown` is ready and open requests have finished.
pub async fn serve(
    config: ApiConfig,
    store: Store,
    world: Arc<dyn World>,
    probes: Probes,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    bind(config, store, world, probes).await?.run(shutdown).await;
    Ok(())
}
