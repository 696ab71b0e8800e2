//! Passwords of users: set by an administrator, changed by who knows the old one, expired.

use std::sync::Arc;

use hyper::StatusCode;
use jiff::Timestamp;
use store::identity::User;

use crate::{
    clock,
    edge::Reply,
    identity::{
        KeystoneError, auth,
        compliance::micros,
        failures::Proof,
        fields::Fields,
        route::{Call, Visit},
    },
};

/// The option of users whose passwords do not expire.
const IGNORES_EXPIRY: &str = "ignore_password_expiry";
/// The option of users who need not change a password that an administrator set.
const IGNORES_FIRST_USE: &str = "ignore_change_password_upon_first_use";
/// The option of users who may not change their password.
const LOCKED: &str = "lock_password";

/// Until when a user's password may be used, in microseconds since 1970; none for ever, or for no password.
pub(in crate::identity) fn expires_at(user: &User) -> Option<i64> {
    user.password_expires_at.filter(|_| user.password_hash.is_some() && !user.has_option(IGNORES_EXPIRY))
}

/// Takes the password out of a body and hashes it. Null is no password: then there is no login by one.
pub(super) async fn hashed(visit: &Visit, fields: &mut Fields) -> Result<Option<Option<String>>, KeystoneError> {
    Ok(match fields.nullable_text("password")? {
        None => None,
        Some(None) => Some(None),
        Some(Some(password)) => {
            visit.api.config.security.check_pattern(&password)?;
            Some(Some(visit.api.passwords.hash(visit.request.source, password).await?))
        }
    })
}

/// Who sets a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Somebody who may change users.
    Administrator,
    /// Who knew the old one.
    User,
}

/// Gives a user a password, by its hash. Tokens issued before are void from now on. The caller stores the user.
pub(super) fn set(call: &Call<'_>, user: &mut User, hash: Option<String>, by: By) -> Result<(), KeystoneError> {
    let rules = &call.api().config.security;
    let now = clock::now();
    if let Some(former) = user.password_hash.take().filter(|_| rules.remembered() > 0) {
        call.identity.retire_password(&user.id, &former, rules.remembered())?;
    }
    let first_use =
        by == By::Administrator && rules.change_password_upon_first_use && !user.has_option(IGNORES_FIRST_USE);
    user.password_hash = hash;
    user.password_set_at = Some(now);
    user.password_expires_at = if first_use { Some(now) } else { rules.expiry(now) };
    user.password_by_user = by == By::User;
    user.valid_from = now;
    Ok(())
}

/// `POST /users/{user_id}/password`: who knows the old password may set a new one, without a token, and
/// even when the old one has expired. Failures count as failed logins.
pub(in crate::identity) async fn change_password(visit: Visit) -> Result<Reply, KeystoneError> {
    let (api, source) = (Arc::clone(&visit.api), visit.request.source);
    api.failures.watch(Proof::Login, source, change(visit)).await
}

async fn change(visit: Visit) -> Result<Reply, KeystoneError> {
    let mut fields = Fields::of(&visit.request, "user")?;
    let original = fields.text("original_password")?.ok_or_else(|| fields.lacks("original_password"))?;
    let wanted = fields.text("password")?.ok_or_else(|| fields.lacks("password"))?;
    let known = auth::check_to_change(&visit, visit.parameter("user_id").to_owned(), original).await?;
    let rules = &visit.api.config.security;
    rules.check_pattern(&wanted)?;
    refuse_locked(&known)?;
    refuse_young(&known, micros(rules.minimum_password_age), clock::now())?;
    refuse_former(&visit, &known, &wanted).await?;
    let hash = visit.api.passwords.hash(visit.request.source, wanted).await?;
    visit
        .write(move |call| {
            // Somebody else may have changed it while we computed.
            let user = call.identity.user(&known.id)?.filter(|user| user.password_hash == known.password_hash);
            let mut user = user.ok_or(KeystoneError::Unauthorized)?;
            refuse_locked(&user)?;
            set(call, &mut user, Some(hash), By::User)?;
            call.identity.put_user(&user)?;
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        })
        .await
}

fn refuse_locked(user: &User) -> Result<(), KeystoneError> {
    if !user.has_option(LOCKED) {
        return Ok(());
    }
    Err(KeystoneError::BadRequest(
        "You cannot change your password at this time due to password policy disallowing password changes. Please \
         contact your administrator to reset your password."
            .to_owned(),
    ))
}

/// Refuses to change a password that its user chose less than `least` microseconds ago.
fn refuse_young(user: &User, least: i64, now: i64) -> Result<(), KeystoneError> {
    const DAY: i64 = 86_400 * 1_000_000;
    let old_enough = user.password_set_at.unwrap_or(0).saturating_add(least);
    if !user.password_by_user || now >= old_enough {
        return Ok(());
    }
    Err(KeystoneError::BadRequest(format!(
        "You cannot change your password at this time due to the minimum password age. Once you change your password, \
         it must be used for {} day(s) before it can be changed. Please try again in {} day(s) or contact your \
         administrator to reset your password.",
        least / DAY,
        (old_enough - now) / DAY,
    )))
}

/// Refuses a password that is the present one, or one of the last.
async fn refuse_former(visit: &Visit, user: &User, wanted: &str) -> Result<(), KeystoneError> {
    let unique = visit.api.config.security.unique_last_password_count;
    if unique == 0 {
        return Ok(());
    }
    let id = user.id.clone();
    let former = visit
        .read(move |call| {
            let remembered = call.api().config.security.remembered();
            Ok(call.identity.former_passwords(&id, remembered)?)
        })
        .await?;
    for hash in user.password_hash.iter().cloned().chain(former) {
        if visit.api.passwords.verify(visit.request.source, wanted.to_owned(), Some(hash)).await? {
            return Err(KeystoneError::BadRequest(format!(
                "The new password cannot be identical to a previous password. The total number which includes the new \
                 password must be unique is {unique}."
            )));
        }
    }
    Ok(())
}

/// `password_expires_at=lt:2026-01-01T00:00:00Z`.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExpiryFilter {
    compare: fn(&i64, &i64) -> bool,
    time: i64,
}

impl ExpiryFilter {
    /// Parses the value of the query.
    pub(super) fn parse(text: &str) -> Result<Self, KeystoneError> {
        // A year has four digits, so that a colon up to there is the operator's.
        let (operator, time) = match text.split_once(':') {
            Some((operator, time)) if operator.len() <= 3 => (operator, time),
            _ => ("eq", text),
        };
        let time: Timestamp = time.parse().map_err(|_| {
            KeystoneError::BadRequest(
                "Timestamp not in expected format. The server could not comply with the request since it is either \
                 malformed or otherwise incorrect. The client is assumed to be in error."
                    .to_owned(),
            )
        })?;
        let compare: fn(&i64, &i64) -> bool = match operator {
            "eq" => i64::eq,
            "neq" => i64::ne,
            "lt" => i64::lt,
            "lte" => i64::le,
            "gt" => i64::gt,
            "gte" => i64::ge,
            other => {
                return Err(KeystoneError::BadRequest(format!(
                    "The given operator {other} is not valid. It must be one of the following: 'eq', 'neq', 'lt', \
                     'lte', 'gt', or 'gte'."
                )));
            }
        };
        Ok(Self { compare, time: time.as_microsecond() })
    }

    /// Whether a user's password expires then. One that never does is never selected.
    pub(super) fn selects(&self, user: &User) -> bool {
        user.password_expires_at.is_some_and(|at| (self.compare)(&at, &self.time))
    }
}

#[cfg(test)]
mod tests {
    use types::DomainId;

    use super::*;

    #[test]
    fn users_are_selected_by_when_their_password_expires() {
        let user = User { password_expires_at: Some(1_000_000), ..User::new(DomainId::random(), "u") };
        let selects = |text: &str| ExpiryFilter::parse(text).map(|filter| filter.selects(&user));
        assert!(selects("lt:1970-01-01T00:00:02Z").unwrap());
        assert!(selects("1970-01-01T00:00:01Z").unwrap());
        assert!(!selects("neq:1970-01-01T00:00:01Z").unwrap());
        assert!(!selects("gte:1970-01-01T00:00:02Z").unwrap());
        let text = |text: &str| selects(text).unwrap_err().to_string();
        assert!(text("lt:yesterday").starts_with("Timestamp not in expected format. "));
        assert!(text("ne:1970-01-01T00:00:01Z").starts_with("The given operator ne is not valid. "));
        let never = User::new(DomainId::random(), "n");
        assert!(!ExpiryFilter::parse("gt:1970-01-01T00:00:00Z").unwrap().selects(&never));
    }

    #[test]
    fn a_password_that_its_user_chose_must_be_used_for_a_while() {
        const DAY: i64 = 86_400 * 1_000_000;
        let chosen = User { password_by_user: true, password_set_at: Some(0), ..User::new(DomainId::random(), "u") };
        assert!(refuse_young(&chosen, 2 * DAY, 2 * DAY).is_ok());
        let error = refuse_young(&chosen, 2 * DAY, DAY / 2).unwrap_err().to_string();
        assert!(error.contains("used for 2 day(s)") && error.contains("try again in 1 day(s)"), "{error}");
        let given = User { password_by_user: false, ..chosen };
        assert!(refuse_young(&given, 2 * DAY, 0).is_ok(), "an administrator's password may be changed at once");
    }
}
