//! Namespaces, links, addresses, routes and watches, on the real kernel. Needs root.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU32, Ordering},
};

use hostnet::{
    Error, InterfaceAddress, Link, LinkEvent, LinkWatch, Links, Netns, PeerSpec, Route, VethSpec, nft, sysctl,
};
use types::MacAddr;

/// A namespace with a name of its own that goes when the test ends, however it ends.
struct Scratch {
    name: String,
    netns: Netns,
}

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("hostnet-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let netns = Netns::create(&name).expect("a namespace, as root");
        Self { name, netns }
    }

    fn links(&self) -> Links {
        Links::open_in(&self.netns).expect("a netlink socket inside")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        Netns::delete(&self.name).expect("the namespace to go");
    }
}

fn address(text: &str) -> InterfaceAddress {
    text.parse().expect("an address")
}

/// A pair of interfaces `d0` and `d0-peer`, of which the latter is up; returns the former.
fn pair(links: &Links) -> Link {
    let peer = PeerSpec { name: "d0-peer", up: true, ..PeerSpec::default() };
    links.create_veth(&VethSpec { name: "d0", peer, ..VethSpec::default() }).expect("a pair")
}

#[test]
fn a_namespace_is_made_found_listed_and_deleted() {
    let scratch = Scratch::new();
    assert_eq!(Netns::open(&scratch.name).unwrap(), scratch.netns);
    assert!(Netns::list().unwrap().contains(&scratch.name));
    assert_ne!(Netns::current().unwrap(), scratch.netns);
    // iproute2 knows it too.
    let listed = std::process::Command::new("ip").args(["netns", "list"]).output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).lines().any(|line| line.starts_with(&scratch.name)));
    // And a second one of the name is refused, without harm to the first.
    let error = Netns::create(&scratch.name).unwrap_err();
    assert_eq!(error.to_string(), format!("network namespace '{}' already exists", scratch.name));
    assert_eq!(Netns::open(&scratch.name).unwrap(), scratch.netns);
}

#[test]
fn a_missing_or_wrong_namespace_is_named() {
    assert_eq!(Netns::open("hostnet-none").unwrap_err().to_string(), "network namespace 'hostnet-none' does not exist");
    assert!(!Netns::delete("hostnet-none").unwrap());
    for bad in ["", ".", "..", "a/b"] {
        assert!(matches!(Netns::open(bad), Err(Error::InvalidNetnsName { .. })), "{bad}");
    }
    let error = Netns::open_path("/proc/self/status").unwrap_err().to_string();
    assert_eq!(error, "'/proc/self/status' is not a network namespace");
}

#[test]
fn a_recreated_namesake_is_another_namespace() {
    let name = format!("hostnet-{}-again", std::process::id());
    let first = Netns::create(&name).unwrap().identity();
    assert!(Netns::delete(&name).unwrap());
    let second = Netns::create(&name).unwrap().identity();
    assert!(Netns::delete(&name).unwrap());
    assert_ne!(first, second);
}

#[test]
fn a_task_runs_inside_and_leaves_the_caller_where_it_was() {
    let scratch = Scratch::new();
    let before = Netns::current().unwrap();
    let inside = scratch.netns.run(|| Netns::current().unwrap()).unwrap();
    assert_eq!(inside, scratch.netns);
    assert_eq!(Netns::current().unwrap(), before);
}

#[test]
fn a_veth_pair_across_namespaces_is_made_at_once() {
    let (near, far) = (Scratch::new(), Scratch::new());
    let mac: MacAddr = "fa:16:3e:00:00:01".parse().unwrap();
    let spec = VethSpec {
        name: "p0",
        ifindex: Some(1_000_001),
        mtu: Some(1442),
        alias: Some("ours:p0"),
        up: true,
        peer: PeerSpec {
            name: "eth0",
            netns: Some(&far.netns),
            ifindex: Some(77),
            mac: Some(mac),
            mtu: Some(1400),
            up: true,
        },
        ..VethSpec::default()
    };
    let link = near.links().create_veth(&spec).unwrap();
    assert_eq!((link.ifindex, link.mtu, link.up, link.kind.as_str()), (1_000_001, 1442, true, "veth"));
    assert_eq!((link.alias.as_str(), link.peer_ifindex), ("ours:p0", Some(77)));
    assert!(link.peer_netns.is_some());
    assert_eq!(near.links().by_index(1_000_001).unwrap().alias, "ours:p0");
    let peer = far.links().by_name("eth0").unwrap();
    assert_eq!((peer.ifindex, peer.mac, peer.mtu, peer.up), (77, Some(mac), 1400, true));
    assert_eq!(peer.peer_ifindex, Some(1_000_001));

    // A name that is taken, at either end, is told with its place, and nothing is left behind.
    let here = near.links().create_veth(&spec).unwrap_err().to_string();
    assert_eq!(here, "interface 'p0' already exists in this namespace");
    let there = near.links().create_veth(&VethSpec { name: "p1", ifindex: None, ..spec }).unwrap_err().to_string();
    assert_eq!(there, format!("interface 'eth0' already exists in network namespace '{}'", far.name));
    assert_eq!(near.links().by_name("p1").unwrap_err().to_string(), "interface 'p1' does not exist in this namespace");

    assert!(near.links().delete(link.ifindex).unwrap());
    assert!(!near.links().delete(link.ifindex).unwrap());
    assert!(far.links().by_name("eth0").unwrap_err().is_not_found());
}

#[test]
fn links_are_changed_and_moved() {
    let (one, two) = (Scratch::new(), Scratch::new());
    let links = one.links();
    let link = pair(&links);
    assert_eq!((link.kind.as_str(), link.up), ("veth", false));
    let mac: MacAddr = "02:00:00:00:00:07".parse().unwrap();
    links.set_mac(link.ifindex, mac).unwrap();
    links.set_mtu(link.ifindex, 9000).unwrap();
    links.set_alias(link.ifindex, "ours").unwrap();
    links.set_up(link.ifindex).unwrap();
    let changed = links.by_name("d0").unwrap();
    assert_eq!((changed.mac, changed.mtu, changed.alias.as_str(), changed.up), (Some(mac), 9000, "ours", true));
    links.set_down(link.ifindex).unwrap();
    links.set_name(link.ifindex, "d1").unwrap();
    assert!(!links.by_name("d1").unwrap().up);

    let bridge = links.create_bridge("br0").unwrap();
    links.set_master(link.ifindex, Some(bridge.ifindex)).unwrap();
    assert_eq!(links.by_name("d1").unwrap().master, Some(bridge.ifindex));
    links.set_master(link.ifindex, None).unwrap();
    assert_eq!(links.by_name("d1").unwrap().master, None);

    links.move_to(link.ifindex, &two.netns, Some("d2")).unwrap();
    assert!(links.by_name("d1").unwrap_err().is_not_found());
    assert_eq!(two.links().by_name("d2").unwrap().mac, Some(mac));
    assert!(matches!(links.set_up(9_999_999), Err(Error::LinkIndexNotFound { ifindex: 9_999_999 })));
    assert!(links.by_index(0).unwrap_err().is_not_found());
}

#[test]
fn addresses_routes_and_neighbours_are_set_and_listed() {
    let scratch = Scratch::new();
    let links = scratch.links();
    let index = pair(&links).ifindex;
    links.set_up(index).unwrap();
    for _ in 0..2 {
        links.add_address(index, address("10.0.0.5/24")).unwrap();
        links.add_address(index, address("fd00::5/64")).unwrap();
    }
    let addresses = links.addresses(index).unwrap();
    assert!(addresses.contains(&address("10.0.0.5/24")) && addresses.contains(&address("fd00::5/64")), "{addresses:?}");

    let gateway: IpAddr = "10.0.0.1".parse().unwrap();
    let default = Route::default_via(gateway);
    links.add_route(&default).unwrap();
    let onlink = Route::to("192.0.2.0/24".parse().unwrap()).via("198.51.100.1".parse().unwrap()).dev(index).onlink();
    links.add_route(&onlink).unwrap();
    links.add_route(&Route::to("203.0.113.0/24".parse().unwrap()).dev(index)).unwrap();
    assert_eq!(links.default_route().unwrap().unwrap().gateway, Some(gateway));
    let routes = links.routes().unwrap();
    assert!(routes.contains(&onlink), "{routes:?}");
    assert!(links.delete_route(&default).unwrap());
    assert!(!links.delete_route(&default).unwrap());
    assert_eq!(links.default_route().unwrap(), None);
    let unreachable = links.add_route(&Route::default_via("172.31.0.1".parse().unwrap())).unwrap_err().to_string();
    assert!(unreachable.starts_with("cannot add the route to 0.0.0.0/0 via 172.31.0.1: "), "{unreachable}");

    let mac: MacAddr = "02:00:00:00:00:09".parse().unwrap();
    links.set_neighbour(index, gateway, mac).unwrap();
    let neighbours = links.neighbours(index).unwrap();
    assert!(neighbours.iter().any(|n| n.address == gateway && n.mac == mac && n.permanent), "{neighbours:?}");
    assert!(links.delete_neighbour(index, gateway).unwrap());
    assert!(!links.delete_neighbour(index, gateway).unwrap());

    links.flush_addresses(index).unwrap();
    assert!(links.addresses(index).unwrap().is_empty());
    assert!(!links.delete_address(index, address("10.0.0.5/24")).unwrap());
}

#[test]
fn a_watch_tells_what_came_changed_and_went_and_can_be_stopped() {
    let scratch = Scratch::new();
    let links = scratch.links();
    let (mut watch, stop) = LinkWatch::open_in(&scratch.netns).unwrap();
    let index = pair(&links).ifindex;
    let bridge = links.create_bridge("br0").unwrap().ifindex;
    links.set_master(index, Some(bridge)).unwrap();
    links.set_master(index, None).unwrap();
    links.set_mtu(index, 1400).unwrap();
    let mut next = |wanted: &dyn Fn(&LinkEvent) -> bool| {
        loop {
            let event = watch.wait().unwrap().unwrap();
            assert!(!matches!(&event, LinkEvent::Removed(link) if link.ifindex == index && link.mtu != 1400));
            if wanted(&event) {
                break;
            }
        }
    };
    next(&|event| matches!(event, LinkEvent::Added(link) if link.ifindex == index && link.name == "d0"));
    next(&|event| matches!(event, LinkEvent::Changed(link) if link.ifindex == index && link.mtu == 1400));
    links.delete(index).unwrap();
    next(&|event| matches!(event, LinkEvent::Removed(link) if link.ifindex == index && link.name == "d0"));
    let waiting = std::thread::spawn(move || {
        while let Some(event) = watch.wait().unwrap() {
            assert!(!matches!(event, LinkEvent::Lost));
        }
    });
    stop.stop();
    waiting.join().unwrap();
}

#[test]
fn settings_of_a_namespace_are_its_own_and_can_be_undone() {
    let scratch = Scratch::new();
    let key = "net/ipv4/ip_unprivileged_port_start";
    scratch
        .netns
        .run(|| {
            assert_eq!(sysctl::write(key, "0").unwrap(), "1024");
            assert_eq!(sysctl::write(key, "1024").unwrap(), "0");
            sysctl::write(key, "7").unwrap();
        })
        .unwrap();
    assert_eq!(scratch.netns.run(|| sysctl::read(key).unwrap()).unwrap(), "7");
    assert_ne!(sysctl::read(key).unwrap(), "7");
}

#[test]
fn a_table_of_ours_is_replaced_as_a_whole_and_deleted_twice() {
    let scratch = Scratch::new();
    scratch
        .netns
        .run(|| {
            let table = "hostnet_test".parse().unwrap();
            nft::delete_table(&table).unwrap();
            nft::apply(&table, "chain a { type filter hook input priority 0; policy accept; }").unwrap();
            nft::apply(&table, "chain b { type filter hook input priority 0; policy accept; }").unwrap();
            let text = nft::list_table(&table).unwrap().unwrap();
            assert!(text.contains("chain b") && !text.contains("chain a"), "{text}");
            // A wrong body changes nothing.
            let error = nft::apply(&table, "chain c { nonsense }").unwrap_err().to_string();
            assert!(error.starts_with("cannot apply nftables table 'hostnet_test': nft says: "), "{error}");
            assert_eq!(nft::list_table(&table).unwrap().unwrap(), text);
            nft::delete_table(&table).unwrap();
            nft::delete_table(&table).unwrap();
            assert_eq!(nft::list_table(&table).unwrap(), None);
        })
        .unwrap();
    assert!("1table".parse::<nft::TableName>().is_err() && "a b".parse::<nft::TableName>().is_err());
}
