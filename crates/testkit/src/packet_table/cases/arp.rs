//! Stage 3: address resolution.

use logical::{DropReason, SERVICE_ADDRESS, SERVICE_MAC};
use types::MacAddr;

use super::{two_guests, with_floating_ip};
use crate::{
    frame::{Frame, parse},
    packet_table::{
        Case, Script, Topology,
        case::{answered, delivered, dropped, flooded},
        mac,
    },
};

pub(super) fn cases() -> Vec<Case> {
    [requests(), floods(), replies(), wire()].into_iter().flatten().collect()
}

fn ask(net: &Topology, from: &str, wanted: &str) -> Frame {
    Frame::arp_request((mac(from), net.address(from)), parse(wanted))
}

/// What the datapath answers to that in the name of a port.
fn told(net: &Topology, from: &str, wanted: &str, owner: MacAddr) -> Frame {
    Frame::arp_reply((owner, parse(wanted)), (mac(from), net.address(from)))
}

fn requests() -> Vec<Case> {
    let net = with_floating_ip();
    let mut guests_outside = net.clone();
    guests_outside.open_guests(&[("o", "ext", "198.51.100.50/24")]);
    let services = SERVICE_ADDRESS.to_string();
    let mut off = net.clone();
    off.enabled("b", false).router_enabled("r", false).detached("c");
    let unicast = ask(&net, "a", "10.0.0.6").destination_mac(mac("r/blue"));
    vec![
        Script::new("arp: a neighbour's address is answered", &net)
            .packet("a", &ask(&net, "a", "10.0.0.6"), answered(&told(&net, "a", "10.0.0.6", mac("b"))))
            .done(),
        Script::new("arp: the router's address is answered", &net)
            .packet("a", &ask(&net, "a", "10.0.0.1"), answered(&told(&net, "a", "10.0.0.1", mac("r/blue"))))
            .done(),
        Script::new("arp: the services' address is answered everywhere", &net)
            .packet("a", &ask(&net, "a", &services), answered(&told(&net, "a", &services, SERVICE_MAC)))
            .packet("c", &ask(&net, "c", &services), answered(&told(&net, "c", &services, SERVICE_MAC)))
            .done(),
        Script::new("arp: a floating IP is answered to servers on its external switch", &guests_outside)
            .packet("o", &ask(&guests_outside, "o", "198.51.100.20"), {
                answered(&told(&guests_outside, "o", "198.51.100.20", mac("r/ext")))
            })
            .done(),
        Script::new("arp: the answer goes to who asked, whomever the request was sent to", &net)
            .packet("a", &unicast, answered(&told(&net, "a", "10.0.0.6", mac("b"))))
            .done(),
        Script::new("arp: padding of a request stays", &net)
            .packet("a", &ask(&net, "a", "10.0.0.6").padding(18), {
                answered(&told(&net, "a", "10.0.0.6", mac("b")).padding(18))
            })
            .done(),
        Script::new("arp: addresses of ports that are down or without a device are answered all the same", &off)
            .packet("a", &ask(&net, "a", "10.0.0.6"), answered(&told(&net, "a", "10.0.0.6", mac("b"))))
            .packet("a", &ask(&net, "a", "10.0.0.1"), answered(&told(&net, "a", "10.0.0.1", mac("r/blue"))))
            .done(),
    ]
}

fn floods() -> Vec<Case> {
    let mut net = two_guests();
    net.open_guests(&[("c", "blue", "10.0.0.7/24"), ("d", "blue", "10.0.0.8/24"), ("e", "blue", "10.0.0.9/24")]);
    net.switch("green").open_guests(&[("far", "green", "10.0.0.10/24")]);
    net.router("r").interface("r", "blue", "10.0.0.1/24");
    net.enabled("d", false).detached("e");
    let unknown = ask(&net, "a", "10.0.0.77");
    let own = ask(&net, "a", "10.0.0.5");
    let probe = Frame::arp_request((mac("a"), parse("0.0.0.0")), net.address("a"));
    let gratuitous = Frame::arp_reply((mac("a"), net.address("a")), (MacAddr::BROADCAST, net.address("a")));
    let mut claims = net.clone();
    claims.pair("a", "10.0.0.7");
    let claim = Frame::arp_request((mac("a"), parse("10.0.0.7")), parse("10.0.0.7"));
    vec![
        Script::new("arp: a question for an address of nobody goes to all servers of the switch that are up", &net)
            .packet("a", &unknown, flooded(&["b", "c"], &unknown))
            .done(),
        Script::new("arp: a question for an address of another switch is one for nobody's", &net)
            .packet("a", &ask(&net, "a", "10.0.0.10"), flooded(&["b", "c"], &ask(&net, "a", "10.0.0.10")))
            .done(),
        Script::new("arp: an announcement goes to all", &net)
            .packet("a", &own, flooded(&["b", "c"], &own))
            .packet("a", &gratuitous, flooded(&["b", "c"], &gratuitous))
            .done(),
        Script::new("arp: an announcement goes to all even for an address that another port has", &claims)
            .packet("a", &claim, flooded(&["b", "c"], &claim))
            .done(),
        Script::new("arp: a probe for one's own address is no question that we answer", &net)
            .packet("a", &probe, flooded(&["b", "c"], &probe))
            .done(),
    ]
}

fn replies() -> Vec<Case> {
    let mut net = two_guests();
    net.open_guests(&[("c", "blue", "10.0.0.7/24"), ("d", "blue", "10.0.0.8/24")]);
    net.router("r").interface("r", "blue", "10.0.0.1/24").enabled("c", false).detached("d");
    let reply = |to: &str| Frame::arp_reply((mac("a"), net.address("a")), (mac(to), net.address("b")));
    let case = |name, to: &str, reason| Script::new(name, &net).packet("a", &reply(to), dropped(reason)).done();
    vec![
        Script::new("arp: a reply goes to its server, and no group is asked", &{
            let mut closed = net.clone();
            closed.groups("a", &[]).groups("b", &[]);
            closed
        })
        .packet("a", &reply("b"), delivered("b", &reply("b")))
        .done(),
        case("arp: a reply to a router is absorbed", "r/blue", DropReason::ArpAbsorbed),
        Script::new("arp: a reply to the services is absorbed", &net)
            .packet("a", &reply("b").destination_mac(SERVICE_MAC), dropped(DropReason::ArpAbsorbed))
            .done(),
        case("arp: a reply to nobody is dropped", "nobody", DropReason::UnknownDestination),
        case("arp: a reply to oneself is dropped", "a", DropReason::Hairpin),
        case("arp: a reply to a disabled port is dropped", "c", DropReason::PortDisabled),
        case("arp: a reply to a port without a device is dropped", "d", DropReason::NoDevice),
        Script::new("arp: a reply to a multicast address is dropped", &net)
            .packet("a", &reply("b").destination_mac(MacAddr([1, 0, 0x5e, 0, 0, 1])), {
                dropped(DropReason::UnknownDestination)
            })
            .done(),
    ]
}

fn wire() -> Vec<Case> {
    let net = with_floating_ip();
    let neighbour = (mac("neighbour"), parse("198.51.100.1"));
    let ask = |wanted: &str| Frame::arp_request(neighbour, parse(wanted));
    let told = |wanted: &str| Frame::arp_reply((mac("r/ext"), parse(wanted)), neighbour);
    vec![
        Script::new("arp: a router's address is answered to the wire", &net)
            .packet("ext", &ask("198.51.100.10"), answered(&told("198.51.100.10")))
            .packet("ext", &ask("198.51.100.10").destination_mac(mac("r/ext")), answered(&told("198.51.100.10")))
            .done(),
        Script::new("arp: a floating IP is answered to the wire while it is there", &net)
            .packet("ext", &ask("198.51.100.20"), answered(&told("198.51.100.20")))
            .change(|net| net.remove_floating_ip("ext", "198.51.100.20"))
            .packet("ext", &ask("198.51.100.20"), crate::packet_table::case::foreign())
            .done(),
    ]
}
