//! A router becomes a router with routes and source NAT; its interfaces are ports.

use std::{collections::BTreeMap, net::IpAddr};

use logical::{Origin, PortId, Route, RouterId, Row, SourceNat};
use model::Port;
use types::Cidr;

use crate::Snapshot;

pub(crate) fn rows(snapshot: &Snapshot, id: types::RouterId) -> Vec<Row> {
    let Some(router) = snapshot.routers.get(&id) else { return Vec::new() };
    let origin = Origin::new("router", id.0);
    let row = logical::Router { id: RouterId(id.0), origin: origin.clone(), enabled: router.admin_state_up };
    let mut rows = vec![Row::from(row)];
    rows.extend(routes(snapshot, router).into_values().map(Row::from));
    rows.extend(source_nat(snapshot, router).map(Row::from));
    rows
}

/// One route per destination: what is connected wins over what was configured, a configured route
/// over the gateway's default, and of several next hops the lowest (ECMP is not there yet).
fn routes(snapshot: &Snapshot, router: &model::Router) -> BTreeMap<Cidr, Route> {
    let connected: Vec<(Cidr, &Port)> =
        snapshot.router_ports(router.id).flat_map(|port| connected(snapshot, port)).collect();
    let route = |destination, origin, port: &Port, next_hop| Route {
        router: RouterId(router.id.0),
        destination,
        origin,
        port: PortId(port.id.0),
        next_hop,
    };
    let through = |next_hop: IpAddr| connected.iter().find(|(cidr, _)| cidr.contains(next_hop)).map(|(_, port)| *port);

    let mut routes = BTreeMap::new();
    for (port, next_hop) in default_routes(snapshot, router) {
        let destination = Cidr::new([0, 0, 0, 0].into(), 0);
        routes.extend(destination.map(|to| (to, route(to, Origin::new("port", port.id.0), port, Some(next_hop)))));
    }
    let mut configured: Vec<_> = router.routes.iter().filter(|r| r.destination.is_ipv4()).collect();
    configured.sort_by_key(|r| std::cmp::Reverse(r.nexthop));
    for extra in configured {
        if let Some(port) = through(extra.nexthop) {
            let origin = Origin::new("router", router.id.0);
            routes.insert(extra.destination, route(extra.destination, origin, port, Some(extra.nexthop)));
        }
    }
    for (cidr, port) in &connected {
        routes.insert(*cidr, route(*cidr, Origin::new("port", port.id.0), port, None));
    }
    routes
}

/// The IPv4 subnets that an interface is on. A gateway is on the external subnets.
fn connected<'a>(snapshot: &'a Snapshot, port: &'a Port) -> impl Iterator<Item = (Cidr, &'a Port)> {
    let subnets = port.fixed_ips.iter().filter_map(|f| snapshot.subnets.get(&f.subnet_id));
    subnets.filter(|subnet| subnet.cidr.is_ipv4()).map(move |subnet| (subnet.cidr, port))
}

fn default_routes<'a>(snapshot: &'a Snapshot, router: &'a model::Router) -> impl Iterator<Item = (&'a Port, IpAddr)> {
    gateways(snapshot, router).filter_map(|port| {
        let subnets = port.fixed_ips.iter().filter_map(|f| snapshot.subnets.get(&f.subnet_id));
        let next_hop = subnets.filter(|s| s.cidr.is_ipv4()).find_map(|s| s.gateway_ip)?;
        Some((port, next_hop))
    })
}

fn gateways<'a>(snapshot: &'a Snapshot, router: &'a model::Router) -> impl Iterator<Item = &'a Port> {
    let ports = snapshot.router_ports(router.id).map(AsRef::as_ref);
    ports.filter(|port| port.device_owner == "network:router_gateway")
}

fn source_nat<'a>(snapshot: &'a Snapshot, router: &'a model::Router) -> impl Iterator<Item = SourceNat> + 'a {
    let translating = gateways(snapshot, router).filter(|_| router.gateway.as_ref().is_some_and(|g| g.enable_snat));
    translating.filter_map(|port| {
        let address = port.fixed_ips.iter().find_map(|f| match f.ip_address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })?;
        let origin = Origin::new("router", router.id.0);
        Some(SourceNat { router: RouterId(router.id.0), port: PortId(port.id.0), origin, address })
    })
}
