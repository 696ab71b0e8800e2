//! Networks and subnets.

use serde_json::json;

use crate::cloud::{Cloud, parts, text};

#[test]
fn external_and_provider_networks_are_the_administrators() {
    let cloud = Cloud::new();
    assert_eq!(
        parts(cloud.create(&cloud.alice, "networks", json!({"name": "x", "router:external": true}))),
        (
            403,
            "PolicyNotAuthorized".into(),
            "(rule:create_network and rule:create_network:router:external) is disallowed by policy".into()
        )
    );
    let error = parts(cloud.create(&cloud.alice, "networks", json!({"name": "x", "provider:network_type": "vlan"})));
    assert_eq!(error.2, "(rule:create_network and rule:create_network:provider:network_type) is disallowed by policy");
    let vlan = json!({
        "provider:network_type": "vlan", "provider:physical_network": "public", "provider:segmentation_id": 1806,
    });
    cloud.create(&cloud.admin, "networks", vlan.clone()).unwrap();
    assert_eq!(
        parts(cloud.create(&cloud.admin, "networks", vlan)),
        (
            409,
            "VlanIdInUse".into(),
            "Unable to create the network. The VLAN 1806 on physical network public is in use.".into()
        )
    );
    let unknown = json!({"provider:network_type": "vlan", "provider:physical_network": "nope"});
    assert_eq!(
        parts(cloud.create(&cloud.admin, "networks", unknown)).2,
        "Invalid input for operation: physical_network 'nope' unknown for VLAN provider network."
    );
    let bogus = json!({"provider:network_type": "bogus"});
    assert_eq!(
        parts(cloud.create(&cloud.admin, "networks", bogus)).2,
        "Invalid input for operation: network_type value 'bogus' not supported."
    );
}

#[test]
fn a_network_of_another_project_is_not_there_unless_it_is_shared_or_external() {
    let cloud = Cloud::new();
    let (private, subnet) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let shared = cloud.id(&cloud.admin, "networks", json!({"shared": true}));
    let (external, external_subnet) = cloud.external("198.51.100.0/24");
    let not_found = format!("Network {private} could not be found.");
    assert_eq!(parts(cloud.show(&cloud.bob, "networks", &private)), (404, "NetworkNotFound".into(), not_found.clone()));
    assert_eq!(parts(cloud.delete(&cloud.bob, "networks", &private)).2, not_found);
    let seen = cloud.list(&cloud.bob, "networks", &[]).unwrap();
    let mut seen: Vec<_> = seen.iter().map(|network| text(network, "id").to_owned()).collect();
    seen.sort();
    let mut expected = vec![shared.clone(), external];
    expected.sort();
    assert_eq!(seen, expected);
    assert_eq!(parts(cloud.update(&cloud.bob, "networks", &shared, json!({"name": "x"}))).0, 403);
    assert_eq!(parts(cloud.show(&cloud.bob, "subnets", &subnet)).0, 404);
    assert_eq!(cloud.show(&cloud.bob, "subnets", &external_subnet).unwrap()["router:external"], true);
}

#[test]
fn subnets_are_checked_as_upstream_does() {
    let cloud = Cloud::new();
    let (network, _) = cloud.network(&cloud.admin, "10.20.0.0/24");
    let message = |mut body: serde_json::Value| {
        body["network_id"] = json!(network);
        if body.get("ip_version").is_none() {
            body["ip_version"] = json!(4);
        }
        let (status, kind, message) = parts(cloud.create(&cloud.admin, "subnets", body));
        format!("{status} {kind} {message}")
    };
    assert_eq!(
        message(json!({"cidr": "10.20.0.0/25"})),
        format!(
            "400 InvalidInput Invalid input for operation: Requested subnet with cidr: 10.20.0.0/25 for network: \
             {network} overlaps with another subnet."
        )
    );
    assert_eq!(
        message(json!({"ip_version": 6, "cidr": "10.1.2.0/24"})),
        "400 InvalidInput Invalid input for operation: cidr '10.1.2.0/24' does not match the ip_version '6'."
    );
    assert_eq!(
        message(json!({"cidr": "10.1.2.300/24"})),
        "400 InvalidInput Invalid input for operation: 10.1.2.300/24 is not in a CIDR format."
    );
    assert_eq!(
        message(json!({"cidr": "10.21.0.0/24", "gateway_ip": "10.21.0.255"})),
        "400 InvalidInput Invalid input for operation: Gateway is not valid on subnet."
    );
    let pools = |pools: &[(&str, &str)]| {
        let pools: Vec<_> = pools.iter().map(|(start, end)| json!({"start": start, "end": end})).collect();
        json!(pools)
    };
    assert_eq!(
        message(json!({
            "cidr": "10.21.0.0/24", "gateway_ip": "10.21.0.10",
            "allocation_pools": pools(&[("10.21.0.5", "10.21.0.20")]),
        })),
        "409 GatewayConflictWithAllocationPools Gateway ip 10.21.0.10 conflicts with allocation pool \
         10.21.0.5-10.21.0.20."
    );
    assert_eq!(
        message(json!({
            "cidr": "10.21.0.0/24",
            "allocation_pools": pools(&[("10.21.0.5", "10.21.0.20"), ("10.21.0.10", "10.21.0.30")]),
        })),
        "409 OverlappingAllocationPools Found overlapping allocation pools: 10.21.0.5-10.21.0.20 10.21.0.10-10.21.0.30 \
         for subnet 10.21.0.0/24."
    );
    assert_eq!(
        message(json!({"cidr": "10.21.0.0/24", "allocation_pools": pools(&[("10.22.0.5", "10.22.0.20")])})),
        "400 OutOfBoundsAllocationPool The allocation pool 10.22.0.5-10.22.0.20 spans beyond the subnet cidr \
         10.21.0.0/24."
    );
}

#[test]
fn a_wide_subnet_with_a_host_route_inside_it_is_accepted() {
    let cloud = Cloud::new();
    let network = cloud.id(&cloud.alice, "networks", json!({"name": "Büro 東京"}));
    let body = json!({
        "network_id": network, "ip_version": 4, "cidr": "10.0.0.0/8",
        "host_routes": [{"destination": "10.1.0.0/16", "nexthop": "10.0.0.9"}],
    });
    cloud.create(&cloud.alice, "subnets", body).unwrap();
    assert_eq!(cloud.show(&cloud.alice, "networks", &network).unwrap()["name"], "Büro 東京");
    cloud.port(&cloud.alice, &network);
}

#[test]
fn what_is_in_use_stays() {
    let cloud = Cloud::new();
    let (network, subnet) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let port = cloud.port(&cloud.alice, &network);
    assert_eq!(
        parts(cloud.delete(&cloud.alice, "networks", &network)),
        (
            409,
            "NetworkInUse".into(),
            format!(
                "Unable to complete operation on network {network}. There are one or more ports still in use on the \
                 network, id for these ports is: {port}."
            )
        )
    );
    assert_eq!(
        parts(cloud.delete(&cloud.alice, "subnets", &subnet)),
        (
            409,
            "SubnetInUse".into(),
            format!(
                "Unable to complete operation on subnet {subnet}: One or more ports have an IP allocation from this \
                 subnet."
            )
        )
    );
    cloud.delete(&cloud.alice, "ports", &port).unwrap();
    cloud.delete(&cloud.alice, "networks", &network).unwrap();
    assert_eq!(parts(cloud.show(&cloud.alice, "subnets", &subnet)).0, 404);
}

#[test]
fn a_revision_guards_an_update() {
    let cloud = Cloud::new();
    let network = cloud.create(&cloud.alice, "networks", json!({"name": "a"})).unwrap();
    let (id, revision) = (text(&network, "id").to_owned(), network["revision_number"].as_u64().unwrap());
    let stale = cloud.update_if(&cloud.alice, "networks", &id, json!({"name": "z"}), Some(revision + 7));
    assert_eq!(
        parts(stale),
        (
            412,
            "RevisionNumberConstraintFailed".into(),
            format!("Constrained to {}, but current revision is {revision}", revision + 7)
        )
    );
    let updated = cloud.update_if(&cloud.alice, "networks", &id, json!({"name": "z"}), Some(revision)).unwrap();
    assert_eq!(updated["revision_number"], revision + 1);
    let same = cloud.update(&cloud.alice, "networks", &id, json!({"name": "z"})).unwrap();
    assert_eq!(same["revision_number"], revision + 1);
}

#[test]
fn lists_are_filtered_sorted_and_paged() {
    let cloud = Cloud::new();
    for name in ["c", "a", "d", "b"] {
        cloud.create(&cloud.alice, "networks", json!({"name": name, "admin_state_up": name != "d"})).unwrap();
    }
    let names = |pairs: &[(&str, &str)]| -> String {
        let found = cloud.list(&cloud.alice, "networks", pairs).unwrap();
        found.iter().map(|network| text(network, "name")).collect()
    };
    assert_eq!(names(&[("sort_key", "name")]), "abcd");
    assert_eq!(names(&[("sort_key", "name"), ("sort_dir", "desc")]), "dcba");
    assert_eq!(names(&[("name", "a"), ("name", "c"), ("sort_key", "name")]), "ac");
    assert_eq!(names(&[("admin_state_up", "False")]), "d");
    let page = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = [("sort_key", "name"), ("limit", "2")].iter().chain(pairs).copied().collect();
        cloud.list(&cloud.alice, "networks", &pairs).unwrap()
    };
    let first = page(&[]);
    assert_eq!(first.iter().map(|network| text(network, "name")).collect::<String>(), "ab");
    let second = page(&[("marker", text(&first[1], "id"))]);
    assert_eq!(second.iter().map(|network| text(network, "name")).collect::<String>(), "cd");
    let back = page(&[("marker", text(&second[0], "id")), ("page_reverse", "True")]);
    assert_eq!(back, first);
    assert_eq!(parts(cloud.list(&cloud.alice, "networks", &[("marker", "nope")])).0, 404);
}

#[test]
fn a_list_of_networks_is_made_whole_or_not_at_all() {
    let cloud = Cloud::new();
    let bodies = vec![json!({"name": "b1"}), json!({"name": "b2", "mtu": 65_535})];
    assert_eq!(parts(cloud.create_all(&cloud.alice, "networks", bodies)).0, 400);
    assert!(cloud.list(&cloud.alice, "networks", &[]).unwrap().is_empty());
    let bodies = vec![json!({"name": "b1"}), json!({"name": "b2"})];
    assert_eq!(cloud.create_all(&cloud.alice, "networks", bodies).unwrap().len(), 2);
}

#[test]
fn ipv6_ports_make_their_address_of_the_prefix() {
    let cloud = Cloud::new();
    let (network, _) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let early = cloud.port(&cloud.alice, &network);
    let body = json!({
        "network_id": network, "ip_version": 6, "cidr": "2001:db8:20::/64",
        "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac",
    });
    let subnet = cloud.create(&cloud.alice, "subnets", body).unwrap();
    assert_eq!(subnet["gateway_ip"], "2001:db8:20::");
    let late = cloud.create(&cloud.alice, "ports", json!({"network_id": network, "mac_address": "fa:16:3e:78:9b:46"}));
    let ips = late.unwrap()["fixed_ips"].clone();
    assert_eq!(ips[1]["ip_address"], "2001:db8:20:0:f816:3eff:fe78:9b46");
    let early = cloud.show(&cloud.alice, "ports", &early).unwrap();
    assert_eq!(early["fixed_ips"].as_array().unwrap().len(), 2);
    // The addresses go with the subnet.
    cloud.delete(&cloud.alice, "subnets", text(&subnet, "id")).unwrap();
    let early = cloud.show(&cloud.alice, "ports", text(&early, "id")).unwrap();
    assert_eq!(early["fixed_ips"].as_array().unwrap().len(), 1);
}
