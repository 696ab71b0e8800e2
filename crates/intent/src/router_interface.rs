//! Interfaces of routers: their ports on subnets.

use model::{
    Body, FixedIpRequest, Network, Port, PortPatch, Resource, Router, Subnet, Timestamp, port::ROUTER_INTERFACE,
};
use serde_json::{Value, json};
use store::{Read, Tx};
use types::{IpVersion, PortId, SubnetId};

use crate::{
    Context, Error,
    note::note_tie,
    operations::{changeable, visible},
    port,
    router::{self, Routers},
};

/// What a body of the two actions names.
struct Named {
    subnet: Option<SubnetId>,
    port: Option<PortId>,
}

impl Named {
    fn parse(body: &Body) -> Result<Self, Error> {
        let unknown: Vec<_> =
            body.keys().filter(|key| !["subnet_id", "port_id"].contains(&key.as_str())).cloned().collect();
        if !unknown.is_empty() {
            return Err(model::RequestError::Unrecognized { names: unknown }.into());
        }
        Ok(Self { subnet: id(body, "subnet_id")?, port: id(body, "port_id")? })
    }
}

fn id<T: std::str::FromStr>(body: &Body, name: &'static str) -> Result<Option<T>, Error> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_str().and_then(|id| id.parse().ok()).map(Some).ok_or_else(|| {
            let reason = format!("'{}' is not a valid UUID", model::python::text(value));
            model::RequestError::Invalid { name: name.to_owned(), reason, value: value.clone() }.into()
        }),
    }
}

/// `PUT .../add_router_interface`.
pub(crate) fn add(tx: &mut Tx<'_>, context: &Context, id: &str, body: &Body) -> Result<Body, Error> {
    let router = changeable::<Routers>(tx, context, id.into(), "add_router_interface_to")
        .map_err(|error| renamed(error, "rule:add_router_interface"))?;
    let (port, subnets) = match Named::parse(body)? {
        Named { subnet: Some(_), port: Some(_) } => {
            return Err(Error::bad("router", "Cannot specify both subnet-id and port-id"));
        }
        Named { subnet: None, port: None } => {
            return Err(Error::bad("router", "Either subnet_id or port_id must be specified"));
        }
        Named { subnet: Some(subnet), port: None } => add_subnet(tx, context, &router, subnet)?,
        Named { subnet: None, port: Some(port) } => add_port(tx, context, &router, port)?,
    };
    touch(tx, context, &router)?;
    let answer = answer(&router, &port, &subnets);
    note_tie(tx, "add_router_interface", &router, None, Some(&answer));
    Ok(answer)
}

/// A change of its interfaces is a revision of the router.
fn touch(tx: &mut Tx<'_>, context: &Context, old: &Router) -> Result<(), Error> {
    let mut new = old.clone();
    new.touch(Timestamp::now());
    tx.update(&context.region, old, &new)?;
    Ok(())
}

fn renamed(error: Error, rule: &str) -> Error {
    match error {
        Error::PolicyNotAuthorized { .. } => Error::forbidden(rule),
        other => other,
    }
}

fn answer(router: &Router, port: &Port, subnets: &[SubnetId]) -> Body {
    [
        ("id".to_owned(), json!(router.id)),
        ("project_id".to_owned(), json!(router.project_id)),
        ("port_id".to_owned(), json!(port.id)),
        ("network_id".to_owned(), json!(port.network_id)),
        ("subnet_id".to_owned(), json!(subnets.first())),
        ("subnet_ids".to_owned(), json!(subnets)),
    ]
    .into_iter()
    .collect()
}

fn visible_subnet(read: &Read<'_>, context: &Context, id: SubnetId) -> Result<Subnet, Error> {
    visible(read, context, id)?.ok_or_else(|| Error::SubnetNotFound { id: id.to_string() })
}

/// The router's subnets must not overlap, and it has one port on each.
fn check_new_subnet(read: &Read<'_>, context: &Context, router: &Router, subnet: &Subnet) -> Result<(), Error> {
    let ports = router::ports(read, context, router)?;
    let existing = router::subnets_of(read, context, &ports)?;
    if existing.iter().any(|other| other.id == subnet.id) {
        return Err(Error::bad("router", format!("Router already has a port on subnet {}", subnet.id)));
    }
    router::check_overlap(subnet, &existing)
}

fn add_subnet(
    tx: &mut Tx<'_>,
    context: &Context,
    router: &Router,
    id: SubnetId,
) -> Result<(Port, Vec<SubnetId>), Error> {
    let subnet = visible_subnet(tx, context, id)?;
    let Some(gateway) = subnet.gateway_ip else {
        return Err(Error::bad("router", "Subnet for router interface must have a gateway IP"));
    };
    check_new_subnet(tx, context, router, &subnet)?;
    let network: Network = tx
        .get(&context.region, subnet.network_id)?
        .ok_or_else(|| Error::NetworkNotFound { id: subnet.network_id.to_string() })?;
    let address = FixedIpRequest { subnet_id: Some(subnet.id), ip_address: Some(gateway) };
    // The IPv6 subnets of a network share one port of the router, as one link-local address does.
    if subnet.ip_version == IpVersion::V6
        && let Some(port) = ipv6_port(tx, context, router, &network)?
    {
        let mut fixed_ips: Vec<FixedIpRequest> = port.fixed_ips.iter().copied().map(Into::into).collect();
        fixed_ips.push(address);
        let patch = PortPatch { fixed_ips: Some(fixed_ips), ..PortPatch::default() };
        let port = port::change(tx, context, &network, port, &patch)?;
        return Ok((port, vec![subnet.id]));
    }
    let patch = PortPatch {
        device_id: Some(router.id.to_string()),
        device_owner: Some(ROUTER_INTERFACE.to_owned()),
        fixed_ips: Some(vec![address]),
        ..PortPatch::default()
    };
    let port = port::insert(tx, context, &network, router.project_id.clone(), &patch)?;
    Ok((port, vec![subnet.id]))
}

fn ipv6_port(read: &Read<'_>, context: &Context, router: &Router, network: &Network) -> Result<Option<Port>, Error> {
    let is_ipv6 = |port: &Port| !port.fixed_ips.is_empty() && port.fixed_ips.iter().all(|ip| ip.ip_address.is_ipv6());
    let interfaces = router::interfaces(read, context, router.id)?;
    Ok(interfaces.into_iter().find(|port| port.network_id == network.id && is_ipv6(port)))
}

fn add_port(tx: &mut Tx<'_>, context: &Context, router: &Router, id: PortId) -> Result<(Port, Vec<SubnetId>), Error> {
    let old: Port = visible(tx, context, id)?.ok_or_else(|| Error::PortNotFound { id: id.to_string() })?;
    if !context.owns(&old.project_id) {
        return Err(Error::forbidden("rule:add_router_interface"));
    }
    if !old.device_id.is_empty() {
        return Err(Error::PortInUse { port: old.id, network: old.network_id, device: old.device_id });
    }
    if old.fixed_ips.is_empty() {
        return Err(Error::bad("router", "Router port must have at least one fixed IP"));
    }
    let subnets = router::subnets_of(tx, context, std::slice::from_ref(&old))?;
    if subnets.iter().filter(|subnet| subnet.ip_version == IpVersion::V4).count() > 1 {
        return Err(Error::bad("router", "Cannot have multiple IPv4 subnets on router port"));
    }
    for subnet in &subnets {
        check_new_subnet(tx, context, router, subnet)?;
    }
    let mut new = old.clone();
    new.device_id = router.id.to_string();
    new.device_owner = ROUTER_INTERFACE.to_owned();
    new.name = String::new();
    // A router forwards addresses of others: neither its own nor groups can be a condition.
    new.port_security_enabled = false;
    new.security_groups.clear();
    new.allowed_address_pairs.clear();
    let port = tx.update_touched(&context.region, &old, new)?;
    let ids = subnets.iter().map(|subnet| subnet.id).collect();
    Ok((port, ids))
}

/// `PUT .../remove_router_interface`.
pub(crate) fn remove(tx: &mut Tx<'_>, context: &Context, id: &str, body: &Body) -> Result<Body, Error> {
    let router = changeable::<Routers>(tx, context, id.into(), "remove_router_interface_from")
        .map_err(|error| renamed(error, "rule:remove_router_interface"))?;
    let interfaces = router::interfaces(tx, context, router.id)?;
    let has = |port: &Port, subnet: SubnetId| port.fixed_ips.iter().any(|ip| ip.subnet_id == subnet);
    let named = Named::parse(body)?;
    let (port, subnets) = match (named.port, named.subnet) {
        (None, None) => return Err(Error::bad("router", "Either subnet_id or port_id must be specified")),
        (Some(id), subnet) => {
            let port = interfaces.into_iter().find(|port| port.id == id);
            let port = port.ok_or(Error::RouterInterfaceNotFound { router: router.id, port: id })?;
            if let Some(subnet) = subnet.filter(|subnet| !has(&port, *subnet)) {
                return Err(Error::bad("router", format!("Subnet {subnet} on port {id} does not match")));
            }
            let subnets = port.fixed_ips.iter().map(|ip| ip.subnet_id).collect::<Vec<_>>();
            (port, subnets)
        }
        (None, Some(id)) => {
            visible_subnet(tx, context, id)?;
            let port = interfaces.into_iter().find(|port| has(port, id));
            let port = port.ok_or(Error::RouterInterfaceNotFoundForSubnet { router: router.id, subnet: id })?;
            (port, vec![id])
        }
    };
    for subnet in &subnets {
        check_unused(tx, context, &router, *subnet)?;
    }
    let mut rest = port.clone();
    rest.fixed_ips.retain(|ip| !subnets.contains(&ip.subnet_id));
    if rest.fixed_ips.is_empty() {
        port::remove(tx, context, &port)?;
    } else {
        rest.touch(Timestamp::now());
        tx.update(&context.region, &port, &rest)?;
    }
    touch(tx, context, &router)?;
    let answer = answer(&router, &port, &subnets);
    note_tie(tx, "remove_router_interface", &router, Some(&answer), None);
    Ok(answer)
}

/// Floating IPs and routes may need the interface.
fn check_unused(read: &Read<'_>, context: &Context, router: &Router, id: SubnetId) -> Result<(), Error> {
    let Some(subnet) = read.get::<Subnet>(&context.region, id)? else { return Ok(()) };
    let floating = router::floating_ips(read, context, router.id)?;
    if floating.iter().any(|(_, fixed)| fixed.is_some_and(|fixed| subnet.cidr.contains(fixed))) {
        return Err(Error::RouterInterfaceInUseByFloatingIP { router: router.id, subnet: id });
    }
    if router.routes.iter().any(|route| subnet.cidr.contains(route.nexthop)) {
        return Err(Error::RouterInterfaceInUseByRoute { router: router.id, subnet: id });
    }
    Ok(())
}
