//! Floating IPs.

use serde_json::{Value, json};

use crate::cloud::{Cloud, parts, text};

/// An external network, a routed network, its router and a port on it.
struct Routed {
    cloud: Cloud,
    external: String,
    subnet: String,
    router: String,
    network: String,
    port: String,
}

fn routed() -> Routed {
    let cloud = Cloud::new();
    let (external, _) = cloud.external("198.51.100.0/24");
    let (network, subnet) = cloud.network(&cloud.alice, "10.20.0.0/24");
    let router = cloud.id(&cloud.alice, "routers", json!({"external_gateway_info": {"network_id": external}}));
    cloud.act(&cloud.alice, &router, "add_router_interface", json!({"subnet_id": subnet})).unwrap();
    let port = cloud.port(&cloud.alice, &network);
    Routed { cloud, external, subnet, router, network, port }
}

#[test]
fn a_floating_ip_goes_to_a_port_and_elsewhere_and_away() {
    let Routed { cloud, external, router, network, port, .. } = routed();
    let body = json!({"floating_network_id": external, "port_id": port, "description": "x"});
    let floating = cloud.create(&cloud.alice, "floatingips", body).unwrap();
    let id = text(&floating, "id");
    assert_eq!(floating["router_id"], json!(router));
    assert_eq!(floating["status"], "DOWN");
    assert_eq!(floating["port_details"]["network_id"], json!(network));
    let other = cloud.port(&cloud.alice, &network);
    let moved = cloud.update(&cloud.alice, "floatingips", id, json!({"port_id": other})).unwrap();
    assert_eq!(moved["port_id"], json!(other));
    cloud.delete(&cloud.alice, "ports", &other).unwrap();
    let freed = cloud.show(&cloud.alice, "floatingips", id).unwrap();
    assert_eq!((&freed["port_id"], &freed["router_id"]), (&Value::Null, &Value::Null));
    let associated = cloud.update(&cloud.alice, "floatingips", id, json!({"port_id": port})).unwrap();
    assert_ne!(associated["fixed_ip_address"], Value::Null);
    let freed = cloud.update(&cloud.alice, "floatingips", id, json!({"port_id": null})).unwrap();
    assert_eq!(freed["fixed_ip_address"], Value::Null);
    cloud.delete(&cloud.alice, "floatingips", id).unwrap();
    assert!(cloud.list(&cloud.admin, "ports", &[("device_owner", "network:floatingip")]).unwrap().is_empty());
}

#[test]
fn what_floating_ips_need_stays() {
    let Routed { cloud, external, subnet, router, port, .. } = routed();
    let body = json!({"floating_network_id": external, "port_id": port});
    let floating = cloud.create(&cloud.alice, "floatingips", body.clone()).unwrap();
    assert_eq!(
        parts(cloud.create(&cloud.alice, "floatingips", body)),
        (
            409,
            "FloatingIPPortAlreadyAssociated".into(),
            format!(
                "Cannot associate floating IP {} ({}) with port {port} using fixed IP {}, as that fixed IP already has a \
                 floating IP on external network {external}.",
                text(&floating, "floating_ip_address"),
                text(&floating, "id"),
                text(&floating, "fixed_ip_address"),
            )
        )
    );
    assert_eq!(
        parts(cloud.act(&cloud.alice, &router, "remove_router_interface", json!({"subnet_id": subnet}))),
        (
            409,
            "RouterInterfaceInUseByFloatingIP".into(),
            format!(
                "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is required by one or \
                 more floating IPs."
            )
        )
    );
    assert_eq!(
        parts(cloud.update(&cloud.alice, "routers", &router, json!({"external_gateway_info": {}}))),
        (
            409,
            "RouterExternalGatewayInUseByFloatingIp".into(),
            format!(
                "Gateway cannot be updated for router {router}, since a gateway to external network {external} is \
                 required by one or more floating IPs."
            )
        )
    );
}

#[test]
fn a_floating_ip_needs_an_external_network_a_route_and_ipv4() {
    let Routed { cloud, external, network, .. } = routed();
    assert_eq!(
        parts(cloud.create(&cloud.alice, "floatingips", json!({"floating_network_id": network}))).2,
        format!("Bad floatingip request: Network {network} is not a valid external network.")
    );
    let (apart, subnet) = cloud.network(&cloud.alice, "10.30.0.0/24");
    let port = cloud.port(&cloud.alice, &apart);
    assert_eq!(
        parts(cloud.create(&cloud.alice, "floatingips", json!({"floating_network_id": external, "port_id": port}))),
        (
            404,
            "ExternalGatewayForFloatingIPNotFound".into(),
            format!(
                "External network {external} is not reachable from subnet {subnet}.  Therefore, cannot associate Port \
                 {port} with a Floating IP."
            )
        )
    );
    let bare = cloud.id(&cloud.alice, "ports", json!({"network_id": network, "fixed_ips": []}));
    let body = json!({"floating_network_id": external, "port_id": bare});
    assert_eq!(parts(cloud.create(&cloud.alice, "floatingips", body)).0, 400);
    // Nothing of the refused requests is left.
    assert!(cloud.list(&cloud.admin, "ports", &[("device_owner", "network:floatingip")]).unwrap().is_empty());
    let six = cloud.id(&cloud.admin, "networks", json!({"router:external": true}));
    let body = json!({"network_id": six, "ip_version": 6, "cidr": "2001:db8::/64"});
    cloud.create(&cloud.admin, "subnets", body).unwrap();
    let error = parts(cloud.create(&cloud.alice, "floatingips", json!({"floating_network_id": six})));
    assert_eq!((error.0, error.1.as_str()), (400, "BadRequest"));
}

#[test]
fn administrators_choose_the_address() {
    let Routed { cloud, external, .. } = routed();
    let body = json!({"floating_network_id": external, "floating_ip_address": "198.51.100.99"});
    assert_eq!(parts(cloud.create(&cloud.alice, "floatingips", body.clone())).0, 403);
    let floating = cloud.create(&cloud.admin, "floatingips", body.clone()).unwrap();
    assert_eq!(floating["floating_ip_address"], "198.51.100.99");
    assert_eq!(parts(cloud.create(&cloud.admin, "floatingips", body)).1, "IpAddressAlreadyAllocated");
}

#[test]
fn an_external_network_goes_with_the_floating_ips_that_reach_nothing() {
    let Routed { cloud, port, external, router, .. } = routed();
    let other = cloud.id(&cloud.admin, "networks", json!({"router:external": true}));
    let body = json!({"network_id": other, "ip_version": 4, "cidr": "203.0.113.0/24"});
    cloud.create(&cloud.admin, "subnets", body).unwrap();
    let idle = cloud.id(&cloud.alice, "floatingips", json!({"floating_network_id": other}));
    cloud.delete(&cloud.admin, "networks", &other).unwrap();
    assert_eq!(parts(cloud.show(&cloud.alice, "floatingips", &idle)).0, 404);
    let body = json!({"floating_network_id": external, "port_id": port});
    cloud.create(&cloud.alice, "floatingips", body).unwrap();
    assert_eq!(parts(cloud.delete(&cloud.admin, "networks", &external)).1, "NetworkInUse");
    assert_eq!(parts(cloud.delete(&cloud.alice, "routers", &router)).0, 409);
}
