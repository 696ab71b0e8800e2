//! The audit trail: who did what, from the request to the trail's table and the log.
//!
//! ```text
//!  a write that did something   its events in its own transaction ──▶ after the commit: the log
//!  a refusal, a login           an event after the answer ─▶ bounded queue ─▶ batches ─▶ table, log
//! ```
//!
//! The first way is exact: there is no effect without an event and no event without an effect, also
//! when the client has gone or the answer is lost. The second one never holds a request up: when more
//! is refused than can be written down, events are dropped, counted, and the count becomes an event.
//!
//! What an event tells of objects comes from allow lists (`model`'s attribute tables without secrets,
//! `store::audit::PRINCIPALS`); of a refused request it tells the path's ids and our own words, never
//! its body or headers. The name in a failed login is not told: people type passwords there.
//!
//! Why it is made this way: `docs/adr/0005-audit-trail.md`. Its names follow CADF, the event format
//! of OpenStack's own services: initiator, action, target, outcome, observer, reason.

mod answered;
mod bound;
mod keeper;
mod query;
mod show;
mod trail;
mod witness;
mod write;

use std::time::Duration;

use crate::{endpoint::Endpoint, identity::Access};

pub(crate) use answered::Asked;
pub(crate) use bound::shortened;
pub(crate) use keeper::Keeper;
pub(crate) use query::handle;
pub(crate) use trail::Trail;
pub(crate) use witness::Witness;
pub(crate) use write::record;

/// What `/baryon` answers.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new("GET", "/baryon/v1/audit", Access::Authenticated)]
}

/// How much the trail remembers.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    /// How long an event is kept.
    pub retention: Duration,
    /// The most events that are kept.
    pub max_events: u64,
    /// How many refusals and logins may wait to be written down; more are counted only.
    pub queue: usize,
    /// How often old events are looked for.
    pub purge_every: Duration,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            retention: Duration::from_secs(90 * 24 * 3600),
            max_events: 1_000_000,
            queue: 4096,
            purge_every: Duration::from_secs(60),
        }
    }
}

/// What a request is about, by its method and path alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The region.
    pub(crate) region: Option<String>,
    /// What is asked for, without the service: the name of the policy rule that it needs.
    pub(crate) action: String,
    /// What kind of object.
    pub(crate) target_type: Option<String>,
    /// Which, as the path says it.
    pub(crate) target_id: Option<String>,
}
