//! Domains.

use serde_json::{Value, json};

use super::{Cloud, id};

#[test]
fn a_domain_is_disabled_before_it_is_deleted_and_takes_its_content_along() {
    let cloud = Cloud::start();
    let domain = cloud.domain(json!({ "name": "d", "description": "x" }));
    assert_eq!((&domain["enabled"], &domain["tags"], &domain["options"]), (&json!(true), &json!([]), &json!({})));
    let path = format!("/domains/{}", id(&domain));
    let user = cloud.user(json!({ "name": "u", "domain_id": domain["id"], "password": "p" }));
    let group = cloud.group(json!({ "name": "g", "domain_id": domain["id"] }));
    let project = cloud.project(json!({ "name": "p", "domain_id": domain["id"] }));
    let child = cloud.project(json!({ "name": "c", "domain_id": domain["id"], "parent_id": project["id"] }));
    // Somebody of another domain has a role there, and is in the group.
    let other = cloud.user(json!({ "name": "o", "domain_id": "default", "default_project_id": child["id"] }));
    cloud.grant(&format!("/projects/{}", id(&child)), id(&other), "member");
    cloud.done("PUT", &format!("/groups/{}/users/{}", id(&group), id(&other)));
    let refused = cloud.refused("DELETE", &path, &Value::Null);
    assert_eq!(refused, (403, "Cannot delete a domain that is enabled, please disable it first.".to_owned()));
    let disabled = cloud.change(&path, json!({ "domain": { "enabled": false } }));
    assert_eq!(disabled["domain"]["enabled"], false);
    cloud.done("DELETE", &path);
    for (kind, gone) in [("users", &user), ("groups", &group), ("projects", &project), ("projects", &child)] {
        assert_eq!(cloud.get(&format!("/{kind}/{}", id(gone))).status, 404, "{kind}");
    }
    let other = cloud.get(&format!("/users/{}", id(&other))).json()["user"].clone();
    assert!(other.get("default_project_id").is_none(), "{other}");
    assert_eq!(cloud.names(&format!("/users/{}/groups", id(&other))), Vec::<String>::new());
}

#[test]
fn an_immutable_domain_can_only_be_made_mutable_again() {
    let cloud = Cloud::start();
    let domain = cloud.domain(json!({ "name": "d", "enabled": false, "options": { "immutable": true } }));
    assert_eq!(domain["options"], json!({ "immutable": true }));
    let path = format!("/domains/{}", id(&domain));
    let text = |verb: &str| {
        format!(
            "Unable to {verb} immutable domain resource: `{}. Set resource option \"immutable\" to false first.",
            id(&domain)
        )
    };
    for body in [
        json!({ "description": "x" }),
        json!({ "description": "x", "options": { "immutable": false } }),
        json!({ "options": { "immutable": true } }),
    ] {
        assert_eq!(cloud.refused("PATCH", &path, &json!({ "domain": body })), (403, text("update")), "{body}");
    }
    assert_eq!(cloud.refused("DELETE", &path, &Value::Null), (403, text("delete")));
    let freed = cloud.change(&path, json!({ "domain": { "options": { "immutable": null } } }));
    assert_eq!(freed["domain"]["options"], json!({}));
    cloud.done("DELETE", &path);
}

#[test]
fn a_domain_with_an_immutable_project_stays() {
    let cloud = Cloud::start();
    let domain = cloud.domain(json!({ "name": "d" }));
    let project = cloud.project(json!({ "name": "p", "domain_id": domain["id"], "options": { "immutable": true } }));
    let path = format!("/domains/{}", id(&domain));
    cloud.change(&path, json!({ "domain": { "enabled": false } }));
    let (status, text) = cloud.refused("DELETE", &path, &Value::Null);
    assert_eq!(status, 403);
    assert!(text.starts_with(&format!("Unable to delete immutable project resource: `{}.", id(&project))), "{text}");
}

#[test]
fn a_domain_is_named_once_and_may_have_an_id_of_its_maker() {
    let cloud = Cloud::start();
    let chosen = "0123456789abcdef0123456789abcdef";
    let domain = cloud.domain(json!({ "name": " d ", "explicit_domain_id": chosen }));
    assert_eq!((id(&domain), &domain["name"]), (chosen, &json!("d")));
    assert!(domain.get("explicit_domain_id").is_none());
    let conflict = "Conflict occurred attempting to store project - it is not permitted to have two projects acting as \
                    domains with the same name: d.";
    let create = |body: Value| cloud.refused("POST", "/domains", &json!({ "domain": body }));
    assert_eq!(create(json!({ "name": "d" })), (409, conflict.to_owned()));
    assert_eq!(create(json!({ "name": "e", "explicit_domain_id": chosen })).0, 409);
    let bad = create(json!({ "name": "e", "explicit_domain_id": "nice" }));
    assert_eq!(bad, (400, "Domain ID does not conform to required UUID format.".to_owned()));
    let empty = create(json!({ "name": "" }));
    assert_eq!(empty, (400, "Invalid input for field/attribute name. Value: . '' should be non-empty".to_owned()));
    assert_eq!(create(json!({ "name": "a".repeat(65) })).0, 400);
    assert_eq!(create(json!({ "name": "e", "options": { "x": 1 } })).0, 400);
    assert!(create(json!({ "name": "e", "description": "a".repeat(256) })).1.ends_with("a' is too long"));
    assert_eq!(cloud.refused("GET", "/domains/nope", &Value::Null), (404, "Could not find domain: nope.".to_owned()));
    assert_eq!(cloud.names("/domains?name=d"), ["d"]);
    assert_eq!(cloud.names("/domains?enabled=false"), Vec::<String>::new());
}

#[test]
fn a_domain_is_also_a_project_that_acts_as_one() {
    let cloud = Cloud::start();
    let acting = cloud.project(json!({ "name": "d", "is_domain": true, "domain_id": null }));
    assert_eq!(
        (&acting["is_domain"], &acting["domain_id"], &acting["parent_id"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    assert!(cloud.ids("/domains").contains(&id(&acting).to_owned()));
    assert!(cloud.ids("/projects?is_domain=True").contains(&id(&acting).to_owned()));
    assert!(!cloud.ids("/projects").contains(&id(&acting).to_owned()));
    let path = format!("/projects/{}", id(&acting));
    assert_eq!(cloud.get(&path).json()["project"]["is_domain"], true);
    let below = json!({ "project": { "name": "x", "is_domain": true, "parent_id": acting["id"] } });
    let refused = cloud.refused("POST", "/projects", &below);
    assert_eq!(refused, (400, "only root projects are allowed to act as domains.".to_owned()));
    let refused = cloud.refused("PATCH", &path, &json!({ "project": { "is_domain": false } }));
    assert_eq!(refused, (400, "Update of `is_domain` is not allowed.".to_owned()));
    assert_eq!(cloud.refused("DELETE", &path, &Value::Null).0, 403, "still enabled");
    let disabled = cloud.change(&path, json!({ "project": { "enabled": false } }));
    assert_eq!((&disabled["project"]["enabled"], &disabled["project"]["is_domain"]), (&json!(false), &json!(true)));
    cloud.done("DELETE", &path);
    assert!(!cloud.ids("/domains").contains(&id(&acting).to_owned()));
}

#[test]
fn tokens_of_a_disabled_domain_are_void_and_stay_so() {
    let cloud = Cloud::start();
    let domain = cloud.domain(json!({ "name": "d" }));
    let user = cloud.user(json!({ "name": "u", "domain_id": domain["id"], "password": "p" }));
    let project = cloud.project(json!({ "name": "p", "domain_id": domain["id"] }));
    cloud.grant(&format!("/projects/{}", id(&project)), id(&user), "member");
    let scope = json!({ "project": { "id": project["id"] } });
    let token = cloud.token(&user, "p", &scope);
    let works = |token: &str| cloud.api.get(token, "/identity/v3/auth/catalog").status;
    assert_eq!(works(&token), 200);
    let path = format!("/domains/{}", id(&domain));
    cloud.change(&path, json!({ "domain": { "enabled": false } }));
    assert_eq!((works(&token), cloud.login(&user, "p", &scope).status), (401, 401));
    cloud.change(&path, json!({ "domain": { "enabled": true } }));
    assert_eq!(works(&token), 401, "an old token stays void");
    assert_eq!(works(&cloud.token(&user, "p", &scope)), 200);
}
