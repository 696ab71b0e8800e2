//! Whatever comes in, the interpreter answers.

#![forbid(unsafe_code)]

use std::time::Duration;

use logical::{FlowState, Input, Point, Verdict, trace};
use proptest::prelude::*;
use testkit::{
    frame::{SYN, Transport},
    packet_table::{Topology, mac},
};

fn net() -> Topology {
    let mut net = Topology::new();
    net.switch("blue").external("ext").router("r").interface("r", "blue", "10.0.0.1/24");
    net.open_guests(&[("a", "blue", "10.0.0.5/24"), ("b", "blue", "10.0.0.6/24")]).unsecured("a");
    net.gateway("r", "ext", "198.51.100.10/24", true).floating_ip("ext", "198.51.100.20", "r", "10.0.0.5");
    net
}

fn verdict(net: &Topology, at: &str, frame: &[u8]) -> Verdict {
    let input = Input { point: net.point(at), frame };
    trace(&net.network, &mut FlowState::default(), Duration::ZERO, input).verdict
}

proptest! {
    #[test]
    fn octets(frame in prop::collection::vec(any::<u8>(), 0..200)) {
        let net = net();
        verdict(&net, "a", &frame);
        verdict(&net, "ext", &frame);
    }

    /// Behind an Ethernet header that leads somewhere.
    #[test]
    fn octets_of_a_known_kind(
        to in prop::sample::select(vec!["b", "r/blue", "r/ext"]),
        kind in prop::sample::select(vec![[8u8, 0], [8, 6]]),
        version in prop::sample::select(vec![0x45u8, 0x46, 0x4f, 0x44, 0x00]),
        rest in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let net = net();
        let mut frame = [mac(to).0, mac("a").0].concat();
        frame.extend(kind);
        if kind == [8, 0] {
            frame.push(version);
        }
        frame.extend(rest);
        verdict(&net, "a", &frame);
        verdict(&net, "ext", &frame);
    }

    /// A good packet with some octets changed and some cut off.
    #[test]
    fn a_damaged_packet(
        changes in prop::collection::vec((0usize..80, any::<u8>()), 0..6),
        length in 0usize..80,
        transport in prop::sample::select(vec![
            Transport::Tcp(1000, 80, SYN),
            Transport::Udp(1000, 53, true),
            Transport::Icmp(8, 0, 1),
            Transport::Sctp(1, 2),
            Transport::Other(47),
        ]),
        to in prop::sample::select(vec!["10.0.0.6", "10.0.0.1", "203.0.113.9", "198.51.100.20", "169.254.169.254"]),
    ) {
        let net = net();
        let mut frame = net.packet("a", "r/blue", to, transport).payload(20).bytes();
        for (at, octet) in changes {
            if let Some(place) = frame.get_mut(at) {
                *place = octet;
            }
        }
        frame.truncate(length.max(1));
        verdict(&net, "a", &frame);
    }

    /// A packet from a point that the network does not have is refused, not followed.
    #[test]
    fn an_unknown_point(frame in prop::collection::vec(any::<u8>(), 14..80)) {
        let net = net();
        let nobody = Point::Port(logical::PortId(uuid::Uuid::nil()));
        let input = Input { point: nobody, frame: &frame };
        let traced = trace(&net.network, &mut FlowState::default(), Duration::ZERO, input);
        prop_assert!(matches!(traced.verdict, Verdict::Dropped(_)));
        prop_assert!(traced.outputs.is_empty());
    }
}
