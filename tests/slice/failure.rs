//! What was not as it must be.

use std::fmt::Debug;

/// The result of every step.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why a point is not ok.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Something could not even be tried.
    #[error(transparent)]
    Testkit(#[from] testkit::Error),
    /// It was tried, and was otherwise than it must be.
    #[error("{0}")]
    Wrong(String),
}

/// Fails with `what` unless it is so.
pub(crate) fn ensure(so: bool, what: impl FnOnce() -> String) -> Result<()> {
    if so { Ok(()) } else { Err(Failure::Wrong(what())) }
}

/// Fails unless both are the same.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<()> {
    ensure(found == expected, || format!("{what}: {found:?} instead of {expected:?}"))
}

/// The value, or a failure that says what is missing.
pub(crate) fn need<T>(value: Option<T>, what: &str) -> Result<T> {
    value.ok_or_else(|| Failure::Wrong(format!("there is no {what}")))
}
