//! Stage 7: routing.

use logical::DropReason;

use super::{from_wire, routed};
use crate::{
    frame::{ACK, ECHO_REPLY, Transport},
    packet_table::{
        Case, Script, Topology,
        case::{answered, delivered, dropped, wired},
        mac,
    },
};

pub(super) fn cases() -> Vec<Case> {
    [forwarding(), refusals(), own_addresses(), routes(), several()].into_iter().flatten().collect()
}

fn forwarding() -> Vec<Case> {
    let net = routed();
    let syn = net.tcp("a", "r/blue", "10.0.1.5", (1000, 80)).payload(5);
    let got = syn.clone().routed(mac("r/green"), mac("c"));
    let back = net.tcp("c", "r/green", "10.0.0.5", (80, 1000)).flags(0x12);
    let within = net.tcp("a", "r/blue", "10.0.0.6", (1000, 80));
    let mut direct = net.clone();
    direct.remove_source_nat("r", "ext");
    let inward = from_wire(&direct, "203.0.113.9", "10.0.0.5", Transport::Udp(5, 6, true));
    let mut outside = net.clone();
    outside.open_guests(&[("o", "ext", "198.51.100.50/24")]);
    vec![
        Script::new("router: between two of its switches, with its own MAC and one hop less, and back", &net)
            .packet("a", &syn, delivered("c", &got))
            .packet("c", &back, delivered("a", &back.clone().routed(mac("r/blue"), mac("a"))))
            .done(),
        Script::new("router: back into the switch that the packet came from", &net)
            .packet("a", &within, delivered("b", &within.clone().routed(mac("r/blue"), mac("b"))))
            .done(),
        Script::new("router: options and padding stay", &net)
            .packet("a", &syn.clone().options(12).padding(3), delivered("c", &got.clone().options(12).padding(3)))
            .done(),
        Script::new("router: an external neighbour is the wire's business", &direct)
            .packet("a", &net.tcp("a", "r/blue", "198.51.100.77", (1, 2)), {
                wired("ext", "198.51.100.77", &net.tcp("a", "r/blue", "198.51.100.77", (1, 2)).ttl(63))
            })
            .packet("a", &net.tcp("a", "r/blue", "203.0.113.77", (1, 2)), {
                wired("ext", "198.51.100.1", &net.tcp("a", "r/blue", "203.0.113.77", (1, 2)).ttl(63))
            })
            .done(),
        Script::new("router: from the wire inwards, where nothing is translated", &direct)
            .packet("ext", &inward, delivered("a", &inward.clone().routed(mac("r/blue"), mac("a"))))
            .done(),
        {
            let frame = net.tcp("c", "r/green", "198.51.100.50", (4000, 80));
            let got = frame.clone().source("198.51.100.10").routed(mac("r/ext"), mac("o"));
            Script::new("router: a server on an external switch is delivered to", &outside)
                .packet("c", &frame, delivered("o", &got))
                .done()
        },
    ]
}

fn refusals() -> Vec<Case> {
    let net = routed();
    let frame = net.tcp("a", "r/blue", "10.0.1.5", (1000, 80));
    let got = |frame: &crate::frame::Frame| frame.clone().routed(mac("r/green"), mac("c"));
    let without = |change: fn(&mut Topology) -> &mut Topology| {
        let mut net = net.clone();
        change(&mut net);
        net
    };
    let small = without(|net| net.mtu("green", 600));
    let sized = |total: usize| frame.clone().payload(total - 40);
    let drops = |name, net: &Topology, reason| Script::new(name, net).packet("a", &frame, dropped(reason)).done();
    let inward = from_wire(&net, "203.0.113.9", "10.0.0.5", Transport::Tcp(1000, 80, 2));
    vec![
        drops(
            "router: a disabled router takes nothing",
            &without(|net| net.router_enabled("r", false)),
            DropReason::RouterDisabled,
        ),
        drops(
            "router: a disabled interface takes nothing",
            &without(|net| net.enabled("r/blue", false)),
            DropReason::PortDisabled,
        ),
        drops(
            "router: a disabled interface sends nothing",
            &without(|net| net.enabled("r/green", false)),
            DropReason::PortDisabled,
        ),
        drops(
            "router: the interface is asked before the router",
            &without(|net| net.enabled("r/blue", false).router_enabled("r", false)),
            DropReason::PortDisabled,
        ),
        drops(
            "router: a disabled receiver behind it gets nothing",
            &without(|net| net.enabled("c", false)),
            DropReason::PortDisabled,
        ),
        drops(
            "router: a receiver without a device behind it gets nothing",
            &without(|net| net.detached("c")),
            DropReason::NoDevice,
        ),
        Script::new("router: the last hop ends there", &net)
            .packet("a", &frame.clone().ttl(2), delivered("c", &got(&frame.clone().ttl(2))))
            .packet("a", &frame.clone().ttl(1), dropped(DropReason::TtlExpired))
            .packet("a", &frame.clone().ttl(0), dropped(DropReason::TtlExpired))
            .done(),
        Script::new("router: no route", &without(|net| net.remove_route("r", "0.0.0.0/0")))
            .packet("a", &frame.clone().destination("203.0.113.1"), dropped(DropReason::NoRoute))
            .packet("a", &frame.clone().destination("203.0.113.1").ttl(1), dropped(DropReason::TtlExpired))
            .done(),
        Script::new("router: nobody has the address", &net)
            .packet("a", &frame.clone().destination("10.0.1.99"), dropped(DropReason::NoNeighbour))
            .done(),
        Script::new("router: a packet as long as the MTU passes, a longer one does not", &small)
            .packet("a", &sized(600), delivered("c", &got(&sized(600))))
            .packet("a", &sized(601), dropped(DropReason::TooBig))
            .packet("a", &sized(600).padding(50), delivered("c", &got(&sized(600).padding(50))))
            .done(),
        Script::new("router: size is asked before the neighbour", &small)
            .packet("a", &sized(601).destination("10.0.1.99"), dropped(DropReason::TooBig))
            .done(),
        Script::new("router: from outside to an inner address of a router that translates", &net)
            .packet("ext", &inward, dropped(DropReason::NotTranslated))
            .packet("ext", &inward.clone().destination("203.0.113.77"), dropped(DropReason::NotTranslated))
            .done(),
        Script::new(
            "router: the groups of the sender are asked before it",
            &without(|net| net.groups("a", &[]).router_enabled("r", false)),
        )
        .packet("a", &frame, dropped(DropReason::AclEgress))
        .done(),
        Script::new("router: the groups of the receiver are asked behind it", &without(|net| net.groups("c", &[])))
            .packet("a", &frame, dropped(DropReason::AclIngress))
            .done(),
    ]
}

fn own_addresses() -> Vec<Case> {
    let net = routed();
    let ping = |to: &str| net.ping("a", "r/blue", to, 77);
    let reply = |to: &str| ping(to).reply();
    let outside = from_wire(&net, "198.51.100.1", "198.51.100.10", Transport::Icmp(8, 0, 9)).payload(20);
    let closed = {
        let mut net = net.clone();
        net.groups("a", &[]);
        net
    };
    vec![
        Script::new("router: it answers pings to any of its addresses, by the way they came", &net)
            .packet("a", &ping("10.0.0.1"), answered(&reply("10.0.0.1")))
            .packet("a", &ping("10.0.1.1"), answered(&reply("10.0.1.1")))
            .packet("a", &ping("198.51.100.10"), answered(&reply("198.51.100.10")))
            .packet("a", &ping("10.0.0.1").ttl(1), answered(&reply("10.0.0.1")))
            .done(),
        Script::new("router: it answers pings from the wire", &net)
            .packet("ext", &outside, answered(&outside.clone().reply()))
            .packet(
                "ext",
                &outside.clone().destination("10.0.0.1"),
                answered(&outside.clone().destination("10.0.0.1").reply()),
            )
            .done(),
        Script::new("router: a ping's answer makes no connection", &net)
            .packet("a", &ping("10.0.0.1"), answered(&reply("10.0.0.1")))
            .change(|net| net.groups("a", &[]))
            .packet("a", &ping("10.0.0.1"), dropped(DropReason::AclEgress))
            .done(),
        Script::new("router: the sender's groups apply to pings of it", &closed)
            .packet("a", &ping("10.0.0.1"), dropped(DropReason::AclEgress))
            .done(),
        Script::new("router: nothing else is for it", &net)
            .packet("a", &net.tcp("a", "r/blue", "10.0.0.1", (1000, 22)), dropped(DropReason::ToRouter))
            .packet("a", &net.udp("a", "r/blue", "10.0.1.1", (1000, 53)), dropped(DropReason::ToRouter))
            .packet("a", &ping("10.0.0.1").transport(Transport::Icmp(ECHO_REPLY, 0, 3)), dropped(DropReason::ToRouter))
            .packet("ext", &outside.clone().transport(Transport::Tcp(5, 6, ACK)), dropped(DropReason::ToRouter))
            .done(),
    ]
}

fn routes() -> Vec<Case> {
    let mut net = routed();
    net.route("r", "172.16.0.0/12", "10.0.1.5", "green").route("r", "172.16.5.0/24", "10.0.0.6", "blue");
    net.route("r", "172.16.5.9/32", "10.0.1.77", "green");
    let to = |address: &str| net.tcp("a", "r/blue", address, (1000, 80));
    vec![
        Script::new("router: the longest prefix wins", &net)
            .packet("a", &to("172.16.6.1"), delivered("c", &to("172.16.6.1").routed(mac("r/green"), mac("c"))))
            .packet("a", &to("172.16.5.1"), delivered("b", &to("172.16.5.1").routed(mac("r/blue"), mac("b"))))
            .packet("a", &to("172.16.5.9"), dropped(DropReason::NoNeighbour))
            .done(),
        Script::new("router: a route that is gone gives way to the next longest", &net)
            .packet("a", &to("172.16.5.1"), delivered("b", &to("172.16.5.1").routed(mac("r/blue"), mac("b"))))
            .change(|net| net.remove_route("r", "172.16.5.0/24"))
            .packet("a", &to("172.16.5.2"), delivered("c", &to("172.16.5.2").routed(mac("r/green"), mac("c"))))
            .done(),
    ]
}

/// A chain of routers r1 to r`count` on switches s0 to s`count`: r1 is on s0 and s1, and so on. Server a is on
/// s0 (10.0.0.5), server z on the last switch (10.0.`count`.5); each router is .1 on the switch before it and
/// .2 on the switch behind it.
fn chain(count: usize) -> Topology {
    let mut net = Topology::new();
    net.switch("s0").open_guests(&[("a", "s0", "10.0.0.5/24")]);
    for i in 1..=count {
        let (before, behind, router) = (format!("s{}", i - 1), format!("s{i}"), format!("r{i}"));
        net.switch(&behind).router(&router);
        net.interface(&router, &before, &format!("10.0.{}.1/24", i - 1));
        net.interface(&router, &behind, &format!("10.0.{i}.2/24"));
        net.route(&router, "0.0.0.0/0", &format!("10.0.{i}.1"), &behind);
        for back in 0..i - 1 {
            net.route(&router, &format!("10.0.{back}.0/24"), &format!("10.0.{}.2", i - 1), &before);
        }
    }
    net.open_guests(&[("z", &format!("s{count}"), &format!("10.0.{count}.5/24"))]);
    net
}

fn several() -> Vec<Case> {
    let (four, five) = (chain(4), chain(5));
    let there = four.tcp("a", "r1/s0", "10.0.4.5", (1000, 80));
    let back = four.tcp("z", "r4/s4", "10.0.0.5", (80, 1000)).flags(0x12);
    let far = five.tcp("a", "r1/s0", "10.0.5.5", (1000, 80));
    let mut looped = chain(2);
    looped.route("r2", "172.16.0.0/12", "10.0.1.2", "s1");
    let mut self_loop = chain(1);
    self_loop.route("r1", "172.16.0.0/12", "10.0.1.2", "s1");
    let lost = |net: &Topology| net.tcp("a", "r1/s0", "172.16.0.1", (1000, 80));
    let echo = four.ping("a", "r1/s0", "10.0.3.1", 5);
    vec![
        Script::new("routers: four in a row, each a hop, and back", &four)
            .packet("a", &there, delivered("z", &there.clone().ttl(61).routed(mac("r4/s4"), mac("z"))))
            .packet("z", &back, delivered("a", &back.clone().ttl(61).routed(mac("r1/s0"), mac("a"))))
            .done(),
        Script::new("routers: the hops are counted at each", &four)
            .packet("a", &there.clone().ttl(5), delivered("z", &there.clone().ttl(2).routed(mac("r4/s4"), mac("z"))))
            .packet("a", &there.clone().ttl(4), dropped(DropReason::TtlExpired))
            .done(),
        Script::new("routers: five are a loop", &five).packet("a", &far, dropped(DropReason::RoutingLoop)).done(),
        Script::new("routers: two that send to each other are a loop", &looped)
            .packet("a", &lost(&looped), dropped(DropReason::RoutingLoop))
            .packet("a", &lost(&looped).ttl(3), dropped(DropReason::TtlExpired))
            .done(),
        Script::new("routers: one that sends to itself is a loop", &self_loop)
            .packet("a", &lost(&self_loop), dropped(DropReason::RoutingLoop))
            .done(),
        Script::new("routers: a ping of a far one is answered with the addresses it came with", &four)
            .packet("a", &echo, answered(&echo.clone().reply()))
            .done(),
        Script::new("routers: each is asked whether it is enabled", &{
            let mut net = four.clone();
            net.router_enabled("r3", false);
            net
        })
        .packet("a", &there, dropped(DropReason::RouterDisabled))
        .done(),
    ]
}
