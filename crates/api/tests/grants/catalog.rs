//! Services, endpoints, and the catalogue that they make.

use std::sync::Arc;

use api::NullWorld;
use serde_json::{Value, json};

use super::{Cloud, TestApi, id};

/// The endpoints of a service in the administrator's catalogue.
fn in_catalogue(cloud: &Cloud, kind: &str) -> Vec<Value> {
    let catalog = cloud.get("/auth/catalog");
    let services = catalog["catalog"].as_array().unwrap();
    let of_kind = services.iter().filter(|service| service["type"] == kind);
    of_kind.flat_map(|service| service["endpoints"].as_array().unwrap().clone()).collect()
}

#[test]
fn a_service_lives_a_whole_life() {
    let cloud = Cloud::start();
    let service = cloud.make("/services", "service", json!({ "type": "toaster", "description": "warm" }));
    assert_eq!((&service["name"], &service["enabled"]), (&json!(""), &json!(true)));
    assert_eq!(service["description"], "warm");
    let path = format!("/services/{}", id(&service));
    let changed = cloud.change(&path, "service", json!({ "name": "t", "enabled": false, "description": "hot" }));
    assert_eq!(cloud.get(&path)["service"], changed);
    assert_eq!(changed["type"], "toaster");
    assert_eq!(cloud.ids("/services?type=toaster"), [id(&service)]);
    assert_eq!(cloud.ids("/services?name=t"), [id(&service)]);
    cloud.done("DELETE", &path);
    assert_eq!(cloud.refused("GET", &path, &Value::Null), (404, format!("Could not find service: {}.", id(&service))));
    let create = |body: Value| cloud.refused("POST", "/services", &json!({ "service": body }));
    let text = "Invalid input for field/attribute service. Value: {}. 'type' is a required property";
    assert_eq!(create(json!({})), (400, text.to_owned()));
    let text = "Invalid input for field/attribute enabled. Value: True. 'True' is not of type 'boolean'";
    assert_eq!(create(json!({ "type": "x", "enabled": "True" })), (400, text.to_owned()));
}

#[test]
fn an_endpoint_lives_a_whole_life() {
    let cloud = Cloud::start();
    let service = cloud.make("/services", "service", json!({ "type": "toaster" }));
    let body = json!({
        "service_id": service["id"], "interface": "public", "url": "http://toast/", "region": "kitchen", "colour": "red",
    });
    let endpoint = cloud.make("/endpoints", "endpoint", body);
    assert_eq!(endpoint["region_id"], "kitchen", "a region is made for an endpoint that names it the old way");
    assert_eq!((&endpoint["region"], &endpoint["colour"]), (&json!("kitchen"), &json!("red")));
    assert_eq!(cloud.get("/regions/kitchen")["region"]["description"], "");
    let path = format!("/endpoints/{}", id(&endpoint));
    for query in ["interface=public", &format!("service_id={}", id(&service)), "region_id=kitchen"] {
        assert!(cloud.ids(&format!("/endpoints?{query}")).contains(&id(&endpoint).to_owned()), "{query}");
    }
    assert_eq!(in_catalogue(&cloud, "toaster").len(), 1);
    let changed = cloud.change(
        &path,
        "endpoint",
        json!({ "interface": "internal", "url": "http://bread/", "region_id": "RegionOne", "enabled": false }),
    );
    assert_eq!(cloud.get(&path)["endpoint"], changed);
    assert_eq!((&changed["url"], &changed["region"]), (&json!("http://bread/"), &json!("RegionOne")));
    assert_eq!(in_catalogue(&cloud, "toaster").len(), 0, "a disabled endpoint is left out");
    assert_eq!(cloud.refused("DELETE", "/regions/RegionOne", &Value::Null).0, 403, "a region with endpoints stays");
    cloud.done("DELETE", &path);
    let missing = (404, format!("Could not find endpoint: {}.", id(&endpoint)));
    assert_eq!(cloud.refused("DELETE", &path, &Value::Null), missing);
}

#[test]
fn what_is_no_endpoint_is_named() {
    let cloud = Cloud::start();
    let service = cloud.make("/services", "service", json!({ "type": "toaster" }));
    let create = |change: &[(&str, Value)]| {
        let mut body = json!({ "service_id": service["id"], "interface": "public", "url": "http://toast/" });
        for (name, value) in change {
            body[name] = value.clone();
        }
        cloud.refused("POST", "/endpoints", &json!({ "endpoint": body }))
    };
    let invalid = |field: &str, value: &str, reason: &str| {
        (400, format!("Invalid input for field/attribute {field}. Value: {value}. {reason}"))
    };
    let outside = "is not one of ['admin', 'internal', 'public']";
    assert_eq!(create(&[("interface", json!("x"))]), invalid("interface", "x", &format!("'x' {outside}")));
    assert_eq!(create(&[("enabled", json!("False"))]), invalid("enabled", "False", "'False' is not of type 'boolean'"));
    assert_eq!(
        create(&[("url", json!("/toast"))]),
        invalid("url", "/toast", "'/toast' does not match '^[a-zA-Z0-9+.-]+:.+'")
    );
    let bad = "http://toast/%(colour)s";
    assert_eq!(create(&[("url", json!(bad))]), (400, format!("Cannot create an endpoint with an invalid URL: {bad}.")));
    let expected = |attribute: &str, table: &str| {
        (
            400,
            format!(
                "Expecting to find endpoint {attribute} in {table} table. The server could not comply with the \
                 request since it is either malformed or otherwise incorrect. The client is assumed to be in error."
            ),
        )
    };
    assert_eq!(create(&[("region_id", json!("nope"))]), expected("region_id", "region"));
    assert_eq!(create(&[("service_id", json!("nope"))]), expected("service_id", "service"));
}

#[test]
fn places_in_a_url_are_filled_for_the_tokens_holder() {
    let cloud = Cloud::start();
    let service = cloud.make("/services", "service", json!({ "type": "toaster" }));
    let url = "http://toast/$(project_id)s/%(tenant_id)s/$(user_id)s";
    cloud.make("/endpoints", "endpoint", json!({ "service_id": service["id"], "interface": "public", "url": url }));
    let project = cloud.api.made.admin_project.as_str();
    let user = cloud.ids("/users?name=admin").remove(0);
    let endpoints = in_catalogue(&cloud, "toaster");
    assert_eq!(endpoints[0]["url"], format!("http://toast/{project}/{project}/{user}"));
    assert_eq!(endpoints[0]["region_id"], Value::Null);
    // Without a project there is no such address.
    let system = cloud.login(&user, super::common::PASSWORD, &json!({ "system": { "all": true } })).json();
    let services = system["token"]["catalog"].as_array().unwrap();
    let toaster = services.iter().find(|service| service["type"] == "toaster").unwrap();
    assert_eq!(toaster["endpoints"], json!([]));
}

#[test]
fn the_catalogue_is_shown_to_a_token_for_a_project_alone() {
    let cloud = Cloud::start();
    let (user, role) = (cloud.ids("/users?name=admin").remove(0), cloud.ids("/roles?name=reader").remove(0));
    cloud.done("PUT", &format!("/domains/default/users/{user}/roles/{role}"));
    for scope in [json!("unscoped"), json!({ "domain": { "id": "default" } }), json!({ "system": { "all": true } })] {
        let token = cloud.token(&user, super::common::PASSWORD, &scope);
        let answer = cloud.api.get(&token, "/identity/v3/auth/catalog");
        let expected = json!({ "error": {
            "code": 403,
            "message": "A project-scoped token is required to produce a service catalog.",
            "title": "Forbidden",
        } });
        assert_eq!((answer.status, answer.json()), (403, expected), "{scope}");
        assert_eq!(cloud.api.ask(&token, "HEAD", "/identity/v3/auth/catalog", &Value::Null).status, 403, "{scope}");
    }
    assert!(!in_catalogue(&cloud, "identity").is_empty());
}

#[test]
fn what_the_configuration_makes_is_neither_lost_nor_doubled() {
    let cloud = Cloud::start();
    let network = cloud.get("/services?type=network")["services"][0].clone();
    let own = cloud.get(&format!("/endpoints?service_id={}", id(&network)));
    let own = own["endpoints"].as_array().unwrap().clone();
    assert_eq!(own.len(), 3);
    let path = format!("/endpoints/{}", id(&own[0]));
    let refused = |verb: &str| {
        let id = id(&own[0]);
        (403, format!("Unable to {verb} endpoint {id}: it is made from the server's configuration."))
    };
    assert_eq!(cloud.refused("DELETE", &path, &Value::Null), refused("delete"));
    let moved = json!({ "endpoint": { "url": "http://elsewhere/" } });
    assert_eq!(cloud.refused("PATCH", &path, &moved), refused("change"));
    let unmoved = json!({ "url": own[0]["url"], "interface": own[0]["interface"], "enabled": false });
    cloud.change(&path, "endpoint", unmoved);
    let service = format!("/services/{}", id(&network));
    assert_eq!(
        cloud.refused("DELETE", &service, &Value::Null),
        (403, format!("Unable to delete service {}: it is made from the server's configuration.", id(&network)))
    );
    cloud.change(&service, "service", json!({ "name": "net" }));
    // A second service of the type, and an endpoint of another's.
    let second = cloud.make("/services", "service", json!({ "type": "network", "name": "other" }));
    for service in [&network, &second] {
        let body = json!({ "service_id": service["id"], "interface": "public", "url": "http://other/" });
        cloud.make("/endpoints", "endpoint", body);
    }
    let before = (cloud.get("/services"), cloud.get("/endpoints"));

    let Cloud { mut api, .. } = cloud;
    api.stop();
    let again = Cloud::of(TestApi::over(api.directory.clone(), |_| {}, Arc::new(NullWorld)));
    // The addresses differ by the port that each start listens on.
    let (old, new) = (api.address.to_string(), again.api.address.to_string());
    let text = |json: &Value| json.to_string().replace(&old, &new);
    assert_eq!(again.get("/services").to_string(), text(&before.0));
    assert_eq!(again.get("/endpoints").to_string(), text(&before.1));
}
