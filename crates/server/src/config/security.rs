//! Rules for passwords, and for logins that fail.

use std::time::Duration;

use api::{MOST_REMEMBERED, PasswordPattern, SecurityCompliance};
use serde::{Deserialize, Serialize};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Rules for passwords and logins, by the names of Keystone's section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecurityConfig {
    /// A user is locked after so many failed logins in a row; 0 locks nobody.
    pub lockout_failure_attempts: u32,
    /// For so many seconds; 0 until an administrator enables the user.
    pub lockout_duration: u32,
    /// So many passwords in a row must differ; 0 allows any.
    pub unique_last_password_count: u32,
    /// How many days a password must be used that its user has chosen.
    pub minimum_password_age: u32,
    /// After how many days a password expires; 0 never.
    pub password_expires_days: u32,
    /// What passwords look like, as a regular expression.
    pub password_regex: Option<String>,
    /// The same in words, for users.
    pub password_regex_description: String,
    /// Whether a password that an administrator has set must be changed before anything else.
    pub change_password_upon_first_use: bool,
}

impl Default for SecurityConfig {
    fn default() -> Self {
        Self {
            lockout_failure_attempts: 5,
            lockout_duration: 300,
            unique_last_password_count: 0,
            minimum_password_age: 0,
            password_expires_days: 0,
            password_regex: None,
            password_regex_description: String::new(),
            change_password_upon_first_use: false,
        }
    }
}

impl SecurityConfig {
    /// The rules, or what is wrong with them.
    pub fn rules(&self) -> Result<SecurityCompliance, String> {
        let remembered = usize::try_from(self.unique_last_password_count).unwrap_or(usize::MAX);
        if remembered > MOST_REMEMBERED {
            return Err(format!(
                "security_compliance.unique_last_password_count is {remembered}: give {MOST_REMEMBERED} at most"
            ));
        }
        if self.password_expires_days > 0 && self.minimum_password_age >= self.password_expires_days {
            return Err(format!(
                "security_compliance.minimum_password_age is {} days and password_expires_days {}: a password would \
                 expire before it may be changed; give it fewer days",
                self.minimum_password_age, self.password_expires_days
            ));
        }
        let password_pattern = match &self.password_regex {
            None => None,
            Some(_) if self.password_regex_description.trim().is_empty() => {
                return Err("security_compliance.password_regex has no password_regex_description: say in words what \
                            a password must be, it is all that users are told"
                    .to_owned());
            }
            Some(pattern) => Some(
                PasswordPattern::new(pattern, self.password_regex_description.as_str())
                    .map_err(|error| format!("security_compliance.password_regex: {error}"))?,
            ),
        };
        Ok(SecurityCompliance {
            lockout_failure_attempts: self.lockout_failure_attempts,
            lockout_duration: Duration::from_secs(self.lockout_duration.into()),
            unique_last_password_count: remembered,
            minimum_password_age: DAY * self.minimum_password_age,
            password_expires: (self.password_expires_days > 0).then(|| DAY * self.password_expires_days),
            password_pattern,
            change_password_upon_first_use: self.change_password_upon_first_use,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_api() {
        let rules = SecurityConfig::default().rules().unwrap();
        let expected = SecurityCompliance::default();
        assert_eq!(format!("{rules:?}"), format!("{expected:?}"));
    }

    #[test]
    fn what_could_not_be_obeyed_is_named() {
        let wrong = |config: SecurityConfig| config.rules().unwrap_err();
        let base = SecurityConfig::default;
        let error = wrong(SecurityConfig { unique_last_password_count: 100, ..base() });
        assert_eq!(error, "security_compliance.unique_last_password_count is 100: give 24 at most");
        let error = wrong(SecurityConfig { minimum_password_age: 30, password_expires_days: 30, ..base() });
        assert!(error.starts_with("security_compliance.minimum_password_age is 30 days"), "{error}");
        let error = wrong(SecurityConfig { password_regex: Some(".".to_owned()), ..base() });
        assert!(error.contains("no password_regex_description"), "{error}");
        let described = SecurityConfig { password_regex_description: "any".to_owned(), ..base() };
        let error = wrong(SecurityConfig { password_regex: Some("(".to_owned()), ..described.clone() });
        assert!(error.starts_with("security_compliance.password_regex: '(' is no regular expression: "), "{error}");
        assert!(SecurityConfig { password_regex: Some("^.{8,}$".to_owned()), ..described }.rules().is_ok());
    }
}
