//! Routers.

use serde::{Deserialize, Serialize};
use types::{NetworkId, PortId, RouterId};

use crate::{
    FixedIp, FixedIpRequest, HostRoute,
    attribute::{Kind, attribute, boolean, constant, text, uuid},
    resource::resource,
};

/// A static route of a router. It has the form of a subnet's host route.
pub type ExtraRoute = HostRoute;

/// A router's side towards an external network: the addresses of its gateway port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalGateway {
    /// The external network.
    pub network_id: NetworkId,
    /// Whether servers without a floating IP reach the outside by the router's address.
    pub enable_snat: bool,
    /// The router's addresses outside.
    pub external_fixed_ips: Vec<FixedIp>,
}

/// The gateway that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayRequest {
    /// The external network.
    pub network_id: NetworkId,
    /// Whether to translate addresses; administrators only.
    #[serde(default)]
    pub enable_snat: Option<bool>,
    /// The addresses to take; administrators only.
    #[serde(default)]
    pub external_fixed_ips: Option<Vec<FixedIpRequest>>,
}

resource! {
    /// A router between subnets and an external network.
    Router, RouterPatch, RouterId: "router" in "routers" at "routers" since "router"
    {
        /// A name for people.
        name: String = text(255).create_update().default("\"\"");
        /// A text for people.
        description: String = text(255).create_update().default("\"\"").since("standard-attr-description");
        /// Down: it forwards nothing.
        admin_state_up: bool = boolean().create_update().default("true");
        /// ACTIVE when the datapath has it.
        status: String = text(16).initial("\"ACTIVE\"");
        /// Its side towards an external network.
        gateway ["external_gateway_info"]: Option<ExternalGateway> as Option<GatewayRequest> = attribute(Kind::Gateway).create_update().nullable();
        /// Whether the gateway translates addresses; part of `external_gateway_info`.
        enable_snat: bool = boolean().internal().initial("true");
        /// The port on the external network.
        gw_port_id: Option<PortId> = uuid().nullable().internal();
        /// Its static routes.
        routes: Vec<ExtraRoute> as Vec<ExtraRoute> = attribute(Kind::HostRoutes).create_update().since("extraroute");
        /// Why the datapath does not have it.
        status_error ["baryon:error"]: Option<String> = text(1024).omit_null().unlisted().since("baryon");
        /// Short texts to find it by.
        tags: Vec<String> = attribute(Kind::TextList { max: 255 }).since("standard-attr-tag");
    }
    constants [
        constant("availability_zone_hints", "[]"),
        constant("availability_zones", "[]").read_only(),
        constant("conntrack_helpers", "[]").read_only(),
        constant("distributed", "false").admin(),
        constant("enable_ndp_proxy", "false").since("l3-ext-ndp-proxy"),
        constant("flavor_id", "null"),
        constant("ha", "false").admin(),
    ]
}
