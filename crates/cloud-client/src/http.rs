//! Bounded HTTP: one request, one whole answer, within a time.
//!
//! No redirect is followed: it would carry a token or a password to wherever an answer points. Names are
//! looked up by the system's resolver on a thread of the runtime's bounded pool, within the same time.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Method, Request, StatusCode, Uri,
    body::Bytes,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue, USER_AGENT},
};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::CloudError;

const AGENT: &str = concat!("baryon/", env!("CARGO_PKG_VERSION"));
/// Connections that are kept open for the next question.
const IDLE: usize = 4;
const IDLE_TIME: Duration = Duration::from_secs(30);
/// Bytes of an answer's head, and headers in it. Tokens of some providers have several thousand bytes.
const HEAD_BYTES: usize = 64 << 10;
const HEADERS: usize = 100;

/// How another service is asked.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The certificates to trust, in place of the machine's own.
    pub cacert: Option<PathBuf>,
    /// How long a connection may take.
    pub connect_time: Duration,
    /// How long a whole exchange may take, its wait for a place included.
    pub time: Duration,
    /// Bytes of an answer.
    pub bytes: usize,
    /// Questions asked at once.
    pub at_once: usize,
    /// Questions that may wait beyond those; more are refused.
    pub waiting: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            cacert: None,
            connect_time: Duration::from_secs(5),
            time: Duration::from_secs(15),
            bytes: 4 << 20,
            at_once: 16,
            waiting: 256,
        }
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The URL that was asked, for messages.
    pub url: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Result<Value, CloudError> {
        serde_json::from_slice(&self.body).map_err(|error| self.strange(format!("status {}, {error}", self.status)))
    }

    /// The text of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The answer itself, or the refusal that it is.
    pub fn success(self) -> Result<Self, CloudError> {
        if self.status.is_success() { Ok(self) } else { Err(self.refusal()) }
    }

    /// The refusal that the answer is.
    #[must_use]
    pub fn refusal(&self) -> CloudError {
        CloudError::Refused { url: self.url.clone(), status: self.status.as_u16(), message: self.message() }
    }

    /// What the service says is wrong. Each service wraps its words in an object of another name.
    #[must_use]
    pub fn message(&self) -> String {
        const LONGEST: usize = 300;
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let inner = body.as_object().and_then(|object| object.values().find_map(|value| value.get("message")));
        let text = inner.or_else(|| body.get("message")).and_then(Value::as_str);
        let text = text.unwrap_or_else(|| self.status.canonical_reason().unwrap_or("no reason given"));
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// An answer that no such service gives.
    #[must_use]
    pub fn strange(&self, reason: impl Into<String>) -> CloudError {
        CloudError::Answer { url: self.url.clone(), reason: reason.into() }
    }
}

/// A client that asks other services. Clones share connections and places.
#[derive(Clone)]
pub struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    settings: Arc<HttpSettings>,
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Http {
    /// A client. Reads the certificates.
    pub fn new(settings: HttpSettings) -> Result<Self, CloudError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(settings.connect_time));
        tcp.set_nodelay(true);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let connector = hyper_rustls::HttpsConnectorBuilder::new();
        let connector = match &settings.cacert {
            Some(file) => {
                let wrong = |reason: String| CloudError::Certificates { file: file.clone(), reason };
                let config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .map_err(|error| wrong(error.to_string()))?
                    .with_root_certificates(roots(file)?)
                    .with_no_client_auth();
                connector.with_tls_config(config)
            }
            None => connector
                .with_provider_and_native_roots(provider)
                .map_err(|error| CloudError::NoRoots(error.to_string()))?,
        };
        let connector = connector.https_or_http().enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(IDLE)
            .http1_max_buf_size(HEAD_BYTES)
            .http1_max_headers(HEADERS)
            .build(connector);
        let places = Arc::new(Semaphore::new(settings.at_once));
        let queue = Arc::new(Semaphore::new(settings.at_once + settings.waiting));
        Ok(Self { client, settings: Arc::new(settings), places, queue })
    }

    /// Asks, and waits for the whole answer. Headers are names and values; a value that is a secret
    /// is the caller's to keep out of messages, which never hold any.
    pub async fn ask(
        &self,
        method: Method,
        url: &str,
        headers: &[(&'static str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, CloudError> {
        let uri = checked(url)?;
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            let mut value = HeaderValue::from_str(value).map_err(|_| CloudError::Header(name))?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(body)).map_err(|_| CloudError::Url(url.to_owned()))?;

        let waiting = self.settings.at_once + self.settings.waiting;
        let busy = || CloudError::Busy { url: url.to_owned(), limit: waiting };
        let _queued = self.queue.try_acquire().map_err(|_| busy())?;
        let limit = self.settings.time;
        tokio::time::timeout(limit, self.exchange(url, request))
            .await
            .unwrap_or_else(|_| Err(CloudError::TooSlow { url: url.to_owned(), limit }))
    }

    async fn exchange(&self, url: &str, request: Request<Full<Bytes>>) -> Result<Answer, CloudError> {
        let unreachable =
            |error: &dyn std::error::Error| CloudError::Unreachable { url: url.to_owned(), reason: innermost(error) };
        // The semaphore is never closed.
        let _place = self.places.acquire().await;
        let response = self.client.request(request).await.map_err(|error| unreachable(&error))?;
        let (head, body) = response.into_parts();
        let limit = self.settings.bytes;
        let body = match Limited::new(body, limit).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(CloudError::TooLarge { url: url.to_owned(), limit });
            }
            Err(error) => return Err(unreachable(error.as_ref())),
        };
        Ok(Answer { url: url.to_owned(), status: head.status, headers: head.headers, body })
    }
}

/// A URL that can be asked. One with a password in it cannot: it would be shown wherever the URL is.
fn checked(url: &str) -> Result<Uri, CloudError> {
    if url.split(['/', '?', '#']).nth(2).is_some_and(|authority| authority.contains('@')) {
        return Err(CloudError::UserInUrl);
    }
    let uri: Uri = url.parse().map_err(|_| CloudError::Url(url.to_owned()))?;
    if matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty()) {
        Ok(uri)
    } else {
        Err(CloudError::Url(url.to_owned()))
    }
}

fn roots(file: &std::path::Path) -> Result<RootCertStore, CloudError> {
    let wrong = |reason: String| CloudError::Certificates { file: file.to_owned(), reason };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        store.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if store.is_empty() { Err(wrong("it holds no certificate in PEM form".to_owned())) } else { Ok(store) }
}

/// The last cause says what happened ("connection refused"); those around it only that it did.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
