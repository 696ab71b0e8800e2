//! The rows of the logical network, one struct per table.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use types::{Cidr, Direction, IpVersion, MacAddr, PortRange, Protocol};
use uuid::Uuid;

use crate::{AclGroupId, AclId, AddressSetId, PortId, PortServices, RouterId, SwitchId};

/// Where a row comes from, for status and explanation. Nothing here interprets it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// Kind of the object, such as `port` or `security_group_rule`.
    pub tag: Cow<'static, str>,
    /// The object's id.
    pub id: Uuid,
}

impl Origin {
    /// An origin of the given kind.
    #[must_use]
    pub const fn new(tag: &'static str, id: Uuid) -> Self {
        Self { tag: Cow::Borrowed(tag), id }
    }
}

/// A logical switch: an isolated L2 segment.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Switch {
    /// Key.
    pub id: SwitchId,
    /// The object behind it.
    pub origin: Origin,
    /// What the segment is connected to.
    pub kind: SwitchKind,
    /// Largest IP packet on the segment, in bytes.
    pub mtu: u32,
}

/// What a switch is connected to beside its ports.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchKind {
    /// Nothing: only its own ports.
    Tenant,
    /// A physical network, by the name that the driver's configuration maps to an interface.
    External {
        /// Name of the physical network.
        physical_network: String,
    },
}

/// An address with the length of its subnet's prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct InterfaceAddress {
    /// The address itself.
    pub address: IpAddr,
    /// Prefix length of the subnet that it belongs to.
    pub prefix_len: u8,
}

/// A port of a switch.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Port {
    /// Key.
    pub id: PortId,
    /// The object behind it.
    pub origin: Origin,
    /// The switch it is on.
    pub switch: SwitchId,
    /// What is behind the port.
    pub kind: PortKind,
    /// Its Ethernet address, unique on the switch.
    pub mac: MacAddr,
    /// Its addresses: the switch answers ARP for them, routers deliver to them.
    pub addresses: Vec<InterfaceAddress>,
    /// False: every packet from and to the port is dropped.
    pub enabled: bool,
    /// Largest IP packet that may be sent to the port, in bytes.
    pub mtu: u32,
    /// Anti-spoofing and access control; `None` lets everything through both ways.
    pub security: Option<PortSecurity>,
    /// What DHCP and the metadata service tell the device behind the port.
    pub services: Option<Arc<PortServices>>,
}

/// What is behind a port.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortKind {
    /// A server; without an attachment it has addresses, but no device.
    Guest {
        /// The device, when there is one.
        attachment: Option<Attachment>,
    },
    /// An interface of a router.
    Router {
        /// The router.
        router: RouterId,
    },
    /// A device of ours that does a job for tenants (balancers, VPN).
    Service,
}

/// The device of a guest port.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attachment {
    /// A veth pair that the driver makes, one end inside a named network namespace.
    Netns {
        /// Name of the namespace, as `ip netns` lists it.
        name: String,
        /// The namespace that was meant, by the kernel's cookie: a namesake made later has another.
        /// (Inode numbers will not do: a freed one goes to the very next namespace.)
        identity: u64,
        /// Name of the interface inside.
        ifname: String,
    },
    /// A tap device that somebody else makes.
    Tap {
        /// Name of the device in the host's namespace.
        name: String,
    },
}

/// What a guest port may send and receive.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct PortSecurity {
    /// Source addresses that may be used, the port's own among them, sorted.
    pub pairs: Vec<AddressPair>,
    /// Groups whose rules apply, sorted; a packet is allowed when any rule of any group allows it.
    pub groups: Vec<AclGroupId>,
}

/// A pair of source addresses that a port may use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct AddressPair {
    /// Ethernet source.
    pub mac: MacAddr,
    /// IP source, and sender address of ARP.
    pub ip: Cidr,
}

/// A logical router. Its interfaces are ports of kind [`PortKind::Router`].
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Router {
    /// Key.
    pub id: RouterId,
    /// The object behind it.
    pub origin: Origin,
    /// False: every packet that reaches the router is dropped.
    pub enabled: bool,
}

/// A route of a router, connected or static. The compiler has already chosen one route per
/// destination and dropped those whose next hop no interface reaches.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Route {
    /// The router.
    pub router: RouterId,
    /// Which packets, by destination; the longest prefix wins.
    pub destination: Cidr,
    /// The object behind it.
    pub origin: Origin,
    /// Interface through which the packet leaves.
    pub port: PortId,
    /// Whom to hand it to; `None`: to the destination itself, which is on the interface's switch.
    pub next_hop: Option<IpAddr>,
}

/// Source NAT of what leaves a router through a gateway interface.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct SourceNat {
    /// The router.
    pub router: RouterId,
    /// Its gateway interface, on an external switch.
    pub port: PortId,
    /// The object behind it.
    pub origin: Origin,
    /// Source address after translation; one of the interface's own.
    pub address: Ipv4Addr,
}

/// A floating IP: an external address that stands for an inner one, both ways.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct FloatingIp {
    /// The external switch whose address it is.
    pub switch: SwitchId,
    /// The external address.
    pub external: Ipv4Addr,
    /// The object behind it.
    pub origin: Origin,
    /// The router that translates.
    pub router: RouterId,
    /// That router's gateway interface on the external switch.
    pub port: PortId,
    /// Ethernet address that answers for the external address: the gateway interface's.
    pub mac: MacAddr,
    /// The inner address.
    pub logical: Ipv4Addr,
}

/// A rule that allows packets of ports in a group. There are no rules that deny.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Acl {
    /// The group.
    pub group: AclGroupId,
    /// Key within the group.
    pub id: AclId,
    /// The object behind it.
    pub origin: Origin,
    /// Which way.
    pub direction: Direction,
    /// IP version.
    pub ip_version: IpVersion,
    /// IP protocol; `None`: any.
    pub protocol: Option<Protocol>,
    /// Destination ports; only with TCP, UDP and SCTP.
    pub ports: Option<PortRange>,
    /// ICMP type and code; only with ICMP.
    pub icmp: Option<IcmpMatch>,
    /// The other side.
    pub remote: Remote,
}

/// Which ICMP messages a rule matches.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct IcmpMatch {
    /// ICMP type.
    pub kind: u8,
    /// ICMP code; `None`: any.
    pub code: Option<u8>,
}

/// The other side of a rule.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remote {
    /// Anybody.
    Any,
    /// Addresses in a range.
    Prefix(Cidr),
    /// Members of a set.
    Set(AddressSetId),
}

/// A member of an address set. One row each, so that a new member costs one entry.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct AddressSetEntry {
    /// The set.
    pub set: AddressSetId,
    /// The member.
    pub cidr: Cidr,
}

macro_rules! rows {
    ($($(#[$doc:meta])* $variant:ident($row:ty) keyed $key:tt by $make:expr;)*) => {
        /// A row of any table.
        #[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Row {
            $($(#[$doc])* $variant(Arc<$row>),)*
        }

        /// The key of a row of any table. The order of the variants is the order in which rows are
        /// put; they are removed in the opposite order.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum RowKey {
            $($(#[$doc])* $variant $key,)*
        }

        impl Row {
            /// The row's key.
            #[must_use]
            pub fn key(&self) -> RowKey {
                match self {
                    $(Self::$variant(row) => { let make: fn(&$row) -> RowKey = $make; make(row) })*
                }
            }
        }

        $(impl From<$row> for Row {
            fn from(row: $row) -> Self {
                Self::$variant(Arc::new(row))
            }
        })*
    };
}

rows! {
    /// A switch.
    Switch(Switch) keyed (SwitchId) by |row| RowKey::Switch(row.id);
    /// A router.
    Router(Router) keyed (RouterId) by |row| RowKey::Router(row.id);
    /// A member of an address set.
    AddressSetEntry(AddressSetEntry) keyed (AddressSetId, Cidr) by |row| RowKey::AddressSetEntry(row.set, row.cidr);
    /// A rule.
    Acl(Acl) keyed (AclGroupId, AclId) by |row| RowKey::Acl(row.group, row.id);
    /// A port.
    Port(Port) keyed (PortId) by |row| RowKey::Port(row.id);
    /// A route.
    Route(Route) keyed (RouterId, Cidr) by |row| RowKey::Route(row.router, row.destination);
    /// Source NAT of a gateway interface.
    SourceNat(SourceNat) keyed (RouterId, PortId) by |row| RowKey::SourceNat(row.router, row.port);
    /// A floating IP.
    FloatingIp(FloatingIp) keyed (SwitchId, Ipv4Addr) by |row| RowKey::FloatingIp(row.switch, row.external);
}

impl Row {
    /// The object behind the row; members of address sets have none of their own.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Switch(row) => Some(&row.origin),
            Self::Router(row) => Some(&row.origin),
            Self::AddressSetEntry(_) => None,
            Self::Acl(row) => Some(&row.origin),
            Self::Port(row) => Some(&row.origin),
            Self::Route(row) => Some(&row.origin),
            Self::SourceNat(row) => Some(&row.origin),
            Self::FloatingIp(row) => Some(&row.origin),
        }
    }

    /// A number that two rows share when they are equal. It is the same in every process of one
    /// build; another build may count differently, which costs a row put that changes nothing.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}
