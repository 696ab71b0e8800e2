//! Grants, and what they come to in tokens.

use serde_json::{Value, json};

use super::Cloud;

/// Somebody with a password, in a group.
struct Somebody {
    user: String,
    group: String,
}

fn somebody(cloud: &Cloud) -> Somebody {
    let user = cloud.make("/users", "user", json!({ "name": "ann", "password": "p" }));
    let (user, group) = (super::id(&user).to_owned(), cloud.named("group", "staff"));
    cloud.done("PUT", &format!("/groups/{group}/users/{user}"));
    Somebody { user, group }
}

/// The names of the roles in a token, sorted; none when there is no such scope.
fn roles_in_token(cloud: &Cloud, user: &str, scope: &Value) -> Option<Vec<String>> {
    let answer = cloud.login(user, "p", scope);
    if answer.status == 401 {
        return None;
    }
    let json = answer.json();
    let roles = json["token"]["roles"].as_array().unwrap();
    let mut names: Vec<_> = roles.iter().map(|role| role["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    Some(names)
}

#[test]
fn a_grant_of_any_kind_is_made_seen_and_taken_back() {
    let cloud = Cloud::start();
    let Somebody { user, group } = somebody(&cloud);
    let (project, role) = (cloud.named("project", "p"), cloud.named("role", "r"));
    let targets = [format!("/projects/{project}"), "/domains/default".to_owned(), "/system".to_owned()];
    for actor in [format!("/users/{user}"), format!("/groups/{group}")] {
        for target in &targets {
            let list = format!("{target}{actor}/roles");
            let grant = format!("{list}/{role}");
            assert_eq!(cloud.ids(&list), Vec::<String>::new());
            cloud.done("PUT", &grant);
            cloud.done("PUT", &grant);
            cloud.done("HEAD", &grant);
            cloud.done("GET", &grant);
            assert_eq!(cloud.ids(&list), [role.as_str()]);
            cloud.done("DELETE", &grant);
            let (place, who) = (target.rsplit('/').next().unwrap(), actor.rsplit('/').next().unwrap());
            let missing = format!(
                "Could not find role assignment with role: {role}, user or group: {who}, \
                 project, domain, or system: {place}."
            );
            assert_eq!(cloud.refused("DELETE", &grant, &Value::Null), (404, missing.clone()));
            assert_eq!(cloud.refused("GET", &grant, &Value::Null), (404, missing));
            assert_eq!(cloud.ask("HEAD", &grant, &Value::Null).status, 404);
        }
        for target in &targets[..2] {
            let grant = format!("/OS-INHERIT{target}{actor}/roles/{role}/inherited_to_projects");
            cloud.done("PUT", &grant);
            cloud.done("HEAD", &grant);
            assert_eq!(cloud.ids(&format!("{target}{actor}/roles")), Vec::<String>::new(), "not on the target itself");
            cloud.done("DELETE", &grant);
            assert_eq!(cloud.ask("HEAD", &grant, &Value::Null).status, 404);
        }
        let inherited = format!("/OS-INHERIT/domains/default{actor}/roles");
        cloud.done("PUT", &format!("{inherited}/{role}/inherited_to_projects"));
        assert_eq!(cloud.ids(&format!("{inherited}/inherited_to_projects")), [role.as_str()]);
    }
}

#[test]
fn what_a_grant_refers_to_must_be_there() {
    let cloud = Cloud::start();
    let Somebody { user, group } = somebody(&cloud);
    let (project, role) = (cloud.named("project", "p"), cloud.named("role", "r"));
    let put = |path: &str| cloud.refused("PUT", path, &Value::Null);
    let missing = |kind: &str| (404, format!("Could not find {kind}: nope."));
    assert_eq!(put(&format!("/projects/nope/users/{user}/roles/{role}")), missing("project"));
    assert_eq!(put(&format!("/domains/nope/groups/{group}/roles/{role}")), missing("domain"));
    assert_eq!(put(&format!("/projects/{project}/users/nope/roles/{role}")), missing("user"));
    assert_eq!(put(&format!("/projects/{project}/groups/nope/roles/{role}")), missing("group"));
    assert_eq!(put(&format!("/projects/{project}/users/{user}/roles/nope")), missing("role"));
}

#[test]
fn a_domains_role_stays_in_its_domain() {
    let cloud = Cloud::start();
    let Somebody { user, .. } = somebody(&cloud);
    let (west, project) = (cloud.named("domain", "west"), cloud.named("project", "p"));
    let role = cloud.make("/roles", "role", json!({ "name": "w", "domain_id": west }));
    let role = super::id(&role);
    assert_eq!(
        cloud.refused("PUT", &format!("/projects/{project}/users/{user}/roles/{role}"), &Value::Null),
        (403, format!("Project {project} must be in the same domain as the role {role} being assigned."))
    );
    assert_eq!(
        cloud.refused("PUT", &format!("/system/users/{user}/roles/{role}"), &Value::Null),
        (
            400,
            format!(
                "Role {role} is a domain-specific role. Unable to use a domain-specific role in a system assignment."
            )
        )
    );
    // At home it counts by what it implies: it is in no token itself.
    let home = cloud.make("/projects", "project", json!({ "name": "h", "domain_id": west }));
    let scope = json!({ "project": { "id": home["id"] } });
    cloud.done("PUT", &format!("/projects/{}/users/{user}/roles/{role}", super::id(&home)));
    assert_eq!(roles_in_token(&cloud, &user, &scope), None);
    let implied = format!("/roles/{role}/implies/{}", cloud.role("reader"));
    assert_eq!(cloud.ask("PUT", &implied, &Value::Null).status, 201);
    assert_eq!(roles_in_token(&cloud, &user, &scope), Some(vec!["reader".to_owned()]));
}

#[test]
fn roles_of_groups_and_inherited_ones_are_in_tokens() {
    let cloud = Cloud::start();
    let Somebody { user, group } = somebody(&cloud);
    let child = |name: &str, parent: &str| {
        let made = cloud.make("/projects", "project", json!({ "name": name, "parent_id": parent }));
        super::id(&made).to_owned()
    };
    let root = cloud.named("project", "root");
    let middle = child("middle", &root);
    let leaf = child("leaf", &middle);
    let [direct, below, everywhere] = ["direct", "below", "everywhere"].map(|name| cloud.named("role", name));
    cloud.done("PUT", &format!("/projects/{middle}/groups/{group}/roles/{direct}"));
    cloud.done("PUT", &format!("/OS-INHERIT/projects/{root}/users/{user}/roles/{below}/inherited_to_projects"));
    let of_domain = format!("/OS-INHERIT/domains/default/groups/{group}/roles/{everywhere}/inherited_to_projects");
    cloud.done("PUT", &of_domain);
    let on = |project: &str| roles_in_token(&cloud, &user, &json!({ "project": { "id": project } })).unwrap();
    assert_eq!(on(&root), ["everywhere"], "what is inherited applies below");
    assert_eq!(on(&middle), ["below", "direct", "everywhere"]);
    assert_eq!(on(&leaf), ["below", "everywhere"]);
    assert_eq!(roles_in_token(&cloud, &user, &json!({ "domain": { "id": "default" } })), None);

    let token = cloud.token(&user, "p", &json!({ "project": { "id": leaf } }));
    let projects = cloud.api.get(&token, "/identity/v3/auth/projects").json();
    let projects = projects["projects"].as_array().unwrap().iter().map(|project| project["name"].as_str().unwrap());
    let projects: Vec<_> = projects.collect();
    assert!(["root", "middle", "leaf", "demo"].iter().all(|name| projects.contains(name)), "{projects:?}");

    // Whoever leaves the group has its roles no more, with a token issued before too.
    let token = cloud.token(&user, "p", &json!({ "project": { "id": root } }));
    assert_eq!(cloud.api.get(&token, "/identity/v3/auth/catalog").status, 200);
    cloud.done("DELETE", &format!("/groups/{group}/users/{user}"));
    assert_eq!(cloud.api.get(&token, "/identity/v3/auth/catalog").status, 401);
    assert_eq!(on(&middle), ["below"]);
}
