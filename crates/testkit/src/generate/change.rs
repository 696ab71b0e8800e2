//! Random changes of a network, of the kinds that users make.

use std::sync::Arc;

use logical::{Acl, Row, RowKey};
use rand::Rng;

use super::{Maker, topology::Interface};

impl Maker {
    /// Changes one thing; where there is nothing of the kind, nothing.
    pub(super) fn invent_change(&mut self) {
        match self.random.random_range(0..24) {
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
            15 => self.change_port_of_router(),
            17 | 18 => self.change_security(),
            19 => self.change_address(),
            20 => self.change_gateway_address(),
            21 => self.replace_rule(),
            22 => self.bring_back(),
            _ => self.change_mtu(),
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
                self.plan.removed_guests.push(guest);
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

    /// Port security of a server goes or comes back, or it may use one address more.
    fn change_security(&mut self) {
        let guests = self.plan.guests.clone();
        let Some(guest) = self.pick(&guests) else { return };
        if self.plan.net.port(&guest.name).security.is_none() {
            // Comes back with the port's own address only, and without groups.
            self.plan.net.guest(&guest.name, &guest.switch, &format!("{}/24", guest.address));
            self.invent_groups_of(&guest.name);
        } else if self.chance(50) {
            self.plan.net.unsecured(&guest.name);
        } else {
            let address = self.invent_address();
            self.plan.net.pair(&guest.name, &format!("{address}/32"));
        }
    }

    /// A server gets another address, and may or may not go on using the old one.
    fn change_address(&mut self) {
        if self.plan.guests.is_empty() {
            return;
        }
        let at = self.random.random_range(0..self.plan.guests.len());
        let guest = self.plan.guests[at].clone();
        let address = self.plan.fresh_address(&guest.switch);
        self.plan.net.guest(&guest.name, &guest.switch, &format!("{address}/24"));
        self.invent_groups_of(&guest.name);
        if self.chance(50) {
            self.plan.net.pair(&guest.name, &format!("{}/32", guest.address));
        }
        self.plan.guests[at].address = address;
    }

    /// A router's gateway gets another address, and source NAT with it.
    fn change_gateway_address(&mut self) {
        let gateways: Vec<usize> =
            (0..self.plan.interfaces.len()).filter(|i| self.plan.interfaces[*i].external).collect();
        let Some(at) = self.pick(&gateways) else { return };
        let gateway = self.plan.interfaces[at].clone();
        let address = self.plan.fresh_address(&gateway.switch);
        self.plan.net.interface(&gateway.router, &gateway.switch, &format!("{address}/24"));
        if self.chance(80) {
            self.plan.net.source_nat(&gateway.router, &gateway.switch);
        } else {
            self.plan.net.remove_source_nat(&gateway.router, &gateway.switch);
        }
        self.plan.interfaces[at].address = address;
    }

    /// A rule becomes another one in its place.
    fn replace_rule(&mut self) {
        let rules: Vec<Arc<Acl>> = self.plan.net.network.acls.values().cloned().collect();
        if let (Some(rule), Some(other)) = (self.pick(&rules), self.pick(&rules)) {
            let replaced = Acl { group: rule.group, id: rule.id, origin: rule.origin.clone(), ..Acl::clone(&other) };
            self.plan.net.network.put(replaced.into());
        }
    }

    /// A server that was removed comes back under its old name.
    fn bring_back(&mut self) {
        let Some(guest) = self.plan.removed_guests.pop() else { return };
        let taken = self.plan.guests.iter().any(|other| other.switch == guest.switch && other.address == guest.address);
        if !taken {
            self.plan.net.guest(&guest.name, &guest.switch, &format!("{}/24", guest.address));
            self.invent_groups_of(&guest.name);
            self.plan.guests.push(guest);
        }
    }

    fn change_mtu(&mut self) {
        let switches = self.plan.switches.clone();
        if let Some(switch) = self.pick(&switches) {
            let mtu = self.pick(&[60, 80, 1500, 1500]).unwrap_or(1500);
            self.plan.net.mtu(&switch.name, mtu);
        }
    }
}
