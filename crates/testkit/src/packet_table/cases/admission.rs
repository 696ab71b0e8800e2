//! Stage 1: what is a packet at all, and what of the wire is for us.

use logical::DropReason;
use types::MacAddr;

use super::{from_wire, routed, two_guests};
use crate::{
    frame::{ACK, Frame, SYN, Transport},
    packet_table::{
        Case, Script,
        case::{delivered, delivered_octets, dropped, foreign},
        mac,
    },
};

pub(super) fn cases() -> Vec<Case> {
    [malformed(), transport_cut_short(), kinds(), wire()].into_iter().flatten().collect()
}

fn malformed() -> Vec<Case> {
    let net = two_guests();
    let good = net.tcp("a", "b", "10.0.0.6", (1000, 80)).payload(4).bytes();
    let cut = |length: usize| good[..length].to_vec();
    let with = |at: usize, octet: u8| {
        let mut frame = good.clone();
        frame[at] = octet;
        frame
    };
    let case = |name, frame| Script::new(name, &net).octets("a", frame, dropped(DropReason::Malformed)).done();
    vec![
        case("admission: an IP header cut short is malformed", cut(14 + 19)),
        case("admission: no IP header at all is malformed", cut(14)),
        case("admission: version 6 in an IPv4 frame is malformed", with(14, 0x65)),
        case("admission: a header length below five words is malformed", with(14, 0x44)),
        case("admission: a header length beyond the packet is malformed", with(14, 0x4f)),
        case("admission: a total length beyond the frame is malformed", with(17, 45)),
        case("admission: a total length below the header is malformed", with(17, 19)),
        case("admission: a frame shorter than its total length is malformed", cut(14 + 43)),
        Script::new("admission: padding behind the total length is fine", &net)
            .octets(
                "a",
                good.iter().copied().chain([0; 6]).collect(),
                delivered_octets("b", {
                    let mut padded = good.clone();
                    padded.extend([0; 6]);
                    padded
                }),
            )
            .done(),
    ]
}

fn transport_cut_short() -> Vec<Case> {
    let net = two_guests();
    let case = |name, transport, header: u8| {
        let whole = net.packet("a", "b", "10.0.0.6", transport);
        let mut short = whole.bytes();
        // The octets are there; by the total length they are padding.
        short[17] = 20 + header - 1;
        Script::new(name, &net)
            .octets("a", short, dropped(DropReason::Malformed))
            .packet("a", &whole, delivered("b", &whole))
            .done()
    };
    vec![
        case("admission: a TCP header of 19 octets is malformed", Transport::Tcp(1000, 80, SYN), 20),
        case("admission: a UDP header of 7 octets is malformed", Transport::Udp(1000, 53, true), 8),
        case("admission: an ICMP header of 7 octets is malformed", Transport::Icmp(8, 0, 7), 8),
        case("admission: an SCTP header of 11 octets is malformed", Transport::Sctp(1000, 80), 12),
        {
            let bare = net.packet("a", "b", "10.0.0.6", Transport::Other(47));
            Script::new("admission: other protocols need no header", &net)
                .packet("a", &bare, delivered("b", &bare))
                .done()
        },
    ]
}

fn kinds() -> Vec<Case> {
    let net = two_guests();
    let good = net.tcp("a", "b", "10.0.0.6", (1000, 80));
    let raw = |ethertype, octets| Frame::raw((mac("a"), mac("b")), ethertype, octets);
    let mut arp = Frame::arp_request((mac("a"), net.address("a")), net.address("b")).bytes();
    arp.truncate(14 + 27);
    let mut token_ring = Frame::arp_request((mac("a"), net.address("a")), net.address("b")).bytes();
    token_ring[15] = 6;
    let mut inverse = Frame::arp_request((mac("a"), net.address("a")), net.address("b")).bytes();
    inverse[21] = 8;
    let case = |name, frame: Vec<u8>, reason| Script::new(name, &net).octets("a", frame, dropped(reason)).done();
    let fragment = |flags| good.clone().fragment(flags).bytes();
    let mut disabled = net.clone();
    disabled.enabled("a", false);
    vec![
        case("admission: a VLAN tag is not taken", good.clone().vlan(7).bytes(), DropReason::VlanTag),
        case("admission: a service VLAN tag is not taken", raw(0x88a8, vec![0; 40]).bytes(), DropReason::VlanTag),
        case("admission: IPv6 is not forwarded yet", raw(0x86dd, vec![0x60; 60]).bytes(), DropReason::Ipv6Unsupported),
        case("admission: other EtherTypes are not taken", raw(0x88cc, vec![0; 46]).bytes(), DropReason::Ethertype),
        case(
            "admission: a length in the place of the EtherType is not taken",
            raw(38, vec![0x42; 46]).bytes(),
            DropReason::Ethertype,
        ),
        case("admission: ARP cut short is malformed", arp, DropReason::Malformed),
        case("admission: ARP for other hardware is malformed", token_ring, DropReason::Malformed),
        case("admission: ARP that neither asks nor answers is malformed", inverse, DropReason::Malformed),
        case("admission: a first fragment is not taken", fragment(0x2000), DropReason::Fragment),
        case("admission: a later fragment is not taken", fragment(0x0010), DropReason::Fragment),
        {
            let frame = good.clone().fragment(0x4000);
            Script::new("admission: don't-fragment is no fragment", &net)
                .packet("a", &frame, delivered("b", &frame))
                .done()
        },
        {
            let frame = good.clone().options(8).payload(10);
            Script::new("admission: IP options are fine", &net).packet("a", &frame, delivered("b", &frame)).done()
        },
        {
            let mut frame = good.clone().payload(3).bytes();
            frame[14 + 10] ^= 0x55;
            frame[14 + 20 + 16] ^= 0xaa;
            Script::new("admission: checksums are not verified", &net)
                .octets("a", frame.clone(), delivered_octets("b", frame))
                .done()
        },
        Script::new("admission: a disabled port sends nothing", &disabled)
            .packet("a", &good, dropped(DropReason::PortDisabled))
            .packet("a", &good.clone().vlan(7), dropped(DropReason::VlanTag))
            .packet("a", &raw(0x86dd, vec![0x60; 60]), dropped(DropReason::PortDisabled))
            .octets("a", good.bytes()[..20].to_vec(), dropped(DropReason::PortDisabled))
            .done(),
    ]
}

fn wire() -> Vec<Case> {
    let net = routed();
    let ours = from_wire(&net, "203.0.113.9", "198.51.100.99", Transport::Tcp(1000, 80, ACK));
    let neighbour = (mac("neighbour"), "198.51.100.1".parse().unwrap_or(std::net::Ipv4Addr::UNSPECIFIED));
    let other = |ethertype, octets| Frame::raw((mac("neighbour"), mac("r/ext")), ethertype, octets);
    let script = |name| Script::new(name, &net);
    vec![
        script("wire: a frame for another MAC is left to the host")
            .packet("ext", &ours.clone().destination_mac(mac("somebody")), foreign())
            .packet("ext", &ours.clone().destination_mac(MacAddr::BROADCAST), foreign())
            .done(),
        script("wire: what is not for us is left to the host, whatever is wrong with it")
            .packet("ext", &ours.clone().vlan(7).destination_mac(mac("somebody")), foreign())
            .packet("ext", &ours.clone().fragment(0x2000).destination_mac(mac("somebody")), foreign())
            .octets("ext", ours.clone().destination_mac(mac("somebody")).bytes()[..30].to_vec(), foreign())
            .done(),
        script("wire: a MAC of a router port on another switch is not ours here")
            .packet("ext", &ours.clone().destination_mac(mac("r/blue")), foreign())
            .done(),
        script("wire: what is for a router's MAC is judged as from a port")
            .packet("ext", &ours.clone().vlan(7), dropped(DropReason::VlanTag))
            .packet("ext", &ours.clone().fragment(0x2000), dropped(DropReason::Fragment))
            .packet("ext", &other(0x86dd, vec![0x60; 60]), dropped(DropReason::Ipv6Unsupported))
            .packet("ext", &other(0x88cc, vec![0; 46]), dropped(DropReason::Ethertype))
            .octets("ext", ours.bytes()[..40].to_vec(), dropped(DropReason::Malformed))
            .done(),
        script("wire: ARP other than questions for our addresses is left to the host")
            .packet("ext", &Frame::arp_request(neighbour, net.address("a")), foreign())
            .packet("ext", &Frame::arp_reply(neighbour, (mac("r/ext"), net.address("r/ext"))), foreign())
            .octets("ext", Frame::arp_request(neighbour, net.address("r/ext")).bytes()[..40].to_vec(), foreign())
            .done(),
    ]
}
