//! Rules for passwords and for logins that fail: Keystone's `[security_compliance]`.
//!
//! All are off but the lock after failed logins. Rules are about passwords that users choose from
//! now on: what an administrator sets need not be new or old enough, and nobody's present password is
//! judged again.

use std::time::Duration;

use fancy_regex::{Regex, RegexBuilder};

use super::KeystoneError;

/// Steps of one comparison with the pattern of passwords. Patterns may look ahead, so that they can take
/// exponential time; a password that takes more than this does not fit.
const MOST_STEPS: usize = 100_000;
/// The most former passwords that can be remembered: each costs a hash when a password is changed.
pub const MOST_REMEMBERED: usize = 24;

/// The rules.
#[derive(Debug, Clone)]
pub struct SecurityCompliance {
    /// A user is locked after so many failed logins in a row; 0 locks nobody.
    pub lockout_failure_attempts: u32,
    /// How long a user stays locked; zero until an administrator enables the user.
    pub lockout_duration: Duration,
    /// So many passwords in a row, the new one included, must differ; 0 allows any. At most
    /// [`MOST_REMEMBERED`] count.
    pub unique_last_password_count: usize,
    /// How long a password that a user has chosen must be used.
    pub minimum_password_age: Duration,
    /// How long a password may be used; none for ever.
    pub password_expires: Option<Duration>,
    /// What passwords look like; none for anything.
    pub password_pattern: Option<PasswordPattern>,
    /// Whether a password that an administrator has set is good for nothing but to be changed.
    pub change_password_upon_first_use: bool,
}

impl Default for SecurityCompliance {
    fn default() -> Self {
        Self {
            lockout_failure_attempts: 5,
            lockout_duration: Duration::from_secs(300),
            unique_last_password_count: 0,
            minimum_password_age: Duration::ZERO,
            password_expires: None,
            password_pattern: None,
            change_password_upon_first_use: false,
        }
    }
}

/// What passwords look like.
#[derive(Debug, Clone)]
pub struct PasswordPattern {
    pattern: Regex,
    text: String,
    description: String,
}

/// A text that is no regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{pattern}' is no regular expression: {reason}")]
pub struct PatternError {
    /// The text.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

impl PasswordPattern {
    /// Passwords that a regular expression matches from their start on, with words that say so to a user.
    /// The expression may look ahead, as those of Keystone's documentation do.
    pub fn new(pattern: &str, description: impl Into<String>) -> Result<Self, PatternError> {
        let built = RegexBuilder::new(&format!("^(?:{pattern})")).backtrack_limit(MOST_STEPS).build();
        let refused =
            |error: fancy_regex::Error| PatternError { pattern: pattern.to_owned(), reason: error.to_string() };
        let description = description.into();
        Ok(Self { pattern: built.map_err(refused)?, text: pattern.to_owned(), description })
    }

    /// The regular expression.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.text
    }

    /// The words for users.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    fn fits(&self, password: &str) -> bool {
        self.pattern.is_match(password).unwrap_or(false)
    }
}

impl SecurityCompliance {
    /// Refuses a new password that does not look as passwords must.
    pub(super) fn check_pattern(&self, password: &str) -> Result<(), KeystoneError> {
        match &self.password_pattern {
            Some(pattern) if !pattern.fits(password) => {
                let text = format!("The password does not match the requirements: {}.", pattern.description);
                Err(KeystoneError::BadRequest(text))
            }
            _ => Ok(()),
        }
    }

    /// Until when a password may be used that is set now, in microseconds since 1970.
    pub(super) fn expiry(&self, now: i64) -> Option<i64> {
        self.password_expires.map(|lifetime| now.saturating_add(micros(lifetime)))
    }

    /// How many former passwords count beside the present one.
    pub(super) fn remembered(&self) -> usize {
        self.unique_last_password_count.min(MOST_REMEMBERED).saturating_sub(1)
    }
}

/// Microseconds, as times are kept.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_may_look_ahead_and_starts_where_the_password_does() {
        let rules = SecurityCompliance {
            password_pattern: Some(PasswordPattern::new(r"(?=.*\d)(?=.*[a-zA-Z]).{7,}$", "seven of both").unwrap()),
            ..SecurityCompliance::default()
        };
        assert!(rules.check_pattern("abc1234").is_ok());
        let error = rules.check_pattern("abcdefgh").unwrap_err();
        assert_eq!(error.to_string(), "The password does not match the requirements: seven of both.");
        let start = PasswordPattern::new("a|b", "a or b").unwrap();
        assert!(start.fits("bx") && !start.fits("xb"));
    }

    #[test]
    fn a_pattern_that_is_none_is_named_and_one_that_takes_too_long_does_not_fit() {
        assert_eq!(PasswordPattern::new("(", "").unwrap_err().pattern, "(");
        let slow = PasswordPattern::new(r"(?:(?=a)a+)+$", "").unwrap();
        assert!(!slow.fits(&format!("{}!", "a".repeat(4000))));
    }
}
