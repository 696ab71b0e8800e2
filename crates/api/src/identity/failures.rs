//! Failed logins, counted per source, and refused beyond a rate.
//!
//! Each source has a bucket of failures that leaks at a fixed rate. When it is full, proofs are not
//! looked at any more until it has leaked, right or wrong, so that guessing gains nothing by going
//! on. A source is an IPv4 address or an IPv6 /64, of which every customer has at least one.
//!
//! What a source proves by a password or the like and what it proves by a token are counted apart:
//! a client with an old token after the keys were lost must still be able to log in. A good token is
//! never refused here: it costs no hash, and its holder may sit behind one address with a guesser.
//! A success empties nothing, since it may be the guesser's own.
//!
//! The table is bounded. When it is full, the source that is nearest to being forgiven gives way, so
//! that a flood of new sources displaces its own kind and not the worst offenders.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::StatusCode;
use types::Cidr;

use super::KeystoneError;

/// How many failures a source may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureLimits {
    /// So many in a row.
    pub burst: u32,
    /// After that, one per this time.
    pub interval: Duration,
    /// Sources that are remembered at once.
    pub sources: usize,
}

impl Default for FailureLimits {
    fn default() -> Self {
        Self { burst: 20, interval: Duration::from_secs(3), sources: 16_384 }
    }
}

/// By what somebody tried to prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Proof {
    /// A password, a secret, or a token for a token.
    Login,
    /// The token of a request.
    Token,
}

impl Proof {
    const ALL: [Self; 2] = [Self::Login, Self::Token];

    const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Token => "token",
        }
    }
}

/// The network of a customer, as far as an address shows it.
pub(crate) fn source_range(address: IpAddr) -> Cidr {
    let bits = if address.is_ipv4() { 32 } else { 64 };
    Cidr::new(address, bits).unwrap_or_else(|| Cidr::host(address))
}

type Key = (Proof, Cidr);

/// When each bucket will be empty, by source and in the order of time.
#[derive(Debug, Default)]
struct Buckets {
    empty_at: HashMap<Key, Instant>,
    order: BTreeSet<(Instant, Key)>,
}

impl Buckets {
    fn set(&mut self, key: Key, at: Instant) {
        if let Some(old) = self.empty_at.insert(key, at) {
            self.order.remove(&(old, key));
        }
        self.order.insert((at, key));
    }

    fn forget_first(&mut self) {
        if let Some((_, key)) = self.order.pop_first() {
            self.empty_at.remove(&key);
        }
    }

    fn forget_empty(&mut self, now: Instant) {
        while self.order.first().is_some_and(|(at, _)| *at <= now) {
            self.forget_first();
        }
    }
}

/// The failures of every source.
#[derive(Debug)]
pub(crate) struct Failures {
    limits: FailureLimits,
    buckets: Mutex<Buckets>,
    failed: [AtomicU64; 2],
    refused: [AtomicU64; 2],
}

impl Failures {
    pub(crate) fn new(limits: FailureLimits) -> Self {
        Self { limits, buckets: Mutex::default(), failed: Default::default(), refused: Default::default() }
    }

    /// Refuses a source that has failed too often. To be asked before a proof is looked at.
    pub(crate) fn check(&self, proof: Proof, source: IpAddr) -> Result<(), KeystoneError> {
        self.check_at(proof, source, Instant::now())
    }

    /// Lets a proof be looked at, unless its source has failed too often; a refusal counts.
    pub(crate) async fn watch<T>(
        &self,
        proof: Proof,
        source: IpAddr,
        attempt: impl Future<Output = Result<T, KeystoneError>>,
    ) -> Result<T, KeystoneError> {
        self.check(proof, source)?;
        let result = attempt.await;
        // A token that is to be exchanged and is none is not found, in Keystone's words.
        let wrong = [StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND];
        if result.as_ref().is_err_and(|error| wrong.contains(&error.status())) {
            self.failed(proof, source);
        }
        result
    }

    /// Counts a token that nobody issued, and says what to answer.
    pub(crate) fn made_up(&self, source: IpAddr) -> KeystoneError {
        match self.check(Proof::Token, source) {
            Ok(()) => {
                self.failed(Proof::Token, source);
                KeystoneError::Unauthorized
            }
            Err(refused) => refused,
        }
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, proof: Proof, source: IpAddr) {
        self.failed_at(proof, source, Instant::now());
    }

    fn check_at(&self, proof: Proof, source: IpAddr, now: Instant) -> Result<(), KeystoneError> {
        let Some(empty_at) = self.lock().empty_at.get(&(proof, source_range(source))).copied() else { return Ok(()) };
        // There is room for one more failure when the bucket holds less than all but one.
        let room = self.limits.interval * self.limits.burst.saturating_sub(1);
        let wait = empty_at.saturating_duration_since(now).saturating_sub(room);
        if wait.is_zero() {
            return Ok(());
        }
        self.refused[proof as usize].fetch_add(1, Ordering::Relaxed);
        // Up to the next whole second, or the client comes back too early.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Err(KeystoneError::TooManyFailures { seconds })
    }

    fn failed_at(&self, proof: Proof, source: IpAddr, now: Instant) {
        self.failed[proof as usize].fetch_add(1, Ordering::Relaxed);
        let key = (proof, source_range(source));
        let mut buckets = self.lock();
        buckets.forget_empty(now);
        let full = now + self.limits.interval * self.limits.burst;
        let level = buckets.empty_at.get(&key).copied();
        if level.is_none() && buckets.empty_at.len() >= self.limits.sources {
            buckets.forget_first();
        }
        // Proofs that were under way at once may come after the bucket is full: it gets no fuller, or
        // one burst would shut a source out for long.
        buckets.set(key, (level.unwrap_or(now) + self.limits.interval).min(full));
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        // Both halves are changed together without anything between that could panic.
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// In the text format of Prometheus.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        for (name, help, counts) in [
            ("failures", "Proofs of identity that were wrong.", &self.failed),
            (
                "failures_refused",
                "Proofs that were not looked at, because their source had failed too often.",
                &self.refused,
            ),
        ] {
            let name = format!("baryon_identity_{name}_total");
            text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} counter\n"));
            for proof in Proof::ALL {
                let count = counts[proof as usize].load(Ordering::Relaxed);
                text.push_str(&format!("{name}{{proof=\"{}\"}} {count}\n", proof.name()));
            }
        }
        let name = "baryon_identity_failure_sources";
        let count = self.lock().empty_at.len();
        text.push_str(&format!(
            "# HELP {name} Sources whose failures are remembered.\n# TYPE {name} gauge\n{name} {count}\n"
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn failures(burst: u32, sources: usize) -> Failures {
        Failures::new(FailureLimits { burst, interval: 3 * SECOND, sources })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Seconds to wait, none when allowed.
    fn wait(failures: &Failures, source: &str, now: Instant) -> Option<u64> {
        match failures.check_at(Proof::Login, address(source), now) {
            Ok(()) => None,
            Err(KeystoneError::TooManyFailures { seconds }) => Some(seconds),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn so_many_in_a_row_and_then_one_at_a_time() {
        let failures = failures(20, 100);
        let start = Instant::now();
        for count in 0..20 {
            assert_eq!(wait(&failures, "192.0.2.1", start), None, "failure {count}");
            failures.failed_at(Proof::Login, address("192.0.2.1"), start);
        }
        assert_eq!(wait(&failures, "192.0.2.1", start), Some(3));
        assert_eq!(wait(&failures, "192.0.2.1", start + SECOND / 2), Some(3));
        assert_eq!(wait(&failures, "192.0.2.1", start + 3 * SECOND), None);
        failures.failed_at(Proof::Login, address("192.0.2.1"), start + 3 * SECOND);
        assert_eq!(wait(&failures, "192.0.2.1", start + 3 * SECOND), Some(3));
        assert_eq!(wait(&failures, "192.0.2.2", start), None, "another source");
        failures.check_at(Proof::Token, address("192.0.2.1"), start).unwrap();
        // However many were under way, the next one is due as soon.
        for _ in 0..100 {
            failures.failed_at(Proof::Login, address("192.0.2.1"), start + 3 * SECOND);
        }
        assert_eq!(wait(&failures, "192.0.2.1", start + 3 * SECOND), Some(3));
        assert_eq!(wait(&failures, "192.0.2.1", start + 63 * SECOND), None);
    }

    #[test]
    fn a_customer_of_ipv6_is_one_source() {
        let failures = failures(2, 100);
        let now = Instant::now();
        failures.failed_at(Proof::Login, address("2001:db8:0:1::1"), now);
        failures.failed_at(Proof::Login, address("2001:db8:0:1:ffff::2"), now);
        assert_eq!(wait(&failures, "2001:db8:0:1::3", now), Some(3));
        assert_eq!(wait(&failures, "2001:db8:0:2::3", now), None);
    }

    #[test]
    fn the_table_stays_small_and_keeps_the_worst() {
        let failures = failures(2, 8);
        let now = Instant::now();
        for _ in 0..2 {
            failures.failed_at(Proof::Login, address("192.0.2.1"), now);
        }
        for last in 0..=255_u8 {
            failures.failed_at(Proof::Login, IpAddr::from([198, 51, 100, last]), now);
            let buckets = failures.lock();
            assert!(buckets.empty_at.len() <= 8 && buckets.order.len() == buckets.empty_at.len());
        }
        assert_eq!(wait(&failures, "192.0.2.1", now), Some(3));
        // And forgets what has leaked.
        failures.failed_at(Proof::Login, address("192.0.2.9"), now + 10 * SECOND);
        assert_eq!(failures.lock().empty_at.len(), 1);
    }

    #[test]
    fn counts_are_metrics() {
        let failures = failures(1, 8);
        failures.failed(Proof::Token, address("192.0.2.1"));
        assert!(failures.check(Proof::Token, address("192.0.2.1")).is_err());
        let text = failures.render();
        for line in [
            "baryon_identity_failures_total{proof=\"login\"} 0\n",
            "baryon_identity_failures_total{proof=\"token\"} 1\n",
            "baryon_identity_failures_refused_total{proof=\"token\"} 1\n",
            "baryon_identity_failure_sources 1\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
