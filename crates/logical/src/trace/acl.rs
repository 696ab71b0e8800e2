//! The groups: stages [`Stage::EgressAcl`] and [`Stage::IngressAcl`].

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use types::{Direction, IpVersion};

use super::Walk;
use crate::{
    Acl, DropReason, LogicalNetwork, Port, PortSecurity, Remote, Stage,
    flow::Tuple,
    frame::{IcmpMessage, Packet},
};

/// What the groups are asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) direction: Direction,
    pub(super) tuple: Tuple,
    pub(super) icmp: Option<IcmpMessage>,
}

impl Question {
    pub(super) fn of(direction: Direction, packet: &Packet) -> Self {
        Self { direction, tuple: packet.tuple(), icmp: packet.icmp() }
    }

    /// The other side's address.
    fn remote(&self) -> Ipv4Addr {
        match self.direction {
            Direction::Ingress => self.tuple.source,
            Direction::Egress => self.tuple.destination,
        }
    }
}

/// Why a packet is allowed.
#[derive(Debug)]
pub(super) enum Allowed {
    WithoutSecurity,
    /// Path MTU discovery over VPN answers from link-local addresses, and every server needs it.
    LinkLocalIcmp,
    Rule(Arc<Acl>),
}

/// Whether the groups of a port allow a packet, and what decides.
pub(super) fn allows(network: &LogicalNetwork, port: &Port, question: &Question) -> Option<Allowed> {
    let Some(security) = &port.security else { return Some(Allowed::WithoutSecurity) };
    let is_link_local = question.tuple.source.is_link_local();
    if question.direction == Direction::Ingress && question.icmp.is_some() && is_link_local {
        return Some(Allowed::LinkLocalIcmp);
    }
    rules(network, security).find(|rule| matches(network, rule, question)).map(Allowed::Rule)
}

fn rules(network: &LogicalNetwork, security: &PortSecurity) -> impl Iterator<Item = Arc<Acl>> {
    network.acls.values().filter(|rule| security.groups.contains(&rule.group)).cloned()
}

fn matches(network: &LogicalNetwork, rule: &Acl, question: &Question) -> bool {
    let tuple = &question.tuple;
    rule.direction == question.direction
        && rule.ip_version == IpVersion::V4
        && rule.protocol.is_none_or(|protocol| protocol == tuple.protocol)
        && rule.ports.is_none_or(|ports| tuple.protocol.has_ports() && ports.contains(tuple.destination_port))
        && rule.icmp.is_none_or(|wanted| {
            question
                .icmp
                .is_some_and(|icmp| wanted.kind == icmp.kind && wanted.code.is_none_or(|code| code == icmp.code))
        })
        && is_remote(network, &rule.remote, IpAddr::V4(question.remote()))
}

fn is_remote(network: &LogicalNetwork, remote: &Remote, address: IpAddr) -> bool {
    match remote {
        Remote::Any => true,
        Remote::Prefix(cidr) => cidr.contains(address),
        Remote::Set(set) => {
            network.address_sets.values().any(|member| member.set == *set && member.cidr.contains(address))
        }
    }
}

impl Walk<'_> {
    /// Asks a port's groups about a new packet.
    pub(super) fn ask_groups(&mut self, port: &Port, packet: &Packet, direction: Direction) -> Result<(), super::Stop> {
        let (stage, reason) = match direction {
            Direction::Egress => (Stage::EgressAcl, DropReason::AclEgress),
            Direction::Ingress => (Stage::IngressAcl, DropReason::AclIngress),
        };
        let (subject, text) = match allows(self.network, port, &Question::of(direction, packet)) {
            None => {
                let groups = port.security.as_ref().map_or(0, |security| security.groups.len());
                let why =
                    format!("no {direction} rule of the {groups} groups of {} matches", super::name(&port.origin));
                return self.drop(stage, Some(&port.origin), reason, why);
            }
            Some(Allowed::WithoutSecurity) => {
                (port.origin.clone(), format!("{} has no port security", super::name(&port.origin)))
            }
            Some(Allowed::LinkLocalIcmp) => {
                (port.origin.clone(), "ICMP from 169.254.0.0/16 is always let in".to_owned())
            }
            Some(Allowed::Rule(rule)) => {
                let name = super::name(&rule.origin);
                (rule.origin.clone(), format!("allowed by {name} of group {}: {}", rule.group, describe(&rule)))
            }
        };
        self.step(stage, Some(&subject), text);
        Ok(())
    }
}

/// A rule in a few words.
fn describe(rule: &Acl) -> String {
    let mut text = format!("{} IPv{}", rule.direction, if rule.ip_version == IpVersion::V4 { 4 } else { 6 });
    match rule.protocol {
        None => text.push_str(" any"),
        Some(protocol) => text.push_str(&format!(" {protocol}")),
    }
    if let Some(ports) = rule.ports {
        text.push_str(&format!(" ports {ports}"));
    }
    if let Some(icmp) = rule.icmp {
        text.push_str(&format!(" type {}", icmp.kind));
        if let Some(code) = icmp.code {
            text.push_str(&format!(" code {code}"));
        }
    }
    let side = if rule.direction == Direction::Ingress { "from" } else { "to" };
    match &rule.remote {
        Remote::Any => {}
        Remote::Prefix(cidr) => text.push_str(&format!(" {side} {cidr}")),
        Remote::Set(set) => text.push_str(&format!(" {side} members of {set}")),
    }
    text
}
