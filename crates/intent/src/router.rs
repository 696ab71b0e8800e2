//! Routers and their gateways.

use model::{
    FixedIpRequest, GatewayRequest, Network, Patch, Port, PortPatch, Request, Resource, Router, RouterPatch, Subnet,
    Timestamp,
    port::{ROUTER_GATEWAY, ROUTER_INTERFACE},
};
use serde_json::json;
use store::{Read, Tx};
use types::{FloatingIpId, ProjectId, RouterId};

use crate::{
    Context, Error, extra_route, network,
    operations::{Behaviour, visible},
    port,
};

/// The behaviour of routers.
pub(crate) struct Routers;

impl Behaviour for Routers {
    type Of = Router;

    fn not_found(id: &str) -> Error {
        Error::RouterNotFound { id: id.to_owned() }
    }

    fn create(
        tx: &mut Tx<'_>,
        context: &Context,
        project: ProjectId,
        request: Request<RouterPatch>,
    ) -> Result<Router, Error> {
        let patch = request.patch;
        let mut router = Router::start(RouterId::random(), project, Timestamp::now());
        patch.apply(&mut router);
        tx.insert(&context.region, &router)?;
        if let Some(Some(gateway)) = &patch.gateway {
            check_gateway_policy("create", context, gateway)?;
            router = set_gateway(tx, context, router, gateway)?;
        }
        if let Some(routes) = patch.routes {
            router = extra_route::replace(tx, context, router, routes)?;
        }
        Ok(router)
    }

    fn update(tx: &mut Tx<'_>, context: &Context, old: Router, request: Request<RouterPatch>) -> Result<Router, Error> {
        let patch = request.patch;
        let mut new = old.clone();
        patch.apply(&mut new);
        let mut router = tx.update_touched(&context.region, &old, new)?;
        match &patch.gateway {
            Some(Some(gateway)) => {
                check_gateway_policy("update", context, gateway)?;
                router = set_gateway(tx, context, router, gateway)?;
            }
            Some(None) => router = clear_gateway(tx, context, router)?,
            None => {}
        }
        if let Some(routes) = patch.routes {
            router = extra_route::replace(tx, context, router, routes)?;
        }
        Ok(router)
    }

    fn delete(tx: &mut Tx<'_>, context: &Context, router: Router) -> Result<(), Error> {
        let interfaces = interfaces(tx, context, router.id)?;
        if !interfaces.is_empty() {
            let ports = interfaces.iter().map(|port| port.id.to_string()).collect::<Vec<_>>().join(",");
            return Err(Error::RouterInUse { router: router.id, ports });
        }
        let router = clear_gateway(tx, context, router)?;
        tx.delete::<Router>(&context.region, router.id)?;
        Ok(())
    }
}

/// The router's ports on subnets.
pub(crate) fn interfaces(read: &Read<'_>, context: &Context, router: RouterId) -> Result<Vec<Port>, Error> {
    let equal = [("device_id", json!(router)), ("device_owner", json!(ROUTER_INTERFACE))];
    Ok(read.find(&context.region, &equal)?)
}

/// All the router's ports: its interfaces, and the gateway if there is one.
pub(crate) fn ports(read: &Read<'_>, context: &Context, router: &Router) -> Result<Vec<Port>, Error> {
    let mut ports = interfaces(read, context, router.id)?;
    if let Some(id) = router.gw_port_id {
        ports.extend(read.get::<Port>(&context.region, id)?);
    }
    Ok(ports)
}

/// The subnets that ports have addresses in.
pub(crate) fn subnets_of(read: &Read<'_>, context: &Context, ports: &[Port]) -> Result<Vec<Subnet>, Error> {
    let mut subnets: Vec<Subnet> = Vec::new();
    for ip in ports.iter().flat_map(|port| &port.fixed_ips) {
        if !subnets.iter().any(|subnet| subnet.id == ip.subnet_id) {
            subnets.extend(read.get::<Subnet>(&context.region, ip.subnet_id)?);
        }
    }
    Ok(subnets)
}

/// Refuses a subnet whose range shares addresses with one that the router is on: it could not tell
/// where to send.
pub(crate) fn check_overlap(new: &Subnet, existing: &[Subnet]) -> Result<(), Error> {
    match existing.iter().find(|other| other.id != new.id && other.cidr.overlaps(new.cidr)) {
        None => Ok(()),
        Some(other) => Err(Error::bad(
            "router",
            format!("Cidr {} of subnet {} overlaps with cidr {} of subnet {}", new.cidr, new.id, other.cidr, other.id),
        )),
    }
}

/// How the gateway translates and which addresses it has is the operator's.
fn check_gateway_policy(verb: &str, context: &Context, request: &GatewayRequest) -> Result<(), Error> {
    let named =
        [("enable_snat", request.enable_snat.is_some()), ("external_fixed_ips", request.external_fixed_ips.is_some())];
    match named.iter().find(|(_, named)| *named) {
        Some((name, _)) if !context.is_admin => {
            let rule = format!("rule:{verb}_router");
            Err(Error::forbidden(format!(
                "({rule} and ({rule}:external_gateway_info and {rule}:external_gateway_info:{name}))"
            )))
        }
        _ => Ok(()),
    }
}

/// Gives the router a gateway, or changes it.
pub(crate) fn set_gateway(
    tx: &mut Tx<'_>,
    context: &Context,
    old: Router,
    request: &GatewayRequest,
) -> Result<Router, Error> {
    let id = request.network_id;
    let external: Network = visible(tx, context, id)?.ok_or_else(|| Error::NetworkNotFound { id: id.to_string() })?;
    if !external.external {
        return Err(Error::bad("router", format!("Network {id} is not an external network")));
    }
    let mut new = old.clone();
    new.enable_snat = request.enable_snat.unwrap_or(true);
    let current = old.gw_port_id.map(|id| tx.get::<Port>(&context.region, id)).transpose()?.flatten();
    match current {
        // The same network: the port stays, and with it its address unless others are named.
        Some(port) if port.network_id == id => {
            let before = port.fixed_ips.clone();
            if let Some(ips) = &request.external_fixed_ips {
                let patch = PortPatch { fixed_ips: Some(ips.clone()), ..PortPatch::default() };
                let port = move_gateway_port(tx, context, &external, port, &patch)?;
                if port.fixed_ips != before {
                    new.touch(Timestamp::now());
                }
            }
        }
        current => {
            if let Some(port) = &current {
                check_gateway_unused(tx, context, &old, port)?;
            }
            let port = make_gateway_port(tx, context, &old, &external, request)?;
            new.gw_port_id = Some(port.id);
            let new = store_gateway(tx, context, &old, new)?;
            if let Some(port) = &current {
                port::remove(tx, context, port)?;
            }
            return Ok(new);
        }
    }
    store_gateway(tx, context, &old, new)
}

/// Takes the gateway away.
pub(crate) fn clear_gateway(tx: &mut Tx<'_>, context: &Context, old: Router) -> Result<Router, Error> {
    let Some(id) = old.gw_port_id else { return Ok(old) };
    let port = tx.get::<Port>(&context.region, id)?;
    if let Some(port) = &port {
        check_gateway_unused(tx, context, &old, port)?;
    }
    let mut new = old.clone();
    new.gw_port_id = None;
    new.enable_snat = true;
    let new = store_gateway(tx, context, &old, new)?;
    if let Some(port) = &port {
        port::remove(tx, context, port)?;
    }
    Ok(new)
}

/// Writes the router; what it shows of its gateway is read from the port.
fn store_gateway(tx: &mut Tx<'_>, context: &Context, old: &Router, new: Router) -> Result<Router, Error> {
    let written = if new.revision_number == old.revision_number {
        tx.update_touched(&context.region, old, new)?
    } else {
        tx.update(&context.region, old, &new)?;
        new
    };
    tx.get(&context.region, written.id)?.ok_or_else(|| Error::RouterNotFound { id: written.id.to_string() })
}

/// Floating IPs of this router need its gateway.
fn check_gateway_unused(read: &Read<'_>, context: &Context, router: &Router, gateway: &Port) -> Result<(), Error> {
    let equal = [("router_id", json!(router.id)), ("floating_network_id", json!(gateway.network_id))];
    if read.find::<model::FloatingIp>(&context.region, &equal)?.is_empty() {
        return Ok(());
    }
    Err(Error::RouterExternalGatewayInUseByFloatingIp { router: router.id, network: gateway.network_id })
}

fn make_gateway_port(
    tx: &mut Tx<'_>,
    context: &Context,
    router: &Router,
    external: &Network,
    request: &GatewayRequest,
) -> Result<Port, Error> {
    let fixed_ips: Option<Vec<FixedIpRequest>> = request.external_fixed_ips.clone();
    let patch = PortPatch {
        device_id: Some(router.id.to_string()),
        device_owner: Some(ROUTER_GATEWAY.to_owned()),
        fixed_ips,
        ..PortPatch::default()
    };
    if network::subnets(tx, context, external.id)?.is_empty() {
        return Err(Error::bad("router", format!("No IPs available for external network {}", external.id)));
    }
    let gateway = port::insert(tx, context, external, ProjectId::unowned(), &patch)?;
    check_gateway_overlap(tx, context, router, &gateway)?;
    Ok(gateway)
}

fn move_gateway_port(
    tx: &mut Tx<'_>,
    context: &Context,
    external: &Network,
    port: Port,
    patch: &PortPatch,
) -> Result<Port, Error> {
    // The port API refuses this; the router's own operation is how it is done.
    let mut new = port.clone();
    new.fixed_ips = crate::fixed_ip::reallocate(tx, context, &port, &new, patch.fixed_ips.as_deref())?;
    if new.fixed_ips.is_empty() {
        return Err(Error::IpAddressGenerationFailure { network: external.id });
    }
    Ok(tx.update_touched(&context.region, &port, new)?)
}

fn check_gateway_overlap(read: &Read<'_>, context: &Context, router: &Router, gateway: &Port) -> Result<(), Error> {
    let inside = subnets_of(read, context, &interfaces(read, context, router.id)?)?;
    for outside in subnets_of(read, context, std::slice::from_ref(gateway))? {
        check_overlap(&outside, &inside)?;
    }
    Ok(())
}

/// Whether a floating IP is among those that a router's change would cut off.
pub(crate) fn floating_ips(
    read: &Read<'_>,
    context: &Context,
    router: RouterId,
) -> Result<Vec<(FloatingIpId, Option<std::net::IpAddr>)>, Error> {
    let found: Vec<model::FloatingIp> = read.find(&context.region, &[("router_id", json!(router))])?;
    Ok(found.into_iter().map(|floating| (floating.id, floating.fixed_ip_address)).collect())
}

/// The router as the API shows it after one of its actions.
pub(crate) fn shown(read: &Read<'_>, context: &Context, router: &Router) -> Result<model::Body, Error> {
    let id = router.id.to_string();
    let mut body =
        read.get_body(Router::INFO, &context.region, &id, store::Scope::All)?.ok_or_else(|| Routers::not_found(&id))?;
    context.viewer(Router::INFO).present(&mut body, &[]);
    Ok(body)
}
