//! Beside a Keystone and a Nova that are there already: the real Keystone of PyPI, and what a real Nova asks and must be
//! told. Needs root, for hosts in namespaces, and `make venv-keystone`.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod callers;
mod cloud;
mod conversation;
mod embedded;
mod nova;
mod outage;
mod tokens;
