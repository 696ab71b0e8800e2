//! Connections: who belongs to one, how long they live, how many there may be.

use logical::DropReason;

use super::{routed, two_guests};
use crate::{
    frame::{ACK, FIN, Frame, RST, SYN, Transport},
    packet_table::{
        Case, Rule, Script, Topology,
        case::{delivered, dropped},
    },
};

pub(super) fn cases() -> Vec<Case> {
    [replies(), lifetimes(), closing(), limits()].into_iter().flatten().collect()
}

/// Two servers where a may send anything and let nothing in, and b lets in anything and may send nothing.
pub(super) fn one_way() -> Topology {
    let mut net = Topology::new();
    net.switch("blue").rule("client", "out", Rule::egress()).rule("server", "in", Rule::ingress());
    net.guest("a", "blue", "10.0.0.5/24").groups("a", &["client"]);
    net.guest("b", "blue", "10.0.0.6/24").groups("b", &["server"]);
    net
}

pub(super) fn to_b(transport: Transport) -> Frame {
    one_way().packet("a", "b", "10.0.0.6", transport)
}

pub(super) fn to_a(transport: Transport) -> Frame {
    one_way().packet("b", "a", "10.0.0.5", transport)
}

pub(super) const SYN_TO_B: Transport = Transport::Tcp(1000, 80, SYN);
pub(super) const ACK_TO_B: Transport = Transport::Tcp(1000, 80, ACK);
pub(super) const SYN_ACK_TO_A: Transport = Transport::Tcp(80, 1000, SYN | ACK);
pub(super) const ACK_TO_A: Transport = Transport::Tcp(80, 1000, ACK);
const UDP_TO_B: Transport = Transport::Udp(1000, 53, true);
const UDP_TO_A: Transport = Transport::Udp(53, 1000, true);

/// Packets of the one connection, in words.
pub(super) trait Talk {
    /// a sends, and b gets it.
    fn to_b(self, transport: Transport) -> Self;
    /// b sends, and a gets it.
    fn to_a(self, transport: Transport) -> Self;
    /// b sends, and its groups do not let it: it is no reply.
    fn not_to_a(self, transport: Transport) -> Self;
}

impl Talk for Script {
    fn to_b(self, transport: Transport) -> Self {
        let frame = to_b(transport);
        self.packet("a", &frame, delivered("b", &frame))
    }

    fn to_a(self, transport: Transport) -> Self {
        let frame = to_a(transport);
        self.packet("b", &frame, delivered("a", &frame))
    }

    fn not_to_a(self, transport: Transport) -> Self {
        self.packet("b", &to_a(transport), dropped(DropReason::AclEgress))
    }
}

fn replies() -> Vec<Case> {
    let net = one_way();
    let script = |name| Script::new(name, &net);
    vec![
        script("connections: a reply needs no rule, for TCP")
            .not_to_a(SYN_ACK_TO_A)
            .to_b(SYN_TO_B)
            .to_a(SYN_ACK_TO_A)
            .to_b(ACK_TO_B)
            .to_a(ACK_TO_A)
            .done(),
        script("connections: a reply needs no rule, for UDP").not_to_a(UDP_TO_A).to_b(UDP_TO_B).to_a(UDP_TO_A).done(),
        script("connections: a reply needs no rule, for pings")
            .not_to_a(Transport::Icmp(0, 0, 7))
            .to_b(Transport::Icmp(8, 0, 7))
            .to_a(Transport::Icmp(0, 0, 7))
            .not_to_a(Transport::Icmp(0, 0, 8))
            .done(),
        script("connections: a reply needs no rule, for SCTP and others")
            .to_b(Transport::Sctp(5, 6))
            .to_a(Transport::Sctp(6, 5))
            .not_to_a(Transport::Sctp(6, 7))
            .not_to_a(Transport::Other(50))
            .to_b(Transport::Other(50))
            .to_a(Transport::Other(50))
            .done(),
        script("connections: other ports are no reply")
            .to_b(SYN_TO_B)
            .not_to_a(Transport::Tcp(80, 1001, SYN | ACK))
            .not_to_a(Transport::Tcp(81, 1000, SYN | ACK))
            .not_to_a(Transport::Udp(80, 1000, true))
            .done(),
        script("connections: a dropped packet makes none")
            .packet("b", &to_a(SYN_TO_B), dropped(DropReason::AclEgress))
            .packet(
                "a",
                &to_b(SYN_TO_B).destination_mac(super::super::mac("nobody")),
                dropped(DropReason::UnknownDestination),
            )
            .not_to_a(SYN_ACK_TO_A)
            .done(),
        script("connections: ICMP errors make none and match none")
            .to_b(Transport::Icmp(3, 3, 0))
            .not_to_a(Transport::Icmp(3, 3, 0))
            .to_b(SYN_TO_B)
            .not_to_a(Transport::Icmp(3, 3, 0))
            .done(),
        script("connections: the packet in the middle is enough").to_b(ACK_TO_B).to_a(ACK_TO_A).done(),
        {
            let net = routed();
            let frame = net.tcp("a", "r/blue", "10.0.1.5", (1000, 80));
            let mut closed = Script::new("connections: through a router too", &{
                let mut net = net.clone();
                net.rule("client", "out", Rule::egress()).groups("a", &["client"]);
                net.rule("server", "in", Rule::ingress()).groups("c", &["server"]);
                net
            });
            let mac = super::super::mac;
            let back = net.tcp("c", "r/green", "10.0.0.5", (80, 1000)).flags(SYN | ACK);
            closed = closed
                .packet("c", &back, dropped(DropReason::AclEgress))
                .packet("a", &frame, delivered("c", &frame.clone().routed(mac("r/green"), mac("c"))))
                .packet("c", &back, delivered("a", &back.clone().routed(mac("r/blue"), mac("a"))));
            closed.done()
        },
    ]
}

fn lifetimes() -> Vec<Case> {
    let net = one_way();
    let script = |name| Script::new(name, &net);
    const FIVE_DAYS: u32 = 5 * 24 * 3600;
    vec![
        script("lifetime: TCP that is not established lives 120 seconds")
            .to_b(SYN_TO_B)
            .wait(119)
            .to_a(SYN_ACK_TO_A)
            .wait(119)
            .to_a(SYN_ACK_TO_A)
            .wait(120)
            .not_to_a(SYN_ACK_TO_A)
            .done(),
        script("lifetime: TCP is established by the packet after the reply, and lives five days")
            .to_b(SYN_TO_B)
            .to_a(SYN_ACK_TO_A)
            .to_b(ACK_TO_B)
            .wait(FIVE_DAYS - 1)
            .to_a(ACK_TO_A)
            .wait(FIVE_DAYS - 1)
            .to_b(ACK_TO_B)
            .wait(FIVE_DAYS)
            .not_to_a(ACK_TO_A)
            .done(),
        script("lifetime: two packets without a reply establish nothing")
            .to_b(SYN_TO_B)
            .to_b(ACK_TO_B)
            .wait(120)
            .not_to_a(ACK_TO_A)
            .done(),
        script("lifetime: UDP lives 30 seconds without a reply")
            .to_b(UDP_TO_B)
            .wait(29)
            .to_b(UDP_TO_B)
            .wait(30)
            .not_to_a(UDP_TO_A)
            .done(),
        script("lifetime: UDP lives 180 seconds from its first reply")
            .to_b(UDP_TO_B)
            .wait(29)
            .to_a(UDP_TO_A)
            .wait(179)
            .to_a(UDP_TO_A)
            .wait(180)
            .not_to_a(UDP_TO_A)
            .done(),
        script("lifetime: pings live 30 seconds")
            .to_b(Transport::Icmp(8, 0, 7))
            .wait(29)
            .to_a(Transport::Icmp(0, 0, 7))
            .wait(30)
            .not_to_a(Transport::Icmp(0, 0, 7))
            .done(),
        script("lifetime: other protocols live 600 seconds")
            .to_b(Transport::Other(50))
            .wait(599)
            .to_a(Transport::Other(50))
            .wait(600)
            .not_to_a(Transport::Other(50))
            .done(),
        Script::new("lifetime: the limits are configuration", &net)
            .timeouts(|limits| limits.udp_opening = 5)
            .to_b(UDP_TO_B)
            .wait(4)
            .to_a(UDP_TO_A)
            .done(),
        Script::new("lifetime: the limits are configuration, and end", &net)
            .timeouts(|limits| limits.udp_opening = 5)
            .to_b(UDP_TO_B)
            .wait(5)
            .not_to_a(UDP_TO_A)
            .done(),
        script("lifetime: a dropped packet does not prolong it")
            .to_b(UDP_TO_B)
            .wait(20)
            .packet(
                "a",
                &to_b(UDP_TO_B).destination_mac(super::super::mac("nobody")),
                dropped(DropReason::UnknownDestination),
            )
            .wait(10)
            .not_to_a(UDP_TO_A)
            .done(),
    ]
}

fn closing() -> Vec<Case> {
    let net = one_way();
    let established = |name| Script::new(name, &net).to_b(SYN_TO_B).to_a(SYN_ACK_TO_A).to_b(ACK_TO_B);
    vec![
        established("closing: FIN of the client leaves 120 seconds")
            .to_b(Transport::Tcp(1000, 80, FIN | ACK))
            .wait(119)
            .to_a(ACK_TO_A)
            .wait(120)
            .not_to_a(ACK_TO_A)
            .done(),
        established("closing: RST of the server leaves 120 seconds")
            .to_a(Transport::Tcp(80, 1000, RST))
            .wait(120)
            .not_to_a(ACK_TO_A)
            .done(),
        established("closing: packets after it do not establish it again")
            .to_b(Transport::Tcp(1000, 80, FIN | ACK))
            .to_a(ACK_TO_A)
            .to_b(ACK_TO_B)
            .wait(120)
            .not_to_a(ACK_TO_A)
            .done(),
        established("closing: SYN in the original direction opens another, which is not established")
            .to_b(Transport::Tcp(1000, 80, RST))
            .to_b(SYN_TO_B)
            .to_a(SYN_ACK_TO_A)
            .to_b(ACK_TO_B)
            .wait(121)
            .to_a(ACK_TO_A)
            .done(),
        {
            let rejected = to_b(SYN_TO_B);
            established("closing: the one that SYN opens is asked for anew")
                .to_b(Transport::Tcp(1000, 80, FIN | ACK))
                .change(|net| net.rule("client", "all", Rule::egress().tcp(443, 443)).remove_rule("client", "out"))
                .packet("a", &rejected, dropped(DropReason::AclEgress))
                .done()
        },
        established("closing: SYN with ACK opens nothing")
            .to_b(Transport::Tcp(1000, 80, FIN | ACK))
            .to_b(Transport::Tcp(1000, 80, SYN | ACK))
            .to_a(Transport::Tcp(80, 1000, SYN))
            .wait(120)
            .not_to_a(ACK_TO_A)
            .done(),
        established("closing: SYN in an open connection is one of its packets")
            .to_b(SYN_TO_B)
            .wait(121)
            .to_a(ACK_TO_A)
            .done(),
        Script::new("closing: a first packet with FIN or RST is closing at once", &net)
            .timeouts(|limits| limits.tcp_closing = 10)
            .to_b(Transport::Tcp(1000, 80, RST))
            .wait(10)
            .not_to_a(ACK_TO_A)
            .done(),
    ]
}

fn limits() -> Vec<Case> {
    let net = two_guests();
    let from_a = |port| net.tcp("a", "b", "10.0.0.6", (port, 80));
    let from_b = |port| net.tcp("b", "a", "10.0.0.5", (port, 80));
    let two = |name| Script::new(name, &net).timeouts(|limits| limits.max_connections = 2);
    let full = |name| {
        two(name)
            .packet("a", &from_a(1), delivered("b", &from_a(1)))
            .packet("a", &from_a(2), delivered("b", &from_a(2)))
            .packet("a", &from_a(3), dropped(DropReason::ConnectionLimit))
    };
    let error = net.packet("a", "b", "10.0.0.6", Transport::Icmp(3, 1, 0));
    let floating = super::with_floating_ip();
    let wire = |port| super::from_wire(&floating, "203.0.113.9", "198.51.100.20", Transport::Tcp(port, 80, SYN));
    let got = |port| wire(port).destination("10.0.0.5").routed(super::super::mac("r/blue"), super::super::mac("a"));
    vec![
        full("limit: a port with as many connections as it may opens no more; the open ones go on")
            .packet("a", &from_a(1).flags(ACK), delivered("b", &from_a(1).flags(ACK)))
            .packet("b", &from_a(2).reply(), delivered("a", &from_a(2).reply()))
            .done(),
        full("limit: it is the opener's, not the receiver's")
            .packet("b", &from_b(1), delivered("a", &from_b(1)))
            .packet("b", &from_b(2), delivered("a", &from_b(2)))
            .packet("b", &from_b(3), dropped(DropReason::ConnectionLimit))
            .done(),
        full("limit: what makes no connection is not limited").packet("a", &error, delivered("b", &error)).done(),
        full("limit: connections whose time has run out do not count")
            .wait(120)
            .packet("a", &from_a(3), delivered("b", &from_a(3)))
            .packet("a", &from_a(4), delivered("b", &from_a(4)))
            .packet("a", &from_a(5), dropped(DropReason::ConnectionLimit))
            .done(),
        Script::new("limit: from the wire it is the receiver's", &floating)
            .timeouts(|limits| limits.max_connections = 1)
            .packet("ext", &wire(1), delivered("a", &got(1)))
            .packet("ext", &wire(2), dropped(DropReason::ConnectionLimit))
            .done(),
        Script::new("limit: the groups are asked first", &{
            let mut net = net.clone();
            net.groups("b", &[]);
            net
        })
        .timeouts(|limits| limits.max_connections = 0)
        .packet("a", &from_a(1), dropped(DropReason::AclIngress))
        .done(),
    ]
}
