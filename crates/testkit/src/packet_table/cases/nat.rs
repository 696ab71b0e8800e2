//! Translation: source NAT and floating IPs of one router.

use logical::{DropReason, nat_ports};

use super::{from_wire, routed, with_floating_ip};
use crate::{
    frame::{ACK, ECHO_REPLY, Frame, SYN, Transport},
    packet_table::{
        Case, Script, Topology,
        case::{delivered, dropped, wired},
        mac,
    },
};

pub(super) fn cases() -> Vec<Case> {
    [source_nat(), ports(), floating_ip(), hairpin()].into_iter().flatten().collect()
}

const FAR: &str = "203.0.113.9";
const NEXT: &str = "198.51.100.1";
const NAT: &str = "198.51.100.10";
const FLOATING: &str = "198.51.100.20";

/// A packet to the far address as it goes out of r, from that address.
fn out(frame: &Frame, from: &str) -> crate::packet_table::case::Expected {
    wired("ext", NEXT, &frame.clone().source(from).ttl(63))
}

/// A packet from the wire as server a on blue gets it.
fn inside(frame: &Frame, to: &str) -> crate::packet_table::case::Expected {
    delivered("a", &frame.clone().destination(to).routed(mac("r/blue"), mac("a")))
}

fn source_nat() -> Vec<Case> {
    let net = routed();
    let syn = net.tcp("a", "r/blue", FAR, (40000, 80));
    let udp = net.udp("a", "r/blue", FAR, (5353, 53));
    let ping = net.ping("a", "r/blue", FAR, 4242);
    let back = |transport| from_wire(&net, FAR, NAT, transport);
    let unsummed = net.packet("a", "r/blue", FAR, Transport::Udp(7000, 53, false));
    let mut plain = net.clone();
    plain.remove_source_nat("r", "ext");
    let small = {
        let mut net = net.clone();
        net.mtu("ext", 576);
        net
    };
    vec![
        Script::new("source NAT: TCP goes out from the router's address, and its replies come back", &net)
            .packet("a", &syn, out(&syn, NAT))
            .packet("ext", &back(Transport::Tcp(80, 40000, SYN | ACK)), {
                inside(&back(Transport::Tcp(80, 40000, SYN | ACK)), "10.0.0.5")
            })
            .packet("a", &syn.clone().flags(ACK), out(&syn.clone().flags(ACK), NAT))
            .done(),
        Script::new("source NAT: UDP, and a checksum of zero stays", &net)
            .packet("a", &udp, out(&udp, NAT))
            .packet("ext", &back(Transport::Udp(53, 5353, true)), {
                inside(&back(Transport::Udp(53, 5353, true)), "10.0.0.5")
            })
            .packet("a", &unsummed, out(&unsummed, NAT))
            .done(),
        Script::new("source NAT: pings", &net)
            .packet("a", &ping, out(&ping, NAT))
            .packet("ext", &back(Transport::Icmp(ECHO_REPLY, 0, 4242)), {
                inside(&back(Transport::Icmp(ECHO_REPLY, 0, 4242)), "10.0.0.5")
            })
            .done(),
        Script::new("source NAT: what nobody inside asked for is for the router, which does not want it", &net)
            .packet("ext", &back(Transport::Tcp(80, 40000, SYN)), dropped(DropReason::ToRouter))
            .packet("a", &syn, out(&syn, NAT))
            .packet("ext", &back(Transport::Tcp(81, 40000, SYN | ACK)), dropped(DropReason::ToRouter))
            .packet("ext", &back(Transport::Tcp(80, 40000, ACK)).source("203.0.113.8"), dropped(DropReason::ToRouter))
            .done(),
        Script::new("source NAT: a protocol without ports cannot share the address", &net)
            .packet("a", &syn.clone().transport(Transport::Other(47)), dropped(DropReason::NotTranslatable))
            .packet("a", &syn.clone().transport(Transport::Sctp(1, 2)), dropped(DropReason::NotTranslatable))
            .packet("a", &syn.clone().transport(Transport::Icmp(3, 3, 0)), dropped(DropReason::NotTranslatable))
            .done(),
        Script::new("source NAT: whether it can be translated is asked before its size", &small)
            .packet(
                "a",
                &syn.clone().transport(Transport::Other(47)).payload(900),
                dropped(DropReason::NotTranslatable),
            )
            .packet("a", &syn.clone().payload(900), dropped(DropReason::TooBig))
            .done(),
        Script::new("source NAT: none inside", &net)
            .packet("a", &net.tcp("a", "r/blue", "10.0.1.5", (40000, 80)), {
                delivered("c", &net.tcp("a", "r/blue", "10.0.1.5", (40000, 80)).routed(mac("r/green"), mac("c")))
            })
            .done(),
        Script::new("source NAT: without it addresses stay", &plain).packet("a", &syn, out(&syn, "10.0.0.5")).done(),
    ]
}

fn ports() -> Vec<Case> {
    let net = routed();
    let (a, b) = (net.tcp("a", "r/blue", FAR, (40000, 80)), net.tcp("b", "r/blue", FAR, (40000, 80)));
    let second = nat_ports(40000).nth(1).unwrap_or_default();
    let low = net.udp("a", "r/blue", FAR, (53, 53));
    let first_for_low = nat_ports(53).next().unwrap_or_default();
    let answer = |port| from_wire(&net, FAR, NAT, Transport::Tcp(80, port, SYN | ACK));
    let to = |frame: &Frame, server: &str, address: &str, port: u16| {
        delivered(server, &frame.clone().destination(address).destination_port(port).routed(mac("r/blue"), mac(server)))
    };
    let ping = |from: &str| net.ping(from, "r/blue", FAR, 40000);
    let elsewhere = net.tcp("b", "r/blue", "203.0.113.10", (40000, 80));
    vec![
        Script::new("source NAT: the second with the same port gets another, and each its replies", &net)
            .packet("a", &a, out(&a, NAT))
            .packet("b", &b, out(&b.clone().source_port(second), NAT))
            .packet("ext", &answer(40000), to(&answer(40000), "a", "10.0.0.5", 40000))
            .packet("ext", &answer(second), to(&answer(second), "b", "10.0.0.6", 40000))
            .packet("b", &b.clone().flags(ACK), out(&b.clone().flags(ACK).source_port(second), NAT))
            .done(),
        Script::new("source NAT: the same port serves towards another address", &net)
            .packet("a", &a, out(&a, NAT))
            .packet("b", &elsewhere, out(&elsewhere, NAT))
            .done(),
        Script::new("source NAT: a privileged port is not used", &net)
            .packet("a", &low, out(&low.clone().source_port(first_for_low), NAT))
            .done(),
        Script::new("source NAT: identifiers of pings are chosen like ports", &net)
            .packet("a", &ping("a"), out(&ping("a"), NAT))
            .packet("b", &ping("b"), out(&ping("b").source_port(second), NAT))
            .packet("ext", &from_wire(&net, FAR, NAT, Transport::Icmp(ECHO_REPLY, 0, second)), {
                to(&from_wire(&net, FAR, NAT, Transport::Icmp(ECHO_REPLY, 0, second)), "b", "10.0.0.6", 40000)
            })
            .done(),
        Script::new("source NAT: a port is free again when its connection's time has run out", &net)
            .packet("a", &a, out(&a, NAT))
            .wait(119)
            .packet("b", &b, out(&b.clone().source_port(second), NAT))
            .wait(1)
            .packet("c", &net.tcp("c", "r/green", FAR, (40000, 80)), {
                out(&net.tcp("c", "r/green", FAR, (40000, 80)), NAT)
            })
            .done(),
        exhausted(),
    ]
}

/// Sixty-five servers that all use the same port; the tries are sixty-four.
fn exhausted() -> Case {
    let mut net = routed();
    let count = u8::try_from(nat_ports(40000).count()).unwrap_or(u8::MAX);
    let name = |i: u8| format!("g{i}");
    for i in 0..=count {
        net.open_guests(&[(&name(i), "blue", &format!("10.0.0.{}/24", 100 + i))]);
    }
    let mut script = Script::new("source NAT: when no port is left, a connection is refused", &net);
    for (i, port) in (0..count).zip(nat_ports(40000)) {
        let syn = net.tcp(&name(i), "r/blue", FAR, (40000, 80));
        script = script.packet(&name(i), &syn, out(&syn.clone().source_port(port), NAT));
    }
    let last = net.tcp(&name(count), "r/blue", FAR, (40000, 80));
    script
        .packet(&name(count), &last, dropped(DropReason::NatExhausted))
        .packet(&name(count), &last.clone().destination_port(81), out(&last.clone().destination_port(81), NAT))
        .done()
}

fn floating_ip() -> Vec<Case> {
    let net = with_floating_ip();
    let inward = |transport| from_wire(&net, FAR, FLOATING, transport);
    let syn = inward(Transport::Tcp(50000, 22, SYN));
    let answer = net.tcp("a", "r/blue", FAR, (22, 50000)).flags(SYN | ACK);
    let outward = net.tcp("a", "r/blue", FAR, (40000, 80));
    let gre = net.packet("a", "r/blue", FAR, Transport::Other(47)).payload(12);
    let error = net.packet("a", "r/blue", FAR, Transport::Icmp(3, 3, 0)).payload(28);
    let mut closed = net.clone();
    closed.groups("a", &[]);
    vec![
        Script::new("floating IP: from outside in, and the reply", &net)
            .packet("ext", &syn, inside(&syn, "10.0.0.5"))
            .packet("a", &answer, out(&answer, FLOATING))
            .packet("ext", &syn.clone().transport(Transport::Tcp(50000, 22, ACK)), {
                inside(&syn.clone().transport(Transport::Tcp(50000, 22, ACK)), "10.0.0.5")
            })
            .done(),
        Script::new("floating IP: from inside out, and the reply", &net)
            .packet("a", &outward, out(&outward, FLOATING))
            .packet("ext", &inward(Transport::Tcp(80, 40000, SYN | ACK)), {
                inside(&inward(Transport::Tcp(80, 40000, SYN | ACK)), "10.0.0.5")
            })
            .done(),
        Script::new("floating IP: pings both ways", &net)
            .packet("ext", &inward(Transport::Icmp(8, 0, 5)), inside(&inward(Transport::Icmp(8, 0, 5)), "10.0.0.5"))
            .packet("a", &net.packet("a", "r/blue", FAR, Transport::Icmp(0, 0, 5)), {
                out(&net.packet("a", "r/blue", FAR, Transport::Icmp(0, 0, 5)), FLOATING)
            })
            .packet("a", &net.ping("a", "r/blue", FAR, 6), out(&net.ping("a", "r/blue", FAR, 6), FLOATING))
            .done(),
        Script::new("floating IP: every protocol, and ICMP errors", &net)
            .packet("a", &gre, out(&gre, FLOATING))
            .packet("ext", &inward(Transport::Other(47)), inside(&inward(Transport::Other(47)), "10.0.0.5"))
            .packet("a", &error, out(&error, FLOATING))
            .packet("ext", &inward(Transport::Icmp(3, 4, 0)), inside(&inward(Transport::Icmp(3, 4, 0)), "10.0.0.5"))
            .packet("ext", &inward(Transport::Sctp(9, 10)), inside(&inward(Transport::Sctp(9, 10)), "10.0.0.5"))
            .done(),
        Script::new("floating IP: the receiver's groups are asked", &closed)
            .packet("ext", &syn, dropped(DropReason::AclIngress))
            .done(),
        Script::new("floating IP: others keep the router's address", &net)
            .packet("b", &net.tcp("b", "r/blue", FAR, (40000, 80)), out(&net.tcp("b", "r/blue", FAR, (40000, 80)), NAT))
            .done(),
        Script::new("floating IP: without its logical address on a switch", &{
            let mut net = net.clone();
            net.remove_port("a");
            net.open_guests(&[("x", "green", "10.0.1.9/24")]);
            net
        })
        .packet("ext", &syn, dropped(DropReason::NoNeighbour))
        .done(),
        Script::new("floating IP: a neighbour of its external switch reaches it", &{
            let mut net = net.clone();
            net.open_guests(&[("o", "ext", "198.51.100.50/24")]);
            net
        })
        .packet("o", &from_o(&net, FLOATING), {
            delivered("a", &from_o(&net, "10.0.0.5").routed(mac("r/blue"), mac("a")))
        })
        .packet("o", &from_o(&net, "10.0.0.6"), dropped(DropReason::NotTranslated))
        .done(),
    ]
}

/// What a server o on the external switch sends to the router.
fn from_o(net: &Topology, to: &str) -> Frame {
    net.tcp("a", "r/ext", to, (1000, 80)).source("198.51.100.50").source_mac(mac("o"))
}

fn hairpin() -> Vec<Case> {
    let net = with_floating_ip();
    let mut both = net.clone();
    both.floating_ip("ext", "198.51.100.21", "r", "10.0.0.6");
    let mut plain = net.clone();
    plain.remove_source_nat("r", "ext");
    let from_b = net.tcp("b", "r/blue", FLOATING, (40000, 80));
    let got = |from: &str| from_b.clone().source(from).destination("10.0.0.5").routed(mac("r/blue"), mac("a"));
    let answer = |to: &str| net.tcp("a", "r/blue", to, (80, 40000)).flags(SYN | ACK);
    let back = answer(NAT).source(FLOATING).destination("10.0.0.6").routed(mac("r/blue"), mac("b"));
    let own = net.ping("a", "r/blue", FLOATING, 9);
    let own_got = own.clone().source(FLOATING).destination("10.0.0.5").routed(mac("r/blue"), mac("a"));
    let own_answer = net.packet("a", "r/blue", FLOATING, Transport::Icmp(ECHO_REPLY, 0, 9));
    let own_back = own_answer.clone().source(FLOATING).destination("10.0.0.5").routed(mac("r/blue"), mac("a"));
    let own_tcp = net.tcp("a", "r/blue", FLOATING, (40000, 80));
    vec![
        Script::new("hairpin: a neighbour reaches the floating IP, as the router, and gets the replies", &net)
            .packet("b", &from_b, delivered("a", &got(NAT)))
            .packet("a", &answer(NAT), delivered("b", &back))
            .done(),
        Script::new("hairpin: a neighbour with a floating IP is seen by it", &both)
            .packet("b", &from_b, delivered("a", &got("198.51.100.21")))
            .packet("a", &answer("198.51.100.21"), delivered("b", &back))
            .done(),
        Script::new("hairpin: without source NAT the neighbour is seen by its own address", &plain)
            .packet("b", &from_b, delivered("a", &got("10.0.0.6")))
            .done(),
        Script::new("hairpin: a server pings its own floating IP", &net)
            .packet("a", &own, delivered("a", &own_got))
            .packet("a", &own_answer, delivered("a", &own_back))
            .packet("a", &own, delivered("a", &own_got))
            .done(),
        Script::new("hairpin: a server connects to its own floating IP", &net)
            .packet("a", &own_tcp, {
                delivered(
                    "a",
                    &own_tcp.clone().source(FLOATING).destination("10.0.0.5").routed(mac("r/blue"), mac("a")),
                )
            })
            .packet("a", &net.tcp("a", "r/blue", FLOATING, (80, 40000)).flags(SYN | ACK), {
                let back = net.tcp("a", "r/blue", "10.0.0.5", (80, 40000)).flags(SYN | ACK).source(FLOATING);
                delivered("a", &back.routed(mac("r/blue"), mac("a")))
            })
            .done(),
        Script::new("hairpin: from another switch of the router", &net)
            .packet("c", &net.tcp("c", "r/green", FLOATING, (40000, 80)), {
                let got = net.tcp("c", "r/green", "10.0.0.5", (40000, 80)).source(NAT);
                delivered("a", &got.routed(mac("r/blue"), mac("a")))
            })
            .done(),
        Script::new("hairpin: a protocol without ports cannot share the router's address", &net)
            .packet("b", &from_b.clone().transport(Transport::Other(47)), dropped(DropReason::NotTranslatable))
            .done(),
        Script::new("hairpin: two neighbours with the same port are told apart", &net)
            .packet("b", &from_b, delivered("a", &got(NAT)))
            .packet("c", &net.tcp("c", "r/green", FLOATING, (40000, 80)), {
                let second = nat_ports(40000).nth(1).unwrap_or_default();
                let got = net.tcp("c", "r/green", "10.0.0.5", (second, 80)).source(NAT);
                delivered("a", &got.routed(mac("r/blue"), mac("a")))
            })
            .done(),
    ]
}
