//! How the commands speak TLS: whom they believe, and how they reach an instance on this host.
//!
//! An instance on this host is asked at its own listener, since its public URL may lead through a
//! translation, or not lead anywhere from here. With TLS its certificate is for the public name, so
//! the connection goes to the listener, and everything else, the check of the certificate above all,
//! is as for the public URL.

use std::{fmt, net::SocketAddr, path::Path, sync::Arc};

use ureq::{
    Agent,
    config::Config,
    http::{Uri, uri::Authority},
    tls::{Certificate, RootCerts, TlsConfig},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use super::{ClientError, Cloud, PATIENCE, Result};

/// What a cloud's requests go through.
pub(super) fn agent(cloud: &Cloud) -> Result<Agent> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        // The service is where clouds.yaml says; a proxy for the Internet does not lead there.
        .proxy(None)
        .tls_config(tls(cloud)?)
        .build();
    Ok(Agent::with_parts(config, DefaultConnector::default(), ListenerResolver::of(cloud)))
}

fn tls(cloud: &Cloud) -> Result<TlsConfig> {
    let builder = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .disable_verification(!cloud.verify);
    let roots = match &cloud.cacert {
        Some(file) => read_roots(file)?,
        // Those of the machine, also when it has none: then every certificate is refused, and said so.
        None => rustls_native_certs::load_native_certs().certs.iter().map(|der| der.as_ref().to_vec()).collect(),
    };
    let roots = roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    Ok(builder.root_certs(RootCerts::Specific(Arc::new(roots))).build())
}

fn read_roots(file: &Path) -> Result<Vec<Vec<u8>>> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let wrong = |reason: String| ClientError::Authority { file: file.to_owned(), reason };
    let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let roots: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .map(|der| der.map(|der| der.to_vec()))
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    if roots.is_empty() { Err(wrong("it holds no PEM block CERTIFICATE".to_owned())) } else { Ok(roots) }
}

/// Finds the host of a public URL at the listener on this host.
struct ListenerResolver {
    /// The public URL's host and port, and the listener.
    known: Option<(Authority, SocketAddr)>,
    others: DefaultResolver,
}

impl ListenerResolver {
    fn of(cloud: &Cloud) -> Self {
        let known = || {
            let listener = cloud.local_url.as_deref()?.strip_prefix("https://")?.parse().ok()?;
            let public = cloud.auth_url.parse::<Uri>().ok().filter(|url| url.scheme_str() == Some("https"))?;
            Some((public.authority()?.clone(), listener))
        };
        Self { known: known(), others: DefaultResolver::default() }
    }
}

impl fmt::Debug for ListenerResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerResolver").field("known", &self.known).finish_non_exhaustive()
    }
}

impl Resolver for ListenerResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> std::result::Result<ResolvedSocketAddrs, ureq::Error> {
        match &self.known {
            Some((authority, listener)) if uri.authority() == Some(authority) => {
                let mut addresses = self.empty();
                addresses.push(*listener);
                Ok(addresses)
            }
            _ => self.others.resolve(uri, config, timeout),
        }
    }
}
