//! The pipeline: the stages a packet goes through, in order, and every reason to drop it.
//!
//! This is the specification that the interpreter ([`mod@crate::trace`]) executes and that datapaths
//! are checked against.
//!
//! # Where packets come from and go to
//!
//! A packet enters at a *point*: a guest port, or the wire of an external switch. It leaves by a guest
//! port, by a wire (with the next hop's address; who owns it is for the host's neighbour table), to
//! the host services (with the port it came from), back to where it came from (answers to ARP and
//! echo requests), or to several ports (flooded ARP). From a wire, a frame that is not for us is
//! *foreign*: it is left to the host untouched. Not for us means: neither its destination is the MAC
//! of a router port on that switch, nor is it an ARP request for an address that we own there.
//!
//! # Stages
//!
//! 1. [`Stage::Admission`], in this order. From a wire, what is not for us is foreign, whatever else
//!    is wrong with it. An Ethernet header cut short: `malformed`. VLAN tags (802.1Q, 802.1ad):
//!    `vlan-tag`. A port that is not enabled: `port-disabled`. Other than ARP and IPv4:
//!    `ipv6-unsupported` for IPv6, `ethertype` for the rest. ARP that is cut short, is not for IPv4 over
//!    Ethernet, or is neither request nor reply: `malformed`. IP headers that are cut short or lie
//!    (version, header length, total length; total length below the frame's length is fine, that is
//!    padding): `malformed`. Fragments (more-fragments set or an offset): `fragment`. Less transport
//!    header than TCP (20 bytes), UDP (8), ICMP (8) and SCTP (12) need, by the total length: `malformed`.
//!    IP options are fine. Header checksums are not verified; a rewritten packet keeps its checksums
//!    (IPv4, TCP, UDP, ICMP identifier) as right or wrong as they were, and a UDP checksum of zero stays.
//! 2. [`Stage::PortSecurity`], guest ports with security. The source MAC is in no pair:
//!    `spoofed-mac`. IPv4: (source MAC, source IP) in no pair: `spoofed-ip`; except a DHCP request
//!    (source 0.0.0.0, UDP 68 to 67). ARP: sender MAC differs from the Ethernet source, or (sender
//!    MAC, sender IP) in no pair: `spoofed-arp`; sender 0.0.0.0 is a probe and fine. A guest that
//!    answers DHCP (UDP from port 67 to 68): `dhcp-server`.
//! 3. [`Stage::Arp`]. From a guest port, a request for an address that a port of the switch other
//!    than the asker has, or a floating IP of the switch, or [`SERVICE_ADDRESS`]: answered with that
//!    MAC ([`SERVICE_MAC`] for the services); the answer is the request turned round in place, its
//!    Ethernet destination the request's source. Other requests, and announcements (requests with
//!    sender and target address equal), are flooded to all other enabled guest ports of the switch that
//!    have a device; the Ethernet destination of a request does not matter.
//!    A reply goes to the port with the destination MAC if that is a guest (`hairpin` if it is the
//!    sender; enabled and with a device as in stage 8), is absorbed (`arp-absorbed`) if that is a router
//!    or the services, and is flooded if it is broadcast; unknown destinations:
//!    `unknown-destination`. On a wire: requests for addresses of router ports and of
//!    floating IPs of the switch are answered, all else is foreign.
//! 4. [`Stage::Services`], guest ports. UDP to port 67 whose destination is 255.255.255.255 or
//!    [`SERVICE_ADDRESS`]: to the services when the port has DHCP, else `dhcp-disabled`. To
//!    [`SERVICE_ADDRESS`], whatever the destination MAC: TCP port 80 and ICMP echo requests to the
//!    services; else `no-such-service`. Security groups do not apply to the services. TTL stays.
//!    (A datapath may have to remember an asker that does not use the port's own addresses in the place
//!    of a connection, and refuse it when there is none left: `connection-limit`.)
//! 5. [`Stage::Connection`]. The packet's tuple is (protocol, source, destination, ports of TCP, UDP
//!    and SCTP; for ICMP echo, request or reply, the identifier in the place of both ports; for other
//!    protocols the ports are zero). Looked up at the point.
//!    See *Connections* below.
//! 6. [`Stage::SwitchLookup`], guest ports. Destination MAC: a group address: `multicast` (switching
//!    of IP multicast is not there yet); a router port: routing; a guest port: delivery to it, unless
//!    it is the sender itself (`hairpin`); else `unknown-destination`. Before routing or delivery of a
//!    new connection, the sender's groups are asked: [`Stage::EgressAcl`].
//! 7. [`Stage::Router`]. More than [`MAX_ROUTERS`] routers: `routing-loop`. The port through which it
//!    comes in is not enabled: `port-disabled`. The router is not enabled: `router-disabled`.
//!    Destination translation of floating IPs whose `router` is this one ([`Stage::DestinationNat`]).
//!    A destination that is an address of any of the router's ports: an ICMP echo request is answered;
//!    all else `to-router`. The answer is the frame as it came in at the point with Ethernet and IP
//!    addresses swapped, TTL 64 and the type of a reply, whatever was translated on the way. (The
//!    source NAT address is one of those; replies of translated connections have been recognised in
//!    stage 5.) TTL of 1 or less: `ttl-expired`. Route by longest prefix; none: `no-route`. A packet
//!    that came in through an interface on which this router has source NAT (from the wire, a
//!    neighbouring router or a guest there) and was not translated by this router: `not-translated`.
//!    The port through which it leaves is not enabled: `port-disabled`.
//!    Then source translation ([`Stage::SourceNat`]), TTL minus one. A
//!    packet whose total length is above the MTU of the switch it leaves to: `too-big`. The next hop (the route's, or
//!    the destination) is looked up on the switch: a guest port: delivery; a port of another router,
//!    or a floating IP: that router, as if it had arrived there (from the inside when the switch is a
//!    tenant's, from the outside when it is external); not found: on an external switch to the wire,
//!    on a tenant's `no-neighbour`. A router whose
//!    own port it would enter again on the very switch that it left by: the same rules, no shortcut.
//!    Delivered packets carry the MAC of the router port they left by as their source; which Ethernet
//!    addresses a packet has on a wire is the host's business.
//! 8. [`Stage::IngressAcl`], on delivery to a guest port. Not enabled: `port-disabled`; no device:
//!    `no-device`. For a new connection the groups of the receiver are asked, with the addresses as
//!    the receiver sees them.
//! 9. [`Stage::Output`].
//!
//! # Groups
//!
//! A port without security lets everything through. Otherwise a packet is allowed when any rule of
//! any of the port's groups, of the right direction, matches: protocol, destination port or ICMP type
//! and code, and the remote address (source on ingress, destination on egress). Nothing matches:
//! `acl-egress` or `acl-ingress`. ICMP from 169.254.0.0/16 is always let in.
//!
//! # Translation
//!
//! *Floating IP inwards*: a packet in a router whose destination is a floating IP of that router gets
//! the logical address as its destination. *Outwards*: on leaving the router through a port on an
//! external switch, a source that is the logical address of a floating IP on that switch and router
//! gets the external address. Otherwise, if the router has source NAT for that port and the packet
//! did not come in through that same port, the source becomes the NAT's address and the source port
//! is chosen. *Hairpin*: a packet that did not come in through an external switch, whose destination
//! was translated in this router, and that leaves through a port that is not external, gets its source
//! translated as if it left through the external port of that floating IP. On its whole way a packet's
//! source is translated at most once and its destination at most once; where a second router would
//! do it again: `not-translatable`. Only TCP, UDP and ICMP echo can be translated to a NAT address that
//! is shared; other packets: `not-translatable`. Floating IPs translate every protocol.
//!
//! *The port chosen* by source NAT is the first of [`nat_ports`] for which the reply's tuple is free
//! at the point where the reply will arrive; none: `nat-exhausted`. For ICMP the identifier takes the
//! place of the port. It is chosen last of all, at [`Stage::Output`], when that point is known. A tuple is
//! free at a point when no connection has it as a key whose time has not run out (valid or not).
//!
//! # Connections
//!
//! A connection is made when a new packet has passed all stages and goes out by a guest port or a
//! wire. It has the tuple of its first packet at the point where that came in (the *original* key),
//! the mirrored tuple as it left at the point where it went out (the *reply* key), and the routers
//! that translated its source and its destination. If the reply key is not free: `connection-conflict`.
//! (A reply key that equals the connection's own original key, as of a ping to one's own floating IP,
//! is no conflict; its packets are all in the original direction.) ICMP other than echo never makes a
//! connection and never matches one.
//! If the point's port has as many connections as [`Timeouts::max_connections`]: `connection-limit`
//! (counted at the port where the first packet came in, or, from a wire, at the receiver; from a wire to
//! a wire there is no limit; connections whose time has run out do not count). In that order: port chosen,
//! conflict, limit.
//!
//! A packet whose tuple matches a key belongs to the connection, if the connection is still *valid*:
//! - its time has not run out ([`Timeouts`]): with a limit of 30 it is gone when 30 seconds have passed;
//! - the groups of the port at the original key still allow the original tuple outwards, and those of
//!   the port at the reply key still allow the mirrored reply tuple inwards (points on a wire have no
//!   groups; ICMP with the type and code of the first packet); both ports exist, are enabled and may be
//!   the same;
//! - its translations stand: the floating IPs and source NAT addresses that it used are still there,
//!   on the same routers, with the same addresses.
//!
//! An invalid connection is forgotten and the packet is a new one. So is a packet of a valid
//! connection that would now go out by another point, or with other addresses or ports, than its
//! connection's: it starts again at [`Stage::SwitchLookup`] as it came in. A TCP packet with SYN and
//! without ACK in the original direction of a connection that is *closing* is a new one too (the
//! connection is forgotten). A packet of a valid connection that is dropped or answered on its way
//! changes nothing about the connection.
//!
//! A packet of a valid connection skips the groups, gets the recorded translation (mirrored for
//! replies: in the router that translated the destination its source is translated back, in the one
//! that translated the source its destination is, before routing), and is otherwise switched and
//! routed like any other, by its own destination MAC and address.
//!
//! State moves with each packet that goes out: the first reply makes it *replied*; a packet in the
//! original direction after that makes it *established*; for TCP a FIN or RST in either direction
//! makes it *closing*. Its time since the last packet in either direction is limited by its protocol
//! and state ([`Timeouts`]): TCP is opening until it is established; UDP is opening until it is replied.

use std::{fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};
use types::MacAddr;

/// Address of DHCP, metadata and resolver on every network.
pub const SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// Ethernet address of the services on every network.
pub const SERVICE_MAC: MacAddr = MacAddr([0xfa, 0x16, 0x3f, 0xa9, 0xfe, 0xfe]);

/// Most routers that one packet may cross.
pub const MAX_ROUTERS: usize = 4;

/// How many ports source NAT tries before it gives up.
pub const NAT_TRIES: u16 = 64;

/// The ports that source NAT tries, in order, for a packet from `port`: the port itself where it is
/// not below 1024, then others spread over the range from 1024 up, [`NAT_TRIES`] in all.
pub fn nat_ports(port: u16) -> impl Iterator<Item = u16> {
    const FIRST: u32 = 1024;
    const COUNT: u32 = 65536 - FIRST;
    // A prime that does not divide the range: the tries differ, and neighbours do not collide again.
    const STEP: u32 = 7919;
    let start = (u32::from(port) + COUNT - FIRST) % COUNT;
    (0..u32::from(NAT_TRIES)).map(move |i| (FIRST + (start + i * STEP) % COUNT) as u16)
}

macro_rules! stages {
    ($(#[doc = $doc:literal] $variant:ident = $name:literal;)*) => {
        /// A stage of the pipeline, in the order of the module's text.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Stage {
            $(#[doc = $doc] $variant,)*
        }

        impl Stage {
            /// All stages in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stage's name in traces and documentation.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What the stage decides, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc.trim_ascii(),)* }
            }
        }
    };
}

stages! {
    /// Is it a packet at all?
    Admission = "admission";
    /// Does the sender use its own addresses?
    PortSecurity = "port-security";
    /// Address resolution.
    Arp = "arp";
    /// DHCP, metadata.
    Services = "services";
    /// Does it belong to a known connection?
    Connection = "connection";
    /// Whose MAC address is it sent to?
    SwitchLookup = "switch-lookup";
    /// Do the sender's groups allow it?
    EgressAcl = "egress-acl";
    /// Routing.
    Router = "router";
    /// Floating IPs, inwards.
    DestinationNat = "destination-nat";
    /// Floating IPs outwards, source NAT.
    SourceNat = "source-nat";
    /// Do the receiver's groups allow it?
    IngressAcl = "ingress-acl";
    /// Where it goes.
    Output = "output";
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! drop_reasons {
    ($(#[doc = $doc:literal] $variant:ident = $number:literal, $name:literal;)*) => {
        /// Why a packet was dropped. The numbers are the datapath's too.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[repr(u8)]
        pub enum DropReason {
            $(#[doc = $doc] $variant = $number,)*
        }

        impl DropReason {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in counters, traces and documentation.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What happened, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc.trim_ascii(),)* }
            }

            /// The reason with that number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

drop_reasons! {
    /// Cut short, or its lengths lie.
    Malformed = 1, "malformed";
    /// It has a VLAN tag.
    VlanTag = 2, "vlan-tag";
    /// Neither ARP nor IP.
    Ethertype = 3, "ethertype";
    /// IPv6 is not forwarded yet.
    Ipv6Unsupported = 4, "ipv6-unsupported";
    /// Fragments are not forwarded yet.
    Fragment = 5, "fragment";
    /// The port's administrative state is down.
    PortDisabled = 6, "port-disabled";
    /// Ethernet source that the port may not use.
    SpoofedMac = 7, "spoofed-mac";
    /// IP source that the port may not use.
    SpoofedIp = 8, "spoofed-ip";
    /// ARP sender that the port may not use.
    SpoofedArp = 9, "spoofed-arp";
    /// A server that answers DHCP.
    DhcpServer = 10, "dhcp-server";
    /// An ARP reply to somebody who does not need it.
    ArpAbsorbed = 11, "arp-absorbed";
    /// DHCP is off for the port.
    DhcpDisabled = 12, "dhcp-disabled";
    /// Nothing serves that at the service address.
    NoSuchService = 13, "no-such-service";
    /// No port has the destination MAC.
    UnknownDestination = 14, "unknown-destination";
    /// IP multicast and broadcast are not forwarded yet.
    Multicast = 15, "multicast";
    /// Sent to the sender's own MAC.
    Hairpin = 16, "hairpin";
    /// No rule of the sender's groups allows it.
    AclEgress = 17, "acl-egress";
    /// No rule of the receiver's groups allows it.
    AclIngress = 18, "acl-ingress";
    /// The router's administrative state is down.
    RouterDisabled = 19, "router-disabled";
    /// For the router itself, which only answers echo requests.
    ToRouter = 20, "to-router";
    /// TTL ran out.
    TtlExpired = 21, "ttl-expired";
    /// The router has no route.
    NoRoute = 22, "no-route";
    /// Nobody on the switch has the next hop's address.
    NoNeighbour = 23, "no-neighbour";
    /// Too many routers.
    RoutingLoop = 24, "routing-loop";
    /// From outside to an inner address of a router that translates.
    NotTranslated = 25, "not-translated";
    /// A protocol that cannot share a NAT address.
    NotTranslatable = 26, "not-translatable";
    /// Source NAT found no free port.
    NatExhausted = 27, "nat-exhausted";
    /// Longer than the MTU of the switch it goes to.
    TooBig = 28, "too-big";
    /// The port has no device.
    NoDevice = 29, "no-device";
    /// The port has as many connections as it may.
    ConnectionLimit = 30, "connection-limit";
    /// Its replies could not be told from another connection's.
    ConnectionConflict = 31, "connection-conflict";
    /// The datapath ran out of memory for connections.
    ConnectionTableFull = 32, "connection-table-full";
    /// A fault of the datapath itself, such as a failed helper call.
    Internal = 33, "internal";
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How long a connection lives without packets, in seconds, and how many a port may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// TCP before it is established.
    pub tcp_opening: u32,
    /// TCP, established: 5 days, as RFC 5382 asks for at least 2 hours 4 minutes.
    pub tcp_established: u32,
    /// TCP after FIN or RST.
    pub tcp_closing: u32,
    /// UDP without a reply.
    pub udp_opening: u32,
    /// UDP with replies (RFC 4787 asks for at least 2 minutes).
    pub udp_established: u32,
    /// ICMP echo.
    pub icmp: u32,
    /// Any other protocol.
    pub other: u32,
    /// Most connections of one port.
    pub max_connections: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            tcp_opening: 120,
            tcp_established: 5 * 24 * 3600,
            tcp_closing: 120,
            udp_opening: 30,
            udp_established: 180,
            icmp: 30,
            other: 600,
            max_connections: 65536,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nat_keeps_the_port_where_it_can_and_never_uses_a_privileged_one() {
        assert_eq!(nat_ports(40000).next(), Some(40000));
        for port in [0, 53, 1023, 1024, 65535] {
            let tries: Vec<u16> = nat_ports(port).collect();
            assert!(tries.iter().all(|p| *p >= 1024));
            let distinct: std::collections::BTreeSet<_> = tries.iter().collect();
            assert_eq!(distinct.len(), usize::from(NAT_TRIES));
        }
    }

    #[test]
    fn drop_reasons_have_distinct_numbers_and_names() {
        for reason in DropReason::ALL {
            assert_eq!(DropReason::from_number(*reason as u8), Some(*reason));
        }
        let names: std::collections::BTreeSet<_> = DropReason::ALL.iter().map(|r| r.name()).collect();
        assert_eq!(names.len(), DropReason::ALL.len());
    }

    #[test]
    fn an_established_tcp_connection_may_idle_for_five_days() {
        assert_eq!(Timeouts::default().tcp_established, 432_000);
    }
}
