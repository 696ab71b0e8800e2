//! Groups.

use serde_json::{Value, json};

use super::{Cloud, id};

#[test]
fn a_group_is_made_changed_listed_and_deleted() {
    let cloud = Cloud::start();
    let domain = cloud.domain(json!({ "name": "d" }));
    let group = cloud.group(json!({ "name": "g", "domain_id": domain["id"], "description": "x", "team": 7 }));
    assert_eq!((&group["domain_id"], &group["description"], &group["team"]), (&domain["id"], &json!("x"), &json!(7)));
    let path = format!("/groups/{}", id(&group));
    assert!(group["links"]["self"].as_str().unwrap().ends_with(&path));
    let changed = cloud.change(&path, json!({ "group": { "name": "h" } }))["group"].clone();
    assert_eq!((&changed["name"], &changed["description"]), (&json!("h"), &json!("x")));
    assert_eq!(cloud.get(&path).json()["group"], changed);
    cloud.group(json!({ "name": "h", "domain_id": "default" }));
    assert_eq!(cloud.names(&format!("/groups?domain_id={}", id(&domain))), ["h"]);
    assert_eq!(cloud.names("/groups?name=h"), ["h", "h"]);
    assert_eq!(cloud.names("/groups?name=g"), Vec::<String>::new());
    cloud.done("DELETE", &path);
    assert_eq!(cloud.refused("GET", &path, &Value::Null), (404, format!("Could not find group: {}.", id(&group))));
}

#[test]
fn what_does_not_fit_a_group_is_named() {
    let cloud = Cloud::start();
    let group = cloud.group(json!({ "name": "g", "domain_id": "default" }));
    let create = |body: Value| cloud.refused("POST", "/groups", &json!({ "group": body }));
    let text = "Conflict occurred attempting to store group - Duplicate entry found with name g at domain ID default.";
    assert_eq!(create(json!({ "name": "g" })), (409, text.to_owned()));
    assert_eq!(create(json!({ "name": "x", "domain_id": "nope" })), (404, "Could not find domain: nope.".to_owned()));
    assert_eq!(create(json!({ "name": "" })).0, 400);
    assert_eq!(create(json!({})).0, 400);
    let path = format!("/groups/{}", id(&group));
    let update = |body: Value| cloud.refused("PATCH", &path, &json!({ "group": body }));
    assert_eq!(update(json!({ "domain_id": "other" })), (400, "Cannot change Domain ID".to_owned()));
    assert_eq!(update(json!({ "description": 5 })).0, 400);
}

#[test]
fn members_come_and_go() {
    let cloud = Cloud::start();
    let group = cloud.group(json!({ "name": "g", "domain_id": "default" }));
    let user = cloud.user(json!({ "name": "u", "domain_id": "default" }));
    let members = format!("/groups/{}/users", id(&group));
    let member = format!("{members}/{}", id(&user));
    let absent = format!("User '{}' not found in group '{}'", id(&user), id(&group));
    assert_eq!(cloud.ask("HEAD", &member, &Value::Null).status, 404);
    assert_eq!(cloud.refused("GET", &member, &Value::Null), (404, absent.clone()));
    cloud.done("PUT", &member);
    cloud.done("PUT", &member);
    cloud.done("GET", &member);
    cloud.done("HEAD", &member);
    let listed = cloud.get(&members).json();
    assert_eq!(listed["users"], json!([cloud.get(&format!("/users/{}", id(&user))).json()["user"]]));
    assert_eq!(cloud.names(&format!("{members}?name__startswith=x")), Vec::<String>::new());
    cloud.done("DELETE", &member);
    assert_eq!(cloud.refused("DELETE", &member, &Value::Null), (404, absent));
    assert_eq!(cloud.names(&members), Vec::<String>::new());
    let nobody = cloud.refused("PUT", &format!("{members}/nope"), &Value::Null);
    assert_eq!(nobody, (404, "Could not find user: nope.".to_owned()));
    let nowhere = cloud.refused("PUT", &format!("/groups/nope/users/{}", id(&user)), &Value::Null);
    assert_eq!(nowhere, (404, "Could not find group: nope.".to_owned()));
}

#[test]
fn a_deleted_user_is_in_no_group() {
    let cloud = Cloud::start();
    let group = cloud.group(json!({ "name": "g", "domain_id": "default" }));
    let user = cloud.user(json!({ "name": "u", "domain_id": "default" }));
    cloud.done("PUT", &format!("/groups/{}/users/{}", id(&group), id(&user)));
    cloud.done("DELETE", &format!("/users/{}", id(&user)));
    assert_eq!(cloud.names(&format!("/groups/{}/users", id(&group))), Vec::<String>::new());
}
