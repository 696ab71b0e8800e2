//! A whole request, as the dialects see it.

use std::{net::IpAddr, sync::Arc};

use hyper::{HeaderMap, Method, body::Bytes, http::request::Parts};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{
    RequestId,
    source::{Peer, Source},
};
use crate::{ApiConfig, audit::Witness};

/// A request whose body has arrived.
#[derive(Debug)]
pub(crate) struct Request {
    /// The method.
    pub(crate) method: Method,
    /// The path as it was sent, without that of `public_url` when it begins with it.
    pub(crate) path: String,
    /// The path's parts, decoded, without empty ones: `/a//b/` is `["a", "b"]`.
    pub(crate) segments: Vec<String>,
    /// The query.
    pub(crate) query: Query,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Bytes,
    /// Names the request in the log.
    pub(crate) id: RequestId,
    /// Who asks: the peer, or whom a trusted proxy names ([`super::source`]).
    pub(crate) source: IpAddr,
    /// What the client reaches this server by: `http://127.0.0.1:9696`.
    pub(crate) public_url: String,
    /// Learns who asks, for the audit trail.
    pub(crate) witness: Arc<Witness>,
}

impl Request {
    pub(super) fn from_head(head: &Parts, id: RequestId, peer: Peer, config: &ApiConfig) -> Self {
        let source = config.proxies.source(peer, &head.headers);
        let path = own_path(head.uri.path(), config).to_owned();
        Self {
            method: head.method.clone(),
            segments: Self::segments_of(&path),
            path,
            query: Query::parse(head.uri.query().unwrap_or_default()),
            headers: head.headers.clone(),
            body: Bytes::new(),
            id,
            public_url: public_url(&source, config),
            source: source.address,
            witness: Arc::default(),
        }
    }

    /// A path's parts, decoded, without empty ones.
    pub(crate) fn segments_of(path: &str) -> Vec<String> {
        path.split('/')
            .filter(|part| !part.is_empty())
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// The id that the client gave to a chain of requests.
    pub(crate) fn global_id(&self) -> Option<RequestId> {
        RequestId::from_headers(&self.headers)
    }

    /// The first part of the path, which names the service.
    pub(crate) fn service(&self) -> &str {
        self.segments.first().map_or("", String::as_str)
    }

    /// The parts of the path after the first `skip` ones, for matching.
    pub(crate) fn parts_after(&self, skip: usize) -> Vec<&str> {
        self.segments.iter().skip(skip).map(String::as_str).collect()
    }

    /// The text of a header; none when absent or no text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; none for no body or no JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// `public_url` of the configuration, else the host that the client asked for.
fn public_url(source: &Source, config: &ApiConfig) -> String {
    match (&config.public_url, &source.host) {
        (Some(url), _) => url.trim_end_matches('/').to_owned(),
        (None, Some(host)) => format!("{}://{host}", source.scheme),
        (None, None) => format!("{}://{}", source.scheme, config.listen),
    }
}

/// The path below `public_url`. A proxy may take its path off before it asks here, or leave it.
fn own_path<'a>(path: &'a str, config: &ApiConfig) -> &'a str {
    let prefix = config.public_url.as_deref().map_or("", url_path);
    match path.strip_prefix(prefix) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// The path of a URL, without a slash at its end.
fn url_path(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.find('/').map_or("", |at| after_scheme[at..].trim_end_matches('/'))
}

/// The query of a URL: names and values in the order they were sent.
#[derive(Debug, Default, Clone)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Takes a query apart.
    pub(crate) fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The first value of a name.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.pairs().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Every value of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every pair, in order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether a flag is set: named without a value, or with one that means yes.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.first(name)
            .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "" | "1" | "true" | "yes" | "on"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(public_url: Option<&str>) -> ApiConfig {
        let config = ApiConfig::new("127.0.0.1:9696".parse().unwrap(), "keys".into());
        ApiConfig { public_url: public_url.map(str::to_owned), ..config }
    }

    #[test]
    fn a_host_that_is_no_host_is_not_repeated() {
        let url = |host: &str, wanted: Option<&str>| {
            let config = config(wanted);
            let headers = HeaderMap::from_iter([(hyper::header::HOST, host.parse().unwrap())]);
            let peer = Peer { address: [127, 0, 0, 1].into(), tls: false };
            public_url(&config.proxies.source(peer, &headers), &config)
        };
        assert_eq!(url("cloud.example:8080", None), "http://cloud.example:8080");
        assert_eq!(url("[::1]:9696", None), "http://[::1]:9696");
        assert_eq!(url("evil/\"x", None), "http://127.0.0.1:9696");
        assert_eq!(url("else.example", Some("https://cloud.example/")), "https://cloud.example");
        assert_eq!(url("else.example", Some("https://cloud.example/net/")), "https://cloud.example/net");
    }

    #[test]
    fn the_path_of_the_public_url_is_taken_off_once_if_it_is_there() {
        let with = config(Some("https://cloud.example/net/api/"));
        for (path, expected) in [
            ("/net/api/identity/v3", "/identity/v3"),
            ("/net/api", "/"),
            ("/net/api/", "/"),
            ("/net/apis/identity", "/net/apis/identity"),
            ("/identity/v3", "/identity/v3"),
            ("/net/api/net/api/x", "/net/api/x"),
        ] {
            assert_eq!(own_path(path, &with), expected);
        }
        for without in [config(None), config(Some("https://cloud.example"))] {
            assert_eq!(own_path("/identity/v3", &without), "/identity/v3");
            assert_eq!(own_path("/", &without), "/");
        }
    }

    #[test]
    fn a_query_keeps_order_and_repetition() {
        let query = Query::parse("fields=id&fields=name&name=a%20b+c&wait");
        assert_eq!(query.all("fields").collect::<Vec<_>>(), ["id", "name"]);
        assert_eq!(query.first("name"), Some("a b c"));
        assert!(query.flag("wait") && !query.flag("page_reverse"));
    }
}
