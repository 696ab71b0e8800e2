//! A whole request, as the dialects see it.

use hyper::{HeaderMap, Method, body::Bytes, header, http::request::Parts};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::RequestId;
use crate::ApiConfig;

/// A request whose body has arrived.
#[derive(Debug)]
pub(crate) struct Request {
    /// The method.
    pub(crate) method: Method,
    /// The path as it was sent.
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
    /// What the client reaches this server by: `http://127.0.0.1:9696`.
    pub(crate) public_url: String,
}

impl Request {
    pub(super) fn from_head(head: &Parts, id: RequestId, config: &ApiConfig) -> Self {
        let path = head.uri.path().to_owned();
        let segments = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect();
        Self {
            method: head.method.clone(),
            path,
            segments,
            query: Query::parse(head.uri.query().unwrap_or_default()),
            headers: head.headers.clone(),
            body: Bytes::new(),
            id,
            public_url: public_url(&head.headers, config),
        }
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

/// `public_url` of the configuration, else the host that the client asked for. A host that could
/// break out of the URL is not repeated.
fn public_url(headers: &HeaderMap, config: &ApiConfig) -> String {
    if let Some(url) = &config.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    match host.filter(|host| !host.is_empty() && host.chars().all(harmless)) {
        Some(host) => format!("http://{host}"),
        None => format!("http://{}", config.listen),
    }
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

    #[test]
    fn a_host_that_is_no_host_is_not_repeated() {
        let config = ApiConfig::new("127.0.0.1:9696".parse().unwrap(), "keys".into());
        let url = |host: &str| public_url(&HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]), &config);
        assert_eq!(url("cloud.example:8080"), "http://cloud.example:8080");
        assert_eq!(url("[::1]:9696"), "http://[::1]:9696");
        assert_eq!(url("evil/\"x"), "http://127.0.0.1:9696");
        let behind_proxy = ApiConfig { public_url: Some("https://cloud.example/".to_owned()), ..config.clone() };
        assert_eq!(public_url(&HeaderMap::new(), &behind_proxy), "https://cloud.example");
    }

    #[test]
    fn a_query_keeps_order_and_repetition() {
        let query = Query::parse("fields=id&fields=name&name=a%20b+c&wait");
        assert_eq!(query.all("fields").collect::<Vec<_>>(), ["id", "name"]);
        assert_eq!(query.first("name"), Some("a b c"));
        assert!(query.flag("wait") && !query.flag("page_reverse"));
    }
}
