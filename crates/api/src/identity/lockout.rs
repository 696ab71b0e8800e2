//! Users are locked after too many failed logins in a row.
//!
//! The count is a row that exists only while there are failures, so that a good login writes nothing
//! unless it has one to forget. Every failure writes once, whomever it is about: one that counts for
//! nobody (an unknown, disabled or locked user) writes to a row of its own, so that neither the
//! answer nor its time says which it was. While a user is locked nothing is counted: the lock ends in
//! its time, however hard somebody knocks.

use store::identity::{FailedLogins, Identity, User};
use types::UserId;

use super::{
    KeystoneError,
    compliance::{SecurityCompliance, micros},
    route::{Call, Visit},
};
use crate::clock;

/// The option of users who are never locked.
const IGNORES: &str = "ignore_lockout_failure_attempts";

/// What of a user's failed logins counts now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// None.
    Clean,
    /// So many, too few.
    Failed(u32),
    /// Enough.
    Locked,
}

fn standing(rules: &SecurityCompliance, failed: Option<FailedLogins>, now: i64) -> Standing {
    let Some(failed) = failed else { return Standing::Clean };
    if rules.lockout_failure_attempts == 0 || failed.attempts < rules.lockout_failure_attempts {
        return Standing::Failed(failed.attempts);
    }
    let until = failed.last_at.saturating_add(micros(rules.lockout_duration));
    if rules.lockout_duration.is_zero() || now < until { Standing::Locked } else { Standing::Clean }
}

/// What comes of a login whose password was compared: the user, or the refusal, which is always the same.
///
/// The lock is looked at after the comparison, so that guesses that were compared side by side get no
/// further than those one after another.
pub(super) async fn settle(visit: &Visit, found: Option<User>, good: bool) -> Result<User, KeystoneError> {
    // Looked up for unknown users too: what comes of it must not show in the time.
    let known = found.clone();
    let standing = visit.read(move |call| of_user(call, known.as_ref())).await?;
    if let Some(user) = found.as_ref().filter(|user| good && user.enabled && standing != Standing::Locked) {
        if standing != Standing::Clean {
            let id = user.id.clone();
            visit.write(move |call| Ok(call.identity.forget_failed_logins(&id)?)).await?;
        }
        return Ok(user.clone());
    }
    visit
        .write(move |call| {
            count(call.identity, &call.api().config.security, found.filter(|_| !good).as_ref(), clock::now())
        })
        .await?;
    Err(KeystoneError::Unauthorized)
}

fn of_user(call: &Call<'_>, user: Option<&User>) -> Result<Standing, KeystoneError> {
    let id = user.map_or_else(UserId::random, |user| user.id.clone());
    let Some(failed) = call.identity.failed_logins(&id)? else { return Ok(Standing::Clean) };
    if user.is_some_and(|user| user.has_option(IGNORES)) {
        return Ok(Standing::Failed(failed.attempts));
    }
    Ok(match standing(&call.api().config.security, Some(failed), clock::now()) {
        // What is over is to be forgotten too.
        Standing::Clean => Standing::Failed(failed.attempts),
        other => other,
    })
}

/// Counts a failed login, for a user or (none) for nobody.
fn count(
    identity: Identity<'_>,
    rules: &SecurityCompliance,
    user: Option<&User>,
    now: i64,
) -> Result<(), KeystoneError> {
    let counted = match user.filter(|user| user.enabled) {
        None => None,
        Some(user) => match standing(rules, identity.failed_logins(&user.id)?, now) {
            Standing::Clean => Some((&user.id, 1)),
            Standing::Failed(attempts) => Some((&user.id, attempts.saturating_add(1))),
            Standing::Locked => None,
        },
    };
    let (user, attempts) = counted.map_or((None, 0), |(user, attempts)| (Some(user), attempts));
    identity.put_failed_logins(user, FailedLogins { attempts, last_at: now })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_lock_begins_with_the_last_failure_and_ends_in_its_time() {
        let rules = SecurityCompliance::default();
        let at = |attempts, now| standing(&rules, Some(FailedLogins { attempts, last_at: 0 }), now);
        assert_eq!(standing(&rules, None, 0), Standing::Clean);
        assert_eq!(at(4, 0), Standing::Failed(4));
        assert_eq!(at(5, 0), Standing::Locked);
        assert_eq!(at(5, 300 * SECOND - 1), Standing::Locked);
        assert_eq!(at(5, 300 * SECOND), Standing::Clean);
    }

    #[test]
    fn without_a_duration_a_lock_lasts_and_without_a_number_there_is_none() {
        let failed = Some(FailedLogins { attempts: 5, last_at: 0 });
        let lasting = SecurityCompliance { lockout_duration: Duration::ZERO, ..SecurityCompliance::default() };
        assert_eq!(standing(&lasting, failed, i64::MAX), Standing::Locked);
        let off = SecurityCompliance { lockout_failure_attempts: 0, ..SecurityCompliance::default() };
        assert_eq!(standing(&off, failed, 0), Standing::Failed(5));
    }
}
