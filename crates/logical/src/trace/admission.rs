//! Stages 1, 2 and 4: admission, port security, services.

use std::net::{IpAddr, Ipv4Addr};

use types::Protocol;

use super::{End, Target, Verdict, Walk, name};
use crate::{
    DropReason, Point, Port, PortKind, PortSecurity, SERVICE_ADDRESS, Stage,
    frame::{Arp, Ethernet, Frame, IcmpMessage, Packet},
};

const DHCP_SERVER_PORT: u16 = 67;
const DHCP_CLIENT_PORT: u16 = 68;
const METADATA_PORT: u16 = 80;

impl Walk<'_> {
    /// [`Stage::Admission`].
    pub(super) fn admit(&mut self) -> Result<Frame, End> {
        let ethernet = Ethernet::read(self.input.frame);
        if let Point::Wire(switch) = self.input.point {
            self.admit_from_wire(switch, ethernet)?;
        }
        let Some(ethernet) = ethernet else {
            return self.drop(Stage::Admission, None, DropReason::Malformed, "the Ethernet header is cut short");
        };
        if ethernet.has_vlan_tag() {
            return self.drop(Stage::Admission, None, DropReason::VlanTag, "the frame has a VLAN tag");
        }
        if let Point::Port(id) = self.input.point {
            let Some(port) = self.guest(id) else {
                let why = format!("port {id} is not a guest port of the network");
                return self.drop(Stage::Admission, None, DropReason::Internal, why);
            };
            if !port.enabled {
                let why = format!("{} is administratively down", name(&port.origin));
                return self.drop(Stage::Admission, Some(&port.origin), DropReason::PortDisabled, why);
            }
        }
        match Frame::read(ethernet, self.input.frame) {
            Ok(frame) => {
                let text = match &frame {
                    Frame::Arp(arp) => format!("ARP {:?} for {} from {}", arp.operation, arp.target, arp.sender),
                    Frame::Ipv4(packet) => describe(packet),
                };
                self.step(Stage::Admission, None, text);
                Ok(frame)
            }
            Err(reason) => {
                let why = match reason {
                    DropReason::Fragment => "the packet is a fragment",
                    DropReason::Ipv6Unsupported => "IPv6 is not forwarded yet",
                    DropReason::Ethertype => "the frame is neither ARP nor IP",
                    _ => "a header is cut short or lies about its length",
                };
                self.drop(Stage::Admission, None, reason, why)
            }
        }
    }

    /// From a wire, only what is sent to a router's MAC, and questions for addresses of ours, are for us.
    fn admit_from_wire(&mut self, switch: crate::SwitchId, ethernet: Option<Ethernet>) -> Result<(), End> {
        let ours = match ethernet {
            Some(ethernet) if ethernet.is_arp() => {
                Arp::read(self.input.frame).is_some_and(|arp| self.wire_answer(switch, &arp).is_some())
            }
            Some(ethernet) => self
                .port_by_mac(switch, ethernet.destination)
                .is_some_and(|port| matches!(port.kind, PortKind::Router { .. })),
            None => false,
        };
        if ours {
            return Ok(());
        }
        self.step(Stage::Admission, None, "from the wire, and neither for a router's MAC nor for an address of ours");
        Err(End { verdict: Verdict::Foreign, outputs: Vec::new() })
    }

    /// [`Stage::PortSecurity`].
    pub(super) fn check_sender(&mut self, frame: &Frame) -> Result<(), End> {
        let Some(port) = self.input_port() else { return Ok(()) };
        let Some(security) = &port.security else {
            self.step(Stage::PortSecurity, Some(&port.origin), format!("{} has none", name(&port.origin)));
            return Ok(());
        };
        let refusal = match frame {
            Frame::Arp(arp) => spoofs_arp(security, arp),
            Frame::Ipv4(packet) => spoofs_ip(security, packet),
        };
        match refusal {
            None => {
                let text = format!("the addresses are those of {}", name(&port.origin));
                self.step(Stage::PortSecurity, Some(&port.origin), text);
                Ok(())
            }
            Some((reason, why)) => self.drop(Stage::PortSecurity, Some(&port.origin), reason, why),
        }
    }

    /// [`Stage::Services`].
    pub(super) fn serve(&mut self, packet: &Packet) -> Result<(), End> {
        let Some(port) = self.input_port() else { return Ok(()) };
        let tuple = packet.tuple();
        let is_service_address = tuple.destination == SERVICE_ADDRESS;
        let is_dhcp = tuple.protocol == Protocol::UDP && tuple.destination_port == DHCP_SERVER_PORT;
        if is_dhcp && (is_service_address || tuple.destination == Ipv4Addr::BROADCAST) {
            if port.services.as_ref().is_none_or(|services| services.dhcp4.is_none()) {
                let why = format!("DHCP is off for {}", name(&port.origin));
                return self.drop(Stage::Services, Some(&port.origin), DropReason::DhcpDisabled, why);
            }
            return self.hand_to_services(&port, "a DHCP request");
        }
        if !is_service_address {
            return Ok(());
        }
        if tuple.protocol == Protocol::TCP && tuple.destination_port == METADATA_PORT {
            return self.hand_to_services(&port, "a request for metadata");
        }
        if packet.icmp().is_some_and(IcmpMessage::is_echo_request) {
            return self.hand_to_services(&port, "a ping of the services");
        }
        self.drop(Stage::Services, None, DropReason::NoSuchService, "nothing answers that at the services' address")
    }

    fn hand_to_services(&mut self, port: &Port, what: &str) -> Result<(), End> {
        self.step(Stage::Services, Some(&port.origin), format!("{what}: handed to the host services"));
        let to = Target::Services { from: port.id };
        Err(End::single(Verdict::ToServices, to, self.input.frame.to_vec()))
    }
}

/// Why port security refuses an ARP packet, if it does.
fn spoofs_arp(security: &PortSecurity, arp: &Arp) -> Option<(DropReason, String)> {
    if !has_mac(security, arp.ethernet_source) {
        return Some((DropReason::SpoofedMac, format!("{} is not a MAC of the port", arp.ethernet_source)));
    }
    if arp.sender_mac != arp.ethernet_source {
        let why = format!("the ARP sender {} is not the frame's sender {}", arp.sender_mac, arp.ethernet_source);
        return Some((DropReason::SpoofedArp, why));
    }
    // A probe: the sender asks for an address that it does not use yet (RFC 5227).
    if arp.sender.is_unspecified() || has_pair(security, arp.sender_mac, arp.sender) {
        return None;
    }
    Some((DropReason::SpoofedArp, format!("the port may not claim {} with {}", arp.sender, arp.sender_mac)))
}

/// Why port security refuses an IPv4 packet, if it does.
fn spoofs_ip(security: &PortSecurity, packet: &Packet) -> Option<(DropReason, String)> {
    let mac = packet.ethernet_source();
    if !has_mac(security, mac) {
        return Some((DropReason::SpoofedMac, format!("{mac} is not a MAC of the port")));
    }
    let tuple = packet.tuple();
    let is_dhcp = |source_port, destination_port| {
        tuple.protocol == Protocol::UDP
            && tuple.source_port == source_port
            && tuple.destination_port == destination_port
    };
    let is_dhcp_request = tuple.source.is_unspecified() && is_dhcp(DHCP_CLIENT_PORT, DHCP_SERVER_PORT);
    if !is_dhcp_request && !has_pair(security, mac, tuple.source) {
        return Some((DropReason::SpoofedIp, format!("the port may not use {} with {mac}", tuple.source)));
    }
    if is_dhcp(DHCP_SERVER_PORT, DHCP_CLIENT_PORT) {
        return Some((DropReason::DhcpServer, "servers may not answer DHCP".to_owned()));
    }
    None
}

fn has_mac(security: &PortSecurity, mac: types::MacAddr) -> bool {
    security.pairs.iter().any(|pair| pair.mac == mac)
}

fn has_pair(security: &PortSecurity, mac: types::MacAddr, ip: Ipv4Addr) -> bool {
    security.pairs.iter().any(|pair| pair.mac == mac && pair.ip.contains(IpAddr::V4(ip)))
}

/// The packet in a few words.
fn describe(packet: &Packet) -> String {
    let tuple = packet.tuple();
    let Some(icmp) = packet.icmp() else {
        return if tuple.protocol.has_ports() {
            let (from, to) = (tuple.source_port, tuple.destination_port);
            format!("{} {}:{from} to {}:{to}", tuple.protocol, tuple.source, tuple.destination)
        } else {
            format!("{} {} to {}", tuple.protocol, tuple.source, tuple.destination)
        };
    };
    format!("icmp type {} code {} {} to {}", icmp.kind, icmp.code, tuple.source, tuple.destination)
}
