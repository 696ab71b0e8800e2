//! IP addresses of interfaces.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope},
};
use nix::errno::Errno;
use types::{Cidr, ParseAddressError};

use crate::{Error, Links, Result};

/// An address with the length of its network's prefix: `10.0.0.5/24`. Other than a [`Cidr`] it
/// keeps its host bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InterfaceAddress {
    address: IpAddr,
    prefix_len: u8,
}

impl InterfaceAddress {
    /// An address in a network of `prefix_len` leading bits; `None` when that is too long.
    #[must_use]
    pub fn new(address: IpAddr, prefix_len: u8) -> Option<Self> {
        Cidr::new(address, prefix_len).map(|_| Self { address, prefix_len })
    }

    /// The address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The length of the prefix.
    #[must_use]
    pub fn prefix_len(self) -> u8 {
        self.prefix_len
    }
}

impl From<IpAddr> for InterfaceAddress {
    /// The address alone, a network of one.
    fn from(address: IpAddr) -> Self {
        Self { address, prefix_len: if address.is_ipv4() { 32 } else { 128 } }
    }
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

impl FromStr for InterfaceAddress {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ParseAddressError::Cidr(text.to_owned());
        match text.split_once('/') {
            None => text.parse::<IpAddr>().map(Self::from).map_err(|_| fail()),
            Some((address, prefix_len)) => {
                let address = address.parse().map_err(|_| fail())?;
                Self::new(address, prefix_len.parse().map_err(|_| fail())?).ok_or_else(fail)
            }
        }
    }
}

impl Links {
    /// Gives an interface an address; giving it again changes nothing. IPv6 addresses are usable
    /// at once (no duplicate address detection: the caller knows that the address is unique).
    pub fn add_address(&self, ifindex: u32, address: InterfaceAddress) -> Result<()> {
        let message = RouteNetlinkMessage::NewAddress(message(ifindex, address));
        let operation = format!("add address {address} to interface {ifindex}");
        match self.netlink.change(&operation, message, NLM_F_CREATE | NLM_F_REPLACE) {
            Err(error) if error.errno() == Some(Errno::ENODEV) => Err(Error::LinkIndexNotFound { ifindex }),
            other => other,
        }
    }

    /// Takes an address from an interface; false when it did not have it.
    pub fn delete_address(&self, ifindex: u32, address: InterfaceAddress) -> Result<bool> {
        let message = RouteNetlinkMessage::DelAddress(message(ifindex, address));
        match self.netlink.change(&format!("delete address {address} from interface {ifindex}"), message, 0) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.errno(), Some(Errno::EADDRNOTAVAIL | Errno::ENODEV)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The addresses of an interface, sorted.
    pub fn addresses(&self, ifindex: u32) -> Result<Vec<InterfaceAddress>> {
        let message = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        let answers = self.netlink.dump(&format!("list the addresses of interface {ifindex}"), message)?;
        let mut addresses: Vec<_> = answers
            .iter()
            .filter_map(|answer| match answer {
                RouteNetlinkMessage::NewAddress(message) if message.header.index == ifindex => address_of(message),
                _ => None,
            })
            .collect();
        addresses.sort_unstable();
        Ok(addresses)
    }

    /// Takes all addresses from an interface.
    pub fn flush_addresses(&self, ifindex: u32) -> Result<()> {
        for address in self.addresses(ifindex)? {
            self.delete_address(ifindex, address)?;
        }
        Ok(())
    }
}

fn message(ifindex: u32, address: InterfaceAddress) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.index = ifindex;
    message.header.prefix_len = address.prefix_len;
    message.attributes.push(AddressAttribute::Local(address.address));
    message.attributes.push(AddressAttribute::Address(address.address));
    match address.address {
        IpAddr::V4(v4) => {
            message.header.family = AddressFamily::Inet;
            if v4.is_loopback() {
                message.header.scope = AddressScope::Host;
            }
            message.attributes.extend(broadcast(v4, address.prefix_len).map(AddressAttribute::Broadcast));
        }
        IpAddr::V6(_) => {
            message.header.family = AddressFamily::Inet6;
            message.header.flags = AddressHeaderFlags::Nodad;
        }
    }
    message
}

/// The broadcast address of the network; none in networks of one or two addresses (RFC 3021).
fn broadcast(address: Ipv4Addr, prefix_len: u8) -> Option<Ipv4Addr> {
    let host_bits = u32::MAX.checked_shr(u32::from(prefix_len))?;
    (prefix_len < 31).then(|| Ipv4Addr::from(u32::from(address) | host_bits))
}

fn address_of(message: &AddressMessage) -> Option<InterfaceAddress> {
    // On point-to-point links "address" is the other end's and "local" is ours; IPv6 has only the
    // former unless it is such a link.
    let local = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let address = local.or_else(|| {
        message.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })?;
    InterfaceAddress::new(address, message.header.prefix_len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_address_keeps_its_host_bits() {
        for good in ["10.0.0.5/24", "fd00::5/64", "169.254.169.254/32"] {
            assert_eq!(good.parse::<InterfaceAddress>().unwrap().to_string(), good);
        }
        assert_eq!("10.0.0.5".parse::<InterfaceAddress>().unwrap().to_string(), "10.0.0.5/32");
        for bad in ["10.0.0.5/33", "10.0.0/24", "10.0.0.5/", ""] {
            assert!(bad.parse::<InterfaceAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn networks_of_one_or_two_addresses_have_no_broadcast() {
        let address = Ipv4Addr::new(10, 0, 0, 5);
        assert_eq!(broadcast(address, 24), Some(Ipv4Addr::new(10, 0, 0, 255)));
        assert_eq!(broadcast(address, 0), Some(Ipv4Addr::BROADCAST));
        assert_eq!(broadcast(address, 31), None);
        assert_eq!(broadcast(address, 32), None);
    }
}
