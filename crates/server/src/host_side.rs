//! The host side: what an instance has on the host beside the datapath itself.
//!
//! - The *uplink*: a veth pair. One end is the wire of the physical network `public`, the other is the
//!   host's, with the gateway's address of `ext-net`. What comes from there and leaves by other
//!   interfaces is masqueraded, unless that is not wanted.
//! - The *service namespace*, in which DHCP and metadata are served, and the veth pair into it.
//!
//! Everything is found by its name and made only where it is missing or wrong: a start on a host that
//! has it all changes nothing. What was changed in the host's own settings is written down before it
//! is changed ([`undo`]), so that `baryon down` can put it back, also after a crash between the two.

mod services;
mod undo;
mod uplink;

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder},
    io::ErrorKind,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use driver_ebpf::EbpfConfig;
use hostnet::{Error as NetError, Link, Links, Netns, nft, sysctl};

use crate::{
    Error,
    config::{PUBLIC, Uplink},
    error::Result,
    instance::InstanceId,
    role::AgentSettings,
};

pub use services::ServiceLink;

use undo::Undo;

/// What the driver needs to know of the host side.
#[derive(Debug)]
pub struct HostSide {
    /// The interface of each physical network, by its name.
    pub physical_networks: BTreeMap<String, String>,
    /// The way into the service namespace.
    pub services: ServiceLink,
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
    let mut physical_networks: BTreeMap<String, String> = settings
        .physical_networks
        .iter()
        .map(|(network, interface)| (network.clone(), interface.to_string()))
        .collect();

    let public = match (&settings.uplink, physical_networks.get(PUBLIC)) {
        // A wire of its own, named in either place.
        (Uplink::Interface(interface), _) => interface.to_string(),
        (_, Some(interface)) => interface.clone(),
        (uplink, None) => uplink::ensure(&links, *instance, *uplink == Uplink::Auto, &mut undo, &mut notes)?,
    };
    if public != instance.uplink_physical() {
        // A change of configuration: the veth pair of before has no job any more.
        uplink::stop_masquerade(*instance, &mut undo)?;
        uplink::remove(&links, *instance, &mut Vec::new())?;
    }
    physical_networks.insert(PUBLIC.to_owned(), public);
    for (network, interface) in &physical_networks {
        require_interface(&links, network, interface)?;
        if *interface != instance.uplink_physical() {
            notes.push(format!(
                "interface {interface} carries the physical network {network}; foreign frames reach the host as before"
            ));
        }
    }
    undo.note_physical_networks(&physical_networks)?;
    let services = services::ensure(&links, *instance)?;
    notes.push(format!(
        "namespace {} with device {} for DHCP and metadata",
        instance.service_netns(),
        instance.service_device()
    ));
    notes.push(format!("programs and maps pinned below {}", run_dir.display()));
    Ok(HostSide { physical_networks, services, notes })
}

/// Removes the datapath and the host side and says what was removed.
pub fn remove(instance: InstanceId, run_dir: &Path) -> Result<Vec<String>> {
    let mut removed = driver_ebpf::remove_instance(&EbpfConfig {
        instance: instance.to_string(),
        run_dir: run_dir.to_owned(),
        physical_networks: undo::physical_networks(run_dir)?,
        ..EbpfConfig::default()
    })?;
    let links = Links::open()?;
    services::remove(&links, instance, &mut removed)?;
    uplink::remove(&links, instance, &mut removed)?;
    undo::revert(run_dir, &mut removed)?;
    Ok(removed)
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
