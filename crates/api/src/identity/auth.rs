//! `/auth`: tokens are issued, looked at and revoked; what a user may ask a token for.
//!
//! A request is parsed whole ([`request`]) before anything is looked up. Each method of proving who
//! one is has a file ([`password`], [`token`], [`application_credential`]); a request may use several,
//! which must agree on the user. All of them end in `issue`, which finds the scope and makes the
//! token under the very check that each use of it will meet.

mod application_credential;
mod issue;
mod listing;
mod password;
mod request;
mod scope;
mod token;
mod validate;

use hyper::header::HeaderName;

pub(super) use issue::issue;
pub(super) use listing::{catalog, domains, projects, projects_of, system};
pub(super) use password::check_to_change;
pub(super) use validate::{EXPIRED_WINDOW, revoke, validate};

/// Carries the token that is asked about, and a new one.
const SUBJECT: HeaderName = HeaderName::from_static("x-subject-token");
