//! A client of the cloud that Baryon stands in: its Keystone, and the services in its catalogue.
//!
//! Where an operator has a Keystone already, Baryon keeps no users of its own. It logs in there as a
//! service user, asks whose the tokens are that its clients present, and tells Nova what became of
//! servers' ports. All of that is this crate: bounded HTTP ([`http`]), a login that renews itself
//! ([`session`]), what a validated token says ([`token`]), and which tokens were revoked
//! ([`revocation`]).
//!
//! Invariants:
//! - Everything is bounded: connections and requests at once, seconds, bytes of an answer.
//! - The service user's password and tokens never appear in an error, a log line or a `Debug`.
//! - TLS is verified, always; `cacert` says against whom.
//! - An error names the URL that was asked and what to do about it.
//!
//! Deliberately absent: retries beyond the one that an expired login needs (who calls knows how long
//! an answer is worth waiting for), and any cache.

#![forbid(unsafe_code)]

mod error;
pub mod health;
pub mod http;
pub mod revocation;
mod secret;
pub mod session;
pub mod token;

pub use error::CloudError;
pub use health::Health;
pub use http::{Answer, Http, HttpSettings};
pub use hyper::{HeaderMap, Method, StatusCode};
pub use secret::Secret;
pub use session::{Access, ServiceUser, Session};
pub use token::{AccessRule, ValidToken};
