//! Endpoint groups, and projects that see a part of the catalogue.

use serde_json::{Value, json};

use super::{Cloud, id};

#[test]
fn an_endpoint_group_lives_a_whole_life() {
    let cloud = Cloud::start();
    let base = "/OS-EP-FILTER/endpoint_groups";
    let body = json!({ "name": "public ones", "description": "d", "filters": { "interface": "public" } });
    let group = cloud.make(base, "endpoint_group", body);
    let path = format!("{base}/{}", id(&group));
    assert!(group["links"]["self"].as_str().unwrap().ends_with(&path));
    assert_eq!(cloud.get(&path)["endpoint_group"], group);
    assert_eq!(cloud.ask("HEAD", &path, &Value::Null).status, 200);
    assert_eq!(cloud.ids(base), [id(&group)]);
    let chosen = cloud.get(&format!("{path}/endpoints"));
    let chosen = chosen["endpoints"].as_array().unwrap();
    assert!(!chosen.is_empty() && chosen.iter().all(|endpoint| endpoint["interface"] == "public"));
    let changed = cloud.change(&path, "endpoint_group", json!({ "filters": { "region_id": "nowhere" } }));
    assert_eq!((&changed["name"], &changed["filters"]["region_id"]), (&json!("public ones"), &json!("nowhere")));
    assert_eq!(cloud.get(&format!("{path}/endpoints"))["endpoints"], json!([]));
    cloud.done("DELETE", &path);
    assert_eq!(
        cloud.refused("GET", &path, &Value::Null),
        (404, format!("Could not find Endpoint Group: {}.", id(&group)))
    );
}

#[test]
fn what_is_no_endpoint_group_is_named() {
    let cloud = Cloud::start();
    let create =
        |body: Value| cloud.refused("POST", "/OS-EP-FILTER/endpoint_groups", &json!({ "endpoint_group": body }));
    let text =
        "Invalid input for field/attribute endpoint_group. Value: {'name': 'x'}. 'filters' is a required property";
    assert_eq!(create(json!({ "name": "x" })), (400, text.to_owned()));
    let empty = json!({ "name": "x", "filters": {} });
    assert_eq!(create(empty), (400, "filters field is required and cannot be empty".to_owned()));
    let text = "Expecting to find service_id or region_id or interface in endpoint_group. The server could not comply \
                with the request since it is either malformed or otherwise incorrect. The client is assumed to be in \
                error.";
    assert_eq!(create(json!({ "name": "x", "filters": { "enabled": true } })), (400, text.to_owned()));
}

#[test]
fn a_project_sees_the_endpoints_that_it_was_given_and_no_others() {
    let cloud = Cloud::start();
    let project = cloud.api.made.demo_project.as_str();
    let of_demo = || {
        let catalog = cloud.api.get(&cloud.api.demo(), "/identity/v3/auth/catalog").json();
        let services = catalog["catalog"].as_array().unwrap().clone();
        let mut ids: Vec<_> = services
            .iter()
            .flat_map(|service| service["endpoints"].as_array().unwrap())
            .map(|endpoint| id(endpoint).to_owned())
            .collect();
        ids.sort();
        ids
    };
    let all = of_demo();
    let (one, two) = (all[0].clone(), all[1].clone());
    let association = format!("/OS-EP-FILTER/projects/{project}/endpoints/{one}");
    let missing = (404, format!("Endpoint {one} not found in project {project}"));
    assert_eq!(cloud.refused("GET", &association, &Value::Null), missing);
    cloud.done("PUT", &association);
    cloud.done("HEAD", &association);
    let duplicate = "Conflict occurred attempting to store project_endpoint - Duplicate entry.";
    assert_eq!(cloud.refused("PUT", &association, &Value::Null), (409, duplicate.to_owned()));
    assert_eq!(of_demo(), [one.as_str()]);
    assert_eq!(cloud.ids(&format!("/OS-EP-FILTER/projects/{project}/endpoints")), [one.as_str()]);
    assert_eq!(cloud.ids(&format!("/OS-EP-FILTER/endpoints/{one}/projects")), [project]);

    let second = cloud.get(&format!("/endpoints/{two}"))["endpoint"].clone();
    let filters = json!({ "interface": second["interface"], "service_id": second["service_id"] });
    let body = json!({ "name": "g", "filters": filters });
    let group = cloud.make("/OS-EP-FILTER/endpoint_groups", "endpoint_group", body);
    let association_of_group = format!("/OS-EP-FILTER/endpoint_groups/{}/projects/{project}", id(&group));
    let missing_group = (404, "Endpoint Group Project Association not found".to_owned());
    assert_eq!(cloud.refused("GET", &association_of_group, &Value::Null), missing_group);
    cloud.done("PUT", &association_of_group);
    let shown = cloud.get(&association_of_group);
    assert_eq!(shown["project_endpoint_group"]["project_id"], project);
    let mut both = vec![one.clone(), two.clone()];
    both.sort();
    assert_eq!(of_demo(), both);
    assert_eq!(cloud.ids(&format!("/OS-EP-FILTER/projects/{project}/endpoint_groups")), [id(&group)]);
    assert_eq!(cloud.ids(&format!("/OS-EP-FILTER/endpoint_groups/{}/projects", id(&group))), [project]);

    cloud.done("DELETE", &association);
    assert_eq!(cloud.refused("DELETE", &association, &Value::Null), missing);
    assert_eq!(of_demo(), [two.as_str()]);
    cloud.done("DELETE", &association_of_group);
    assert_eq!(cloud.refused("DELETE", &association_of_group, &Value::Null), missing_group);
    assert_eq!(of_demo(), all, "who was given nothing sees everything");
}

#[test]
fn policies_are_texts_that_are_kept() {
    let cloud = Cloud::start();
    let policy = cloud.make("/policies", "policy", json!({ "blob": "{}", "type": "application/json", "note": "n" }));
    let path = format!("/policies/{}", id(&policy));
    let changed = cloud.change(&path, "policy", json!({ "type": "text/plain" }));
    assert_eq!(
        (&changed["type"], &changed["blob"], &changed["note"]),
        (&json!("text/plain"), &json!("{}"), &json!("n"))
    );
    assert_eq!(cloud.get(&path)["policy"], changed);
    assert_eq!(cloud.ids("/policies?type=text/plain"), [id(&policy)]);
    cloud.done("DELETE", &path);
    assert_eq!(cloud.refused("GET", &path, &Value::Null), (404, format!("Could not find policy: {}.", id(&policy))));
    let absent = cloud.refused("POST", "/policies", &json!({ "policy": { "type": "x" } }));
    assert!(absent.0 == 400 && absent.1.contains("'blob' is a required property"), "{absent:?}");
}
