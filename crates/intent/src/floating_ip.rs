//! Floating IPs.

use std::{collections::HashMap, net::IpAddr};

use model::{
    Fields, FixedIpRequest, FloatingIp, FloatingIpPatch, ListQuery, Network, Patch, Port, PortPatch, Request, Resource,
    Router, ServerEvent, Subnet, Timestamp, port::FLOATING_IP, query::Filter,
};
use serde_json::{Value, json};
use store::{Read, Scope, StoreError, Tx};
use types::{FloatingIpId, IpVersion, NetworkId, PortId, ProjectId, RouterId};

use crate::{
    Context, Error, network,
    operations::{Behaviour, visible},
    port,
};

/// The behaviour of floating IPs.
pub(crate) struct FloatingIps;

impl Behaviour for FloatingIps {
    type Of = FloatingIp;

    fn not_found(id: &str) -> Error {
        Error::FloatingIPNotFound { id: id.to_owned() }
    }

    fn create(
        tx: &mut Tx<'_>,
        context: &Context,
        project: ProjectId,
        request: Request<FloatingIpPatch>,
    ) -> Result<FloatingIp, Error> {
        let patch = request.patch;
        let mut floating = FloatingIp::start(FloatingIpId::random(), project, Timestamp::now());
        patch.apply(&mut floating);
        let id = floating.floating_network_id;
        let external: Network =
            visible(tx, context, id)?.ok_or_else(|| Error::NetworkNotFound { id: id.to_string() })?;
        if !external.external {
            return Err(Error::bad("floatingip", format!("Network {id} is not a valid external network")));
        }
        let outside = reserve(tx, context, &external, floating.id, &patch)?;
        let Some(ip) = outside.fixed_ips.first() else {
            return Err(Error::IpAddressGenerationFailure { network: id });
        };
        floating.floating_ip_address = ip.ip_address;
        floating.subnet_id = Some(ip.subnet_id);
        floating.floating_port_id = Some(outside.id);
        match patch.port_id.flatten() {
            Some(port) => associate(tx, context, &mut floating, port, patch.fixed_ip_address.flatten())?,
            None if patch.fixed_ip_address.flatten().is_some() => {
                return Err(Error::bad("floatingip", "fixed_ip_address cannot be specified without a port_id"));
            }
            None => {}
        }
        tx.insert(&context.region, &floating).map_err(|error| worded(error, &floating))?;
        tell_server(tx, context, floating.port_id)?;
        Ok(floating)
    }

    fn update(
        tx: &mut Tx<'_>,
        context: &Context,
        old: FloatingIp,
        request: Request<FloatingIpPatch>,
    ) -> Result<FloatingIp, Error> {
        let patch = request.patch;
        let mut new = old.clone();
        patch.apply(&mut new);
        let fixed = patch.fixed_ip_address.flatten();
        match (patch.port_id, old.port_id) {
            (Some(Some(port)), _) => associate(tx, context, &mut new, port, fixed)?,
            (Some(None), _) => detach(&mut new),
            // Once a floating IP had no attribute but its port, and an empty update freed it.
            (None, _) if request.named.is_empty() => detach(&mut new),
            // Another address of the same port.
            (None, Some(port)) if fixed.is_some() => associate(tx, context, &mut new, port, fixed)?,
            (None, None) if fixed.is_some() => {
                return Err(Error::bad("floatingip", "fixed_ip_address cannot be specified without a port_id"));
            }
            (None, _) => {}
        }
        if new == old {
            return Ok(old);
        }
        new.touch(Timestamp::now());
        tx.update(&context.region, &old, &new).map_err(|error| worded(error, &new))?;
        if old.port_id != new.port_id {
            tell_server(tx, context, old.port_id)?;
        }
        if (old.port_id, old.fixed_ip_address) != (new.port_id, new.fixed_ip_address) {
            tell_server(tx, context, new.port_id)?;
        }
        Ok(new)
    }

    fn delete(tx: &mut Tx<'_>, context: &Context, floating: FloatingIp) -> Result<(), Error> {
        remove(tx, context, &floating)?;
        tell_server(tx, context, floating.port_id)
    }

    fn complete<F: Fields>(read: &Read<'_>, context: &Context, objects: &mut [F]) -> Result<(), Error> {
        let ids: Vec<Value> = objects.iter().filter_map(|object| object.text("port_id").map(Value::from)).collect();
        let details = port_details(read, context, ids)?;
        for object in objects {
            let found = object.text("port_id").and_then(|id| details.get(id)).cloned();
            object.set("port_details", found.unwrap_or(Value::Null));
        }
        Ok(())
    }
}

/// What a floating IP shows of its port.
fn port_details(read: &Read<'_>, context: &Context, ids: Vec<Value>) -> Result<HashMap<String, Value>, Error> {
    const SHOWN: [&str; 7] =
        ["name", "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner"];
    let Some(attribute) = Port::INFO.attribute("id").filter(|_| !ids.is_empty()) else { return Ok(HashMap::new()) };
    let query = ListQuery { filters: vec![Filter::OneOf { attribute, values: ids }], ..ListQuery::default() };
    let mut details = HashMap::new();
    for body in read.list_bodies(Port::INFO, &context.region, Scope::All, &query)? {
        let id = body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let shown = SHOWN.iter().map(|name| ((*name).to_owned(), body.get(*name).cloned().unwrap_or(Value::Null)));
        details.insert(id, Value::Object(shown.collect()));
    }
    Ok(details)
}

/// The port on the external network that keeps the address: routers' gateways and floating IPs take
/// theirs from one store of addresses, so none is given twice.
fn reserve(
    tx: &mut Tx<'_>,
    context: &Context,
    external: &Network,
    floating: FloatingIpId,
    patch: &FloatingIpPatch,
) -> Result<Port, Error> {
    let subnets = network::subnets(tx, context, external.id)?;
    let of_ipv4: Vec<&Subnet> = subnets.iter().filter(|subnet| subnet.ip_version == IpVersion::V4).collect();
    let subnet = patch.subnet_id.flatten();
    if let Some(id) = subnet
        && !of_ipv4.iter().any(|candidate| candidate.id == id)
    {
        return Err(match subnets.iter().any(|candidate| candidate.id == id) {
            true => Error::bad("floatingip", format!("Subnet {id} is not an IPv4 subnet")),
            false => Error::SubnetNotFound { id: id.to_string() },
        });
    }
    if of_ipv4.is_empty() {
        return Err(Error::bad("floatingip", format!("Network {} does not contain any IPv4 subnet", external.id)));
    }
    let address = patch.floating_ip_address.flatten();
    if address.is_some_and(|address| address.is_ipv6()) {
        return Err(Error::bad("floatingip", "a floating IP has an IPv4 address"));
    }
    let mut patch = PortPatch {
        device_id: Some(floating.to_string()),
        device_owner: Some(FLOATING_IP.to_owned()),
        ..PortPatch::default()
    };
    if subnet.is_some() || address.is_some() {
        patch.fixed_ips = Some(vec![FixedIpRequest { subnet_id: subnet, ip_address: address }]);
        return port::insert(tx, context, external, ProjectId::unowned(), &patch);
    }
    for subnet in of_ipv4 {
        patch.fixed_ips = Some(vec![FixedIpRequest { subnet_id: Some(subnet.id), ip_address: None }]);
        match port::insert(tx, context, external, ProjectId::unowned(), &patch) {
            Err(Error::IpAddressGenerationFailureForSubnet { .. }) => {}
            done => return done,
        }
    }
    Err(Error::IpAddressGenerationFailure { network: external.id })
}

/// Ties the floating IP to an address of a port, by the router that reaches it.
fn associate(
    read: &Read<'_>,
    context: &Context,
    floating: &mut FloatingIp,
    id: PortId,
    fixed: Option<IpAddr>,
) -> Result<(), Error> {
    let port: Port = visible(read, context, id)?.ok_or_else(|| Error::PortNotFound { id: id.to_string() })?;
    if !context.is_admin && port.project_id != floating.project_id {
        return Err(Error::bad(
            "floatingip",
            format!(
                "Cannot process floating IP association with Port {id}, since that port is owned by a different tenant"
            ),
        ));
    }
    let of_ipv4: Vec<_> = port.fixed_ips.iter().filter(|ip| ip.ip_address.is_ipv4()).collect();
    let ip = match (fixed, of_ipv4.as_slice()) {
        (Some(address), _) if address.is_ipv6() => {
            return Err(Error::bad(
                "floatingip",
                format!("Cannot process floating IP association with {address}, since that is not an IPv4 address"),
            ));
        }
        (Some(address), of_ipv4) => *of_ipv4
            .iter()
            .find(|ip| ip.ip_address == address)
            .ok_or_else(|| Error::bad("floatingip", format!("Port {id} does not have fixed ip {address}")))?,
        (None, []) => {
            return Err(Error::bad(
                "floatingip",
                format!("Cannot add floating IP to port {id} that has no fixed IPv4 addresses"),
            ));
        }
        (None, [ip]) => ip,
        (None, _) => {
            return Err(Error::bad(
                "floatingip",
                format!(
                    "Port {id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a \
                     floating IP"
                ),
            ));
        }
    };
    let network = floating.floating_network_id;
    let router = reaching_router(read, context, port.network_id, ip.subnet_id, network)?
        .ok_or(Error::ExternalGatewayForFloatingIPNotFound { network, subnet: ip.subnet_id, port: id })?;
    let equal =
        [("port_id", json!(id)), ("fixed_ip_address", json!(ip.ip_address)), ("floating_network_id", json!(network))];
    let others: Vec<FloatingIp> = read.find(&context.region, &equal)?;
    if let Some(other) = others.iter().find(|other| other.id != floating.id) {
        return Err(Error::FloatingIPPortAlreadyAssociated {
            address: other.floating_ip_address,
            id: other.id.to_string(),
            port: id,
            fixed: ip.ip_address,
            network,
        });
    }
    floating.port_id = Some(id);
    floating.fixed_ip_address = Some(ip.ip_address);
    floating.router_id = Some(router);
    Ok(())
}

/// The router with an interface on the subnet and its gateway on the external network; the one that
/// has the subnet's gateway address if there are several.
fn reaching_router(
    read: &Read<'_>,
    context: &Context,
    inside: NetworkId,
    subnet: types::SubnetId,
    outside: NetworkId,
) -> Result<Option<RouterId>, Error> {
    let gateway = read.get::<Subnet>(&context.region, subnet)?.and_then(|subnet| subnet.gateway_ip);
    let equal = [("network_id", json!(inside)), ("device_owner", json!(model::port::ROUTER_INTERFACE))];
    let mut candidates: Vec<(bool, RouterId)> = Vec::new();
    for port in read.find::<Port>(&context.region, &equal)? {
        let Some(ip) = port.fixed_ips.iter().find(|ip| ip.subnet_id == subnet) else { continue };
        let Ok(id) = port.device_id.parse::<RouterId>() else { continue };
        let Some(router) = read.get::<Router>(&context.region, id)? else { continue };
        if router.gateway.is_some_and(|found| found.network_id == outside) {
            candidates.push((Some(ip.ip_address) != gateway, id));
        }
    }
    candidates.sort_unstable();
    Ok(candidates.first().map(|(_, id)| *id))
}

/// Removes a floating IP, and with it the port that keeps its address.
pub(crate) fn remove(tx: &mut Tx<'_>, context: &Context, floating: &FloatingIp) -> Result<(), Error> {
    tx.delete::<FloatingIp>(&context.region, floating.id)?;
    if let Some(id) = floating.floating_port_id {
        tx.delete::<Port>(&context.region, id)?;
    }
    Ok(())
}

/// A compute service keeps a copy of its servers' addresses.
fn tell_server(tx: &mut Tx<'_>, context: &Context, port: Option<PortId>) -> Result<(), Error> {
    let Some(id) = port else { return Ok(()) };
    let port: Option<Port> = tx.get(&context.region, id)?;
    Ok(tx.notify(&context.region, port.as_ref().and_then(ServerEvent::of_addresses))?)
}

fn detach(floating: &mut FloatingIp) {
    floating.port_id = None;
    floating.fixed_ip_address = None;
    floating.router_id = None;
    // It reaches nothing from now on, whenever the datapath hears of it.
    "DOWN".clone_into(&mut floating.status);
    floating.status_error = None;
}

/// Frees a floating IP from its port.
pub(crate) fn disassociate(tx: &mut Tx<'_>, context: &Context, old: FloatingIp) -> Result<(), Error> {
    let mut new = old.clone();
    detach(&mut new);
    tx.update_touched(&context.region, &old, new)?;
    Ok(())
}

/// Frees the floating IPs of addresses that a port loses.
pub(crate) fn release_fixed(tx: &mut Tx<'_>, context: &Context, port: PortId, gone: &[IpAddr]) -> Result<(), Error> {
    let found: Vec<FloatingIp> = tx.find(&context.region, &[("port_id", json!(port))])?;
    for floating in found {
        if floating.fixed_ip_address.is_some_and(|fixed| gone.contains(&fixed)) {
            disassociate(tx, context, floating)?;
        }
    }
    Ok(())
}

fn worded(error: StoreError, floating: &FloatingIp) -> Error {
    match (floating.port_id, floating.fixed_ip_address) {
        (Some(port), Some(fixed)) if error.is_not_unique("fixed_ip_address") => {
            Error::FloatingIPPortAlreadyAssociated {
                address: floating.floating_ip_address,
                id: floating.id.to_string(),
                port,
                fixed,
                network: floating.floating_network_id,
            }
        }
        _ => error.into(),
    }
}
