//! Random packets, most of them about something that happened before.

use std::net::Ipv4Addr;

use logical::{Point, PortKind, SERVICE_MAC, SwitchId, Target};
use rand::Rng;
use types::MacAddr;

use super::{
    Conversation, Maker, Past,
    topology::{PORTS, Placed},
};
use crate::{
    frame::{ACK, Arp, Body, FIN, Frame, RST, SYN, Transport},
    packet_table::{
        mac,
        topology::{port_id, switch_id},
    },
};

/// Shortest frame that a kernel takes: its Ethernet header.
const SHORTEST: usize = 14;

impl Maker {
    /// A packet, and where it comes in; none where nobody could send one.
    pub(super) fn invent_packet(&mut self) -> Option<(Point, Vec<u8>)> {
        if let Some((point, frame)) = self.converse() {
            return self.can_send(point).then(|| (point, frame.bytes()));
        }
        let invented = match self.random.random_range(0..100) {
            0..30 => self.fresh_packet(),
            30..63 => self.reply(),
            63..81 => self.again(),
            81..90 => self.wire_packet(),
            90..97 => self.arp(),
            _ => self.service_packet(),
        };
        let (point, mut frame) = invented.or_else(|| self.fresh_packet()).or_else(|| self.wire_packet())?;
        if !self.can_send(point) {
            return None;
        }
        if self.chance(6) {
            frame = self.spoil(frame);
        }
        let mut octets = frame.bytes();
        if self.chance(3) {
            self.damage(&mut octets);
        }
        Some((point, octets))
    }

    /// The next packet of a conversation: a packet that came to something, its answer, and again, until the
    /// connection is established and whatever a datapath remembers of it is used.
    fn converse(&mut self) -> Option<(Point, Frame)> {
        if self.conversation.is_none() && self.chance(6) {
            let about = self.recent()?;
            let packets = self.random.random_range(3..10);
            self.conversation = Some(Conversation { about, packets });
        }
        let Conversation { about, packets } = self.conversation.take()?;
        let next = if packets % 2 == 0 {
            Some((about.point, about.sent.clone().flags(ACK)))
        } else {
            let (to, frame) = about.outputs.first()?.clone();
            self.answer(to, &frame).map(|(point, frame)| (point, frame.flags(ACK)))
        };
        if packets > 1 {
            self.conversation = Some(Conversation { about, packets: packets - 1 });
        }
        next
    }

    /// Servers whose port or device is gone send nothing any more.
    fn can_send(&self, point: Point) -> bool {
        match point {
            Point::Port(port) => self
                .plan
                .net
                .network
                .ports
                .get(&port)
                .is_some_and(|port| matches!(port.kind, PortKind::Guest { attachment: Some(_) })),
            Point::Wire(_) => true,
        }
    }

    /// Something that a server sends on its own.
    fn fresh_packet(&mut self) -> Option<(Point, Frame)> {
        let guests = self.plan.guests.clone();
        let from = self.pick(&guests)?;
        let mut to = self.invent_address();
        if to == self.plan.net.address(&from.name) {
            to = self.invent_address();
        }
        let by = self.first_hop(&from, to);
        let source = self.plan.net.address(&from.name);
        let transport = self.invent_transport();
        let mut frame = Frame::ip((mac(&from.name), by), (source, to), transport);
        if self.chance(30) {
            let octets = self.random.random_range(0..60);
            frame = frame.payload(octets);
        }
        if self.chance(5) {
            frame = frame.options(4);
        }
        if self.chance(8) {
            let ttl = self.random.random_range(0..6);
            frame = frame.ttl(ttl);
        }
        Some((Point::Port(port_id(&from.name)), frame))
    }

    /// The MAC that a server sends to: mostly its neighbour's, or else a router's of its switch.
    fn first_hop(&mut self, from: &Placed, to: Ipv4Addr) -> MacAddr {
        let is_neighbour = |g: &&Placed| g.switch == from.switch && g.name != from.name && g.address == to.to_string();
        let neighbour = self.plan.guests.iter().find(is_neighbour);
        if let Some(neighbour) = neighbour.cloned()
            && self.chance(85)
        {
            return mac(&neighbour.name);
        }
        let routers: Vec<MacAddr> =
            self.plan.interfaces.iter().filter(|i| i.switch == from.switch).map(|i| mac(&i.port())).collect();
        match self.random.random_range(0..40) {
            0 => MacAddr::BROADCAST,
            1 => mac("nobody"),
            2 => mac(&from.name),
            3 => {
                let guests: Vec<MacAddr> =
                    self.plan.guests.iter().filter(|g| g.switch == from.switch).map(|g| mac(&g.name)).collect();
                self.pick(&guests).unwrap_or(SERVICE_MAC)
            }
            _ => {
                let anybody = self.plan.guests.iter().find(|g| g.switch == from.switch && g.name != from.name);
                let anybody = anybody.map_or_else(|| mac("nobody"), |guest| mac(&guest.name));
                self.pick(&routers).unwrap_or(anybody)
            }
        }
    }

    fn invent_transport(&mut self) -> Transport {
        let (a, b) = (self.pick(&PORTS).unwrap_or(1), self.pick(&PORTS).unwrap_or(2));
        match self.random.random_range(0..20) {
            0..8 => Transport::Tcp(a, b, SYN),
            8 => Transport::Tcp(a, b, self.pick(&[ACK, FIN | ACK, RST, SYN | ACK, 0]).unwrap_or(ACK)),
            9..13 => Transport::Udp(a, b, self.chance(85)),
            13..17 => Transport::Icmp(if self.chance(85) { 8 } else { 0 }, 0, self.pick(&[1, 2, 40000]).unwrap_or(1)),
            17 => Transport::Icmp(self.pick(&[3, 5, 11, 13]).unwrap_or(3), self.pick(&[0, 3, 4]).unwrap_or(0), 0),
            18 => Transport::Sctp(a, b),
            _ => Transport::Other(self.pick(&[47, 50, 2]).unwrap_or(47)),
        }
    }

    /// The answer to something that went out.
    fn reply(&mut self) -> Option<(Point, Frame)> {
        let past = self.recent()?;
        let (to, frame) = self.pick(&past.outputs)?;
        let (point, mut reply) = self.answer(to, &frame)?;
        if self.chance(25) {
            let flags = self.pick(&[ACK, FIN | ACK, RST, SYN | ACK]).unwrap_or(ACK);
            reply = reply.flags(flags);
        }
        Some((point, reply))
    }

    /// What the receiver of a packet answers, and where that comes in.
    fn answer(&mut self, to: Target, frame: &Frame) -> Option<(Point, Frame)> {
        let mut reply = frame.clone().reply();
        let point = match to {
            Target::Port(port) => Point::Port(port),
            Target::Wire { switch, .. } => {
                let by = self.router_on(switch, reply.as_ip().map(|ip| ip.destination))?;
                reply = reply.macs(mac("neighbour"), by);
                Point::Wire(switch)
            }
            Target::Services { .. } | Target::Back => return None,
        };
        Some((point, reply))
    }

    /// An earlier packet once more, or one of the same connection, or of the same kind from another.
    fn again(&mut self) -> Option<(Point, Frame)> {
        let past = self.recent()?;
        let mut frame = past.sent.clone();
        match self.random.random_range(0..10) {
            0..5 => {
                let flags = self.pick(&[ACK, ACK, FIN | ACK, RST, SYN]).unwrap_or(ACK);
                frame = frame.flags(flags);
            }
            5 => {
                let port = self.pick(&PORTS).unwrap_or(1);
                frame = frame.source_port(port);
            }
            6 => {
                let to = self.invent_address();
                frame = frame.destination(&to.to_string());
            }
            7 => return self.same_from_another(frame),
            8 => {
                let octets = self.random.random_range(0..200);
                frame = frame.payload(octets);
            }
            _ => {}
        }
        Some((past.point, frame))
    }

    /// Ports and destination of a packet, from another server: that is where translated ports collide.
    fn same_from_another(&mut self, frame: Frame) -> Option<(Point, Frame)> {
        let guests = self.plan.guests.clone();
        let from = self.pick(&guests)?;
        let ip = frame.as_ip()?.clone();
        let by = self.first_hop(&from, ip.destination);
        let frame = frame.source(&from.address).macs(mac(&from.name), by);
        Some((Point::Port(port_id(&from.name)), frame))
    }

    fn recent(&mut self) -> Option<Past> {
        // Mostly what came to something, and lately.
        let fruitful = self.chance(90);
        let candidates: Vec<Past> =
            self.past.iter().filter(|past| !fruitful || !past.outputs.is_empty()).cloned().collect();
        let from = if self.chance(70) { candidates.len().saturating_sub(5) } else { 0 };
        self.pick(&candidates[from..])
    }

    fn wire_packet(&mut self) -> Option<(Point, Frame)> {
        let wires: Vec<String> =
            self.plan.switches.iter().filter(|segment| segment.external).map(|s| s.name.clone()).collect();
        let wire = self.pick(&wires)?;
        let switch = switch_id(&wire);
        let to = self.invent_address();
        let by = if self.chance(93) { self.router_on(switch, Some(to))? } else { mac("somebody") };
        let source: Ipv4Addr = if self.chance(80) { Ipv4Addr::new(203, 0, 113, 9) } else { self.invent_address() };
        let transport = self.invent_transport();
        Some((Point::Wire(switch), Frame::ip((mac("neighbour"), by), (source, to), transport)))
    }

    /// The MAC of the router that answers for an address on a switch, or of any router there.
    fn router_on(&mut self, switch: SwitchId, address: Option<Ipv4Addr>) -> Option<MacAddr> {
        let network = &self.plan.net.network;
        if let Some(row) = address.and_then(|address| network.floating_ips.get(&(switch, address))) {
            return Some(row.mac);
        }
        let routers: Vec<(MacAddr, bool)> = network
            .ports
            .values()
            .filter(|port| port.switch == switch && matches!(port.kind, PortKind::Router { .. }))
            .map(|port| (port.mac, port.addresses.iter().any(|own| Some(own.address) == address.map(Into::into))))
            .collect();
        let owner = routers.iter().find(|(_, owns)| *owns).map(|(mac, _)| *mac);
        owner.or_else(|| self.pick(&routers).map(|(mac, _)| mac))
    }

    fn arp(&mut self) -> Option<(Point, Frame)> {
        let wires: Vec<String> =
            self.plan.switches.iter().filter(|segment| segment.external).map(|s| s.name.clone()).collect();
        let wanted = self.invent_address();
        if self.chance(20)
            && let Some(wire) = self.pick(&wires)
        {
            let neighbour = (mac("neighbour"), Ipv4Addr::new(198, 51, 100, 1));
            return Some((Point::Wire(switch_id(&wire)), Frame::arp_request(neighbour, wanted)));
        }
        let guests = self.plan.guests.clone();
        let from = self.pick(&guests)?;
        let own = (mac(&from.name), self.plan.net.address(&from.name));
        let frame = match self.random.random_range(0..10) {
            0..5 => Frame::arp_request(own, wanted),
            5 => Frame::arp_request((own.0, Ipv4Addr::UNSPECIFIED), wanted),
            6 => Frame::arp_request(own, own.1),
            7 => Frame::arp_request((own.0, wanted), wanted),
            8 => Frame::arp_reply(own, (MacAddr::BROADCAST, own.1)),
            _ => {
                let to = self.first_hop(&from, wanted);
                Frame::arp_reply(own, (to, wanted))
            }
        };
        Some((Point::Port(port_id(&from.name)), frame))
    }

    fn service_packet(&mut self) -> Option<(Point, Frame)> {
        let guests = self.plan.guests.clone();
        let from = self.pick(&guests)?;
        let point = Point::Port(port_id(&from.name));
        if self.chance(40) {
            let nobody = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
            let discover = Transport::Udp(68, 67, true);
            return Some((point, Frame::ip((mac(&from.name), MacAddr::BROADCAST), nobody, discover)));
        }
        let transport = if self.chance(50) { Transport::Tcp(40000, 80, SYN) } else { self.invent_transport() };
        let addresses = (self.plan.net.address(&from.name), logical::SERVICE_ADDRESS);
        Some((point, Frame::ip((mac(&from.name), SERVICE_MAC), addresses, transport)))
    }

    /// Breaks a rule on purpose.
    fn spoil(&mut self, mut frame: Frame) -> Frame {
        match self.random.random_range(0..9) {
            0 => frame.source_mac(mac("spoofed")),
            1 => {
                let source = self.invent_address();
                frame.source(&source.to_string())
            }
            2 => frame.vlan(5),
            3 => {
                let fragment = self.pick(&[0x2000, 0x0001, 0x4000, 0x3fff]).unwrap_or(0x2000);
                frame.fragment(fragment)
            }
            4 => frame.ttl(1),
            5 => frame.payload(1400),
            6 => frame.padding(9),
            7 => {
                if let Body::Arp(Arp { sender, .. }) = &mut frame.body {
                    sender.1 = Ipv4Addr::new(10, 0, 0, 250);
                }
                frame.destination_mac(mac("nobody"))
            }
            _ => {
                let ethertype = self.pick(&[0x86dd, 0x88cc, 0x0026]).unwrap_or(0x86dd);
                Frame::raw((frame.source_mac, frame.destination_mac), ethertype, vec![0x60; 46])
            }
        }
    }

    /// Cuts octets off, or changes one.
    fn damage(&mut self, octets: &mut Vec<u8>) {
        if self.chance(50) {
            let length = self.random.random_range(SHORTEST..=octets.len());
            octets.truncate(length);
        } else {
            let at = self.random.random_range(0..octets.len());
            octets[at] = self.random.random();
        }
    }
}
