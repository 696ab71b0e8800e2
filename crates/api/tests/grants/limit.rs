//! Unified limits.

use serde_json::{Value, json};

use super::{Cloud, id};

fn service(cloud: &Cloud) -> String {
    cloud.ids("/services?type=network").remove(0)
}

/// Makes one of the things that are made by lists.
fn make(cloud: &Cloud, collection: &str, attributes: Value) -> Value {
    let answer = cloud.ask("POST", &format!("/{collection}"), &json!({ collection: [attributes] }));
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert!(answer.json().get("links").is_none());
    answer.json()[collection][0].clone()
}

#[test]
fn the_model_is_flat() {
    let cloud = Cloud::start();
    assert_eq!(cloud.get("/limits/model")["model"]["name"], "flat");
}

#[test]
fn a_registered_limit_lives_a_whole_life() {
    let cloud = Cloud::start();
    let service = service(&cloud);
    let body = json!({ "service_id": service, "region_id": "RegionOne", "resource_name": "port", "default_limit": 10 });
    let limit = make(&cloud, "registered_limits", body.clone());
    assert_eq!((&limit["description"], &limit["default_limit"]), (&Value::Null, &json!(10)));
    let path = format!("/registered_limits/{}", id(&limit));
    let changed = cloud.change(&path, "registered_limit", json!({ "default_limit": -1, "description": "none" }));
    assert_eq!(cloud.get(&path)["registered_limit"], changed);
    assert_eq!(cloud.ids("/registered_limits?resource_name=port"), [id(&limit)]);
    assert_eq!(cloud.ids("/registered_limits?region_id=elsewhere"), Vec::<String>::new());
    let again = cloud.refused("POST", "/registered_limits", &json!({ "registered_limits": [body] }));
    assert_eq!(again, (409, "Conflict occurred attempting to store registered_limit - Duplicate entry.".to_owned()));
    cloud.done("DELETE", &path);
    let missing = (404, format!("Could not find registered limit for {}.", id(&limit)));
    assert_eq!(cloud.refused("GET", &path, &Value::Null), missing);
}

#[test]
fn what_is_no_registered_limit_is_named_and_none_of_its_list_is_made() {
    let cloud = Cloud::start();
    let service = service(&cloud);
    let good = json!({ "service_id": service, "resource_name": "port", "default_limit": 1 });
    let create = |change: (&str, Value)| {
        let mut bad = good.clone();
        bad[change.0] = change.1;
        cloud.refused("POST", "/registered_limits", &json!({ "registered_limits": [good, bad] }))
    };
    let invalid = |field: &str, value: &str, reason: &str| {
        (400, format!("Invalid input for field/attribute {field}. Value: {value}. {reason}"))
    };
    assert_eq!(create(("service_id", json!("x"))), invalid("service_id", "x", "'x' is not a 'uuid'"));
    assert_eq!(
        create(("default_limit", json!(-2))),
        invalid("default_limit", "-2", "-2 is less than the minimum of -1")
    );
    assert_eq!(
        create(("default_limit", json!(1_u64 << 31))),
        invalid("default_limit", "2147483648", "2147483648 is greater than the maximum of 2147483647")
    );
    assert_eq!(create(("default_limit", json!("1"))), invalid("default_limit", "1", "'1' is not of type 'integer'"));
    let expected = "Expecting to find service_id in registered_limit. The server could not comply with the request \
                    since it is either malformed or otherwise incorrect. The client is assumed to be in error.";
    let nobody = "0".repeat(32);
    assert_eq!(create(("service_id", json!(nobody))), (400, expected.to_owned()));
    assert_eq!(cloud.get("/registered_limits")["registered_limits"], json!([]));
    assert_eq!(
        cloud.refused("POST", "/registered_limits", &json!({ "registered_limits": [] })),
        invalid("registered_limits", "[]", "[] should be non-empty")
    );
}

#[test]
fn a_limit_stands_in_place_of_a_registered_one() {
    let cloud = Cloud::start();
    let (service, project) = (service(&cloud), cloud.api.made.demo_project.as_str().to_owned());
    let body = json!({
        "service_id": service, "project_id": project, "resource_name": "port", "resource_limit": 5,
    });
    assert_eq!(
        cloud.refused("POST", "/limits", &json!({ "limits": [body] })),
        (403, "Unable to create a limit that has no corresponding registered limit.".to_owned())
    );
    let registered = make(
        &cloud,
        "registered_limits",
        json!({ "service_id": service, "resource_name": "port", "default_limit": 10 }),
    );
    let limit = make(&cloud, "limits", body.clone());
    assert_eq!((&limit["domain_id"], &limit["region_id"]), (&Value::Null, &Value::Null));
    let of_domain = json!({
        "service_id": service, "domain_id": "default", "resource_name": "port", "resource_limit": 50,
    });
    let of_domain = make(&cloud, "limits", of_domain);
    assert_eq!(
        cloud.refused("POST", "/limits", &json!({ "limits": [body] })),
        (409, "Conflict occurred attempting to store limit - Duplicate entry.".to_owned())
    );
    let path = format!("/limits/{}", id(&limit));
    assert_eq!(cloud.change(&path, "limit", json!({ "resource_limit": 0 }))["resource_limit"], 0);
    assert_eq!(cloud.ids(&format!("/limits?project_id={project}")), [id(&limit)]);
    assert_eq!(cloud.ids("/limits?domain_id=default"), [id(&of_domain)]);
    let in_use = format!(
        "Unable to update or delete registered limit {} because there are project limits associated with it.",
        id(&registered)
    );
    let registered_path = format!("/registered_limits/{}", id(&registered));
    assert_eq!(cloud.refused("DELETE", &registered_path, &Value::Null), (403, in_use));

    // Who has a token for the project sees its limits and no others.
    let demo = cloud.api.demo();
    let seen = cloud.api.get(&demo, "/identity/v3/limits").json();
    assert_eq!(seen["limits"].as_array().unwrap().iter().map(id).collect::<Vec<_>>(), [id(&limit)]);
    assert_eq!(cloud.api.get(&demo, &format!("/identity/v3{path}")).status, 200);
    assert_eq!(cloud.api.get(&demo, &format!("/identity/v3/limits/{}", id(&of_domain))).status, 403);
    cloud.done("DELETE", &path);
    assert_eq!(cloud.refused("GET", &path, &Value::Null), (404, format!("Could not find limit for {}.", id(&limit))));
    let service_path = format!("/services/{service}");
    assert_eq!(cloud.refused("DELETE", &service_path, &Value::Null).0, 403, "limits of a service keep it");
}
