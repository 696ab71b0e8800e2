//! Subnets.

use std::net::IpAddr;

use model::{AllocationPool, Ipv6Mode, Network, Patch, Port, Request, Resource, Subnet, SubnetPatch, Timestamp};
use store::{Read, Tx};
use types::{Cidr, IpVersion, ProjectId, SubnetId};

use crate::{
    Context, Error, address, network,
    operations::{Behaviour, visible},
    port,
};

/// The behaviour of subnets.
pub(crate) struct Subnets;

/// The most resolvers and host routes of a subnet (Neutron's defaults).
const MAX_NAMESERVERS: usize = 5;
const MAX_HOST_ROUTES: usize = 20;

impl Behaviour for Subnets {
    type Of = Subnet;

    fn not_found(id: &str) -> Error {
        Error::SubnetNotFound { id: id.to_owned() }
    }

    fn create(
        tx: &mut Tx<'_>,
        context: &Context,
        project: ProjectId,
        request: Request<SubnetPatch>,
    ) -> Result<Subnet, Error> {
        let patch = request.patch;
        let mut subnet = Subnet::start(SubnetId::random(), project, Timestamp::now());
        patch.apply(&mut subnet);
        let network: Network = visible(tx, context, subnet.network_id)?
            .ok_or_else(|| Error::NetworkNotFound { id: subnet.network_id.to_string() })?;
        if !context.owns(&network.project_id) {
            return Err(Error::forbidden("rule:create_subnet"));
        }
        if let Some(pool) = subnet.subnetpool_id {
            return Err(Error::SubnetPoolNotFound { id: pool.to_string() });
        }
        subnet.cidr = patch
            .cidr
            .flatten()
            .ok_or_else(|| Error::bad("subnets", "a subnetpool must be specified in the absence of a cidr"))?;
        subnet.ip_version = if patch.ip_version == Some(6) { IpVersion::V6 } else { IpVersion::V4 };
        subnet.external = network.external;
        check_cidr(&subnet)?;
        check_mtu(&network, &subnet)?;
        check_ipv6_modes(&subnet)?;
        for other in network::subnets(tx, context, network.id)? {
            if other.cidr.overlaps(subnet.cidr) {
                return Err(Error::invalid(format!(
                    "Requested subnet with cidr: {} for network: {} overlaps with another subnet",
                    subnet.cidr, network.id
                )));
            }
        }
        subnet.gateway_ip = match patch.gateway_ip {
            Some(given) => given,
            None => address::default_gateway(&subnet),
        };
        check_gateway(&subnet)?;
        match patch.allocation_pools {
            Some(pools) => {
                subnet.allocation_pools = pools;
                subnet.allocation_pools.sort_unstable();
                check_pools(&subnet)?;
            }
            None => subnet.allocation_pools = address::default_pools(subnet.cidr, subnet.gateway_ip),
        }
        check_routes(&subnet)?;
        tx.insert(&context.region, &subnet)?;
        network::touch(tx, context, network.id)?;
        if subnet.is_auto_address() {
            add_to_ports(tx, context, &subnet)?;
        }
        Ok(subnet)
    }

    fn update(tx: &mut Tx<'_>, context: &Context, old: Subnet, request: Request<SubnetPatch>) -> Result<Subnet, Error> {
        let patch = request.patch;
        let mut new = old.clone();
        patch.apply(&mut new);
        if let Some(gateway) = patch.gateway_ip {
            new.gateway_ip = gateway;
        }
        if let Some(mut pools) = patch.allocation_pools {
            pools.sort_unstable();
            new.allocation_pools = pools;
        }
        if new.gateway_ip != old.gateway_ip {
            check_gateway(&new)?;
            if let Some(address) = old.gateway_ip {
                check_gateway_unused(tx, context, &old, address)?;
            }
        }
        if new.gateway_ip != old.gateway_ip || new.allocation_pools != old.allocation_pools {
            check_pools(&new)?;
        }
        if new.enable_dhcp != old.enable_dhcp {
            check_ipv6_modes(&new)?;
        }
        check_routes(&new)?;
        Ok(tx.update_touched(&context.region, &old, new)?)
    }

    fn delete(tx: &mut Tx<'_>, context: &Context, subnet: Subnet) -> Result<(), Error> {
        remove(tx, context, &subnet)?;
        network::touch(tx, context, subnet.network_id)
    }
}

/// Removes a subnet that no port needs. Ports whose addresses in it come from the prefix by
/// themselves lose them.
pub(crate) fn remove(tx: &mut Tx<'_>, context: &Context, subnet: &Subnet) -> Result<(), Error> {
    for id in tx.ports_on_subnet(&context.region, subnet.id)? {
        let Some(old) = tx.get::<Port>(&context.region, id)? else { continue };
        if old.device_owner == "network:dhcp" {
            port::remove(tx, context, &old)?;
        } else if subnet.is_auto_address() && !old.is_router_port() {
            let mut new = old.clone();
            new.fixed_ips.retain(|ip| ip.subnet_id != subnet.id);
            tx.update_touched(&context.region, &old, new)?;
        } else {
            return Err(Error::SubnetInUse { subnet: subnet.id });
        }
    }
    tx.delete::<Subnet>(&context.region, subnet.id)?;
    Ok(())
}

/// Gives the network's ports their address in a new subnet of automatic addresses.
fn add_to_ports(tx: &mut Tx<'_>, context: &Context, subnet: &Subnet) -> Result<(), Error> {
    for old in network::ports(tx, context, subnet.network_id)? {
        if old.is_ours() {
            continue;
        }
        let mut new = old.clone();
        new.fixed_ips
            .push(model::FixedIp { subnet_id: subnet.id, ip_address: address::eui64(subnet.cidr, old.mac_address) });
        tx.update_touched(&context.region, &old, new)?;
    }
    Ok(())
}

fn version(cidr: Cidr) -> u8 {
    if cidr.is_ipv4() { 4 } else { 6 }
}

fn number(version: IpVersion) -> u8 {
    match version {
        IpVersion::V4 => 4,
        IpVersion::V6 => 6,
    }
}

fn check_version(subnet: &Subnet, name: &str, address: IpAddr) -> Result<(), Error> {
    let wanted = number(subnet.ip_version);
    if (wanted == 4) != address.is_ipv4() {
        return Err(Error::invalid(format!("{name} '{address}' does not match the ip_version '{wanted}'")));
    }
    Ok(())
}

fn check_cidr(subnet: &Subnet) -> Result<(), Error> {
    let (cidr, wanted) = (subnet.cidr, number(subnet.ip_version));
    if version(cidr) != wanted {
        return Err(Error::invalid(format!("cidr '{cidr}' does not match the ip_version '{wanted}'")));
    }
    if cidr.prefix_len() == 0 {
        return Err(Error::invalid("0 is not allowed as CIDR prefix length"));
    }
    if subnet.enable_dhcp {
        if cidr.network().is_multicast() {
            return Err(Error::invalid("Multicast IP subnet is not supported if enable_dhcp is True"));
        }
        if cidr.network().is_loopback() {
            return Err(Error::invalid("Loopback IP subnet is not supported if enable_dhcp is True"));
        }
        let longest = if wanted == 4 { 30 } else { 126 };
        if cidr.prefix_len() > longest {
            return Err(Error::invalid("Subnet has a prefix length that is incompatible with DHCP service enabled"));
        }
    }
    Ok(())
}

/// Every network that carries the IP version carries packets of its smallest maximum (RFC 791, RFC
/// 8200).
pub(crate) fn check_mtu(network: &Network, subnet: &Subnet) -> Result<(), Error> {
    let minimum = match subnet.ip_version {
        IpVersion::V4 => 68,
        IpVersion::V6 => 1280,
    };
    if network.mtu < minimum {
        return Err(Error::NetworkMTUSubnetConflict { network: network.id, minimum });
    }
    Ok(())
}

fn check_ipv6_modes(subnet: &Subnet) -> Result<(), Error> {
    let (ra, address) = (subnet.ipv6_ra_mode, subnet.ipv6_address_mode);
    if ra.is_none() && address.is_none() {
        return Ok(());
    }
    if subnet.ip_version == IpVersion::V4 {
        let name = if ra.is_some() { "ipv6_ra_mode" } else { "ipv6_address_mode" };
        return Err(Error::invalid(format!("{name} is not valid when ip_version is 4")));
    }
    if !subnet.enable_dhcp {
        return Err(Error::invalid("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False"));
    }
    if let (Some(ra), Some(address)) = (ra, address)
        && ra != address
    {
        return Err(Error::invalid(format!(
            "ipv6_ra_mode set to '{}' with ipv6_address_mode set to '{}' is not valid. If both attributes are set, they \
             must be the same value",
            ra.name(),
            address.name()
        )));
    }
    if address.or(ra).is_some_and(Ipv6Mode::is_auto_address) && subnet.cidr.prefix_len() != 64 {
        return Err(Error::invalid(format!(
            "Invalid CIDR {} for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix \
             to be /64",
            subnet.cidr
        )));
    }
    Ok(())
}

/// A gateway may lie outside the subnet; inside, it is a host's address.
fn check_gateway(subnet: &Subnet) -> Result<(), Error> {
    let Some(gateway) = subnet.gateway_ip else { return Ok(()) };
    check_version(subnet, "gateway_ip", gateway)?;
    let cidr = subnet.cidr;
    let has_broadcast = cidr.is_ipv4() && cidr.prefix_len() < 31;
    if has_broadcast && (gateway == cidr.network() || gateway == cidr.last()) {
        return Err(Error::invalid("Gateway is not valid on subnet"));
    }
    Ok(())
}

fn check_gateway_unused(read: &Read<'_>, context: &Context, subnet: &Subnet, address: IpAddr) -> Result<(), Error> {
    if !read.address_in_use(&context.region, subnet.id, address)? {
        return Ok(());
    }
    for id in read.ports_on_subnet(&context.region, subnet.id)? {
        let Some(port) = read.get::<Port>(&context.region, id)? else { continue };
        let has = port.fixed_ips.iter().any(|ip| ip.subnet_id == subnet.id && ip.ip_address == address);
        if has && port.is_router_port() {
            return Err(Error::GatewayIpInUse { address, port: id });
        }
    }
    Ok(())
}

fn pool_text(pool: &AllocationPool) -> String {
    format!("{}-{}", pool.start, pool.end)
}

/// The pools are in order: each lies in the subnet, none shares an address with the next or has the
/// gateway's.
fn check_pools(subnet: &Subnet) -> Result<(), Error> {
    let cidr = subnet.cidr;
    let (first, last) = address::usable(cidr);
    for pool in &subnet.allocation_pools {
        check_version(subnet, "allocation_pools", pool.start)?;
        check_version(subnet, "allocation_pools", pool.end)?;
        if pool.start > pool.end {
            return Err(Error::InvalidAllocationPool { pool: pool_text(pool) });
        }
        if pool.start < first || pool.end > last {
            return Err(Error::OutOfBoundsAllocationPool { pool: pool_text(pool), cidr });
        }
    }
    for pair in subnet.allocation_pools.windows(2) {
        if let [lower, upper] = pair
            && upper.start <= lower.end
        {
            let (first, second) = (pool_text(lower), pool_text(upper));
            return Err(Error::OverlappingAllocationPools { first, second, cidr });
        }
    }
    if let Some(gateway) = subnet.gateway_ip {
        for pool in &subnet.allocation_pools {
            if (pool.start..=pool.end).contains(&gateway) {
                return Err(Error::GatewayConflictWithAllocationPools { gateway, pool: pool_text(pool) });
            }
        }
    }
    Ok(())
}

fn check_routes(subnet: &Subnet) -> Result<(), Error> {
    let name = if subnet.name.is_empty() { "new subnet".to_owned() } else { subnet.name.clone() };
    if subnet.dns_nameservers.len() > MAX_NAMESERVERS {
        return Err(Error::DNSNameServersExhausted { subnet: name, limit: MAX_NAMESERVERS });
    }
    if subnet.host_routes.len() > MAX_HOST_ROUTES {
        return Err(Error::HostRoutesExhausted { subnet: name, limit: MAX_HOST_ROUTES });
    }
    for route in &subnet.host_routes {
        check_version(subnet, "destination", route.destination.network())?;
        check_version(subnet, "nexthop", route.nexthop)?;
    }
    Ok(())
}
