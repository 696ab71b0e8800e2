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
mod audit;
mod clock;
mod config;
mod discovery;
mod dns;
mod edge;
mod endpoint;
mod identity;
mod load_balancer;
mod network;
mod null_world;
mod peer;
mod service;

use std::sync::Arc;

use intent::World;
use store::Store;
use tokio::sync::Semaphore;

pub use audit::AuditConfig;
pub use config::{ApiConfig, Limits, Region};
pub use edge::{
    Bound, Certificate, Listeners, PemPair, Probes, ProxyHeaders, ServeError, Tls, TlsError, TrustedProxies,
};
pub use endpoint::{Endpoint, endpoints};
pub use identity::{
    Access, Route as IdentityRoute,
    bootstrap::{Bootstrap, BootstrapError, Bootstrapped, bootstrap},
    compliance::{MOST_REMEMBERED, PasswordPattern, PatternError, SecurityCompliance},
    external::ExternalIdentity,
    failures::FailureLimits,
    keyring::{KeyError, Rotation, rotate as rotate_keys},
    routes as identity_routes,
    secret_rotation::{SecretRotation, SecretRotationError, rotate_secret_keys},
};
pub use null_world::NullWorld;

use audit::Trail;
use edge::Metrics;
use identity::{
    external::External,
    failures::Failures,
    keyring::{Family, Keyring},
    password::Passwords,
};

/// What every request works with.
pub(crate) struct Api {
    pub(crate) config: ApiConfig,
    pub(crate) store: Store,
    pub(crate) world: Arc<dyn World>,
    /// Keys of tokens.
    pub(crate) keys: Keyring,
    /// Keys of the secrets in the store.
    pub(crate) secret_keys: Keyring,
    /// Who calls, when that is another Keystone's to say.
    pub(crate) external: Option<Arc<External>>,
    pub(crate) passwords: Passwords,
    pub(crate) failures: Failures,
    pub(crate) metrics: Metrics,
    pub(crate) trail: Trail,
    /// Places of the requests that are worked on at once.
    pub(crate) turns: Arc<Semaphore>,
    /// Places of large bodies.
    pub(crate) large_bodies: Semaphore,
    /// Places of the questions that the world is asked at once.
    pub(crate) questions: Arc<Semaphore>,
}

/// Opens the keys and the listeners, and brings the catalogue up to date.
pub async fn bind(config: ApiConfig, store: Store, world: Arc<dyn World>, probes: Probes) -> Result<Bound, ServeError> {
    let listeners = Listeners::open(config.listen, config.health_listen)?;
    bind_on(listeners, config, store, world, probes).await
}

/// The same on sockets that listen already.
pub async fn bind_on(
    listeners: Listeners,
    mut config: ApiConfig,
    store: Store,
    world: Arc<dyn World>,
    probes: Probes,
) -> Result<Bound, ServeError> {
    config.introduce_regions();
    let keys = Keyring::open(&config.keys_dir, Family::Token)?;
    let secret_keys = Keyring::open(&config.keys_dir, Family::Secret)?;
    let limits = &config.limits;
    let passwords = Passwords::new(limits.hashes, limits.waiting_logins).map_err(BootstrapError::from)?;
    let turns = Arc::new(Semaphore::new(limits.requests));
    let large_bodies = Semaphore::new(limits.large_bodies);
    let questions = Arc::new(Semaphore::new(limits.questions));
    let external = config.external.clone().map(|identity| Arc::new(External::new(identity)));
    if external.is_none() {
        identity::bootstrap::refresh_catalogue(&store, &config).await?;
    }
    let failures = Failures::new(limits.failures.clone());
    let metrics = Metrics::default();
    let (trail, keeper) = Trail::new(&config.audit);
    let api = Api {
        config,
        store,
        world,
        keys,
        secret_keys,
        external,
        passwords,
        failures,
        metrics,
        trail,
        turns,
        large_bodies,
        questions,
    };
    Bound::open(api, listeners, keeper, probes)
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
