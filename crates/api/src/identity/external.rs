//! Callers whose tokens another Keystone made.
//!
//! In a cloud that has a Keystone, this service keeps no users: it asks there about each token, as a
//! service user, and remembers the answer for a while.
//!
//! - A good token is remembered until it expires, for [`ExternalIdentity::cache_time`] at most. Every
//!   [`ExternalIdentity::poll_time`] Keystone's list of revocations is read, and tokens that it may mean
//!   are forgotten, so that Keystone is asked again. So a revoked token, or one of a disabled user, is
//!   refused after the poll time at the latest; what brings no entry in that list (a role taken away)
//!   after the cache time.
//! - A bad token is remembered for a few seconds, in a place of its own: made-up tokens drive no good
//!   ones out, and do not all reach Keystone.
//! - Many requests with one unknown token make one question.
//! - A source of many bad tokens is not asked about for a while ([`super::failures`]).
//! - When Keystone does not answer, remembered tokens go on for what is left of their cache time, and
//!   others get 503: who somebody is cannot be guessed.
//!
//! Memory is bounded by the number of entries. Tokens are remembered by their hash, so that a dump of
//! this process's memory holds few of them.

mod cache;
mod caller;
mod pointer;

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use blake2::{Blake2s256, Digest};
use cloud_client::{CloudError, Health, Session, ValidToken, revocation::Revocations};
use jiff::Timestamp;
use store::identity::AccessRule;
use tokio::sync::OnceCell;

use super::{
    Caller, KeystoneError,
    access_rule::Asked,
    failures::{Failures, Proof},
};
use cache::{Bounded, Key};

pub(super) use pointer::answer as pointer;

/// Good tokens remembered at once.
const GOOD: usize = 16_384;
/// Bad tokens remembered at once, and for how long.
const BAD: usize = 4096;
const BAD_TIME: Duration = Duration::from_secs(10);
/// Keystone's own tokens have some 250 bytes; other providers' may have several thousand.
const LONGEST: usize = 16 << 10;
/// How soon it is tried again to read revocations when the service user may not.
const FORBIDDEN_TIME: Duration = Duration::from_secs(60);

/// A Keystone that knows who our callers are.
#[derive(Clone)]
pub struct ExternalIdentity {
    /// The service user that asks it.
    pub session: Session,
    /// Its URL, for clients.
    pub url: String,
    /// How long a good token is believed without asking again.
    pub cache_time: Duration,
    /// How often revocations are read.
    pub poll_time: Duration,
    /// Where it is written down how Keystone is doing.
    pub health: Arc<Health>,
}

impl fmt::Debug for ExternalIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalIdentity").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A good token.
struct Vouched {
    token: ValidToken,
    caller: Arc<Caller>,
    /// What it may be used for, if not for everything.
    rules: Option<Vec<AccessRule>>,
}

/// A good token, and until when it is believed.
struct Known {
    vouched: Arc<Vouched>,
    until: Instant,
}

type Verdict = Option<Arc<Vouched>>;
type Flight = Arc<OnceCell<Result<Verdict, CloudError>>>;

/// The callers of an [`ExternalIdentity`].
pub(crate) struct External {
    identity: ExternalIdentity,
    good: Mutex<Bounded<Known>>,
    bad: Mutex<Bounded<Instant>>,
    flights: Mutex<HashMap<Key, Flight>>,
    /// Grows with every revocation that was read: an answer that was under way meanwhile is not kept.
    revocations: AtomicU64,
}

/// Who presents a token. A source of many bad ones is refused before Keystone is asked.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) failures: &'a Failures,
    pub(crate) source: IpAddr,
}

/// A request that waits for an answer. With the last one the question is forgotten, answered or not:
/// whoever comes later finds the answer among those remembered, or asks anew.
struct Seat<'a> {
    flights: &'a Mutex<HashMap<Key, Flight>>,
    key: Key,
    flight: Option<Flight>,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut flights = lock(self.flights);
        // Given back under the lock, so that of several that leave at once one is the last.
        drop(self.flight.take());
        if flights.get(&self.key).is_some_and(|flight| Arc::strong_count(flight) == 1) {
            flights.remove(&self.key);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Entries are put and taken whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(text: &str, allow_expired: bool) -> Key {
    let mut hash = Blake2s256::new();
    hash.update([u8::from(allow_expired)]);
    hash.update(text.as_bytes());
    hash.finalize().into()
}

impl External {
    pub(crate) fn new(identity: ExternalIdentity) -> Self {
        Self {
            identity,
            good: Mutex::new(Bounded::new(GOOD)),
            bad: Mutex::new(Bounded::new(BAD)),
            flights: Mutex::default(),
            revocations: AtomicU64::new(0),
        }
    }

    /// Keystone's URL.
    pub(crate) fn url(&self) -> &str {
        &self.identity.url
    }

    /// Whose token it is, if it may be used for what is asked. A service that works for a user sends its
    /// own token too: then the user's may have expired while the work went on, and what is asked on the
    /// way to an answer is not in the rules of the user's application credential.
    pub(crate) async fn caller(
        &self,
        text: &str,
        service: Option<&str>,
        asked: &Asked,
        asker: Asker<'_>,
    ) -> Result<Arc<Caller>, KeystoneError> {
        let found = self.look_up(text, false, asker).await?;
        if let Some(vouched) = &found
            && vouched.rules.as_ref().is_none_or(|rules| asked.is_allowed(rules))
        {
            return Ok(Arc::clone(&vouched.caller));
        }
        let Some(service) = service else { return Err(KeystoneError::Unauthorized) };
        match self.look_up(service, false, asker).await? {
            Some(service) if service.caller.has_role("service") && service.rules.is_none() => {}
            _ => return Err(KeystoneError::Unauthorized),
        }
        let vouched = match found {
            Some(vouched) => Some(vouched),
            None => self.look_up(text, true, asker).await?,
        };
        vouched.map(|vouched| Arc::clone(&vouched.caller)).ok_or(KeystoneError::Unauthorized)
    }

    async fn look_up(&self, text: &str, allow_expired: bool, asker: Asker<'_>) -> Result<Verdict, KeystoneError> {
        if text.is_empty() || text.len() > LONGEST {
            return Ok(None);
        }
        let key = key(text, allow_expired);
        if let Some(verdict) = self.remembered(&key) {
            return Ok(verdict);
        }
        asker.failures.check(Proof::Token, asker.source)?;
        let flight = Arc::clone(lock(&self.flights).entry(key).or_default());
        let seat = Seat { flights: &self.flights, key, flight: Some(flight) };
        let result = match &seat.flight {
            Some(flight) => flight.get_or_init(|| self.ask(key, text, allow_expired)).await.clone(),
            None => Ok(None),
        };
        drop(seat);
        if matches!(result, Ok(None)) {
            asker.failures.failed(Proof::Token, asker.source);
        }
        result.map_err(|error| KeystoneError::Unavailable(error.to_string()))
    }

    fn remembered(&self, key: &Key) -> Option<Verdict> {
        let now = Instant::now();
        if let Some(known) = lock(&self.good).get(key)
            && now < known.until
        {
            return Some(Some(Arc::clone(&known.vouched)));
        }
        lock(&self.bad).get(key).is_some_and(|until| now < *until).then_some(None)
    }

    async fn ask(&self, key: Key, text: &str, allow_expired: bool) -> Result<Verdict, CloudError> {
        let before = self.revocations.load(Ordering::Acquire);
        let answer = ValidToken::validate(&self.identity.session, text, allow_expired).await;
        match &answer {
            Ok(_) => self.identity.health.works(),
            Err(error) => self.identity.health.failed(error),
        }
        let Some(token) = answer? else {
            lock(&self.good).remove(&key);
            lock(&self.bad).insert(key, Instant::now() + BAD_TIME);
            return Ok(None);
        };
        let left = Duration::try_from(token.expires_at.duration_since(Timestamp::now())).unwrap_or_default();
        let time = if allow_expired { self.identity.cache_time } else { left.min(self.identity.cache_time) };
        let vouched = Arc::new(Vouched { caller: Arc::new(caller::of(&token)), rules: caller::rules(&token), token });
        let known = Known { vouched: Arc::clone(&vouched), until: Instant::now() + time };
        let mut good = lock(&self.good);
        // Read under the lock, which the reader of revocations takes after it has counted them.
        if self.revocations.load(Ordering::Acquire) == before {
            good.insert(key, known);
        }
        Ok(Some(vouched))
    }

    /// Reads revocations for ever.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut revocations = Revocations::default();
        let mut forbidden = false;
        loop {
            let mut pause = self.identity.poll_time;
            match revocations.news(&self.identity.session).await {
                Ok(events) => {
                    self.identity.health.works();
                    forbidden = false;
                    if !events.is_empty() {
                        self.revocations.fetch_add(1, Ordering::AcqRel);
                        let concerned = |known: &Known| events.iter().any(|event| event.concerns(&known.vouched.token));
                        let forgotten = lock(&self.good).retain(|known| !concerned(known));
                        tracing::debug!(events = events.len(), forgotten, "Keystone revoked tokens");
                    }
                }
                Err(CloudError::Refused { status: 403 | 404, message, .. }) => {
                    pause = pause.max(FORBIDDEN_TIME);
                    if !std::mem::replace(&mut forbidden, true) {
                        let seconds = self.identity.cache_time.as_secs();
                        tracing::warn!(
                            message,
                            "the service user may not read Keystone's revocations: a revoked token is good for up to \
                             {seconds} s; give the user the role 'service' or 'admin'"
                        );
                    }
                }
                Err(error) => self.identity.health.failed(error),
            }
            tokio::time::sleep(pause).await;
        }
    }
}
