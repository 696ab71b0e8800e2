//! The bounds that a change must keep, and the judgement.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::sample::Interval;

/// The file of bounds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// One entry per bound.
    pub target: Vec<Target>,
}

/// A bound on one ratio.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The name in the `RATIO` line.
    pub name: String,
    /// The most that its median may be.
    pub bound: f64,
    /// How many rounds are measured at least.
    pub rounds: usize,
}

/// What the rounds say about a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval keeps the bound.
    Pass,
    /// The whole interval breaks it.
    Fail,
    /// The bound lies inside the interval: nobody can tell.
    Noisy,
}

/// Why the bounds cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}", path = path.display())]
pub struct TargetsError {
    path: PathBuf,
    reason: String,
}

impl Targets {
    /// Reads the file.
    pub fn load(path: &Path) -> Result<Self, TargetsError> {
        let fail = |reason: String| TargetsError { path: path.to_path_buf(), reason };
        let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
        toml::from_str(&text).map_err(|e| fail(e.to_string()))
    }
}

impl Target {
    /// Judges a measurement.
    #[must_use]
    pub fn judge(&self, measured: Interval) -> Verdict {
        if measured.high <= self.bound {
            Verdict::Pass
        } else if measured.low > self.bound {
            Verdict::Fail
        } else {
            Verdict::Noisy
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Noisy => "NOISY",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_inside_the_interval_is_no_answer() {
        let target = Target { name: "a".to_owned(), bound: 1.2, rounds: 15 };
        let judge = |low, high| target.judge(Interval { low, median: f64::midpoint(low, high), high });
        assert_eq!(judge(1.0, 1.2), Verdict::Pass);
        assert_eq!(judge(1.21, 1.3), Verdict::Fail);
        assert_eq!(judge(1.1, 1.3), Verdict::Noisy);
    }
}
