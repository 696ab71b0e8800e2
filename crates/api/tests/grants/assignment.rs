//! `GET /role_assignments`: every filter, and what takes effect.

use serde_json::{Value, json};
use store::{
    StoreError,
    identity::{Actor, Assignment, Group, Target},
};

use super::{Cloud, id};

/// Somebody in a group, a tree of three projects, and a role that implies another.
struct Scene {
    cloud: Cloud,
    user: String,
    group: String,
    root: String,
    middle: String,
    leaf: String,
    prior: String,
    implied: String,
}

fn scene() -> Scene {
    let cloud = Cloud::start();
    let (user, group) = (cloud.named("user", "ann"), cloud.named("group", "staff"));
    cloud.done("PUT", &format!("/groups/{group}/users/{user}"));
    let root = cloud.named("project", "root");
    let child = |name: &str, parent: &str| {
        id(&cloud.make("/projects", "project", json!({ "name": name, "parent_id": parent }))).to_owned()
    };
    let middle = child("middle", &root);
    let leaf = child("leaf", &middle);
    let [prior, implied] = ["prior", "implied"].map(|name| cloud.named("role", name));
    assert_eq!(cloud.ask("PUT", &format!("/roles/{prior}/implies/{implied}"), &Value::Null).status, 201);
    Scene { cloud, user, group, root, middle, leaf, prior, implied }
}

impl Scene {
    fn list(&self, query: &str) -> Vec<Value> {
        let json = self.cloud.get(&format!("/role_assignments?{query}"));
        json["role_assignments"].as_array().unwrap().clone()
    }

    /// A link as the list gives it.
    fn url(&self, path: &str) -> String {
        format!("http://{}/identity/v3{path}", self.cloud.api.address)
    }
}

#[test]
fn assignments_are_listed_by_what_they_are_made_of() {
    let scene = scene();
    let Scene { cloud, user, group, root, middle, prior, implied, .. } = &scene;
    cloud.done("PUT", &format!("/projects/{root}/users/{user}/roles/{prior}"));
    cloud.done("PUT", &format!("/domains/default/groups/{group}/roles/{implied}"));
    cloud.done("PUT", &format!("/system/users/{user}/roles/{implied}"));
    let inherited = format!("/OS-INHERIT/projects/{root}/groups/{group}/roles/{prior}/inherited_to_projects");
    cloud.done("PUT", &inherited);
    cloud.done("PUT", &format!("/projects/{middle}/users/{user}/roles/{implied}"));

    let on_root = scene.list(&format!("scope.project.id={root}&user.id={user}"));
    let path = format!("/projects/{root}/users/{user}/roles/{prior}");
    assert_eq!(
        on_root,
        [json!({
            "links": { "assignment": scene.url(&path) },
            "scope": { "project": { "id": root } },
            "user": { "id": user },
            "role": { "id": prior },
        })]
    );
    let inherited_only = scene.list(&format!("scope.OS-INHERIT:inherited_to=projects&group.id={group}"));
    assert_eq!(
        inherited_only,
        [json!({
            "links": { "assignment": scene.url(&inherited) },
            "scope": { "project": { "id": root }, "OS-INHERIT:inherited_to": "projects" },
            "group": { "id": group },
            "role": { "id": prior },
        })]
    );
    let on_system = scene.list(&format!("scope.system=all&user.id={user}"));
    assert_eq!(on_system.len(), 1);
    assert_eq!(on_system[0]["scope"], json!({ "system": { "all": true } }));
    assert_eq!(on_system[0]["links"]["assignment"], scene.url(&format!("/system/users/{user}/roles/{implied}")));
    assert_eq!(scene.list(&format!("scope.domain.id=default&group.id={group}")).len(), 1);
    assert_eq!(scene.list(&format!("role.id={prior}")).len(), 2);
    assert_eq!(scene.list(&format!("user.id={user}")).len(), 3);
    assert_eq!(scene.list("user.id=nope").len(), 0);
    assert_eq!(scene.list(&format!("scope.project.id={root}&include_subtree")).len(), 3);
    assert_eq!(scene.list(&format!("scope.project.id={root}&include_subtree=0")).len(), 2);
}

#[test]
fn names_come_with_their_domains() {
    let scene = scene();
    let Scene { cloud, user, group, root, prior, .. } = &scene;
    cloud.done("PUT", &format!("/projects/{root}/users/{user}/roles/{prior}"));
    cloud.done("PUT", &format!("/domains/default/groups/{group}/roles/{prior}"));
    let domain = json!({ "id": "default", "name": "Default" });
    let named = scene.list(&format!("user.id={user}&include_names"));
    assert_eq!(named[0]["user"], json!({ "id": user, "name": "ann", "domain": domain }));
    assert_eq!(named[0]["role"], json!({ "id": prior, "name": "prior" }));
    assert_eq!(named[0]["scope"], json!({ "project": { "id": root, "name": "root", "domain": domain } }));
    let named = scene.list(&format!("group.id={group}&include_names=true"));
    assert_eq!(named[0]["group"], json!({ "id": group, "name": "staff", "domain": domain }));
    assert_eq!(named[0]["scope"], json!({ "domain": domain }));
    assert_eq!(scene.list(&format!("group.id={group}&include_names=0"))[0]["group"], json!({ "id": group }));
}

#[test]
fn what_takes_effect_says_where_it_comes_from() {
    let scene = scene();
    let Scene { cloud, user, group, root, middle, leaf, prior, implied } = &scene;
    let inherited = format!("/OS-INHERIT/projects/{root}/groups/{group}/roles/{prior}/inherited_to_projects");
    cloud.done("PUT", &inherited);
    let mut found = scene.list(&format!("effective&user.id={user}&scope.project.id={leaf}"));
    found.sort_by_key(|item| item["links"]["prior_role"].is_string());
    let membership = scene.url(&format!("/groups/{group}/users/{user}"));
    let scope = json!({ "project": { "id": leaf }, "OS-INHERIT:inherited_to": "projects" });
    let of = |role: &str, links: Value| json!({ "links": links, "scope": scope, "user": { "id": user }, "role": { "id": role } });
    // The role that was given is in the link of what it implies; Keystone names the two the other way round.
    let prior_role = scene.url(&format!("/prior_role/{implied}/implies/{prior}"));
    let assignment = scene.url(&inherited);
    assert_eq!(
        found,
        [
            of(prior, json!({ "assignment": assignment, "membership": membership })),
            of(implied, json!({ "assignment": assignment, "membership": membership, "prior_role": prior_role })),
        ]
    );
    assert_eq!(scene.list(&format!("effective&user.id={user}&scope.project.id={root}")), Vec::<Value>::new());
    assert_eq!(scene.list(&format!("effective&user.id={user}&scope.project.id={root}&include_subtree")).len(), 4);
    assert_eq!(scene.list(&format!("effective&role.id={implied}")).len(), 2, "on middle and leaf");
    assert_eq!(scene.list(&format!("effective&scope.project.id={middle}&role.id={prior}")).len(), 1);
    let direct = format!("effective&user.id={user}&scope.OS-INHERIT:inherited_to=nothing");
    assert_eq!(scene.list(&direct), Vec::<Value>::new());
    // A role of a domain is in nobody's token.
    let of_domain = cloud.make("/roles", "role", json!({ "name": "d", "domain_id": "default" }));
    cloud.done("PUT", &format!("/projects/{root}/users/{user}/roles/{}", id(&of_domain)));
    assert_eq!(scene.list(&format!("effective&user.id={user}&scope.project.id={root}")), Vec::<Value>::new());
}

#[test]
fn inherited_from_a_domain_reaches_every_project_of_it() {
    let scene = scene();
    let Scene { cloud, user, root, middle, leaf, implied, .. } = &scene;
    let path = format!("/OS-INHERIT/domains/default/users/{user}/roles/{implied}/inherited_to_projects");
    cloud.done("PUT", &path);
    let found = scene.list(&format!("effective&user.id={user}"));
    let projects: Vec<_> = found.iter().map(|item| id(&item["scope"]["project"])).collect();
    for project in [root, middle, leaf] {
        assert!(projects.contains(&project.as_str()), "{projects:?}");
    }
    assert!(found.iter().all(|item| item["links"]["assignment"] == scene.url(&path)), "{found:?}");
    assert_eq!(scene.list(&format!("effective&user.id={user}&scope.domain.id=default")), Vec::<Value>::new());
}

#[test]
fn filters_that_exclude_each_other_are_named() {
    let cloud = Cloud::start();
    for (query, message) in [
        ("scope.project.id=a&scope.domain.id=b", "Specify a domain or project, not both"),
        ("scope.domain.id=a&scope.system=all", "Specify system or domain, not both"),
        ("scope.project.id=a&scope.system=all", "Specify system or project, not both"),
        ("user.id=a&group.id=b", "Specify a user or group, not both"),
        ("effective&group.id=a", "Combining effective and group filter will always result in an empty list."),
        (
            "effective&scope.domain.id=a&scope.OS-INHERIT:inherited_to=projects",
            "Combining effective, domain and inherited filters will always result in an empty list.",
        ),
        ("include_subtree", "scope.project.id must be specified if include_subtree is also specified"),
    ] {
        let refused = cloud.refused("GET", &format!("/role_assignments?{query}"), &Value::Null);
        assert_eq!(refused, (400, message.to_owned()), "{query}");
    }
}

#[test]
fn what_takes_effect_is_found_behind_pages_of_assignments_that_do_not_and_a_long_list_is_cut() {
    let scene = scene();
    let Scene { cloud, user, root, implied, .. } = &scene;
    cloud.done("PUT", &format!("/projects/{root}/users/{user}/roles/{implied}"));
    // Groups without members come before users, and more of them than are read at once.
    let (project, role) = (root.parse().unwrap(), implied.parse().unwrap());
    let assign = move |number: usize, tx: &mut store::Tx<'_>| {
        let group = Group::new("default".parse().unwrap(), format!("empty {number}"));
        tx.identity().put_group(&group)?;
        let target = Target::Project(types::ProjectId::clone(&project));
        let assignment = Assignment {
            role_id: types::RoleId::clone(&role),
            actor: Actor::Group(group.id),
            target,
            inherited: false,
        };
        tx.identity().assign_role(&assignment)
    };
    let many = move |tx: &mut store::Tx<'_>| (0..2100).try_for_each(|number| assign(number, tx));
    cloud.api.store.write_blocking::<_, StoreError, _>(many).unwrap();
    let found = scene.list(&format!("effective&scope.project.id={root}"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["user"]["id"], json!(user));

    // 101 members of a group times 100 projects is more than an answer holds.
    let group = cloud.named("group", "crowd");
    let (crowd, role) = (group.parse::<types::GroupId>().unwrap(), implied.parse().unwrap());
    let domain: types::DomainId = id(&cloud.make("/domains", "domain", json!({ "name": "wide" }))).parse().unwrap();
    let wide = domain.clone();
    let fill = move |tx: &mut store::Tx<'_>| {
        let identity = tx.identity();
        for number in 0..101 {
            let user = store::identity::User::new("default".parse().unwrap(), format!("crowd {number}"));
            identity.put_user(&user)?;
            identity.add_member(&crowd, &user.id)?;
        }
        for number in 0..100 {
            identity.put_project(&store::identity::Project::new(wide.clone(), format!("wide {number}")))?;
        }
        let (actor, target) = (Actor::Group(crowd), Target::Domain(wide));
        identity.assign_role(&Assignment { role_id: role, actor, target, inherited: true })
    };
    cloud.api.store.write_blocking::<_, StoreError, _>(fill).unwrap();
    let list = cloud.get("/role_assignments?effective");
    assert_eq!((list["role_assignments"].as_array().unwrap().len(), &list["truncated"]), (10_000, &json!(true)));
}
