//! Rows into map entries: what the programs read.
//!
//! A pure function of the row, of the numbers given so far, and of the devices that are there. Entries
//! come in the order in which they are to be written: what others point to first. IPv6 has no entries
//! yet; rows of it are true by doing nothing.

use std::net::{IpAddr, Ipv4Addr};

use logical::{
    Acl, AddressSetEntry, FloatingIp, Port, PortKind, PortSecurity, Remote, Route, Router, RouterId, Row, SourceNat,
    Switch, SwitchId, SwitchKind,
};
use types::{Cidr, Direction, IpVersion, MacAddr};
use uuid::Uuid;

use crate::{
    layout::{
        AddressKey, DEVICE_GUEST, DEVICE_WIRE, Device, EGRESS, FloatingIn, FloatingOutKey, INGRESS, LogicalSwitch,
        MacKey, NEIGHBOUR_FLOATING, Neighbour, PORT_DHCP, PORT_ENABLED, PORT_GUEST, PORT_OWN_PAIR, PORT_PEER,
        PORT_ROUTER, PORT_SECURE, Pair, Port as PortValue, ROUTER_ENABLED, RULE_ICMP_CODE, RULE_ICMP_TYPE, RULE_PORTS,
        RULE_PREFIX, RULE_PROTOCOL, RULE_SET, RangeKey, Route as RouteValue, Rule, RuleKey, SWITCH_EXTERNAL, SourceKey,
    },
    numbers::{Exhausted, Named, Numbers, Pool},
    table::{Entry, Table},
};

/// The device of a port or switch, as far as there is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeviceFacts {
    /// Its index, or 0.
    pub ifindex: u32,
    /// Whether its peer is in another namespace, where packets can be handed to directly.
    pub peer: bool,
}

/// What a row becomes.
#[derive(Debug, Default)]
pub struct Encoded {
    /// Entries, in the order of writing.
    pub entries: Vec<Entry>,
    /// Numbers that the row uses; each counts as one use.
    pub used: Vec<Named>,
}

/// The entries of a row. On error the uses taken so far are in `encoded`.
pub fn encode(row: &Row, device: DeviceFacts, numbers: &mut Numbers, encoded: &mut Encoded) -> Result<(), Exhausted> {
    let mut encoder = Encoder { numbers, encoded };
    match row {
        Row::Switch(row) => encoder.switch(row, device),
        Row::Router(row) => encoder.router(row),
        Row::AddressSetEntry(row) => encoder.member(row),
        Row::Acl(row) => encoder.rule(row),
        Row::Port(row) => encoder.port(row, device),
        Row::Route(row) => encoder.route(row),
        Row::SourceNat(row) => encoder.source_nat(row),
        Row::FloatingIp(row) => encoder.floating_ip(row),
    }
}

/// An address as the programs see it: its bytes in the order of the wire.
#[must_use]
pub fn wire_order(address: Ipv4Addr) -> u32 {
    u32::from_ne_bytes(address.octets())
}

/// Which number a group's rules of one direction are counted in.
#[must_use]
pub fn rule_scope(group: u32, direction: u32) -> u32 {
    group << 1 | direction
}

struct Encoder<'a> {
    numbers: &'a mut Numbers,
    encoded: &'a mut Encoded,
}

impl Encoder<'_> {
    fn number(&mut self, pool: Pool, scope: u32, id: Uuid) -> Result<u32, Exhausted> {
        let named = Named { pool, scope, id };
        let number = self.numbers.take(named)?;
        self.encoded.used.push(named);
        Ok(number)
    }

    fn switch_number(&mut self, id: SwitchId) -> Result<u32, Exhausted> {
        self.number(Pool::Switch, 0, id.0)
    }

    fn router_number(&mut self, id: RouterId) -> Result<u32, Exhausted> {
        self.number(Pool::Router, 0, id.0)
    }

    fn port_number(&mut self, id: logical::PortId) -> Result<u32, Exhausted> {
        self.number(Pool::Port, 0, id.0)
    }

    fn entry(&mut self, table: Table, key: &impl crate::layout::Layout, value: &impl crate::layout::Layout) {
        self.encoded.entries.push(Entry::new(table, key, value));
    }

    fn switch(&mut self, row: &Switch, device: DeviceFacts) -> Result<(), Exhausted> {
        let slot = self.switch_number(row.id)?;
        let flags = if matches!(row.kind, SwitchKind::External { .. }) { SWITCH_EXTERNAL } else { 0 };
        self.entry(Table::Switches, &slot, &LogicalSwitch { flags, mtu: row.mtu, ifindex: device.ifindex });
        if device.ifindex != 0 {
            self.entry(Table::Devices, &device.ifindex, &Device { kind: DEVICE_WIRE, slot });
        }
        Ok(())
    }

    fn router(&mut self, row: &Router) -> Result<(), Exhausted> {
        let slot = self.router_number(row.id)?;
        self.entry(Table::Routers, &slot, &if row.enabled { ROUTER_ENABLED } else { 0 });
        Ok(())
    }

    fn member(&mut self, row: &AddressSetEntry) -> Result<(), Exhausted> {
        let Some((address, bits)) = range(row.cidr) else { return Ok(()) };
        let slot = self.number(Pool::Set, 0, row.set.0)?;
        self.entry(Table::Members, &RangeKey { bits: 32 + bits, slot, address }, &1u32);
        Ok(())
    }

    fn rule(&mut self, row: &Acl) -> Result<(), Exhausted> {
        if row.ip_version != IpVersion::V4 {
            return Ok(());
        }
        let mut rule = Rule::default();
        if let Some(protocol) = row.protocol {
            rule.flags |= RULE_PROTOCOL;
            rule.protocol = u32::from(protocol.0);
        }
        if let Some(ports) = row.ports {
            rule.flags |= RULE_PORTS;
            rule.first_port = ports.first();
            rule.last_port = ports.last();
        }
        if let Some(icmp) = row.icmp {
            rule.flags |= RULE_ICMP_TYPE;
            rule.icmp_type = u16::from(icmp.kind);
            if let Some(code) = icmp.code {
                rule.flags |= RULE_ICMP_CODE;
                rule.icmp_code = u16::from(code);
            }
        }
        match &row.remote {
            Remote::Any => {}
            Remote::Prefix(cidr) => {
                // An IPv6 range holds no IPv4 address: the rule allows nothing.
                let (Some((prefix, _)), IpAddr::V4(mask)) = (range(*cidr), cidr.netmask()) else { return Ok(()) };
                rule.flags |= RULE_PREFIX;
                rule.prefix = prefix;
                rule.mask = wire_order(mask);
            }
            Remote::Set(set) => {
                rule.flags |= RULE_SET;
                rule.set = self.number(Pool::Set, 0, set.0)?;
            }
        }
        let group = self.number(Pool::Group, 0, row.group.0)?;
        let direction = match row.direction {
            Direction::Ingress => INGRESS,
            Direction::Egress => EGRESS,
        };
        let index = self.number(Pool::Rule, rule_scope(group, direction), row.id.0)?;
        self.entry(Table::Rules, &RuleKey { group, direction, index }, &rule);
        Ok(())
    }

    fn port(&mut self, row: &Port, device: DeviceFacts) -> Result<(), Exhausted> {
        let slot = self.port_number(row.id)?;
        let switch_slot = self.switch_number(row.switch)?;
        let guest = matches!(row.kind, PortKind::Guest { .. });
        let ifindex = if guest { device.ifindex } else { 0 };
        let mut value = PortValue { switch_slot, ifindex, mac: row.mac.0, ..PortValue::default() };
        let first = addresses(row).next();
        value.address = first.map_or(0, wire_order);
        value.flags |= if row.enabled { PORT_ENABLED } else { 0 };
        value.flags |= if guest { PORT_GUEST } else { 0 };
        value.flags |= if guest && device.peer { PORT_PEER } else { 0 };
        if row.services.as_ref().is_some_and(|services| services.dhcp4.is_some()) {
            value.flags |= PORT_DHCP;
        }
        if let PortKind::Router { router } = row.kind {
            value.flags |= PORT_ROUTER;
            value.router = self.router_number(router)?;
            for address in addresses(row) {
                let key = AddressKey { slot: value.router, address: wire_order(address) };
                self.entry(Table::RouterAddresses, &key, &slot);
            }
        }
        if let Some(security) = &row.security {
            value.flags |= PORT_SECURE;
            if first.is_some_and(|address| owns(security, row.mac, address)) {
                value.flags |= PORT_OWN_PAIR;
            }
            self.security(slot, security, &mut value)?;
        }
        self.entry(Table::Ports, &slot, &value);
        self.entry(Table::Fdb, &mac_key(switch_slot, row.mac), &slot);
        for address in addresses(row) {
            let key = AddressKey { slot: switch_slot, address: wire_order(address) };
            self.entry(Table::Neighbours, &key, &Neighbour { port: slot, mac: row.mac.0, ..Neighbour::default() });
        }
        if ifindex != 0 {
            if row.enabled {
                let index = self.number(Pool::Member, switch_slot, row.id.0)?;
                self.entry(Table::Floods, &Pair { first: switch_slot, second: index }, &slot);
            }
            self.entry(Table::Devices, &ifindex, &Device { kind: DEVICE_GUEST, slot });
        }
        Ok(())
    }

    fn security(&mut self, slot: u32, security: &PortSecurity, value: &mut PortValue) -> Result<(), Exhausted> {
        for group in &security.groups {
            let group = self.number(Pool::Group, 0, group.0)?;
            self.entry(Table::PortGroups, &Pair { first: slot, second: value.groups }, &group);
            value.groups += 1;
        }
        for pair in &security.pairs {
            self.entry(Table::SourceMacs, &mac_key(slot, pair.mac), &1u32);
            if let Some((address, bits)) = range(pair.ip) {
                let key = SourceKey { bits: 96 + bits, port: slot, mac: pair.mac.0, pad: [0; 2], address };
                self.entry(Table::Sources, &key, &1u32);
            }
        }
        Ok(())
    }

    fn route(&mut self, row: &Route) -> Result<(), Exhausted> {
        let Some((address, bits)) = range(row.destination) else { return Ok(()) };
        let slot = self.router_number(row.router)?;
        let port = self.port_number(row.port)?;
        let next_hop = match row.next_hop {
            Some(IpAddr::V4(next_hop)) => wire_order(next_hop),
            _ => 0,
        };
        self.entry(Table::Routes, &RangeKey { bits: 32 + bits, slot, address }, &RouteValue { port, next_hop });
        Ok(())
    }

    fn source_nat(&mut self, row: &SourceNat) -> Result<(), Exhausted> {
        let router = self.router_number(row.router)?;
        let port = self.port_number(row.port)?;
        self.entry(Table::SourceNats, &Pair { first: router, second: port }, &wire_order(row.address));
        Ok(())
    }

    fn floating_ip(&mut self, row: &FloatingIp) -> Result<(), Exhausted> {
        let router = self.router_number(row.router)?;
        let switch_slot = self.switch_number(row.switch)?;
        let port = self.port_number(row.port)?;
        let (external, logical) = (wire_order(row.external), wire_order(row.logical));
        self.entry(Table::FloatingIn, &AddressKey { slot: router, address: external }, &FloatingIn { logical, port });
        self.entry(Table::FloatingOut, &FloatingOutKey { router, switch_slot, logical }, &external);
        let neighbour = Neighbour { flags: NEIGHBOUR_FLOATING, port, mac: row.mac.0, pad: [0; 2] };
        self.entry(Table::Neighbours, &AddressKey { slot: switch_slot, address: external }, &neighbour);
        Ok(())
    }
}

fn mac_key(slot: u32, mac: MacAddr) -> MacKey {
    MacKey { slot, mac: mac.0, pad: [0; 2] }
}

/// The IPv4 addresses of a port.
fn addresses(port: &Port) -> impl Iterator<Item = Ipv4Addr> {
    port.addresses.iter().filter_map(|address| match address.address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    })
}

fn owns(security: &PortSecurity, mac: MacAddr, address: Ipv4Addr) -> bool {
    security.pairs.iter().any(|pair| pair.mac == mac && pair.ip.contains(IpAddr::V4(address)))
}

/// First address and length of an IPv4 range.
fn range(cidr: Cidr) -> Option<(u32, u32)> {
    match cidr.network() {
        IpAddr::V4(network) => Some((wire_order(network), u32::from(cidr.prefix_len()))),
        IpAddr::V6(_) => None,
    }
}
