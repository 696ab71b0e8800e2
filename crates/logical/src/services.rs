//! What the host services tell a port's device: its DHCP answer and its metadata.

use std::{borrow::Cow, net::Ipv4Addr};

use serde::{Deserialize, Serialize};
use types::{Cidr, MacAddr};

/// The services of one port.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct PortServices {
    /// Answer to DHCPv4; `None`: requests are dropped and counted.
    pub dhcp4: Option<Dhcp4Options>,
    /// Metadata; `None`: only ports with a server have some.
    pub metadata: Option<Metadata>,
}

/// What a DHCPv4 client behind the port is told (RFC 2131, RFC 2132).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Dhcp4Options {
    /// `yiaddr`.
    pub address: Ipv4Addr,
    /// Prefix length of the subnet, for option 1.
    pub prefix_len: u8,
    /// Router, option 3; `None`: the subnet has no gateway.
    pub router: Option<Ipv4Addr>,
    /// DNS servers, option 6, in order.
    pub dns_servers: Vec<Ipv4Addr>,
    /// Host routes, option 121 (RFC 3442), without the default route and the one to the services,
    /// which the server adds by itself.
    pub routes: Vec<DhcpRoute>,
    /// Interface MTU, option 26.
    pub mtu: u16,
    /// Lease time in seconds, option 51.
    pub lease_seconds: u32,
    /// Host name, option 12.
    pub hostname: String,
    /// Domain name without the last dot, option 15; `None`: not sent.
    pub domain: Option<String>,
    /// Options given for this port through the API (`extra_dhcp_opts`), which win over the above.
    pub extra: Vec<ExtraDhcpOption>,
}

/// A route handed out by DHCP.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct DhcpRoute {
    /// Where to.
    pub destination: Cidr,
    /// Next hop.
    pub next_hop: Ipv4Addr,
}

/// An option given by name (dnsmasq's and Neutron's names) or by number.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ExtraDhcpOption {
    /// Name such as `bootfile-name`, or the number in decimal.
    pub name: String,
    /// Value in the option's usual text form.
    pub value: String,
}

/// What the metadata service answers to the server behind the port.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Metadata {
    /// The server's id.
    pub instance_id: String,
    /// The server's name, in the form of a host name.
    pub hostname: String,
    /// The server's name as given.
    pub name: String,
    /// The project's id.
    pub project_id: String,
    /// Availability zone, always `nova` for now.
    pub availability_zone: Cow<'static, str>,
    /// The port's address.
    pub local_ipv4: Option<Ipv4Addr>,
    /// Its floating IP, if it has one.
    pub public_ipv4: Option<Ipv4Addr>,
    /// The port's Ethernet address.
    pub mac: MacAddr,
    /// SSH keys, one line each.
    pub public_keys: Vec<String>,
    /// User data as given at attach.
    pub user_data: Option<Vec<u8>>,
}
