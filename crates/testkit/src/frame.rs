//! Frames, written down by what they mean.
//!
//! A [`Frame`] is a description; [`Frame::bytes`] makes the octets, with right checksums. What a datapath is
//! expected to send is written as the packet that came in with changes, so checksums are worked out anew
//! there, and not by the arithmetic that is under test.

use std::net::Ipv4Addr;

use types::{MacAddr, Protocol};

/// TCP flag FIN.
pub const FIN: u8 = 0x01;
/// TCP flag SYN.
pub const SYN: u8 = 0x02;
/// TCP flag RST.
pub const RST: u8 = 0x04;
/// TCP flag ACK.
pub const ACK: u8 = 0x10;

/// ICMP type of an echo reply.
pub const ECHO_REPLY: u8 = 0;
/// ICMP type of an echo request.
pub const ECHO_REQUEST: u8 = 8;

/// An Ethernet frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Ethernet source.
    pub source_mac: MacAddr,
    /// Ethernet destination.
    pub destination_mac: MacAddr,
    /// Identifier of an 802.1Q tag, if it has one.
    pub vlan: Option<u16>,
    /// What it carries.
    pub body: Body,
    /// Zero octets behind the packet.
    pub padding: usize,
}

/// What a frame carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// ARP.
    Arp(Arp),
    /// IPv4.
    Ip(Ip),
    /// Anything: its EtherType and octets.
    Raw(u16, Vec<u8>),
}

/// ARP for IPv4 over Ethernet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arp {
    /// 1 asks, 2 answers.
    pub operation: u16,
    /// Who says so, and its address.
    pub sender: (MacAddr, Ipv4Addr),
    /// Who is asked or told, and the address in question.
    pub target: (MacAddr, Ipv4Addr),
}

/// An IPv4 packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ip {
    /// Source.
    pub source: Ipv4Addr,
    /// Destination.
    pub destination: Ipv4Addr,
    /// Time to live.
    pub ttl: u8,
    /// Octets of options (no operation), a multiple of four.
    pub options: usize,
    /// Flags and offset of fragments.
    pub fragment: u16,
    /// The transport header.
    pub transport: Transport,
    /// Octets of payload.
    pub payload: usize,
}

/// A transport header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// TCP: ports and flags.
    Tcp(u16, u16, u8),
    /// UDP: ports, and whether it has a checksum.
    Udp(u16, u16, bool),
    /// ICMP: type, code, identifier.
    Icmp(u8, u8, u16),
    /// SCTP: ports.
    Sctp(u16, u16),
    /// Another protocol, without a header that anybody reads.
    Other(u8),
}

impl Frame {
    /// An IPv4 packet without payload, TTL 64.
    #[must_use]
    pub fn ip(macs: (MacAddr, MacAddr), addresses: (Ipv4Addr, Ipv4Addr), transport: Transport) -> Self {
        let ip = Ip {
            source: addresses.0,
            destination: addresses.1,
            ttl: 64,
            options: 0,
            fragment: 0,
            transport,
            payload: 0,
        };
        Self { source_mac: macs.0, destination_mac: macs.1, vlan: None, body: Body::Ip(ip), padding: 0 }
    }

    /// An ARP request to everybody.
    #[must_use]
    pub fn arp_request(sender: (MacAddr, Ipv4Addr), wanted: Ipv4Addr) -> Self {
        let arp = Arp { operation: 1, sender, target: (MacAddr([0; 6]), wanted) };
        Self { source_mac: sender.0, destination_mac: MacAddr::BROADCAST, vlan: None, body: Body::Arp(arp), padding: 0 }
    }

    /// An ARP reply to one machine.
    #[must_use]
    pub fn arp_reply(sender: (MacAddr, Ipv4Addr), target: (MacAddr, Ipv4Addr)) -> Self {
        let arp = Arp { operation: 2, sender, target };
        Self { source_mac: sender.0, destination_mac: target.0, vlan: None, body: Body::Arp(arp), padding: 0 }
    }

    /// A frame with that EtherType and those octets behind it.
    #[must_use]
    pub fn raw(macs: (MacAddr, MacAddr), ethertype: u16, octets: Vec<u8>) -> Self {
        let body = Body::Raw(ethertype, octets);
        Self { source_mac: macs.0, destination_mac: macs.1, vlan: None, body, padding: 0 }
    }

    /// Other Ethernet addresses.
    #[must_use]
    pub fn macs(mut self, source: MacAddr, destination: MacAddr) -> Self {
        (self.source_mac, self.destination_mac) = (source, destination);
        self
    }

    /// Another Ethernet source.
    #[must_use]
    pub fn source_mac(mut self, mac: MacAddr) -> Self {
        self.source_mac = mac;
        self
    }

    /// Another Ethernet destination.
    #[must_use]
    pub fn destination_mac(mut self, mac: MacAddr) -> Self {
        self.destination_mac = mac;
        self
    }

    /// Another IP source.
    #[must_use]
    pub fn source(self, address: &str) -> Self {
        let address = parse(address);
        self.with_ip(|ip| ip.source = address)
    }

    /// Another IP destination.
    #[must_use]
    pub fn destination(self, address: &str) -> Self {
        let address = parse(address);
        self.with_ip(|ip| ip.destination = address)
    }

    /// Another TTL.
    #[must_use]
    pub fn ttl(self, ttl: u8) -> Self {
        self.with_ip(|ip| ip.ttl = ttl)
    }

    /// Other TCP flags.
    #[must_use]
    pub fn flags(self, flags: u8) -> Self {
        self.with_ip(|ip| {
            if let Transport::Tcp(_, _, old) = &mut ip.transport {
                *old = flags;
            }
        })
    }

    /// Another source port, or identifier.
    #[must_use]
    pub fn source_port(self, port: u16) -> Self {
        self.with_ip(|ip| match &mut ip.transport {
            Transport::Tcp(source, ..) | Transport::Udp(source, ..) | Transport::Sctp(source, _) => *source = port,
            Transport::Icmp(_, _, identifier) => *identifier = port,
            Transport::Other(_) => {}
        })
    }

    /// Another destination port, or identifier.
    #[must_use]
    pub fn destination_port(self, port: u16) -> Self {
        self.with_ip(|ip| match &mut ip.transport {
            Transport::Tcp(_, destination, _) | Transport::Udp(_, destination, _) | Transport::Sctp(_, destination) => {
                *destination = port
            }
            Transport::Icmp(_, _, identifier) => *identifier = port,
            Transport::Other(_) => {}
        })
    }

    /// Another transport header.
    #[must_use]
    pub fn transport(self, transport: Transport) -> Self {
        self.with_ip(|ip| ip.transport = transport)
    }

    /// So many octets of payload.
    #[must_use]
    pub fn payload(self, octets: usize) -> Self {
        self.with_ip(|ip| ip.payload = octets)
    }

    /// So many octets of IP options.
    #[must_use]
    pub fn options(self, octets: usize) -> Self {
        self.with_ip(|ip| ip.options = octets)
    }

    /// Flags and offset of fragments.
    #[must_use]
    pub fn fragment(self, flags_and_offset: u16) -> Self {
        self.with_ip(|ip| ip.fragment = flags_and_offset)
    }

    /// A VLAN tag.
    #[must_use]
    pub fn vlan(mut self, identifier: u16) -> Self {
        self.vlan = Some(identifier);
        self
    }

    /// So many octets of padding.
    #[must_use]
    pub fn padding(mut self, octets: usize) -> Self {
        self.padding = octets;
        self
    }

    /// The packet after a router: other Ethernet addresses, TTL one less.
    #[must_use]
    pub fn routed(self, source: MacAddr, destination: MacAddr) -> Self {
        self.macs(source, destination).with_ip(|ip| ip.ttl -= 1)
    }

    /// What the receiver answers: all addresses and ports swapped, TTL 64; TCP acknowledges, and an echo
    /// request becomes a reply.
    #[must_use]
    pub fn reply(self) -> Self {
        let (source, destination) = (self.source_mac, self.destination_mac);
        self.macs(destination, source).with_ip(|ip| {
            std::mem::swap(&mut ip.source, &mut ip.destination);
            ip.ttl = 64;
            match &mut ip.transport {
                Transport::Tcp(from, to, flags) => {
                    std::mem::swap(from, to);
                    *flags |= ACK;
                }
                Transport::Udp(from, to, _) | Transport::Sctp(from, to) => std::mem::swap(from, to),
                Transport::Icmp(kind @ ECHO_REQUEST, ..) => *kind = ECHO_REPLY,
                Transport::Icmp(..) | Transport::Other(_) => {}
            }
        })
    }

    /// The IP packet, if it is one.
    #[must_use]
    pub fn as_ip(&self) -> Option<&Ip> {
        match &self.body {
            Body::Ip(ip) => Some(ip),
            _ => None,
        }
    }

    fn with_ip(mut self, change: impl FnOnce(&mut Ip)) -> Self {
        if let Body::Ip(ip) = &mut self.body {
            change(ip);
        }
        self
    }

    /// The description of an IPv4 frame whose headers are whole; its payload is only counted.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let sliced = etherparse::SlicedPacket::from_ethernet(bytes).ok()?;
        let Some(etherparse::LinkSlice::Ethernet2(ethernet)) = sliced.link else { return None };
        let Some(etherparse::NetSlice::Ipv4(ip)) = sliced.net else { return None };
        let header = ip.header();
        let rest = ip.payload().payload;
        let port = |at: usize| Some(u16::from_be_bytes([*rest.get(at)?, *rest.get(at + 1)?]));
        let (transport, length) = match header.protocol().0 {
            1 => (Transport::Icmp(*rest.first()?, *rest.get(1)?, port(4)?), 8),
            6 => (Transport::Tcp(port(0)?, port(2)?, *rest.get(13)?), 20),
            17 => (Transport::Udp(port(0)?, port(2)?, port(6)? != 0), 8),
            132 => (Transport::Sctp(port(0)?, port(2)?), 12),
            number => (Transport::Other(number), 0),
        };
        let ip = Ip {
            source: header.source_addr(),
            destination: header.destination_addr(),
            ttl: header.ttl(),
            options: header.options().len(),
            fragment: 0,
            transport,
            payload: rest.len().checked_sub(length)?,
        };
        let (source_mac, destination_mac) = (MacAddr(ethernet.source()), MacAddr(ethernet.destination()));
        Some(Self { source_mac, destination_mac, vlan: None, body: Body::Ip(ip), padding: 0 })
    }

    /// The octets.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = [self.destination_mac.0, self.source_mac.0].concat();
        if let Some(vlan) = self.vlan {
            bytes.extend([0x81, 0x00]);
            bytes.extend(vlan.to_be_bytes());
        }
        let (ethertype, packet) = match &self.body {
            Body::Arp(arp) => (0x0806, arp.bytes()),
            Body::Ip(ip) => (0x0800, ip.bytes()),
            Body::Raw(ethertype, octets) => (*ethertype, octets.clone()),
        };
        bytes.extend(ethertype.to_be_bytes());
        bytes.extend(packet);
        bytes.resize(bytes.len() + self.padding, 0);
        bytes
    }
}

impl Arp {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0, 1, 8, 0, 6, 4];
        bytes.extend(self.operation.to_be_bytes());
        for (mac, address) in [self.sender, self.target] {
            bytes.extend(mac.0);
            bytes.extend(address.octets());
        }
        bytes
    }
}

impl Ip {
    /// Its protocol.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        match self.transport {
            Transport::Tcp(..) => Protocol::TCP,
            Transport::Udp(..) => Protocol::UDP,
            Transport::Icmp(..) => Protocol::ICMP,
            Transport::Sctp(..) => Protocol::SCTP,
            Transport::Other(number) => Protocol(number),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let transport = self.transport_bytes();
        let header_len = 20 + self.options;
        let mut bytes = vec![0x40 | (header_len / 4) as u8, 0];
        bytes.extend(((header_len + transport.len()) as u16).to_be_bytes());
        bytes.extend([0, 1]);
        bytes.extend(self.fragment.to_be_bytes());
        bytes.extend([self.ttl, self.protocol().0, 0, 0]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.resize(header_len, 1);
        let checksum = checksum(&bytes);
        bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
        bytes.extend(transport);
        bytes
    }

    fn transport_bytes(&self) -> Vec<u8> {
        // A payload that is not all alike, so that a shifted copy shows.
        let payload = (0..self.payload).map(|i| (i * 7) as u8);
        let ports = |from: u16, to: u16| [from.to_be_bytes(), to.to_be_bytes()].concat();
        match self.transport {
            Transport::Tcp(from, to, flags) => {
                let mut bytes = ports(from, to);
                bytes.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
                bytes.extend(payload);
                self.sum(bytes, 16)
            }
            Transport::Udp(from, to, summed) => {
                let mut bytes = ports(from, to);
                bytes.extend((8 + self.payload as u16).to_be_bytes());
                bytes.extend([0, 0]);
                bytes.extend(payload);
                if summed { self.sum(bytes, 6) } else { bytes }
            }
            Transport::Icmp(kind, code, identifier) => {
                let mut bytes = vec![kind, code, 0, 0];
                bytes.extend(identifier.to_be_bytes());
                bytes.extend([0, 1]);
                bytes.extend(payload);
                let sum = checksum(&bytes);
                bytes[2..4].copy_from_slice(&sum.to_be_bytes());
                bytes
            }
            Transport::Sctp(from, to) => {
                let mut bytes = ports(from, to);
                // Verification tag and CRC32c: neither covers what translation changes.
                bytes.extend([0, 0, 0, 7, 1, 2, 3, 4]);
                bytes.extend(payload);
                bytes
            }
            Transport::Other(_) => payload.collect(),
        }
    }

    /// Fills in the checksum over the pseudo header and the segment.
    fn sum(&self, mut segment: Vec<u8>, at: usize) -> Vec<u8> {
        let mut summed = [self.source.octets(), self.destination.octets()].concat();
        summed.extend([0, self.protocol().0]);
        summed.extend((segment.len() as u16).to_be_bytes());
        summed.extend(&segment);
        let sum = match checksum(&summed) {
            0 if self.protocol() == Protocol::UDP => 0xffff,
            sum => sum,
        };
        segment[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        segment
    }
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 =
        bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// An address that a test wrote down.
pub(crate) fn parse(address: &str) -> Ipv4Addr {
    address.parse().unwrap_or_else(|_| panic!("'{address}' is not an IPv4 address"))
}
