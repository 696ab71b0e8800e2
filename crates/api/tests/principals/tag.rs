//! Labels of projects.

use serde_json::{Value, json};

use super::{Cloud, id};

#[test]
fn labels_are_put_taken_and_replaced() {
    let cloud = Cloud::start();
    let project = cloud.project(json!({ "name": "p", "domain_id": "default" }));
    let tags = format!("/projects/{}/tags", id(&project));
    let put = cloud.ask("PUT", &format!("{tags}/one%20two"), &Value::Null);
    assert_eq!((put.status, put.text.as_str()), (201, ""));
    assert!(put.header("location").unwrap().ends_with(&format!("{tags}/one two")), "{:?}", put.headers);
    cloud.done("GET", &format!("{tags}/one%20two"));
    let listed = cloud.get(&tags).json();
    assert_eq!(listed["tags"], json!(["one two"]));
    assert!(listed["links"]["self"].as_str().unwrap().ends_with(&tags));
    let replaced = cloud.ask("PUT", &tags, &json!({ "tags": ["x", "y", "z"] }));
    assert_eq!((replaced.status, &replaced.json()["tags"]), (200, &json!(["x", "y", "z"])));
    cloud.done("DELETE", &format!("{tags}/x"));
    assert_eq!(
        cloud.refused("GET", &format!("{tags}/x"), &Value::Null),
        (404, "Could not find project tag: x.".to_owned())
    );
    assert_eq!(cloud.refused("DELETE", &format!("{tags}/x"), &Value::Null).0, 404);
    cloud.done("DELETE", &tags);
    assert_eq!(cloud.get(&tags).json()["tags"], json!([]));
}

#[test]
fn labels_are_bounded_everywhere_they_come_in() {
    let cloud = Cloud::start();
    let eighty: Vec<_> = (0..80).map(|n| format!("t{n}")).collect();
    let project = cloud.project(json!({ "name": "p", "domain_id": "default", "tags": eighty }));
    let tags = format!("/projects/{}/tags", id(&project));
    let (status, text) = cloud.refused("PUT", &format!("{tags}/more"), &Value::Null);
    assert!(status == 400 && text.ends_with("is too long"), "{text}");
    let (status, text) = cloud.refused("PUT", &tags, &json!({ "tags": ["a,b"] }));
    assert_eq!(
        (status, text.as_str()),
        (400, "Invalid input for field/attribute tags. Value: a,b. 'a,b' does not match '^[^,/]*$'")
    );
    let (status, text) = cloud.refused("PUT", &tags, &json!({ "tags": [5] }));
    assert_eq!(
        (status, text.as_str()),
        (400, "Invalid input for field/attribute tags. Value: 5. 5 is not of type 'string'")
    );
    let path = format!("/projects/{}", id(&project));
    assert_eq!(cloud.refused("PATCH", &path, &json!({ "project": { "tags": ["a", "a"] } })).0, 400);
    assert_eq!(cloud.refused("POST", "/projects", &json!({ "project": { "name": "q", "tags": [""] } })).0, 400);
    cloud.done("DELETE", &tags);
    assert_eq!(cloud.ask("PUT", &format!("{tags}/a"), &Value::Null).status, 201);
    let twice = cloud.refused("PUT", &format!("{tags}/a"), &Value::Null);
    assert!(twice.1.ends_with("['a', 'a'] has non-unique elements"), "{}", twice.1);
    assert_eq!(cloud.refused("PUT", &format!("{tags}/{}", "a".repeat(256)), &Value::Null).0, 400);
}

#[test]
fn projects_are_found_by_their_labels() {
    let cloud = Cloud::start();
    for (name, tags) in [("red", json!(["warm", "red"])), ("blue", json!(["cold", "blue"])), ("none", json!([]))] {
        cloud.project(json!({ "name": name, "domain_id": "default", "tags": tags, "mark": true }));
    }
    let find = |query: &str| {
        let names = cloud.names(&format!("/projects?{query}"));
        names.into_iter().filter(|name| !["admin", "demo"].contains(&name.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(find("tags=warm,red"), ["red"]);
    assert_eq!(find("tags=warm,blue"), Vec::<String>::new());
    assert_eq!(find("tags-any=warm,blue"), ["blue", "red"]);
    assert_eq!(find("not-tags=warm,red"), ["blue", "none"]);
    assert_eq!(find("not-tags-any=warm,blue"), ["none"]);
    assert_eq!(find("tags-any=warm,cold&not-tags=blue"), ["red"]);
}

#[test]
fn labels_of_an_immutable_project_stay() {
    let cloud = Cloud::start();
    let project =
        cloud.project(json!({ "name": "p", "domain_id": "default", "tags": ["a"], "options": { "immutable": true } }));
    let tags = format!("/projects/{}/tags", id(&project));
    for (method, path, verb, body) in [
        ("PUT", format!("{tags}/b"), "create", Value::Null),
        ("PUT", tags.clone(), "update", json!({ "tags": [] })),
        ("DELETE", tags.clone(), "update", Value::Null),
        ("DELETE", format!("{tags}/a"), "delete", Value::Null),
    ] {
        let text = format!(
            "Cannot {verb} project tags for {}, project is immutable. Set \"immutable\" option to false before creating \
             project tags.",
            id(&project)
        );
        assert_eq!(cloud.refused(method, &path, &body), (403, text));
    }
}
