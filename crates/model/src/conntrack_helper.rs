//! Conntrack helpers of routers.

use types::{ConntrackHelperId, RouterId};

use crate::{
    attribute::{Kind, attribute, integer, text, uuid},
    resource::resource,
};

resource! {
    /// A conntrack helper of a router: it follows a protocol whose connections open others, such as TFTP.
    ConntrackHelper, ConntrackHelperPatch, ConntrackHelperId:
        "conntrack_helper" in "conntrack_helpers" at "routers/{router_id}/conntrack_helpers"
        since "l3-conntrack-helper" [part_by("router_id")]
    {
        /// The router whose connections it follows.
        router_id: RouterId = uuid().parent();
        /// The transport protocol.
        protocol: String = attribute(Kind::Enum(&["dccp", "icmp", "ipv6-icmp", "sctp", "tcp", "udp"])).create_update().required();
        /// The server's port.
        port: u16 = integer(1, 65535).create_update().required();
        /// The protocol that is followed.
        helper: String = text(64).create_update().required();
    }
    constants []
}
