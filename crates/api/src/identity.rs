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
//! Deliberately absent: federation, and the flows of OAuth.

mod access;
mod access_rule;
mod application_credential;
pub(crate) mod assignment;
pub(crate) mod auth;
pub(crate) mod bootstrap;
pub(crate) mod caller;
pub(crate) mod catalog;
mod ceiling;
pub(crate) mod compliance;
mod consumer;
mod credential;
pub(crate) mod domain;
mod domain_config;
mod endpoint;
mod endpoint_filter;
pub(crate) mod error;
pub(crate) mod external;
pub(crate) mod failures;
pub(crate) mod fields;
mod grant;
mod group;
mod holder;
mod implied_role;
pub(crate) mod keyring;
mod limit;
pub(crate) mod list;
mod lockout;
mod option;
pub(crate) mod password;
mod policy;
pub(crate) mod project;
mod quota;
mod region;
mod registered_limit;
pub(crate) mod revocation;
pub(crate) mod role;
pub(crate) mod route;
mod routes;
mod schema;
mod sealed;
pub(crate) mod secret_rotation;
mod service;
mod subject;
pub(crate) mod token;
mod trust;
pub(crate) mod user;
mod version;

use std::sync::Arc;

use hyper::{Method, StatusCode, header};

pub(crate) use caller::{Caller, Delegation, Presented, Scope, authenticate, presented};
pub(crate) use error::{KeystoneError, challenge};
pub(crate) use holder::authenticate_token;
use holder::{chain, trusted_roles, with_implied};
pub use route::{Access, Route};
pub use routes::routes;
pub(crate) use subject::{is_login, subject};

use crate::{
    Api,
    edge::{Reply, Request},
    endpoint::Endpoint,
};

/// An error of the edge in this service's words.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Reply {
    error::body(status, message)
}

/// What this service answers: its table, and those lines of it that are at the root too.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let versions = ["/identity", "/identity/v3"].map(|path| Endpoint::new("GET", path, Access::Anyone));
    let lines = |base: &'static str| {
        routes().map(move |route| Endpoint::new(route.method, format!("{base}{}", route.path), route.access))
    };
    let at_root = lines("/v3").filter(|line| is_at_root(&line.path.split('/').skip(2).collect::<Vec<_>>()));
    versions.into_iter().chain(lines("/identity/v3")).chain(at_root).collect()
}

/// Whether a path below `/v3` is answered at the root of the listener.
fn is_at_root(parts: &[&str]) -> bool {
    matches!(parts, ["projects", _, "quota" | "current_usage"])
}

/// Answers a request under `/identity`.
pub(crate) async fn handle(api: &Arc<Api>, request: &Arc<Request>) -> Reply {
    let parts = request.parts_after(1);
    let head = request.method == Method::HEAD;
    if let Some(external) = &api.external {
        let reply = external::pointer(external.url(), request, &parts);
        return if head { reply.without_body() } else { reply };
    }
    let reply = match parts.as_slice() {
        [] if head || request.method == Method::GET => Ok(version::list(request)),
        ["v3"] if head || request.method == Method::GET => Ok(version::v3(request)),
        ["v3", rest @ ..] => route::dispatch(api, request, rest).await,
        [] => Err(KeystoneError::MethodNotAllowed),
        _ => Err(KeystoneError::UnknownPath),
    };
    finish(request, reply)
}

/// Answers `/v3/projects/{project_id}/quota` and `/current_usage` at the root of the listener, where clients of the
/// service that this one is modelled on look for them. They are ours whoever keeps the projects.
pub(crate) async fn quotas(api: &Arc<Api>, request: &Arc<Request>) -> Reply {
    let parts = request.parts_after(1);
    let reply =
        if is_at_root(&parts) { route::dispatch(api, request, &parts).await } else { Err(KeystoneError::UnknownPath) };
    finish(request, reply)
}

/// The answer, or the error in this service's words.
fn finish(request: &Request, reply: Result<Reply, KeystoneError>) -> Reply {
    let reply = reply.unwrap_or_else(|error| error.into_reply(request));
    if request.method == Method::HEAD { reply.without_body() } else { reply.with_header(header::VARY, "X-Auth-Token") }
}
