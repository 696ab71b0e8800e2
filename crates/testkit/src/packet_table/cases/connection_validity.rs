//! Connections: when a packet that matches one does not belong to it any more.

use logical::DropReason;

use super::{
    connection::{ACK_TO_A, ACK_TO_B, SYN_ACK_TO_A, SYN_TO_B, Talk, one_way, to_b},
    from_wire, routed, two_guests, with_floating_ip,
};
use crate::{
    frame::{ACK, Frame, SYN, Transport},
    packet_table::{
        Case, Rule, Script,
        case::{delivered, dropped, wired},
        mac,
    },
};

pub(super) fn cases() -> Vec<Case> {
    [policy(), ports(), translations(), ways()].into_iter().flatten().collect()
}

fn policy() -> Vec<Case> {
    let net = one_way();
    let established = |name| Script::new(name, &net).to_b(SYN_TO_B).to_a(SYN_ACK_TO_A).to_b(ACK_TO_B);
    let icmp = {
        let mut net = one_way();
        net.remove_rule("server", "in").rule("server", "ping-in", Rule::ingress().icmp(8, None));
        net
    };
    vec![
        established("validity: the receiver's rule is removed, and the connection ends both ways")
            .change(|net| net.remove_rule("server", "in"))
            .packet("a", &to_b(ACK_TO_B), dropped(DropReason::AclIngress))
            .not_to_a(ACK_TO_A)
            .done(),
        established("validity: the sender's rule is removed, and the connection ends both ways")
            .change(|net| net.remove_rule("client", "out"))
            .not_to_a(ACK_TO_A)
            .packet("a", &to_b(ACK_TO_B), dropped(DropReason::AclEgress))
            .done(),
        established("validity: another rule that allows it is as good")
            .change(|net| net.rule("server", "in2", Rule::ingress().tcp(80, 80)).remove_rule("server", "in"))
            .to_b(ACK_TO_B)
            .to_a(ACK_TO_A)
            .done(),
        established("validity: rules are asked about the first packet's ports, not the reply's")
            .change(|net| net.rule("server", "in2", Rule::ingress().tcp(1000, 1000)).remove_rule("server", "in"))
            .not_to_a(ACK_TO_A)
            .done(),
        established("validity: a connection that was not looked at while it was forbidden goes on")
            .change(|net| net.remove_rule("server", "in"))
            .change(|net| net.rule("server", "in", Rule::ingress()))
            .to_a(ACK_TO_A)
            .done(),
        established("validity: a connection that was forgotten stays forgotten")
            .change(|net| net.remove_rule("server", "in"))
            .not_to_a(ACK_TO_A)
            .change(|net| net.rule("server", "in", Rule::ingress()))
            .not_to_a(ACK_TO_A)
            .to_b(ACK_TO_B)
            .to_a(ACK_TO_A)
            .done(),
        established("validity: a group is taken from a port")
            .change(|net| net.groups("b", &[]))
            .not_to_a(ACK_TO_A)
            .done(),
        groups_change_places("validity: groups of a port change places, and the first still counts", "server"),
        groups_change_places("validity: groups of a port change places, and the second still counts", "server2"),
        groups_change_places("validity: groups of a port change places, and the third still counts", "server3"),
        {
            let mut net = one_way();
            net.remove_rule("server", "in").rule("server", "friends", Rule::ingress().remote_set("friends"));
            net.member("friends", "10.0.0.5");
            Script::new("validity: a member leaves the set that let it in", &net)
                .to_b(SYN_TO_B)
                .to_a(SYN_ACK_TO_A)
                .change(|net| net.remove_member("friends", "10.0.0.5"))
                .not_to_a(ACK_TO_A)
                .done()
        },
        Script::new("validity: of pings, rules are asked about the first message", &icmp)
            .to_b(Transport::Icmp(8, 0, 7))
            .to_a(Transport::Icmp(0, 0, 7))
            .change(|net| net.rule("server", "x", Rule::ingress().tcp(1, 1)))
            .to_a(Transport::Icmp(0, 0, 7))
            .change(|net| net.rule("server", "y", Rule::ingress().icmp(0, None)).remove_rule("server", "ping-in"))
            .not_to_a(Transport::Icmp(0, 0, 7))
            .done(),
        {
            let mut free = one_way();
            free.unsecured("b");
            Script::new("validity: a port gets security", &free)
                .to_b(SYN_TO_B)
                .to_a(SYN_ACK_TO_A)
                .change(|net| net.guest("b", "blue", "10.0.0.6/24"))
                .not_to_a(ACK_TO_A)
                .done()
        },
    ]
}

/// Of three groups of a port one stays, and the removal of its rule cuts what it let in. Groups are sorted by id, so each
/// place is left by one of them.
fn groups_change_places(name: &'static str, stays: &'static str) -> Case {
    let mut net = one_way();
    let groups = ["server", "server2", "server3"];
    for group in groups {
        net.rule(group, &format!("{group}-in"), Rule::ingress());
    }
    net.remove_rule("server", "in").groups("b", &groups);
    Script::new(name, &net)
        .to_b(SYN_TO_B)
        .to_a(SYN_ACK_TO_A)
        .to_b(ACK_TO_B)
        .change(|net| net.groups("b", &[stays]))
        .to_b(ACK_TO_B)
        .to_a(ACK_TO_A)
        .change(|net| net.remove_rule(stays, &format!("{stays}-in")))
        .not_to_a(ACK_TO_A)
        .done()
}

fn ports() -> Vec<Case> {
    let net = one_way();
    let established = |name| Script::new(name, &net).to_b(SYN_TO_B).to_a(SYN_ACK_TO_A).to_b(ACK_TO_B);
    vec![
        established("validity: a disabled port cuts its connections; enabling it brings none back that was asked for")
            .change(|net| net.enabled("a", false))
            .not_to_a(ACK_TO_A)
            .change(|net| net.enabled("a", true))
            .not_to_a(ACK_TO_A)
            .done(),
        established("validity: a port that is gone cuts its connections")
            .change(|net| net.remove_port("a"))
            .packet("b", &super::connection::to_a(ACK_TO_A), dropped(DropReason::UnknownDestination))
            .change(|net| net.guest("a", "blue", "10.0.0.5/24").groups("a", &["client"]))
            .to_b(ACK_TO_B)
            .to_a(ACK_TO_A)
            .done(),
        established("validity: a port without a device keeps its connections, and gets nothing")
            .change(|net| net.detached("a"))
            .packet("b", &super::connection::to_a(ACK_TO_A), dropped(DropReason::NoDevice))
            .change(|net| net.guest("a", "blue", "10.0.0.5/24").groups("a", &["client"]))
            .to_a(ACK_TO_A)
            .done(),
    ]
}

fn translations() -> Vec<Case> {
    let net = with_floating_ip();
    const FAR: &str = "203.0.113.9";
    let inward = |flags| from_wire(&net, FAR, "198.51.100.20", Transport::Tcp(50000, 2222, flags));
    let inside = |frame: Frame| delivered("a", &frame.destination("10.0.0.5").routed(mac("r/blue"), mac("a")));
    let answer = |flags| net.tcp("a", "r/blue", FAR, (2222, 50000)).flags(flags);
    let out = |frame: Frame, from: &str| wired("ext", "198.51.100.1", &frame.source(from).ttl(63));
    let open = |name| {
        Script::new(name, &net)
            .packet("ext", &inward(SYN), inside(inward(SYN)))
            .packet("a", &answer(SYN | ACK), out(answer(SYN | ACK), "198.51.100.20"))
            .packet("ext", &inward(ACK), inside(inward(ACK)))
    };
    let plain = routed();
    let client = |flags| plain.tcp("a", "r/blue", FAR, (40000, 80)).flags(flags);
    let reply = |to: &str, flags| from_wire(&plain, FAR, to, Transport::Tcp(80, 40000, flags));
    vec![
        open("validity: a floating IP is removed, and its connections are cut at once")
            .change(|net| net.remove_floating_ip("ext", "198.51.100.20"))
            .packet("ext", &inward(ACK), dropped(DropReason::NotTranslated))
            .packet("a", &answer(ACK), out(answer(ACK), "198.51.100.10"))
            .done(),
        open("validity: a floating IP moves to another server, and its connections do not follow")
            .change(|net| net.floating_ip("ext", "198.51.100.20", "r", "10.0.0.6"))
            .packet("a", &answer(ACK), out(answer(ACK), "198.51.100.10"))
            .packet("ext", &inward(ACK), {
                delivered("b", &inward(ACK).destination("10.0.0.6").routed(mac("r/blue"), mac("b")))
            })
            .done(),
        Script::new("validity: a new floating IP does not disturb what source NAT has begun", &plain)
            .packet("a", &client(SYN), out(client(SYN), "198.51.100.10"))
            .change(|net| net.floating_ip("ext", "198.51.100.20", "r", "10.0.0.5"))
            .packet("ext", &reply("198.51.100.10", SYN | ACK), inside(reply("198.51.100.10", SYN | ACK)))
            .packet("a", &client(ACK), out(client(ACK), "198.51.100.10"))
            .packet("a", &client(SYN).source_port(40001), out(client(SYN).source_port(40001), "198.51.100.20"))
            .done(),
        Script::new("validity: source NAT is switched off, and its connections are cut", &plain)
            .packet("a", &client(SYN), out(client(SYN), "198.51.100.10"))
            .change(|net| net.remove_source_nat("r", "ext"))
            .packet("ext", &reply("198.51.100.10", SYN | ACK), dropped(DropReason::ToRouter))
            .packet("a", &client(ACK), out(client(ACK), "10.0.0.5"))
            .done(),
        Script::new("validity: the gateway gets another address, and connections of the old one are cut", &plain)
            .packet("a", &client(SYN), out(client(SYN), "198.51.100.10"))
            .change(|net| net.gateway("r", "ext", "198.51.100.12/24", true))
            .packet("a", &client(ACK), out(client(ACK), "198.51.100.12"))
            .packet("ext", &reply("198.51.100.12", ACK), inside(reply("198.51.100.12", ACK)))
            .done(),
        Script::new("validity: source NAT that comes later leaves open connections as they are", &{
            let mut net = plain.clone();
            net.remove_source_nat("r", "ext");
            net
        })
        .packet("a", &client(SYN), out(client(SYN), "10.0.0.5"))
        .change(|net| net.source_nat("r", "ext"))
        .packet("a", &client(ACK), out(client(ACK), "10.0.0.5"))
        .packet("ext", &reply("10.0.0.5", ACK), dropped(DropReason::NotTranslated))
        .packet("a", &client(SYN).source_port(40001), out(client(SYN).source_port(40001), "198.51.100.10"))
        .done(),
    ]
}

fn ways() -> Vec<Case> {
    let net = routed();
    let there = |flags| net.tcp("a", "r/blue", "10.0.1.5", (1000, 80)).flags(flags);
    let got = |flags| there(flags).routed(mac("r/green"), mac("c"));
    let mut moved = two_guests();
    moved.open_guests(&[("c", "blue", "10.0.0.7/24")]);
    let frame = |to: &str, flags| moved.tcp("a", to, "10.0.0.6", (1000, 80)).flags(flags);
    let conflict = {
        let mut net = two_guests();
        net.open_guests(&[("c", "blue", "10.0.0.7/24")]).unsecured("a").unsecured("c");
        net
    };
    let first = conflict.tcp("a", "b", "10.0.0.6", (1000, 80)).source("10.9.9.9");
    let second = first.clone().source_mac(mac("c"));
    vec![
        Script::new("ways: an interface is removed and comes back, and the connection goes on", &net)
            .packet("a", &there(SYN), delivered("c", &got(SYN)))
            .change(|net| net.remove_interface("r", "green").remove_route("r", "0.0.0.0/0"))
            .packet("a", &there(ACK), dropped(DropReason::NoRoute))
            .change(|net| net.interface("r", "green", "10.0.1.1/24"))
            .packet("a", &there(ACK), delivered("c", &got(ACK)))
            .done(),
        Script::new("ways: a connection that would go out elsewhere is a new one, and is asked for there", &moved)
            .packet("a", &frame("b", SYN), delivered("b", &frame("b", SYN)))
            .change(|net| net.groups("c", &[]))
            .packet("a", &frame("c", ACK), dropped(DropReason::AclIngress))
            .packet("b", &frame("b", ACK).reply(), delivered("a", &frame("b", ACK).reply()))
            .done(),
        Script::new("ways: what goes out elsewhere makes the connection there", &{
            let mut net = moved.clone();
            net.rule("server", "in", Rule::ingress()).groups("b", &["server"]);
            net
        })
        .packet("a", &frame("b", SYN), delivered("b", &frame("b", SYN)))
        .packet("a", &frame("c", ACK), delivered("c", &frame("c", ACK)))
        .packet("b", &frame("b", SYN).reply(), dropped(DropReason::AclEgress))
        .done(),
        Script::new("conflict: two whose replies would be the same", &conflict)
            .packet("a", &first, delivered("b", &first))
            .packet("c", &second, dropped(DropReason::ConnectionConflict))
            .packet("c", &second.clone().source_port(1001), delivered("b", &second.clone().source_port(1001)))
            .done(),
        Script::new("conflict: it ends when the other's time has run out", &conflict)
            .packet("a", &first, delivered("b", &first))
            .wait(120)
            .packet("c", &second, delivered("b", &second))
            .packet("a", &first, dropped(DropReason::ConnectionConflict))
            .done(),
        Script::new("conflict: what makes no connection has none", &conflict)
            .packet("a", &first, delivered("b", &first))
            .packet("c", &second.clone().transport(Transport::Icmp(3, 1, 0)), {
                delivered("b", &second.clone().transport(Transport::Icmp(3, 1, 0)))
            })
            .done(),
    ]
}
