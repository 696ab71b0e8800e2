//! Pairs of virtual Ethernet interfaces.
//!
//! The pair is made by one request, which puts the far end into its namespace under its final
//! name, index and address at once: there is no moment in which a half-made pair is visible, no
//! temporary name that could clash, and a refusal leaves nothing behind.

use std::os::fd::AsRawFd;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage},
};
use nix::errno::Errno;
use types::MacAddr;

use crate::{Error, Link, LinkName, Links, Netns, Result};

/// The near end of a new pair, and its far end.
#[derive(Clone, Debug, Default)]
pub struct VethSpec<'a> {
    /// The name.
    pub name: &'a str,
    /// The index; the kernel chooses one when absent.
    pub ifindex: Option<u32>,
    /// The Ethernet address; random when absent.
    pub mac: Option<MacAddr>,
    /// The MTU; 1500 when absent.
    pub mtu: Option<u32>,
    /// The alias.
    pub alias: Option<&'a str>,
    /// Whether it starts up.
    pub up: bool,
    /// The far end.
    pub peer: PeerSpec<'a>,
}

/// The far end of a new pair.
#[derive(Clone, Debug, Default)]
pub struct PeerSpec<'a> {
    /// The name.
    pub name: &'a str,
    /// The namespace; the same as the near end's when absent.
    pub netns: Option<&'a Netns>,
    /// The index in its namespace; the kernel chooses one when absent.
    pub ifindex: Option<u32>,
    /// The Ethernet address; random when absent.
    pub mac: Option<MacAddr>,
    /// The MTU; 1500 when absent.
    pub mtu: Option<u32>,
    /// Whether it starts up.
    pub up: bool,
}

impl Links {
    /// Makes a pair; its near end is in this namespace and is returned.
    pub fn create_veth(&self, spec: &VethSpec<'_>) -> Result<Link> {
        let mut peer = end(spec.peer.name, spec.peer.ifindex, spec.peer.mac, spec.peer.mtu)?;
        if let Some(netns) = spec.peer.netns {
            peer.attributes.push(LinkAttribute::NetNsFd(netns.fd().as_raw_fd()));
        }
        let mut message = end(spec.name, spec.ifindex, spec.mac, spec.mtu)?;
        if spec.up {
            message.header.flags = LinkFlags::Up;
            message.header.change_mask = LinkFlags::Up;
        }
        message.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
        ]));
        let operation = format!("create the veth pair '{}' - '{}'", spec.name, spec.peer.name);
        match self.netlink.change(&operation, RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL) {
            Err(error) if error.errno() == Some(Errno::EEXIST) => return Err(self.which_exists(spec, error)),
            other => other?,
        }
        let link = self.by_name(spec.name)?;
        if let Err(error) = self.finish_pair(link.ifindex, spec) {
            self.delete(link.ifindex)?;
            return Err(error);
        }
        self.by_index(link.ifindex)
    }

    /// What the kernel does not take in the creation itself: the alias, which it ignores there, and
    /// the far end being up, which it refuses while that end has no near end yet.
    fn finish_pair(&self, ifindex: u32, spec: &VethSpec<'_>) -> Result<()> {
        if let Some(alias) = spec.alias {
            self.set_alias(ifindex, alias)?;
        }
        match spec.peer.netns {
            _ if !spec.peer.up => Ok(()),
            None => self.set_up(self.by_name(spec.peer.name)?.ifindex),
            Some(netns) => {
                let there = Self::open_in(netns)?;
                there.set_up(there.by_name(spec.peer.name)?.ifindex)
            }
        }
    }

    /// Says which of the two names (or indexes) was taken; the kernel says only that one was.
    fn which_exists(&self, spec: &VethSpec<'_>, refused: Error) -> Error {
        let taken = |name: &str, netns: &str| Error::LinkExists { name: name.to_owned(), netns: netns.to_owned() };
        if self.by_name(spec.name).is_ok() {
            return taken(spec.name, "this namespace");
        }
        let (there, label) = match spec.peer.netns {
            Some(netns) => (Self::open_in(netns).and_then(|links| links.by_name(spec.peer.name)), netns.label()),
            None => (self.by_name(spec.peer.name), "this namespace"),
        };
        if there.is_ok() { taken(spec.peer.name, label) } else { refused }
    }
}

fn end(name: &str, ifindex: Option<u32>, mac: Option<MacAddr>, mtu: Option<u32>) -> Result<LinkMessage> {
    let mut message = LinkMessage::default();
    message.header.index = ifindex.unwrap_or(0);
    message.attributes.push(LinkAttribute::IfName(name.parse::<LinkName>()?.to_string()));
    message.attributes.extend(mac.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
    message.attributes.extend(mtu.map(LinkAttribute::Mtu));
    Ok(message)
}
