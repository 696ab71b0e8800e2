//! JSON over HTTP from inside a namespace, for what no client of ours asks.

use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::netns::Netns;

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: ureq::http::HeaderMap,
    /// The body; null when it is none or no JSON.
    pub body: Value,
}

impl Response {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, or an error with everything that was answered when the status is another.
    pub fn expect(self, status: u16) -> Result<Value> {
        if self.status == status {
            return Ok(self.body);
        }
        Err(Error::unexpected(format!("status {status}"), format!("{}: {}", self.status, self.body)))
    }
}

/// Asks a URL from inside a namespace.
pub fn ask(netns: &Netns, method: &str, url: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Result<Response> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(url).header("Content-Type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let text = body.map(Value::to_string).unwrap_or_default();
    let failed = |e: ureq::Error| Error::unexpected(format!("an answer to {method} {url}"), e.to_string());
    let request = request.body(text).map_err(|e| failed(e.into()))?;
    let answer = netns.enter(|| {
        let mut response = agent.run(request)?;
        Ok((response.status().as_u16(), response.headers().clone(), response.body_mut().read_to_string()?))
    })?;
    let (status, headers, text) = answer.map_err(failed)?;
    Ok(Response { status, headers, body: serde_json::from_str(&text).unwrap_or_default() })
}
