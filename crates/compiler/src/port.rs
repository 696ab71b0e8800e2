//! A port becomes a port of its switch, and its addresses members of its groups' sets.

use std::{collections::BTreeSet, sync::Arc};

use logical::{AddressPair, AddressSetEntry, InterfaceAddress, Origin, PortId, PortKind, PortSecurity, RouterId, Row};
use model::{AttachmentTarget, Port};
use types::Cidr;

use crate::{
    Snapshot,
    network::switch_id,
    port_services,
    security_group_rule::{group_id, set_id},
    snapshot::router_of,
};

pub(crate) fn rows(snapshot: &Snapshot, id: types::PortId) -> Vec<Row> {
    let Some(port) = snapshot.ports.get(&id) else { return Vec::new() };
    let Some(network) = snapshot.networks.get(&port.network_id) else { return Vec::new() };
    // The address of a floating IP is kept by a port of its own, which is no place on the network.
    if port.device_owner == model::port::FLOATING_IP {
        return Vec::new();
    }
    let kind = match router_of(port) {
        Some(router) => PortKind::Router { router: RouterId(router.0) },
        None => PortKind::Guest { attachment: attachment(snapshot, port) },
    };
    let is_guest = matches!(kind, PortKind::Guest { .. });
    let row = logical::Port {
        id: PortId(id.0),
        origin: Origin::new("port", id.0),
        switch: switch_id(port.network_id),
        mac: port.mac_address,
        addresses: addresses(snapshot, port),
        enabled: port.admin_state_up && network.admin_state_up,
        mtu: network.mtu,
        security: (is_guest && port.port_security_enabled).then(|| security(port)),
        services: is_guest.then(|| Arc::new(port_services::of(snapshot, port, network))),
        kind,
    };
    let mut rows: Vec<Row> = memberships(port).map(Row::from).collect();
    rows.push(row.into());
    rows
}

fn addresses(snapshot: &Snapshot, port: &Port) -> Vec<InterfaceAddress> {
    let of_subnet = |fixed_ip: &model::FixedIp| {
        let subnet = snapshot.subnets.get(&fixed_ip.subnet_id)?;
        Some(InterfaceAddress { address: fixed_ip.ip_address, prefix_len: subnet.cidr.prefix_len() })
    };
    port.fixed_ips.iter().filter(|f| f.ip_address.is_ipv4()).filter_map(of_subnet).collect()
}

/// The addresses that the port may use.
fn pairs(port: &Port) -> impl Iterator<Item = AddressPair> + '_ {
    let own = port.fixed_ips.iter().map(|f| AddressPair { mac: port.mac_address, ip: Cidr::host(f.ip_address) });
    let allowed = port.allowed_address_pairs.iter().map(|p| AddressPair { mac: p.mac_address, ip: p.ip_address });
    own.chain(allowed).filter(|pair| pair.ip.is_ipv4())
}

fn security(port: &Port) -> PortSecurity {
    let pairs: BTreeSet<AddressPair> = pairs(port).collect();
    let groups: BTreeSet<_> = port.security_groups.iter().map(|g| group_id(*g)).collect();
    PortSecurity { pairs: pairs.into_iter().collect(), groups: groups.into_iter().collect() }
}

/// What a rule with one of the port's groups as its remote side matches: all that the port may use.
fn memberships(port: &Port) -> impl Iterator<Item = AddressSetEntry> + '_ {
    let groups = port.security_groups.iter().filter(|_| port.port_security_enabled);
    groups.flat_map(|group| pairs(port).map(|pair| AddressSetEntry { set: set_id(*group), cidr: pair.ip }))
}

fn attachment(snapshot: &Snapshot, port: &Port) -> Option<logical::Attachment> {
    let Some(attachment) = snapshot.attachment_of(port.id) else {
        // A compute service that bound the port here makes the device by itself, under the usual name.
        return port.is_plugged_by_host().then(|| logical::Attachment::Tap { name: port.tap_name() });
    };
    Some(match &attachment.target {
        AttachmentTarget::Netns { name, identity, ifname } => {
            logical::Attachment::Netns { name: name.clone(), identity: *identity, ifname: ifname.clone() }
        }
        AttachmentTarget::Tap { name } => logical::Attachment::Tap { name: name.clone() },
    })
}
