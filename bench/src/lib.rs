//! What the benchmarks share: how a number becomes a judgement.
//!
//! A benchmark prints a `RATIO name value` line per number, always ours or a peer's divided by a reference that was
//! measured in the same round on the same machine, never an absolute time: only a ratio means the same elsewhere.
//! [`Sample`] gives the median of the rounds with its interval; [`Targets`] are the bounds of `targets.toml`.

#![forbid(unsafe_code)]

mod sample;
mod targets;

pub use sample::{Interval, Sample};
pub use targets::{Target, Targets, TargetsError, Verdict};
