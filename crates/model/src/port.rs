//! Ports.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use types::{Cidr, MacAddr, NetworkId, ParseAddressError, PortId, SecurityGroupId, SubnetId};

use crate::{
    attribute::{Kind, attribute, boolean, constant, text, uuid},
    resource::resource,
};

/// The `device_owner` of a router's port on a subnet.
pub const ROUTER_INTERFACE: &str = "network:router_interface";
/// The `device_owner` of a router's port on its external network.
pub const ROUTER_GATEWAY: &str = "network:router_gateway";
/// The `device_owner` of the port that keeps a floating IP's address.
pub const FLOATING_IP: &str = "network:floatingip";
/// The `device_owner` of a port with an attachment.
pub const ATTACHED: &str = "compute:baryon";

/// The `binding:vif_type` of a port without a host.
pub const VIF_UNBOUND: &str = "unbound";
/// The `binding:vif_type` of a port on a host of ours: its device is a tap.
pub const VIF_TAP: &str = "tap";
/// The `binding:vif_type` of a port on a host that is none of ours.
pub const VIF_BINDING_FAILED: &str = "binding_failed";

/// An address of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FixedIp {
    /// The subnet that the address is in.
    pub subnet_id: SubnetId,
    /// The address.
    pub ip_address: IpAddr,
}

/// An address that a request asks for: by subnet, by address, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FixedIpRequest {
    /// The subnet to take an address from.
    #[serde(default)]
    pub subnet_id: Option<SubnetId>,
    /// The address to take.
    #[serde(default)]
    pub ip_address: Option<IpAddr>,
}

impl From<FixedIp> for FixedIpRequest {
    fn from(ip: FixedIp) -> Self {
        Self { subnet_id: Some(ip.subnet_id), ip_address: Some(ip.ip_address) }
    }
}

/// Addresses that a port may use beside its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "WrittenPair", into = "WrittenPair")]
pub struct AddressPair {
    /// The MAC address that may use them.
    pub mac_address: MacAddr,
    /// The addresses.
    pub ip_address: Cidr,
    /// The addresses as the request wrote them (`10.0.0.9`, not `10.0.0.9/32`), which is how the
    /// API shows them.
    pub written: String,
}

#[derive(Serialize, Deserialize)]
struct WrittenPair {
    mac_address: MacAddr,
    ip_address: String,
}

impl TryFrom<WrittenPair> for AddressPair {
    type Error = ParseAddressError;

    fn try_from(pair: WrittenPair) -> Result<Self, Self::Error> {
        Ok(Self { mac_address: pair.mac_address, ip_address: pair.ip_address.parse()?, written: pair.ip_address })
    }
}

impl From<AddressPair> for WrittenPair {
    fn from(pair: AddressPair) -> Self {
        Self { mac_address: pair.mac_address, ip_address: pair.written }
    }
}

/// An address pair that a request asks for; the port's own MAC address is meant when none is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressPairRequest {
    /// The MAC address that may use the addresses.
    #[serde(default)]
    pub mac_address: Option<MacAddr>,
    /// The addresses as written.
    pub ip_address: String,
}

/// A DHCP option that one port's server learns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DhcpOption {
    /// The option's name (`bootfile-name`) or number.
    pub opt_name: String,
    /// Its value; null in an update removes the option.
    pub opt_value: Option<String>,
    /// 4 or 6.
    pub ip_version: u8,
}

resource! {
    /// A port: one device's place on a network.
    Port, PortPatch, PortId: "port" in "ports" at "ports" since ""
    {
        /// A name for people.
        name: String = text(255).create_update().default("\"\"");
        /// A text for people.
        description: String = text(255).create_update().default("\"\"").since("standard-attr-description");
        /// The network that it is on.
        network_id: NetworkId = uuid().required();
        /// Down: no packet passes.
        admin_state_up: bool = boolean().create_update().default("true");
        /// ACTIVE when the datapath has it.
        status: String = text(16).initial("\"DOWN\"");
        /// The Ethernet address of its device.
        mac_address: MacAddr as Option<MacAddr> = attribute(Kind::Mac).create_update().nullable().initial("\"00:00:00:00:00:00\"").set_by_network_owner();
        /// Its addresses.
        fixed_ips: Vec<FixedIp> as Vec<FixedIpRequest> = attribute(Kind::FixedIps).create_update().filter();
        /// The id of the device: a server, a router.
        device_id: String = text(255).create_update().default("\"\"");
        /// What kind of device it is.
        device_owner: String = text(255).create_update().default("\"\"");
        /// The security groups that guard it.
        security_groups: Vec<SecurityGroupId> as Vec<SecurityGroupId> = attribute(Kind::UuidList).create_update().filter().since("security-group");
        /// Whether it may only use its own addresses, and security groups guard it.
        port_security_enabled: bool as bool = boolean().create_update().unsorted().set_by_network_owner().since("port-security");
        /// Addresses that it may use beside its own.
        allowed_address_pairs: Vec<AddressPair> as Vec<AddressPairRequest> = attribute(Kind::AddressPairs).create_update().set_by_network_owner().since("allowed-address-pairs");
        /// DHCP options for its server.
        extra_dhcp_opts: Vec<DhcpOption> as Vec<DhcpOption> = attribute(Kind::DhcpOptions).create_update().since("extra_dhcp_opt");
        /// The host name of its server.
        dns_name: String = attribute(Kind::DnsName).create_update().default("\"\"").since("dns-integration");
        /// The domain of that name, when it differs from the network's.
        dns_domain: String = attribute(Kind::DnsDomain).create_update().default("\"\"").since("dns-domain-ports");
        /// The kind of device that is wanted.
        binding_vnic_type ["binding:vnic_type"]: String = attribute(Kind::Enum(&["normal"])).create_update().default("\"normal\"").since("binding");
        /// The host that its device is on.
        binding_host_id ["binding:host_id"]: String = attribute(Kind::TextOrNull { max: 255 }).create_update().default("\"\"").admin().unsorted().since("binding");
        /// What the compute service says about the device.
        binding_profile ["binding:profile"]: Map<String, Value> = attribute(Kind::Dictionary).create_update().default("{}").admin().since("binding");
        /// How the device is connected.
        binding_vif_type ["binding:vif_type"]: String = text(64).initial("\"unbound\"").admin().unlisted().since("binding");
        /// What the compute service needs to know about the connection.
        binding_vif_details ["binding:vif_details"]: Map<String, Value> = attribute(Kind::Dictionary).admin().since("binding");
        /// Whether its link state follows the network's.
        propagate_uplink_status: bool = boolean().create_update().default("true").unsorted().since("uplink-status-propagation");
        /// Why the datapath does not have it.
        status_error ["baryon:error"]: Option<String> = text(1024).omit_null().unlisted().since("baryon");
        /// Short texts to find it by.
        tags: Vec<String> = attribute(Kind::TextList { max: 255 }).create().default("[]").since("standard-attr-tag");
    }
    constants [
        constant("data_plane_status", "null").read_only(),
        constant("device_profile", "null"),
        constant("hardware_offload_type", "null"),
        constant("hints", "null").admin(),
        constant("ip_allocation", "\"immediate\"").read_only(),
        constant("numa_affinity_policy", "null"),
        constant("qos_network_policy_id", "null").read_only().since("qos-port-network-policy"),
        constant("qos_policy_id", "null").since("qos"),
        constant("resource_request", "null").admin().read_only().since("port-resource-request"),
        constant("trusted", "null").admin(),
    ]
}

impl Port {
    /// Whether the device belongs to this service (a router, a floating IP) and not to a project.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.device_owner.starts_with("network:")
    }

    /// Whether a compute service makes its device, on a host of ours.
    #[must_use]
    pub fn is_plugged_by_host(&self) -> bool {
        self.binding_vif_type == VIF_TAP && self.device_owner.starts_with("compute:") && self.device_owner != ATTACHED
    }

    /// The name of the device that Nova and libvirt make for it.
    #[must_use]
    pub fn tap_name(&self) -> String {
        // An interface's name has 15 characters at most, and theirs 14.
        let id = self.id.to_string();
        format!("tap{}", id.get(..11).unwrap_or(&id))
    }

    /// Whether it is a router's interface or gateway.
    #[must_use]
    pub fn is_router_port(&self) -> bool {
        self.device_owner == ROUTER_INTERFACE || self.device_owner == ROUTER_GATEWAY
    }
}
