//! The handshake of TLS, bounded in time and number.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::Semaphore,
    time::{error::Elapsed, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{Metrics, Tls, crowd::Guest};
use crate::{Limits, ServeError};

/// The first byte of every TLS connection: a record of the handshake.
const HANDSHAKE: u8 = 0x16;
/// What a client gets that speaks plain HTTP here.
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 53\r\n\
    Connection: close\r\n\r\nThis is an HTTPS port: ask it with https://, please.\n";

/// Turns connections into encrypted ones.
#[derive(Clone)]
pub(super) struct Acceptor {
    tls: TlsAcceptor,
    places: Arc<Semaphore>,
    time: Duration,
}

impl Acceptor {
    pub(super) fn new(tls: &Arc<Tls>, limits: &Limits) -> Result<Self, ServeError> {
        let tls = TlsAcceptor::from(tls.server_config()?);
        Ok(Self { tls, places: Arc::new(Semaphore::new(limits.handshakes)), time: limits.handshake_time })
    }

    /// The encrypted connection; none when the client breaks off, is too slow, or speaks no TLS.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        guest: &Guest,
        metrics: &Metrics,
    ) -> Option<TlsStream<TcpStream>> {
        match timeout(self.time, self.shake_hands(stream, guest)).await {
            Ok(stream) => stream,
            Err(Elapsed { .. }) => {
                metrics.handshake_late();
                tracing::debug!("a TLS handshake took longer than {:?}", self.time);
                None
            }
        }
    }

    async fn shake_hands(&self, mut stream: TcpStream, guest: &Guest) -> Option<TlsStream<TcpStream>> {
        let mut first = [0];
        // Without a place: who connects and says nothing costs a connection, no handshake.
        if stream.peek(&mut first).await.ok()? == 0 {
            return None;
        }
        if first[0] != HANDSHAKE {
            refuse_plain(&mut stream, first[0]).await;
            return None;
        }
        // Its own turn first: who waits for that keeps no place from others.
        let _turn = guest.turn().await;
        let _place = self.places.acquire().await.ok()?;
        match self.tls.accept(stream).await {
            Ok(stream) => Some(stream),
            Err(error) => {
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
        }
    }
}

/// Tells a client of HTTP what is wrong; others get an end and no words.
async fn refuse_plain(stream: &mut TcpStream, first: u8) {
    if first.is_ascii_uppercase() {
        // Read what is here, or closing would throw away the answer together with it.
        let _ = stream.try_read(&mut [0; 4096]);
        let _ = stream.write_all(PLAIN).await;
    }
    let _ = stream.shutdown().await;
}
