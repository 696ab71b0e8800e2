//! MAC addresses and CIDRs.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Text that is no address of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAddressError {
    /// Not a MAC address.
    #[error("'{0}' is not a valid MAC address")]
    Mac(String),
    /// Not a CIDR.
    #[error("'{0}' is not a valid CIDR")]
    Cidr(String),
}

/// An Ethernet address, written `fa:16:3e:00:00:01`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// The broadcast address.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// True for broadcast and multicast addresses (IEEE 802.3: the group bit).
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MacAddr {
    type Err = ParseAddressError;

    /// Accepts `aa:bb:cc:dd:ee:ff` and `aa-bb-cc-dd-ee-ff` in either case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ParseAddressError::Mac(text.to_owned());
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut bytes = [0; 6];
        let mut parts = text.split(separator);
        for byte in &mut bytes {
            let part = parts.next().ok_or_else(fail)?;
            if part.len() != 2 || !part.chars().all(|c| c.is_ascii_hexdigit()) {
                return Err(fail());
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| fail())?;
        }
        if parts.next().is_some() { Err(fail()) } else { Ok(Self(bytes)) }
    }
}

impl TryFrom<String> for MacAddr {
    type Error = ParseAddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MacAddr> for String {
    fn from(mac: MacAddr) -> Self {
        mac.to_string()
    }
}

/// An address range, always with its host bits cleared: `10.0.0.0/24`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr(IpNet);

impl Cidr {
    /// The range of `prefix_len` leading bits around `address`; `None` when the length is too long.
    #[must_use]
    pub fn new(address: IpAddr, prefix_len: u8) -> Option<Self> {
        IpNet::new(address, prefix_len).ok().map(|net| Self(net.trunc()))
    }

    /// The range that holds one address.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        Self(IpNet::from(address))
    }

    /// First address of the range.
    #[must_use]
    pub fn network(self) -> IpAddr {
        self.0.network()
    }

    /// Last address of the range; in IPv4 subnets of up to /30 the broadcast address.
    #[must_use]
    pub fn last(self) -> IpAddr {
        self.0.broadcast()
    }

    /// Count of leading bits that all addresses share.
    #[must_use]
    pub fn prefix_len(self) -> u8 {
        self.0.prefix_len()
    }

    /// The mask, in the form of an address.
    #[must_use]
    pub fn netmask(self) -> IpAddr {
        self.0.netmask()
    }

    /// Whether the address lies in the range; false across IP versions.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// Whether the two ranges share an address; false across IP versions.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.0.contains(&other.0.network()) || other.0.contains(&self.0.network())
    }

    /// True for IPv4.
    #[must_use]
    pub fn is_ipv4(self) -> bool {
        matches!(self.0, IpNet::V4(_))
    }

    /// The range in the form of the `ipnet` crate, for arithmetic.
    #[must_use]
    pub fn as_ipnet(self) -> IpNet {
        self.0
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Cidr {
    type Err = ParseAddressError;

    /// Accepts `10.0.0.0/24`, clears host bits (`10.0.0.7/24`), and takes a bare address as a
    /// range of one, as Neutron does for allowed address pairs and remote prefixes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map(|net| Self(net.trunc()))
            .map_err(|_| ParseAddressError::Cidr(text.to_owned()))
    }
}

impl TryFrom<String> for Cidr {
    type Error = ParseAddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mac_addresses_round_trip_and_bad_ones_are_named() {
        assert_eq!("FA-16-3e-00-00-01".parse::<MacAddr>().unwrap().to_string(), "fa:16:3e:00:00:01");
        for bad in ["zz:zz", "fa:16:3e:00:00", "fa:16:3e:00:00:01:02", "fa:16:3e:0:0:1", "+a:16:3e:00:00:01", ""] {
            assert_eq!(bad.parse::<MacAddr>().unwrap_err().to_string(), format!("'{bad}' is not a valid MAC address"));
        }
    }

    #[test]
    fn a_cidr_has_no_host_bits_and_a_bare_address_is_one_host() {
        assert_eq!("10.0.0.7/24".parse::<Cidr>().unwrap().to_string(), "10.0.0.0/24");
        assert_eq!("10.0.0.7".parse::<Cidr>().unwrap().to_string(), "10.0.0.7/32");
        assert_eq!("10.0.0.300/24".parse::<Cidr>().unwrap_err().to_string(), "'10.0.0.300/24' is not a valid CIDR");
    }

    #[test]
    fn ranges_overlap_in_both_directions() {
        let wide: Cidr = "10.0.0.0/8".parse().unwrap();
        let narrow: Cidr = "10.1.0.0/16".parse().unwrap();
        assert!(wide.overlaps(narrow) && narrow.overlaps(wide));
        assert!(!narrow.overlaps("10.2.0.0/16".parse().unwrap()));
        assert!(!wide.overlaps("::/0".parse().unwrap()));
    }
}
