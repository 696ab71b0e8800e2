//! A rule of a security group becomes an ACL of the group.

use logical::{Acl, AclGroupId, AclId, AddressSetId, IcmpMatch, Origin, Remote, Row};
use model::SecurityGroupRule;
use types::{IpVersion, PortRange, Protocol, SecurityGroupId, SecurityGroupRuleId};

use crate::Snapshot;

pub(crate) fn rows(snapshot: &Snapshot, id: SecurityGroupRuleId) -> Vec<Row> {
    let Some(rule) = snapshot.rules.get(&id) else { return Vec::new() };
    if rule.ethertype != IpVersion::V4 {
        return Vec::new();
    }
    let remote = match (rule.remote_group_id, rule.remote_ip_prefix) {
        (Some(group), _) => Remote::Set(set_id(group)),
        (None, Some(prefix)) => Remote::Prefix(prefix),
        (None, None) => Remote::Any,
    };
    let acl = Acl {
        group: group_id(rule.security_group_id),
        id: AclId(id.0),
        origin: Origin::new("security_group_rule", id.0),
        direction: rule.direction,
        ip_version: rule.ethertype,
        protocol: rule.protocol,
        ports: ports(rule),
        icmp: icmp(rule),
        remote,
    };
    vec![acl.into()]
}

/// The destination ports. A rule with only one end of the range means that one port, as upstream.
fn ports(rule: &SecurityGroupRule) -> Option<PortRange> {
    if !rule.protocol.is_some_and(Protocol::has_ports) {
        return None;
    }
    let first = rule.port_range_min.or(rule.port_range_max)?;
    let last = rule.port_range_max.unwrap_or(first);
    PortRange::new(first, last).ok()
}

/// ICMP type and code, which the API keeps in the port range. The API admits 0 to 255 only.
fn icmp(rule: &SecurityGroupRule) -> Option<IcmpMatch> {
    if rule.protocol != Some(Protocol::ICMP) {
        return None;
    }
    let kind = u8::try_from(rule.port_range_min?).ok()?;
    Some(IcmpMatch { kind, code: rule.port_range_max.and_then(|code| u8::try_from(code).ok()) })
}

pub(crate) fn group_id(group: SecurityGroupId) -> AclGroupId {
    AclGroupId(group.0)
}

/// The set of a group's members.
pub(crate) fn set_id(group: SecurityGroupId) -> AddressSetId {
    AddressSetId(group.0)
}
