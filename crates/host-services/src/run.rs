//! The role's main loop.

use std::{
    io::{self, Read},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, UdpSocket},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use crate::{
    Count, Counters,
    config::{ConfigError, PortEntry, Table, Update},
    dhcp,
    limit::RateLimit,
    metadata,
};

const DHCP_SERVER_PORT: u16 = 67;
const DHCP_CLIENT_PORT: u16 = 68;
const HTTP_PORT: u16 = 80;
/// Longest datagram that is looked at. Requests are some hundred bytes long.
const MAX_DATAGRAM: usize = 4096;
/// Updates that may wait; beyond them the agent's writes wait.
const UPDATES: usize = 256;
/// How often the log tells what was counted, if anything was.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// Why the role ended other than by the end of its configuration stream.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A socket could not be bound.
    #[error("cannot serve {service} at {address}: {source}")]
    Bind {
        /// Which service.
        service: &'static str,
        /// Where.
        address: SocketAddrV4,
        /// Why not.
        source: io::Error,
    },
    /// The runtime or a thread could not be started.
    #[error("cannot start the host services: {0}")]
    Start(#[source] io::Error),
    /// The configuration cannot be followed.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// The sockets of the services. Binding low ports needs a right that the role gives up afterwards.
#[derive(Debug)]
pub struct Sockets {
    dhcp: UdpSocket,
    http: TcpListener,
}

impl Sockets {
    /// Binds the services' sockets at an address of the calling thread's network namespace.
    pub fn bind(address: Ipv4Addr) -> Result<Self, Error> {
        let at = |port| SocketAddrV4::new(address, port);
        let bind = |service, port| move |source| Error::Bind { service, address: at(port), source };
        let dhcp = UdpSocket::bind(at(DHCP_SERVER_PORT)).map_err(bind("DHCP", DHCP_SERVER_PORT))?;
        let http = TcpListener::bind(at(HTTP_PORT)).map_err(bind("metadata", HTTP_PORT))?;
        for result in [dhcp.set_nonblocking(true), http.set_nonblocking(true)] {
            result.map_err(Error::Start)?;
        }
        Ok(Self { dhcp, http })
    }
}

/// Serves guests until the configuration stream ends, which is the regular way to stop.
///
/// Blocks. The stream is read on a thread of its own, so it may be a socket, a pipe or standard
/// input. A message that cannot be understood ends the role with an error: its table would be wrong
/// from then on, and the agent starts a new one.
pub fn run(config: impl Read + Send + 'static, sockets: Sockets, counters: Arc<Counters>) -> Result<(), Error> {
    let (sender, updates) = mpsc::channel(UPDATES);
    std::thread::Builder::new()
        .name("config".to_owned())
        .spawn(move || read_updates(config, &sender))
        .map_err(Error::Start)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Start)?;
    let result = runtime.block_on(serve(updates, sockets, counters));
    // Connections of guests that are open end here; they are asked again at the next start.
    runtime.shutdown_background();
    result
}

fn read_updates(mut config: impl Read, updates: &mpsc::Sender<Result<Update, ConfigError>>) {
    loop {
        let update = Update::read_from(&mut config).transpose();
        let Some(update) = update else { return };
        let broken = update.is_err();
        if updates.blocking_send(update).is_err() || broken {
            return;
        }
    }
}

async fn serve(
    mut updates: mpsc::Receiver<Result<Update, ConfigError>>,
    sockets: Sockets,
    counters: Arc<Counters>,
) -> Result<(), Error> {
    let table = Arc::new(RwLock::new(Table::default()));
    let dhcp = tokio::net::UdpSocket::from_std(sockets.dhcp).map_err(Error::Start)?;
    let http = tokio::net::TcpListener::from_std(sockets.http).map_err(Error::Start)?;
    tokio::spawn(serve_dhcp(dhcp, Arc::clone(&table), Arc::clone(&counters)));
    tokio::spawn(metadata::serve(http, Arc::clone(&table), Arc::clone(&counters)));
    tokio::spawn(report(Arc::clone(&counters)));
    while let Some(update) = updates.recv().await {
        let update = update?;
        if let Update::Put(entry) = &update {
            warn_of_options(entry);
        }
        table.write().unwrap_or_else(PoisonError::into_inner).apply(update);
    }
    tracing::info!(counts = counters.summary(), "the configuration stream ended; the host services stop");
    Ok(())
}

fn warn_of_options(entry: &PortEntry) {
    for error in entry.services.dhcp4.iter().flat_map(dhcp::unusable_options) {
        tracing::warn!(port = %entry.port, %error, "an extra DHCP option is not sent");
    }
}

async fn serve_dhcp(socket: tokio::net::UdpSocket, table: Arc<RwLock<Table>>, counters: Arc<Counters>) {
    let mut limit = RateLimit::dhcp();
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        let (length, service_address) = match socket.recv_from(&mut buffer).await {
            Ok((length, SocketAddr::V4(peer))) => (length, *peer.ip()),
            Ok((_, SocketAddr::V6(_))) => continue,
            Err(error) => {
                // An earlier answer came back as undeliverable; nothing is wrong with the socket.
                tracing::debug!(%error, "reading DHCP requests");
                continue;
            }
        };
        let entry = table.read().unwrap_or_else(PoisonError::into_inner).get(service_address);
        let Some(entry) = entry else {
            counters.add(Count::UnknownPeer);
            continue;
        };
        if !limit.allow(service_address, Instant::now()) {
            counters.add(Count::DhcpRateLimited);
            continue;
        }
        match dhcp::answer(&entry, &buffer[..length]) {
            Ok(answer) => {
                // The datapath finds the guest, which may have no address yet, by the service address.
                let sent = socket.send_to(&answer, (service_address, DHCP_CLIENT_PORT)).await;
                counters.add(if sent.is_ok() { Count::DhcpAnswered } else { Count::DhcpSendFailed });
            }
            Err(reason) => {
                tracing::debug!(port = %entry.port, reason = reason.name(), "a DHCP message gets no answer");
                counters.add(reason);
            }
        }
    }
}

/// Tells in the log what was counted, when it changed.
async fn report(counters: Arc<Counters>) {
    let mut last = counters.summary();
    loop {
        tokio::time::sleep(REPORT_INTERVAL).await;
        let summary = counters.summary();
        if summary != last {
            tracing::info!(counts = summary, "host services");
            last = summary;
        }
    }
}
