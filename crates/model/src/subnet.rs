//! Subnets.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use types::{Cidr, IpVersion, NetworkId, SubnetId, SubnetPoolId};

use crate::{
    attribute::{Kind, attribute, boolean, constant, text, uuid},
    resource::resource,
};

/// The values of `ipv6_ra_mode` and `ipv6_address_mode`.
pub const IPV6_MODES: &[&str] = &["dhcpv6-stateful", "dhcpv6-stateless", "slaac"];

/// A range of addresses that ports are given from, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AllocationPool {
    /// The first address.
    pub start: IpAddr,
    /// The last address.
    pub end: IpAddr,
}

/// A route that the servers of a subnet learn by DHCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HostRoute {
    /// Where packets go.
    pub destination: Cidr,
    /// By which router.
    pub nexthop: IpAddr,
}

/// The IP version as a number, as subnets write it.
pub(crate) mod ip_version_number {
    use super::{Deserialize, Deserializer, IpVersion, Serializer};
    use serde::de::Error;

    pub(crate) fn serialize<S: Serializer>(version: &IpVersion, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(match version {
            IpVersion::V4 => 4,
            IpVersion::V6 => 6,
        })
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpVersion, D::Error> {
        match u8::deserialize(deserializer)? {
            4 => Ok(IpVersion::V4),
            6 => Ok(IpVersion::V6),
            other => Err(D::Error::custom(format!("'{other}' is not an IP version"))),
        }
    }
}

/// How IPv6 addresses and routes are learnt; `None` where the network has a router of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ipv6Mode {
    /// Addresses by DHCPv6.
    DhcpStateful,
    /// Addresses from the prefix, the rest by DHCPv6.
    DhcpStateless,
    /// Addresses from the prefix.
    Slaac,
}

impl Ipv6Mode {
    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DhcpStateful => "dhcpv6-stateful",
            Self::DhcpStateless => "dhcpv6-stateless",
            Self::Slaac => "slaac",
        }
    }

    /// Whether servers make their address from the prefix and their MAC address.
    #[must_use]
    pub const fn is_auto_address(self) -> bool {
        matches!(self, Self::DhcpStateless | Self::Slaac)
    }
}

impl Serialize for Ipv6Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Ipv6Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        [Self::DhcpStateful, Self::DhcpStateless, Self::Slaac]
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| D::Error::custom(format!("'{name}' is not an IPv6 mode")))
    }
}

resource! {
    /// A subnet: an address range of a network.
    Subnet, SubnetPatch, SubnetId: "subnet" in "subnets" at "subnets" since ""
    {
        /// A name for people.
        name: String = text(255).create_update().default("\"\"");
        /// A text for people.
        description: String = text(255).create_update().default("\"\"").since("standard-attr-description");
        /// The network that it is a range of.
        network_id: NetworkId = uuid().required();
        /// 4 or 6.
        #[serde(with = "ip_version_number")]
        ip_version: IpVersion as u8 = attribute(Kind::IpVersion).required();
        /// The subnet pool that the range was taken from.
        subnetpool_id: Option<SubnetPoolId> = uuid().create().nullable().default("null").since("subnet_allocation");
        /// The range.
        cidr: Cidr as Option<Cidr> = attribute(Kind::Cidr).create().nullable().initial("\"0.0.0.0/0\"");
        /// The default router of its servers.
        gateway_ip: Option<IpAddr> as Option<IpAddr> = attribute(Kind::Address).create_update().nullable();
        /// The addresses that ports are given from.
        allocation_pools: Vec<AllocationPool> as Vec<AllocationPool> = attribute(Kind::AllocationPools).create_update();
        /// The resolvers that servers learn.
        dns_nameservers: Vec<IpAddr> = attribute(Kind::Nameservers).create_update().default("[]");
        /// The routes that servers learn.
        host_routes: Vec<HostRoute> = attribute(Kind::HostRoutes).create_update().default("[]");
        /// Whether DHCP answers.
        enable_dhcp: bool = boolean().create_update().default("true");
        /// How router advertisements describe the subnet.
        ipv6_ra_mode: Option<Ipv6Mode> = attribute(Kind::Enum(IPV6_MODES)).create().nullable().default("null");
        /// How servers get their IPv6 address.
        ipv6_address_mode: Option<Ipv6Mode> = attribute(Kind::Enum(IPV6_MODES)).create().nullable().default("null");
        /// The device owners whose ports may use it; empty for all.
        service_types: Vec<String> = attribute(Kind::TextList { max: 255 }).create_update().default("[]").since("subnet-service-types");
        /// Whether names of its ports are published.
        dns_publish_fixed_ip: bool = boolean().create_update().default("false").since("subnet-dns-publish-fixed-ip");
        /// Whether its network is external.
        external ["router:external"]: bool = boolean().unsorted().since("subnet-external-network");
        /// Whether its network is shared: a filter only.
        shared: bool = boolean().unsorted().hidden();
        /// Short texts to find it by.
        tags: Vec<String> = attribute(Kind::TextList { max: 255 }).since("standard-attr-tag");
    }
    constants [constant("segment_id", "null").admin()]
}

impl Subnet {
    /// Whether ports get their address from the prefix and their MAC address.
    #[must_use]
    pub fn is_auto_address(&self) -> bool {
        self.ipv6_address_mode.is_some_and(Ipv6Mode::is_auto_address)
    }
}
