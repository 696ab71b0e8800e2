//! Which addresses a port gets.

use std::net::IpAddr;

use model::{FixedIp, FixedIpRequest, Port, Subnet};
use store::Read;
use types::IpVersion;

use crate::{Context, Error, address, network};

/// The addresses of a new port: what the request names, or one of each IP version; and in subnets of
/// automatic addresses the one that its device makes itself.
pub(crate) fn allocate(
    read: &Read<'_>,
    context: &Context,
    port: &Port,
    requests: Option<&[FixedIpRequest]>,
) -> Result<Vec<FixedIp>, Error> {
    let subnets = network::subnets(read, context, port.network_id)?;
    let mut chosen = Chosen { read, context, port, keep: &[], ips: Vec::new() };
    match requests {
        Some(requests) => {
            for request in requests {
                chosen.add(&subnets, *request)?;
            }
        }
        None => chosen.add_any(&subnets)?,
    }
    if requests.is_none_or(|requests| !requests.is_empty()) {
        chosen.add_automatic(&subnets);
    }
    Ok(chosen.ips)
}

/// The addresses of a port after an update: those that it keeps, and new ones. `new` has the new
/// MAC address.
pub(crate) fn reallocate(
    read: &Read<'_>,
    context: &Context,
    old: &Port,
    new: &Port,
    requests: Option<&[FixedIpRequest]>,
) -> Result<Vec<FixedIp>, Error> {
    let subnets = network::subnets(read, context, old.network_id)?;
    let own = own_requests(&subnets, old);
    let requests = requests.unwrap_or(&own);
    let mut chosen = Chosen { read, context, port: new, keep: &old.fixed_ips, ips: Vec::new() };
    // A request with an address of the port claims it before one that takes any of the subnet.
    let mut ordered: Vec<_> = requests.iter().enumerate().collect();
    ordered.sort_by_key(|(_, request)| request.ip_address.is_none());
    let mut placed = Vec::new();
    for (position, request) in ordered {
        let before = chosen.ips.len();
        chosen.add(&subnets, *request)?;
        placed.extend(chosen.ips.get(before..).unwrap_or_default().iter().map(|ip| (position, *ip)));
    }
    placed.sort_by_key(|(position, _)| *position);
    chosen.ips = placed.into_iter().map(|(_, ip)| ip).collect();
    if !requests.is_empty() {
        chosen.add_automatic(&subnets);
    }
    Ok(chosen.ips)
}

/// What a port has, as requests; automatic addresses follow from the MAC address and are left out.
fn own_requests(subnets: &[Subnet], port: &Port) -> Vec<FixedIpRequest> {
    let is_automatic =
        |ip: &&FixedIp| subnets.iter().any(|subnet| subnet.id == ip.subnet_id && subnet.is_auto_address());
    if port.is_router_port() {
        return port.fixed_ips.iter().copied().map(FixedIpRequest::from).collect();
    }
    port.fixed_ips.iter().filter(|ip| !is_automatic(ip)).copied().map(FixedIpRequest::from).collect()
}

struct Chosen<'a> {
    read: &'a Read<'a>,
    context: &'a Context,
    port: &'a Port,
    /// The port's addresses so far: it may have them again.
    keep: &'a [FixedIp],
    ips: Vec<FixedIp>,
}

impl Chosen<'_> {
    fn taken(&self) -> Vec<IpAddr> {
        self.ips.iter().map(|ip| ip.ip_address).collect()
    }

    /// One request: by address, by subnet, or both.
    fn add(&mut self, subnets: &[Subnet], request: FixedIpRequest) -> Result<(), Error> {
        let subnet = match (request.subnet_id, request.ip_address) {
            (Some(id), _) => subnets.iter().find(|subnet| subnet.id == id).ok_or_else(|| {
                Error::invalid(format!(
                    "Failed to create port on network {}, because fixed_ips included invalid subnet {id}",
                    self.port.network_id
                ))
            })?,
            (None, Some(address)) => subnets
                .iter()
                .find(|subnet| subnet.cidr.contains(address))
                .ok_or(Error::InvalidIpForNetwork { address })?,
            (None, None) => return Err(Error::invalid("IP allocation requires subnet_id or ip_address")),
        };
        let address = match request.ip_address {
            Some(address) => self.check(subnet, request, address)?,
            None => self.any_of(subnet)?,
        };
        let ip = FixedIp { subnet_id: subnet.id, ip_address: address };
        if !self.ips.contains(&ip) {
            self.ips.push(ip);
        }
        Ok(())
    }

    fn check(&self, subnet: &Subnet, request: FixedIpRequest, address: IpAddr) -> Result<IpAddr, Error> {
        if !address::is_usable(subnet, address) {
            return Err(match request.subnet_id {
                Some(_) => Error::InvalidIpForSubnet { address },
                None => Error::InvalidIpForNetwork { address },
            });
        }
        let is_own = self.keep.iter().any(|ip| ip.subnet_id == subnet.id && ip.ip_address == address);
        let is_automatic = subnet.is_auto_address() && !self.port.is_router_port();
        if is_automatic && address != address::eui64(subnet.cidr, self.port.mac_address) && !is_own {
            return Err(Error::invalid(format!(
                "IPv6 address {address} cannot be directly assigned to a port on subnet {} as the subnet is configured \
                 for automatic addresses",
                subnet.id
            )));
        }
        if !is_own && self.read.address_in_use(&self.context.region, subnet.id, address)? {
            return Err(Error::IpAddressAlreadyAllocated { address, subnet: subnet.id });
        }
        Ok(address)
    }

    /// An address of the subnet: one that the port has, the automatic one, or a free one.
    fn any_of(&self, subnet: &Subnet) -> Result<IpAddr, Error> {
        let taken = self.taken();
        let kept = self.keep.iter().find(|ip| ip.subnet_id == subnet.id && !taken.contains(&ip.ip_address));
        if let Some(kept) = kept.filter(|_| !subnet.is_auto_address() || self.port.is_router_port()) {
            return Ok(kept.ip_address);
        }
        if subnet.is_auto_address() && !self.port.is_router_port() {
            return Ok(address::eui64(subnet.cidr, self.port.mac_address));
        }
        address::allocate(self.read, self.context, subnet, &taken)?
            .ok_or(Error::IpAddressGenerationFailureForSubnet { subnet: subnet.id })
    }

    /// One address of each IP version, where the network has a subnet of it with a free one.
    fn add_any(&mut self, subnets: &[Subnet]) -> Result<(), Error> {
        for version in [IpVersion::V4, IpVersion::V6] {
            let of_version: Vec<&Subnet> = subnets
                .iter()
                .filter(|subnet| subnet.ip_version == version && !subnet.is_auto_address() && self.serves(subnet))
                .collect();
            let mut found = of_version.is_empty();
            for subnet in of_version {
                if let Some(address) = address::allocate(self.read, self.context, subnet, &self.taken())? {
                    self.ips.push(FixedIp { subnet_id: subnet.id, ip_address: address });
                    found = true;
                    break;
                }
            }
            if !found {
                return Err(Error::IpAddressGenerationFailure { network: self.port.network_id });
            }
        }
        Ok(())
    }

    /// The addresses that the port's device makes itself.
    fn add_automatic(&mut self, subnets: &[Subnet]) {
        if self.port.is_ours() {
            return;
        }
        for subnet in subnets.iter().filter(|subnet| subnet.is_auto_address()) {
            if !self.ips.iter().any(|ip| ip.subnet_id == subnet.id) {
                let ip_address = address::eui64(subnet.cidr, self.port.mac_address);
                self.ips.push(FixedIp { subnet_id: subnet.id, ip_address });
            }
        }
    }

    /// Whether the subnet gives addresses to ports of this kind.
    fn serves(&self, subnet: &Subnet) -> bool {
        let types = &subnet.service_types;
        types.is_empty() || types.iter().any(|owner| self.port.device_owner.starts_with(owner.as_str()))
    }
}
