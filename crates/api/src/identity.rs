//! The identity service: a subset of Keystone's API, version 3.
//!
//! [`routes()`] is the whole of it: method, path, who may call, and the function that answers. A
//! function runs inside one snapshot or one transaction of the store, in which the token was
//! checked too, so that it never acts on a user, role or revocation that is already out of date.
//! The sweep of unauthorised calls in `tests/` walks the same table, so that no endpoint can lack
//! a check.
//!
//! Tokens hold who and where, not what: enabled state, roles and revocations are read anew for
//! each request ([`caller`]). What tokens are made of is in [`token`].
//!
//! Deliberately absent so far: groups, application credentials, trusts, policies.

mod access;
pub(crate) mod assignment;
pub(crate) mod auth;
pub(crate) mod bootstrap;
pub(crate) mod caller;
pub(crate) mod catalog;
pub(crate) mod domain;
pub(crate) mod error;
pub(crate) mod failures;
pub(crate) mod fields;
pub(crate) mod keyring;
pub(crate) mod list;
pub(crate) mod password;
pub(crate) mod project;
pub(crate) mod role;
pub(crate) mod route;
mod routes;
pub(crate) mod token;
pub(crate) mod user;
mod version;

use std::sync::Arc;

use hyper::{Method, StatusCode, header};

pub(crate) use caller::{Caller, Presented, Scope, authenticate, authenticate_token, presented};
pub(crate) use error::KeystoneError;
pub use route::{Access, Route};
pub use routes::routes;

use crate::{
    Api,
    edge::{Reply, Request},
};

/// An error of the edge in this service's words.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Reply {
    error::body(status, message)
}

/// Answers a request under `/identity`.
pub(crate) async fn handle(api: &Arc<Api>, request: &Arc<Request>) -> Reply {
    let parts = request.parts_after(1);
    let head = request.method == Method::HEAD;
    let reply = match parts.as_slice() {
        [] if head || request.method == Method::GET => Ok(version::list(request)),
        ["v3"] if head || request.method == Method::GET => Ok(version::v3(request)),
        ["v3", rest @ ..] => route::dispatch(api, request, rest).await,
        [] => Err(KeystoneError::MethodNotAllowed),
        _ => Err(KeystoneError::UnknownPath),
    };
    let reply = reply.unwrap_or_else(|error| {
        let challenge = matches!(error, KeystoneError::Unauthorized);
        let reply = error.into_reply(request);
        let uri = format!("Keystone uri=\"{}/identity/v3\"", request.public_url);
        if challenge { reply.with_header(header::WWW_AUTHENTICATE, &uri) } else { reply }
    });
    if head { reply.without_body() } else { reply.with_header(header::VARY, "X-Auth-Token") }
}
