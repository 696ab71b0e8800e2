//! Stages 6 and 8: the groups.

use logical::DropReason;
use types::Protocol;

use super::routed;
use crate::{
    frame::{Frame, Transport},
    packet_table::{
        Case, Rule, Script, Topology,
        case::{delivered, dropped},
    },
};

pub(super) fn cases() -> Vec<Case> {
    [what(), who(), sides()].into_iter().flatten().collect()
}

/// Two servers on a switch: a may send anything, and `rule` alone lets into b.
fn let_in(rule: Rule) -> Topology {
    let mut net = Topology::new();
    net.switch("blue").rule("sender", "out", Rule::egress()).rule("receiver", "in", rule);
    net.guest("a", "blue", "10.0.0.5/24").groups("a", &["sender"]);
    net.guest("b", "blue", "10.0.0.6/24").groups("b", &["receiver"]);
    net
}

fn to_b(net: &Topology, transport: Transport) -> Frame {
    net.packet("a", "b", "10.0.0.6", transport)
}

/// A rule that lets in the first packets and nothing of the second.
fn lets_in(name: &'static str, rule: Rule, in_: &[Transport], out: &[Transport]) -> Case {
    let net = let_in(rule);
    let mut script = Script::new(name, &net);
    for transport in in_ {
        script = script.packet("a", &to_b(&net, *transport), delivered("b", &to_b(&net, *transport)));
    }
    for transport in out {
        script = script.packet("a", &to_b(&net, *transport), dropped(DropReason::AclIngress));
    }
    script.done()
}

fn what() -> Vec<Case> {
    use Transport::{Icmp, Other, Sctp, Tcp, Udp};
    let syn = |port| Tcp(1000, port, crate::frame::SYN);
    let udp = |port| Udp(1000, port, true);
    vec![
        lets_in(
            "groups: a rule without a protocol lets in all",
            Rule::ingress(),
            &[syn(80), udp(53), Icmp(8, 0, 1), Icmp(3, 1, 0), Sctp(5, 6), Other(47)],
            &[],
        ),
        lets_in(
            "groups: a protocol lets in all of it and no other",
            Rule::ingress().protocol(Protocol::TCP),
            &[syn(1), syn(65535)],
            &[udp(53), Icmp(8, 0, 1), Other(47)],
        ),
        lets_in(
            "groups: destination ports count, both ends included",
            Rule::ingress().tcp(80, 90),
            &[syn(80), syn(85), syn(90)],
            &[syn(79), syn(91), udp(80), Tcp(80, 1000, crate::frame::SYN)],
        ),
        lets_in("groups: UDP ports", Rule::ingress().udp(53, 53), &[udp(53)], &[udp(54), syn(53)]),
        lets_in(
            "groups: SCTP has ports too",
            Rule::ingress().protocol(Protocol::SCTP).ports(80, 80),
            &[Sctp(1000, 80)],
            &[Sctp(80, 1000), syn(80)],
        ),
        lets_in(
            "groups: an ICMP type with any code",
            Rule::ingress().icmp(3, None),
            &[Icmp(3, 0, 0), Icmp(3, 4, 0)],
            &[Icmp(8, 0, 1), Icmp(11, 0, 0)],
        ),
        lets_in(
            "groups: an ICMP type and code",
            Rule::ingress().icmp(3, Some(4)),
            &[Icmp(3, 4, 0)],
            &[Icmp(3, 0, 0), Icmp(4, 4, 0)],
        ),
        lets_in(
            "groups: ICMP type 0 is a type, not any",
            Rule::ingress().icmp(0, Some(0)),
            &[Icmp(0, 0, 9)],
            &[Icmp(8, 0, 1)],
        ),
        lets_in(
            "groups: a protocol by its number",
            Rule::ingress().protocol(Protocol(47)),
            &[Other(47)],
            &[Other(50), syn(80)],
        ),
    ]
}

fn who() -> Vec<Case> {
    let syn = Transport::Tcp(1000, 80, crate::frame::SYN);
    let mut members = let_in(Rule::ingress().remote_set("friends"));
    members.member("friends", "10.0.0.7").member("friends", "10.8.0.0/16");
    members.pair("a", "0.0.0.0/0");
    let from = |address: &str| to_b(&members, syn).source(address);
    let mut two_groups = let_in(Rule::ingress().tcp(22, 22));
    two_groups.rule("web", "web-in", Rule::ingress().tcp(80, 80)).groups("b", &["receiver", "web"]);
    let ranges = {
        let mut net = let_in(Rule::ingress().remote("10.0.0.4/31"));
        net.pair("a", "0.0.0.0/0");
        net
    };
    let link_local = |transport| to_b(&members, transport).source("169.254.3.4");
    vec![
        Script::new("groups: a remote range is where an incoming packet is from", &ranges)
            .packet("a", &to_b(&ranges, syn), delivered("b", &to_b(&ranges, syn)))
            .packet("a", &to_b(&ranges, syn).source("10.0.0.6"), dropped(DropReason::AclIngress))
            .packet("a", &to_b(&ranges, syn).source("10.0.0.3"), dropped(DropReason::AclIngress))
            .done(),
        Script::new("groups: members of a set, by address and by range", &members)
            .packet("a", &from("10.0.0.7"), delivered("b", &from("10.0.0.7")))
            .packet("a", &from("10.8.9.9"), delivered("b", &from("10.8.9.9")))
            .packet("a", &from("10.0.0.5"), dropped(DropReason::AclIngress))
            .done(),
        Script::new("groups: a new member is let in at once, a former one no more", &members)
            .packet("a", &from("10.0.0.5"), dropped(DropReason::AclIngress))
            .change(|net| net.member("friends", "10.0.0.5").remove_member("friends", "10.0.0.7"))
            .packet("a", &from("10.0.0.5"), delivered("b", &from("10.0.0.5")))
            .packet("a", &from("10.0.0.7"), dropped(DropReason::AclIngress))
            .done(),
        Script::new("groups: any rule of any group allows", &two_groups)
            .packet("a", &to_b(&two_groups, syn), delivered("b", &to_b(&two_groups, syn)))
            .packet("a", &to_b(&two_groups, Transport::Tcp(1, 23, 2)), dropped(DropReason::AclIngress))
            .done(),
        Script::new("groups: no group lets nothing in", &{
            let mut net = let_in(Rule::ingress());
            net.groups("b", &[]);
            net
        })
        .packet("a", &to_b(&members, syn), dropped(DropReason::AclIngress))
        .done(),
        Script::new("groups: ICMP from link-local addresses is always let in", &members)
            .packet("a", &link_local(Transport::Icmp(3, 4, 0)), delivered("b", &link_local(Transport::Icmp(3, 4, 0))))
            .packet("a", &link_local(Transport::Icmp(8, 0, 3)), delivered("b", &link_local(Transport::Icmp(8, 0, 3))))
            .packet("a", &link_local(syn), dropped(DropReason::AclIngress))
            .done(),
    ]
}

fn sides() -> Vec<Case> {
    let syn = Transport::Tcp(1000, 80, crate::frame::SYN);
    let mut out = Topology::new();
    out.switch("blue").rule("open", "in", Rule::ingress());
    out.rule("sender", "web", Rule::egress().tcp(80, 80).remote("10.0.0.6/32"));
    out.guest("a", "blue", "10.0.0.5/24").groups("a", &["sender"]);
    out.guest("b", "blue", "10.0.0.6/24").groups("b", &["open"]);
    out.guest("c", "blue", "10.0.0.7/24").groups("c", &["open"]);
    let mut free = let_in(Rule::ingress().tcp(22, 22));
    free.unsecured("a").unsecured("b");
    // The receiver's groups see the address after translation, the sender's that before.
    let mut translated = routed();
    translated.floating_ip("ext", "198.51.100.20", "r", "10.0.0.5");
    translated.rule("from-nat", "nat-in", Rule::ingress().remote("198.51.100.10/32")).groups("a", &["from-nat"]);
    translated.rule("to-floating", "floating-out", Rule::egress().remote("198.51.100.20/32"));
    translated.groups("c", &["to-floating"]);
    let sent = translated.tcp("c", "r/green", "198.51.100.20", (40000, 80));
    let got = sent
        .clone()
        .source("198.51.100.10")
        .destination("10.0.0.5")
        .routed(crate::packet_table::mac("r/blue"), crate::packet_table::mac("a"));
    vec![
        Script::new("groups: outgoing packets by protocol, port and where to", &out)
            .packet("a", &to_b(&out, syn), delivered("b", &to_b(&out, syn)))
            .packet("a", &to_b(&out, Transport::Tcp(80, 81, 2)), dropped(DropReason::AclEgress))
            .packet("a", &out.packet("a", "c", "10.0.0.7", syn), dropped(DropReason::AclEgress))
            .done(),
        Script::new("groups: a port without security sends and receives anything", &free)
            .packet("a", &to_b(&free, syn), delivered("b", &to_b(&free, syn)))
            .done(),
        Script::new("groups: the sender's see the address before translation, the receiver's that after", &translated)
            .packet("c", &sent, delivered("a", &got))
            .packet("c", &translated.tcp("c", "r/green", "10.0.0.5", (40000, 80)), dropped(DropReason::AclEgress))
            .done(),
        Script::new("groups: a rule of one direction says nothing of the other", &{
            let mut net = let_in(Rule::egress());
            net.rule("sender", "in", Rule::ingress());
            net
        })
        .packet("a", &to_b(&out, syn), dropped(DropReason::AclIngress))
        .done(),
    ]
}
