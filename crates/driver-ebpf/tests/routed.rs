//! Routing, source NAT and floating IPs, with real TCP: ping passes where TCP hangs when a large
//! segment is translated twice, or its checksum is.

#![allow(clippy::unwrap_used, reason = "a test fails where a step does")]

mod support;

use std::net::Ipv4Addr;

use hostnet::{InterfaceAddress as HostAddress, Links, PeerSpec, VethSpec};
use logical::{
    Attachment, Driver, FloatingIp, Port, Remote, Route, Router, RouterId, Row, RowKey, SourceNat, Switch, SwitchKind,
};
use support::{Host, Server, group, guest, ip, mac, origin, port_id, put, remove, router_port, rule, switch};
use types::{Cidr, Direction};
use uuid::Uuid;

/// Two tenant networks and the outside, on one router.
struct Site {
    host: Host,
    outside: Server,
    one: Server,
    two: Server,
    three: Server,
    external: Switch,
    router: RouterId,
    rows: Vec<Row>,
}

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn route(router: RouterId, destination: &str, port: u8, next_hop: Option<&str>) -> Row {
    let (destination, next_hop) = (cidr(destination), next_hop.map(ip));
    Route { router, destination, origin: origin("route", 1), port: port_id(port), next_hop }.into()
}

impl Site {
    fn new() -> Self {
        let mut host = Host::new();
        let outside = host.server("o");
        let (one, two, three) = (host.server("a"), host.server("b"), host.server("c"));
        // The physical network: one end here, the other is the outside.
        let links = Links::open().unwrap();
        let peer = PeerSpec { name: "eth0", netns: Some(&outside.netns), up: true, ..PeerSpec::default() };
        links.create_veth(&VethSpec { name: "uplink", up: true, peer, ..VethSpec::default() }).unwrap();
        let there = Links::open_in(&outside.netns).unwrap();
        let device = there.by_name("eth0").unwrap().ifindex;
        there.add_address(device, HostAddress::new(ip("198.51.100.1"), 24).unwrap()).unwrap();
        host.config.physical_networks.insert("physnet".to_owned(), "uplink".to_owned());

        let physical_network = "physnet".to_owned();
        let external = Switch { kind: SwitchKind::External { physical_network }, ..switch(9) };
        let (left, right) = (switch(1), switch(2));
        let router = RouterId(Uuid::from_u128(70));
        let open = group(1);
        let rows: Vec<Row> = vec![
            external.clone().into(),
            left.clone().into(),
            right.clone().into(),
            Router { id: router, origin: origin("router", 70), enabled: true }.into(),
            rule(1, open, Direction::Ingress, Remote::Any).into(),
            rule(2, open, Direction::Egress, Remote::Any).into(),
            guest(1, &left, "10.0.0.11/24", &[open], one.attachment()).into(),
            guest(2, &left, "10.0.0.12/24", &[open], two.attachment()).into(),
            guest(3, &right, "10.1.0.13/24", &[open], three.attachment()).into(),
            router_port(51, &left, router, "10.0.0.1/24").into(),
            router_port(52, &right, router, "10.1.0.1/24").into(),
            router_port(53, &external, router, "198.51.100.10/24").into(),
            route(router, "10.0.0.0/24", 51, None),
            route(router, "10.1.0.0/24", 52, None),
            route(router, "198.51.100.0/24", 53, None),
            route(router, "0.0.0.0/0", 53, Some("198.51.100.1")),
            SourceNat {
                router,
                port: port_id(53),
                origin: origin("router", 70),
                address: Ipv4Addr::new(198, 51, 100, 10),
            }
            .into(),
        ];
        Self { host, outside, one, two, three, external, router, rows }
    }

    fn configure(&self) {
        self.one.configure("10.0.0.11/24", Some("10.0.0.1"));
        self.two.configure("10.0.0.12/24", Some("10.0.0.1"));
        self.three.configure("10.1.0.13/24", Some("10.1.0.1"));
    }

    fn floating_ip(&self, external: &str, logical: &str) -> FloatingIp {
        FloatingIp {
            switch: self.external.id,
            external: external.parse().unwrap(),
            origin: origin("floatingip", 80),
            router: self.router,
            port: port_id(53),
            mac: mac(53),
            logical: logical.parse().unwrap(),
        }
    }
}

/// Megabits per second of one TCP stream.
fn throughput(from: &Server, to: &Server, address: &str) -> f64 {
    to.succeeds("iperf3 -s -1 -D -p 5201 && sleep 0.3");
    let text = from.succeeds(&format!("timeout 20 iperf3 -c {address} -t 2 -f m -p 5201"));
    let line = text.lines().find(|line| line.contains("receiver")).unwrap_or_else(|| panic!("{text}"));
    let mut words = line.split_whitespace();
    let rate = words.by_ref().take_while(|word| *word != "Mbits/sec").last();
    rate.and_then(|rate| rate.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn tcp_flows_on_every_path() {
    let site = Site::new();
    let mut driver = site.host.open();
    put(&mut driver, site.rows.clone());
    site.configure();

    site.one.succeeds("ping -c 1 -W 1 10.0.0.1");
    site.one.succeeds("ping -c 2 -i 0.2 -W 1 10.1.0.13");
    site.one.succeeds("ping -c 2 -i 0.2 -W 2 198.51.100.1");
    site.outside.succeeds("ping -c 1 -W 1 198.51.100.10");
    // The path from outside to an inner address is closed.
    site.outside.succeeds("ip route add 10.0.0.0/8 via 198.51.100.10");
    site.outside.fails("ping -c 1 -W 1 10.0.0.11");

    for (from, to, address) in [
        (&site.one, &site.two, "10.0.0.12"),
        (&site.one, &site.three, "10.1.0.13"),
        (&site.one, &site.outside, "198.51.100.1"),
    ] {
        let rate = throughput(from, to, address);
        println!("{address}: {rate} Mbit/s");
        assert!(rate > 500.0, "{address}: {rate} Mbit/s");
    }

    // A floating IP: in, out, and from a neighbour that uses it (hairpin).
    let floating = site.floating_ip("198.51.100.20", "10.0.0.11");
    put(&mut driver, [floating.clone().into()]);
    site.outside.succeeds("ping -c 2 -i 0.2 -W 1 198.51.100.20");
    site.two.succeeds("ping -c 2 -i 0.2 -W 1 198.51.100.20");
    site.one.succeeds("ping -c 2 -i 0.2 -W 1 198.51.100.20");
    for from in [&site.outside, &site.two] {
        let rate = throughput(from, &site.one, "198.51.100.20");
        println!("floating: {rate} Mbit/s");
        assert!(rate > 500.0, "{rate} Mbit/s");
    }
    remove(&mut driver, RowKey::FloatingIp(floating.switch, floating.external));
    site.outside.fails("ping -c 1 -W 1 198.51.100.20");
    drop(driver);
}

#[test]
fn packets_flow_while_no_process_holds_the_datapath() {
    let site = Site::new();
    let mut driver = site.host.open();
    put(&mut driver, site.rows.clone());
    site.configure();
    site.one.succeeds("ping -c 1 -W 2 198.51.100.1");
    let pinging = format!("{}/ping.{}", std::env::temp_dir().display(), site.host.name);
    site.one.succeeds(&format!("(ping -q -i 0.01 -c 300 -W 1 198.51.100.1 > {pinging} 2>&1 &)"));
    drop(driver);
    std::thread::sleep(std::time::Duration::from_millis(500));
    let mut driver = site.host.open();
    put(&mut driver, site.rows.clone());
    assert!(driver.sweep().unwrap().removed.is_empty());
    assert_eq!(driver.writes(), 0);
    let mut report = String::new();
    for _ in 0..150 {
        report = std::fs::read_to_string(&pinging).unwrap();
        if report.contains("received") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    std::fs::remove_file(&pinging).unwrap();
    assert!(report.contains("300 received"), "{report}");
}

#[test]
fn a_tap_is_picked_up_when_it_appears_and_forgotten_when_it_goes() {
    let host = Host::new();
    let mut driver = host.open();
    let network = switch(1);
    let port = Port { security: None, ..guest(1, &network, "10.0.0.11/24", &[], None) };
    let attachment = Some(Attachment::Tap { name: "tapx".to_owned() });
    let row: Row = Port { kind: logical::PortKind::Guest { attachment }, ..port }.into();
    put(&mut driver, [network.into()]);
    let outcomes = driver.apply(&[logical::Change::Put(row.clone())]).unwrap();
    assert!(
        matches!(&outcomes[0].state, logical::RowState::Waiting { reason } if reason.contains("tapx")),
        "{outcomes:?}"
    );
    let links = Links::open().unwrap();
    let peer = PeerSpec { name: "other", ..PeerSpec::default() };
    let tap = links.create_veth(&VethSpec { name: "tapx", peer, ..VethSpec::default() }).unwrap();
    let mut wait = |what: &str| {
        for _ in 0..100 {
            if driver.disturbed().unwrap() == [row.key()] {
                return driver.apply(&[logical::Change::Put(row.clone())]).unwrap().remove(0).state;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("not disturbed when a tap {what}");
    };
    assert_eq!(wait("appears"), logical::RowState::Applied);
    links.delete(tap.ifindex).unwrap();
    assert!(matches!(wait("goes"), logical::RowState::Waiting { .. }));
}
