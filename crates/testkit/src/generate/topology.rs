//! Random networks: few switches, servers, routers, groups, with overlapping addresses and disabled things.

use std::{net::Ipv4Addr, sync::Arc};

use logical::Acl;
use rand::Rng;
use types::Protocol;

use super::Maker;
use crate::packet_table::{Rule, Topology};

/// Groups that networks choose from.
pub(super) const GROUPS: [&str; 4] = ["open", "g1", "g2", "g3"];
/// Address sets that rules choose from.
pub(super) const SETS: [&str; 2] = ["set1", "set2"];
/// Ports that packets and rules have in common.
pub(super) const PORTS: [u16; 11] = [22, 53, 67, 68, 80, 443, 1000, 1023, 1024, 40000, 40001];

/// A network with the names of what is in it.
#[derive(Clone, Default, Debug)]
pub(super) struct Plan {
    pub(super) net: Topology,
    pub(super) switches: Vec<Segment>,
    pub(super) guests: Vec<Placed>,
    /// Servers that were removed and may come back.
    pub(super) removed_guests: Vec<Placed>,
    pub(super) routers: Vec<String>,
    pub(super) interfaces: Vec<Interface>,
    /// Floating IPs: external switch, address.
    pub(super) floating_ips: Vec<(String, String)>,
    /// Rules that were removed and may come back.
    pub(super) removed_rules: Vec<Arc<Acl>>,
    /// Members: set, range.
    pub(super) members: Vec<(String, String)>,
    /// Static routes: router, destination.
    pub(super) routes: Vec<(String, String)>,
    counter: u32,
}

/// A switch with one subnet.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) name: String,
    pub(super) external: bool,
    /// First three octets.
    pub(super) prefix: &'static str,
    next_host: u8,
}

/// A server.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) name: String,
    pub(super) switch: String,
    pub(super) address: String,
}

/// A router's port.
#[derive(Clone, Debug)]
pub(super) struct Interface {
    pub(super) router: String,
    pub(super) switch: String,
    pub(super) external: bool,
    pub(super) address: String,
}

impl Interface {
    /// Name of the port.
    pub(super) fn port(&self) -> String {
        format!("{}/{}", self.router, self.switch)
    }
}

impl Plan {
    pub(super) fn fresh(&mut self, kind: &str) -> String {
        self.counter += 1;
        format!("{kind}{}", self.counter)
    }

    /// The next address of a switch that nobody has.
    pub(super) fn fresh_address(&mut self, switch: &str) -> String {
        let Some(segment) = self.switches.iter_mut().find(|segment| segment.name == switch) else {
            return "192.0.2.1".to_owned();
        };
        segment.next_host += 1;
        format!("{}.{}", segment.prefix, segment.next_host)
    }
}

impl Maker {
    pub(super) fn invent_network(&mut self) {
        for i in 0..self.random.random_range(1..4) {
            let prefix = self.pick(&["10.0.0", "10.0.0", "10.0.1", "10.0.2"]).unwrap_or("10.0.0");
            self.invent_switch(&format!("s{i}"), prefix, false);
        }
        if self.chance(85) {
            self.invent_switch("ext", "198.51.100", true);
        }
        if self.chance(15) {
            self.invent_switch("ext2", "203.0.113", true);
        }
        self.invent_groups();
        for segment in self.plan.switches.clone() {
            let count = if segment.external { u32::from(self.chance(20)) } else { self.random.random_range(1..4) };
            for _ in 0..count {
                self.invent_guest(&segment.name);
            }
        }
        for i in 0..self.pick(&[0, 1, 1, 2, 2, 2, 3, 3]).unwrap_or(1) {
            self.invent_router(&format!("r{i}"));
        }
        for _ in 0..self.random.random_range(0..5) {
            self.invent_floating_ip();
        }
        for _ in 0..self.random.random_range(0..3) {
            self.invent_route();
        }
    }

    fn invent_switch(&mut self, name: &str, prefix: &'static str, external: bool) {
        if external {
            self.plan.net.external(name);
        } else {
            self.plan.net.switch(name);
        }
        if self.chance(10) {
            self.plan.net.mtu(name, 80);
        }
        self.plan.switches.push(Segment { name: name.to_owned(), external, prefix, next_host: 4 });
    }

    fn invent_groups(&mut self) {
        self.plan.net.rule("open", "open-in", Rule::ingress()).rule("open", "open-out", Rule::egress());
        for _ in 0..self.random.random_range(0..4) {
            self.invent_member();
        }
        for _ in 0..self.random.random_range(2..8) {
            self.invent_rule();
        }
    }

    pub(super) fn invent_member(&mut self) {
        let set = self.pick(&SETS).unwrap_or("set1").to_owned();
        let range = match self.random.random_range(0..3) {
            0 => "10.0.0.0/30".to_owned(),
            1 => "203.0.113.0/24".to_owned(),
            _ => format!("{}/32", self.invent_address()),
        };
        self.plan.net.member(&set, &range);
        self.plan.members.push((set, range));
    }

    pub(super) fn invent_rule(&mut self) {
        let mut rule = if self.chance(60) { Rule::ingress() } else { Rule::egress() };
        let port = self.pick(&PORTS).unwrap_or(80);
        rule = match self.random.random_range(0..8) {
            0 => rule,
            1 => rule.protocol(Protocol::TCP),
            2 => rule.tcp(port, port),
            3 => rule.tcp(port.min(80), port.max(80)),
            4 => rule.udp(port.min(1000), port.max(1000)),
            5 => rule.icmp(if self.chance(70) { 8 } else { 0 }, None),
            6 => rule.protocol(Protocol::ICMP),
            _ => rule.protocol(Protocol(self.pick(&[47, 132, 17]).unwrap_or(47))),
        };
        rule = match self.random.random_range(0..6) {
            0 | 1 => rule.remote_set(self.pick(&SETS).unwrap_or("set1")),
            2 => rule.remote("10.0.0.0/24"),
            3 => rule.remote("198.51.100.0/24"),
            _ => rule,
        };
        let group = self.pick(&GROUPS[1..]).unwrap_or("g1").to_owned();
        let name = self.plan.fresh("rule");
        self.plan.net.rule(&group, &name, rule);
    }

    pub(super) fn invent_guest(&mut self, switch: &str) {
        let name = self.plan.fresh("guest");
        let address = self.plan.fresh_address(switch);
        self.plan.net.guest(&name, switch, &format!("{address}/24"));
        self.plan.guests.push(Placed { name: name.clone(), switch: switch.to_owned(), address });
        self.invent_groups_of(&name);
        if self.chance(12) {
            let range = self.pick(&["10.0.0.200/32", "10.0.0.0/24", "0.0.0.0/0", "172.16.0.0/12"]);
            self.plan.net.pair(&name, range.unwrap_or("10.0.0.200/32"));
        }
        if self.chance(10) {
            self.plan.net.unsecured(&name);
        }
        if self.chance(3) {
            self.plan.net.enabled(&name, false);
        }
        if self.chance(5) {
            self.plan.net.detached(&name);
        }
        if self.chance(20) {
            self.plan.net.without_dhcp(&name);
        }
    }

    pub(super) fn invent_groups_of(&mut self, guest: &str) {
        let mut groups: Vec<&str> = if self.chance(80) { vec!["open"] } else { Vec::new() };
        for _ in 0..self.random.random_range(0..3) {
            groups.extend(self.pick(&GROUPS[1..]));
        }
        groups.sort_unstable();
        groups.dedup();
        self.plan.net.groups(guest, &groups);
    }

    fn invent_router(&mut self, name: &str) {
        self.plan.routers.push(name.to_owned());
        let enabled = !self.chance(3);
        self.plan.net.router_enabled(name, enabled);
        for segment in self.plan.switches.clone() {
            if self.chance(if segment.external { 80 } else { 70 }) {
                self.invent_interface(name, &segment.name);
            }
        }
    }

    /// An interface of a router on a switch, unless it has one there or one with the same subnet.
    pub(super) fn invent_interface(&mut self, router: &str, switch: &str) {
        let Some(segment) = self.plan.switches.iter().find(|segment| segment.name == switch).cloned() else { return };
        let taken = self.plan.interfaces.iter().any(|other| {
            other.router == router && other.address.rsplit_once('.').is_some_and(|(prefix, _)| prefix == segment.prefix)
        });
        if taken {
            return;
        }
        let address = self.plan.fresh_address(switch);
        let with_prefix = format!("{address}/24");
        let has_default = self.plan.interfaces.iter().any(|other| other.router == router && other.external);
        if segment.external && !has_default {
            let source_nat = self.chance(75);
            self.plan.net.gateway(router, switch, &with_prefix, source_nat);
        } else {
            self.plan.net.interface(router, switch, &with_prefix);
        }
        let interface =
            Interface { router: router.to_owned(), switch: switch.to_owned(), external: segment.external, address };
        if self.chance(2) {
            self.plan.net.enabled(&interface.port(), false);
        }
        self.plan.interfaces.push(interface);
    }

    pub(super) fn invent_floating_ip(&mut self) {
        let gateways: Vec<Interface> = self.plan.interfaces.iter().filter(|i| i.external).cloned().collect();
        let Some(gateway) = self.pick(&gateways) else { return };
        let Some(logical) = self.invent_logical_address(&gateway) else { return };
        let address = self.plan.fresh_address(&gateway.switch);
        self.plan.net.floating_ip(&gateway.switch, &address, &gateway.router, &logical);
        self.plan.floating_ips.push((gateway.switch, address));
    }

    /// An address for a floating IP of the router: a server's on one of its switches that has none yet.
    pub(super) fn invent_logical_address(&mut self, gateway: &Interface) -> Option<String> {
        let inside: Vec<String> = self
            .plan
            .guests
            .iter()
            .filter(|guest| {
                self.plan
                    .interfaces
                    .iter()
                    .any(|i| i.router == gateway.router && !i.external && i.switch == guest.switch)
            })
            .map(|guest| guest.address.clone())
            .filter(|address| {
                let used = |row: &logical::FloatingIp| row.logical.to_string() == *address;
                !self.plan.net.network.floating_ips.values().any(|row| used(row))
            })
            .collect();
        self.pick(&inside)
    }

    pub(super) fn invent_route(&mut self) {
        let interfaces = self.plan.interfaces.clone();
        let Some(interface) = self.pick(&interfaces) else { return };
        let neighbours: Vec<String> = self
            .plan
            .guests
            .iter()
            .filter(|guest| guest.switch == interface.switch)
            .map(|guest| guest.address.clone())
            .chain(self.plan.interfaces.iter().filter(|i| i.switch == interface.switch).map(|i| i.address.clone()))
            .collect();
        let Some(next_hop) = self.pick(&neighbours) else { return };
        let destination = self.pick(&["10.0.1.0/24", "10.0.2.0/24", "172.16.0.0/12", "172.16.5.0/24", "10.0.0.5/32"]);
        let destination = destination.unwrap_or("172.16.0.0/12").to_owned();
        // What the compiler does: a connected network wins over a route to it.
        let connected = self.plan.interfaces.iter().any(|i| {
            i.router == interface.router
                && destination.ends_with("/24")
                && destination.starts_with(i.address.rsplit_once('.').map_or("-", |(prefix, _)| prefix))
        });
        if !connected {
            self.plan.net.route(&interface.router, &destination, &next_hop, &interface.switch);
            self.plan.routes.push((interface.router, destination));
        }
    }

    /// An address that something might have.
    pub(super) fn invent_address(&mut self) -> Ipv4Addr {
        let mut known: Vec<String> = self.plan.guests.iter().map(|guest| guest.address.clone()).collect();
        known.extend(self.plan.interfaces.iter().map(|interface| interface.address.clone()));
        known.extend(self.plan.floating_ips.iter().map(|(_, address)| address.clone()));
        known.extend(self.plan.floating_ips.iter().map(|(_, address)| address.clone()));
        let chosen = if self.chance(80) { self.pick(&known) } else { None };
        let others =
            ["203.0.113.9", "203.0.113.9", "198.51.100.1", "172.16.5.1", "10.0.0.200", "10.0.1.77", "169.254.169.254"];
        let chosen = chosen.or_else(|| self.pick(&others).map(str::to_owned));
        chosen.and_then(|text| text.parse().ok()).unwrap_or(Ipv4Addr::new(203, 0, 113, 9))
    }
}
