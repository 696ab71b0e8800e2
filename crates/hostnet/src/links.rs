//! Interfaces of one namespace: find, list, change, delete.

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{InfoKind, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage},
};
use nix::errno::Errno;
use std::os::fd::AsRawFd;
use types::MacAddr;

use crate::{Error, Link, LinkName, Netns, Result, netlink::Netlink};

/// A handle on the interfaces, addresses, routes and neighbours of one namespace: the one in which
/// it was opened, whichever thread uses it later.
#[derive(Debug)]
pub struct Links {
    pub(crate) netlink: Netlink,
}

impl Links {
    /// Of the calling thread's namespace.
    pub fn open() -> Result<Self> {
        Ok(Self { netlink: Netlink::open()? })
    }

    /// Of another namespace.
    pub fn open_in(netns: &Netns) -> Result<Self> {
        netns.run(Self::open)?
    }

    /// The interface of this name.
    pub fn by_name(&self, name: &str) -> Result<Link> {
        let wanted: LinkName = name.parse()?;
        let operation = format!("find interface '{name}'");
        let message = query(0, vec![LinkAttribute::IfName(wanted.to_string())]);
        self.get_link(&operation, message)?.ok_or_else(|| Error::LinkNotFound { name: name.to_owned() })
    }

    /// The interface of this index.
    pub fn by_index(&self, ifindex: u32) -> Result<Link> {
        self.get_link(&format!("find interface {ifindex}"), query(ifindex, Vec::new()))?
            .ok_or(Error::LinkIndexNotFound { ifindex })
    }

    fn get_link(&self, operation: &str, message: LinkMessage) -> Result<Option<Link>> {
        match self.netlink.get(operation, RouteNetlinkMessage::GetLink(message)) {
            Ok(answers) => Ok(answers.iter().find_map(link_of)),
            // EINVAL: index 0 and no name, that is, an index that cannot exist.
            Err(error) if matches!(error.errno(), Some(Errno::ENODEV | Errno::EINVAL)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All interfaces, by index.
    pub fn list(&self) -> Result<Vec<Link>> {
        let message = RouteNetlinkMessage::GetLink(query(0, Vec::new()));
        let mut links: Vec<Link> = self.netlink.dump("list interfaces", message)?.iter().filter_map(link_of).collect();
        links.sort_unstable_by_key(|link| link.ifindex);
        Ok(links)
    }

    /// Makes a bridge, down.
    pub fn create_bridge(&self, name: &str) -> Result<Link> {
        let wanted: LinkName = name.parse()?;
        let operation = format!("create bridge '{name}'");
        let mut message = LinkMessage::default();
        message.attributes = vec![
            LinkAttribute::IfName(wanted.to_string()),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]),
        ];
        match self.netlink.change(&operation, RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL) {
            Err(error) if error.errno() == Some(Errno::EEXIST) => {
                Err(Error::LinkExists { name: name.to_owned(), netns: "this namespace".to_owned() })
            }
            Err(error) => Err(error),
            Ok(()) => self.by_name(name),
        }
    }

    /// Deletes an interface (of a veth pair: both ends); false when there was none.
    pub fn delete(&self, ifindex: u32) -> Result<bool> {
        let mut message = LinkMessage::default();
        message.header.index = ifindex;
        let operation = format!("delete interface {ifindex}");
        match self.netlink.change(&operation, RouteNetlinkMessage::DelLink(message), 0) {
            Ok(()) => Ok(true),
            Err(error) if error.errno() == Some(Errno::ENODEV) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sets the interface up.
    pub fn set_up(&self, ifindex: u32) -> Result<()> {
        self.set_flags(ifindex, LinkFlags::Up, "up")
    }

    /// Sets the interface down.
    pub fn set_down(&self, ifindex: u32) -> Result<()> {
        self.set_flags(ifindex, LinkFlags::empty(), "down")
    }

    fn set_flags(&self, ifindex: u32, flags: LinkFlags, state: &str) -> Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = ifindex;
        message.header.flags = flags;
        message.header.change_mask = LinkFlags::Up;
        self.set(ifindex, &format!("set interface {ifindex} {state}"), message)
    }

    /// Changes the Ethernet address.
    pub fn set_mac(&self, ifindex: u32, mac: MacAddr) -> Result<()> {
        let operation = format!("set the address of interface {ifindex} to {mac}");
        self.set_attributes(ifindex, &operation, vec![LinkAttribute::Address(mac.0.to_vec())])
    }

    /// Changes the MTU.
    pub fn set_mtu(&self, ifindex: u32, mtu: u32) -> Result<()> {
        let operation = format!("set the MTU of interface {ifindex} to {mtu}");
        self.set_attributes(ifindex, &operation, vec![LinkAttribute::Mtu(mtu)])
    }

    /// Changes the alias, the free text by which we know our own interfaces again.
    pub fn set_alias(&self, ifindex: u32, alias: &str) -> Result<()> {
        let operation = format!("set the alias of interface {ifindex} to '{alias}'");
        self.set_attributes(ifindex, &operation, vec![LinkAttribute::IfAlias(alias.to_owned())])
    }

    /// Renames the interface.
    pub fn set_name(&self, ifindex: u32, name: &str) -> Result<()> {
        let wanted: LinkName = name.parse()?;
        let operation = format!("rename interface {ifindex} to '{name}'");
        match self.set_attributes(ifindex, &operation, vec![LinkAttribute::IfName(wanted.to_string())]) {
            Err(error) if error.errno() == Some(Errno::EEXIST) => {
                Err(Error::LinkExists { name: name.to_owned(), netns: "this namespace".to_owned() })
            }
            other => other,
        }
    }

    /// Makes the interface a port of a bridge, or of none.
    pub fn set_master(&self, ifindex: u32, master: Option<u32>) -> Result<()> {
        let operation = match master {
            Some(master) => format!("make interface {ifindex} a port of bridge {master}"),
            None => format!("take interface {ifindex} out of its bridge"),
        };
        self.set_attributes(ifindex, &operation, vec![LinkAttribute::Controller(master.unwrap_or(0))])
    }

    /// Moves the interface to another namespace, under a new name if one is given. It arrives down
    /// and without addresses.
    pub fn move_to(&self, ifindex: u32, netns: &Netns, name: Option<&str>) -> Result<()> {
        let mut attributes = vec![LinkAttribute::NetNsFd(netns.fd().as_raw_fd())];
        if let Some(name) = name {
            attributes.push(LinkAttribute::IfName(name.parse::<LinkName>()?.to_string()));
        }
        let operation = format!("move interface {ifindex} to {}", netns.label());
        match self.set_attributes(ifindex, &operation, attributes) {
            Err(error) if error.errno() == Some(Errno::EEXIST) => Err(Error::LinkExists {
                name: name.map_or_else(|| format!("of index {ifindex}"), str::to_owned),
                netns: netns.label().to_owned(),
            }),
            other => other,
        }
    }

    fn set_attributes(&self, ifindex: u32, operation: &str, attributes: Vec<LinkAttribute>) -> Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = ifindex;
        message.attributes = attributes;
        self.set(ifindex, operation, message)
    }

    fn set(&self, ifindex: u32, operation: &str, message: LinkMessage) -> Result<()> {
        match self.netlink.change(operation, RouteNetlinkMessage::SetLink(message), 0) {
            Err(error) if error.errno() == Some(Errno::ENODEV) => Err(Error::LinkIndexNotFound { ifindex }),
            other => other,
        }
    }
}

/// A question about links; their statistics, which are most of the answer, are left out.
fn query(ifindex: u32, mut attributes: Vec<LinkAttribute>) -> LinkMessage {
    attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    let mut message = LinkMessage::default();
    message.header.index = ifindex;
    message.attributes = attributes;
    message
}

fn link_of(message: &RouteNetlinkMessage) -> Option<Link> {
    match message {
        RouteNetlinkMessage::NewLink(link) => Some(Link::from_message(link)),
        _ => None,
    }
}
