//! The list of resources.

use crate::{
    Attachment, FloatingIp, Network, Port, Resource, ResourceInfo, Router, SecurityGroup, SecurityGroupRule, Subnet,
};

/// Every resource, a line each. Routes, sweeps and documents follow this list.
pub static RESOURCES: [&ResourceInfo; 8] = [
    Network::INFO,
    Subnet::INFO,
    Port::INFO,
    Router::INFO,
    FloatingIp::INFO,
    SecurityGroup::INFO,
    SecurityGroupRule::INFO,
    Attachment::INFO,
];

/// The resource at a path below `/v2.0`.
#[must_use]
pub fn by_path(path: &str) -> Option<&'static ResourceInfo> {
    RESOURCES.iter().copied().find(|info| info.path == path)
}
