//! Passwords: argon2id, a bounded number at once.
//!
//! A hash costs 19 MiB and tens of milliseconds by design. So hashes have a few places of their own
//! and a short queue that is fair between sources ([`turns`]); a flood of logins fills those, gets
//! 429, and the rest of the API goes on.

mod turns;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};

use super::{KeystoneError, failures::source_range};
use turns::Turns;

/// Longer passwords are refused, as in Keystone (`max_password_length`).
const LONGEST: usize = 4096;

/// Computes and compares hashes of passwords.
pub(crate) struct Passwords {
    turns: Arc<Turns>,
    computed: Arc<AtomicU64>,
    /// What an unknown user's password is compared with, so that it takes as long as a known one's.
    nobody: String,
}

/// The hash of a password, as a PHC string.
pub(crate) fn hash(password: &str) -> Result<String, KeystoneError> {
    // Default parameters: argon2id, 19 MiB, 2 passes, 1 lane, 16 random bytes of salt.
    match Argon2::default().hash_password(password.as_bytes()) {
        Ok(hash) => Ok(hash.to_string()),
        Err(error) => Err(KeystoneError::Internal(format!("cannot hash a password: {error}"))),
    }
}

fn matches(password: &str, hash: &str) -> bool {
    // The comparison inside takes the same time wherever the difference is.
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

impl Passwords {
    /// With as many places and as long a queue.
    pub(crate) fn new(places: usize, most_waiting: usize) -> Result<Self, KeystoneError> {
        let turns = Turns::new(places, most_waiting);
        Ok(Self { turns, computed: Arc::default(), nobody: hash("")? })
    }

    async fn compute<T: Send + 'static>(
        &self,
        source: IpAddr,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, KeystoneError> {
        let place = self.turns.take(source_range(source)).await.ok_or(KeystoneError::TooManyLogins)?;
        let computed = Arc::clone(&self.computed);
        let task = tokio::task::spawn_blocking(move || {
            // Held by the computation, not by the request, which may be given up before.
            let _place = place;
            computed.fetch_add(1, Ordering::Relaxed);
            work()
        });
        task.await.map_err(|error| KeystoneError::Internal(format!("hashing a password failed: {error}")))
    }

    /// The hash of a new password, which came from this source.
    pub(crate) async fn hash(&self, source: IpAddr, password: String) -> Result<String, KeystoneError> {
        if password.chars().count() > LONGEST {
            let reason = format!("The password is longer than {LONGEST} characters.");
            return Err(KeystoneError::BadRequest(reason));
        }
        self.compute(source, move || hash(&password)).await?
    }

    /// Whether a password is the user's; never, but just as slowly, when there is no hash.
    pub(crate) async fn verify(
        &self,
        source: IpAddr,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, KeystoneError> {
        if password.chars().count() > LONGEST {
            return Ok(false);
        }
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let equal = self.compute(source, move || matches(&password, &hash)).await?;
        Ok(equal && known)
    }

    /// In the text format of Prometheus.
    pub(crate) fn render(&self) -> String {
        let counts = self.turns.counts();
        let mut text = String::new();
        for (name, kind, help, value) in [
            ("computed_total", "counter", "Hashes computed.", self.computed.load(Ordering::Relaxed)),
            ("refused_total", "counter", "Logins refused because too many waited for a hash.", counts.refused),
            ("at_once", "gauge", "Hashes being computed.", counts.taken as u64),
            ("at_once_peak", "gauge", "The most hashes that were ever computed at once.", counts.peak as u64),
            ("waiting", "gauge", "Logins that wait for a hash.", counts.waiting as u64),
        ] {
            let name = format!("baryon_password_hashes_{name}");
            text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_only() {
        let hash = hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(matches("correct horse", &hash));
        assert!(!matches("correct horsf", &hash));
        assert!(!matches("correct horse", "no hash"));
    }

    #[tokio::test]
    async fn an_unknown_user_never_matches_and_a_flood_is_refused() {
        let source = IpAddr::from([192, 0, 2, 1]);
        let passwords = Passwords::new(1, 1).unwrap();
        assert!(!passwords.verify(source, String::new(), None).await.unwrap());
        let place = passwords.turns.take(source_range(source)).await;
        let first = passwords.verify(source, "a".to_owned(), None);
        let second = async {
            // The first one waits for the place by now.
            let refused = passwords.verify(source, "b".to_owned(), None).await;
            drop(place);
            refused
        };
        let (first, second) = tokio::join!(first, second);
        assert!(!first.unwrap());
        assert!(matches!(second, Err(KeystoneError::TooManyLogins)));
        let text = passwords.render();
        for line in ["computed_total 2\n", "refused_total 1\n", "at_once_peak 1\n", "at_once 0\n", "waiting 0\n"] {
            assert!(text.contains(&format!("baryon_password_hashes_{line}")), "{text}");
        }
    }
}
