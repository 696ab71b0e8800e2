//! Objects with short ids, for tests.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub, reason = "each test uses a part of it")]

use std::{net::IpAddr, sync::Arc};

use model::{
    Attachment, AttachmentTarget, ExternalGateway, ExtraRoute, FixedIp, FloatingIp, Network, Object, Port, Resource,
    Router, SecurityGroupRule, Subnet, Timestamp,
};
use types::{
    AttachmentId, Direction, FloatingIpId, IpVersion, MacAddr, NetworkId, PortId, ProjectId, Protocol, RouterId,
    SecurityGroupId, SecurityGroupRuleId, SubnetId,
};
use uuid::Uuid;

fn uuid(kind: u16, n: u8) -> Uuid {
    Uuid::from_u128(u128::from(kind) << 112 | u128::from(n))
}

pub fn network_id(n: u8) -> NetworkId {
    NetworkId(uuid(0xa, n))
}
pub fn subnet_id(n: u8) -> SubnetId {
    SubnetId(uuid(0xb, n))
}
pub fn port_id(n: u8) -> PortId {
    PortId(uuid(0xc, n))
}
pub fn router_id(n: u8) -> RouterId {
    RouterId(uuid(0xd, n))
}
pub fn floating_ip_id(n: u8) -> FloatingIpId {
    FloatingIpId(uuid(0xe, n))
}
pub fn group_id(n: u8) -> SecurityGroupId {
    SecurityGroupId(uuid(0xf, n))
}

fn start<R: Resource>(id: R::Id) -> R {
    R::start(id, "p".parse::<ProjectId>().unwrap(), "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap())
}

pub fn network(n: u8) -> Network {
    Network { mtu: 1500, ..start(network_id(n)) }
}

pub fn external_network(n: u8) -> Network {
    Network { external: true, physical_network: Some("public".to_owned()), ..network(n) }
}

pub fn subnet(n: u8, network: u8, cidr: &str, gateway: &str) -> Subnet {
    Subnet {
        network_id: network_id(network),
        ip_version: IpVersion::V4,
        cidr: cidr.parse().unwrap(),
        gateway_ip: gateway.parse().ok(),
        enable_dhcp: true,
        ..start(subnet_id(n))
    }
}

pub fn port(n: u8, network: u8, fixed_ips: &[(u8, &str)]) -> Port {
    let fixed_ip =
        |(subnet, ip): &(u8, &str)| FixedIp { subnet_id: subnet_id(*subnet), ip_address: ip.parse().unwrap() };
    Port {
        network_id: network_id(network),
        mac_address: MacAddr([0xfa, 0x16, 0x3e, 0, 0, n]),
        fixed_ips: fixed_ips.iter().map(fixed_ip).collect(),
        admin_state_up: true,
        port_security_enabled: true,
        security_groups: vec![group_id(1)],
        ..start(port_id(n))
    }
}

pub fn router_port(n: u8, router: u8, owner: &str, network: u8, fixed_ips: &[(u8, &str)]) -> Port {
    Port {
        device_owner: format!("network:{owner}"),
        device_id: router_id(router).to_string(),
        port_security_enabled: false,
        security_groups: Vec::new(),
        ..port(n, network, fixed_ips)
    }
}

pub fn router(n: u8, gateway: Option<(u8, bool)>, routes: &[(&str, &str)]) -> Router {
    let route =
        |(to, via): &(&str, &str)| ExtraRoute { destination: to.parse().unwrap(), nexthop: via.parse().unwrap() };
    Router {
        admin_state_up: true,
        gateway: gateway.map(|(network, enable_snat)| ExternalGateway {
            network_id: network_id(network),
            enable_snat,
            external_fixed_ips: Vec::new(),
        }),
        routes: routes.iter().map(route).collect(),
        ..start(router_id(n))
    }
}

pub fn floating_ip(n: u8, network: u8, address: &str, target: Option<(u8, &str, u8)>) -> FloatingIp {
    let address: IpAddr = address.parse().unwrap();
    FloatingIp {
        floating_network_id: network_id(network),
        floating_ip_address: address,
        port_id: target.map(|(port, _, _)| port_id(port)),
        fixed_ip_address: target.map(|(_, ip, _)| ip.parse().unwrap()),
        router_id: target.map(|(_, _, router)| router_id(router)),
        ..start(floating_ip_id(n))
    }
}

pub fn rule(
    n: u8,
    group: u8,
    direction: Direction,
    ports: Option<(u16, u16)>,
    remote_group: Option<u8>,
) -> SecurityGroupRule {
    SecurityGroupRule {
        security_group_id: group_id(group),
        direction,
        ethertype: IpVersion::V4,
        protocol: ports.map(|_| Protocol::TCP),
        port_range_min: ports.map(|p| p.0),
        port_range_max: ports.map(|p| p.1),
        remote_group_id: remote_group.map(group_id),
        ..start(SecurityGroupRuleId(uuid(0x9, n)))
    }
}

pub fn attachment(n: u8, port: u8, name: &str) -> Attachment {
    Attachment {
        port_id: port_id(port),
        target: AttachmentTarget::Netns { name: name.to_owned(), identity: 7, ifname: "eth0".to_owned() },
        server_name: name.to_owned(),
        ..start(AttachmentId(uuid(0x8, n)))
    }
}

pub fn objects() -> Vec<Object> {
    vec![
        Object::Network(Arc::new(external_network(1))),
        Object::Network(Arc::new(network(2))),
        Object::Subnet(Arc::new(subnet(1, 1, "198.51.100.0/24", "198.51.100.1"))),
        Object::Subnet(Arc::new(subnet(2, 2, "10.0.0.0/24", "10.0.0.1"))),
        Object::Router(Arc::new(router(
            1,
            Some((1, true)),
            &[("10.9.0.0/16", "10.0.0.9"), ("10.8.0.0/16", "192.0.2.1")],
        ))),
        Object::Port(Arc::new(router_port(1, 1, "router_gateway", 1, &[(1, "198.51.100.5")]))),
        Object::Port(Arc::new(router_port(2, 1, "router_interface", 2, &[(2, "10.0.0.1")]))),
        Object::Port(Arc::new(port(3, 2, &[(2, "10.0.0.3")]))),
        Object::Port(Arc::new(port(4, 2, &[(2, "10.0.0.4")]))),
        Object::Attachment(Arc::new(attachment(1, 3, "web 1"))),
        Object::FloatingIp(Arc::new(floating_ip(1, 1, "198.51.100.9", Some((3, "10.0.0.3", 1))))),
        Object::FloatingIp(Arc::new(floating_ip(2, 1, "198.51.100.10", None))),
        Object::SecurityGroupRule(Arc::new(rule(1, 1, Direction::Egress, None, None))),
        Object::SecurityGroupRule(Arc::new(rule(2, 1, Direction::Ingress, None, Some(1)))),
        Object::SecurityGroupRule(Arc::new(rule(3, 1, Direction::Ingress, Some((80, 81)), None))),
    ]
}
