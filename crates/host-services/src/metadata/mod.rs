//! The metadata service: what a server is told about itself, over HTTP at 169.254.169.254.
//!
//! Two trees, as Nova serves them: Amazon's EC2 form, text of one value per path, and OpenStack's
//! own, documents in JSON. Answers are functions of the port's facts and the path alone.

mod ec2;
mod http;
mod openstack;

pub(crate) use http::serve;

use crate::config::PortEntry;

/// The answer to a request for what is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: Vec<u8>,
}

impl Document {
    const TEXT: &'static str = "text/plain; charset=utf-8";
    const JSON: &'static str = "application/json";
    const BYTES: &'static str = "application/octet-stream";

    fn text(text: impl Into<String>) -> Self {
        Self { content_type: Self::TEXT, body: text.into().into_bytes() }
    }

    fn list(lines: &[&str]) -> Self {
        Self::text(lines.join("\n"))
    }

    fn json(value: &serde_json::Value) -> Self {
        Self { content_type: Self::JSON, body: value.to_string().into_bytes() }
    }

    fn bytes(bytes: &[u8]) -> Self {
        Self { content_type: Self::BYTES, body: bytes.to_vec() }
    }
}

/// The document at a path, for the server behind a port; `None` when there is none. Doubled and
/// trailing slashes do not matter.
#[must_use]
pub fn answer(entry: &PortEntry, path: &str) -> Option<Document> {
    let facts = entry.services.metadata.as_ref()?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [] => Some(ec2::versions()),
        ["openstack", rest @ ..] => openstack::answer(entry, facts, rest),
        [version, rest @ ..] => ec2::answer(entry, facts, version, rest),
    }
}

/// The server's name with the domain of its network, as its DHCP answer tells them.
fn full_name(entry: &PortEntry, facts: &logical::Metadata) -> String {
    match entry.services.dhcp4.as_ref().and_then(|dhcp| dhcp.domain.as_deref()) {
        Some(domain) if !domain.is_empty() => format!("{}.{domain}", facts.hostname),
        _ => facts.hostname.clone(),
    }
}

/// The name of an SSH key: the comment at the end of its line, or its number.
fn key_name(index: usize, key: &str) -> String {
    key.split_whitespace().nth(2).map_or_else(|| format!("key-{index}"), str::to_owned)
}

#[cfg(test)]
mod tests;
