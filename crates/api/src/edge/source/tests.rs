use hyper::header::{HeaderName, HeaderValue};

use super::*;

fn proxies(headers: ProxyHeaders) -> TrustedProxies {
    let addresses = ["10.0.0.0/8", "fd00::/8"].map(|range| range.parse().unwrap());
    TrustedProxies { addresses: addresses.to_vec(), headers }
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        map.append(HeaderName::from_str(name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    map
}

/// The source and, when a proxy told them, scheme and host.
fn source(kind: ProxyHeaders, peer: &str, lines: &[(&str, &str)]) -> String {
    let peer = Peer { address: peer.parse().unwrap(), tls: false };
    let found = proxies(kind).source(peer, &headers(lines));
    let host = found.host.map(|host| format!(" {host}")).unwrap_or_default();
    let scheme = if found.scheme == "http" { "" } else { " https" };
    format!("{}{scheme}{host}", found.address)
}

#[test]
fn nobody_but_a_trusted_proxy_says_where_a_request_comes_from() {
    for (peer, lines, expected) in [
        // Without a proxy, or from a stranger, headers are nothing.
        ("198.51.100.7", &[][..], "198.51.100.7"),
        ("198.51.100.7", &[("x-forwarded-for", "203.0.113.9")], "198.51.100.7"),
        ("198.51.100.7", &[("x-forwarded-for", "10.0.0.1")], "198.51.100.7"),
        ("198.51.100.7", &[("x-forwarded-proto", "https"), ("x-forwarded-host", "evil.example")], "198.51.100.7"),
        ("198.51.100.7", &[("forwarded", "for=203.0.113.9;proto=https")], "198.51.100.7"),
        // A trusted proxy without a word is the source.
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &[("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
        ("::ffff:10.0.0.1", &[("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
        ("fd00::1", &[("x-forwarded-for", "::ffff:198.51.100.7")], "198.51.100.7"),
        // What the client wrote stands left of what the proxy wrote.
        ("10.0.0.1", &[("x-forwarded-for", "203.0.113.9, 198.51.100.7")], "198.51.100.7"),
        ("10.0.0.1", &[("x-forwarded-for", "10.0.0.9, 198.51.100.7")], "198.51.100.7"),
        ("10.0.0.1", &[("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
        ("10.0.0.1", &[("x-forwarded-for", "203.0.113.9, 198.51.100.7, 10.0.0.2")], "198.51.100.7"),
        // All of them trusted: the outermost one.
        ("10.0.0.1", &[("x-forwarded-for", "10.0.0.3,10.0.0.2")], "10.0.0.3"),
        // What is no address ends the walk at the proxy that wrote it.
        ("10.0.0.1", &[("x-forwarded-for", "203.0.113.9, unknown")], "10.0.0.1"),
        ("10.0.0.1", &[("x-forwarded-for", "203.0.113.9, \"")], "10.0.0.1"),
        ("10.0.0.1", &[("x-forwarded-for", "203.0.113.9, ")], "10.0.0.1"),
        ("10.0.0.1", &[("x-forwarded-for", "203.0.113.9, x, 10.0.0.2")], "10.0.0.2"),
        // With ports, as some proxies write them.
        ("10.0.0.1", &[("x-forwarded-for", "198.51.100.7:4711")], "198.51.100.7"),
        ("10.0.0.1", &[("x-forwarded-for", "[2001:db8::7]:4711")], "2001:db8::7"),
        ("10.0.0.1", &[("x-forwarded-for", "2001:db8::7")], "2001:db8::7"),
        // The other family of headers is the client's own.
        ("10.0.0.1", &[("forwarded", "for=203.0.113.9"), ("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
    ] {
        assert_eq!(source(ProxyHeaders::XForwarded, peer, lines), expected, "{peer} {lines:?}");
    }
}

#[test]
fn the_standard_header_is_read_with_its_quotes() {
    for (peer, value, expected) in [
        ("198.51.100.7", "for=203.0.113.9;proto=https", "198.51.100.7"),
        ("10.0.0.1", "for=198.51.100.7", "198.51.100.7"),
        (
            "10.0.0.1",
            "For=\"198.51.100.7:80\" ; Proto=HTTPS;host=\"cloud.example:443\"",
            "198.51.100.7 https cloud.example:443",
        ),
        ("10.0.0.1", "for=\"[2001:db8::7]:80\"", "2001:db8::7"),
        ("10.0.0.1", "for=203.0.113.9, for=198.51.100.7;proto=https, for=10.0.0.2;proto=http", "198.51.100.7 https"),
        ("10.0.0.1", "for=\"203.0.113.9, for=10.0.0.2\", for=198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "for=\"a\\\", for=203.0.113.9\", for=198.51.100.7", "198.51.100.7"),
        // A quote that never ends swallows what the proxy appended: nothing is known then.
        ("10.0.0.1", "for=\"203.0.113.9, for=198.51.100.7", "10.0.0.1"),
        ("10.0.0.1", "for=203.0.113.9, for=_hidden", "10.0.0.1"),
        ("10.0.0.1", "for=203.0.113.9, proto=https", "10.0.0.1 https"),
        ("10.0.0.1", "by=10.0.0.1;for=198.51.100.7;host=evil\"/x", "198.51.100.7"),
    ] {
        assert_eq!(source(ProxyHeaders::Forwarded, peer, &[("forwarded", value)]), expected, "{value}");
    }
    let both = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=198.51.100.7")];
    assert_eq!(source(ProxyHeaders::Forwarded, "10.0.0.1", &both), "198.51.100.7");
}

#[test]
fn scheme_and_host_are_those_of_the_hop_that_the_client_made() {
    let told = |lines: &[(&str, &str)]| {
        let host = ("host", "inner:9696");
        let lines: Vec<_> = [host].into_iter().chain(lines.iter().copied()).collect();
        source(ProxyHeaders::XForwarded, "10.0.0.1", &lines)
    };
    let client = ("x-forwarded-for", "198.51.100.7");
    assert_eq!(told(&[client]), "198.51.100.7 inner:9696");
    assert_eq!(told(&[client, ("x-forwarded-proto", "https")]), "198.51.100.7 https inner:9696");
    assert_eq!(told(&[client, ("x-forwarded-proto", "gopher")]), "198.51.100.7 inner:9696");
    assert_eq!(told(&[client, ("x-forwarded-host", "cloud.example")]), "198.51.100.7 cloud.example");
    assert_eq!(told(&[client, ("x-forwarded-host", "evil/\"x")]), "198.51.100.7 inner:9696");
    let two = ("x-forwarded-for", "203.0.113.9, 198.51.100.7, 10.0.0.2");
    let protos = ("x-forwarded-proto", "gopher, https, http");
    assert_eq!(
        told(&[two, protos, ("x-forwarded-host", "evil, cloud.example, middle")]),
        "198.51.100.7 https cloud.example"
    );
    assert_eq!(told(&[two, ("x-forwarded-proto", "https")]), "198.51.100.7 https inner:9696");
}

#[test]
fn a_connection_with_tls_is_https_without_a_proxy() {
    let peer = Peer { address: "198.51.100.7".parse().unwrap(), tls: true };
    assert_eq!(TrustedProxies::default().source(peer, &HeaderMap::new()).scheme, "https");
    // A client cannot talk itself out of it.
    let lines = headers(&[("x-forwarded-proto", "http")]);
    assert_eq!(proxies(ProxyHeaders::XForwarded).source(peer, &lines).scheme, "https");
}
