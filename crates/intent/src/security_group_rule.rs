//! Rules of security groups.

use model::{
    Patch, Request, RequestError, Resource, SecurityGroup, SecurityGroupRule, SecurityGroupRulePatch, Timestamp,
};
use serde_json::json;
use store::{Read, Tx};
use types::{IpVersion, ProjectId, Protocol, SecurityGroupRuleId};

use crate::{
    Context, Error,
    operations::{Behaviour, visible},
};

/// The behaviour of rules.
pub(crate) struct SecurityGroupRules;

/// VRRP, which Neutron knows by name.
const VRRP: Protocol = Protocol(112);
/// The protocols whose packets have ports, as far as rules may name these.
const WITH_PORTS: [Protocol; 5] = [Protocol::TCP, Protocol::UDP, Protocol(136), Protocol::SCTP, Protocol(33)];
/// The protocols that only IPv6 has: its extension headers, ICMPv6, and IPv6 inside IP.
const ONLY_IPV6: [Protocol; 6] =
    [Protocol(41), Protocol(43), Protocol(44), Protocol::ICMPV6, Protocol(59), Protocol(60)];

impl Behaviour for SecurityGroupRules {
    type Of = SecurityGroupRule;

    fn not_found(id: &str) -> Error {
        Error::SecurityGroupRuleNotFound { id: id.to_owned() }
    }

    fn may_change(read: &Read<'_>, context: &Context, rule: &SecurityGroupRule) -> Result<bool, Error> {
        let group: Option<SecurityGroup> = read.get(&context.region, rule.security_group_id)?;
        Ok(context.owns(&rule.project_id) || group.is_some_and(|group| context.owns(&group.project_id)))
    }

    fn create(
        tx: &mut Tx<'_>,
        context: &Context,
        _project: ProjectId,
        request: Request<SecurityGroupRulePatch>,
    ) -> Result<SecurityGroupRule, Error> {
        let patch = request.patch;
        let Some(id) = patch.security_group_id else {
            return Err(RequestError::Required { name: "security_group_id" }.into());
        };
        let not_found = |id: types::SecurityGroupId| Error::SecurityGroupNotFound { id: id.to_string() };
        let group: SecurityGroup = visible(tx, context, id)?.ok_or_else(|| not_found(id))?;
        if !context.owns(&group.project_id) {
            return Err(Error::forbidden("rule:create_security_group_rule"));
        }
        let mut rule =
            SecurityGroupRule::start(SecurityGroupRuleId::random(), group.project_id.clone(), Timestamp::now());
        patch.apply(&mut rule);
        rule.ethertype = patch.ethertype.map_or(IpVersion::V4, |ethertype| ethertype.0);
        rule.belongs_to_default_sg = group.is_default;
        set_protocol(&mut rule)?;
        check_ports(&rule)?;
        set_prefix(&mut rule)?;
        if let Some(remote) = patch.remote_group_id.flatten() {
            if rule.remote_ip_prefix.is_some() {
                return Err(Error::SecurityGroupRemoteGroupAndRemoteIpPrefix {});
            }
            let missing = || Error::SecurityGroupNotFound { id: remote.clone() };
            let remote = remote.parse().map_err(|_| missing())?;
            visible::<SecurityGroup>(tx, context, remote)?.ok_or_else(missing)?;
            rule.remote_group_id = Some(remote);
        }
        if let Some(known) = same_rule(tx, context, &rule)? {
            return Err(Error::SecurityGroupRuleExists { id: known });
        }
        tx.insert(&context.region, &rule)?;
        touch_group(tx, context, &group)?;
        Ok(rule)
    }

    fn update(
        tx: &mut Tx<'_>,
        context: &Context,
        old: SecurityGroupRule,
        request: Request<SecurityGroupRulePatch>,
    ) -> Result<SecurityGroupRule, Error> {
        // No attribute of a rule can be updated; what is left is a request without attributes.
        let mut new = old.clone();
        request.patch.apply(&mut new);
        Ok(tx.update_touched(&context.region, &old, new)?)
    }

    fn delete(tx: &mut Tx<'_>, context: &Context, rule: SecurityGroupRule) -> Result<(), Error> {
        tx.delete::<SecurityGroupRule>(&context.region, rule.id)?;
        if let Some(group) = tx.get::<SecurityGroup>(&context.region, rule.security_group_id)? {
            touch_group(tx, context, &group)?;
        }
        Ok(())
    }
}

/// A change of its rules is a revision of the group.
fn touch_group(tx: &mut Tx<'_>, context: &Context, old: &SecurityGroup) -> Result<(), Error> {
    let mut new = old.clone();
    new.touch(Timestamp::now());
    tx.update(&context.region, old, &new)?;
    Ok(())
}

fn name_of(ethertype: IpVersion) -> &'static str {
    match ethertype {
        IpVersion::V4 => "IPv4",
        IpVersion::V6 => "IPv6",
    }
}

/// The protocol's number. `icmp` in a rule for IPv6 means ICMPv6, and is shown so.
fn set_protocol(rule: &mut SecurityGroupRule) -> Result<(), Error> {
    let Some(name) = rule.protocol_name.clone() else { return Ok(()) };
    let number = match name.as_str() {
        "vrrp" => VRRP,
        name => name.parse().map_err(|_| RequestError::Protocol { value: name.to_owned() })?,
    };
    let is_ipv6 = rule.ethertype == IpVersion::V6;
    if !is_ipv6 && ONLY_IPV6.contains(&number) {
        let ethertype = name_of(rule.ethertype);
        return Err(Error::SecurityGroupEthertypeConflictWithProtocol { ethertype, protocol: name });
    }
    rule.protocol = Some(number);
    if is_ipv6 && (number == Protocol::ICMP || name == "icmpv6") {
        rule.protocol = Some(Protocol::ICMPV6);
        rule.protocol_name = Some("ipv6-icmp".to_owned());
    }
    Ok(())
}

fn check_ports(rule: &SecurityGroupRule) -> Result<(), Error> {
    let (first, last) = (rule.port_range_min, rule.port_range_max);
    if first.is_none() && last.is_none() {
        return Ok(());
    }
    let Some(protocol) = rule.protocol else { return Err(Error::SecurityGroupProtocolRequiredWithPorts {}) };
    if WITH_PORTS.contains(&protocol) {
        if let Some(port) = [first, last].into_iter().flatten().find(|port| *port == 0) {
            return Err(Error::SecurityGroupInvalidPortValue { port });
        }
        return match (first, last) {
            (Some(first), Some(last)) if first <= last => Ok(()),
            _ => Err(Error::SecurityGroupInvalidPortRange {}),
        };
    }
    if protocol == Protocol::ICMP || protocol == Protocol::ICMPV6 {
        for (value, field, attribute) in [(first, "type", "port_range_min"), (last, "code", "port_range_max")] {
            if let Some(value) = value.filter(|value| *value > 255) {
                return Err(Error::SecurityGroupInvalidIcmpValue { field, attribute, value });
            }
        }
        return match (first, last) {
            (None, Some(value)) => Err(Error::SecurityGroupMissingIcmpType { value }),
            _ => Ok(()),
        };
    }
    let protocol = rule.protocol_name.clone().unwrap_or_default();
    Err(Error::SecurityGroupInvalidProtocolForPort { protocol })
}

fn set_prefix(rule: &mut SecurityGroupRule) -> Result<(), Error> {
    let Some(written) = &rule.remote_ip_prefix_written else { return Ok(()) };
    let cidr: types::Cidr = written.parse().map_err(|_| RequestError::Prefix { value: written.clone() })?;
    if cidr.is_ipv4() != (rule.ethertype == IpVersion::V4) {
        let ethertype = name_of(rule.ethertype);
        return Err(Error::SecurityGroupRuleParameterConflict { ethertype, cidr: written.clone() });
    }
    rule.remote_ip_prefix = Some(cidr);
    Ok(())
}

/// A rule of the group that lets the same packets pass.
fn same_rule(
    read: &Read<'_>,
    context: &Context,
    rule: &SecurityGroupRule,
) -> Result<Option<SecurityGroupRuleId>, Error> {
    let key = |rule: &SecurityGroupRule| {
        (
            rule.direction,
            rule.ethertype,
            rule.protocol,
            rule.port_range_min,
            rule.port_range_max,
            rule.remote_ip_prefix,
            rule.remote_group_id,
        )
    };
    let known: Vec<SecurityGroupRule> =
        read.find(&context.region, &[("security_group_id", json!(rule.security_group_id))])?;
    Ok(known.iter().find(|known| key(known) == key(rule)).map(|known| known.id))
}
