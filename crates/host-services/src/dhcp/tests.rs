use std::{net::Ipv4Addr, sync::Arc};

use expect_test::{Expect, expect};
use logical::{Dhcp4Options, DhcpRoute, ExtraDhcpOption, PortId, PortServices};
use proptest::prelude::*;

use super::{answer, message::code, unusable_options};
use crate::{Count, config::PortEntry};

const MAC: [u8; 6] = [0xfa, 0x16, 0x3e, 0, 0, 1];
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);

pub(crate) fn options() -> Dhcp4Options {
    Dhcp4Options {
        address: ADDRESS,
        prefix_len: 24,
        router: Some(Ipv4Addr::new(10, 0, 0, 1)),
        dns_servers: vec![Ipv4Addr::new(9, 9, 9, 9), Ipv4Addr::new(1, 1, 1, 1)],
        routes: vec![DhcpRoute {
            destination: "192.168.128.0/17".parse().expect("a CIDR"),
            next_hop: Ipv4Addr::new(10, 0, 0, 254),
        }],
        mtu: 1442,
        lease_seconds: 86400,
        hostname: "web1".to_owned(),
        domain: Some("example.org".to_owned()),
        extra: Vec::new(),
    }
}

fn entry(dhcp4: Option<Dhcp4Options>) -> PortEntry {
    PortEntry {
        service_address: Ipv4Addr::new(100, 64, 0, 1),
        port: PortId("11111111-2222-4333-8444-555555555555".parse().unwrap()),
        mac: types::MacAddr(MAC),
        services: Arc::new(PortServices { dhcp4, metadata: None }),
    }
}

/// A request as clients write it.
fn request(kind: u8, ciaddr: Ipv4Addr, options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; 236];
    bytes[..4].copy_from_slice(&[1, 1, 6, 0]);
    bytes[4..8].copy_from_slice(&[0xde, 0xad, 0xbe, 0xef]);
    bytes[12..16].copy_from_slice(&ciaddr.octets());
    bytes[28..34].copy_from_slice(&MAC);
    bytes.extend([99, 130, 83, 99]);
    for (code, value) in [(code::MESSAGE_TYPE, &[kind][..])].iter().chain(options) {
        bytes.extend([*code, value.len() as u8]);
        bytes.extend(*value);
    }
    bytes.push(code::END);
    bytes
}

/// An answer in words: its addresses and its options in order.
fn show(bytes: &[u8]) -> String {
    assert_eq!(&bytes[..4], [2, 1, 6, 0]);
    assert_eq!(&bytes[4..8], [0xde, 0xad, 0xbe, 0xef]);
    assert_eq!(&bytes[28..34], MAC);
    assert_eq!(&bytes[236..240], [99, 130, 83, 99]);
    let address = |at: usize| Ipv4Addr::from(<[u8; 4]>::try_from(&bytes[at..at + 4]).unwrap());
    let file = bytes[108..236].split(|byte| *byte == 0).next().unwrap();
    let mut text = format!(
        "flags {:02x}{:02x} ciaddr {} yiaddr {} siaddr {} file '{}' length {}\n",
        bytes[10],
        bytes[11],
        address(12),
        address(16),
        address(20),
        String::from_utf8_lossy(file),
        bytes.len()
    );
    let mut rest = &bytes[240..];
    while rest[0] != code::END {
        let (value, after) = rest[2..].split_at(rest[1].into());
        let words: Vec<String> = value.iter().map(u8::to_string).collect();
        let readable = value.iter().all(u8::is_ascii_graphic) && value.len() > 3;
        let shown = if readable { format!("'{}'", String::from_utf8_lossy(value)) } else { words.join(" ") };
        text.push_str(&format!("{}: {shown}\n", rest[0]));
        rest = after;
    }
    text
}

fn check(dhcp: Dhcp4Options, request: &[u8], expected: &Expect) {
    expected.assert_eq(&match answer(&entry(Some(dhcp)), request) {
        Ok(bytes) => show(&bytes),
        Err(reason) => format!("{}\n", reason.name()),
    });
}

const NONE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const SERVER: &[u8] = &[169, 254, 169, 254];
const UDHCPC_WANTS: &[u8] = &[1, 3, 6, 12, 15, 28, 42];

#[test]
fn a_discover_gets_an_offer_with_all_we_know() {
    let wanted = (code::REQUESTED_OPTIONS, UDHCPC_WANTS);
    check(
        options(),
        &request(1, NONE, &[(61, &[1, 2, 3]), wanted]),
        &expect![[r#"
        flags 0000 ciaddr 0.0.0.0 yiaddr 10.0.0.5 siaddr 0.0.0.0 file '' length 348
        53: 2
        54: 169 254 169 254
        61: 1 2 3
        51: 0 1 81 128
        58: 0 0 168 192
        59: 0 1 39 80
        1: 255 255 255 0
        3: 10 0 0 1
        6: 9 9 9 9 1 1 1 1
        12: 'web1'
        15: 'example.org'
        28: 10 0 0 255
        121: 32 169 254 169 254 0 0 0 0 17 192 168 128 10 0 0 254 0 10 0 0 1
        26: 5 162
    "#]],
    );
}

#[test]
fn a_request_after_the_offer_is_acknowledged_and_microsofts_routes_go_to_who_asks() {
    let asked = [(code::SERVER_ID, SERVER), (code::REQUESTED_ADDRESS, &[10, 0, 0, 5][..]), (55, &[249, 1][..])];
    check(
        options(),
        &request(3, NONE, &asked),
        &expect![[r#"
        flags 0000 ciaddr 0.0.0.0 yiaddr 10.0.0.5 siaddr 0.0.0.0 file '' length 367
        53: 5
        54: 169 254 169 254
        51: 0 1 81 128
        58: 0 0 168 192
        59: 0 1 39 80
        1: 255 255 255 0
        249: 32 169 254 169 254 0 0 0 0 17 192 168 128 10 0 0 254 0 10 0 0 1
        121: 32 169 254 169 254 0 0 0 0 17 192 168 128 10 0 0 254 0 10 0 0 1
        3: 10 0 0 1
        6: 9 9 9 9 1 1 1 1
        26: 5 162
        12: 'web1'
        15: 'example.org'
        28: 10 0 0 255
    "#]],
    );
}

#[test]
fn a_request_means_what_its_fields_say() {
    let renewing = request(3, ADDRESS, &[]);
    let moved = request(3, Ipv4Addr::new(10, 9, 9, 9), &[]);
    let reboot = request(3, NONE, &[(code::REQUESTED_ADDRESS, &[10, 0, 0, 5])]);
    let reboot_elsewhere = request(3, NONE, &[(code::REQUESTED_ADDRESS, &[10, 9, 9, 9])]);
    let other_server = request(3, NONE, &[(code::SERVER_ID, &[10, 0, 0, 2]), (50, &[10, 0, 0, 5])]);
    let no_address = request(3, NONE, &[(code::SERVER_ID, SERVER)]);
    let first_line = |request: &[u8]| match answer(&entry(Some(options())), request) {
        Ok(bytes) => format!("type {} {}", bytes[242], show(&bytes).lines().next().unwrap()),
        Err(reason) => reason.name().to_owned(),
    };
    let text: Vec<String> = [
        ("renewing", &renewing),
        ("renewing another", &moved),
        ("init-reboot", &reboot),
        ("init-reboot with another", &reboot_elsewhere),
        ("another server chosen", &other_server),
        ("no address", &no_address),
        ("decline", &request(4, NONE, &[(50, &[10, 0, 0, 5])])),
        ("release", &request(7, ADDRESS, &[])),
        ("inform", &request(8, ADDRESS, &[])),
        ("an offer", &request(2, NONE, &[])),
        ("unknown type", &request(99, NONE, &[])),
    ]
    .iter()
    .map(|(name, request)| format!("{name}: {}\n", first_line(request)))
    .collect();
    expect![[r#"
        renewing: type 5 flags 0000 ciaddr 10.0.0.5 yiaddr 10.0.0.5 siaddr 0.0.0.0 file '' length 343
        renewing another: type 6 flags 8000 ciaddr 0.0.0.0 yiaddr 0.0.0.0 siaddr 0.0.0.0 file '' length 300
        init-reboot: type 5 flags 0000 ciaddr 0.0.0.0 yiaddr 10.0.0.5 siaddr 0.0.0.0 file '' length 343
        init-reboot with another: type 6 flags 8000 ciaddr 0.0.0.0 yiaddr 0.0.0.0 siaddr 0.0.0.0 file '' length 300
        another server chosen: dhcp-noted
        no address: dhcp-malformed
        decline: dhcp-noted
        release: dhcp-noted
        inform: type 5 flags 0000 ciaddr 10.0.0.5 yiaddr 0.0.0.0 siaddr 0.0.0.0 file '' length 325
        an offer: dhcp-malformed
        unknown type: dhcp-malformed
    "#]]
    .assert_eq(&text.concat());
}

#[test]
fn a_refusal_says_why_and_goes_to_all() {
    check(
        options(),
        &request(3, Ipv4Addr::new(10, 9, 9, 9), &[]),
        &expect![[r#"
        flags 8000 ciaddr 0.0.0.0 yiaddr 0.0.0.0 siaddr 0.0.0.0 file '' length 300
        53: 6
        54: 169 254 169 254
        56: 49 48 46 57 46 57 46 57 32 105 115 32 110 111 116 32 116 104 101 32 97 100 100 114 101 115 115 32 111 102 32 116 104 105 115 32 112 111 114 116
    "#]],
    );
}

#[test]
fn informing_gives_the_facts_but_no_lease() {
    check(
        options(),
        &request(8, ADDRESS, &[]),
        &expect![[r#"
        flags 0000 ciaddr 10.0.0.5 yiaddr 0.0.0.0 siaddr 0.0.0.0 file '' length 325
        53: 5
        54: 169 254 169 254
        1: 255 255 255 0
        121: 32 169 254 169 254 0 0 0 0 17 192 168 128 10 0 0 254 0 10 0 0 1
        3: 10 0 0 1
        6: 9 9 9 9 1 1 1 1
        26: 5 162
        12: 'web1'
        15: 'example.org'
        28: 10 0 0 255
    "#]],
    );
}

#[test]
fn a_subnet_without_router_dns_or_routes_still_leads_to_the_services() {
    let bare = Dhcp4Options {
        router: None,
        dns_servers: Vec::new(),
        routes: Vec::new(),
        domain: None,
        prefix_len: 32,
        ..options()
    };
    check(
        bare,
        &request(1, NONE, &[]),
        &expect![[r#"
        flags 0000 ciaddr 0.0.0.0 yiaddr 10.0.0.5 siaddr 0.0.0.0 file '' length 300
        53: 2
        54: 169 254 169 254
        51: 0 1 81 128
        58: 0 0 168 192
        59: 0 1 39 80
        1: 255 255 255 255
        121: 32 169 254 169 254 0 0 0 0
        26: 5 162
        12: 'web1'
    "#]],
    );
}

#[test]
fn extra_options_win_and_the_boot_fields_follow() {
    let extra = |name: &str, value: &str| ExtraDhcpOption { name: name.to_owned(), value: value.to_owned() };
    let dhcp = Dhcp4Options {
        extra: vec![
            extra("bootfile-name", "pxelinux.0"),
            extra("tftp-server", "10.0.0.9"),
            extra("server-ip-address", "10.0.0.9"),
            extra("mtu", "1400"),
            extra("router", ""),
            extra("lease-time", "600"),
            extra("nonsense", "1"),
        ],
        ..options()
    };
    let unusable: Vec<String> = unusable_options(&dhcp).map(|error| error.to_string()).collect();
    assert_eq!(unusable, ["'nonsense' is not the name or number of a DHCP option"]);
    check(
        dhcp,
        &request(1, NONE, &[]),
        &expect![[r#"
            flags 0000 ciaddr 0.0.0.0 yiaddr 10.0.0.5 siaddr 10.0.0.9 file 'pxelinux.0' length 354
            53: 2
            54: 169 254 169 254
            51: 0 0 2 88
            58: 0 0 1 44
            59: 0 0 2 13
            1: 255 255 255 0
            121: 32 169 254 169 254 0 0 0 0 17 192 168 128 10 0 0 254
            6: 9 9 9 9 1 1 1 1
            26: 5 120
            12: 'web1'
            15: 'example.org'
            28: 10 0 0 255
            67: 'pxelinux.0'
            66: '10.0.0.9'
        "#]],
    );
}

#[test]
fn long_options_are_split_and_what_does_not_fit_is_left_out() {
    let route = |i: u8| DhcpRoute { destination: format!("10.{i}.0.0/24").parse().unwrap(), next_hop: ADDRESS };
    let dhcp = Dhcp4Options { routes: (0..40).map(route).collect(), ..options() };
    // 40 routes are 320 bytes, more than one option holds and than the smallest message has room for.
    let small = answer(&entry(Some(dhcp.clone())), &request(1, NONE, &[])).unwrap();
    assert!(small.len() <= 548 && !show(&small).contains("121: ") && show(&small).contains("3: 10 0 0 1"));
    let large = answer(&entry(Some(dhcp)), &request(1, NONE, &[(code::MAX_SIZE, &[5, 220])])).unwrap();
    assert_eq!(show(&large).matches("121: ").count(), 2);
}

#[test]
fn the_wrong_client_a_relay_and_a_port_without_dhcp_are_told_apart() {
    let good = request(1, NONE, &[]);
    let mut other = good.clone();
    other[33] = 2;
    let mut relayed = good.clone();
    relayed[24..28].copy_from_slice(&[10, 0, 0, 1]);
    assert_eq!(answer(&entry(Some(options())), &other), Err(Count::DhcpWrongClient));
    assert_eq!(answer(&entry(Some(options())), &relayed), Err(Count::DhcpMalformed));
    assert_eq!(answer(&entry(None), &good), Err(Count::DhcpDisabled));
    assert!(answer(&entry(Some(options())), &good).is_ok());
}

#[test]
fn options_may_go_on_in_the_fields_for_names() {
    let mut bytes = request(3, NONE, &[(code::OVERLOAD, &[3])]);
    bytes[108..114].copy_from_slice(&[code::REQUESTED_ADDRESS, 4, 10, 9, 9, 9]);
    bytes[114] = code::END;
    bytes[44..50].copy_from_slice(&[code::SERVER_ID, 4, 169, 254, 169, 254]);
    bytes[50] = code::END;
    let nak = answer(&entry(Some(options())), &bytes).unwrap();
    assert_eq!(nak[242], 6);
}

#[test]
fn cut_short_messages_are_malformed() {
    let good = request(1, NONE, &[(12, b"name")]);
    let entry = entry(Some(options()));
    for length in 0..good.len() {
        let cut = answer(&entry, &good[..length]);
        // Without its end mark, or without the last option, a message is still one.
        let whole = length == good.len() - 1 || length == good.len() - 7;
        assert_eq!(cut.is_ok(), whole, "{length} of {}", good.len());
    }
}

proptest! {
    #[test]
    fn no_datagram_panics(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        let _ = answer(&entry(Some(options())), &bytes);
    }

    #[test]
    fn no_options_panic_and_answers_fit(options_bytes in prop::collection::vec(any::<u8>(), 0..700), fixed in any::<[u8; 32]>()) {
        let mut bytes = request(1, NONE, &[]);
        bytes.pop();
        bytes[44..76].copy_from_slice(&fixed);
        bytes.extend(options_bytes);
        if let Ok(reply) = answer(&entry(Some(options())), &bytes) {
            prop_assert!((300..=1472).contains(&reply.len()));
        }
    }
}
