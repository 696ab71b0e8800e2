//! "Why can A not reach B": the packet that a server would send, taken through the pipeline.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use etherparse::PacketBuilder;
use types::{Cidr, MacAddr, Protocol};

use super::{
    Input, Step, Trace, Verdict,
    arp::{has_address, has_device},
    name, trace,
};
use crate::{
    DropReason, FlowState, LogicalNetwork, Point, Port, PortId, PortKind, SERVICE_ADDRESS, SERVICE_MAC, Stage, SwitchId,
};

/// What a client would be given when it asks for any port (RFC 6335: the dynamic ports).
const EPHEMERAL_PORT: u16 = 49152;

/// A packet that a server might send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExplainRequest {
    /// The port that the server is behind.
    pub from: PortId,
    /// The destination.
    pub to: Ipv4Addr,
    /// The protocol. ICMP is a ping, TCP the opening of a connection.
    pub protocol: Protocol,
    /// Source port; `None`: one that a client would be given.
    pub source_port: Option<u16>,
    /// Destination port, of protocols that have ports; `None`: 0.
    pub destination_port: Option<u16>,
}

/// A request that no packet can be made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExplainError {
    /// The network has no such port.
    #[error("port {0} is not in the datapath's network")]
    UnknownPort(PortId),
    /// No server can be behind the port.
    #[error("port {0} belongs to a router or a service: only the ports of servers send packets of their own")]
    NotAGuest(PortId),
    /// A server behind the port would have no source address.
    #[error("port {0} has no IPv4 address")]
    NoAddress(PortId),
}

/// How the server reaches the destination.
enum FirstHop {
    /// By this Ethernet address.
    Mac(MacAddr),
    /// It cannot even send the packet.
    Unreachable(DropReason),
}

/// Makes the packet that the server would send, and traces it as the first one of a connection.
pub fn explain(network: &LogicalNetwork, request: &ExplainRequest) -> Result<Trace, ExplainError> {
    let port = network.ports.get(&request.from).ok_or(ExplainError::UnknownPort(request.from))?;
    if !matches!(port.kind, PortKind::Guest { .. }) {
        return Err(ExplainError::NotAGuest(port.id));
    }
    let source = own_address(port).ok_or(ExplainError::NoAddress(port.id))?;
    let mut steps = Vec::new();
    if !has_device(port) {
        let text = format!("{} has no device yet; this is what a server behind it would meet", name(&port.origin));
        steps.push(Step { stage: Stage::Admission, subject: Some(port.origin.clone()), text });
    }
    let mac = match first_hop(network, port, request.to, &mut steps) {
        FirstHop::Mac(mac) => mac,
        FirstHop::Unreachable(reason) => {
            return Ok(Trace { steps, outputs: Vec::new(), verdict: Verdict::Dropped(reason) });
        }
    };
    let frame = first_frame(port.mac, mac, source, request);
    let input = Input { point: Point::Port(port.id), frame: &frame };
    let mut followed = trace(network, &mut FlowState::default(), Duration::ZERO, input);
    steps.append(&mut followed.steps);
    Ok(Trace { steps, ..followed })
}

/// The address that DHCP gives to the server, or else the port's first.
fn own_address(port: &Port) -> Option<Ipv4Addr> {
    let leased = port.services.as_ref().and_then(|services| Some(services.dhcp4.as_ref()?.address));
    leased.or_else(|| ipv4_addresses(port).next().map(|(address, _)| address))
}

fn ipv4_addresses(port: &Port) -> impl Iterator<Item = (Ipv4Addr, Cidr)> + '_ {
    port.addresses.iter().filter_map(|own| match own.address {
        IpAddr::V4(address) => Some((address, Cidr::new(own.address, own.prefix_len)?)),
        IpAddr::V6(_) => None,
    })
}

/// What the server's own routing table and its ARP requests would come to.
fn first_hop(network: &LogicalNetwork, port: &Port, to: Ipv4Addr, steps: &mut Vec<Step>) -> FirstHop {
    let mut step = |stage, text: String| steps.push(Step { stage, subject: Some(port.origin.clone()), text });
    if to == SERVICE_ADDRESS {
        step(Stage::Arp, format!("the server reaches {to} directly: {SERVICE_MAC}"));
        return FirstHop::Mac(SERVICE_MAC);
    }
    let Some((next_hop, how)) = server_route(network, port, to) else {
        step(
            Stage::Admission,
            format!("the server has no route to {to}: DHCP names no router, and no host route fits"),
        );
        return FirstHop::Unreachable(DropReason::NoRoute);
    };
    match resolve(network, port.switch, next_hop) {
        Some((mac, whose)) => {
            step(Stage::Arp, format!("the server sends to {next_hop} ({how}): {mac}, {whose}"));
            FirstHop::Mac(mac)
        }
        None => {
            let text = format!("the server asks for {next_hop} ({how}), and the switch knows nobody with that address");
            step(Stage::Arp, text);
            FirstHop::Unreachable(DropReason::NoNeighbour)
        }
    }
}

/// Next hop of the server's route to an address, and why that one.
fn server_route(network: &LogicalNetwork, port: &Port, to: Ipv4Addr) -> Option<(Ipv4Addr, String)> {
    let dhcp = port.services.as_ref().and_then(|services| services.dhcp4.as_ref());
    let connected = ipv4_addresses(port).map(|(_, cidr)| (cidr, None));
    let handed_out =
        dhcp.into_iter().flat_map(|dhcp| &dhcp.routes).map(|route| (route.destination, Some(route.next_hop)));
    let best = connected
        .chain(handed_out)
        .filter(|(cidr, _)| cidr.contains(IpAddr::V4(to)))
        .max_by_key(|(cidr, next_hop)| (cidr.prefix_len(), next_hop.is_none()));
    match best {
        Some((cidr, None)) => return Some((to, format!("on its own subnet {cidr}"))),
        Some((cidr, Some(next_hop))) => return Some((next_hop, format!("host route to {cidr}"))),
        None => {}
    }
    match dhcp {
        Some(dhcp) => dhcp.router.map(|router| (router, "its default router".to_owned())),
        None => only_router(network, port)
            .map(|router| (router, "the only router of its subnet; DHCP is off, so this is a guess".to_owned())),
    }
}

/// The one router address within the port's subnets, for servers that were configured by hand.
fn only_router(network: &LogicalNetwork, port: &Port) -> Option<Ipv4Addr> {
    let mut routers = network
        .ports
        .values()
        .filter(|other| other.switch == port.switch && matches!(other.kind, PortKind::Router { .. }))
        .flat_map(|other| ipv4_addresses(other))
        .map(|(address, _)| address)
        .filter(|address| ipv4_addresses(port).any(|(_, cidr)| cidr.contains(IpAddr::V4(*address))));
    let first = routers.next()?;
    routers.next().is_none().then_some(first)
}

/// Who answers for an address on the switch, and in whose name.
fn resolve(network: &LogicalNetwork, switch: SwitchId, address: Ipv4Addr) -> Option<(MacAddr, String)> {
    if let Some(port) = network.ports.values().find(|port| port.switch == switch && has_address(port, address)) {
        return Some((port.mac, name(&port.origin)));
    }
    if let Some(row) = network.floating_ips.get(&(switch, address)) {
        return Some((row.mac, name(&row.origin)));
    }
    // An address that a server may use beside its own, such as one that two of them share.
    let may_use = |port: &&std::sync::Arc<Port>| {
        port.switch == switch
            && port.security.as_ref().is_some_and(|security| {
                security.pairs.iter().any(|pair| pair.mac == port.mac && pair.ip.contains(IpAddr::V4(address)))
            })
    };
    let mut holders = network.ports.values().filter(may_use);
    let holder = holders.next()?;
    let whose = format!("{}, if its server uses that address (allowed address pair)", name(&holder.origin));
    holders.next().is_none().then_some((holder.mac, whose))
}

/// The frame, with right checksums and without payload.
fn first_frame(source_mac: MacAddr, mac: MacAddr, source: Ipv4Addr, request: &ExplainRequest) -> Vec<u8> {
    let (from, to) = (request.source_port.unwrap_or(EPHEMERAL_PORT), request.destination_port.unwrap_or(0));
    let ip = PacketBuilder::ethernet2(source_mac.0, mac.0).ipv4(source.octets(), request.to.octets(), 64);
    let mut frame = Vec::new();
    // Writing a packet without payload into memory cannot fail; were it to, the pipeline would say `malformed`.
    let _ = match request.protocol {
        Protocol::TCP => ip.tcp(from, to, 0, u16::MAX).syn().write(&mut frame, &[]),
        Protocol::UDP => ip.udp(from, to).write(&mut frame, &[]),
        Protocol::ICMP => ip.icmpv4_echo_request(from, 1).write(&mut frame, &[]),
        Protocol::SCTP => {
            let [a, b] = from.to_be_bytes();
            let [c, d] = to.to_be_bytes();
            let common_header = [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0];
            ip.write(&mut frame, etherparse::IpNumber(request.protocol.0), &common_header)
        }
        Protocol(number) => ip.write(&mut frame, etherparse::IpNumber(number), &[]),
    };
    frame
}
