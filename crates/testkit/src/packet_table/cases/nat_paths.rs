//! Translation on ways through several routers, and tenants with the same addresses.

use logical::DropReason;

use super::{from_wire, with_floating_ip};
use crate::{
    frame::{ACK, Frame, SYN, Transport},
    packet_table::{
        Case, Script, Topology,
        case::{answered, delivered, dropped, wired},
        mac,
    },
};

const FAR: &str = "203.0.113.9";

pub(super) fn cases() -> Vec<Case> {
    [neighbours(), twice(), transit()].into_iter().flatten().collect()
}

/// Two tenants with the same addresses, as if each had never heard of the other: a behind r (floating IP .20)
/// and a2 behind r2 (gateway .11, floating IP .21), both 10.0.0.5.
fn two_tenants() -> Topology {
    let mut net = with_floating_ip();
    net.switch("red").open_guests(&[("a2", "red", "10.0.0.5/24"), ("b2", "red", "10.0.0.6/24")]);
    net.router("r2").interface("r2", "red", "10.0.0.1/24").gateway("r2", "ext", "198.51.100.11/24", true);
    net.floating_ip("ext", "198.51.100.21", "r2", "10.0.0.5");
    net
}

fn neighbours() -> Vec<Case> {
    let net = two_tenants();
    let within = net.tcp("a2", "b2", "10.0.0.6", (1000, 80));
    let to_floating = net.tcp("a", "r/blue", "198.51.100.21", (40000, 80));
    let got =
        to_floating.clone().source("198.51.100.20").destination("10.0.0.5").ttl(63).routed(mac("r2/red"), mac("a2"));
    let answer = net.tcp("a2", "r2/red", "198.51.100.20", (80, 40000)).flags(SYN | ACK);
    let back = answer.clone().source("198.51.100.21").destination("10.0.0.5").ttl(63).routed(mac("r/blue"), mac("a"));
    let from_b = net.tcp("b", "r/blue", "198.51.100.21", (40000, 80));
    let from_b_got =
        from_b.clone().source("198.51.100.10").destination("10.0.0.5").ttl(63).routed(mac("r2/red"), mac("a2"));
    let answer_b = net.tcp("a2", "r2/red", "198.51.100.10", (80, 40000)).flags(SYN | ACK);
    let back_b =
        answer_b.clone().source("198.51.100.21").destination("10.0.0.6").ttl(63).routed(mac("r/blue"), mac("b"));
    let wire = |to: &str, by: &str| from_wire(&net, FAR, to, Transport::Tcp(5000, 80, SYN)).destination_mac(mac(by));
    let gateway = net.ping("a", "r/blue", "198.51.100.11", 3);
    let nat_ping = net.tcp("a", "r/blue", "198.51.100.11", (1, 2));
    let mut sneaky = net.clone();
    sneaky.route("r", "10.0.9.0/24", "198.51.100.11", "ext").interface("r2", "red2", "10.0.9.1/24");
    sneaky.switch("red2").open_guests(&[("victim", "red2", "10.0.9.5/24")]);
    vec![
        Script::new("tenants: the same addresses on two switches do not meet", &net)
            .packet("a2", &within, delivered("b2", &within))
            .packet("a", &net.tcp("a", "b", "10.0.0.6", (1000, 80)), {
                delivered("b", &net.tcp("a", "b", "10.0.0.6", (1000, 80)))
            })
            .done(),
        Script::new("tenants: each floating IP leads to its own, by whichever router's MAC", &net)
            .packet("ext", &wire("198.51.100.20", "r/ext"), {
                delivered("a", &wire("10.0.0.5", "r/ext").routed(mac("r/blue"), mac("a")))
            })
            .packet("ext", &wire("198.51.100.21", "r2/ext"), {
                delivered("a2", &wire("10.0.0.5", "r2/ext").routed(mac("r2/red"), mac("a2")))
            })
            .done(),
        Script::new("tenants: a wrong router's MAC does not lead around its translation", &net)
            .packet("ext", &wire("198.51.100.21", "r/ext"), dropped(DropReason::NotTranslated))
            .done(),
        Script::new("tenants: from floating IP to floating IP, through both routers, and back", &net)
            .packet("a", &to_floating, delivered("a2", &got))
            .packet("a2", &answer, delivered("a", &back))
            .done(),
        Script::new("tenants: from source NAT to a floating IP, through both routers, and back", &net)
            .packet("b", &from_b, delivered("a2", &from_b_got))
            .packet("a2", &answer_b, delivered("b", &back_b))
            .done(),
        Script::new("tenants: the other's gateway answers pings with the addresses they came with", &net)
            .packet("a", &gateway, answered(&gateway.clone().reply()))
            .packet("a", &nat_ping, dropped(DropReason::ToRouter))
            .done(),
        Script::new("tenants: a route to the other's gateway leads nowhere inside", &sneaky)
            .packet("a", &sneaky.tcp("a", "r/blue", "10.0.9.5", (1, 2)), dropped(DropReason::NotTranslated))
            .done(),
    ]
}

/// What goes wrong only in odd networks: a packet that would be translated a second time.
fn twice() -> Vec<Case> {
    // The floating IP of r stands for an address that r reaches through r3, which translates what leaves it.
    let mut source = with_floating_ip();
    source.external("far").router("r3").interface("r3", "blue", "10.0.0.3/24");
    source.gateway("r3", "far", "203.0.113.10/24", true).route("r", "203.0.113.0/24", "10.0.0.3", "blue");
    source.floating_ip("ext", "198.51.100.30", "r", "203.0.113.77");
    let from_inside = source.tcp("c", "r/green", "198.51.100.30", (40000, 80));
    let from_outside = from_wire(&source, "203.0.113.200", "198.51.100.30", Transport::Tcp(5, 6, SYN));
    let mut destination = source.clone();
    destination.floating_ip("far", "203.0.113.77", "r3", "10.0.0.6");
    vec![
        Script::new("translation: a source is translated once only", &source)
            .packet("c", &from_inside, dropped(DropReason::NotTranslatable))
            .done(),
        Script::new("translation: a first one in the second router is fine", &source)
            .packet("ext", &from_outside, {
                wired(
                    "far",
                    "203.0.113.77",
                    &from_outside
                        .clone()
                        .destination("203.0.113.77")
                        .source("203.0.113.10")
                        .source_port(port(5))
                        .ttl(62),
                )
            })
            .done(),
        Script::new("translation: a destination is translated once only", &destination)
            .packet("ext", &from_outside, dropped(DropReason::NotTranslatable))
            .done(),
    ]
}

fn port(wanted: u16) -> u16 {
    logical::nat_ports(wanted).next().unwrap_or_default()
}

/// The how-to "connect two networks of two routers": r has a second interface on the other's network.
fn transit() -> Vec<Case> {
    let mut net = with_floating_ip();
    net.switch("red").open_guests(&[("d", "red", "10.0.2.5/24")]);
    net.router("r2").interface("r2", "red", "10.0.2.1/24").gateway("r2", "ext", "198.51.100.11/24", true);
    net.interface("r", "red", "10.0.2.254/24");
    net.route("r2", "10.0.0.0/24", "10.0.2.254", "red");
    let there = net.tcp("a", "r/blue", "10.0.2.5", (1000, 80));
    // The other way round is by the server's own router, or by its host route.
    let answer = |by: &str| net.tcp("d", by, "10.0.0.5", (80, 1000)).flags(SYN | ACK);
    let got = |frame: Frame| delivered("a", &frame.routed(mac("r/blue"), mac("a")));
    let outward = net.tcp("d", "r2/red", FAR, (40000, 443));
    let inner = {
        let mut net = Topology::new();
        net.switch("inner").open_guests(&[("a", "inner", "10.0.0.5/24")]);
        net.switch("middle").external("ext");
        net.router("r1").interface("r1", "inner", "10.0.0.1/24").interface("r1", "middle", "10.0.1.2/24");
        net.route("r1", "0.0.0.0/0", "10.0.1.1", "middle");
        net.router("edge").interface("edge", "middle", "10.0.1.1/24").route(
            "edge",
            "10.0.0.0/24",
            "10.0.1.2",
            "middle",
        );
        net.gateway("edge", "ext", "198.51.100.10/24", true);
        net
    };
    let syn = inner.tcp("a", "r1/inner", FAR, (40000, 80));
    let reply = Frame::ip(
        (mac("neighbour"), mac("edge/ext")),
        (crate::frame::parse(FAR), crate::frame::parse("198.51.100.10")),
        Transport::Tcp(80, 40000, SYN | ACK),
    );
    vec![
        Script::new("transit: a second router's interface on the network leads over, and back both ways", &net)
            .packet("a", &there, delivered("d", &there.clone().routed(mac("r/red"), mac("d"))))
            .packet("d", &answer("r/red"), got(answer("r/red")))
            .packet("d", &answer("r2/red").flags(ACK), got(answer("r2/red").flags(ACK).ttl(63)))
            .done(),
        Script::new("transit: each network goes out by its own gateway", &net)
            .packet("d", &outward, wired("ext", "198.51.100.1", &outward.clone().source("198.51.100.11").ttl(63)))
            .done(),
        Script::new("transit: source NAT behind an inner router, and the reply finds back through both", &inner)
            .packet("a", &syn, wired("ext", "198.51.100.1", &syn.clone().source("198.51.100.10").ttl(62)))
            .packet("ext", &reply, {
                delivered("a", &reply.clone().destination("10.0.0.5").ttl(63).routed(mac("r1/inner"), mac("a")))
            })
            .done(),
    ]
}
