//! What operations do to the usage, whether they succeed or fail in the middle.

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use crate::cloud::{Cloud, parts, text};

fn assert_no_drift(cloud: &Cloud, after: &str) {
    let drift = cloud.store.read_blocking(|read| read.quotas().drift()).unwrap();
    assert!(drift.is_empty(), "after {after}: {drift:?}");
}

/// What an administrator and two projects do at random, much of which is refused: by limits, by the state of things, or
/// because a bulk request's last object is not valid.
#[test]
fn the_usage_is_the_count_whatever_is_asked() {
    for seed in 0..3 {
        let cloud = Cloud::new();
        let mut random = StdRng::seed_from_u64(seed);
        let (external, _) = cloud.external("198.51.100.0/26");
        let mut made: Vec<(&str, String)> = Vec::new();
        for step in 0..150 {
            let who = if random.random_range(0..2) == 0 { &cloud.alice } else { &cloud.bob };
            let known = |path: &str, random: &mut StdRng| {
                let ids: Vec<_> = made.iter().filter(|(at, _)| *at == path).map(|(_, id)| id.clone()).collect();
                ids.choose(random).cloned().unwrap_or_else(|| "00000000-0000-4000-8000-000000000000".to_owned())
            };
            let network = known("networks", &mut random);
            let octet = random.random_range(0..4);
            let mtu = if random.random_range(0..4) == 0 { 65_000 } else { 1400 };
            let (path, bodies): (&str, Vec<Value>) = match random.random_range(0..12) {
                0 => ("networks", vec![json!({"name": "n"}), json!({"name": "m", "mtu": mtu})]),
                1 => {
                    let cidr = format!("10.{octet}.0.0/24");
                    ("subnets", vec![json!({"network_id": network, "ip_version": 4, "cidr": cidr})])
                }
                2 | 3 => ("ports", vec![json!({"network_id": network}), json!({"network_id": network})]),
                4 => {
                    let gateway = json!({"network_id": external});
                    ("routers", vec![json!({"name": "r", "external_gateway_info": gateway})])
                }
                5 => ("floatingips", vec![json!({"floating_network_id": external})]),
                6 => ("security-groups", vec![json!({"name": "g"})]),
                7 => {
                    let group = known("security-groups", &mut random);
                    ("security-group-rules", vec![json!({"security_group_id": group, "direction": "ingress"})])
                }
                8 => {
                    let (router, subnet) = (known("routers", &mut random), known("subnets", &mut random));
                    let action = ["add_router_interface", "remove_router_interface"][random.random_range(0..2)];
                    drop(cloud.act(who, &router, action, json!({"subnet_id": subnet})));
                    assert_no_drift(&cloud, action);
                    continue;
                }
                _ => {
                    let Some((path, id)) = made.choose(&mut random).cloned() else { continue };
                    drop(cloud.delete(&cloud.admin, path, &id));
                    assert_no_drift(&cloud, path);
                    continue;
                }
            };
            if let Ok(bodies) = cloud.create_all(who, path, bodies) {
                made.extend(bodies.iter().map(|body| (path, text(body, "id").to_owned())));
            }
            assert_no_drift(&cloud, &format!("step {step} at {path}"));
        }
        assert!(made.len() > 20, "much was made: {}", made.len());
    }
}

#[test]
fn the_ports_of_routers_and_floating_ips_count_as_upstream_counts_them() {
    let cloud = Cloud::new();
    let (external, _) = cloud.external("198.51.100.0/24");
    let (_, subnet) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let project = cloud.alice.project_id.clone();
    let admin = cloud.admin.clone();
    let body = json!({"quota": {"port": 0}});
    cloud.store.write_blocking(move |tx| intent::quota::network::update(tx, &admin, &project, &body)).unwrap();
    // Neither the gateway's port nor a floating IP's is the project's; that of an interface is, and goes beyond.
    let router = json!({"name": "r", "external_gateway_info": {"network_id": external}});
    let router = cloud.id(&cloud.alice, "routers", router);
    cloud.id(&cloud.alice, "floatingips", json!({"floating_network_id": external}));
    cloud.act(&cloud.alice, &router, "add_router_interface", json!({"subnet_id": subnet})).unwrap();
    let (who, project) = (cloud.alice.clone(), cloud.alice.project_id.clone());
    let details = cloud.store.read_blocking(move |read| intent::quota::network::details(read, &who, &project)).unwrap();
    assert_eq!(details["port"], json!({"limit": 0, "used": 1, "reserved": 0}));
}

#[test]
fn routes_are_limited_for_each_router() {
    let cloud = Cloud::new();
    let (_, subnet) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let router = cloud.id(&cloud.alice, "routers", json!({"name": "r"}));
    cloud.act(&cloud.alice, &router, "add_router_interface", json!({"subnet_id": subnet})).unwrap();
    let routes = |count: usize| {
        let route = |index| json!({"destination": format!("192.0.2.{index}/32"), "nexthop": "10.0.0.9"});
        cloud.update(&cloud.alice, "routers", &router, json!({"routes": (0..count).map(route).collect::<Vec<_>>()}))
    };
    routes(30).unwrap();
    let over = (409, "OverQuota".to_owned(), "Quota exceeded for resources: ['router_route'].".to_owned());
    assert_eq!(parts(routes(31)), over);
}
