//! Ports.

use serde_json::json;

use crate::cloud::{Cloud, parts, text};

#[test]
fn addresses_and_macs_are_given_once() {
    let cloud = Cloud::new();
    let (network, subnet) = cloud.network(&cloud.alice, "10.20.0.0/24");
    let (_, other_subnet) = cloud.network(&cloud.alice, "10.99.0.0/24");
    let create = |body: serde_json::Value| {
        let mut body = body;
        body["network_id"] = json!(network);
        cloud.create(&cloud.alice, "ports", body)
    };
    let port = create(json!({"fixed_ips": [{"ip_address": "10.20.0.85"}]})).unwrap();
    let mac = text(&port, "mac_address").to_owned();
    assert_eq!(
        parts(create(json!({"fixed_ips": [{"ip_address": "10.20.0.85", "subnet_id": subnet}]}))),
        (
            409,
            "IpAddressAlreadyAllocated".into(),
            format!("IP address 10.20.0.85 already allocated in subnet {subnet}")
        )
    );
    assert_eq!(
        parts(create(json!({"mac_address": mac}))),
        (
            409,
            "MacAddressInUse".into(),
            format!("Unable to complete operation for network {network}. The mac address {mac} is in use.")
        )
    );
    assert_eq!(
        parts(create(json!({"fixed_ips": [{"ip_address": "10.99.0.9"}]}))),
        (
            400,
            "InvalidIpForNetwork".into(),
            "IP address 10.99.0.9 is not a valid IP for any of the subnets on the specified network.".into()
        )
    );
    assert_eq!(
        parts(create(json!({"fixed_ips": [{"ip_address": "10.99.0.9", "subnet_id": subnet}]}))),
        (400, "InvalidIpForSubnet".into(), "IP address 10.99.0.9 is not a valid IP for the specified subnet.".into())
    );
    assert_eq!(parts(create(json!({"fixed_ips": [{"subnet_id": other_subnet}]}))).1, "InvalidInput");
    assert_eq!(parts(create(json!({"fixed_ips": [{"ip_address": "10.20.0.255"}]}))).1, "InvalidIpForNetwork");
    let missing = "00000000-0000-4000-8000-000000000000";
    assert_eq!(
        parts(cloud.update(&cloud.alice, "ports", text(&port, "id"), json!({"security_groups": [missing]}))),
        (404, "SecurityGroupNotFound".into(), format!("Security group {missing} does not exist"))
    );
}

#[test]
fn a_full_pool_says_so_and_gives_every_address_before() {
    let cloud = Cloud::new();
    let (network, subnet) = cloud.network(&cloud.alice, "10.0.0.0/28");
    for _ in 0..13 {
        cloud.port(&cloud.alice, &network);
    }
    assert_eq!(
        parts(cloud.create(&cloud.alice, "ports", json!({"network_id": network}))),
        (409, "IpAddressGenerationFailure".into(), format!("No more IP addresses available on network {network}."))
    );
    let by_subnet = json!({"network_id": network, "fixed_ips": [{"subnet_id": subnet}]});
    assert_eq!(parts(cloud.create(&cloud.alice, "ports", by_subnet)).1, "IpAddressGenerationFailure");
}

#[test]
fn an_update_keeps_the_addresses_that_it_names() {
    let cloud = Cloud::new();
    let (network, subnet) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let port = cloud.create(&cloud.alice, "ports", json!({"network_id": network})).unwrap();
    let id = text(&port, "id");
    let first = port["fixed_ips"][0]["ip_address"].as_str().unwrap().to_owned();
    let two = json!({"fixed_ips": [{"subnet_id": subnet}, {"ip_address": "10.0.0.77"}]});
    let updated = cloud.update(&cloud.alice, "ports", id, two).unwrap();
    assert_eq!(updated["fixed_ips"][0]["ip_address"], first);
    assert_eq!(updated["fixed_ips"][1]["ip_address"], "10.0.0.77");
    let filter = [("fixed_ips", "ip_address=10.0.0.77")];
    assert_eq!(cloud.list(&cloud.alice, "ports", &filter).unwrap().len(), 1);
    let none = cloud.update(&cloud.alice, "ports", id, json!({"fixed_ips": []})).unwrap();
    assert_eq!(none["fixed_ips"], json!([]));
    assert_eq!(cloud.list(&cloud.alice, "ports", &filter).unwrap().len(), 0);
}

#[test]
fn the_external_network_is_for_routers_and_floating_ips() {
    let cloud = Cloud::new();
    let (external, _) = cloud.external("198.51.100.0/24");
    assert_eq!(
        parts(cloud.create(&cloud.alice, "ports", json!({"network_id": external}))),
        (403, "PolicyNotAuthorized".into(), "rule:create_port is disallowed by policy".into())
    );
    cloud.create(&cloud.admin, "ports", json!({"network_id": external})).unwrap();
}

#[test]
fn on_a_shared_network_only_its_owner_chooses_addresses_and_guards() {
    let cloud = Cloud::new();
    let network = cloud.id(&cloud.admin, "networks", json!({"shared": true}));
    cloud
        .create(&cloud.admin, "subnets", json!({"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24"}))
        .unwrap();
    cloud.port(&cloud.alice, &network);
    for body in [
        json!({"mac_address": "fa:16:3e:00:00:01"}),
        json!({"port_security_enabled": false}),
        json!({"allowed_address_pairs": [{"ip_address": "0.0.0.0/0"}]}),
        json!({"device_owner": "network:dhcp"}),
        json!({"device_owner": "network:router_interface"}),
        json!({"fixed_ips": [{"ip_address": "10.0.0.9"}]}),
    ] {
        let mut body = body;
        body["network_id"] = json!(network);
        assert_eq!(parts(cloud.create(&cloud.alice, "ports", body)).0, 403);
    }
}

#[test]
fn port_security_and_what_needs_it() {
    let cloud = Cloud::new();
    let (network, _) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let port = cloud.create(&cloud.alice, "ports", json!({"network_id": network})).unwrap();
    let id = text(&port, "id");
    assert_eq!(port["security_groups"].as_array().unwrap().len(), 1);
    let off = json!({"port_security_enabled": false});
    assert_eq!(parts(cloud.update(&cloud.alice, "ports", id, off.clone())).1, "PortSecurityPortHasSecurityGroup");
    let bare = json!({"port_security_enabled": false, "security_groups": []});
    cloud.update(&cloud.alice, "ports", id, bare).unwrap();
    let pair = json!({"allowed_address_pairs": [{"ip_address": "10.0.0.9"}]});
    assert_eq!(parts(cloud.update(&cloud.alice, "ports", id, pair)).1, "AddressPairAndPortSecurityRequired");
    let mut open = off;
    open["network_id"] = json!(network);
    assert_eq!(cloud.create(&cloud.alice, "ports", open).unwrap()["security_groups"], json!([]));
}

#[test]
fn many_ports_are_made_in_one_request() {
    let cloud = Cloud::new();
    let (network, _) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let bodies = vec![json!({"network_id": network, "tags": ["blue"]}); 50];
    cloud.create_all(&cloud.alice, "ports", bodies).unwrap();
    assert_eq!(cloud.list(&cloud.alice, "ports", &[("tags", "blue")]).unwrap().len(), 50);
    assert_eq!(cloud.list(&cloud.alice, "ports", &[("not-tags", "blue")]).unwrap().len(), 0);
}
