//! Floating IPs.

use std::net::IpAddr;

use types::{FloatingIpId, NetworkId, PortId, RouterId, SubnetId};

use crate::{
    attribute::{Kind, attribute, constant, text, uuid},
    resource::resource,
};

resource! {
    /// A floating IP: an address outside that reaches a port inside.
    FloatingIp, FloatingIpPatch, FloatingIpId: "floatingip" in "floatingips" at "floatingips" since "router"
    {
        /// A text for people.
        description: String = text(255).create_update().default("\"\"").since("standard-attr-description");
        /// The external network that the address comes from.
        floating_network_id: NetworkId = uuid().required();
        /// The address outside.
        floating_ip_address: IpAddr as Option<IpAddr> = attribute(Kind::Address).create().nullable().initial("\"0.0.0.0\"").set_by_admin();
        /// The subnet of the external network that it is taken from; requests may choose it,
        /// answers do not show it.
        subnet_id: Option<SubnetId> as Option<SubnetId> = uuid().create().nullable().unlisted().hidden();
        /// The port that it reaches.
        port_id: Option<PortId> as Option<PortId> = uuid().create_update().nullable();
        /// The address of the port that it reaches.
        fixed_ip_address: Option<IpAddr> as Option<IpAddr> = attribute(Kind::Address).create_update().nullable();
        /// The router that translates.
        router_id: Option<RouterId> = uuid().nullable();
        /// ACTIVE when the datapath has it, DOWN while it reaches no port.
        status: String = text(16).initial("\"DOWN\"");
        /// The port on the external network that keeps the address.
        floating_port_id: Option<PortId> = uuid().nullable().internal();
        /// The name of its record; its own `dns_name`, when the DNS service has it.
        dns_name: String = attribute(Kind::DnsName).create().default("\"\"").since("dns-integration");
        /// The zone of that record.
        dns_domain: String = attribute(Kind::DnsDomain).create().default("\"\"").since("dns-integration");
        /// Why the datapath does not have it.
        status_error ["baryon:error"]: Option<String> = text(1024).omit_null().unlisted().since("baryon");
        /// Short texts to find it by.
        tags: Vec<String> = attribute(Kind::TextList { max: 255 }).since("standard-attr-tag");
    }
    constants [constant("port_forwardings", "[]").read_only(), constant("qos_policy_id", "null").since("qos-fip")]
}
