//! Rules of security groups.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use types::{Cidr, Direction, IpVersion, Protocol, SecurityGroupId, SecurityGroupRuleId};

use crate::{
    attribute::{Kind, attribute, boolean, constant, integer, text, uuid},
    resource::resource,
};

/// The IP version as rules write it: `IPv4` or `IPv6`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EtherType(#[serde(with = "ether_type")] pub IpVersion);

pub(crate) mod ether_type {
    use super::{Deserialize, Deserializer, IpVersion, Serializer};
    use serde::de::Error;

    pub(crate) fn serialize<S: Serializer>(version: &IpVersion, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match version {
            IpVersion::V4 => "IPv4",
            IpVersion::V6 => "IPv6",
        })
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpVersion, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "IPv4" => Ok(IpVersion::V4),
            "IPv6" => Ok(IpVersion::V6),
            other => Err(D::Error::custom(format!("'{other}' is not an ether type"))),
        }
    }
}

resource! {
    /// A rule of a security group: packets that it lets pass.
    SecurityGroupRule, SecurityGroupRulePatch, SecurityGroupRuleId:
        "security_group_rule" in "security_group_rules" at "security-group-rules" since "security-group"
    {
        /// The group that it is a rule of.
        security_group_id: SecurityGroupId = uuid().required();
        /// Towards the server or from it.
        direction: Direction = attribute(Kind::Enum(&["ingress", "egress"])).required().initial("\"ingress\"");
        /// IPv4 or IPv6.
        #[serde(with = "ether_type")]
        ethertype: IpVersion as EtherType = attribute(Kind::EtherType).create().default("\"IPv4\"");
        /// The protocol as the request wrote it; null for all.
        protocol_name ["protocol"]: Option<String> = attribute(Kind::IpProtocol).create().nullable().default("null");
        /// The protocol's number.
        protocol ["protocol_number"]: Option<Protocol> = integer(0, 255).nullable().internal();
        /// The first port, or the ICMP type.
        port_range_min: Option<u16> = attribute(Kind::PortNumber).create().nullable().default("null");
        /// The last port, or the ICMP code.
        port_range_max: Option<u16> = attribute(Kind::PortNumber).create().nullable().default("null");
        /// The addresses of the other side, as the request wrote them.
        remote_ip_prefix_written ["remote_ip_prefix"]: Option<String> = attribute(Kind::Prefix).create().nullable().default("null");
        /// The addresses of the other side.
        remote_ip_prefix ["normalized_cidr"]: Option<Cidr> = attribute(Kind::Cidr).nullable().unlisted().since("security-groups-normalized-cidr");
        /// The group that the other side must be in. What is no id names no group: 404, as upstream.
        remote_group_id: Option<SecurityGroupId> as Option<String> = text(255).create().nullable().default("null");
        /// A text for people.
        description: Option<String> = text(255).create().nullable().default("\"\"").since("standard-attr-description");
        /// Whether its group is its project's own.
        belongs_to_default_sg: bool = boolean().unsorted().initial("false").since("security-groups-rules-belongs-to-default-sg");
    }
    constants [constant("remote_address_group_id", "null")]
}
