//! The thin edge: HTTP/1.1 connections, bounded in number, size and time.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Bytes},
    header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use logical::PortId;
use tokio::net::{TcpListener, TcpStream};

use super::{Document, answer};
use crate::{Count, Counters, config::Table, limit::RateLimit};

/// Connections of one port at a time. A server that boots has one or two.
const MAX_PER_PORT: usize = 16;
/// Connections at a time in all, for the process to stay small. Each port is far below it.
const MAX_CONNECTIONS: usize = 2048;
/// How long a client may take for the head of a request, and how long it may be silent between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection may last, so that one that does not read its answer ends too.
const MAX_LIFETIME: Duration = Duration::from_secs(120);
/// Longest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// Pause after an error of the listener, such as no free file descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, table: Arc<RwLock<Table>>, counters: Arc<Counters>) {
    let connections = Arc::new(Connections::default());
    let limit = Arc::new(Mutex::new(RateLimit::metadata()));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection to the metadata service");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let IpAddr::V4(service_address) = peer.ip() else { continue };
        // A stranger gets no connection. (Over one that stays open, it would be told "not found".)
        let Some(port) = lookup(&table, service_address).map(|entry| entry.port) else {
            counters.add(Count::UnknownPeer);
            continue;
        };
        let Some(place) = Connections::take(&connections, service_address) else {
            counters.add(Count::MetadataConnectionLimit);
            continue;
        };
        let (table, counters, limit) = (Arc::clone(&table), Arc::clone(&counters), Arc::clone(&limit));
        tokio::spawn(async move {
            let client = Client { table, counters, limit, service_address, port };
            // A connection costs a token like a request does, and waits for it in its place.
            client.take_turn().await;
            let served = tokio::time::timeout(MAX_LIFETIME, connection(stream, &client)).await;
            if !matches!(served, Ok(Ok(()))) {
                client.counters.add(Count::MetadataBroken);
            }
            drop(place);
        });
    }
}

/// Who is at the other end of a connection.
struct Client {
    table: Arc<RwLock<Table>>,
    counters: Arc<Counters>,
    limit: Arc<Mutex<RateLimit>>,
    service_address: Ipv4Addr,
    port: PortId,
}

impl Client {
    /// Waits until the port may ask again. Who asks too much is slowed down rather than refused,
    /// since a server that starts asks a lot and gives up at the first error.
    async fn take_turn(&self) {
        let wait = self.limit.lock().unwrap_or_else(PoisonError::into_inner).wait(self.service_address, Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

async fn connection(stream: TcpStream, client: &Client) -> hyper::Result<()> {
    let service = service_fn(|request| async move {
        client.take_turn().await;
        Ok::<_, Infallible>(respond(client, &request))
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

/// The facts are looked up for every request, since they may change while a connection is open; and
/// the address may have become another port's, whose facts are not this client's.
fn respond<B: Body>(client: &Client, request: &Request<B>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        client.counters.add(Count::MetadataBadMethod);
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "405 Method Not Allowed\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        // What the client sends along is not read, so nothing can follow it.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    let entry = lookup(&client.table, client.service_address).filter(|entry| entry.port == client.port);
    match entry.and_then(|entry| answer(&entry, request.uri().path())) {
        Some(Document { content_type, body }) => {
            client.counters.add(Count::MetadataAnswered);
            let mut response = Response::new(Full::new(Bytes::from(body)));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            response
        }
        None => {
            client.counters.add(Count::MetadataNotFound);
            text(StatusCode::NOT_FOUND, "404 Not Found\n")
        }
    }
}

fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(Document::TEXT));
    response
}

fn lookup(table: &RwLock<Table>, service_address: Ipv4Addr) -> Option<Arc<crate::config::PortEntry>> {
    table.read().unwrap_or_else(PoisonError::into_inner).get(service_address)
}

/// How many connections there are, in all and of each port.
#[derive(Default)]
struct Connections(Mutex<HashMap<Ipv4Addr, usize>>);

impl Connections {
    /// A place for one more connection of a port, if there is one.
    fn take(this: &Arc<Self>, port: Ipv4Addr) -> Option<Place> {
        let mut open = this.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= MAX_CONNECTIONS {
            return None;
        }
        let of_port = open.entry(port).or_default();
        if *of_port >= MAX_PER_PORT {
            return None;
        }
        *of_port += 1;
        Some(Place { connections: Arc::clone(this), port })
    }
}

/// The place of one connection, free again when dropped.
struct Place {
    connections: Arc<Connections>,
    port: Ipv4Addr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.port) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.port);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_has_so_many_connections_and_no_more() {
        let connections = Arc::new(Connections::default());
        let (one, two) = (Ipv4Addr::new(100, 64, 0, 1), Ipv4Addr::new(100, 64, 0, 2));
        let mut places: Vec<_> = (0..MAX_PER_PORT).map(|_| Connections::take(&connections, one).unwrap()).collect();
        assert!(Connections::take(&connections, one).is_none());
        assert!(Connections::take(&connections, two).is_some());
        places.pop();
        assert!(Connections::take(&connections, one).is_some());
        drop(places);
        assert!(connections.0.lock().unwrap().is_empty());
    }
}
