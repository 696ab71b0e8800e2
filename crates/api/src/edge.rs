//! HTTP, before any dialect: from a connection to a [`Request`], from a [`Reply`] to bytes.
//!
//! One function, [`answer`], is the way of every request: a request id, the body (bounded in size
//! and time), a place among those worked on, the dialect, the access log. A dialect sees whole
//! requests only and answers with data; it never touches a socket.
//!
//! hyper is used directly, without a framework over it: the dialects need their own answers to
//! unknown paths and methods, so a router would only be worked around, and the time that a slow
//! client may take is a setting of hyper's connection.

mod accept;
mod body;
mod crowd;
mod health;
mod metrics;
mod reply;
mod request;
mod request_id;
mod server;
mod source;
mod tls;

use std::{sync::Arc, time::Instant};

use http_body_util::Full;
use hyper::{Response, StatusCode, body::Bytes, body::Incoming, header};

pub(crate) use metrics::Metrics;
pub(crate) use reply::{Reply, html_not_found};
pub(crate) use request::{Query, Request};
pub(crate) use request_id::RequestId;
pub use server::{Bound, Listeners, Probes, ServeError};
pub(crate) use source::Peer;
pub use source::{ProxyHeaders, TrustedProxies};
pub use tls::{Certificate, PemPair, Tls, TlsError};

use crate::{
    Api, absent,
    audit::{self, Asked},
    discovery, dns, identity, load_balancer, network,
};

/// Why a request got no further than the edge.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    Busy,
    BodyBusy,
    BodyTooLarge { limit: usize },
    BodyTooSlow,
    BodyBroken,
    TooLong,
    Broken,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::Busy | Self::BodyBusy => StatusCode::SERVICE_UNAVAILABLE,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyBroken => StatusCode::BAD_REQUEST,
            Self::TooLong => StatusCode::GATEWAY_TIMEOUT,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(self) -> String {
        match self {
            Self::Busy => "Too many requests are being worked on. Try again in a moment.".to_owned(),
            Self::BodyBusy => "Too many large requests are on their way. Try again in a moment.".to_owned(),
            Self::BodyTooLarge { limit } => format!("The request body is larger than {limit} bytes."),
            Self::BodyTooSlow => "The request body did not arrive in time.".to_owned(),
            Self::BodyBroken => "The request body broke off.".to_owned(),
            Self::TooLong => {
                "The request took too long and was given up; whether it took effect is unknown.".to_owned()
            }
            Self::Broken => "An unexpected error prevented the server from fulfilling your request.".to_owned(),
        }
    }

    /// The refusal in the error body of the service that the path names.
    fn reply(self, service: &str) -> Reply {
        let reply = match service {
            "network" => network::refusal(self.status(), &self.message()),
            "load-balancer" => load_balancer::refusal(self.status(), &self.message()),
            "dns" => dns::refusal(self.status(), &self.message()),
            _ => identity::refusal(self.status(), &self.message()),
        };
        match self {
            Self::Busy => reply.with_header(header::RETRY_AFTER, "1"),
            Self::BodyBusy => reply.with_header(header::RETRY_AFTER, "1").with_header(header::CONNECTION, "close"),
            // What is left of the body would be taken for the next request.
            Self::BodyTooLarge { .. } | Self::BodyTooSlow | Self::BodyBroken => {
                reply.with_header(header::CONNECTION, "close")
            }
            Self::TooLong | Self::Broken => reply,
        }
    }
}

/// Answers one request.
async fn answer(api: Arc<Api>, peer: Peer, incoming: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
    let started = Instant::now();
    let id = RequestId::random();
    let (head, body) = incoming.into_parts();
    let request = Request::from_head(&head, id, peer, &api.config);
    let service = request.service().to_owned();
    let (method, path, source) = (request.method.clone(), request.path.clone(), request.source);
    let asked = Asked::of(&request);
    let in_flight = api.metrics.start();
    let reply = match work(&api, request, body).await {
        Ok(reply) => reply,
        Err(refusal) => refusal.reply(&service),
    };
    drop(in_flight);
    asked.answered(&api, &reply);
    let reply = reply.with_header(request_id::HEADER, &id.to_string());
    let taken = started.elapsed();
    api.metrics.finish(&service, &method, reply.status, taken);
    tracing::info!(
        target: "baryon::access",
        request_id = %id,
        global_request_id = RequestId::from_headers(&head.headers).map(tracing::field::display),
        %source,
        %method,
        path,
        status = reply.status.as_u16(),
        bytes = reply.body.len(),
        micros = taken.as_micros(),
    );
    reply.into_response()
}

async fn work(api: &Arc<Api>, mut request: Request, body: Incoming) -> Result<Reply, Refusal> {
    let limits = &api.config.limits;
    // Before the turn: a client that sends slowly shall not keep others waiting.
    let body::Arrived { bytes, place: _place } = body::arrive(body, limits, &api.large_bodies).await?;
    request.body = bytes;
    let turn = tokio::time::timeout(limits.queue_time, Arc::clone(&api.turns).acquire_owned()).await;
    let Ok(Ok(_turn)) = turn else { return Err(Refusal::Busy) };

    // A task of its own: a panic in a handler answers 500 and harms nobody else. It ends with this
    // function, in time or not, so that a client that went away leaves no work behind; what the
    // store was given it finishes all the same.
    let task = tokio::spawn(dispatch(Arc::clone(api), Arc::new(request)));
    let _guard = AbortOnDrop(task.abort_handle());
    match tokio::time::timeout(limits.request_time, task).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(panic)) => {
            tracing::error!(%panic, "a request handler panicked");
            Err(Refusal::Broken)
        }
        Err(_) => Err(Refusal::TooLong),
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Every service by the first part of the path.
async fn dispatch(api: Arc<Api>, request: Arc<Request>) -> Reply {
    match request.service() {
        "" => discovery::root(&request),
        "identity" => identity::handle(&api, &request).await,
        "network" => network::handle(&api, &request).await,
        "load-balancer" => load_balancer::handle(&api, &request).await,
        "dns" => dns::handle(&api, &request).await,
        "v3" => identity::quotas(&api, &request).await,
        "baryon" => audit::handle(&api, &request).await,
        "compute" | "image" => absent::handle(&request),
        _ => html_not_found(""),
    }
}
