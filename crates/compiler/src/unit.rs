//! Compilation units.

use logical::Row;
use types::{FloatingIpId, NetworkId, PortId, RouterId, SecurityGroupRuleId};

use crate::{Snapshot, floating_ip, network, port, router, security_group_rule};

/// The smallest piece that is compiled by itself. Rows belong to units; two units may only make the
/// same row when it is equal (members of address sets).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Unit {
    /// The switch of a network.
    Network(NetworkId),
    /// A port, its addresses in its groups' sets, and its services.
    Port(PortId),
    /// A router with its routes and source NAT.
    Router(RouterId),
    /// A floating IP.
    FloatingIp(FloatingIpId),
    /// A rule of a security group.
    SecurityGroupRule(SecurityGroupRuleId),
}

impl Unit {
    /// The unit's rows; none when its object is gone or has nothing to do in the datapath.
    #[must_use]
    pub fn rows(self, snapshot: &Snapshot) -> Vec<Row> {
        match self {
            Self::Network(id) => network::rows(snapshot, id),
            Self::Port(id) => port::rows(snapshot, id),
            Self::Router(id) => router::rows(snapshot, id),
            Self::FloatingIp(id) => floating_ip::rows(snapshot, id),
            Self::SecurityGroupRule(id) => security_group_rule::rows(snapshot, id),
        }
    }
}
