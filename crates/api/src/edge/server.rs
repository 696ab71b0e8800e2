//! Listeners, connections and their end.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr, TcpListener as StdListener},
    sync::Arc,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
};

use super::{Peer, accept::Acceptor, answer, crowd::Crowd, health};
use crate::{Api, audit::Keeper, identity};

/// Bytes that the head of a request may take: a token has 255 at most, a list's filters are a few.
const HEAD_BYTES: usize = 64 << 10;

/// Connections of monitors at once; more wait in the kernel's queue.
const MONITORS: usize = 64;

/// How long the audit trail may take for what waits to be written at the end.
const TRAIL_TIME: Duration = Duration::from_secs(3);

/// Why the API cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address of a listener is not to be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the kernel says.
        source: io::Error,
    },
    /// The keys of tokens cannot be read or made.
    #[error(transparent)]
    Keys(#[from] crate::KeyError),
    /// The catalogue cannot be brought up to date.
    #[error(transparent)]
    Bootstrap(#[from] crate::BootstrapError),
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// What other parts of the process add to the second listener.
#[derive(Default)]
pub struct Probes {
    /// Each says why the process is not ready, if so.
    pub ready: Vec<Box<dyn Fn() -> Result<(), String> + Send + Sync>>,
    /// Each gives lines in the text format of Prometheus.
    pub metrics: Vec<Box<dyn Fn() -> String + Send + Sync>>,
}

/// The listeners, open, not yet answering.
pub struct Bound {
    api: Arc<Api>,
    keeper: Keeper,
    probes: Arc<Probes>,
    acceptor: Option<Acceptor>,
    listener: TcpListener,
    health_listener: Option<TcpListener>,
    address: SocketAddr,
    health_address: Option<SocketAddr>,
}

/// Sockets that listen already: a process may open them while it still has the right to use low ports,
/// and give up that right before anything else.
#[derive(Debug)]
pub struct Listeners {
    services: StdListener,
    health: Option<StdListener>,
}

impl Listeners {
    /// Opens what a configuration names.
    pub fn open(listen: SocketAddr, health_listen: Option<SocketAddr>) -> Result<Self, ServeError> {
        let open = |address| {
            let listener = StdListener::bind(address).and_then(|listener| {
                listener.set_nonblocking(true)?;
                Ok(listener)
            });
            listener.map_err(|source| ServeError::Listen { address, source })
        };
        Ok(Self { services: open(listen)?, health: health_listen.map(open).transpose()? })
    }
}

fn listen(listener: StdListener, address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let listener = TcpListener::from_std(listener);
    let with_address = listener.and_then(|listener| listener.local_addr().map(|address| (listener, address)));
    with_address.map_err(|source| ServeError::Listen { address, source })
}

impl Bound {
    pub(crate) fn open(mut api: Api, listeners: Listeners, keeper: Keeper, probes: Probes) -> Result<Self, ServeError> {
        let (listener, address) = listen(listeners.services, api.config.listen)?;
        // Port 0 asks the kernel for one; URLs need the one it gave.
        api.config.listen = address;
        let health = listeners.health.map(|listener| listen(listener, address)).transpose()?;
        let (health_listener, health_address) = health.unzip();
        let (api, probes) = (Arc::new(api), Arc::new(probes));
        let acceptor = api.config.tls.as_ref().map(|tls| Acceptor::new(tls, &api.config.limits)).transpose()?;
        Ok(Self { api, keeper, probes, acceptor, listener, health_listener, address, health_address })
    }

    /// The address of the services.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of health and metrics.
    #[must_use]
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health_address
    }

    /// Serves until `shutdown` is ready, then lets open requests finish, for a bounded time.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { api, keeper, probes, acceptor, listener, health_listener, .. } = self;
        let follower = api.external.clone().map(|external| tokio::spawn(external.follow()));
        let revocations = tokio::spawn(identity::revocation::run(api.store.clone()));
        let health = health_listener.map(|listener| tokio::spawn(serve_health(Arc::clone(&api), probes, listener)));
        let (stop, stopped) = oneshot::channel::<()>();
        let keeper = tokio::spawn(keeper.run(api.store.clone(), async {
            // Dropping the sender says the same.
            let _ = stopped.await;
        }));
        serve(api, acceptor, listener, shutdown).await;
        drop(stop);
        if tokio::time::timeout(TRAIL_TIME, keeper).await.is_err() {
            tracing::warn!("the last refusals could not be written to the audit trail in time");
        }
        for task in health.into_iter().chain(follower).chain([revocations]) {
            task.abort();
        }
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // Out of descriptors, mostly: pause, for others to finish, instead of spinning.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn http(read_time: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(read_time).max_buf_size(HEAD_BYTES);
    builder
}

async fn serve(api: Arc<Api>, acceptor: Option<Acceptor>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let limits = api.config.limits.clone();
    let places = Arc::new(Semaphore::new(limits.connections));
    let crowd = Crowd::new(&limits);
    let connections = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let next = async {
            // The semaphore is never closed, so a place comes sooner or later.
            let place = Arc::clone(&places).acquire_owned().await;
            (accept(&listener).await, place)
        };
        let ((stream, address), place) = tokio::select! {
            next = next => next,
            () = &mut shutdown => break,
        };
        let Some(guest) = crowd.admit(address.ip(), &api.config.proxies) else {
            api.metrics.refuse_connection();
            tracing::debug!(%address, "a connection refused: its source has as many as one may have");
            continue;
        };
        // Answers are small and whole; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let connection = Connection { api: Arc::clone(&api), address: address.ip(), watcher: connections.watcher() };
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let _place = place;
            match acceptor {
                None => connection.converse(stream, false).await,
                // A client that breaks off or speaks something else was dealt with there.
                Some(acceptor) => {
                    if let Some(stream) = acceptor.accept(stream, &guest, &connection.api.metrics).await {
                        connection.converse(stream, true).await;
                    }
                }
            }
            drop(guest);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.shutdown_time, connections.shutdown()).await.is_err() {
        tracing::warn!("open requests did not finish within {:?} and were dropped", limits.shutdown_time);
    }
}

/// What a conversation with a client needs.
struct Connection {
    api: Arc<Api>,
    address: IpAddr,
    watcher: Watcher,
}

impl Connection {
    /// Answers requests until either side ends it.
    async fn converse(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, tls: bool) {
        let Self { api, address, watcher } = self;
        let read_time = api.config.limits.read_time;
        let peer = Peer { address, tls };
        let service = service_fn(move |request| {
            let api = Arc::clone(&api);
            async move { Ok::<_, Infallible>(answer(api, peer, request).await) }
        });
        let connection = watcher.watch(http(read_time).serve_connection(TokioIo::new(stream), service));
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

async fn serve_health(api: Arc<Api>, probes: Arc<Probes>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(MONITORS));
    loop {
        // The semaphore is never closed, so a place comes sooner or later.
        let place = Arc::clone(&places).acquire_owned().await;
        let (stream, _) = accept(&listener).await;
        let (api, probes) = (Arc::clone(&api), Arc::clone(&probes));
        let read_time = api.config.limits.read_time;
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(move |request| {
                let (api, probes) = (Arc::clone(&api), Arc::clone(&probes));
                async move { Ok::<_, Infallible>(health::answer(&api, &probes, &request).await.into_response()) }
            });
            // A monitor that goes away is no event.
            let _ = http(read_time).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
