//! What the pipeline reads in a frame, and what it changes there.
//!
//! A [`Frame`] that exists has been checked: every header that the pipeline looks at lies within it.
//! Changes keep checksums as right or wrong as they were (RFC 1624), because the pipeline does not
//! verify what end systems verify anyway.

use std::net::Ipv4Addr;

use types::{MacAddr, Protocol};

use crate::{DropReason, flow::Tuple};

const ETHERNET_LEN: usize = 14;
const ARP_LEN: usize = 28;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// 802.1Q, and 802.1ad for tags around tags.
const ETHERTYPES_VLAN: [u16; 2] = [0x8100, 0x88a8];

const ICMP_ECHO_REPLY: u8 = 0;
const ICMP_ECHO_REQUEST: u8 = 8;

/// TTL of packets that a router makes itself.
const ROUTER_TTL: u8 = 64;

/// The Ethernet header, all that is known of a frame before the stages begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ethernet {
    pub(crate) destination: MacAddr,
    pub(crate) source: MacAddr,
    ethertype: u16,
}

impl Ethernet {
    /// The header, if the frame has a whole one.
    pub(crate) fn read(frame: &[u8]) -> Option<Self> {
        let header = frame.first_chunk::<ETHERNET_LEN>()?;
        Some(Self { destination: mac(header, 0), source: mac(header, 6), ethertype: be16(header, 12) })
    }

    pub(crate) fn is_arp(self) -> bool {
        self.ethertype == ETHERTYPE_ARP
    }

    pub(crate) fn has_vlan_tag(self) -> bool {
        ETHERTYPES_VLAN.contains(&self.ethertype)
    }
}

/// A frame that passed admission.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    Arp(Arp),
    Ipv4(Packet),
}

impl Frame {
    /// Checks what follows the Ethernet header.
    pub(crate) fn read(ethernet: Ethernet, frame: &[u8]) -> Result<Self, DropReason> {
        match ethernet.ethertype {
            ETHERTYPE_ARP => Arp::read(frame).map(Self::Arp).ok_or(DropReason::Malformed),
            ETHERTYPE_IPV4 => Packet::read(frame).map(Self::Ipv4),
            ETHERTYPE_IPV6 => Err(DropReason::Ipv6Unsupported),
            _ => Err(DropReason::Ethertype),
        }
    }
}

/// What an ARP packet wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ArpOperation {
    Request,
    Reply,
}

/// An ARP packet for IPv4 over Ethernet (RFC 826), with its frame.
#[derive(Clone, Debug)]
pub(crate) struct Arp {
    frame: Vec<u8>,
    pub(crate) operation: ArpOperation,
    pub(crate) ethernet_source: MacAddr,
    pub(crate) ethernet_destination: MacAddr,
    pub(crate) sender_mac: MacAddr,
    pub(crate) sender: Ipv4Addr,
    pub(crate) target: Ipv4Addr,
}

impl Arp {
    /// The ARP packet of a frame; `None` when it is cut short or of another kind.
    pub(crate) fn read(frame: &[u8]) -> Option<Self> {
        let ethernet = Ethernet::read(frame)?;
        let arp = frame.get(ETHERNET_LEN..ETHERNET_LEN + ARP_LEN)?;
        // Hardware Ethernet, protocol IPv4, and the lengths of their addresses.
        if arp[..6] != [0, 1, 8, 0, 6, 4] {
            return None;
        }
        let operation = match be16(arp, 6) {
            1 => ArpOperation::Request,
            2 => ArpOperation::Reply,
            _ => return None,
        };
        Some(Self {
            frame: frame.to_vec(),
            operation,
            ethernet_source: ethernet.source,
            ethernet_destination: ethernet.destination,
            sender_mac: mac(arp, 8),
            sender: address(arp, 14),
            target: address(arp, 24),
        })
    }

    /// A request that tells its sender's own address to everybody.
    pub(crate) fn is_announcement(&self) -> bool {
        self.operation == ArpOperation::Request && self.sender == self.target
    }

    /// The answer to the request: it is turned round in place, so padding stays.
    pub(crate) fn answer(&self, with: MacAddr) -> Vec<u8> {
        let mut frame = self.frame.clone();
        frame[0..6].copy_from_slice(&self.ethernet_source.0);
        frame[6..12].copy_from_slice(&with.0);
        let arp = &mut frame[ETHERNET_LEN..];
        arp[6..8].copy_from_slice(&2u16.to_be_bytes());
        arp[8..14].copy_from_slice(&with.0);
        arp[14..18].copy_from_slice(&self.target.octets());
        arp[18..24].copy_from_slice(&self.sender_mac.0);
        arp[24..28].copy_from_slice(&self.sender.octets());
        frame
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.frame
    }
}

/// Type and code of an ICMP message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct IcmpMessage {
    pub(crate) kind: u8,
    pub(crate) code: u8,
}

impl IcmpMessage {
    pub(crate) fn is_echo(self) -> bool {
        matches!(self.kind, ICMP_ECHO_REQUEST | ICMP_ECHO_REPLY)
    }

    pub(crate) fn is_echo_request(self) -> bool {
        self.kind == ICMP_ECHO_REQUEST
    }
}

/// An IPv4 packet with its frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Packet {
    frame: Vec<u8>,
    /// Where the transport header begins in the frame.
    transport: usize,
}

impl Packet {
    fn read(frame: &[u8]) -> Result<Self, DropReason> {
        let ip = &frame[ETHERNET_LEN..];
        // Version, header length, total length and the presence of the whole header.
        let header = etherparse::Ipv4HeaderSlice::from_slice(ip).map_err(|_| DropReason::Malformed)?;
        let header_len = usize::from(header.ihl()) * 4;
        let total_len = usize::from(header.total_len());
        if total_len < header_len || total_len > ip.len() {
            return Err(DropReason::Malformed);
        }
        if header.is_fragmenting_payload() {
            return Err(DropReason::Fragment);
        }
        let needed = match Protocol(header.protocol().0) {
            Protocol::TCP => 20,
            Protocol::UDP | Protocol::ICMP => 8,
            Protocol::SCTP => 12,
            _ => 0,
        };
        if total_len - header_len < needed {
            return Err(DropReason::Malformed);
        }
        Ok(Self { frame: frame.to_vec(), transport: ETHERNET_LEN + header_len })
    }

    pub(crate) fn ethernet_source(&self) -> MacAddr {
        mac(&self.frame, 6)
    }

    pub(crate) fn ethernet_destination(&self) -> MacAddr {
        mac(&self.frame, 0)
    }

    /// The length of the IP packet, without Ethernet header and padding.
    pub(crate) fn total_len(&self) -> u16 {
        be16(&self.frame, ETHERNET_LEN + 2)
    }

    pub(crate) fn ttl(&self) -> u8 {
        self.frame[ETHERNET_LEN + 8]
    }

    pub(crate) fn protocol(&self) -> Protocol {
        Protocol(self.frame[ETHERNET_LEN + 9])
    }

    pub(crate) fn source(&self) -> Ipv4Addr {
        address(&self.frame, ETHERNET_LEN + 12)
    }

    pub(crate) fn destination(&self) -> Ipv4Addr {
        address(&self.frame, ETHERNET_LEN + 16)
    }

    /// Type and code, of ICMP only.
    pub(crate) fn icmp(&self) -> Option<IcmpMessage> {
        (self.protocol() == Protocol::ICMP)
            .then(|| IcmpMessage { kind: self.frame[self.transport], code: self.frame[self.transport + 1] })
    }

    /// Whether a connection can hold it: everything but ICMP messages that are neither echo request
    /// nor echo reply.
    pub(crate) fn can_connect(&self) -> bool {
        self.icmp().is_none_or(IcmpMessage::is_echo)
    }

    /// Whether its source can share one address with others, told apart by a port or identifier.
    pub(crate) fn can_share_an_address(&self) -> bool {
        matches!(self.protocol(), Protocol::TCP | Protocol::UDP) || self.icmp().is_some_and(IcmpMessage::is_echo)
    }

    /// TCP flags FIN or RST: the connection ends.
    pub(crate) fn closes(&self) -> bool {
        self.tcp_flags().is_some_and(|flags| flags & 0x05 != 0)
    }

    /// TCP flags SYN without ACK: a connection begins.
    pub(crate) fn opens(&self) -> bool {
        self.tcp_flags().is_some_and(|flags| flags & 0x12 == 0x02)
    }

    fn tcp_flags(&self) -> Option<u8> {
        (self.protocol() == Protocol::TCP).then(|| self.frame[self.transport + 13])
    }

    /// What tells its connection from others.
    pub(crate) fn tuple(&self) -> Tuple {
        let protocol = self.protocol();
        let (source_port, destination_port) = if protocol.has_ports() {
            (be16(&self.frame, self.transport), be16(&self.frame, self.transport + 2))
        } else if self.icmp().is_some_and(IcmpMessage::is_echo) {
            let identifier = be16(&self.frame, self.transport + 4);
            (identifier, identifier)
        } else {
            (0, 0)
        };
        Tuple { protocol, source: self.source(), destination: self.destination(), source_port, destination_port }
    }

    pub(crate) fn set_ethernet(&mut self, source: MacAddr, destination: MacAddr) {
        self.frame[0..6].copy_from_slice(&destination.0);
        self.frame[6..12].copy_from_slice(&source.0);
    }

    pub(crate) fn set_source(&mut self, address: Ipv4Addr) {
        self.set_address(ETHERNET_LEN + 12, address);
    }

    pub(crate) fn set_destination(&mut self, address: Ipv4Addr) {
        self.set_address(ETHERNET_LEN + 16, address);
    }

    /// Sets the source port, or the identifier of an echo message.
    pub(crate) fn set_source_port(&mut self, port: u16) {
        let at = if self.icmp().is_some() { 4 } else { 0 };
        self.set_transport(at, port);
    }

    /// Sets the destination port, or the identifier of an echo message.
    pub(crate) fn set_destination_port(&mut self, port: u16) {
        let at = if self.icmp().is_some() { 4 } else { 2 };
        self.set_transport(at, port);
    }

    pub(crate) fn decrement_ttl(&mut self) {
        let at = ETHERNET_LEN + 8;
        let before = be16(&self.frame, at);
        self.frame[at] = self.frame[at].saturating_sub(1);
        let after = be16(&self.frame, at);
        self.update_checksum(ETHERNET_LEN + 10, before, after);
    }

    /// What a router answers to the echo request that came in as this packet.
    pub(crate) fn echo_reply(&self) -> Vec<u8> {
        let mut reply = self.clone();
        reply.set_ethernet(self.ethernet_destination(), self.ethernet_source());
        // Swapping addresses changes no checksum: sums do not depend on the order.
        reply.frame[ETHERNET_LEN + 12..ETHERNET_LEN + 16].copy_from_slice(&self.destination().octets());
        reply.frame[ETHERNET_LEN + 16..ETHERNET_LEN + 20].copy_from_slice(&self.source().octets());
        let ttl = be16(&reply.frame, ETHERNET_LEN + 8);
        reply.frame[ETHERNET_LEN + 8] = ROUTER_TTL;
        let new_ttl = be16(&reply.frame, ETHERNET_LEN + 8);
        reply.update_checksum(ETHERNET_LEN + 10, ttl, new_ttl);
        let kind = be16(&reply.frame, reply.transport);
        reply.frame[reply.transport] = ICMP_ECHO_REPLY;
        let new_kind = be16(&reply.frame, reply.transport);
        reply.update_checksum(reply.transport + 2, kind, new_kind);
        reply.frame
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.frame
    }

    fn set_address(&mut self, at: usize, address: Ipv4Addr) {
        let new = address.octets();
        for half in [0, 2] {
            let before = be16(&self.frame, at + half);
            self.frame[at + half..at + half + 2].copy_from_slice(&new[half..half + 2]);
            let after = be16(&self.frame, at + half);
            self.update_checksum(ETHERNET_LEN + 10, before, after);
            // TCP and UDP sum the addresses too (the pseudo header).
            if let Some(checksum) = self.pseudo_header_checksum() {
                self.update_checksum(checksum, before, after);
            }
        }
    }

    fn set_transport(&mut self, at: usize, value: u16) {
        let at = self.transport + at;
        let before = be16(&self.frame, at);
        self.frame[at..at + 2].copy_from_slice(&value.to_be_bytes());
        let checksum = if self.icmp().is_some() { Some(self.transport + 2) } else { self.pseudo_header_checksum() };
        if let Some(checksum) = checksum {
            self.update_checksum(checksum, before, value);
        }
    }

    /// Where the checksum lies that covers addresses and ports.
    fn pseudo_header_checksum(&self) -> Option<usize> {
        match self.protocol() {
            Protocol::TCP => Some(self.transport + 16),
            // Zero says that the sender did not sum (RFC 768).
            Protocol::UDP if be16(&self.frame, self.transport + 6) != 0 => Some(self.transport + 6),
            _ => None,
        }
    }

    /// RFC 1624, equation 3.
    fn update_checksum(&mut self, at: usize, before: u16, after: u16) {
        let sum = u32::from(!be16(&self.frame, at)) + u32::from(!before) + u32::from(after);
        let folded = (sum & 0xffff) + (sum >> 16);
        let folded = (folded & 0xffff) + (folded >> 16);
        let mut checksum = !(folded as u16);
        // A sum of zero is sent as its other form, since zero means none.
        if self.protocol() == Protocol::UDP && at == self.transport + 6 && checksum == 0 {
            checksum = 0xffff;
        }
        self.frame[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
    }
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn mac(bytes: &[u8], at: usize) -> MacAddr {
    MacAddr([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3], bytes[at + 4], bytes[at + 5]])
}

fn address(bytes: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3])
}
