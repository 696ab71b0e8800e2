//! Projects and their tree.

use serde_json::{Value, json};

use super::{Cloud, id};

#[test]
fn projects_form_trees_of_five_levels_in_one_domain() {
    let cloud = Cloud::start();
    let domain = cloud.domain(json!({ "name": "d" }));
    let top = cloud.project(json!({ "name": "p1", "domain_id": domain["id"] }));
    assert_eq!(top["parent_id"], domain["id"], "its domain is above it");
    let mut parent = top.clone();
    for level in 2..=5 {
        parent = cloud.project(json!({
            "name": format!("p{level}"), "domain_id": domain["id"], "parent_id": parent["id"],
        }));
    }
    let create = |body: Value| cloud.refused("POST", "/projects", &json!({ "project": body }));
    let deeper = create(json!({ "name": "p6", "domain_id": domain["id"], "parent_id": parent["id"] }));
    assert_eq!(deeper, (403, format!("Max hierarchy depth reached for {} branch.", id(&parent))));
    let elsewhere = create(json!({ "name": "x", "domain_id": "default", "parent_id": top["id"] }));
    let text = format!(
        "Cannot create project, since it specifies its domain_id default, but specifies a parent in a different domain ({}).",
        id(&domain)
    );
    assert_eq!(elsewhere, (400, text));
    let other_domain = create(json!({ "name": "x", "domain_id": "default", "parent_id": domain["id"] }));
    let text = format!(
        "Cannot create project, the parent ({}) is acting as a domain, but this project's domain id (default) does not \
         match the parent's id.",
        id(&domain)
    );
    assert_eq!(other_domain, (400, text));
    let nowhere = create(json!({ "name": "x", "domain_id": "default", "parent_id": "nope" }));
    assert_eq!(nowhere, (400, "Could not find project: nope.".to_owned()));
    let no_domain = create(json!({ "name": "x", "domain_id": "nope" }));
    assert_eq!(no_domain, (400, "Could not find domain: nope.".to_owned()));
    assert_eq!(cloud.names(&format!("/projects?parent_id={}", id(&top))), ["p2"]);
    assert_eq!(cloud.names(&format!("/projects?domain_id={}&name__contains=5", id(&domain))), ["p5"]);
}

#[test]
fn relatives_are_shown_as_ids_or_as_the_callers_own_projects() {
    let cloud = Cloud::start();
    let a = cloud.project(json!({ "name": "a", "domain_id": "default" }));
    let b = cloud.project(json!({ "name": "b", "domain_id": "default", "parent_id": a["id"] }));
    let c = cloud.project(json!({ "name": "c", "domain_id": "default", "parent_id": b["id"] }));
    let show = |project: &Value, query: &str| cloud.get(&format!("/projects/{}?{query}", id(project)));
    let parents = show(&c, "parents_as_ids").json()["project"]["parents"].clone();
    assert_eq!(parents, json!({ id(&b): { id(&a): { "default": null } } }));
    let subtree = show(&a, "subtree_as_ids=1").json()["project"]["subtree"].clone();
    assert_eq!(subtree, json!({ id(&b): { id(&c): null } }));
    assert_eq!(show(&c, "subtree_as_ids").json()["project"]["subtree"], Value::Null);
    assert!(show(&c, "parents_as_ids=0").json()["project"].get("parents").is_none());
    assert_eq!(
        show(&c, "parents_as_list").json()["project"]["parents"],
        json!([]),
        "the administrator has no role there"
    );
    let users = cloud.get("/users?name=admin").json();
    cloud.grant(&format!("/projects/{}", id(&b)), id(&users["users"][0]), "member");
    let parents = show(&c, "parents_as_list").json()["project"]["parents"].clone();
    assert_eq!(parents.as_array().unwrap().len(), 1);
    assert_eq!(parents[0]["project"]["id"], b["id"]);
    assert_eq!(show(&a, "subtree_as_list").json()["project"]["subtree"][0]["project"]["name"], "b");
    for relatives in ["parents", "subtree"] {
        let refused = show(&c, &format!("{relatives}_as_list&{relatives}_as_ids"));
        let text = format!("Cannot use {relatives}_as_list and {relatives}_as_ids query params at the same time.");
        assert_eq!((refused.status, refused.message()), (400, text));
    }
    let of_domain = cloud.get("/projects/default?subtree_as_ids&parents_as_ids").json()["project"].clone();
    assert_eq!(of_domain["subtree"][id(&a)], json!({ id(&b): { id(&c): null } }));
    assert_eq!(of_domain["parents"], Value::Null);
}

#[test]
fn a_branch_is_enabled_from_the_top_and_disabled_from_the_bottom() {
    let cloud = Cloud::start();
    let top = cloud.project(json!({ "name": "top", "domain_id": "default" }));
    let leaf = cloud.project(json!({ "name": "leaf", "domain_id": "default", "parent_id": top["id"] }));
    let (top_path, leaf_path) = (format!("/projects/{}", id(&top)), format!("/projects/{}", id(&leaf)));
    let body = |enabled: bool| json!({ "project": { "enabled": enabled } });
    let refused = cloud.refused("PATCH", &top_path, &body(false));
    let text = format!("Cannot disable project {} since its subtree contains enabled projects.", id(&top));
    assert_eq!(refused, (403, text));
    cloud.change(&leaf_path, body(false));
    cloud.change(&top_path, body(false));
    let refused = cloud.refused("PATCH", &leaf_path, &body(true));
    assert_eq!(refused, (403, format!("Cannot enable project {} since it has disabled parents", id(&leaf))));
    let new = json!({ "project": { "name": "x", "domain_id": "default", "parent_id": leaf["id"] } });
    let text = format!("cannot create a project in a branch containing a disabled project: {}", id(&top));
    assert_eq!(cloud.refused("POST", "/projects", &new), (400, text));
    cloud.change(&top_path, body(true));
    cloud.change(&leaf_path, body(true));
}

#[test]
fn only_a_leaf_is_deleted_and_it_is_nobodys_default_any_longer() {
    let cloud = Cloud::start();
    let top = cloud.project(json!({ "name": "top", "domain_id": "default" }));
    let leaf = cloud.project(json!({ "name": "leaf", "domain_id": "default", "parent_id": top["id"] }));
    let user = cloud.user(json!({ "name": "u", "domain_id": "default", "default_project_id": leaf["id"] }));
    assert_eq!(user["default_project_id"], leaf["id"]);
    let refused = cloud.refused("DELETE", &format!("/projects/{}", id(&top)), &Value::Null);
    let text = format!(
        "Cannot delete the project {} since it is not a leaf in the hierarchy. Use the cascade option if you want to \
         delete a whole subtree.",
        id(&top)
    );
    assert_eq!(refused, (403, text));
    cloud.done("DELETE", &format!("/projects/{}", id(&leaf)));
    assert!(cloud.get(&format!("/users/{}", id(&user))).json()["user"].get("default_project_id").is_none());
    cloud.done("DELETE", &format!("/projects/{}", id(&top)));
}

#[test]
fn the_networks_of_a_deleted_project_stay() {
    let cloud = Cloud::start();
    let project = cloud.project(json!({ "name": "p", "domain_id": "default" }));
    let network = json!({ "network": { "name": "n", "project_id": project["id"] } });
    let made = cloud.api.ask(&cloud.admin, "POST", "/network/RegionOne/v2.0/networks", &network);
    assert_eq!(made.status, 201, "{}", made.text);
    cloud.done("DELETE", &format!("/projects/{}", id(&project)));
    let path = format!("/network/RegionOne/v2.0/networks?project_id={}", id(&project));
    let left = cloud.api.get(&cloud.admin, &path).json();
    assert_eq!(left["networks"].as_array().unwrap().len(), 1);
}

#[test]
fn what_a_project_is_cannot_be_changed_but_what_it_is_called_can() {
    let cloud = Cloud::start();
    let project = cloud.project(json!({ "name": "p", "domain_id": "default", "colour": "blue" }));
    assert_eq!(project["colour"], "blue");
    let path = format!("/projects/{}", id(&project));
    let update = |body: Value| cloud.refused("PATCH", &path, &json!({ "project": body }));
    assert_eq!(update(json!({ "id": "other" })), (400, "Cannot change ID".to_owned()));
    assert_eq!(update(json!({ "domain_id": "other" })), (400, "Cannot change Domain ID".to_owned()));
    assert_eq!(update(json!({ "parent_id": "other" })), (403, "Update of `parent_id` is not allowed.".to_owned()));
    assert_eq!(update(json!({ "is_domain": true })), (400, "Update of `is_domain` is not allowed.".to_owned()));
    let same = json!({ "id": project["id"], "domain_id": "default", "parent_id": "default", "is_domain": false });
    assert_eq!(cloud.change(&path, json!({ "project": same }))["project"]["name"], "p");
    let changed = cloud.change(&path, json!({ "project": { "name": " q ", "size": 3 } }))["project"].clone();
    assert_eq!((&changed["name"], &changed["colour"], &changed["size"]), (&json!("q"), &json!("blue"), &json!(3)));
    cloud.change(&path, json!({ "project": { "options": { "immutable": true } } }));
    let text = format!(
        "Unable to update immutable project resource: `{}. Set resource option \"immutable\" to false first.",
        id(&project)
    );
    assert_eq!(update(json!({ "name": "r" })), (403, text));
    assert_eq!(cloud.refused("DELETE", &path, &Value::Null).0, 403);
}

#[test]
fn projects_are_listed_as_they_are_shown() {
    let cloud = Cloud::start();
    let project = cloud.project(json!({ "name": "p", "domain_id": "default", "tags": ["b", "a"], "enabled": false }));
    let shown = cloud.get(&format!("/projects/{}", id(&project))).json()["project"].clone();
    let listed = cloud.get("/projects?name=p").json()["projects"][0].clone();
    assert_eq!(shown, listed);
    assert_eq!(cloud.names("/projects?enabled=False"), ["p"]);
    let blank = cloud.refused("POST", "/projects", &json!({ "project": { "name": "  " } }));
    let text = r"Invalid input for field/attribute name. Value:   . '  ' does not match '[\\S]+'";
    assert_eq!(blank, (400, text.to_owned()));
}
