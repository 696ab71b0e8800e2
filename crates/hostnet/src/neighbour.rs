//! Neighbours: which Ethernet address has which IP address.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState},
};
use nix::errno::Errno;
use types::MacAddr;

use crate::{Error, Links, Result};

/// An entry of the neighbour table that has an Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Neighbour {
    /// The IP address.
    pub address: IpAddr,
    /// The Ethernet address.
    pub mac: MacAddr,
    /// Whether it was set by hand and never expires.
    pub permanent: bool,
}

impl Links {
    /// Sets an entry that never expires, in place of whatever was known.
    pub fn set_neighbour(&self, ifindex: u32, address: IpAddr, mac: MacAddr) -> Result<()> {
        let mut message = message(ifindex, address);
        message.header.state = NeighbourState::Permanent;
        message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
        let operation = format!("set neighbour {address} of interface {ifindex} to {mac}");
        match self.netlink.change(&operation, RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | NLM_F_REPLACE)
        {
            Err(error) if error.errno() == Some(Errno::ENODEV) => Err(Error::LinkIndexNotFound { ifindex }),
            other => other,
        }
    }

    /// Deletes an entry; false when there was none.
    pub fn delete_neighbour(&self, ifindex: u32, address: IpAddr) -> Result<bool> {
        let operation = format!("delete neighbour {address} of interface {ifindex}");
        let message = RouteNetlinkMessage::DelNeighbour(message(ifindex, address));
        match self.netlink.change(&operation, message, 0) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.errno(), Some(Errno::ENOENT | Errno::ENODEV | Errno::ENXIO)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The entries of an interface that have an Ethernet address.
    pub fn neighbours(&self, ifindex: u32) -> Result<Vec<Neighbour>> {
        let message = RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default());
        let answers = self.netlink.dump(&format!("list the neighbours of interface {ifindex}"), message)?;
        Ok(answers
            .iter()
            .filter_map(|answer| match answer {
                RouteNetlinkMessage::NewNeighbour(message) if message.header.ifindex == ifindex => neighbour(message),
                _ => None,
            })
            .collect())
    }
}

fn message(ifindex: u32, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.ifindex = ifindex;
    let (family, destination) = match address {
        IpAddr::V4(address) => (AddressFamily::Inet, NeighbourAddress::Inet(address)),
        IpAddr::V6(address) => (AddressFamily::Inet6, NeighbourAddress::Inet6(address)),
    };
    message.header.family = family;
    message.attributes.push(NeighbourAttribute::Destination(destination));
    message
}

fn neighbour(message: &NeighbourMessage) -> Option<Neighbour> {
    let mut address = None;
    let mut mac = None;
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => address = Some(IpAddr::V4(*v4)),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => address = Some(IpAddr::V6(*v6)),
            NeighbourAttribute::LinkLayerAddress(bytes) => mac = bytes.as_slice().try_into().ok().map(MacAddr),
            _ => {}
        }
    }
    let permanent = message.header.state == NeighbourState::Permanent;
    Some(Neighbour { address: address?, mac: mac?, permanent })
}
