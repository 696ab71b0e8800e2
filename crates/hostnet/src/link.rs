//! What the kernel says about one interface.

use std::{fmt, str::FromStr};

use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use types::MacAddr;

use crate::{Error, Result};

/// A name that the kernel takes for an interface: 1 to 15 bytes, no `/`, `:` or white space.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LinkName(String);

impl LinkName {
    /// The text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LinkName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let bad = |c: char| c == '/' || c == ':' || c == '\0' || c.is_ascii_whitespace();
        if (1..=15).contains(&name.len()) && !name.contains(bad) && name != "." && name != ".." {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::InvalidLinkName { name: name.to_owned() })
        }
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An interface, as it was when it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Its index, unique in its namespace.
    pub ifindex: u32,
    /// Its name.
    pub name: String,
    /// Its Ethernet address; absent for interfaces that have none.
    pub mac: Option<MacAddr>,
    /// Its MTU.
    pub mtu: u32,
    /// Whether it is set up (not: whether it has carrier).
    pub up: bool,
    /// Whether frames can pass: it is up, and so is what is at its other end.
    pub carrier: bool,
    /// Its alias, with which we mark what is ours; empty when it has none.
    pub alias: String,
    /// Its kind, such as `veth`, `dummy`, `bridge`, `tun`; empty for physical interfaces.
    pub kind: String,
    /// The bridge that it is a port of.
    pub master: Option<u32>,
    /// The index of the other end (veth) or of the interface below (VLAN).
    pub peer_ifindex: Option<u32>,
    /// The kernel's number, in this namespace, of the namespace that the other end is in; absent
    /// when it is in the same one. Negative when that namespace has no number here.
    pub peer_netns: Option<i32>,
}

impl Link {
    pub(crate) fn from_message(message: &LinkMessage) -> Self {
        let flags = message.header.flags;
        let mut link = Self {
            ifindex: message.header.index,
            name: String::new(),
            mac: None,
            mtu: 0,
            up: flags.contains(LinkFlags::Up),
            carrier: flags.contains(LinkFlags::LowerUp),
            alias: String::new(),
            kind: String::new(),
            master: None,
            peer_ifindex: None,
            peer_netns: None,
        };
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name.clone_from(name),
                LinkAttribute::Address(bytes) => link.mac = bytes.as_slice().try_into().ok().map(MacAddr),
                LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
                LinkAttribute::IfAlias(alias) => link.alias.clone_from(alias),
                LinkAttribute::Controller(index) => link.master = Some(*index),
                LinkAttribute::Link(index) => link.peer_ifindex = (*index != 0).then_some(*index),
                LinkAttribute::LinkNetNsId(id) => link.peer_netns = Some(*id),
                LinkAttribute::LinkInfo(infos) => link.kind = kind(infos).unwrap_or_default(),
                _ => {}
            }
        }
        link
    }
}

fn kind(infos: &[LinkInfo]) -> Option<String> {
    infos.iter().find_map(|info| match info {
        LinkInfo::Kind(InfoKind::Other(name)) => Some(name.clone()),
        LinkInfo::Kind(kind) => Some(kind.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_kernel_takes() {
        for good in ["eth0", "tap12345678-90", "a", "exactly15bytes_"] {
            assert_eq!(good.parse::<LinkName>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "a/b", "a:b", "a b", "sixteen_bytes___", "tab\t"] {
            let error = bad.parse::<LinkName>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("'{bad}' is not a name for an interface")), "{error}");
        }
    }
}
