//! The default uplink: this host itself, behind a veth pair.

use std::net::{IpAddr, Ipv4Addr};

use hostnet::{InterfaceAddress, Link, Links, PeerSpec, VethSpec, nft};

use super::{Undo, delete_link, delete_table, find, silence_ipv6};
use crate::{Error, error::Result, instance::InstanceId};

/// The host's address on `ext-net` of the first region, which is also its gateway.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const PREFIX_LEN: u8 = 24;
const FORWARDING: &str = "net/ipv4/ip_forward";

/// Makes the pair, and the way out of this host if it is wanted. Returns the physical network's end.
pub(super) fn ensure(
    links: &Links,
    instance: InstanceId,
    masquerade: bool,
    undo: &mut Undo,
    notes: &mut Vec<String>,
) -> Result<String> {
    refuse_rivals(links, &instance.uplink_host())?;
    let (physical, host) = pair(links, instance)?;
    for link in [&physical, &host] {
        silence_ipv6(&link.name)?;
    }
    let address = InterfaceAddress::new(IpAddr::V4(GATEWAY), PREFIX_LEN)
        .ok_or_else(|| Error::Usage(format!("{GATEWAY}/{PREFIX_LEN} is no address")))?;
    if !links.addresses(host.ifindex)?.contains(&address) {
        links.add_address(host.ifindex, address)?;
    }
    // The datapath hands packets for the gateway to the wire; who that is never changes.
    let mac = host.mac.ok_or_else(|| Error::Usage(format!("interface {} has no Ethernet address", host.name)))?;
    let known = links.neighbours(physical.ifindex)?;
    if !known.iter().any(|entry| entry.address == GATEWAY && entry.mac == mac && entry.permanent) {
        links.set_neighbour(physical.ifindex, GATEWAY.into(), mac)?;
    }
    notes.push(format!(
        "devices {} and {} with {address}: this host is the outside of ext-net",
        physical.name, host.name
    ));
    if masquerade {
        nft::apply(&instance.table().parse()?, RULES)?;
        undo.set(FORWARDING, "1")?;
        notes.push(format!(
            "nftables table inet {}: masquerade of what comes from ext-net and leaves by other interfaces",
            instance.table()
        ));
        notes.push("net.ipv4.ip_forward is 1".to_owned());
    } else {
        stop_masquerade(instance, undo)?;
    }
    Ok(physical.name)
}

/// Takes back what an earlier start with another configuration changed.
pub(super) fn stop_masquerade(instance: InstanceId, undo: &mut Undo) -> Result<()> {
    delete_table(instance, &mut Vec::new())?;
    undo.put_back(FORWARDING)
}

/// Both ends, made if one is missing.
fn pair(links: &Links, instance: InstanceId) -> Result<(Link, Link)> {
    let (physical, host) = (instance.uplink_physical(), instance.uplink_host());
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
        alias: Some("baryon: wire of the physical network public"),
        up: true,
        peer: PeerSpec { name: &host, up: true, ..PeerSpec::default() },
        ..VethSpec::default()
    })?;
    Ok((link, links.by_name(&host)?))
}

/// Another instance in this namespace would answer for the same addresses.
fn refuse_rivals(links: &Links, host: &str) -> Result<()> {
    for link in links.list()? {
        let rival = link.name != host
            && links.addresses(link.ifindex)?.iter().any(|address| address.address() == IpAddr::V4(GATEWAY));
        if rival {
            return Err(Error::Usage(format!(
                "{GATEWAY} is the address of interface {} already: another instance lives in this network namespace \
                 (`baryon down` with its --data-dir removes it), or name another --uplink",
                link.name
            )));
        }
    }
    Ok(())
}

/// What goes to another region (its device is of an instance too) keeps its address.
const RULES: &str = "\
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 198.51.100.0/24 oifname != \"bry*\" masquerade
  }";

/// Removes the pair and the table.
pub(super) fn remove(links: &Links, instance: InstanceId, removed: &mut Vec<String>) -> Result<()> {
    delete_table(instance, removed)?;
    delete_link(links, &instance.uplink_physical(), removed)?;
    // Gone with the other end, unless somebody separated the two.
    delete_link(links, &instance.uplink_host(), removed)
}
