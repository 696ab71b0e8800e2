//! The cases, by the stages and paragraphs of the pipeline's text.

mod admission;
mod arp;
mod connection;
mod connection_validity;
mod group;
mod nat;
mod nat_paths;
mod port_security;
mod router;
mod switch;

use super::{Case, Topology};

/// All cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let tables = [
        admission::cases(),
        port_security::cases(),
        arp::cases(),
        switch::cases(),
        group::cases(),
        router::cases(),
        nat::cases(),
        nat_paths::cases(),
        connection::cases(),
        connection_validity::cases(),
    ];
    tables.into_iter().flatten().collect()
}

/// Two servers on a switch that may do anything: a has 10.0.0.5, b has 10.0.0.6.
fn two_guests() -> Topology {
    let mut net = Topology::new();
    net.switch("blue").open_guests(&[("a", "blue", "10.0.0.5/24"), ("b", "blue", "10.0.0.6/24")]);
    net
}

/// Router r between blue (a and b, as above), green (c has 10.0.1.5) and the external switch ext, where
/// r has 198.51.100.10 and source NAT. Its addresses inside end in .1.
fn routed() -> Topology {
    let mut net = two_guests();
    net.switch("green").open_guests(&[("c", "green", "10.0.1.5/24")]);
    net.external("ext").router("r").interface("r", "blue", "10.0.0.1/24").interface("r", "green", "10.0.1.1/24");
    net.gateway("r", "ext", "198.51.100.10/24", true);
    net
}

/// The same, with floating IP 198.51.100.20 for a.
fn with_floating_ip() -> Topology {
    let mut net = routed();
    net.floating_ip("ext", "198.51.100.20", "r", "10.0.0.5");
    net
}

/// Somebody on the wire, by address: the Ethernet addresses are those of a neighbour and of r's gateway.
fn from_wire(
    net: &Topology,
    source: &str,
    destination: &str,
    transport: crate::frame::Transport,
) -> crate::frame::Frame {
    net.packet("a", "r/ext", destination, transport).source(source).source_mac(super::mac("neighbour"))
}
