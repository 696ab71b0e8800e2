//! TLS on the listener, with a certificate that can be replaced while connections are open.
//!
//! This room never opens a file: it is given the text of a certificate and a key ([`PemPair`]), by a
//! process that may read them, and again whenever they have changed. A pair that is no good leaves
//! the one before in use, and is counted and told. Connections keep the keys of their handshake, so
//! a replacement harms none of them.

mod expiry;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    server::{ClientHello, ParsedCertificate, ResolvesServerCert},
    sign::CertifiedKey,
};
use serde_json::{Value, json};

/// The text of a certificate, with the chain that belongs to it, and of its key.
#[derive(Clone, PartialEq, Eq)]
pub struct PemPair {
    /// One or more blocks `CERTIFICATE`, the server's own first.
    pub certificate: String,
    /// A block with the private key.
    pub key: String,
}

impl fmt::Debug for PemPair {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemPair").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// Why a certificate and its key are of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// No certificate in the text.
    #[error("the certificate has no PEM block CERTIFICATE: give the certificate, then those between it and the root")]
    NoCertificate,
    /// The certificate cannot be understood.
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    /// No key in the text.
    #[error("the key has no PEM block PRIVATE KEY")]
    NoKey,
    /// The key cannot be understood or used.
    #[error("the key cannot be used: {0}")]
    Key(String),
    /// The two are not one pair.
    #[error("the key is not that of the certificate")]
    Mismatch,
    /// The certificate is too old.
    #[error("the certificate expired at {0}")]
    Expired(Timestamp),
}

/// A certificate and its key, checked.
#[derive(Debug)]
pub struct Certificate {
    certified: Arc<CertifiedKey>,
    not_after: Timestamp,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl Certificate {
    /// Checks a pair. One that has expired is still a pair; see [`Self::require_valid`].
    pub fn parse(pair: &PemPair) -> Result<Self, TlsError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pair.certificate.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| TlsError::Certificate(error.to_string()))?;
        let own = chain.first().ok_or(TlsError::NoCertificate)?;
        let not_after =
            expiry::not_after(own).ok_or_else(|| TlsError::Certificate("it has no date of expiry".into()))?;
        ParsedCertificate::try_from(own).map_err(|error| TlsError::Certificate(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => TlsError::NoKey,
            // The parser's words may repeat what it read.
            _ => TlsError::Key("it is no PEM text".to_owned()),
        })?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
            other => TlsError::Key(other.to_string()),
        })?;
        Ok(Self { certified: Arc::new(certified), not_after })
    }

    /// When it expires.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Refuses one that has expired.
    pub fn require_valid(&self, now: Timestamp) -> Result<(), TlsError> {
        if self.not_after <= now { Err(TlsError::Expired(self.not_after)) } else { Ok(()) }
    }

    /// Whether it is for a host, given as name or address.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let (Ok(name), Some(own)) = (ServerName::try_from(bare), self.certified.cert.first()) else { return false };
        ParsedCertificate::try_from(own).is_ok_and(|own| rustls::client::verify_server_name(&own, &name).is_ok())
    }
}

/// The certificate in use, and what became of attempts to replace it.
pub struct Tls {
    state: Mutex<State>,
}

struct State {
    current: Certificate,
    reloads: u64,
    failures: u64,
    /// Why the last attempt failed; none after one that did not.
    failure: Option<String>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("not_after", &self.lock().current.not_after).finish_non_exhaustive()
    }
}

impl Tls {
    /// With a first certificate. One that has expired is used, loudly: clients may be told to bear it,
    /// and a cloud that does not start at all bears nobody.
    #[must_use]
    pub fn new(current: Certificate) -> Arc<Self> {
        if let Err(error) = current.require_valid(Timestamp::now()) {
            tracing::error!("{error}: clients will refuse it");
        }
        Arc::new(Self { state: Mutex::new(State { current, reloads: 0, failures: 0, failure: None }) })
    }

    /// Serves another pair from the next handshake on, if it is good.
    pub fn replace(&self, pair: &PemPair) -> Result<(), TlsError> {
        let parsed = Certificate::parse(pair);
        let checked = parsed.and_then(|new| new.require_valid(Timestamp::now()).map(|()| new));
        match checked {
            Ok(new) => {
                tracing::info!(not_after = %new.not_after, "the certificate was replaced");
                let mut state = self.lock();
                state.current = new;
                state.reloads += 1;
                state.failure = None;
                Ok(())
            }
            Err(error) => {
                self.failed(&error.to_string());
                Err(error)
            }
        }
    }

    /// Notes that there is a new pair that cannot even be read.
    pub fn failed(&self, reason: &str) {
        let mut state = self.lock();
        state.failures += 1;
        state.failure = Some(reason.to_owned());
        let not_after = state.current.not_after;
        drop(state);
        tracing::error!(%not_after, "the new certificate is not used, the old one stays: {reason}");
    }

    /// For `baryon status`.
    pub(crate) fn status(&self) -> Value {
        let state = self.lock();
        let expired = state.current.not_after <= Timestamp::now();
        json!({
            "not_after": state.current.not_after.to_string(),
            "expired": expired,
            "reloads": state.reloads,
            "failures": state.failures,
            "failure": state.failure,
        })
    }

    /// In the text format of Prometheus.
    pub(crate) fn render(&self) -> String {
        let state = self.lock();
        let mut text = String::new();
        for (name, kind, help, value) in [
            (
                "certificate_expiry_seconds",
                "gauge",
                "When the certificate in use expires, in seconds since 1970.",
                i128::from(state.current.not_after.as_second()),
            ),
            ("certificate_reloads_total", "counter", "Certificates that replaced another.", state.reloads.into()),
            ("certificate_reload_failures_total", "counter", "Certificates that were not used.", state.failures.into()),
        ] {
            let name = format!("baryon_tls_{name}");
            text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"));
        }
        text
    }

    /// What rustls works with.
    pub(super) fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(Current(Arc::clone(self))));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whole after every statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives each handshake the certificate of that moment, whatever name the client asked for.
#[derive(Debug)]
struct Current(Arc<Tls>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.lock().current.certified))
    }
}

#[cfg(test)]
mod tests;
