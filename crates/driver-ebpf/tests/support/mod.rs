//! A host in a network namespace, with the driver in it, and servers in namespaces of their own.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::{
    net::IpAddr,
    path::PathBuf,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use driver_ebpf::{EbpfConfig, EbpfDriver, remove_instance};
use hostnet::{InterfaceAddress as HostAddress, Links, Netns, Route as HostRoute};
use logical::{
    Acl, AclGroupId, AclId, AddressPair, Attachment, Change, Driver, InterfaceAddress, Origin, Port, PortId, PortKind,
    PortSecurity, Remote, Row, RowState, Switch, SwitchId, SwitchKind,
};
use types::{Cidr, Direction, IpVersion, MacAddr};
use uuid::Uuid;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// The namespace that plays the host, and what is to be cleaned up with it.
pub struct Host {
    pub name: String,
    pub netns: Netns,
    pub config: EbpfConfig,
    servers: Vec<String>,
}

impl Host {
    pub fn new() -> Self {
        let name = format!("dbe{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let netns = Netns::create(&name).unwrap();
        // The test's own thread: it ends with the test.
        netns.enter().unwrap();
        // As on every host: without any local address the kernel takes all next hops for broadcast.
        let links = Links::open().unwrap();
        links.set_up(links.by_name("lo").unwrap().ifindex).unwrap();
        let run_dir = PathBuf::from(format!("/tmp/{name}"));
        let config = EbpfConfig { instance: name.clone(), run_dir, ..EbpfConfig::default() };
        Self { name, netns, config, servers: Vec::new() }
    }

    pub fn open(&self) -> EbpfDriver {
        EbpfDriver::open(self.config.clone()).unwrap()
    }

    /// A namespace for a server.
    pub fn server(&mut self, suffix: &str) -> Server {
        let name = format!("{}{suffix}", self.name);
        let netns = Netns::create(&name).unwrap();
        self.servers.push(name.clone());
        Server { name, netns }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let removed = remove_instance(&self.config);
        for name in self.servers.drain(..).chain([self.name.clone()]) {
            let _ = Netns::delete(&name);
        }
        let _ = std::fs::remove_dir(self.config.run_dir.join("bpf"));
        let _ = std::fs::remove_dir(&self.config.run_dir);
        if !std::thread::panicking() {
            removed.unwrap();
        }
    }
}

/// A namespace that plays a server.
pub struct Server {
    pub name: String,
    pub netns: Netns,
}

impl Server {
    pub fn attachment(&self) -> Option<Attachment> {
        let (name, identity) = (self.name.clone(), self.netns.identity());
        Some(Attachment::Netns { name, identity, ifname: "eth0".to_owned() })
    }

    /// Gives the server its address and default route.
    pub fn configure(&self, address: &str, gateway: Option<&str>) {
        let links = Links::open_in(&self.netns).unwrap();
        let link = links.by_name("eth0").unwrap();
        let (ip, len) = address.split_once('/').unwrap();
        links.add_address(link.ifindex, HostAddress::new(ip.parse().unwrap(), len.parse().unwrap()).unwrap()).unwrap();
        if let Some(gateway) = gateway {
            links.add_route(&HostRoute::default_via(gateway.parse().unwrap())).unwrap();
        }
    }

    pub fn run(&self, command: &str) -> Output {
        self.netns.run(|| Command::new("sh").args(["-c", command]).output()).unwrap().unwrap()
    }

    pub fn succeeds(&self, command: &str) -> String {
        let output = self.run(command);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {text}");
        text
    }

    pub fn fails(&self, command: &str) {
        assert!(!self.run(command).status.success(), "{command} succeeded");
    }
}

pub fn origin(tag: &'static str, n: u128) -> Origin {
    Origin::new(tag, Uuid::from_u128(n))
}

pub fn switch(n: u128) -> Switch {
    let id = SwitchId(Uuid::from_u128(n));
    Switch { id, origin: origin("network", n), kind: SwitchKind::Tenant, mtu: 1500 }
}

pub fn mac(n: u8) -> MacAddr {
    MacAddr([0xfa, 0x16, 0x3e, 0, 0, n])
}

pub fn port_id(n: u8) -> PortId {
    // The first eleven characters name the device.
    PortId(Uuid::from_u128(0x1000_0000 << 96 | u128::from(n) << 96 | u128::from(n)))
}

pub fn address(text: &str) -> InterfaceAddress {
    let (ip, len) = text.split_once('/').unwrap();
    InterfaceAddress { address: ip.parse().unwrap(), prefix_len: len.parse().unwrap() }
}

pub fn guest(n: u8, on: &Switch, ip: &str, groups: &[AclGroupId], attachment: Option<Attachment>) -> Port {
    let own = address(ip);
    let pair = AddressPair { mac: mac(n), ip: Cidr::host(own.address) };
    Port {
        id: port_id(n),
        origin: origin("port", u128::from(n)),
        switch: on.id,
        kind: PortKind::Guest { attachment },
        mac: mac(n),
        addresses: vec![own],
        enabled: true,
        mtu: on.mtu,
        security: Some(PortSecurity { pairs: vec![pair], groups: groups.to_vec() }),
        services: None,
    }
}

pub fn router_port(n: u8, on: &Switch, router: logical::RouterId, ip: &str) -> Port {
    Port {
        id: port_id(n),
        origin: origin("port", u128::from(n)),
        switch: on.id,
        kind: PortKind::Router { router },
        mac: mac(n),
        addresses: vec![address(ip)],
        enabled: true,
        mtu: on.mtu,
        security: None,
        services: None,
    }
}

pub fn group(n: u128) -> AclGroupId {
    AclGroupId(Uuid::from_u128(n))
}

pub fn rule(n: u128, group: AclGroupId, direction: Direction, remote: Remote) -> Acl {
    Acl {
        group,
        id: AclId(Uuid::from_u128(n)),
        origin: origin("security_group_rule", n),
        direction,
        ip_version: IpVersion::V4,
        protocol: None,
        ports: None,
        icmp: None,
        remote,
    }
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Applies rows, all of which must become true.
pub fn put(driver: &mut EbpfDriver, rows: impl IntoIterator<Item = Row>) {
    let changes: Vec<Change> = rows.into_iter().map(Change::Put).collect();
    for outcome in driver.apply(&changes).unwrap() {
        assert_eq!(outcome.state, RowState::Applied, "{:?}", outcome.key);
    }
}

pub fn remove(driver: &mut EbpfDriver, key: logical::RowKey) {
    for outcome in driver.apply(&[Change::Remove(key)]).unwrap() {
        assert_eq!(outcome.state, RowState::Applied, "{:?}", outcome.key);
    }
}
