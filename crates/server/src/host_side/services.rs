//! The service namespace, and the veth pair into it.
//!
//! Inside there is one interface with the services' address, and one route: to the service addresses
//! of ports, by way of a next hop that nobody has but whose Ethernet address is set by hand. The
//! datapath looks at IP addresses only, so that one entry serves all ports.

use std::net::{IpAddr, Ipv4Addr};

use hostnet::{InterfaceAddress, Link, Links, Netns, PeerSpec, Route, VethSpec, sysctl};
use logical::{SERVICE_ADDRESS, SERVICE_MAC};
use types::{Cidr, MacAddr};

use super::{delete_link, find, silence_ipv6};
use crate::{Error, error::Result, region::Part};

/// The interface inside.
const INSIDE: &str = "svc0";
/// Next hop to all ports.
const NEXT_HOP: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
/// Service addresses of ports (RFC 6598, shared address space: no tenant's by rights).
const PORTS: (Ipv4Addr, u8) = (Ipv4Addr::new(100, 64, 0, 0), 10);

/// The way into the service namespace.
#[derive(Debug, Clone)]
pub struct ServiceLink {
    /// The namespace.
    pub netns: Netns,
    /// The device in the host's namespace.
    pub device: String,
    /// Ethernet address of the interface inside.
    pub mac: MacAddr,
}

/// Makes whatever is missing.
pub(super) fn ensure(links: &Links, part: Part) -> Result<ServiceLink> {
    let netns_name = part.service_netns();
    let netns = match Netns::open(&netns_name) {
        Err(error) if error.is_not_found() => Netns::create(&netns_name)?,
        other => other?,
    };
    let inside = Links::open_in(&netns)?;
    let (outer, inner) = pair(links, &inside, &netns, part)?;

    let loopback = inside.by_name("lo")?;
    if !loopback.up {
        inside.set_up(loopback.ifindex)?;
    }
    silence_ipv6(&outer.name)?;
    netns.run(|| -> Result<()> {
        silence_ipv6(INSIDE)?;
        // Ports 67 and 80 for a process without any right.
        sysctl::write("net/ipv4/ip_unprivileged_port_start", "0")?;
        Ok(())
    })??;
    let address = InterfaceAddress::from(IpAddr::V4(SERVICE_ADDRESS));
    if !inside.addresses(inner.ifindex)?.contains(&address) {
        inside.add_address(inner.ifindex, address)?;
    }
    let next_hop_mac =
        outer.mac.ok_or_else(|| Error::Usage(format!("interface {} has no Ethernet address", outer.name)))?;
    inside.set_neighbour(inner.ifindex, NEXT_HOP.into(), next_hop_mac)?;
    let ports = Cidr::new(PORTS.0.into(), PORTS.1).ok_or_else(|| Error::Usage("no prefix of ports".to_owned()))?;
    inside.add_route(&Route::to(ports).via(NEXT_HOP.into()).dev(inner.ifindex).onlink())?;
    Ok(ServiceLink { netns, device: outer.name, mac: SERVICE_MAC })
}

/// Both ends, made anew unless they belong together. An outer end whose inner one is not in the
/// namespace leads into a deleted namesake.
fn pair(links: &Links, inside: &Links, netns: &Netns, part: Part) -> Result<(Link, Link)> {
    let name = part.service_device();
    let (outer, inner) = (find(links, &name)?, find(inside, INSIDE)?);
    match (outer, inner) {
        (Some(outer), Some(inner)) if outer.peer_ifindex == Some(inner.ifindex) => {
            if !outer.up {
                links.set_up(outer.ifindex)?;
            }
            if !inner.up {
                inside.set_up(inner.ifindex)?;
            }
            if inner.mac != Some(SERVICE_MAC) {
                inside.set_mac(inner.ifindex, SERVICE_MAC)?;
            }
            return Ok((outer, inner));
        }
        (outer, inner) => {
            if let Some(outer) = outer {
                links.delete(outer.ifindex)?;
            }
            if let Some(inner) = inner {
                inside.delete(inner.ifindex)?;
            }
        }
    }
    let outer = links.create_veth(&VethSpec {
        name: &name,
        alias: Some("baryon: to DHCP and metadata"),
        up: true,
        peer: PeerSpec { name: INSIDE, netns: Some(netns), mac: Some(SERVICE_MAC), up: true, ..PeerSpec::default() },
        ..VethSpec::default()
    })?;
    Ok((outer, inside.by_name(INSIDE)?))
}

/// Removes the namespace and the way into it.
pub(super) fn remove(links: &Links, part: Part, removed: &mut Vec<String>) -> Result<()> {
    delete_link(links, &part.service_device(), removed)?;
    if Netns::delete(&part.service_netns())? {
        removed.push(format!("network namespace {}", part.service_netns()));
    }
    Ok(())
}
