//! Every endpoint, generated from the tables: without a token, and with a token of the wrong project.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use api::{Access, identity_routes};
use common::TestApi;
use serde_json::{Value, json};

/// An id that names nothing.
const NOTHING: &str = "00000000-0000-4000-8000-000000000000";

/// Methods of a collection, of an object in it, and of what is below an object.
fn network_endpoints() -> Vec<(&'static str, String)> {
    let base = "/network/RegionOne/v2.0";
    let mut endpoints = vec![
        ("GET", base.to_owned()),
        ("GET", format!("{base}/extensions")),
        ("GET", format!("{base}/extensions/router")),
        ("GET", format!("{base}/nothing-of-the-kind")),
        ("GET", format!("{base}/agents")),
        ("GET", format!("{base}/availability_zones")),
        ("GET", format!("{base}/quotas")),
        ("POST", format!("{base}/baryon/trace")),
        ("GET", format!("{base}/baryon/status")),
        ("GET", format!("{base}/baryon/drops/{NOTHING}")),
    ];
    for method in ["GET", "PUT", "DELETE"] {
        endpoints.push((method, format!("{base}/quotas/{NOTHING}")));
    }
    for below in ["default", "details"] {
        endpoints.push(("GET", format!("{base}/quotas/{NOTHING}/{below}")));
    }
    for info in model::registry::RESOURCES {
        let collection = format!("{base}/{}", info.path);
        let object = format!("{collection}/{NOTHING}");
        endpoints.extend(["GET", "POST", "PUT", "DELETE"].map(|method| (method, collection.clone())));
        endpoints.extend(["GET", "PUT", "DELETE"].map(|method| (method, object.clone())));
        if info.has_tags() {
            endpoints.extend(["GET", "POST", "PUT", "DELETE"].map(|method| (method, format!("{object}/tags"))));
            endpoints.extend(["GET", "PUT", "DELETE"].map(|method| (method, format!("{object}/tags/x"))));
        }
    }
    for action in ["add_router_interface", "remove_router_interface", "add_extraroutes", "remove_extraroutes"] {
        endpoints.push(("PUT", format!("{base}/routers/{NOTHING}/{action}")));
    }
    endpoints
}

fn identity_endpoints(without: Access) -> Vec<(&'static str, String)> {
    let path = |pattern: &str| {
        let parts = pattern.split('/').map(|part| if part.starts_with('{') { "nothing" } else { part });
        format!("/identity/v3{}", parts.collect::<Vec<_>>().join("/"))
    };
    identity_routes().filter(|route| route.access != without).map(|route| (route.method, path(route.path))).collect()
}

#[test]
fn without_a_token_every_endpoint_is_401() {
    let api = TestApi::start();
    let mut endpoints = network_endpoints();
    endpoints.extend(identity_endpoints(Access::Anyone));
    assert!(endpoints.len() > 100, "the tables are there: {}", endpoints.len());
    let tokens: [&[(&str, &str)]; 3] = [
        &[],
        &[("X-Auth-Token", "made-up")],
        &[("X-Auth-Token", "AQAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")],
    ];
    for (method, path) in &endpoints {
        for headers in tokens {
            let answer = api.send(method, path, headers, Some("{}"));
            assert_eq!(answer.status, 401, "{method} {path} {headers:?}: {}", answer.text);
            assert!(answer.header("www-authenticate").is_some(), "{method} {path}");
        }
    }
}

#[test]
fn identity_endpoints_of_administrators_are_403_for_members() {
    let api = TestApi::start();
    let demo = api.demo();
    for route in identity_routes().filter(|route| !matches!(route.access, Access::Anyone | Access::Authenticated)) {
        let path = format!("/identity/v3{}", route.path.replace(['{', '}'], ""));
        let member = route.path.split('/').nth(1).unwrap().trim_end_matches('s');
        let answer = api.ask(&demo, route.method, &path, &json!({ member: { "name": "x" } }));
        assert_eq!(answer.status, 403, "{} {path}: {}", route.method, answer.text);
        let expected = format!("You are not authorized to perform the requested action: {}.", route.action);
        assert_eq!(answer.message(), expected);
    }
}

#[test]
fn objects_of_another_project_are_404_or_403() {
    let api = TestApi::start();
    let (admin, demo) = (api.admin(), api.demo());
    let base = "/network/RegionOne/v2.0";
    let make = |path: &str, body: Value| {
        let answer = api.ask(&admin, "POST", &format!("{base}/{path}"), &body);
        assert_eq!(answer.status, 201, "{path}: {}", answer.text);
        let json = answer.json();
        json.as_object().unwrap().values().next().unwrap()["id"].as_str().unwrap().to_owned()
    };
    let network = make("networks", json!({ "network": { "name": "n" } }));
    let subnet =
        make("subnets", json!({ "subnet": { "network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24" } }));
    let port = make("ports", json!({ "port": { "network_id": network } }));
    let router = make("routers", json!({ "router": { "name": "r" } }));
    let group = make("security-groups", json!({ "security_group": { "name": "g" } }));
    let rule = make(
        "security-group-rules",
        json!({ "security_group_rule": { "security_group_id": group, "direction": "ingress" } }),
    );
    let external = make("networks", json!({ "network": { "name": "e", "router:external": true } }));
    make("subnets", json!({ "subnet": { "network_id": external, "ip_version": 4, "cidr": "198.51.100.0/24" } }));
    let floating_ip = make("floatingips", json!({ "floatingip": { "floating_network_id": external } }));
    let attachment = make(
        "baryon/attachments",
        json!({ "attachment": { "port_id": port, "target": { "type": "tap", "name": "tap0" } } }),
    );
    let objects = [
        ("networks", network),
        ("subnets", subnet),
        ("ports", port),
        ("routers", router),
        ("security-groups", group),
        ("security-group-rules", rule),
        ("floatingips", floating_ip),
        ("baryon/attachments", attachment),
    ];
    for info in model::registry::RESOURCES {
        assert!(objects.iter().any(|(path, _)| *path == info.path), "{} has no expectation here", info.path);
    }
    for (path, id) in &objects {
        let info = model::registry::by_path(path).unwrap();
        let object = format!("{base}/{path}/{id}");
        let mut requests = vec![("GET", object.clone(), Value::Null), ("DELETE", object.clone(), Value::Null)];
        if info.attribute("description").is_some_and(|attribute| attribute.update) {
            requests.push(("PUT", object.clone(), json!({ info.member: { "description": "x" } })));
        }
        if info.has_tags() {
            requests.push(("GET", format!("{object}/tags"), Value::Null));
            requests.push(("PUT", format!("{object}/tags"), json!({ "tags": ["x"] })));
            requests.push(("PUT", format!("{object}/tags/x"), Value::Null));
            requests.push(("DELETE", format!("{object}/tags"), Value::Null));
        }
        for (method, path, body) in requests {
            let answer = api.ask(&demo, method, &path, &body);
            assert!(matches!(answer.status, 403 | 404), "{method} {path}: {} {}", answer.status, answer.text);
        }
        let listed = api.get(&demo, &format!("{base}/{path}")).json();
        let listed = listed[info.collection].as_array().unwrap();
        assert!(!listed.iter().any(|item| item["id"] == json!(id)) || *path == "networks", "{path}: {listed:?}");
        assert_eq!(api.get(&admin, &object).status, 200, "it is still there");
    }
}
