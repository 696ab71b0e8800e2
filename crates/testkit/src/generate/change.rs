//! Random changes of a network, of the kinds that users make.

use std::sync::Arc;

use logical::{Acl, Row, RowKey};
use rand::Rng;

use super::{Maker, topology::Interface};

impl Maker {
    /// Changes one thing; where there is nothing of the kind, nothing.
    pub(super) fn invent_change(&mut self) {
        match self.random.random_range(0..17) {
            0 | 1 | 16 => self.remove_rule(),
            2 => self.invent_rule(),
            3 => self.change_members(),
            4 | 5 => self.change_floating_ip(),
            6 => self.invent_floating_ip(),
            7 | 8 => self.change_guest(),
            9 => self.change_groups(),
            10 => self.remove_interface(),
            11 => self.add_interface(),
            12 => self.change_source_nat(),
            13 => self.change_routes(),
            14 => self.change_router(),
            _ => self.change_port_of_router(),
        }
    }

    /// Removes a rule, or brings back one that was removed.
    fn remove_rule(&mut self) {
        if let Some(rule) = self.plan.removed_rules.pop() {
            self.plan.net.network.put(Row::Acl(rule));
            return;
        }
        let rules: Vec<Arc<Acl>> = self.plan.net.network.acls.values().cloned().collect();
        if let Some(rule) = self.pick(&rules) {
            self.plan.net.network.remove(&RowKey::Acl(rule.group, rule.id));
            self.plan.removed_rules.push(rule);
        }
    }

    fn change_members(&mut self) {
        if self.plan.members.is_empty() || self.chance(50) {
            return self.invent_member();
        }
        let at = self.random.random_range(0..self.plan.members.len());
        let (set, range) = self.plan.members.swap_remove(at);
        self.plan.net.remove_member(&set, &range);
    }

    fn change_floating_ip(&mut self) {
        if self.plan.floating_ips.is_empty() {
            return;
        }
        let at = self.random.random_range(0..self.plan.floating_ips.len());
        let (switch, address) = self.plan.floating_ips[at].clone();
        if self.chance(40) {
            self.plan.floating_ips.swap_remove(at);
            self.plan.net.remove_floating_ip(&switch, &address);
            return;
        }
        let gateways: Vec<Interface> =
            self.plan.interfaces.iter().filter(|i| i.external && i.switch == switch).cloned().collect();
        if let Some(gateway) = self.pick(&gateways)
            && let Some(logical) = self.invent_logical_address(&gateway)
        {
            self.plan.net.floating_ip(&switch, &address, &gateway.router, &logical);
        }
    }

    fn change_guest(&mut self) {
        let guests = self.plan.guests.clone();
        let Some(guest) = self.pick(&guests) else { return };
        let enabled = self.plan.net.port(&guest.name).enabled;
        if !enabled {
            self.plan.net.enabled(&guest.name, true);
            return;
        }
        match self.random.random_range(0..8) {
            0..3 => {
                self.plan.net.enabled(&guest.name, false);
            }
            3 => {
                self.plan.net.detached(&guest.name);
            }
            4 => {
                self.plan.net.remove_port(&guest.name);
                self.plan.guests.retain(|other| other.name != guest.name);
            }
            _ => self.invent_guest(&guest.switch),
        }
    }

    fn change_groups(&mut self) {
        let guests = self.plan.guests.clone();
        if let Some(guest) = self.pick(&guests) {
            self.invent_groups_of(&guest.name);
        }
    }

    fn remove_interface(&mut self) {
        if self.plan.interfaces.is_empty() {
            return;
        }
        let at = self.random.random_range(0..self.plan.interfaces.len());
        let interface = self.plan.interfaces.swap_remove(at);
        self.plan.net.remove_interface(&interface.router, &interface.switch);
        let network = &self.plan.net.network;
        self.plan
            .floating_ips
            .retain(|(_, address)| network.floating_ips.values().any(|row| row.external.to_string() == *address));
        self.plan.routes.retain(|(_, destination)| {
            network.routes.values().any(|row| row.next_hop.is_some() && row.destination.to_string() == *destination)
        });
    }

    fn add_interface(&mut self) {
        let (routers, switches) = (self.plan.routers.clone(), self.plan.switches.clone());
        if let (Some(router), Some(switch)) = (self.pick(&routers), self.pick(&switches)) {
            self.invent_interface(&router, &switch.name);
        }
    }

    fn change_source_nat(&mut self) {
        let gateways: Vec<Interface> = self.plan.interfaces.iter().filter(|i| i.external).cloned().collect();
        let Some(gateway) = self.pick(&gateways) else { return };
        if self.chance(50) {
            self.plan.net.remove_source_nat(&gateway.router, &gateway.switch);
        } else {
            self.plan.net.source_nat(&gateway.router, &gateway.switch);
        }
    }

    fn change_routes(&mut self) {
        if self.plan.routes.is_empty() || self.chance(50) {
            return self.invent_route();
        }
        let at = self.random.random_range(0..self.plan.routes.len());
        let (router, destination) = self.plan.routes.swap_remove(at);
        self.plan.net.remove_route(&router, &destination);
    }

    fn change_router(&mut self) {
        let routers = self.plan.routers.clone();
        if let Some(router) = self.pick(&routers) {
            let enabled = self.chance(75);
            self.plan.net.router_enabled(&router, enabled);
        }
    }

    fn change_port_of_router(&mut self) {
        let interfaces = self.plan.interfaces.clone();
        if let Some(interface) = self.pick(&interfaces) {
            let enabled = self.chance(75);
            self.plan.net.enabled(&interface.port(), enabled);
        }
    }
}
