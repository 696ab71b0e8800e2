//! Every route against every kind of caller, with what is expected said line by line in `access.txt`.
//!
//! A line is a letter for each caller, a method and a path: `+` is let in (whatever is answered then),
//! `-` is refused by the rule, `!` must show a token first. The callers are: nobody, a member of a
//! project, a reader and a manager of the domain, a reader of the system, an administrator; what the
//! path names is in their domain. Two more letters are for the reader and the manager again, when what
//! the path names is in another domain. A route without a line fails, and so does a line without a
//! route.

use std::collections::BTreeMap;

use api::identity_routes;
use serde_json::{Value, json};
use store::{
    StoreError,
    identity::{Domain, Group, Limit, LimitOwner, Project, RegisteredLimit, User},
};
use types::{DomainId, LimitId, RegisteredLimitId, ServiceId};

use super::Cloud;

/// A domain with what paths name.
struct Place {
    domain: String,
    limit: String,
}

/// Tokens of the callers.
struct Callers {
    member: String,
    reader: String,
    manager: String,
    system: String,
}

fn place(cloud: &Cloud, name: &str, registered: &RegisteredLimit) -> Place {
    let (name, registered) = (name.to_owned(), registered.clone());
    cloud
        .api
        .store
        .write_blocking(move |tx| {
            let identity = tx.identity();
            let domain = Domain::new(name);
            identity.put_domain(&domain)?;
            let project = Project::new(domain.id.clone(), "limited");
            identity.put_project(&project)?;
            let limit = Limit {
                id: LimitId::random(),
                owner: LimitOwner::Project(project.id),
                registered,
                resource_limit: 1,
                description: None,
            };
            identity.put_limit(&limit)?;
            Ok::<_, StoreError>(Place { domain: domain.id.to_string(), limit: limit.id.to_string() })
        })
        .unwrap()
}

fn callers(cloud: &Cloud, domain: &str) -> Callers {
    let user = |name: &str| {
        let made = cloud.make("/users", "user", json!({ "name": name, "domain_id": domain, "password": "p" }));
        super::id(&made).to_owned()
    };
    let token = |name: &str, target: &str, role: &str, scope: Value| {
        let user = user(name);
        cloud.done("PUT", &format!("{target}/users/{user}/roles/{}", cloud.role(role)));
        cloud.token(&user, "p", &scope)
    };
    let own = cloud.make("/projects", "project", json!({ "name": "own", "domain_id": domain }));
    let (project, of_domain) = (json!({ "project": { "id": own["id"] } }), json!({ "domain": { "id": domain } }));
    let target = format!("/domains/{domain}");
    Callers {
        member: token("member", &format!("/projects/{}", super::id(&own)), "member", project),
        reader: token("reader", &target, "reader", of_domain.clone()),
        manager: token("manager", &target, "manager", of_domain),
        system: token("system", "/system", "reader", json!({ "system": { "all": true } })),
    }
}

/// What a path names, made anew for each request: some of them delete it.
fn fresh(cloud: &Cloud, place: &Place, number: usize) -> BTreeMap<&'static str, String> {
    let domain: DomainId = place.domain.parse().unwrap();
    let (user, group, project) = cloud
        .api
        .store
        .write_blocking(move |tx| {
            let identity = tx.identity();
            let user = User::new(domain.clone(), format!("u{number}"));
            let group = Group::new(domain.clone(), format!("g{number}"));
            let project = Project::new(domain, format!("p{number}"));
            identity.put_user(&user)?;
            identity.put_group(&group)?;
            identity.put_project(&project)?;
            Ok::<_, StoreError>((user.id.to_string(), group.id.to_string(), project.id.to_string()))
        })
        .unwrap();
    BTreeMap::from([
        ("user_id", user),
        ("group_id", group),
        ("project_id", project),
        ("domain_id", place.domain.clone()),
        ("limit_id", place.limit.clone()),
        ("region_id", "RegionOne".to_owned()),
    ])
}

fn path(pattern: &str, parts: &BTreeMap<&'static str, String>, role: &str) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
        Some("role_id" | "prior_role_id" | "implied_role_id") => role.to_owned(),
        Some(name) => parts.get(name).cloned().unwrap_or_else(|| "nothing".to_owned()),
        None => part.to_owned(),
    };
    pattern.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// The letter of an answer.
fn letter(answer: &super::Answer) -> char {
    let refused = answer.message().starts_with("You are not authorized to perform the requested action: ");
    match answer.status {
        401 => '!',
        403 if refused => '-',
        _ => '+',
    }
}

#[test]
fn every_route_lets_in_whom_it_should() {
    let cloud = Cloud::start();
    let service: ServiceId = cloud.ids("/services?type=network").remove(0).parse().unwrap();
    let registered = RegisteredLimit {
        id: RegisteredLimitId::random(),
        service_id: service,
        region_id: None,
        resource_name: "port".to_owned(),
        default_limit: 1,
        description: None,
    };
    let row = registered.clone();
    cloud.api.store.write_blocking(move |tx| tx.identity().put_registered_limit(&row)).unwrap();
    let (own, other) = (place(&cloud, "own", &registered), place(&cloud, "other", &registered));
    let Callers { member, reader, manager, system } = callers(&cloud, &own.domain);
    let role = cloud.role("member");
    let columns = [
        (None, &own),
        (Some(&member), &own),
        (Some(&reader), &own),
        (Some(&manager), &own),
        (Some(&system), &own),
        (Some(&cloud.admin), &own),
        (Some(&reader), &other),
        (Some(&manager), &other),
    ];
    let mut found = Vec::new();
    let mut number = 0;
    for route in identity_routes() {
        let mut letters = String::new();
        for (token, place) in columns {
            number += 1;
            let path = format!("/identity/v3{}", path(route.path, &fresh(&cloud, place, number), &role));
            let member = route.path.split('/').nth(1).unwrap().trim_end_matches('s');
            let body = json!({ member: { "name": format!("n{number}"), "domain_id": place.domain } });
            let body = if route.method == "POST" { body } else { json!({}) };
            let answer = match token {
                Some(token) => cloud.api.ask(token, route.method, &path, &body),
                None => cloud.api.send(route.method, &path, &[], Some(&body.to_string())),
            };
            letters.push(letter(&answer));
        }
        let (for_own, for_other) = letters.split_at(6);
        found.push(format!("{for_own} {for_other}  {:<6} {}", route.method, route.path));
    }
    found.sort_by_key(|line| line[11..].split_whitespace().rev().map(str::to_owned).collect::<Vec<_>>());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let text = found.join("\n") + "\n";
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/grants/access.txt"), text).unwrap();
        return;
    }
    let expected: Vec<_> = include_str!("access.txt").lines().collect();
    let unexpected: Vec<_> = found.iter().filter(|line| !expected.contains(&line.as_str())).collect();
    let absent: Vec<_> = expected.iter().filter(|line| !found.iter().any(|found| found == **line)).collect();
    assert!(
        unexpected.is_empty() && absent.is_empty(),
        "found: {unexpected:#?}\nexpected: {absent:#?}\nWhen this is right: UPDATE_EXPECT=1, and read the difference."
    );
}

#[test]
fn a_manager_gives_the_lesser_roles_within_its_domain() {
    let cloud = Cloud::start();
    let domain = cloud.named("domain", "west");
    let Callers { reader, manager, .. } = callers(&cloud, &domain);
    let user = cloud.make("/users", "user", json!({ "name": "u", "domain_id": domain }));
    let (user, stranger) = (super::id(&user).to_owned(), cloud.named("user", "stranger"));
    let project = cloud.make("/projects", "project", json!({ "name": "p", "domain_id": domain }));
    let project = super::id(&project);
    let put = |token: &str, path: String| cloud.api.ask(token, "PUT", &format!("/identity/v3{path}"), &Value::Null);
    for role in ["manager", "member", "reader"] {
        for target in [format!("/projects/{project}"), format!("/domains/{domain}")] {
            let path = format!("{target}/users/{user}/roles/{}", cloud.role(role));
            assert_eq!(put(&manager, path.clone()).status, 204, "{role} on {target}");
            assert_eq!(put(&reader, path.clone()).status, 403);
            assert_eq!(cloud.api.get(&reader, &format!("/identity/v3{path}")).status, 204);
        }
    }
    let text = "You are not authorized to perform the requested action: identity:create_grant.";
    for path in [
        format!("/projects/{project}/users/{user}/roles/{}", cloud.role("admin")),
        format!("/projects/{project}/users/{stranger}/roles/{}", cloud.role("member")),
        format!("/projects/{}/users/{user}/roles/{}", cloud.api.made.demo_project, cloud.role("member")),
        format!("/domains/default/users/{user}/roles/{}", cloud.role("member")),
        format!("/projects/{project}/users/{user}/roles/nope"),
        format!("/projects/{project}/users/nope/roles/{}", cloud.role("member")),
    ] {
        let refused = put(&manager, path.clone());
        assert_eq!((refused.status, refused.message()), (403, text.to_owned()), "{path}");
    }
    // A role of another domain may have any name and imply anything.
    let of_east = cloud.named("domain", "east");
    let foreign = cloud.make("/roles", "role", json!({ "name": "member", "domain_id": of_east }));
    let own = cloud.make("/roles", "role", json!({ "name": "member", "domain_id": domain }));
    let on_domain = |role: &Value| format!("/domains/{domain}/users/{user}/roles/{}", super::id(role));
    assert_eq!(put(&manager, on_domain(&foreign)).status, 403);
    assert_eq!(put(&manager, on_domain(&own)).status, 204);
    // It sees the roles that it may give, and no others.
    let get = |token: &str, path: String| cloud.api.get(token, &format!("/identity/v3{path}")).status;
    assert_eq!(get(&manager, format!("/roles/{}", cloud.role("member"))), 200);
    assert_eq!(get(&manager, format!("/roles/{}", cloud.role("admin"))), 403);
    assert_eq!(get(&manager, "/roles".to_owned()), 200);
    assert_eq!(get(&manager, format!("/roles?domain_id={domain}")), 403);
    assert_eq!(get(&reader, "/roles".to_owned()), 403);
}

#[test]
fn a_token_for_a_domain_sees_the_assignments_of_that_domain() {
    let cloud = Cloud::start();
    let domain = cloud.named("domain", "west");
    let Callers { reader, .. } = callers(&cloud, &domain);
    let get = |query: &str| cloud.api.get(&reader, &format!("/identity/v3/role_assignments?{query}"));
    for query in ["", "effective", "include_names"] {
        let json = get(query).json();
        let listed = json["role_assignments"].as_array().unwrap();
        assert!(listed.len() >= 3, "{query}: {listed:?}");
        for item in listed {
            let scope = &item["scope"];
            let project = scope["project"]["id"].as_str();
            let of_domain = scope["domain"]["id"] == domain.as_str();
            let in_domain = project
                .is_some_and(|id| cloud.get(&format!("/projects/{id}"))["project"]["domain_id"] == domain.as_str());
            assert!(of_domain || in_domain, "{query}: {item}");
        }
    }
    let foreign = get(&format!("include_subtree&scope.project.id={}", cloud.api.made.demo_project));
    let text = "You are not authorized to perform the requested action: identity:list_role_assignments_for_tree.";
    assert_eq!((foreign.status, foreign.message()), (403, text.to_owned()));
}

#[test]
fn an_administrator_of_a_domain_is_none_of_the_cloud() {
    let cloud = Cloud::start();
    let domain = cloud.named("domain", "west");
    let user = cloud.make("/users", "user", json!({ "name": "boss", "domain_id": domain, "password": "p" }));
    let user = super::id(&user);
    cloud.done("PUT", &format!("/domains/{domain}/users/{user}/roles/{}", cloud.role("admin")));
    let token = cloud.token(user, "p", &json!({ "domain": { "id": domain } }));
    let ask =
        |method: &str, path: &str, body: &Value| cloud.api.ask(&token, method, &format!("/identity/v3{path}"), body);
    for (method, path) in [("POST", "/domains"), ("POST", "/roles"), ("GET", "/services"), ("GET", "/role_inferences")]
    {
        assert_eq!(ask(method, path, &json!({})).status, 403, "{method} {path}");
    }
    assert_eq!(ask("GET", "/users", &Value::Null).status, 200);
}
