//! The default uplink of a region: this host itself, behind a veth pair.

use std::net::IpAddr;

use hostnet::{InterfaceAddress, Link, Links, PeerSpec, VethSpec, nft};

use super::{Undo, delete_link, delete_table, find, silence_ipv6};
use crate::{
    Error,
    config::ExternalPrefix,
    error::Result,
    instance::InstanceId,
    region::{Part, Region},
};

const FORWARDING: &str = "net/ipv4/ip_forward";

/// Makes the pair. Returns the physical network's end.
pub(super) fn ensure(links: &Links, part: Part, region: &Region, notes: &mut Vec<String>) -> Result<String> {
    let gateway = region.prefix.gateway();
    refuse_rivals(links, &part.uplink_host(), region)?;
    let (physical, host) = pair(links, part, region)?;
    for link in [&physical, &host] {
        silence_ipv6(&link.name)?;
    }
    let prefix_len = region.prefix.cidr().prefix_len();
    let address = InterfaceAddress::new(gateway, prefix_len)
        .ok_or_else(|| Error::Usage(format!("{gateway}/{prefix_len} is no address")))?;
    if !links.addresses(host.ifindex)?.contains(&address) {
        links.add_address(host.ifindex, address)?;
    }
    // The datapath hands packets for the gateway to the wire; who that is never changes.
    let mac = host.mac.ok_or_else(|| Error::Usage(format!("interface {} has no Ethernet address", host.name)))?;
    let known = links.neighbours(physical.ifindex)?;
    if !known.iter().any(|entry| entry.address == gateway && entry.mac == mac && entry.permanent) {
        links.set_neighbour(physical.ifindex, gateway, mac)?;
    }
    notes.push(format!(
        "devices {} and {} with {address}: this host is the outside of ext-net of region {}",
        physical.name, host.name, region.name
    ));
    Ok(physical.name)
}

/// Makes the way out of this host: what comes from these prefixes and leaves by other interfaces than ours
/// gets this host's address. What goes from region to region keeps its own.
pub(super) fn masquerade(
    instance: InstanceId,
    prefixes: &[ExternalPrefix],
    undo: &mut Undo,
    notes: &mut Vec<String>,
) -> Result<()> {
    if prefixes.is_empty() {
        return stop_masquerade(instance, undo);
    }
    nft::apply(&instance.table().parse()?, &rules(prefixes))?;
    undo.set(FORWARDING, "1")?;
    notes.push(format!(
        "nftables table inet {}: masquerade of what comes from {} and leaves by other interfaces",
        instance.table(),
        list(prefixes)
    ));
    notes.push("net.ipv4.ip_forward is 1".to_owned());
    Ok(())
}

/// Takes back what an earlier start with another configuration changed.
fn stop_masquerade(instance: InstanceId, undo: &mut Undo) -> Result<()> {
    delete_table(instance, &mut Vec::new())?;
    undo.put_back(FORWARDING)
}

/// Both ends, made if one is missing.
fn pair(links: &Links, part: Part, region: &Region) -> Result<(Link, Link)> {
    let (physical, host) = (part.uplink_physical(), part.uplink_host());
    match (find(links, &physical)?, find(links, &host)?) {
        (Some(one), Some(other)) if one.peer_ifindex == Some(other.ifindex) && one.peer_netns.is_none() => {
            for link in [&one, &other].into_iter().filter(|link| !link.up) {
                links.set_up(link.ifindex)?;
            }
            return Ok((one, other));
        }
        (one, other) => {
            for stray in [one, other].into_iter().flatten() {
                links.delete(stray.ifindex)?;
            }
        }
    }
    let link = links.create_veth(&VethSpec {
        name: &physical,
        alias: Some(&format!("baryon: wire of the physical network {}", region.public())),
        up: true,
        peer: PeerSpec { name: &host, up: true, ..PeerSpec::default() },
        ..VethSpec::default()
    })?;
    Ok((link, links.by_name(&host)?))
}

/// Another instance in this namespace would answer for the same addresses.
fn refuse_rivals(links: &Links, host: &str, region: &Region) -> Result<()> {
    let gateway: IpAddr = region.prefix.gateway();
    for link in links.list()? {
        let rival =
            link.name != host && links.addresses(link.ifindex)?.iter().any(|address| address.address() == gateway);
        if rival {
            return Err(Error::Usage(format!(
                "region {}: {gateway} is the address of interface {} already: another instance lives in this network \
                 namespace (`baryon down` with its --data-dir removes it), or give another prefix, or name another --uplink",
                region.name, link.name
            )));
        }
    }
    Ok(())
}

fn rules(prefixes: &[ExternalPrefix]) -> String {
    format!(
        "\
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {{ {} }} oifname != \"bry*\" masquerade
  }}",
        list(prefixes)
    )
}

fn list(prefixes: &[ExternalPrefix]) -> String {
    prefixes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Removes the pair.
pub(super) fn remove(links: &Links, part: Part, removed: &mut Vec<String>) -> Result<()> {
    delete_link(links, &part.uplink_physical(), removed)?;
    // Gone with the other end, unless somebody separated the two.
    delete_link(links, &part.uplink_host(), removed)
}
