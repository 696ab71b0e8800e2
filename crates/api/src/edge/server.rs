//! Listeners, connections and their end.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::{Peer, answer, health};
use crate::Api;

/// Bytes that the head of a request may take: a token has 255 at most, a list's filters are a few.
const HEAD_BYTES: usize = 64 << 10;

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
    listener: TcpListener,
    health_listener: Option<TcpListener>,
    address: SocketAddr,
    health_address: Option<SocketAddr>,
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let fail = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    Ok((listener, address))
}

impl Bound {
    pub(crate) async fn open(mut api: Api, keeper: Keeper, probes: Probes) -> Result<Self, ServeError> {
        let (listener, address) = listen(api.config.listen).await?;
        // Port 0 asks the kernel for one; URLs need the one it gave.
        api.config.listen = address;
        let (health_listener, health_address) = match api.config.health_listen {
            Some(wanted) => listen(wanted).await.map(|(listener, address)| (Some(listener), Some(address)))?,
            None => (None, None),
        };
        let (api, probes) = (Arc::new(api), Arc::new(probes));
        Ok(Self { api, keeper, probes, listener, health_listener, address, health_address })
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
        let Self { api, keeper, probes, listener, health_listener, .. } = self;
        let follower = api.external.clone().map(|external| tokio::spawn(external.follow()));
        let health = health_listener.map(|listener| tokio::spawn(serve_health(Arc::clone(&api), probes, listener)));
        serve(api, listener, shutdown).await;
        for task in health.into_iter().chain(follower) {
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

async fn serve(api: Arc<Api>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let limits = api.config.limits.clone();
    let places = Arc::new(Semaphore::new(limits.connections));
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
        // Answers are small and whole; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let api = Arc::clone(&api);
        let peer = Peer { address: address.ip(), tls: false };
        let service = service_fn(move |request| {
            let api = Arc::clone(&api);
            async move { Ok::<_, Infallible>(answer(api, peer, request).await) }
        });
        let connection = connections.watch(http(limits.read_time).serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.shutdown_time, connections.shutdown()).await.is_err() {
        tracing::warn!("open requests did not finish within {:?} and were dropped", limits.shutdown_time);
    }
}

async fn serve_health(api: Arc<Api>, probes: Arc<Probes>, listener: TcpListener) {
    loop {
        let (stream, _) = accept(&listener).await;
        let (api, probes) = (Arc::clone(&api), Arc::clone(&probes));
        let read_time = api.config.limits.read_time;
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let (api, probes) = (Arc::clone(&api), Arc::clone(&probes));
                async move { Ok::<_, Infallible>(health::answer(&api, &probes, &request).await.into_response()) }
            });
            // A monitor that goes away is no event.
            let _ = http(read_time).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
