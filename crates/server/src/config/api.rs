//! `[api]`: where and how the role `api` serves.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use types::Cidr;

use super::{ProxyHeaders, PublicUrl, ValueError};

/// What a URL's path may not begin with, or it could not be told from that of a service.
const SERVICES: [&str; 8] =
    ["identity", "network", "load-balancer", "dns", "key-manager", "compute", "image", "baryon"];

/// The role `api`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Where the APIs listen.
    #[serde(deserialize_with = "listen")]
    pub listen: SocketAddr,
    /// Where health and metrics listen.
    #[serde(deserialize_with = "listen")]
    pub metrics_listen: SocketAddr,
    /// How clients reach the APIs; `None`: the scheme and `listen`.
    pub public_url: Option<PublicUrl>,
    /// The listener's certificate with its chain; `None`: plain HTTP.
    pub tls_certificate: Option<PathBuf>,
    /// Its key.
    pub tls_key: Option<PathBuf>,
    /// The certificate of the authority by which clients know it; `None`: theirs know it already.
    pub ca_certificate: Option<PathBuf>,
    /// Proxies in front of the APIs, whose word on the client's address and URL is taken.
    #[serde(deserialize_with = "proxies")]
    pub trusted_proxies: Vec<Cidr>,
    /// The headers in which they give it.
    pub proxy_headers: ProxyHeaders,
    /// Whether services are offered that do less than their API promises.
    pub preview: bool,
    /// Whom the role runs as, when root starts it.
    pub user: Option<String>,
    /// Failed logins that a source may have in a row.
    pub failed_logins: NonZeroU32,
    /// Seconds until a source may have one more.
    pub failed_login_seconds: NonZeroU32,
    /// Connections open at once.
    pub connections: NonZeroU32,
    /// Of those, how many one source may have.
    pub connections_of_one_source: NonZeroU32,
}

/// The parser's words for a wrong address name neither it nor a right one.
fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(ValueError::Listen(text)))
}

fn proxies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Cidr>, D::Error> {
    let entries = Vec::<String>::deserialize(deserializer)?;
    let proxy = |text: String| text.parse().map_err(|_| D::Error::custom(ValueError::Proxy(text)));
    entries.into_iter().map(proxy).collect()
}

impl Default for ApiConfig {
    fn default() -> Self {
        let limits = api::Limits::default();
        let at_least_one =
            |number: u64| u32::try_from(number).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9696)),
            metrics_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9697)),
            public_url: None,
            tls_certificate: None,
            tls_key: None,
            ca_certificate: None,
            trusted_proxies: Vec::new(),
            proxy_headers: ProxyHeaders::default(),
            preview: false,
            user: None,
            failed_logins: at_least_one(limits.failures.burst.into()),
            failed_login_seconds: at_least_one(limits.failures.interval.as_secs()),
            connections: at_least_one(limits.connections as u64),
            connections_of_one_source: at_least_one(limits.connections_of_one_source as u64),
        }
    }
}

impl ApiConfig {
    /// What URLs in answers begin with.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.public_url.as_ref().map_or_else(|| self.local_url(), ToString::to_string)
    }

    /// What URLs on this host begin with.
    #[must_use]
    pub fn local_url(&self) -> String {
        // Nobody connects to "every address"; on this host the loopback one answers for it.
        let mut address = self.listen;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        let scheme = if self.tls_certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{address}")
    }

    /// The bounds of the API.
    #[must_use]
    pub fn limits(&self) -> api::Limits {
        let number = |number: NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
        let mut limits = api::Limits {
            connections: number(self.connections),
            connections_of_one_source: number(self.connections_of_one_source),
            ..api::Limits::default()
        };
        limits.failures.burst = self.failed_logins.get();
        limits.failures.interval = Duration::from_secs(self.failed_login_seconds.get().into());
        limits
    }

    /// Its paths, for those who make them absolute.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.tls_certificate, &mut self.tls_key, &mut self.ca_certificate].into_iter().flatten()
    }

    /// Checks what no single value shows.
    pub(super) fn check(&self) -> Result<(), String> {
        match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), None) => {
                return Err(format!(
                    "api.tls_certificate is {} without an api.tls_key: give both, or none",
                    certificate.display()
                ));
            }
            (None, Some(key)) => {
                return Err(format!(
                    "api.tls_key is {} without an api.tls_certificate: give both, or none",
                    key.display()
                ));
            }
            _ => {}
        }
        if let Some(url) = &self.public_url
            && self.tls_certificate.is_some()
            && !url.as_str().starts_with("https://")
        {
            return Err(format!("api.public_url is {url}, and the listener speaks TLS: give it with https://"));
        }
        if let Some(url) = &self.public_url
            && let Some(service) = SERVICES.iter().find(|service| url.first_part() == **service)
        {
            return Err(format!(
                "api.public_url is {url}, whose path begins with the name of a service, {service}: give another path"
            ));
        }
        if self.connections_of_one_source > self.connections {
            return Err(format!(
                "api.connections_of_one_source is {}, more than api.connections, which is {}: give at most that",
                self.connections_of_one_source, self.connections
            ));
        }
        if self.listen == self.metrics_listen && self.listen.port() != 0 {
            return Err(format!(
                "api.listen and api.metrics_listen are both {}: give metrics another port",
                self.listen
            ));
        }
        Ok(())
    }
}
