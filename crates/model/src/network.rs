//! Networks.

use types::{NetworkId, SubnetId};

use crate::{
    attribute::{Kind, attribute, boolean, constant, integer, text},
    resource::resource,
};

resource! {
    /// A network: an isolated L2 segment.
    Network, NetworkPatch, NetworkId: "network" in "networks" at "networks" since ""
    {
        /// A name for people; need not be unique.
        name: String = text(255).create_update().default("\"\"");
        /// A text for people.
        description: String = text(255).create_update().default("\"\"").since("standard-attr-description");
        /// Down: no port of the network passes packets.
        admin_state_up: bool = boolean().create_update().default("true");
        /// ACTIVE when the datapath has it.
        status: String = text(16).initial("\"ACTIVE\"");
        /// The largest packet of its ports, which DHCP and router advertisements announce; 0 asks for
        /// the region's default.
        mtu: u32 = integer(0, 65_535).create_update().since("net-mtu").initial("1450");
        /// Whether every project may use it.
        shared: bool = boolean().create_update().default("false").set_by_admin();
        /// Whether routers may have their gateway on it and floating IPs come from it.
        external ["router:external"]: bool = boolean().create_update().default("false").set_by_admin().since("external-net");
        /// Whether it is the external network that is chosen when none is named.
        is_default: bool = boolean().create_update().default("false").set_by_admin().unlisted().since("auto-allocated-topology");
        /// The interface outside that it is connected to, by the name in the configuration.
        physical_network ["provider:physical_network"]: Option<String> = text(64).create().nullable().default("null").admin().since("provider");
        /// How it is carried: `vxlan` (ours alone), `flat` or `vlan` (on a physical network).
        network_type ["provider:network_type"]: String as Option<String> = text(32).create().nullable().initial("\"vxlan\"").admin().since("provider");
        /// Its VLAN, or its virtual network identifier.
        segmentation_id ["provider:segmentation_id"]: Option<u32> = integer(0, 16_777_215).create().nullable().default("null").admin().since("provider");
        /// Whether new ports guard their addresses and have security groups.
        port_security_enabled: bool = boolean().create_update().default("true").unlisted().since("port-security");
        /// The domain of its ports' names.
        dns_domain: String = attribute(Kind::DnsDomain).create_update().default("\"\"").since("dns-integration");
        /// Its subnets.
        subnets: Vec<SubnetId> = attribute(Kind::UuidList);
        /// Why the datapath does not have it.
        status_error ["baryon:error"]: Option<String> = text(1024).omit_null().unlisted().since("baryon");
        /// Short texts to find it by.
        tags: Vec<String> = attribute(Kind::TextList { max: 255 }).since("standard-attr-tag");
    }
    constants [
        constant("availability_zone_hints", "[]"),
        constant("availability_zones", "[]").read_only(),
        constant("ipv4_address_scope", "null").read_only(),
        constant("ipv6_address_scope", "null").read_only(),
        constant("l2_adjacency", "true").read_only(),
        constant("qos_policy_id", "null").since("qos"),
    ]
}
