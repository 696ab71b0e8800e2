//! Where a request comes from, and by which URL: what a proxy in front says of it, as far as that
//! proxy is trusted.
//!
//! Headers are what the sender makes them. A proxy of the operator's appends the address that it
//! was called from to the right of what it got, so the list is believed from the right, one hop at
//! a time, as long as the hop that wrote an entry is a trusted proxy:
//!
//! ```text
//! X-Forwarded-For: 203.0.113.9 (made up), 198.51.100.7 (client), 10.0.0.2 (outer proxy)   peer: 10.0.0.1 (inner proxy)
//!                                         ▲ the source, when 10.0.0.0/8 is trusted
//! ```
//!
//! One family of headers is believed, which the configuration names: a proxy that sets the one hands
//! on the other as its client wrote it. An entry that is no address ends the walk at the proxy that
//! wrote it: what lies further left is not known to be true.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use hyper::{HeaderMap, header};
use types::Cidr;

/// The headers in which trusted proxies say who called them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyHeaders {
    /// `X-Forwarded-For`, `-Proto` and `-Host`, which most proxies set.
    #[default]
    XForwarded,
    /// `Forwarded` of RFC 7239.
    Forwarded,
}

/// Proxies whose word is taken.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    /// Their addresses; none is the default.
    pub addresses: Vec<Cidr>,
    /// The headers that they set.
    pub headers: ProxyHeaders,
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: IpAddr,
    /// Whether it speaks TLS with us.
    pub(crate) tls: bool,
}

/// Who asks, and what for a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The client, or the last hop before it that can be known.
    pub(crate) address: IpAddr,
    /// The scheme that the client used: `http` or `https`.
    pub(crate) scheme: &'static str,
    /// The host that the client asked for, if it is a harmless text.
    pub(crate) host: Option<String>,
}

/// What a proxy says of the hop before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Hop {
    /// None when it is hidden or no address.
    address: Option<IpAddr>,
    proto: Option<String>,
    host: Option<String>,
}

impl TrustedProxies {
    /// Whether an address is one of theirs.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|range| range.contains(address))
    }

    /// The source of a request that came from a peer with these headers.
    pub(crate) fn source(&self, peer: Peer, headers: &HeaderMap) -> Source {
        // A listener for both versions of IP shows IPv4 clients as IPv6 ones.
        let mut address = peer.address.to_canonical();
        let own_scheme = if peer.tls { "https" } else { "http" };
        let own_host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let mut told = Hop::default();
        if self.trusts(address) {
            let mut hops = match self.headers {
                ProxyHeaders::XForwarded => x_forwarded(headers),
                ProxyHeaders::Forwarded => forwarded(headers),
            };
            while let Some(hop) = hops.pop() {
                let known = hop.address;
                told = hop;
                let Some(next) = known else { break };
                address = next;
                if !self.trusts(address) {
                    break;
                }
            }
        }
        let scheme = match told.proto.as_deref() {
            Some(proto) if proto.eq_ignore_ascii_case("https") => "https",
            Some(proto) if proto.eq_ignore_ascii_case("http") => "http",
            _ => own_scheme,
        };
        let host = [told.host.as_deref(), own_host].into_iter().flatten().find(|host| is_harmless(host));
        Source { address, scheme, host: host.map(str::to_owned) }
    }
}

/// Whether a host can stand in a URL without breaking out of it.
fn is_harmless(host: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    !host.is_empty() && host.chars().all(good)
}

/// Every entry of a header's list, over all its lines, as one list in the order of hops.
fn entries(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).iter();
    // A line that is no text keeps its place, as an entry that says nothing.
    lines.flat_map(|line| split(line.to_str().unwrap_or_default(), ',')).collect()
}

fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let addresses = entries(headers, "x-forwarded-for");
    let (protos, hosts) = (entries(headers, "x-forwarded-proto"), entries(headers, "x-forwarded-host"));
    // Proxies append to these or replace them. One value is the outermost trusted proxy's; of a
    // list, the entry at the same distance from the right belongs to the hop.
    let beside = |values: &[String], from_right: usize| match values {
        [only] => Some(only.clone()),
        several => several.iter().rev().nth(from_right).cloned(),
    };
    let count = addresses.len();
    let hop = |(index, address): (usize, &String)| Hop {
        address: parse_node(address),
        proto: beside(&protos, count - 1 - index),
        host: beside(&hosts, count - 1 - index),
    };
    addresses.iter().enumerate().map(hop).collect()
}

fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    entries(headers, "forwarded").iter().map(|entry| forwarded_hop(entry)).collect()
}

fn forwarded_hop(entry: &str) -> Hop {
    let mut hop = Hop::default();
    for pair in split(entry, ';') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let value = unquote(value.trim());
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.address = parse_node(&value),
            "proto" => hop.proto = Some(value),
            "host" => hop.host = Some(value),
            _ => {}
        }
    }
    hop
}

/// The parts between separators outside of quotes, without space around them.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if c == separator && !quoted {
            parts.push(String::new());
            continue;
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c == '\\' { text.extend(chars.next()) } else { text.push(c) }
    }
    text
}

/// An address, with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn parse_node(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = IpAddr::from_str(bare).ok();
    address
        .or_else(|| SocketAddr::from_str(text).ok().map(|address| address.ip()))
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests;
