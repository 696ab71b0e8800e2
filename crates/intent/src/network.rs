//! Networks.

use model::{Body, Fields, FloatingIp, Network, NetworkPatch, Patch, Port, Request, Resource, Subnet, Timestamp};
use rand::Rng;
use serde_json::json;
use store::{Read, StoreError, Tx};
use types::{NetworkId, ProjectId};

use crate::{Context, Error, floating_ip, operations::Behaviour, port, subnet};

/// The behaviour of networks.
pub(crate) struct Networks;

/// The largest virtual network identifier.
const MAX_VNI: u32 = 16_777_215;
/// The largest VLAN.
const MAX_VLAN: u32 = 4094;
/// The ports that go with their network: services make them by themselves.
const AUTOMATIC: [&str; 2] = ["network:dhcp", "network:distributed"];

impl Behaviour for Networks {
    type Of = Network;

    fn not_found(id: &str) -> Error {
        Error::NetworkNotFound { id: id.to_owned() }
    }

    fn create(
        tx: &mut Tx<'_>,
        context: &Context,
        project: ProjectId,
        request: Request<NetworkPatch>,
    ) -> Result<Network, Error> {
        let patch = request.patch;
        let mut network = Network::start(NetworkId::random(), project, Timestamp::now());
        network.mtu = context.settings.mtu;
        patch.apply(&mut network);
        if network.mtu == 0 {
            network.mtu = context.settings.mtu;
        }
        check_mtu(context, network.mtu)?;
        place(tx, context, &mut network, patch.network_type.flatten())?;
        let (vlan, physical) = (network.segmentation_id.unwrap_or(0), network.physical_network.clone());
        let physical_network = physical.unwrap_or_default();
        tx.insert(&context.region, &network).map_err(|error| match network.network_type.as_str() {
            "vlan" if is_segment(&error) => Error::VlanIdInUse { vlan, physical_network },
            "flat" if is_segment(&error) => Error::FlatNetworkInUse { physical_network },
            _ if is_segment(&error) => Error::TunnelIdInUse { id: vlan },
            _ => error.into(),
        })?;
        Ok(network)
    }

    fn update(
        tx: &mut Tx<'_>,
        context: &Context,
        old: Network,
        request: Request<NetworkPatch>,
    ) -> Result<Network, Error> {
        let mut new = old.clone();
        request.patch.apply(&mut new);
        if new.mtu == 0 {
            new.mtu = context.settings.mtu;
        }
        if new.mtu != old.mtu {
            check_mtu(context, new.mtu)?;
            for found in subnets(tx, context, old.id)? {
                subnet::check_mtu(&new, &found)?;
            }
        }
        if old.shared && !new.shared && !new.external {
            let ports: Vec<Port> = ports(tx, context, old.id)?;
            if ports.iter().any(|port| !port.is_ours() && port.project_id != old.project_id) {
                return Err(Error::InvalidSharedSetting { network: old.name });
            }
        }
        if old.external && !new.external {
            let ports: Vec<Port> = ports(tx, context, old.id)?;
            let outside = [model::port::ROUTER_GATEWAY, model::port::FLOATING_IP];
            if ports.iter().any(|port| outside.contains(&port.device_owner.as_str())) {
                return Err(Error::ExternalNetworkInUse { network: old.id });
            }
        }
        Ok(tx.update_touched(&context.region, &old, new)?)
    }

    fn delete(tx: &mut Tx<'_>, context: &Context, network: Network) -> Result<(), Error> {
        // Floating IPs that reach nothing do not keep their network.
        let idle = [("floating_network_id", json!(network.id)), ("port_id", json!(null))];
        for floating in tx.find::<FloatingIp>(&context.region, &idle)? {
            floating_ip::remove(tx, context, &floating)?;
        }
        let (automatic, others): (Vec<Port>, Vec<Port>) = ports(tx, context, network.id)?
            .into_iter()
            .partition(|port: &Port| AUTOMATIC.contains(&port.device_owner.as_str()));
        if !others.is_empty() {
            let ports = others.iter().map(|port| port.id.to_string()).collect::<Vec<_>>().join(",");
            return Err(Error::NetworkInUse { network: network.id, ports });
        }
        for found in automatic {
            port::remove(tx, context, &found)?;
        }
        for found in subnets(tx, context, network.id)? {
            subnet::remove(tx, context, &found)?;
        }
        tx.delete::<Network>(&context.region, network.id)?;
        Ok(())
    }

    /// The real service shows `is_default` of external networks only, and of all in the answer to a
    /// create request.
    fn complete<F: Fields>(_read: &Read<'_>, _context: &Context, objects: &mut [F]) -> Result<(), Error> {
        for object in objects {
            if object.value("router:external") != Some(json!(true)) {
                object.remove("is_default");
            }
        }
        Ok(())
    }

    fn complete_created(_read: &Read<'_>, _context: &Context, _bodies: &mut [Body]) -> Result<(), Error> {
        Ok(())
    }
}

fn is_segment(error: &StoreError) -> bool {
    // The index over an expression is named; the plain one by its columns.
    error.is_not_unique("networks_segment") || error.is_not_unique("networks_flat") || error.is_not_unique("provider_")
}

fn check_mtu(context: &Context, mtu: u32) -> Result<(), Error> {
    let maximum = context.settings.mtu;
    if mtu > maximum {
        return Err(Error::invalid(format!("Requested MTU is too big, maximum is {maximum}")));
    }
    Ok(())
}

/// Chooses what carries the network: a virtual segment unless the request names a physical one.
fn place(read: &Read<'_>, context: &Context, network: &mut Network, kind: Option<String>) -> Result<(), Error> {
    let Some(kind) = kind else {
        if network.physical_network.is_some() || network.segmentation_id.is_some() {
            return Err(Error::invalid("network_type required"));
        }
        network.segmentation_id = Some(free_segment(read, context, "vxlan", None, MAX_VNI)?);
        return Ok(());
    };
    match kind.as_str() {
        "vxlan" => {
            if network.physical_network.is_some() {
                return Err(Error::invalid("provider:physical_network specified for vxlan network"));
            }
            match network.segmentation_id {
                None => network.segmentation_id = Some(free_segment(read, context, "vxlan", None, MAX_VNI)?),
                Some(0) => return Err(Error::invalid(format!("segmentation_id out of range (1 through {MAX_VNI})"))),
                Some(_) => {}
            }
        }
        "vlan" => {
            let physical = physical_network(context, network, "VLAN")?;
            match network.segmentation_id {
                None => {
                    network.segmentation_id = Some(free_segment(read, context, "vlan", Some(&physical), MAX_VLAN)?);
                }
                Some(1..=MAX_VLAN) => {}
                Some(_) => return Err(Error::invalid(format!("segmentation_id out of range (1 through {MAX_VLAN})"))),
            }
        }
        "flat" => {
            if network.segmentation_id.is_some() {
                return Err(Error::invalid("segmentation_id prohibited for flat provider network"));
            }
            physical_network(context, network, "flat")?;
        }
        _ => return Err(Error::invalid(format!("network_type value '{kind}' not supported"))),
    }
    network.network_type = kind;
    Ok(())
}

fn physical_network(context: &Context, network: &Network, kind: &str) -> Result<String, Error> {
    let Some(name) = &network.physical_network else {
        return Err(Error::invalid(format!("physical_network required for {kind} provider network")));
    };
    if !context.settings.physical_networks.contains(name) {
        return Err(Error::invalid(format!("physical_network '{name}' unknown for {kind} provider network")));
    }
    Ok(name.clone())
}

/// A segment id that no network has: at random first, then the next one that is free.
fn free_segment(
    read: &Read<'_>,
    context: &Context,
    kind: &str,
    physical: Option<&str>,
    last: u32,
) -> Result<u32, Error> {
    let is_free = |id: u32| -> Result<bool, Error> {
        let equal = [
            ("provider:network_type", json!(kind)),
            ("provider:physical_network", json!(physical)),
            ("provider:segmentation_id", json!(id)),
        ];
        Ok(read.find::<Network>(&context.region, &equal)?.is_empty())
    };
    let mut random = rand::rng();
    for _ in 0..32 {
        let id = random.random_range(1..=last);
        if is_free(id)? {
            return Ok(id);
        }
    }
    for id in 1..=last.min(MAX_VLAN) {
        if is_free(id)? {
            return Ok(id);
        }
    }
    Err(Error::NoNetworkAvailable {})
}

/// A change of its subnets is a revision of the network.
pub(crate) fn touch(tx: &mut Tx<'_>, context: &Context, id: NetworkId) -> Result<(), Error> {
    if let Some(old) = tx.get::<Network>(&context.region, id)? {
        let mut new = old.clone();
        new.touch(Timestamp::now());
        tx.update(&context.region, &old, &new)?;
    }
    Ok(())
}

/// The network's ports.
pub(crate) fn ports(read: &Read<'_>, context: &Context, id: NetworkId) -> Result<Vec<Port>, Error> {
    Ok(read.find(&context.region, &[("network_id", json!(id))])?)
}

/// The network's subnets, in the order of their ids.
pub(crate) fn subnets(read: &Read<'_>, context: &Context, id: NetworkId) -> Result<Vec<Subnet>, Error> {
    Ok(read.find(&context.region, &[("network_id", json!(id))])?)
}
