//! The host side: what an instance has on the host beside the datapath itself.
//!
//! - The *uplink* of each region: a veth pair. One end is the wire of the physical network of the
//!   region's `ext-net`, the other is the host's, with the gateway's address. What comes from there
//!   and leaves by other interfaces is masqueraded, unless that is not wanted; what goes to another
//!   region is not, so that regions reach each other's prefixes by this host.
//! - The *service namespace* of each region, in which DHCP and metadata are served, and the veth pair
//!   into it. Regions may use the same addresses, and their ports have the same service addresses.
//!
//! Everything is found by its name and made only where it is missing or wrong: a start on a host that
//! has it all changes nothing. What was changed in the host's own settings is written down before it
//! is changed ([`undo`]), so that `baryon down` can put it back, also after a crash between the two.

mod services;
mod undo;
mod uplink;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder},
    io::ErrorKind,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use driver_ebpf::EbpfConfig;
use hostnet::{Error as NetError, Link, Links, Netns, nft, sysctl};

use crate::{
    Error,
    config::{RegionName, Uplink},
    error::Result,
    instance::InstanceId,
    region::{Part, Region, Slot},
    role::AgentSettings,
};

pub use services::ServiceLink;

use undo::Undo;

/// What a region's driver needs to know of the host side.
#[derive(Debug)]
pub struct RegionSide {
    /// The region.
    pub region: Region,
    /// The interface of each physical network, by its name.
    pub physical_networks: BTreeMap<String, String>,
    /// The way into the service namespace.
    pub services: ServiceLink,
}

/// What all regions have of the host.
#[derive(Debug)]
pub struct HostSide {
    /// Each region's share.
    pub regions: Vec<RegionSide>,
    /// What is there now, in words for the administrator.
    pub notes: Vec<String>,
}

/// Makes the host side be as the settings say.
pub fn ensure(settings: &AgentSettings) -> Result<HostSide> {
    let AgentSettings { instance, run_dir, .. } = settings;
    prepare_run_dir(run_dir)?;
    let links = Links::open()?;
    let mut undo = Undo::begin(run_dir, Netns::current()?.identity())?;
    let mut notes = Vec::new();
    for (slot, name) in &settings.retired {
        retire(&links, Part { instance: *instance, slot: *slot }, name, run_dir, &mut undo, &mut notes)?;
    }
    let mut regions = Vec::new();
    for region in &settings.regions {
        regions.push(ensure_region(&links, region, region.part(*instance), &mut undo, &mut notes)?);
    }
    let masqueraded: Vec<_> =
        settings.regions.iter().filter(|region| region.uplink == Uplink::Auto).map(|region| region.prefix).collect();
    uplink::masquerade(*instance, &masqueraded, &mut undo, &mut notes)?;
    notes.push(format!("programs and maps pinned below {}", run_dir.display()));
    Ok(HostSide { regions, notes })
}

fn ensure_region(
    links: &Links,
    region: &Region,
    part: Part,
    undo: &mut Undo,
    notes: &mut Vec<String>,
) -> Result<RegionSide> {
    let mut physical_networks: BTreeMap<String, String> =
        region.physical_networks.iter().map(|(network, interface)| (network.clone(), interface.to_string())).collect();
    let public = match &region.uplink {
        Uplink::Interface(interface) => {
            // After a change of configuration: the veth pair of before has no job any more.
            uplink::remove(links, part, &mut Vec::new())?;
            interface.to_string()
        }
        Uplink::Auto | Uplink::None => uplink::ensure(links, part, region, notes)?,
    };
    physical_networks.insert(region.public(), public);
    for (network, interface) in &physical_networks {
        require_interface(links, network, interface)?;
        if *interface != part.uplink_physical() {
            notes.push(format!(
                "interface {interface} carries the physical network {network}; foreign frames reach the host as before"
            ));
        }
    }
    undo.note_physical_networks(part, &physical_networks)?;
    let services = services::ensure(links, part)?;
    notes.push(format!(
        "namespace {} with device {} for DHCP and metadata of region {}",
        part.service_netns(),
        part.service_device(),
        region.name
    ));
    Ok(RegionSide { region: region.clone(), physical_networks, services })
}

/// Removes what a region has that is no longer served here; its objects stay in the database.
fn retire(
    links: &Links,
    part: Part,
    name: &RegionName,
    run_dir: &Path,
    undo: &mut Undo,
    notes: &mut Vec<String>,
) -> Result<()> {
    let mut removed = Vec::new();
    remove_part(links, part, run_dir, &mut removed)?;
    undo.note_physical_networks(part, &BTreeMap::new())?;
    if !removed.is_empty() {
        notes.push(format!(
            "region {name} is not served any more; removed: {} (its objects stay in the database)",
            removed.join(", ")
        ));
    }
    Ok(())
}

/// Removes the datapaths and the host side of these parts of an instance, and says what was removed.
pub fn remove(instance: InstanceId, slots: &BTreeSet<Slot>, run_dir: &Path) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    let links = Links::open()?;
    for slot in slots {
        remove_part(&links, Part { instance, slot: *slot }, run_dir, &mut removed)?;
    }
    delete_table(instance, &mut removed)?;
    undo::revert(run_dir, &mut removed)?;
    Ok(removed)
}

fn remove_part(links: &Links, part: Part, run_dir: &Path, removed: &mut Vec<String>) -> Result<()> {
    removed.extend(driver_ebpf::remove_instance(&EbpfConfig {
        instance: part.label(),
        run_dir: part.run_dir(run_dir),
        physical_networks: undo::physical_networks(part, run_dir)?,
        ..EbpfConfig::default()
    })?);
    services::remove(links, part, removed)?;
    uplink::remove(links, part, removed)
}

/// Fails when the instance lives in another network namespace than the caller's.
pub fn require_own_namespace(instance: InstanceId, run_dir: &Path) -> Result<()> {
    match undo::namespace(run_dir)? {
        Some(identity) if identity != Netns::current()?.identity() => {
            Err(Error::OtherNamespace { instance: instance.to_string() })
        }
        _ => Ok(()),
    }
}

fn prepare_run_dir(run_dir: &Path) -> Result<()> {
    let failed = || Error::io(format!("make {}", run_dir.display()));
    if let Some(parent) = run_dir.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(failed())?;
    }
    match DirBuilder::new().mode(0o700).create(run_dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed()(error)),
        _ => Ok(()),
    }
}

fn require_interface(links: &Links, network: &str, interface: &str) -> Result<()> {
    match links.by_name(interface) {
        Ok(_) => Ok(()),
        Err(error) if error.is_not_found() => Err(Error::Usage(format!(
            "the physical network {network} is to be the wire behind {interface}, but there is no such interface: \
             `ip link` shows all; set --uplink or [physical_networks]"
        ))),
        Err(error) => Err(error.into()),
    }
}

/// The interface, if there is one of that name.
fn find(links: &Links, name: &str) -> Result<Option<Link>> {
    match links.by_name(name) {
        Ok(link) => Ok(Some(link)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Keeps the kernel from speaking IPv6 by itself on a device of ours. Without IPv6 there is nothing
/// to switch off.
fn silence_ipv6(device: &str) -> Result<()> {
    match sysctl::write(&format!("net/ipv6/conf/{device}/disable_ipv6"), "1") {
        Err(NetError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

fn delete_link(links: &Links, name: &str, removed: &mut Vec<String>) -> Result<()> {
    if let Some(link) = find(links, name)?
        && links.delete(link.ifindex)?
    {
        removed.push(format!("device {name}"));
    }
    Ok(())
}

fn delete_table(instance: InstanceId, removed: &mut Vec<String>) -> Result<()> {
    let table = instance.table().parse()?;
    if nft::list_table(&table)?.is_some() {
        nft::delete_table(&table)?;
        removed.push(format!("nftables table {}", instance.table()));
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io(format!("remove {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}
