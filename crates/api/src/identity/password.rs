//! Passwords: argon2id, a bounded number at once.
//!
//! A hash costs 19 MiB and tens of milliseconds by design. So hashes have a few places of their own
//! and a short queue; a flood of logins fills those, gets 429, and the rest of the API goes on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use super::KeystoneError;

/// Longer passwords are refused, as in Keystone (`max_password_length`).
const LONGEST: usize = 4096;

/// Computes and compares hashes of passwords.
pub(crate) struct Passwords {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    /// What an unknown user's password is compared with, so that it takes as long as a known one's.
    nobody: String,
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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
        Ok(Self {
            places: Arc::new(Semaphore::new(places.max(1))),
            waiting: AtomicUsize::new(0),
            most_waiting,
            nobody: hash("")?,
        })
    }

    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, KeystoneError> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(&self.waiting);
        if before >= self.most_waiting {
            return Err(KeystoneError::TooManyLogins);
        }
        let place = Arc::clone(&self.places).acquire_owned().await;
        drop(waiting);
        let task = tokio::task::spawn_blocking(move || {
            // Held by the computation, not by the request, which may be given up before.
            let _place = place;
            work()
        });
        task.await.map_err(|error| KeystoneError::Internal(format!("hashing a password failed: {error}")))
    }

    /// The hash of a new password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, KeystoneError> {
        if password.chars().count() > LONGEST {
            let reason = format!("The password is longer than {LONGEST} characters.");
            return Err(KeystoneError::BadRequest(reason));
        }
        self.compute(move || hash(&password)).await?
    }

    /// Whether a password is the user's; never, but just as slowly, when there is no hash.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, KeystoneError> {
        if password.chars().count() > LONGEST {
            return Ok(false);
        }
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let equal = self.compute(move || matches(&password, &hash)).await?;
        Ok(equal && known)
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
        let passwords = Passwords::new(1, 1).unwrap();
        assert!(!passwords.verify(String::new(), None).await.unwrap());
        let place = Arc::clone(&passwords.places).acquire_owned().await.unwrap();
        let first = passwords.verify("a".to_owned(), None);
        let second = async {
            // The first one waits for the place by now.
            let refused = passwords.verify("b".to_owned(), None).await;
            drop(place);
            refused
        };
        let (first, second) = tokio::join!(first, second);
        assert!(!first.unwrap());
        assert!(matches!(second, Err(KeystoneError::TooManyLogins)));
    }
}
