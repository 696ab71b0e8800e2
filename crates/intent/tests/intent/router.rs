//! Routers, interfaces, gateways, routes.

use serde_json::json;

use crate::cloud::{Cloud, parts, text};

#[test]
fn interfaces_come_and_go() {
    let cloud = Cloud::new();
    let (network, subnet) = cloud.network(&cloud.alice, "10.20.0.0/24");
    let (_, overlapping) = cloud.network(&cloud.alice, "10.20.0.128/25");
    let (_, elsewhere) = cloud.network(&cloud.alice, "10.30.0.0/24");
    let router = cloud.id(&cloud.alice, "routers", json!({"name": "r1"}));
    let add = |body: serde_json::Value| cloud.act(&cloud.alice, &router, "add_router_interface", body);
    let remove = |body: serde_json::Value| cloud.act(&cloud.alice, &router, "remove_router_interface", body);

    assert_eq!(parts(add(json!({}))).2, "Bad router request: Either subnet_id or port_id must be specified.");
    let port = cloud.port(&cloud.alice, &network);
    assert_eq!(
        parts(add(json!({"subnet_id": subnet, "port_id": port}))).2,
        "Bad router request: Cannot specify both subnet-id and port-id."
    );
    let missing = "00000000-0000-4000-8000-000000000000";
    assert_eq!(parts(add(json!({"subnet_id": missing}))).2, format!("Subnet {missing} could not be found."));

    let answer = add(json!({"subnet_id": subnet})).unwrap();
    let mut keys: Vec<_> = answer.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["id", "network_id", "port_id", "project_id", "subnet_id", "subnet_ids"]);
    let interface = text(&answer, "port_id").to_owned();
    let shown = cloud.show(&cloud.alice, "ports", &interface).unwrap();
    assert_eq!(shown["device_owner"], "network:router_interface");
    assert_eq!(shown["fixed_ips"][0]["ip_address"], "10.20.0.1");
    assert_eq!(shown["security_groups"], json!([]));
    assert_eq!(shown["port_security_enabled"], false);

    assert_eq!(
        parts(add(json!({"subnet_id": subnet}))).2,
        format!("Bad router request: Router already has a port on subnet {subnet}.")
    );
    assert_eq!(
        parts(add(json!({"subnet_id": overlapping}))).2,
        format!(
            "Bad router request: Cidr 10.20.0.128/25 of subnet {overlapping} overlaps with cidr 10.20.0.0/24 of subnet \
             {subnet}."
        )
    );
    assert_eq!(
        parts(cloud.delete(&cloud.alice, "ports", &interface)).2,
        format!(
            "Port {interface} cannot be deleted directly via the port API: has device owner network:router_interface."
        )
    );
    let steal = json!({"device_id": "", "device_owner": ""});
    assert_eq!(parts(cloud.update(&cloud.alice, "ports", &interface, steal)).0, 400);
    assert_eq!(
        parts(cloud.delete(&cloud.alice, "routers", &router)),
        (409, "RouterInUse".into(), format!("Router {router} has ports still attached: {interface}"))
    );
    assert_eq!(
        parts(remove(json!({"subnet_id": elsewhere}))),
        (
            404,
            "RouterInterfaceNotFoundForSubnet".into(),
            format!("Router {router} has no interface on subnet {elsewhere}")
        )
    );
    remove(json!({"subnet_id": subnet})).unwrap();
    assert_eq!(parts(cloud.show(&cloud.alice, "ports", &interface)).0, 404);
    cloud.delete(&cloud.alice, "routers", &router).unwrap();
}

#[test]
fn a_port_becomes_an_interface_and_two_routers_share_a_network() {
    let cloud = Cloud::new();
    let (network, subnet) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let first = cloud.id(&cloud.alice, "routers", json!({}));
    let second = cloud.id(&cloud.alice, "routers", json!({}));
    cloud.act(&cloud.alice, &first, "add_router_interface", json!({"subnet_id": subnet})).unwrap();
    let port =
        cloud.id(&cloud.alice, "ports", json!({"network_id": network, "fixed_ips": [{"ip_address": "10.0.0.9"}]}));
    cloud.act(&cloud.alice, &second, "add_router_interface", json!({"port_id": port})).unwrap();
    let again = cloud.act(&cloud.alice, &first, "add_router_interface", json!({"port_id": port}));
    assert_eq!(parts(again).1, "PortInUse");
    let routes = json!({"router": {"routes": [{"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}]}});
    let answer = cloud.act(&cloud.alice, &first, "add_extraroutes", routes.clone()).unwrap();
    assert_eq!(answer["router"]["routes"].as_array().unwrap().len(), 1);
    let in_use = cloud.act(&cloud.alice, &first, "remove_router_interface", json!({"subnet_id": subnet}));
    assert_eq!(parts(in_use).1, "RouterInterfaceInUseByRoute");
    let answer = cloud.act(&cloud.alice, &first, "remove_extraroutes", routes).unwrap();
    assert_eq!(answer["router"]["routes"], json!([]));
}

#[test]
fn next_hops_are_neighbours() {
    let cloud = Cloud::new();
    let (_, subnet) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let router = cloud.id(&cloud.alice, "routers", json!({}));
    cloud.act(&cloud.alice, &router, "add_router_interface", json!({"subnet_id": subnet})).unwrap();
    let route = |nexthop: &str| {
        let routes = json!({"routes": [{"destination": "1.2.3.0/24", "nexthop": nexthop}]});
        cloud.update(&cloud.alice, "routers", &router, routes)
    };
    assert_eq!(
        parts(route("9.9.9.9")),
        (
            400,
            "InvalidRoutes".into(),
            "Invalid format for routes: [{'destination': '1.2.3.0/24', 'nexthop': '9.9.9.9'}], the nexthop is not \
             connected with router"
                .into()
        )
    );
    assert!(parts(route("10.0.0.1")).2.ends_with("the nexthop is used by router"));
    route("10.0.0.7").unwrap();
}

#[test]
fn a_gateway_is_a_port_on_an_external_network() {
    let cloud = Cloud::new();
    let (external, _) = cloud.external("198.51.100.0/24");
    let (internal, _) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let gateway = |id: &str| json!({"external_gateway_info": {"network_id": id}});
    assert_eq!(
        parts(cloud.create(&cloud.alice, "routers", gateway(&internal))).2,
        format!("Bad router request: Network {internal} is not an external network.")
    );
    let router = cloud.create(&cloud.alice, "routers", gateway(&external)).unwrap();
    let id = text(&router, "id");
    let info = &router["external_gateway_info"];
    assert_eq!(info["enable_snat"], true);
    let address = info["external_fixed_ips"][0]["ip_address"].clone();
    let ports = cloud.list(&cloud.admin, "ports", &[("device_id", id)]).unwrap();
    assert_eq!(ports[0]["fixed_ips"][0]["ip_address"], address);
    assert_eq!(ports[0]["project_id"], "");
    assert!(cloud.list(&cloud.alice, "ports", &[("device_id", id)]).unwrap().is_empty());

    let no_snat = json!({"external_gateway_info": {"network_id": external, "enable_snat": false}});
    assert_eq!(parts(cloud.update(&cloud.alice, "routers", id, no_snat.clone())).0, 403);
    let updated = cloud.update(&cloud.admin, "routers", id, no_snat).unwrap();
    assert_eq!(updated["external_gateway_info"]["enable_snat"], false);
    assert_eq!(updated["external_gateway_info"]["external_fixed_ips"][0]["ip_address"], address);
    let chosen = json!({"external_gateway_info": {
        "network_id": external, "external_fixed_ips": [{"ip_address": "198.51.100.77"}],
    }});
    let updated = cloud.update(&cloud.admin, "routers", id, chosen).unwrap();
    assert_eq!(updated["external_gateway_info"]["external_fixed_ips"][0]["ip_address"], "198.51.100.77");

    assert_eq!(parts(cloud.update(&cloud.admin, "networks", &external, json!({"router:external": false}))).0, 409);
    let cleared = cloud.update(&cloud.alice, "routers", id, json!({"external_gateway_info": {}})).unwrap();
    assert_eq!(cleared["external_gateway_info"], json!(null));
    assert!(cloud.list(&cloud.admin, "ports", &[("device_id", id)]).unwrap().is_empty());
}
