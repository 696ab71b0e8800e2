//! The fast path equals the slow path: after any changes, in any order, the incremental result is
//! what a full compilation of the same objects gives, and the reported rows are those that differ.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use compiler::{Compiler, Snapshot, compile};
use logical::RowKey;
use model::{Object, ObjectKey};
use proptest::prelude::*;
use types::Direction;

/// An object out of a small world, so that changes meet each other.
fn object() -> impl Strategy<Value = Object> {
    let small = 1u8..4;
    let address = |n: u8| format!("10.0.0.{n}");
    prop_oneof![
        (small.clone(), 1280u32..1283, any::<bool>()).prop_map(|(n, mtu, external)| {
            let network = if external { common::external_network(n) } else { common::network(n) };
            Object::Network(Arc::new(model::Network { mtu, ..network }))
        }),
        (small.clone(), small.clone(), any::<bool>()).prop_map(|(n, network, dhcp)| {
            let subnet = common::subnet(n, network, "10.0.0.0/24", "10.0.0.1");
            Object::Subnet(Arc::new(model::Subnet { enable_dhcp: dhcp, ..subnet }))
        }),
        (1u8..6, small.clone(), small.clone(), 2u8..6, prop::collection::vec(1u8..4, 0..3)).prop_map(
            move |(n, network, subnet, ip, groups)| {
                let port = common::port(n, network, &[(subnet, &address(ip))]);
                let groups = groups.into_iter().map(common::group_id).collect::<BTreeSet<_>>();
                Object::Port(Arc::new(model::Port { security_groups: groups.into_iter().collect(), ..port }))
            }
        ),
        (1u8..6, small.clone(), small.clone(), small.clone(), any::<bool>()).prop_map(
            move |(n, router, network, subnet, gateway)| {
                let owner = if gateway { "router_gateway" } else { "router_interface" };
                Object::Port(Arc::new(common::router_port(n, router, owner, network, &[(subnet, &address(n))])))
            }
        ),
        (small.clone(), prop::option::of((small.clone(), any::<bool>())), any::<bool>()).prop_map(
            |(n, gateway, route)| {
                let routes: &[_] = if route { &[("10.9.0.0/16", "10.0.0.9")] } else { &[] };
                Object::Router(Arc::new(common::router(n, gateway, routes)))
            }
        ),
        (small.clone(), small.clone(), prop::option::of((1u8..6, small.clone()))).prop_map(
            move |(n, network, target)| {
                let inner = target.map(|(port, router)| (port, address(port), router));
                let target = inner.as_ref().map(|(port, address, router)| (*port, address.as_str(), *router));
                Object::FloatingIp(Arc::new(common::floating_ip(n, network, &format!("198.51.100.{n}"), target)))
            }
        ),
        (small.clone(), small.clone(), prop::option::of(small.clone())).prop_map(|(n, group, remote)| {
            Object::SecurityGroupRule(Arc::new(common::rule(n, group, Direction::Ingress, Some((80, 80)), remote)))
        }),
        (small, 1u8..6).prop_map(|(n, port)| Object::Attachment(Arc::new(common::attachment(n, port, "web")))),
    ]
}

proptest! {
    #[test]
    fn incremental_equals_full(steps in prop::collection::vec((object(), any::<bool>()), 1..60)) {
        let mut objects: BTreeMap<ObjectKey, Object> = BTreeMap::new();
        let mut compiler = Compiler::default();
        for (object, present) in steps {
            let key = object.key();
            if present { objects.insert(key, object.clone()); } else { objects.remove(&key); }
            let before = compiler.network().clone();
            let changed = compiler.update([(key, present.then_some(object))]);

            let full = compile(&Snapshot::new(objects.values().cloned()));
            prop_assert_eq!(compiler.network().to_string(), full.to_string());
            prop_assert_eq!(compiler.network(), &full);
            let differing: BTreeSet<RowKey> = before.diff(&full).iter().map(logical::Change::key).collect();
            prop_assert_eq!(changed, differing);
        }
    }
}

#[test]
fn a_new_member_of_a_large_group_changes_its_own_rows_only() {
    let ports = (10..=200).map(|n| Object::Port(Arc::new(common::port(n, 2, &[(2, &format!("10.0.0.{n}"))]))));
    let mut compiler = Compiler::new(common::objects().into_iter().chain(ports));
    let new = common::port(201, 2, &[(2, "10.0.0.201")]);
    let changed = compiler.update([(ObjectKey::Port(new.id), Some(Object::Port(Arc::new(new))))]);
    assert_eq!(changed.len(), 2, "its port and its membership: {changed:?}");
}
