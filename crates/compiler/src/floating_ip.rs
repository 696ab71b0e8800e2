//! A floating IP that is associated becomes a translation of its router.

use std::net::IpAddr;

use logical::{FloatingIp, Origin, PortId, RouterId, Row};
use types::FloatingIpId;

use crate::{Snapshot, network::switch_id};

pub(crate) fn rows(snapshot: &Snapshot, id: FloatingIpId) -> Vec<Row> {
    row(snapshot, id).map(Row::from).into_iter().collect()
}

fn row(snapshot: &Snapshot, id: FloatingIpId) -> Option<FloatingIp> {
    let floating_ip = snapshot.floating_ips.get(&id)?;
    let router = floating_ip.router_id?;
    let gateway = snapshot.router_ports(router).find(|port| {
        port.network_id == floating_ip.floating_network_id && port.device_owner == "network:router_gateway"
    })?;
    match (floating_ip.floating_ip_address, floating_ip.fixed_ip_address?) {
        (IpAddr::V4(external), IpAddr::V4(logical)) => Some(FloatingIp {
            switch: switch_id(floating_ip.floating_network_id),
            external,
            origin: Origin::new("floating_ip", id.0),
            router: RouterId(router.0),
            port: PortId(gateway.id.0),
            mac: gateway.mac_address,
            logical,
        }),
        _ => None,
    }
}
