//! Networks for packets, in few words.
//!
//! Everything has a name, and ids and Ethernet addresses are worked out from it, so a case says what matters
//! and a network written twice is the same. The port of a router on a switch is called `router/switch`.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use logical::{
    Acl, AclGroupId, AclId, AddressPair, AddressSetEntry, AddressSetId, Attachment, Dhcp4Options, FloatingIp,
    IcmpMatch, InterfaceAddress, LogicalNetwork, Origin, Point, Port, PortId, PortKind, PortSecurity, PortServices,
    Remote, Route, Router, RouterId, Row, RowKey, SourceNat, Switch, SwitchId, SwitchKind,
};
use types::{Cidr, Direction, IpVersion, MacAddr, PortRange, Protocol};
use uuid::Uuid;

use crate::frame::{ACK, ECHO_REQUEST, Frame, SYN, Transport, parse};

/// A network under construction.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Topology {
    /// What has been said so far.
    pub network: LogicalNetwork,
}

/// A rule of a group, to be.
#[derive(Clone, Debug)]
pub struct Rule {
    direction: Direction,
    protocol: Option<Protocol>,
    ports: Option<PortRange>,
    icmp: Option<IcmpMatch>,
    remote: Remote,
}

impl Rule {
    /// Lets everything in.
    #[must_use]
    pub fn ingress() -> Self {
        Self { direction: Direction::Ingress, protocol: None, ports: None, icmp: None, remote: Remote::Any }
    }

    /// Lets everything out.
    #[must_use]
    pub fn egress() -> Self {
        Self { direction: Direction::Egress, ..Self::ingress() }
    }

    /// Of this protocol only.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// TCP to these ports only.
    #[must_use]
    pub fn tcp(self, first: u16, last: u16) -> Self {
        self.protocol(Protocol::TCP).ports(first, last)
    }

    /// UDP to these ports only.
    #[must_use]
    pub fn udp(self, first: u16, last: u16) -> Self {
        self.protocol(Protocol::UDP).ports(first, last)
    }

    /// To these ports only.
    #[must_use]
    pub fn ports(mut self, first: u16, last: u16) -> Self {
        self.ports = PortRange::new(first, last).ok();
        self
    }

    /// ICMP of this type, and code if one is given, only.
    #[must_use]
    pub fn icmp(mut self, kind: u8, code: Option<u8>) -> Self {
        self.icmp = Some(IcmpMatch { kind, code });
        self.protocol(Protocol::ICMP)
    }

    /// From or to this range only.
    #[must_use]
    pub fn remote(mut self, cidr: &str) -> Self {
        self.remote = Remote::Prefix(range(cidr));
        self
    }

    /// From or to members of this set only.
    #[must_use]
    pub fn remote_set(mut self, set: &str) -> Self {
        self.remote = Remote::Set(AddressSetId(uuid("set", set)));
        self
    }
}

impl Topology {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A switch, MTU 1500.
    pub fn switch(&mut self, name: &str) -> &mut Self {
        self.put_switch(name, SwitchKind::Tenant, 1500)
    }

    /// An external switch, MTU 1500.
    pub fn external(&mut self, name: &str) -> &mut Self {
        self.put_switch(name, SwitchKind::External { physical_network: name.to_owned() }, 1500)
    }

    /// Another MTU for a switch.
    pub fn mtu(&mut self, switch: &str, mtu: u32) -> &mut Self {
        let kind = self.switch_row(switch).kind.clone();
        self.put_switch(switch, kind, mtu)
    }

    fn put_switch(&mut self, name: &str, kind: SwitchKind, mtu: u32) -> &mut Self {
        let id = switch_id(name);
        self.put(Switch { id, origin: Origin::new("network", id.0), kind, mtu })
    }

    /// A server on a switch, with a device, port security, DHCP and no group. `address` has a prefix length.
    pub fn guest(&mut self, name: &str, switch: &str, address: &str) -> &mut Self {
        let own = interface(address);
        let mac = mac(name);
        let dhcp4 = Dhcp4Options {
            address: ipv4(own.address),
            prefix_len: own.prefix_len,
            router: None,
            dns_servers: Vec::new(),
            routes: Vec::new(),
            mtu: 1500,
            lease_seconds: 86400,
            hostname: name.to_owned(),
            domain: None,
            extra: Vec::new(),
        };
        let id = port_id(name);
        let ifname = "eth0".to_owned();
        self.put(Port {
            id,
            origin: Origin::new("port", id.0),
            switch: switch_id(switch),
            kind: PortKind::Guest {
                attachment: Some(Attachment::Netns { name: name.to_owned(), identity: 1, ifname }),
            },
            mac,
            addresses: vec![own],
            enabled: true,
            mtu: 1500,
            security: Some(PortSecurity {
                pairs: vec![AddressPair { mac, ip: Cidr::host(own.address) }],
                groups: Vec::new(),
            }),
            services: Some(Arc::new(PortServices { dhcp4: Some(dhcp4), metadata: None })),
        })
    }

    /// Several servers of one group that may do anything with anybody.
    pub fn open_guests(&mut self, guests: &[(&str, &str, &str)]) -> &mut Self {
        self.rule("open", "open-in", Rule::ingress()).rule("open", "open-out", Rule::egress());
        for (name, switch, address) in guests {
            self.guest(name, switch, address).groups(name, &["open"]);
        }
        self
    }

    /// The groups of a port.
    pub fn groups(&mut self, port: &str, groups: &[&str]) -> &mut Self {
        let mut ids: Vec<AclGroupId> = groups.iter().map(|group| group_id(group)).collect();
        ids.sort_unstable();
        self.change_security(port, |security| security.groups = ids)
    }

    /// An allowed address pair with the port's own Ethernet address.
    pub fn pair(&mut self, port: &str, cidr: &str) -> &mut Self {
        self.pair_with(port, mac(port), cidr)
    }

    /// An allowed address pair.
    pub fn pair_with(&mut self, port: &str, mac: MacAddr, cidr: &str) -> &mut Self {
        let pair = AddressPair { mac, ip: range(cidr) };
        self.change_security(port, |security| {
            security.pairs.push(pair);
            security.pairs.sort_unstable();
        })
    }

    /// No port security.
    pub fn unsecured(&mut self, port: &str) -> &mut Self {
        self.change_port(port, |row| row.security = None)
    }

    /// The administrative state of a port.
    pub fn enabled(&mut self, port: &str, enabled: bool) -> &mut Self {
        self.change_port(port, |row| row.enabled = enabled)
    }

    /// Takes a server's device away.
    pub fn detached(&mut self, port: &str) -> &mut Self {
        self.change_port(port, |row| row.kind = PortKind::Guest { attachment: None })
    }

    /// No DHCP for a server.
    pub fn without_dhcp(&mut self, port: &str) -> &mut Self {
        self.change_port(port, |row| row.services = None)
    }

    /// Removes a port.
    pub fn remove_port(&mut self, port: &str) -> &mut Self {
        self.network.remove(&RowKey::Port(port_id(port)));
        self
    }

    fn change_security(&mut self, port: &str, change: impl FnOnce(&mut PortSecurity)) -> &mut Self {
        self.change_port(port, |row| {
            if let Some(security) = &mut row.security {
                change(security);
            }
        })
    }

    fn change_port(&mut self, port: &str, change: impl FnOnce(&mut Port)) -> &mut Self {
        let mut row = self.port(port).clone();
        change(&mut row);
        self.put(row)
    }

    /// A router without interfaces.
    pub fn router(&mut self, name: &str) -> &mut Self {
        self.put_router(name, true)
    }

    /// The administrative state of a router.
    pub fn router_enabled(&mut self, name: &str, enabled: bool) -> &mut Self {
        self.put_router(name, enabled)
    }

    fn put_router(&mut self, name: &str, enabled: bool) -> &mut Self {
        let id = router_id(name);
        self.put(Router { id, origin: Origin::new("router", id.0), enabled })
    }

    /// An interface of a router on a switch, and the route to its subnet.
    pub fn interface(&mut self, router: &str, switch: &str, address: &str) -> &mut Self {
        let name = format!("{router}/{switch}");
        let own = interface(address);
        let (id, router) = (port_id(&name), router_id(router));
        self.put(Port {
            id,
            origin: Origin::new("port", id.0),
            switch: switch_id(switch),
            kind: PortKind::Router { router },
            mac: mac(&name),
            addresses: vec![own],
            enabled: true,
            mtu: 1500,
            security: None,
            services: None,
        });
        let origin = Origin::new("subnet", id.0);
        self.put(Route { router, destination: range(address), origin, port: id, next_hop: None })
    }

    /// Takes an interface away, with all that goes through it.
    pub fn remove_interface(&mut self, router: &str, switch: &str) -> &mut Self {
        let port = port_id(&format!("{router}/{switch}"));
        let keys: Vec<RowKey> = self
            .network
            .rows()
            .filter(|row| match row {
                Row::Port(row) => row.id == port,
                Row::Route(row) => row.port == port,
                Row::SourceNat(row) => row.port == port,
                Row::FloatingIp(row) => row.port == port,
                _ => false,
            })
            .map(|row| row.key())
            .collect();
        keys.iter().for_each(|key| drop(self.network.remove(key)));
        self
    }

    /// A gateway of a router: an interface on an external switch and the default route by its first host;
    /// source NAT to the interface's address where wanted.
    pub fn gateway(&mut self, router: &str, external: &str, address: &str, source_nat: bool) -> &mut Self {
        self.interface(router, external, address);
        let IpAddr::V4(network) = range(address).network() else { return self };
        let first_host = Ipv4Addr::from(u32::from(network) + 1);
        self.route(router, "0.0.0.0/0", &first_host.to_string(), external);
        if source_nat { self.source_nat(router, external) } else { self }
    }

    /// Source NAT on an interface that is there.
    pub fn source_nat(&mut self, router: &str, external: &str) -> &mut Self {
        let name = format!("{router}/{external}");
        let address = self.address(&name);
        let (router, port) = (router_id(router), port_id(&name));
        self.put(SourceNat { router, port, origin: Origin::new("router", router.0), address })
    }

    /// Takes source NAT away.
    pub fn remove_source_nat(&mut self, router: &str, external: &str) -> &mut Self {
        self.network.remove(&RowKey::SourceNat(router_id(router), port_id(&format!("{router}/{external}"))));
        self
    }

    /// A static route by a next hop on a switch that the router has an interface on.
    pub fn route(&mut self, router: &str, destination: &str, next_hop: &str, switch: &str) -> &mut Self {
        let port = port_id(&format!("{router}/{switch}"));
        let router = router_id(router);
        let next_hop = Some(IpAddr::V4(parse(next_hop)));
        let origin = Origin::new("router", router.0);
        self.put(Route { router, destination: range(destination), origin, port, next_hop })
    }

    /// Takes a route away.
    pub fn remove_route(&mut self, router: &str, destination: &str) -> &mut Self {
        self.network.remove(&RowKey::Route(router_id(router), range(destination)));
        self
    }

    /// A floating IP of an external switch, by a router, for an inner address.
    pub fn floating_ip(&mut self, external: &str, address: &str, router: &str, logical: &str) -> &mut Self {
        let name = format!("{router}/{external}");
        self.put(FloatingIp {
            switch: switch_id(external),
            external: parse(address),
            origin: Origin::new("floatingip", uuid("floating ip", address)),
            router: router_id(router),
            port: port_id(&name),
            mac: mac(&name),
            logical: parse(logical),
        })
    }

    /// Takes a floating IP away.
    pub fn remove_floating_ip(&mut self, external: &str, address: &str) -> &mut Self {
        self.network.remove(&RowKey::FloatingIp(switch_id(external), parse(address)));
        self
    }

    /// A rule of a group.
    pub fn rule(&mut self, group: &str, name: &str, rule: Rule) -> &mut Self {
        let id = AclId(uuid("rule", name));
        let origin = Origin::new("security_group_rule", id.0);
        let Rule { direction, protocol, ports, icmp, remote } = rule;
        let group = group_id(group);
        self.put(Acl { group, id, origin, direction, ip_version: IpVersion::V4, protocol, ports, icmp, remote })
    }

    /// Takes a rule away.
    pub fn remove_rule(&mut self, group: &str, name: &str) -> &mut Self {
        self.network.remove(&RowKey::Acl(group_id(group), AclId(uuid("rule", name))));
        self
    }

    /// A member of an address set.
    pub fn member(&mut self, set: &str, cidr: &str) -> &mut Self {
        self.put(AddressSetEntry { set: AddressSetId(uuid("set", set)), cidr: range(cidr) })
    }

    /// Takes a member out of an address set.
    pub fn remove_member(&mut self, set: &str, cidr: &str) -> &mut Self {
        self.network.remove(&RowKey::AddressSetEntry(AddressSetId(uuid("set", set)), range(cidr)));
        self
    }

    fn put(&mut self, row: impl Into<Row>) -> &mut Self {
        self.network.put(row.into());
        self
    }

    /// The row of a port.
    #[must_use]
    pub fn port(&self, name: &str) -> &Port {
        self.network.ports.get(&port_id(name)).unwrap_or_else(|| panic!("the topology has no port {name}"))
    }

    fn switch_row(&self, name: &str) -> &Switch {
        self.network.switches.get(&switch_id(name)).unwrap_or_else(|| panic!("the topology has no switch {name}"))
    }

    /// Where a server's packets come in, or those from the wire of an external switch.
    #[must_use]
    pub fn point(&self, name: &str) -> Point {
        match self.network.switches.get(&switch_id(name)) {
            Some(switch) => Point::Wire(switch.id),
            None => Point::Port(self.port(name).id),
        }
    }

    /// First address of a port.
    #[must_use]
    pub fn address(&self, port: &str) -> Ipv4Addr {
        self.port(port).addresses.first().map_or(Ipv4Addr::UNSPECIFIED, |own| ipv4(own.address))
    }

    /// A packet of a server to an address, sent to a port's Ethernet address.
    #[must_use]
    pub fn packet(&self, from: &str, by: &str, to: &str, transport: Transport) -> Frame {
        Frame::ip((mac(from), mac(by)), (self.address(from), parse(to)), transport)
    }

    /// Opening of a TCP connection.
    #[must_use]
    pub fn tcp(&self, from: &str, by: &str, to: &str, ports: (u16, u16)) -> Frame {
        self.packet(from, by, to, Transport::Tcp(ports.0, ports.1, SYN))
    }

    /// A TCP packet within a connection.
    #[must_use]
    pub fn tcp_ack(&self, from: &str, by: &str, to: &str, ports: (u16, u16)) -> Frame {
        self.packet(from, by, to, Transport::Tcp(ports.0, ports.1, ACK))
    }

    /// A UDP packet.
    #[must_use]
    pub fn udp(&self, from: &str, by: &str, to: &str, ports: (u16, u16)) -> Frame {
        self.packet(from, by, to, Transport::Udp(ports.0, ports.1, true)).payload(8)
    }

    /// A ping.
    #[must_use]
    pub fn ping(&self, from: &str, by: &str, to: &str, identifier: u16) -> Frame {
        self.packet(from, by, to, Transport::Icmp(ECHO_REQUEST, 0, identifier)).payload(8)
    }
}

/// The Ethernet address of a port, and of whoever else has a name.
#[must_use]
pub fn mac(name: &str) -> MacAddr {
    let [a, b, c, ..] = hash("mac", name).to_be_bytes();
    MacAddr([0xfa, 0x16, 0x3e, a, b, c])
}

/// The id of a port.
#[must_use]
pub fn port_id(name: &str) -> PortId {
    PortId(uuid("port", name))
}

/// The id of a switch.
#[must_use]
pub fn switch_id(name: &str) -> SwitchId {
    SwitchId(uuid("switch", name))
}

fn router_id(name: &str) -> RouterId {
    RouterId(uuid("router", name))
}

fn group_id(name: &str) -> AclGroupId {
    AclGroupId(uuid("group", name))
}

fn uuid(kind: &str, name: &str) -> Uuid {
    Uuid::from_u64_pair(hash(kind, name), hash(name, kind))
}

fn hash(kind: &str, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, name).hash(&mut hasher);
    hasher.finish()
}

fn range(cidr: &str) -> Cidr {
    cidr.parse().unwrap_or_else(|_| panic!("'{cidr}' is not a CIDR"))
}

fn interface(text: &str) -> InterfaceAddress {
    let prefix_len = range(text).prefix_len();
    let address = text.split('/').next().map(parse).map(IpAddr::V4);
    InterfaceAddress {
        address: address.unwrap_or_else(|| panic!("'{text}' is not an address with a prefix")),
        prefix_len,
    }
}

fn ipv4(address: IpAddr) -> Ipv4Addr {
    match address {
        IpAddr::V4(address) => address,
        IpAddr::V6(address) => panic!("{address} in a table that is IPv4 only"),
    }
}
