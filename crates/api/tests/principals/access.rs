//! What managers and readers of a domain may do: all of it in their own domain, none of it elsewhere.

use serde_json::{Value, json};

use super::{Cloud, id};

/// A domain with a project, a group and two users, who manage and read it.
struct Estate {
    domain: Value,
    project: Value,
    group: Value,
    manager: Value,
    reader: Value,
}

fn estate(cloud: &Cloud, name: &str) -> Estate {
    let domain = cloud.domain(json!({ "name": name }));
    let of = |name: &str| json!({ "name": name, "domain_id": domain["id"], "password": "p" });
    let [manager, reader] = ["manager", "reader"].map(|role| {
        let user = cloud.user(of(role));
        cloud.grant(&format!("/domains/{}", id(&domain)), id(&user), role);
        user
    });
    let project = cloud.project(json!({ "name": "p", "domain_id": domain["id"] }));
    let group = cloud.group(json!({ "name": "g", "domain_id": domain["id"] }));
    Estate { domain, project, group, manager, reader }
}

impl Estate {
    fn token(&self, cloud: &Cloud, user: &Value) -> String {
        cloud.token(user, "p", &json!({ "domain": { "id": self.domain["id"] } }))
    }
}

#[test]
fn a_reader_sees_its_domain_and_no_other() {
    let cloud = Cloud::start();
    let (own, other) = (estate(&cloud, "own"), estate(&cloud, "other"));
    let token = own.token(&cloud, &own.reader);
    let get = |path: &str| cloud.api.get(&token, &format!("/identity/v3{path}"));
    for (path, key, count) in
        [("/users", "users", 2), ("/groups", "groups", 1), ("/projects", "projects", 1), ("/domains", "domains", 1)]
    {
        let answer = get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let listed = answer.json()[key].as_array().unwrap().clone();
        assert_eq!(listed.len(), count, "{path}: {listed:?}");
        let domain = |item: &Value| item.get("domain_id").unwrap_or(&item["id"]).clone();
        assert!(listed.iter().all(|item| domain(item) == own.domain["id"]), "{path}: {listed:?}");
        // Not even by asking for it.
        let asked = get(&format!("{path}?domain_id={}", id(&other.domain)));
        let elsewhere = |item: &Value| domain(item) == other.domain["id"];
        assert!(!asked.json()[key].as_array().unwrap().iter().any(elsewhere), "{path}");
    }
    for estate in [&own, &other] {
        let expected = if id(&estate.domain) == id(&own.domain) { 200 } else { 403 };
        for path in [
            format!("/users/{}", id(&estate.manager)),
            format!("/users/{}/groups", id(&estate.manager)),
            format!("/users/{}/projects", id(&estate.manager)),
            format!("/groups/{}", id(&estate.group)),
            format!("/groups/{}/users", id(&estate.group)),
            format!("/projects/{}", id(&estate.project)),
            format!("/projects/{}/tags", id(&estate.project)),
            format!("/domains/{}", id(&estate.domain)),
        ] {
            assert_eq!(get(&path).status, expected, "{path}");
        }
    }
    assert_eq!(get("/users/nope").status, 403, "what does not exist is in no domain");
    let body = json!({ "group": { "name": "x", "domain_id": own.domain["id"] } });
    assert_eq!(cloud.api.ask(&token, "POST", "/identity/v3/groups", &body).status, 403, "reading is not writing");
}

#[test]
fn a_manager_changes_what_is_in_its_domain_and_nothing_else() {
    let cloud = Cloud::start();
    let (own, other) = (estate(&cloud, "own"), estate(&cloud, "other"));
    let token = own.token(&cloud, &own.manager);
    let ask =
        |method: &str, path: &str, body: &Value| cloud.api.ask(&token, method, &format!("/identity/v3{path}"), body);
    for (collection, member) in [("users", "user"), ("groups", "group"), ("projects", "project")] {
        let create = |domain: &Value| json!({ member: { "name": "new", "domain_id": domain["id"] } });
        let refused = ask("POST", &format!("/{collection}"), &create(&other.domain));
        let text = format!("You are not authorized to perform the requested action: identity:create_{member}.");
        assert_eq!((refused.status, refused.message()), (403, text));
        let made = ask("POST", &format!("/{collection}"), &create(&own.domain));
        assert_eq!(made.status, 201, "{member}: {}", made.text);
        let path = format!("/{collection}/{}", id(&made.json()[member]));
        assert_eq!(ask("PATCH", &path, &json!({ member: { "description": "x" } })).status, 200, "{member}");
        assert_eq!(ask("DELETE", &path, &Value::Null).status, 204, "{member}");
    }
    for path in [
        format!("/users/{}", id(&other.reader)),
        format!("/groups/{}", id(&other.group)),
        format!("/projects/{}", id(&other.project)),
        // Its own domain is not in it.
        format!("/domains/{}", id(&own.domain)),
        format!("/projects/{}", id(&own.domain)),
    ] {
        assert_eq!(ask("DELETE", &path, &Value::Null).status, 403, "{path}");
    }
    let acting = json!({ "project": { "name": "x", "is_domain": true } });
    assert_eq!(ask("POST", "/projects", &acting).status, 403);
    // Both ends of a membership must be its own.
    let member = |group: &Value, user: &Value| format!("/groups/{}/users/{}", id(group), id(user));
    assert_eq!(ask("PUT", &member(&own.group, &own.reader), &Value::Null).status, 204);
    assert_eq!(ask("PUT", &member(&own.group, &other.reader), &Value::Null).status, 403);
    assert_eq!(ask("PUT", &member(&other.group, &own.reader), &Value::Null).status, 403);
    assert_eq!(ask("PUT", &format!("/projects/{}/tags/x", id(&own.project)), &Value::Null).status, 201);
    assert_eq!(ask("PUT", &format!("/projects/{}/tags/x", id(&other.project)), &Value::Null).status, 403);
}
