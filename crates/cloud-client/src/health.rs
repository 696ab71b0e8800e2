//! How another service is doing, for whoever wants to know.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// The state of one service, kept by whoever asks it.
#[derive(Debug)]
pub struct Health {
    name: String,
    problem: Mutex<Option<String>>,
    answers: AtomicU64,
    failures: AtomicU64,
}

impl Health {
    /// A service that has not been asked yet.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), problem: Mutex::default(), answers: AtomicU64::new(0), failures: AtomicU64::new(0) }
    }

    /// Its name, as metrics and status show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// It answered. Says so in the log when it did not before.
    pub fn works(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        if self.problem.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            tracing::info!(peer = self.name, "answers again");
        }
    }

    /// It did not. Says so in the log when that, or the reason, is new.
    pub fn failed(&self, reason: impl std::fmt::Display) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let reason = reason.to_string();
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if problem.as_ref() != Some(&reason) {
            tracing::warn!(peer = self.name, reason, "does not work");
            *problem = Some(reason);
        }
    }

    /// What is wrong with it now.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often it answered, and how often it did not.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.answers.load(Ordering::Relaxed), self.failures.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_lasts_until_the_next_answer() {
        let health = Health::new("nova");
        assert_eq!(health.problem(), None);
        health.failed("no route");
        health.failed("no route");
        assert_eq!(health.problem().as_deref(), Some("no route"));
        health.works();
        assert_eq!((health.problem(), health.counts()), (None, (1, 2)));
    }
}
