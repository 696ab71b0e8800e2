//! The way to the host services and back: tenants with equal addresses differ there.

#![allow(clippy::unwrap_used, reason = "a test fails where a step does")]

mod support;

use std::{
    net::{Ipv4Addr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use driver_ebpf::ServiceChange;
use hostnet::{InterfaceAddress as HostAddress, Links, PeerSpec, Route, VethSpec};
use logical::{
    AddressPair, Dhcp4Options, Driver, DropReason, Port, PortServices, Remote, SERVICE_ADDRESS, SERVICE_MAC, Switch,
};
use support::{Host, Server, group, guest, ip, mac, port_id, put, rule, switch};
use types::{Cidr, Direction};

const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];

/// A namespace with the services' address and one way to all ports.
fn services(host: &mut Host) -> Server {
    let server = host.server("s");
    let links = Links::open().unwrap();
    let peer =
        PeerSpec { name: "svc0", netns: Some(&server.netns), mac: Some(SERVICE_MAC), up: true, ..PeerSpec::default() };
    let outer = links.create_veth(&VethSpec { name: "services", up: true, peer, ..VethSpec::default() }).unwrap();
    let inside = Links::open_in(&server.netns).unwrap();
    let device = inside.by_name("svc0").unwrap().ifindex;
    inside.add_address(device, HostAddress::new(SERVICE_ADDRESS.into(), 32).unwrap()).unwrap();
    let next_hop = ip("169.254.169.253");
    inside.set_neighbour(device, next_hop, outer.mac.unwrap()).unwrap();
    let ports: Cidr = "100.64.0.0/10".parse().unwrap();
    inside.add_route(&Route::to(ports).via(next_hop).dev(device).onlink()).unwrap();
    host.config.service_interface = Some("services".to_owned());
    host.config.service_mac = SERVICE_MAC;
    server
}

fn served(n: u8, on: &Switch, server: &Server, dhcp: bool) -> Port {
    let dhcp4 = dhcp.then(|| Dhcp4Options {
        address: Ipv4Addr::new(10, 0, 0, 11),
        prefix_len: 24,
        router: None,
        dns_servers: Vec::new(),
        routes: Vec::new(),
        mtu: 1500,
        lease_seconds: 3600,
        hostname: "one".to_owned(),
        domain: None,
        extra: Vec::new(),
    });
    let services = Some(Arc::new(PortServices { dhcp4, metadata: None }));
    let mut port = guest(n, on, "10.0.0.11/24", &[group(1)], server.attachment());
    let second = AddressPair { mac: mac(n), ip: "10.0.0.77".parse().unwrap() };
    port.security.as_mut().unwrap().pairs.push(second);
    Port { services, ..port }
}

/// Answers one DHCP exchange, as short as clients allow.
fn answer_dhcp(socket: &UdpSocket, address: Ipv4Addr) {
    let mut request = [0; 1500];
    for _ in 0..2 {
        let (length, from) = socket.recv_from(&mut request).unwrap();
        let options = &request[240..length];
        let kind = options.windows(3).find(|option| option[0] == 53 && option[1] == 1).unwrap()[2];
        let mut answer = request[..236].to_vec();
        answer[0] = 2;
        answer[16..20].copy_from_slice(&address.octets());
        answer.extend(MAGIC_COOKIE);
        answer.extend([53, 1, if kind == 1 { 2 } else { 5 }]);
        answer.extend([54, 4]);
        answer.extend(SERVICE_ADDRESS.octets());
        answer.extend([51, 4, 0, 0, 14, 16, 1, 4, 255, 255, 255, 0, 255]);
        answer.resize(300, 0);
        socket.send_to(&answer, from).unwrap();
    }
}

#[test]
fn tenants_with_equal_addresses_reach_the_services_under_addresses_of_their_own() {
    let mut host = Host::new();
    let server = services(&mut host);
    let (one, two) = (host.server("a"), host.server("b"));
    let mut driver = host.open();
    let (left, right) = (switch(1), switch(2));
    put(
        &mut driver,
        [
            left.clone().into(),
            right.clone().into(),
            rule(1, group(1), Direction::Ingress, Remote::Any).into(),
            served(1, &left, &one, true).into(),
            served(2, &right, &two, false).into(),
        ],
    );
    let changes = driver.take_service_changes();
    let ServiceChange::Put(first) = &changes[0] else { panic!("{changes:?}") };
    assert_eq!((first.port, first.mac), (port_id(1), mac(1)));
    assert_eq!(driver.service_ports().len(), 2);
    assert!(driver.take_service_changes().is_empty());

    // DHCP, where it is on.
    let socket = server.netns.run(|| UdpSocket::bind((SERVICE_ADDRESS, 67))).unwrap().unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (answering, address) = (socket.try_clone().unwrap(), Ipv4Addr::new(10, 0, 0, 11));
    let thread = std::thread::spawn(move || answer_dhcp(&answering, address));
    one.succeeds("udhcpc -i eth0 -n -q -f -t 5 -T 1 -s /bin/true");
    thread.join().unwrap();
    two.fails("udhcpc -i eth0 -n -q -f -t 1 -T 1 -s /bin/true");
    let drops = driver.drops(port_id(2)).unwrap();
    assert!(drops.iter().any(|count| count.reason == DropReason::DhcpDisabled), "{drops:?}");

    // Pings and metadata, by both at once, and from a second address.
    let log = format!("{}/services.{}", std::env::temp_dir().display(), host.name);
    server.succeeds(&format!(
        "(timeout 30 ncat -l -k {SERVICE_ADDRESS} 80 --sh-exec 'echo from $NCAT_REMOTE_ADDR' > {log} 2>&1 &) ; sleep 0.5"
    ));
    for (client, port) in [(&one, 1), (&two, 2)] {
        client.configure("10.0.0.11/24", None);
        client.succeeds("ip addr add 10.0.0.77/24 dev eth0 && ip route add 169.254.169.254 dev eth0");
        client.succeeds("ping -c 1 -W 1 169.254.169.254");
        client.succeeds("ping -c 1 -W 1 -I 10.0.0.77 169.254.169.254");
        let entry = driver.service_ports().into_iter().find(|entry| entry.port == port_id(port)).unwrap();
        for source in ["10.0.0.11", "10.0.0.77"] {
            let answer = client.succeeds(&format!("ncat --recv-only -w 3 -s {source} 169.254.169.254 80"));
            assert_eq!(answer.trim(), format!("from {}", entry.address), "{source}");
        }
        client.fails("ncat -w 1 169.254.169.254 22 < /dev/null");
    }
    let drops = driver.drops(port_id(1)).unwrap();
    assert!(drops.iter().any(|count| count.reason == DropReason::NoSuchService), "{drops:?}");
    let _ = std::fs::remove_file(log);
}
