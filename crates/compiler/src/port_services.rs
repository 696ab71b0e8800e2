//! What DHCP and the metadata service tell a port's device.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr},
};

use logical::{Dhcp4Options, DhcpRoute, ExtraDhcpOption, Metadata, PortServices};
use model::{Attachment, Network, Port, Subnet};

use crate::Snapshot;

/// As long as Neutron's (`dhcp_lease_duration`): a day.
const LEASE_SECONDS: u32 = 86400;

pub(crate) fn of(snapshot: &Snapshot, port: &Port, network: &Network) -> PortServices {
    let attachment = snapshot.attachment_of(port.id);
    PortServices {
        dhcp4: dhcp4(snapshot, port, network, attachment.map(AsRef::as_ref)),
        metadata: attachment.map(|attachment| metadata(snapshot, port, attachment)),
    }
}

/// The answer for the port's first IPv4 address on a subnet with DHCP.
fn dhcp4(snapshot: &Snapshot, port: &Port, network: &Network, attachment: Option<&Attachment>) -> Option<Dhcp4Options> {
    let (address, subnet) = port.fixed_ips.iter().find_map(|fixed_ip| {
        let subnet = snapshot.subnets.get(&fixed_ip.subnet_id)?;
        Some((v4(fixed_ip.ip_address)?, subnet)).filter(|_| subnet.enable_dhcp)
    })?;
    Some(Dhcp4Options {
        address,
        prefix_len: subnet.cidr.prefix_len(),
        router: subnet.gateway_ip.and_then(v4),
        dns_servers: subnet.dns_nameservers.iter().copied().filter_map(v4).collect(),
        routes: routes(subnet),
        mtu: u16::try_from(network.mtu).unwrap_or(u16::MAX),
        lease_seconds: LEASE_SECONDS,
        hostname: hostname(port, attachment, address),
        domain: Some(network.dns_domain.trim_end_matches('.').to_owned()).filter(|domain| !domain.is_empty()),
        extra: port
            .extra_dhcp_opts
            .iter()
            .filter(|option| option.ip_version == 4)
            .filter_map(|option| {
                Some(ExtraDhcpOption { name: option.opt_name.clone(), value: option.opt_value.clone()? })
            })
            .collect(),
    })
}

fn routes(subnet: &Subnet) -> Vec<DhcpRoute> {
    let v4_route =
        |route: &model::HostRoute| Some(DhcpRoute { destination: route.destination, next_hop: v4(route.nexthop)? });
    subnet.host_routes.iter().filter(|route| route.destination.is_ipv4()).filter_map(v4_route).collect()
}

fn metadata(snapshot: &Snapshot, port: &Port, attachment: &Attachment) -> Metadata {
    let local_ipv4 = port.fixed_ips.iter().find_map(|fixed_ip| v4(fixed_ip.ip_address));
    Metadata {
        instance_id: attachment.id.to_string(),
        hostname: hostname(port, Some(attachment), local_ipv4.unwrap_or(Ipv4Addr::UNSPECIFIED)),
        name: attachment.server_name.clone(),
        project_id: port.project_id.to_string(),
        availability_zone: Cow::Borrowed("nova"),
        local_ipv4,
        public_ipv4: snapshot.floating_ip_of(port.id).and_then(|f| v4(f.floating_ip_address)),
        mac: port.mac_address,
        public_keys: attachment.public_keys.clone(),
        user_data: attachment.user_data.clone(),
    }
}

/// The port's `dns_name`, else the server's name as a host name, else one made from the address, as
/// Neutron's DHCP agent does.
fn hostname(port: &Port, attachment: Option<&Attachment>, address: Ipv4Addr) -> String {
    let from_server = attachment.map(|a| label(&a.server_name)).unwrap_or_default();
    let [a, b, c, d] = address.octets();
    [port.dns_name.clone(), from_server]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| format!("host-{a}-{b}-{c}-{d}"))
}

/// A server's name as a DNS label: `_` and spaces removed as the service promises, and with them all
/// else that no label may have.
fn label(name: &str) -> String {
    let kept: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(63).collect();
    kept.trim_matches('-').to_ascii_lowercase()
}

fn v4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}
