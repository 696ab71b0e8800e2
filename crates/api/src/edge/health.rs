//! The second listener: is the process alive, is it ready, what has it counted.

use std::sync::Arc;

use hyper::{Method, StatusCode, body::Incoming};

use super::{Reply, server::Probes};
use crate::{Api, peer};

const TEXT: &str = "text/plain; charset=utf-8";

/// Answers `/healthz`, `/readyz` and `/metrics`.
pub(super) async fn answer(api: &Arc<Api>, probes: &Probes, request: &hyper::Request<Incoming>) -> Reply {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Reply::of_type(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n");
    }
    match request.uri().path() {
        "/healthz" => Reply::of_type(StatusCode::OK, TEXT, "ok\n"),
        "/readyz" => match ready(api, probes).await {
            Ok(()) => Reply::of_type(StatusCode::OK, TEXT, "ready\n"),
            Err(reason) => Reply::of_type(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("not ready: {reason}\n")),
        },
        "/metrics" => {
            let mut text =
                api.metrics.render() + &api.passwords.render() + &api.failures.render() + &api.trail.render();
            text.push_str(&peer::metrics(&api.config.peers));
            if let Some(tls) = &api.config.tls {
                text.push_str(&tls.render());
            }
            for source in &probes.metrics {
                text.push_str(&source());
            }
            Reply::of_type(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
        }
        _ => Reply::of_type(StatusCode::NOT_FOUND, TEXT, "try /healthz, /readyz or /metrics\n"),
    }
}

/// Ready means that the store answers, and that whoever else was asked says so.
async fn ready(api: &Arc<Api>, probes: &Probes) -> Result<(), String> {
    api.store
        .read(|snapshot| snapshot.identity().regions().map(|_| ()))
        .await
        .map_err(|error| format!("the store does not answer: {error}"))?;
    probes.ready.iter().try_for_each(|probe| probe())
}
