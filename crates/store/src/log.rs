//! The newest committed change, and waiting for a newer one.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A place in the change log. Larger is newer; zero lies before everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ChangeSeq(pub u64);

/// What the writer committed last.
#[derive(Debug, Default)]
pub(crate) struct CommitLog {
    newest: Mutex<ChangeSeq>,
    committed: Condvar,
    /// Why the last transaction could not be committed; `None` when it was.
    problem: Mutex<Option<String>>,
}

impl CommitLog {
    pub(crate) fn new(newest: ChangeSeq) -> Self {
        Self { newest: Mutex::new(newest), committed: Condvar::new(), problem: Mutex::new(None) }
    }

    pub(crate) fn newest(&self) -> ChangeSeq {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down how the last transaction ended.
    pub(crate) fn ended(&self, outcome: Result<(), &str>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = outcome.err().map(str::to_owned);
    }

    pub(crate) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn publish(&self, newest: ChangeSeq) {
        let mut known = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest > *known {
            *known = newest;
            self.committed.notify_all();
        }
    }

    /// Waits until something newer than `known` is committed, and no longer than `timeout`; the
    /// newest change either way.
    pub(crate) fn wait(&self, known: ChangeSeq, timeout: Duration) -> ChangeSeq {
        let deadline = Instant::now() + timeout;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        while *newest <= known {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            newest = self.committed.wait_timeout(newest, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_lasts_until_a_transaction_is_committed() {
        let log = CommitLog::new(ChangeSeq(1));
        assert_eq!(log.problem(), None);
        log.ended(Err("database or disk is full"));
        assert_eq!(log.problem().as_deref(), Some("database or disk is full"));
        log.ended(Ok(()));
        assert_eq!(log.problem(), None);
    }
}
