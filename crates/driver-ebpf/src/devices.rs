//! Devices of guest ports and interfaces of physical networks.
//!
//! A device that we make is named `tap` and the first 11 characters of its port's id, and says in its
//! alias whose it is and what it was made for: a driver that starts again knows it by that, and makes
//! it anew when it was made for something else. Its index is one that the namespace has not seen
//! before, so that an index in a map never means a successor.

use std::collections::HashMap;

use hostnet::{Link, Links, Netns, PeerSpec, VethSpec};
use logical::{Attachment, Port, PortId, PortKind};

use crate::{encode::DeviceFacts, error::Result};

/// What was found or made for a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// The device is there.
    Ready(DeviceFacts),
    /// Something is missing.
    Waiting(String),
    /// The port has none.
    Nothing,
}

/// The devices of an instance.
#[derive(Debug)]
pub(crate) struct Devices {
    links: Links,
    instance: String,
    /// This namespace.
    home: u64,
    /// Devices of ports, and whether we made them.
    of_port: HashMap<PortId, (DeviceFacts, bool)>,
    next_ifindex: u32,
}

impl Devices {
    pub(crate) fn open(instance: &str, first_ifindex: u32, last_ifindex: Option<u32>) -> Result<Self> {
        let home = Netns::current()?.identity();
        let next_ifindex = last_ifindex.map_or(first_ifindex, |last| last + 1);
        Ok(Self { links: Links::open()?, instance: instance.to_owned(), home, of_port: HashMap::new(), next_ifindex })
    }

    pub(crate) fn links(&self) -> &Links {
        &self.links
    }

    /// The index that the next device gets; the one before is used up.
    pub(crate) fn next_ifindex(&self) -> u32 {
        self.next_ifindex
    }

    /// Indexes of the devices in use.
    pub(crate) fn in_use(&self) -> impl Iterator<Item = u32> + '_ {
        self.of_port.values().map(|(facts, _)| facts.ifindex)
    }

    /// The device of a port, as last found.
    pub(crate) fn of_port(&self, port: PortId) -> Option<DeviceFacts> {
        self.of_port.get(&port).map(|(facts, _)| *facts)
    }

    /// Finds or makes the device that the port's row asks for, and removes what it does not.
    pub(crate) fn ensure(&mut self, port: &Port) -> Result<Found> {
        let found = match &port.kind {
            PortKind::Guest { attachment: Some(Attachment::Netns { name, identity, ifname }) } => {
                self.ensure_veth(port, name, *identity, ifname)?
            }
            PortKind::Guest { attachment: Some(Attachment::Tap { name }) } => {
                self.remove_made(port.id)?;
                self.find_tap(name)?
            }
            _ => {
                self.remove_made(port.id)?;
                Found::Nothing
            }
        };
        let made = matches!(&port.kind, PortKind::Guest { attachment: Some(Attachment::Netns { .. }) });
        match found {
            Found::Ready(facts) => {
                self.of_port.insert(port.id, (facts, made));
            }
            _ => {
                self.of_port.remove(&port.id);
            }
        }
        Ok(found)
    }

    fn ensure_veth(&mut self, port: &Port, name: &str, identity: u64, ifname: &str) -> Result<Found> {
        let device = device_name(port.id);
        let existing = self.find(&device)?;
        let netns = match Netns::open(name) {
            Ok(netns) if netns.identity() == identity => netns,
            other => {
                // What leads into a namespace that the row does not mean is of no use.
                self.delete_if_ours(port.id, existing.as_ref())?;
                return match other {
                    Ok(netns) => Ok(Found::Waiting(format!(
                        "network namespace '{name}' was made anew: the port was attached to number {identity}, now it \
                         is {}; attach it again",
                        netns.identity()
                    ))),
                    Err(error) if error.is_not_found() => Ok(Found::Waiting(error.to_string())),
                    Err(error) => Err(error.into()),
                };
            }
        };
        let peer = identity != self.home;
        let alias = format!("{}:{identity}:{ifname}:{}", self.alias(port.id), port.mac);
        if let Some(link) = &existing {
            if link.alias == alias {
                self.correct_mtu(link, port.mtu, &netns, ifname)?;
                return Ok(Found::Ready(DeviceFacts { ifindex: link.ifindex, peer }));
            }
            if !self.delete_if_ours(port.id, existing.as_ref())? {
                return Ok(Found::Waiting(format!("interface '{device}' exists and is not ours")));
            }
        }
        let spec = VethSpec {
            name: &device,
            ifindex: Some(self.unused_ifindex()?),
            mac: None,
            mtu: Some(port.mtu),
            alias: Some(&alias),
            // Not before the datapath sees what comes in.
            up: false,
            peer: PeerSpec {
                name: ifname,
                netns: Some(&netns),
                ifindex: None,
                mac: Some(port.mac),
                mtu: Some(port.mtu),
                up: true,
            },
        };
        match self.links.create_veth(&spec) {
            Ok(link) => Ok(Found::Ready(DeviceFacts { ifindex: link.ifindex, peer })),
            Err(error @ hostnet::Error::LinkExists { .. }) => Ok(Found::Waiting(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    fn correct_mtu(&self, link: &Link, mtu: u32, netns: &Netns, ifname: &str) -> Result<()> {
        if link.mtu == mtu {
            return Ok(());
        }
        let inside = Links::open_in(netns)?;
        if let Ok(peer) = inside.by_name(ifname) {
            inside.set_mtu(peer.ifindex, mtu)?;
        }
        Ok(self.links.set_mtu(link.ifindex, mtu)?)
    }

    fn find_tap(&self, name: &str) -> Result<Found> {
        Ok(match self.find(name)? {
            Some(link) => Found::Ready(DeviceFacts { ifindex: link.ifindex, peer: false }),
            None => Found::Waiting(format!("tap device '{name}' does not exist")),
        })
    }

    /// An interface by name, if there is one.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Link>> {
        match self.links.by_name(name) {
            Ok(link) => Ok(Some(link)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn unused_ifindex(&mut self) -> Result<u32> {
        loop {
            let ifindex = self.next_ifindex;
            self.next_ifindex += 1;
            match self.links.by_index(ifindex) {
                Err(error) if error.is_not_found() => return Ok(ifindex),
                Err(error) => return Err(error.into()),
                // Another instance in the same namespace has it.
                Ok(_) => {}
            }
        }
    }

    /// Removes the device of a port that is gone; a tap stays, it is not ours. Returns what it was.
    pub(crate) fn remove(&mut self, port: PortId) -> Result<Option<DeviceFacts>> {
        let facts = self.of_port(port);
        self.remove_made(port)?;
        self.of_port.remove(&port);
        Ok(facts)
    }

    fn remove_made(&mut self, port: PortId) -> Result<()> {
        let existing = self.find(&device_name(port))?;
        self.delete_if_ours(port, existing.as_ref()).map(drop)
    }

    fn delete_if_ours(&self, port: PortId, link: Option<&Link>) -> Result<bool> {
        let Some(link) = link.filter(|link| link.alias.starts_with(&self.alias(port))) else { return Ok(false) };
        self.links.delete(link.ifindex)?;
        Ok(true)
    }

    /// Deletes the devices that we made and no row asked for. Returns their names.
    pub(crate) fn sweep(&mut self) -> Result<Vec<String>> {
        let mut removed = Vec::new();
        for link in ours(&self.links, &self.instance)? {
            if !self.in_use().any(|ifindex| ifindex == link.ifindex) {
                self.links.delete(link.ifindex)?;
                removed.push(link.name);
            }
        }
        Ok(removed)
    }

    fn alias(&self, port: PortId) -> String {
        format!("baryon:{}:{port}", self.instance)
    }
}

/// The devices of ports that an instance has made.
pub(crate) fn ours(links: &Links, instance: &str) -> Result<Vec<Link>> {
    let prefix = format!("baryon:{instance}:");
    let is_of_port = |link: &Link| {
        let rest = link.alias.strip_prefix(&prefix);
        rest.and_then(|rest| rest.split(':').next()).is_some_and(|id| uuid::Uuid::try_parse(id).is_ok())
    };
    Ok(links.list()?.into_iter().filter(is_of_port).collect())
}

/// As Nova and libvirt name the device of a port.
fn device_name(port: PortId) -> String {
    let id = port.to_string();
    format!("tap{}", &id[..11])
}
