//! The objects of one region at one moment, with the indexes that compilation asks.

use std::{collections::BTreeSet, sync::Arc};

use imbl::{OrdMap, OrdSet};
use model::{Attachment, FloatingIp, Network, Object, ObjectKey, Port, Router, SecurityGroupRule, Subnet};
use types::{AttachmentId, FloatingIpId, NetworkId, PortId, RouterId, SecurityGroupRuleId, SubnetId};
use uuid::Uuid;

use crate::Unit;

/// A set of pairs, asked by their first half.
type Index<A, B> = OrdSet<(A, B)>;

/// The objects of one region. Cloning is cheap; clones share what is equal.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(crate) networks: OrdMap<NetworkId, Arc<Network>>,
    pub(crate) subnets: OrdMap<SubnetId, Arc<Subnet>>,
    pub(crate) ports: OrdMap<PortId, Arc<Port>>,
    pub(crate) routers: OrdMap<RouterId, Arc<Router>>,
    pub(crate) floating_ips: OrdMap<FloatingIpId, Arc<FloatingIp>>,
    pub(crate) rules: OrdMap<SecurityGroupRuleId, Arc<SecurityGroupRule>>,
    attachments: OrdMap<AttachmentId, Arc<Attachment>>,
    ports_by_network: Index<NetworkId, PortId>,
    ports_by_subnet: Index<SubnetId, PortId>,
    ports_by_router: Index<RouterId, PortId>,
    floating_ips_by_port: Index<PortId, FloatingIpId>,
    floating_ips_by_router: Index<RouterId, FloatingIpId>,
    attachments_by_port: Index<PortId, AttachmentId>,
}

impl Snapshot {
    /// A snapshot of these objects.
    #[must_use]
    pub fn new(objects: impl IntoIterator<Item = Object>) -> Self {
        let mut snapshot = Self::default();
        for object in objects {
            let key = object.key();
            snapshot.apply(key, Some(object));
        }
        snapshot
    }

    /// Puts an object in the place of its older self, or removes it, and returns the units whose rows
    /// may be different now.
    pub fn apply(&mut self, key: ObjectKey, object: Option<Object>) -> BTreeSet<Unit> {
        match (key, object) {
            (ObjectKey::Network(id), Some(Object::Network(new))) => self.put_network(id, Some(new)),
            (ObjectKey::Network(id), _) => self.put_network(id, None),
            (ObjectKey::Subnet(id), Some(Object::Subnet(new))) => self.put_subnet(id, Some(new)),
            (ObjectKey::Subnet(id), _) => self.put_subnet(id, None),
            (ObjectKey::Port(id), Some(Object::Port(new))) => self.put_port(id, Some(new)),
            (ObjectKey::Port(id), _) => self.put_port(id, None),
            (ObjectKey::Router(id), Some(Object::Router(new))) => self.put_router(id, Some(new)),
            (ObjectKey::Router(id), _) => self.put_router(id, None),
            (ObjectKey::FloatingIp(id), Some(Object::FloatingIp(new))) => self.put_floating_ip(id, Some(new)),
            (ObjectKey::FloatingIp(id), _) => self.put_floating_ip(id, None),
            (ObjectKey::SecurityGroupRule(id), Some(Object::SecurityGroupRule(new))) => {
                replace(&mut self.rules, id, Some(new));
                [Unit::SecurityGroupRule(id)].into()
            }
            (ObjectKey::SecurityGroupRule(id), _) => {
                replace(&mut self.rules, id, None);
                [Unit::SecurityGroupRule(id)].into()
            }
            (ObjectKey::Attachment(id), Some(Object::Attachment(new))) => self.put_attachment(id, Some(new)),
            (ObjectKey::Attachment(id), _) => self.put_attachment(id, None),
            // A group by itself has no rows: its rules and its members have.
            (ObjectKey::SecurityGroup(_), _) => BTreeSet::new(),
        }
    }

    /// Every unit.
    pub fn units(&self) -> impl Iterator<Item = Unit> + '_ {
        let networks = self.networks.keys().copied().map(Unit::Network);
        let ports = self.ports.keys().copied().map(Unit::Port);
        let routers = self.routers.keys().copied().map(Unit::Router);
        let floating_ips = self.floating_ips.keys().copied().map(Unit::FloatingIp);
        let rules = self.rules.keys().copied().map(Unit::SecurityGroupRule);
        networks.chain(ports).chain(routers).chain(floating_ips).chain(rules)
    }

    /// The keys of all objects that have a status of their own.
    pub fn keys(&self) -> impl Iterator<Item = ObjectKey> + '_ {
        let ports = self.ports.keys().copied().map(ObjectKey::Port);
        let floating_ips = self.floating_ips.keys().copied().map(ObjectKey::FloatingIp);
        ports.chain(floating_ips).chain(self.attachments.keys().copied().map(ObjectKey::Attachment))
    }

    /// The attachment with that id.
    #[must_use]
    pub fn attachment(&self, id: AttachmentId) -> Option<&Arc<Attachment>> {
        self.attachments.get(&id)
    }

    /// The port with that id.
    #[must_use]
    pub fn port(&self, id: PortId) -> Option<&Arc<Port>> {
        self.ports.get(&id)
    }

    /// The floating IP with that id.
    #[must_use]
    pub fn floating_ip(&self, id: FloatingIpId) -> Option<&Arc<FloatingIp>> {
        self.floating_ips.get(&id)
    }

    /// Interfaces and gateways of a router.
    pub(crate) fn router_ports(&self, router: RouterId) -> impl Iterator<Item = &Arc<Port>> {
        let ids = of(&self.ports_by_router, router, PortId(Uuid::nil()), PortId(Uuid::max()));
        ids.filter_map(|id| self.ports.get(&id))
    }

    /// The floating IP of a port, if it has one; the first by id where it has several.
    pub(crate) fn floating_ip_of(&self, port: PortId) -> Option<&Arc<FloatingIp>> {
        let mut ids = of(&self.floating_ips_by_port, port, FloatingIpId(Uuid::nil()), FloatingIpId(Uuid::max()));
        ids.find_map(|id| self.floating_ips.get(&id))
    }

    /// The attachment of a port, if it has one.
    #[must_use]
    pub fn attachment_of(&self, port: PortId) -> Option<&Arc<Attachment>> {
        let mut ids = of(&self.attachments_by_port, port, AttachmentId(Uuid::nil()), AttachmentId(Uuid::max()));
        ids.find_map(|id| self.attachments.get(&id))
    }

    fn put_network(&mut self, id: NetworkId, new: Option<Arc<Network>>) -> BTreeSet<Unit> {
        let old = replace(&mut self.networks, id, new.clone());
        // What ports take over from their network.
        let inherited = |n: &Arc<Network>| (n.mtu, n.admin_state_up, n.dns_domain.clone());
        let mut units = BTreeSet::from([Unit::Network(id)]);
        if old.as_ref().map(inherited) != new.as_ref().map(inherited) {
            units.extend(of(&self.ports_by_network, id, PortId(Uuid::nil()), PortId(Uuid::max())).map(Unit::Port));
        }
        units
    }

    fn put_subnet(&mut self, id: SubnetId, new: Option<Arc<Subnet>>) -> BTreeSet<Unit> {
        replace(&mut self.subnets, id, new);
        let mut units = BTreeSet::new();
        for port in of(&self.ports_by_subnet, id, PortId(Uuid::nil()), PortId(Uuid::max())) {
            units.insert(Unit::Port(port));
            units.extend(self.ports.get(&port).and_then(|p| router_of(p)).map(Unit::Router));
        }
        units
    }

    fn put_port(&mut self, id: PortId, new: Option<Arc<Port>>) -> BTreeSet<Unit> {
        let old = replace(&mut self.ports, id, new.clone());
        let mut units = BTreeSet::from([Unit::Port(id)]);
        for port in old.iter().chain(&new) {
            if let Some(router) = router_of(port) {
                units.insert(Unit::Router(router));
                units.extend(self.floating_ips_of_router(router).map(Unit::FloatingIp));
            }
        }
        old.iter().for_each(|old| self.index_port(old, false));
        new.iter().for_each(|new| self.index_port(new, true));
        units
    }

    fn index_port(&mut self, port: &Port, present: bool) {
        mark(&mut self.ports_by_network, (port.network_id, port.id), present);
        for fixed_ip in &port.fixed_ips {
            mark(&mut self.ports_by_subnet, (fixed_ip.subnet_id, port.id), present);
        }
        if let Some(router) = router_of(port) {
            mark(&mut self.ports_by_router, (router, port.id), present);
        }
    }

    fn put_router(&mut self, id: RouterId, new: Option<Arc<Router>>) -> BTreeSet<Unit> {
        replace(&mut self.routers, id, new);
        let mut units = BTreeSet::from([Unit::Router(id)]);
        units.extend(self.floating_ips_of_router(id).map(Unit::FloatingIp));
        units
    }

    fn put_floating_ip(&mut self, id: FloatingIpId, new: Option<Arc<FloatingIp>>) -> BTreeSet<Unit> {
        let old = replace(&mut self.floating_ips, id, new.clone());
        let mut units = BTreeSet::from([Unit::FloatingIp(id)]);
        // A port's metadata tells its public address.
        units.extend(old.iter().chain(&new).filter_map(|f| f.port_id).map(Unit::Port));
        old.iter().for_each(|old| self.index_floating_ip(old, false));
        new.iter().for_each(|new| self.index_floating_ip(new, true));
        units
    }

    fn index_floating_ip(&mut self, floating_ip: &FloatingIp, present: bool) {
        if let Some(port) = floating_ip.port_id {
            mark(&mut self.floating_ips_by_port, (port, floating_ip.id), present);
        }
        if let Some(router) = floating_ip.router_id {
            mark(&mut self.floating_ips_by_router, (router, floating_ip.id), present);
        }
    }

    fn put_attachment(&mut self, id: AttachmentId, new: Option<Arc<Attachment>>) -> BTreeSet<Unit> {
        let old = replace(&mut self.attachments, id, new.clone());
        let units = old.iter().chain(&new).map(|a| Unit::Port(a.port_id)).collect();
        old.iter().for_each(|old| mark(&mut self.attachments_by_port, (old.port_id, id), false));
        new.iter().for_each(|new| mark(&mut self.attachments_by_port, (new.port_id, id), true));
        units
    }

    fn floating_ips_of_router(&self, router: RouterId) -> impl Iterator<Item = FloatingIpId> + '_ {
        of(&self.floating_ips_by_router, router, FloatingIpId(Uuid::nil()), FloatingIpId(Uuid::max()))
    }
}

/// The router whose interface or gateway the port is.
pub(crate) fn router_of(port: &Port) -> Option<RouterId> {
    port.device_owner.starts_with("network:router_").then(|| port.device_id.parse().ok()).flatten()
}

/// The second halves of the pairs that start with `first`.
fn of<A: Ord + Copy, B: Ord + Copy>(index: &Index<A, B>, first: A, least: B, most: B) -> impl Iterator<Item = B> + '_ {
    index.range((first, least)..=(first, most)).map(|(_, second)| *second)
}

/// Makes the index hold the pair, or not.
fn mark<A: Ord + Clone, B: Ord + Clone>(index: &mut Index<A, B>, pair: (A, B), present: bool) {
    if present {
        index.insert(pair);
    } else {
        index.remove(&pair);
    }
}

fn replace<K: Ord + Clone, V>(map: &mut OrdMap<K, Arc<V>>, key: K, value: Option<Arc<V>>) -> Option<Arc<V>> {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    }
}
