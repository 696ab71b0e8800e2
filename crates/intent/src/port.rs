//! Ports.

use model::{
    AddressPair, AddressPairRequest, Attachment, DhcpOption, Fields, FloatingIp, Network, Patch, Port, PortPatch,
    Request, Resource, ServerEvent, Timestamp, Who,
    port::{ATTACHED, FLOATING_IP, ROUTER_GATEWAY, ROUTER_INTERFACE, VIF_BINDING_FAILED, VIF_TAP, VIF_UNBOUND},
};
use rand::Rng;
use serde_json::{Value, json};
use store::{Read, StoreError, Tx};
use types::{MacAddr, NetworkId, PortId, ProjectId, SecurityGroupId};

use crate::{
    Context, Error, fixed_ip, floating_ip,
    operations::{Behaviour, not_network_owner, visible},
    security_group,
};

/// The behaviour of ports.
pub(crate) struct Ports;

/// The prefix of the MAC addresses that we make: Neutron's.
const MAC_PREFIX: [u8; 3] = [0xfa, 0x16, 0x3e];

impl Behaviour for Ports {
    type Of = Port;

    fn not_found(id: &str) -> Error {
        Error::PortNotFound { id: id.to_owned() }
    }

    fn may_change(read: &Read<'_>, context: &Context, port: &Port) -> Result<bool, Error> {
        if context.owns(&port.project_id) {
            return Ok(true);
        }
        let network: Option<Network> = read.get(&context.region, port.network_id)?;
        Ok(network.is_some_and(|network| context.owns(&network.project_id)))
    }

    fn create(
        tx: &mut Tx<'_>,
        context: &Context,
        project: ProjectId,
        request: Request<PortPatch>,
    ) -> Result<Port, Error> {
        let Some(network_id) = request.patch.network_id else {
            return Err(model::RequestError::Required { name: "network_id" }.into());
        };
        let network: Network =
            visible(tx, context, network_id)?.ok_or_else(|| Error::NetworkNotFound { id: network_id.to_string() })?;
        let owns_network = context.owns(&network.project_id);
        if !owns_network && !network.shared {
            // An external network is seen by all, and used through routers and floating IPs.
            return Err(Error::forbidden("rule:create_port"));
        }
        check_policy("create", owns_network, &request)?;
        insert(tx, context, &network, project, &request.patch)
    }

    fn update(tx: &mut Tx<'_>, context: &Context, old: Port, request: Request<PortPatch>) -> Result<Port, Error> {
        let network: Network = tx
            .get(&context.region, old.network_id)?
            .ok_or_else(|| Error::NetworkNotFound { id: old.network_id.to_string() })?;
        check_policy("update", context.owns(&network.project_id), &request)?;
        change(tx, context, &network, old, &request.patch)
    }

    fn delete(tx: &mut Tx<'_>, context: &Context, port: Port) -> Result<(), Error> {
        if [ROUTER_INTERFACE, ROUTER_GATEWAY, FLOATING_IP].contains(&port.device_owner.as_str()) {
            return Err(Error::ServicePortInUse { port: port.id, owner: port.device_owner });
        }
        remove(tx, context, &port)
    }

    fn complete<F: Fields>(_read: &Read<'_>, context: &Context, objects: &mut [F]) -> Result<(), Error> {
        for object in objects {
            let assignment = dns_assignment(context, object);
            object.set("dns_assignment", assignment);
        }
        Ok(())
    }
}

/// What only the owner of the network may ask of a port on it.
fn check_policy(verb: &str, owns_network: bool, request: &Request<PortPatch>) -> Result<(), Error> {
    if let Some(owner) = &request.patch.device_owner {
        if [ROUTER_INTERFACE, ROUTER_GATEWAY, FLOATING_IP].contains(&owner.as_str()) {
            // These make a port a router's; only the router's own operations do that.
            return Err(not_network_owner(verb, Port::INFO, "device_owner"));
        }
        if owner.starts_with("network:") && !owns_network {
            return Err(not_network_owner(verb, Port::INFO, "device_owner"));
        }
    }
    if owns_network {
        return Ok(());
    }
    if let Some(attribute) = request.restricted(Who::NetworkOwner).next() {
        return Err(not_network_owner(verb, Port::INFO, attribute.name));
    }
    let names_address =
        request.patch.fixed_ips.as_ref().is_some_and(|ips| ips.iter().any(|ip| ip.ip_address.is_some()));
    if names_address {
        return Err(not_network_owner(verb, Port::INFO, "fixed_ips:ip_address"));
    }
    Ok(())
}

/// Makes a port on a network; policy is the caller's.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    context: &Context,
    network: &Network,
    project: ProjectId,
    patch: &PortPatch,
) -> Result<Port, Error> {
    let mut port = Port::start(PortId::random(), project, Timestamp::now());
    patch.apply(&mut port);
    port.network_id = network.id;
    port.mac_address = match patch.mac_address.flatten() {
        Some(mac) => given_mac(tx, context, network.id, mac)?,
        None => free_mac(tx, context, network.id)?,
    };
    port.fixed_ips = fixed_ip::allocate(tx, context, &port, patch.fixed_ips.as_deref())?;
    port.port_security_enabled = match patch.port_security_enabled {
        Some(given) => given,
        None => network.port_security_enabled && !port.is_ours(),
    };
    port.security_groups = match &patch.security_groups {
        Some(groups) => {
            if !groups.is_empty() && !port.port_security_enabled {
                return Err(Error::PortSecurityAndIPRequiredForSecurityGroups {});
            }
            check_groups(tx, context, groups)?
        }
        None if port.port_security_enabled && !port.is_ours() => {
            vec![security_group::ensure_default(tx, context, &port.project_id)?]
        }
        None => Vec::new(),
    };
    set_address_pairs(&mut port, patch.allowed_address_pairs.as_deref())?;
    port.extra_dhcp_opts =
        patch.extra_dhcp_opts.iter().flatten().filter(|option| option.opt_value.is_some()).cloned().collect();
    bind(context, &mut port);
    tx.insert(&context.region, &port).map_err(|error| worded(error, &port))?;
    Ok(port)
}

/// Changes a port; policy is the caller's.
pub(crate) fn change(
    tx: &mut Tx<'_>,
    context: &Context,
    network: &Network,
    old: Port,
    patch: &PortPatch,
) -> Result<Port, Error> {
    let mut new = old.clone();
    patch.apply(&mut new);
    if let Some(mac) = patch.mac_address {
        let mac = match mac {
            Some(mac) if mac == old.mac_address => mac,
            Some(mac) => given_mac(tx, context, network.id, mac)?,
            // Null asks for another one.
            None => free_mac(tx, context, network.id)?,
        };
        let is_connected = ![VIF_UNBOUND, VIF_BINDING_FAILED].contains(&old.binding_vif_type.as_str());
        if mac != old.mac_address && is_connected {
            let (port, vif_type, old_mac) = (old.id, old.binding_vif_type, old.mac_address);
            return Err(Error::PortBound { port, vif_type, old_mac, new_mac: mac });
        }
        new.mac_address = mac;
    }
    check_service_port(&old, &new, patch)?;
    if patch.fixed_ips.is_some() || new.mac_address != old.mac_address {
        new.fixed_ips = fixed_ip::reallocate(tx, context, &old, &new, patch.fixed_ips.as_deref())?;
    }
    if let Some(groups) = &patch.security_groups {
        new.security_groups = check_groups(tx, context, groups)?;
    }
    if let Some(enabled) = patch.port_security_enabled {
        new.port_security_enabled = enabled;
    }
    set_address_pairs(&mut new, patch.allowed_address_pairs.as_deref())?;
    if !new.port_security_enabled && !new.security_groups.is_empty() {
        return Err(match patch.security_groups.as_deref() {
            Some([_, ..]) => Error::PortSecurityAndIPRequiredForSecurityGroups {},
            _ => Error::PortSecurityPortHasSecurityGroup {},
        });
    }
    if let Some(options) = &patch.extra_dhcp_opts {
        new.extra_dhcp_opts = merged_options(&old.extra_dhcp_opts, options);
    }
    bind(context, &mut new);
    let gone: Vec<_> = old.fixed_ips.iter().filter(|ip| !new.fixed_ips.contains(ip)).collect();
    if !gone.is_empty() {
        floating_ip::release_fixed(tx, context, old.id, &gone.iter().map(|ip| ip.ip_address).collect::<Vec<_>>())?;
    }
    if old == new {
        return Ok(old);
    }
    new.touch(Timestamp::now());
    tx.update(&context.region, &old, &new).map_err(|error| worded(error, &new))?;
    tx.notify(&context.region, ServerEvent::of_change(&old, &new))?;
    Ok(new)
}

/// The ports of routers and floating IPs belong to these: their address may change by the port API
/// where it is an interface, nothing that ties them to their owner may.
fn check_service_port(old: &Port, new: &Port, patch: &PortPatch) -> Result<(), Error> {
    let is_tied = [ROUTER_INTERFACE, ROUTER_GATEWAY, FLOATING_IP].contains(&old.device_owner.as_str());
    if !is_tied {
        return Ok(());
    }
    let moves_address = patch.fixed_ips.is_some() && old.device_owner != ROUTER_INTERFACE;
    if new.device_id != old.device_id || new.device_owner != old.device_owner || moves_address {
        return Err(Error::bad(
            "port",
            format!("Port {} is a port of {}; change it through its router or floating IP", old.id, old.device_owner),
        ));
    }
    Ok(())
}

/// Removes a port with what hangs on it: floating IPs lose it, its attachment goes.
pub(crate) fn remove(tx: &mut Tx<'_>, context: &Context, port: &Port) -> Result<(), Error> {
    let floating: Vec<FloatingIp> = tx.find(&context.region, &[("port_id", json!(port.id))])?;
    for found in floating {
        floating_ip::disassociate(tx, context, found)?;
    }
    let attachments: Vec<Attachment> = tx.find(&context.region, &[("port_id", json!(port.id))])?;
    for attachment in attachments {
        tx.delete::<Attachment>(&context.region, attachment.id)?;
    }
    tx.delete::<Port>(&context.region, port.id)?;
    tx.notify(&context.region, ServerEvent::of_deletion(port))?;
    Ok(())
}

/// A port with a host of ours is connected there; the kind of connection is ours to say. On another
/// host nobody would connect it, which a compute service must know before it starts a server there.
fn bind(context: &Context, port: &mut Port) {
    let host = &port.binding_host_id;
    let vif_type = match host.as_str() {
        "" => VIF_UNBOUND,
        host if context.settings.is_host(host) => VIF_TAP,
        // Attached here, by whatever name the caller gave this host.
        _ if port.device_owner == ATTACHED => VIF_TAP,
        _ => VIF_BINDING_FAILED,
    };
    port.binding_vif_type = vif_type.to_owned();
    port.binding_vif_details.clear();
    if vif_type == VIF_TAP {
        let details =
            [("port_filter", json!(true)), ("connectivity", json!("l2")), ("bound_drivers", json!({"0": "baryon"}))];
        port.binding_vif_details = details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    }
}

/// The error of a constraint, in the words of the API.
fn worded(error: StoreError, port: &Port) -> Error {
    if error.is_not_unique("mac_address") {
        return Error::MacAddressInUse { network: port.network_id, mac: port.mac_address };
    }
    error.into()
}

fn mac_in_use(read: &Read<'_>, context: &Context, network: NetworkId, mac: MacAddr) -> Result<bool, Error> {
    let equal = [("network_id", json!(network)), ("mac_address", json!(mac))];
    Ok(!read.find::<Port>(&context.region, &equal)?.is_empty())
}

fn given_mac(read: &Read<'_>, context: &Context, network: NetworkId, mac: MacAddr) -> Result<MacAddr, Error> {
    if mac.is_multicast() || mac.0 == [0; 6] {
        return Err(Error::invalid(format!("'{mac}' is not the MAC address of a device")));
    }
    if mac_in_use(read, context, network, mac)? {
        return Err(Error::MacAddressInUse { network, mac });
    }
    Ok(mac)
}

fn free_mac(read: &Read<'_>, context: &Context, network: NetworkId) -> Result<MacAddr, Error> {
    let [a, b, c] = MAC_PREFIX;
    let mut random = rand::rng();
    for _ in 0..16 {
        let [d, e, f]: [u8; 3] = random.random();
        let mac = MacAddr([a, b, c, d, e, f]);
        if !mac_in_use(read, context, network, mac)? {
            return Ok(mac);
        }
    }
    Err(Error::invalid("no MAC address is free"))
}

/// The groups, each of which the caller must see; they agree on whether they remember connections.
fn check_groups(read: &Read<'_>, context: &Context, groups: &[SecurityGroupId]) -> Result<Vec<SecurityGroupId>, Error> {
    let mut stateful = None;
    for id in groups {
        let group: model::SecurityGroup =
            visible(read, context, *id)?.ok_or_else(|| Error::SecurityGroupNotFound { id: id.to_string() })?;
        if stateful.is_some_and(|stateful| stateful != group.stateful) {
            return Err(Error::SecurityGroupConflict {});
        }
        stateful = Some(group.stateful);
    }
    Ok(groups.to_vec())
}

fn set_address_pairs(port: &mut Port, pairs: Option<&[AddressPairRequest]>) -> Result<(), Error> {
    if let Some(pairs) = pairs {
        port.allowed_address_pairs = pairs
            .iter()
            .map(|pair| {
                let ip_address = pair
                    .ip_address
                    .parse()
                    .map_err(|_| Error::invalid(format!("'{}' is not a valid IP address", pair.ip_address)))?;
                let mac_address = pair.mac_address.unwrap_or(port.mac_address);
                Ok(AddressPair { mac_address, ip_address, written: pair.ip_address.clone() })
            })
            .collect::<Result<_, Error>>()?;
    }
    if let Some(pair) = port.allowed_address_pairs.iter().find(|pair| pair.ip_address.network().is_multicast()) {
        return Err(Error::invalid(format!(
            "Multicast addresses are not allowed in allowed address pairs: {}",
            pair.written
        )));
    }
    if !port.allowed_address_pairs.is_empty() && !port.port_security_enabled {
        return Err(Error::AddressPairAndPortSecurityRequired {});
    }
    Ok(())
}

/// An update names options to set; one with a null value is removed, others stay.
fn merged_options(old: &[DhcpOption], new: &[DhcpOption]) -> Vec<DhcpOption> {
    let same = |a: &DhcpOption, b: &DhcpOption| a.opt_name == b.opt_name && a.ip_version == b.ip_version;
    let kept = old.iter().filter(|option| !new.iter().any(|other| same(option, other)));
    kept.chain(new.iter().filter(|option| option.opt_value.is_some())).cloned().collect()
}

/// The names of a port's addresses in the domain of the configuration.
fn dns_assignment(context: &Context, port: &impl Fields) -> Value {
    let domain = context.settings.dns_domain.trim_end_matches('.');
    let name = port.text("dns_name").unwrap_or_default();
    let ips = port.value("fixed_ips").unwrap_or_default();
    let ips = ips.as_array().map(Vec::as_slice).unwrap_or_default();
    let addresses = ips.iter().filter_map(|ip| ip.get("ip_address")?.as_str());
    addresses
        .map(|address| {
            let hostname = if name.is_empty() {
                format!("host-{}", address.replace(['.', ':'], "-"))
            } else {
                name.trim_end_matches('.').to_owned()
            };
            let is_full = name.ends_with('.');
            let fqdn = if is_full { name.to_owned() } else { format!("{hostname}.{domain}.") };
            json!({"ip_address": address, "hostname": hostname, "fqdn": fqdn})
        })
        .collect()
}
