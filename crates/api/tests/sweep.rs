//! Every endpoint, generated from the tables: without a token, and with a token of the wrong project.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;

use api::{Access, Endpoint, NullWorld, endpoints, identity_routes};
use common::TestApi;
use serde_json::{Value, json};

/// An id that names nothing.
const NOTHING: &str = "00000000-0000-4000-8000-000000000000";

/// The API with all its services, those that are not finished too.
fn everything() -> TestApi {
    let configure = |config: &mut api::ApiConfig| {
        config.preview = true;
        // So many refusals in a row are not what anybody does by mistake.
        config.limits.failures.burst = u32::MAX;
    };
    TestApi::with(configure, Arc::new(NullWorld))
}

/// A path of a pattern: in our region, of objects that do not exist.
fn concrete(pattern: &str) -> String {
    let part = |part: &str| match part {
        "{region}" => "RegionOne".to_owned(),
        part if part.starts_with('{') => NOTHING.to_owned(),
        part => part.to_owned(),
    };
    pattern.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[test]
fn without_a_token_every_endpoint_is_401() {
    let api = everything();
    let closed: Vec<_> = endpoints().into_iter().filter(|endpoint| endpoint.access != Access::Anyone).collect();
    for service in ["/identity/v3", "/v3", "/network", "/load-balancer", "/dns", "/baryon"] {
        let found = closed.iter().filter(|endpoint| endpoint.path.starts_with(&format!("{service}/"))).count();
        assert!(found > 0, "the table of {service} is there");
    }
    let mut requests: Vec<_> = closed.iter().map(|endpoint| (endpoint.method, concrete(&endpoint.path))).collect();
    // What does not exist is nothing for strangers either.
    for path in
        ["/network/RegionOne/v2.0/x", "/load-balancer/RegionOne/v2/lbaas/x", "/load-balancer/RegionOne/x", "/dns/v2/x"]
    {
        requests.push(("GET", path.to_owned()));
    }
    let tokens: [&[(&str, &str)]; 3] = [
        &[],
        &[("X-Auth-Token", "made-up")],
        &[("X-Auth-Token", "AQAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")],
    ];
    for (method, path) in &requests {
        for headers in tokens {
            let answer = api.send(method, path, headers, Some("{}"));
            assert_eq!(answer.status, 401, "{method} {path} {headers:?}: {}", answer.text);
            assert!(answer.header("www-authenticate").is_some(), "{method} {path}");
        }
    }
}

/// Everybody may, and so a token must not make it worse; nothing of it tells what is here.
#[test]
fn what_everybody_may_is_known_by_name() {
    let open: Vec<_> = endpoints().into_iter().filter(|endpoint| endpoint.access == Access::Anyone).collect();
    let known = [
        "GET /",
        "GET /identity",
        "GET /identity/v3",
        "GET /network/{region}",
        "GET /load-balancer/{region}",
        "GET /dns",
        "GET /compute",
        "GET /compute/v2.1",
        "GET /compute/v2.1/{anything}",
        "GET /image",
        "GET /image/{anything}",
        // They carry what proves who asks in their bodies.
        "POST /identity/v3/auth/tokens",
        "POST /identity/v3/users/{user_id}/password",
        "POST /identity/v3/ec2tokens",
        "POST /identity/v3/s3tokens",
    ];
    for Endpoint { method, path, .. } in &open {
        assert!(known.contains(&format!("{method} {path}").as_str()), "{method} {path} is open to everybody: why?");
    }
}

#[test]
fn quotas_of_others_are_403_for_members() {
    let api = everything();
    let demo = api.demo();
    let guarded = endpoints().into_iter().filter(|endpoint| {
        let service = endpoint.path.split('/').nth(1).unwrap_or_default();
        ["load-balancer", "dns", "v3"].contains(&service)
            && !matches!(endpoint.access, Access::Anyone | Access::Authenticated)
    });
    let guarded: Vec<_> = guarded.collect();
    assert!(guarded.len() >= 11, "{guarded:?}");
    for endpoint in guarded {
        let answer = api.ask(&demo, endpoint.method, &concrete(&endpoint.path), &json!({ "quota": {} }));
        assert_eq!(answer.status, 403, "{} {}: {}", endpoint.method, endpoint.path, answer.text);
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
        // A part is reached by its parent only, which others do not see.
        let expected = info.parent.is_some() || objects.iter().any(|(path, _)| *path == info.path);
        assert!(expected, "{} has no expectation here", info.path);
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
