//! Stages 2 and 4: port security, and the services of the host.

use logical::{DropReason, SERVICE_ADDRESS, SERVICE_MAC};
use types::MacAddr;

use super::{routed, two_guests};
use crate::{
    frame::{Frame, Transport, parse},
    packet_table::{
        Case, Script, Topology,
        case::{answered, delivered, dropped, flooded, to_services},
        mac,
    },
};

pub(super) fn cases() -> Vec<Case> {
    [spoofed(), spoofed_arp(), pairs(), services()].into_iter().flatten().collect()
}

fn spoofed() -> Vec<Case> {
    let net = two_guests();
    let good = net.tcp("a", "b", "10.0.0.6", (1000, 80));
    let dhcp_answer = net.udp("a", "b", "10.0.0.6", (67, 68));
    let mut free = net.clone();
    free.unsecured("a");
    let stolen = good.clone().source_mac(mac("b"));
    let lie = good.clone().source("10.0.0.99");
    vec![
        Script::new("port security: another's MAC is dropped", &net)
            .packet("a", &stolen, dropped(DropReason::SpoofedMac))
            .done(),
        Script::new("port security: another's MAC is noticed before the address", &net)
            .packet("a", &stolen.clone().source("10.0.0.99"), dropped(DropReason::SpoofedMac))
            .done(),
        Script::new("port security: another's address is dropped", &net)
            .packet("a", &lie, dropped(DropReason::SpoofedIp))
            .packet("a", &good.clone().source("0.0.0.0"), dropped(DropReason::SpoofedIp))
            .done(),
        Script::new("port security: a server that answers DHCP is dropped", &net)
            .packet("a", &dhcp_answer, dropped(DropReason::DhcpServer))
            .packet("a", &dhcp_answer.clone().source_port(66), delivered("b", &dhcp_answer.clone().source_port(66)))
            .done(),
        Script::new("port security: a port without it may use any address", &free)
            .packet("a", &stolen.clone().source_mac(mac("x")), delivered("b", &stolen.source_mac(mac("x"))))
            .packet("a", &lie, delivered("b", &lie))
            .packet("a", &dhcp_answer, delivered("b", &dhcp_answer))
            .done(),
    ]
}

fn spoofed_arp() -> Vec<Case> {
    let net = two_guests();
    let ask = |mac_, address: &str| Frame::arp_request((mac_, parse(address)), net.address("b"));
    let question = ask(mac("a"), "10.0.0.5");
    let answer = Frame::arp_reply((mac("b"), net.address("b")), (mac("a"), net.address("a")));
    let reply = Frame::arp_reply((mac("a"), parse("10.0.0.77")), (mac("b"), net.address("b")));
    vec![
        Script::new("port security: ARP with another's address is dropped", &net)
            .packet("a", &ask(mac("a"), "10.0.0.99"), dropped(DropReason::SpoofedArp))
            .packet("a", &reply, dropped(DropReason::SpoofedArp))
            .done(),
        Script::new("port security: ARP whose sender is not the frame's is dropped", &net)
            .packet("a", &ask(mac("b"), "10.0.0.6").source_mac(mac("a")), dropped(DropReason::SpoofedArp))
            .done(),
        Script::new("port security: ARP from another's MAC is dropped", &net)
            .packet("a", &question.clone().source_mac(mac("b")), dropped(DropReason::SpoofedMac))
            .done(),
        Script::new("port security: an ARP probe has no sender address, and that is fine", &net)
            .packet("a", &ask(mac("a"), "0.0.0.0"), {
                answered(&Frame::arp_reply((mac("b"), net.address("b")), (mac("a"), parse("0.0.0.0"))))
            })
            .done(),
        Script::new("port security: a sender that keeps to its addresses passes", &net)
            .packet("a", &question, answered(&answer))
            .done(),
    ]
}

fn pairs() -> Vec<Case> {
    let mut net = two_guests();
    net.pair("a", "10.0.0.100").pair("a", "10.0.8.0/22").pair_with("a", mac("virtual"), "10.0.0.200");
    let from = |address: &str| net.tcp("a", "b", "10.0.0.6", (1000, 80)).source(address);
    let announcement = |address: &str| Frame::arp_request((mac("a"), parse(address)), parse(address));
    let shared = announcement("10.0.0.100");
    vec![
        Script::new("port security: an allowed address passes", &net)
            .packet("a", &from("10.0.0.100"), delivered("b", &from("10.0.0.100")))
            .packet("a", &from("10.0.0.101"), dropped(DropReason::SpoofedIp))
            .done(),
        Script::new("port security: an allowed range passes from its first address to its last", &net)
            .packet("a", &from("10.0.8.0"), delivered("b", &from("10.0.8.0")))
            .packet("a", &from("10.0.11.255"), delivered("b", &from("10.0.11.255")))
            .packet("a", &from("10.0.12.0"), dropped(DropReason::SpoofedIp))
            .packet("a", &from("10.0.7.255"), dropped(DropReason::SpoofedIp))
            .done(),
        Script::new("port security: an allowed MAC goes with its own address only", &net)
            .packet("a", &from("10.0.0.200").source_mac(mac("virtual")), {
                delivered("b", &from("10.0.0.200").source_mac(mac("virtual")))
            })
            .packet("a", &from("10.0.0.5").source_mac(mac("virtual")), dropped(DropReason::SpoofedIp))
            .packet("a", &from("10.0.0.200"), dropped(DropReason::SpoofedIp))
            .done(),
        Script::new("port security: an allowed address may be announced by ARP", &net)
            .packet("a", &shared, flooded(&["b"], &shared))
            .packet("a", &announcement("10.0.0.101"), dropped(DropReason::SpoofedArp))
            .done(),
    ]
}

fn services() -> Vec<Case> {
    let net = routed();
    let address = SERVICE_ADDRESS.to_string();
    let to = |transport| net.packet("a", "r/blue", &address, transport).destination_mac(SERVICE_MAC);
    let discover = Frame::ip(
        (mac("a"), MacAddr::BROADCAST),
        (parse("0.0.0.0"), parse("255.255.255.255")),
        Transport::Udp(68, 67, true),
    );
    let renew = to(Transport::Udp(68, 67, true));
    let metadata = to(Transport::Tcp(40000, 80, crate::frame::SYN));
    let ping = to(Transport::Icmp(8, 0, 5));
    let script = |name, net: &Topology| Script::new(name, net);
    let without = |change: fn(&mut Topology) -> &mut Topology| {
        let mut net = net.clone();
        change(&mut net);
        net
    };
    let closed = without(|net| net.groups("a", &[]));
    let deaf = without(|net| net.without_dhcp("a"));
    vec![
        script("services: DHCP by broadcast and to the services' address", &net)
            .packet("a", &discover, to_services())
            .packet("a", &renew, to_services())
            .packet("a", &renew.clone().source_port(1068), to_services())
            .done(),
        script("services: DHCP where it is off is dropped", &deaf)
            .packet("a", &discover, dropped(DropReason::DhcpDisabled))
            .packet("a", &renew, dropped(DropReason::DhcpDisabled))
            .done(),
        script("services: DHCP to a neighbour is a packet like any other", &deaf)
            .packet("a", &net.udp("a", "b", "10.0.0.6", (68, 67)), {
                delivered("b", &net.udp("a", "b", "10.0.0.6", (68, 67)))
            })
            .done(),
        script("services: metadata and pings", &net)
            .packet("a", &metadata, to_services())
            .packet("a", &ping, to_services())
            .done(),
        script("services: by whatever MAC", &net)
            .packet("a", &metadata.clone().destination_mac(mac("r/blue")), to_services())
            .packet("a", &metadata.clone().destination_mac(mac("b")), to_services())
            .done(),
        script("services: whatever their TTL", &net).packet("a", &metadata.clone().ttl(1), to_services()).done(),
        script("services: groups do not apply", &closed)
            .packet("a", &discover, to_services())
            .packet("a", &metadata, to_services())
            .done(),
        script("services: port security does", &net)
            .packet("a", &metadata.clone().source("10.0.0.9"), dropped(DropReason::SpoofedIp))
            .packet("a", &discover.clone().source_mac(mac("b")), dropped(DropReason::SpoofedMac))
            .packet("a", &discover.clone().source_port(69), dropped(DropReason::SpoofedIp))
            .done(),
        script("services: nothing else answers there", &net)
            .packet("a", &metadata.clone().destination_port(443), dropped(DropReason::NoSuchService))
            .packet("a", &to(Transport::Udp(1000, 80, true)), dropped(DropReason::NoSuchService))
            .packet("a", &to(Transport::Icmp(0, 0, 5)), dropped(DropReason::NoSuchService))
            .packet("a", &to(Transport::Other(47)), dropped(DropReason::NoSuchService))
            .done(),
    ]
}
