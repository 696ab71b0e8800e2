//! Stages 6 and 8: switching, and whether the receiver can take a packet.

use logical::{DropReason, SERVICE_MAC};
use types::MacAddr;

use super::two_guests;
use crate::packet_table::{
    Case, Script, Topology,
    case::{delivered, dropped},
    mac,
};

pub(super) fn cases() -> Vec<Case> {
    let net = two_guests();
    let good = net.tcp("a", "b", "10.0.0.6", (1000, 80));
    let without = |change: fn(&mut Topology) -> &mut Topology| {
        let mut net = net.clone();
        change(&mut net);
        net
    };
    let to = |address| good.clone().destination_mac(address);
    let mut neighbours = net.clone();
    neighbours.switch("green").open_guests(&[("far", "green", "10.0.0.6/24")]);
    let mut small = net.clone();
    small.mtu("blue", 576);
    let big = good.clone().payload(1400);
    vec![
        Script::new("switch: a neighbour's MAC leads to it, unchanged", &net)
            .packet("a", &good, delivered("b", &good))
            .packet("a", &good.clone().ttl(1), delivered("b", &good.clone().ttl(1)))
            .done(),
        Script::new("switch: the MAC decides, whatever the address", &net)
            .packet("a", &good.clone().destination("203.0.113.1"), {
                delivered("b", &good.clone().destination("203.0.113.1"))
            })
            .done(),
        Script::new("switch: no MTU within a switch", &small).packet("a", &big, delivered("b", &big)).done(),
        Script::new("switch: multicast and broadcast are not forwarded yet", &net)
            .packet("a", &to(MacAddr::BROADCAST), dropped(DropReason::Multicast))
            .packet("a", &to(MacAddr([1, 0, 0x5e, 0, 0, 18])), dropped(DropReason::Multicast))
            .done(),
        Script::new("switch: an unknown MAC is dropped", &net)
            .packet("a", &to(mac("nobody")), dropped(DropReason::UnknownDestination))
            .packet("a", &to(SERVICE_MAC), dropped(DropReason::UnknownDestination))
            .done(),
        Script::new("switch: a MAC of another switch is unknown", &neighbours)
            .packet("a", &to(mac("far")), dropped(DropReason::UnknownDestination))
            .done(),
        Script::new("switch: one's own MAC is dropped", &net)
            .packet("a", &to(mac("a")), dropped(DropReason::Hairpin))
            .done(),
        Script::new("switch: where to is asked before whether", &without(|net| net.groups("a", &[])))
            .packet("a", &to(mac("nobody")), dropped(DropReason::UnknownDestination))
            .packet("a", &to(mac("a")), dropped(DropReason::Hairpin))
            .packet("a", &good, dropped(DropReason::AclEgress))
            .done(),
        Script::new("switch: a disabled receiver gets nothing", &without(|net| net.enabled("b", false)))
            .packet("a", &good, dropped(DropReason::PortDisabled))
            .done(),
        Script::new("switch: a receiver without a device gets nothing", &without(|net| net.detached("b")))
            .packet("a", &good, dropped(DropReason::NoDevice))
            .done(),
        Script::new(
            "switch: whether the receiver is there is asked before its groups",
            &without(|net| net.enabled("b", false).groups("b", &[])),
        )
        .packet("a", &good, dropped(DropReason::PortDisabled))
        .done(),
    ]
}
