//! What `baryon trace` says, and that it says it of the packet that a server would really send.

#![forbid(unsafe_code)]
// What a test's own functions cannot do fails the test.
#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;

use logical::{
    Dhcp4Options, DhcpRoute, DropReason, ExplainError, ExplainRequest, PortServices, RowKey, Trace, Verdict, explain,
};
use testkit::packet_table::{
    Rule, Topology,
    topology::{port_id, switch_id},
};
use types::Protocol;

/// Servers a (10.0.0.5) and b (10.0.0.6) of one switch, c (10.0.1.5) of another, router r between them and to ext.
fn net() -> Topology {
    let mut net = Topology::new();
    net.switch("blue").switch("green").external("ext").router("r");
    net.interface("r", "blue", "10.0.0.1/24").interface("r", "green", "10.0.1.1/24");
    net.gateway("r", "ext", "198.51.100.10/24", true);
    net.rule("web", "web-in", Rule::ingress().tcp(80, 80)).rule("any", "any-out", Rule::egress());
    net.guest("a", "blue", "10.0.0.5/24").groups("a", &["any"]);
    net.guest("b", "blue", "10.0.0.6/24").groups("b", &["any", "web"]);
    net.guest("c", "green", "10.0.1.5/24").groups("c", &["any", "web"]);
    for (guest, router) in [("a", "10.0.0.1"), ("b", "10.0.0.1"), ("c", "10.0.1.1")] {
        dhcp(&mut net, guest, |options| options.router = router.parse().ok());
    }
    net
}

fn dhcp(net: &mut Topology, guest: &str, change: impl FnOnce(&mut Dhcp4Options)) {
    let mut port = net.port(guest).clone();
    let mut services: PortServices = port.services.as_deref().cloned().unwrap();
    change(services.dhcp4.as_mut().unwrap());
    port.services = Some(services.into());
    net.network.put(port.into());
}

fn ask(net: &Topology, from: &str, to: &str, protocol: Protocol, port: Option<u16>) -> Trace {
    let to: Ipv4Addr = to.parse().unwrap();
    let request = ExplainRequest { from: port_id(from), to, protocol, source_port: None, destination_port: port };
    explain(&net.network, &request).unwrap()
}

fn web(net: &Topology, from: &str, to: &str) -> Trace {
    ask(net, from, to, Protocol::TCP, Some(80))
}

fn says(trace: &Trace, what: &str) {
    let text: String = trace.steps.iter().map(|step| format!("{}: {}\n", step.stage, step.text)).collect();
    assert!(text.contains(what), "nothing says '{what}' in\n{text}");
}

#[test]
fn a_neighbour_is_reached_directly_and_the_rule_that_lets_in_is_named() {
    let net = net();
    let traced = web(&net, "a", "10.0.0.6");
    assert_eq!(traced.verdict, Verdict::Delivered { to: port_id("b") });
    says(&traced, "the server sends to 10.0.0.6 (on its own subnet 10.0.0.0/24)");
    let rule = net.network.acls.values().find(|rule| rule.ports.is_some()).unwrap();
    says(&traced, &format!("ingress-acl: allowed by security_group_rule {} of group {}", rule.id, rule.group));
    says(&traced, "ingress IPv4 tcp ports 80");
    assert!(traced.steps.iter().any(|step| step.subject.as_ref() == Some(&rule.origin)));
}

#[test]
fn what_no_rule_lets_in_is_dropped_and_says_where() {
    let net = net();
    let traced = ask(&net, "a", "10.0.0.6", Protocol::TCP, Some(22));
    assert_eq!(traced.verdict, Verdict::Dropped(DropReason::AclIngress));
    assert!(traced.outputs.is_empty());
    says(&traced, "dropped (acl-ingress)");
}

#[test]
fn another_network_is_reached_by_the_router_that_dhcp_names() {
    let traced = web(&net(), "a", "10.0.1.5");
    assert_eq!(traced.verdict, Verdict::Delivered { to: port_id("c") });
    says(&traced, "the server sends to 10.0.0.1 (its default router)");
    says(&traced, "route 10.0.1.0/24 connected");
}

#[test]
fn the_outside_is_reached_by_source_nat() {
    let traced = web(&net(), "a", "203.0.113.9");
    let next_hop = "198.51.100.1".parse().unwrap();
    assert_eq!(traced.verdict, Verdict::ToWire { switch: switch_id("ext"), next_hop });
    says(&traced, "route 0.0.0.0/0 via 198.51.100.1");
    says(&traced, "source 10.0.0.5 becomes 198.51.100.10");
}

#[test]
fn a_host_route_wins_over_the_default_router_and_the_subnet_over_a_wider_host_route() {
    let mut net = net();
    let route = |destination: &str| DhcpRoute {
        destination: destination.parse().unwrap(),
        next_hop: "10.0.0.6".parse().unwrap(),
    };
    dhcp(&mut net, "a", |options| options.routes = vec![route("10.0.1.0/24"), route("10.0.0.0/8")]);
    let traced = web(&net, "a", "10.0.1.5");
    says(&traced, "the server sends to 10.0.0.6 (host route to 10.0.1.0/24)");
    assert_eq!(traced.verdict, Verdict::Delivered { to: port_id("b") });
    says(&web(&net, "a", "10.0.0.6"), "on its own subnet");
}

#[test]
fn a_server_without_a_router_cannot_send_anywhere_else() {
    let mut net = net();
    dhcp(&mut net, "a", |options| options.router = None);
    let traced = web(&net, "a", "10.0.1.5");
    assert_eq!(traced.verdict, Verdict::Dropped(DropReason::NoRoute));
    says(&traced, "the server has no route to 10.0.1.5");
}

#[test]
fn a_server_that_was_configured_by_hand_is_taken_to_use_the_only_router() {
    let mut net = net();
    net.without_dhcp("a");
    let traced = web(&net, "a", "10.0.1.5");
    assert_eq!(traced.verdict, Verdict::Delivered { to: port_id("c") });
    says(&traced, "this is a guess");
}

#[test]
fn nobody_answers_for_an_address_that_nobody_has() {
    let traced = web(&net(), "a", "10.0.0.99");
    assert_eq!(traced.verdict, Verdict::Dropped(DropReason::NoNeighbour));
    says(&traced, "the switch knows nobody with that address");
}

#[test]
fn an_allowed_address_leads_to_the_one_server_that_may_use_it() {
    let mut net = net();
    net.pair("b", "10.0.0.100");
    let traced = web(&net, "a", "10.0.0.100");
    assert_eq!(traced.verdict, Verdict::Delivered { to: port_id("b") });
    says(&traced, "allowed address pair");
}

#[test]
fn metadata_and_pings_of_a_router_are_explained_too() {
    let net = net();
    assert_eq!(web(&net, "a", "169.254.169.254").verdict, Verdict::ToServices);
    assert_eq!(ask(&net, "a", "10.0.0.1", Protocol::ICMP, None).verdict, Verdict::Answered);
    let sctp = ask(&net, "a", "10.0.0.6", Protocol::SCTP, Some(80));
    assert_eq!(sctp.verdict, Verdict::Dropped(DropReason::AclIngress));
    let gre = ask(&net, "a", "10.0.0.6", Protocol(47), None);
    assert_eq!(gre.verdict, Verdict::Dropped(DropReason::AclIngress));
}

#[test]
fn a_port_without_a_device_is_explained_as_if_it_had_one() {
    let mut net = net();
    net.detached("a");
    let traced = web(&net, "a", "10.0.0.6");
    assert_eq!(traced.verdict, Verdict::Delivered { to: port_id("b") });
    says(&traced, "has no device yet");
    net.detached("b");
    assert_eq!(web(&net, "a", "10.0.0.6").verdict, Verdict::Dropped(DropReason::NoDevice));
}

#[test]
fn a_request_that_no_packet_can_be_made_for_says_why() {
    let mut net = net();
    let request = |from: &str| ExplainRequest {
        from: port_id(from),
        to: Ipv4Addr::LOCALHOST,
        protocol: Protocol::TCP,
        source_port: None,
        destination_port: None,
    };
    let error = |net: &Topology, from| explain(&net.network, &request(from)).unwrap_err();
    assert_eq!(error(&net, "nobody"), ExplainError::UnknownPort(port_id("nobody")));
    assert_eq!(error(&net, "r/blue"), ExplainError::NotAGuest(port_id("r/blue")));
    let mut bare = net.port("a").clone();
    (bare.addresses, bare.services) = (Vec::new(), None);
    net.network.remove(&RowKey::Port(bare.id));
    net.network.put(bare.into());
    assert_eq!(error(&net, "a"), ExplainError::NoAddress(port_id("a")));
}
