//! The identity service over HTTP.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{PASSWORD, TestApi};
use serde_json::{Value, json};

#[test]
fn a_login_says_who_where_and_what_is_here() {
    let api = TestApi::start();
    let scope = json!({ "project": { "name": "demo", "domain": { "id": "default" } } });
    let answer = api.login("demo", PASSWORD, &scope);
    assert_eq!(answer.status, 201);
    let token = &answer.json()["token"];
    assert_eq!(token["methods"], json!(["password"]));
    assert_eq!(token["user"]["name"], "demo");
    assert_eq!(token["project"]["id"], json!(api.made.demo_project));
    let roles: Vec<_> = token["roles"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap()).collect();
    assert_eq!(roles.len(), 2, "member implies reader: {roles:?}");
    let kinds: Vec<_> = token["catalog"].as_array().unwrap().iter().map(|entry| &entry["type"]).collect();
    assert!(kinds.contains(&&json!("identity")) && kinds.contains(&&json!("network")), "{kinds:?}");
    let text = answer.header("x-subject-token").unwrap();
    assert!(text.len() < 255, "{} bytes", text.len());
    assert!(answer.header("x-openstack-request-id").unwrap().starts_with("req-"));
}

#[test]
fn scopes_are_a_project_by_either_name_a_domain_the_system_or_none() {
    let api = TestApi::start();
    let status = |user: &str, scope: Value| api.login(user, PASSWORD, &scope).status;
    assert_eq!(status("admin", json!({ "project": { "id": api.made.admin_project } })), 201);
    assert_eq!(status("admin", json!({ "system": { "all": true } })), 201);
    assert_eq!(status("demo", json!({ "system": { "all": true } })), 401);
    assert_eq!(status("demo", json!({ "project": { "id": api.made.admin_project } })), 401);
    assert_eq!(status("demo", json!({ "domain": { "id": "default" } })), 401);
    assert_eq!(status("demo", json!({ "project": { "id": "nope" } })), 401);
    let unscoped = api.login("demo", PASSWORD, &json!("unscoped"));
    assert_eq!(unscoped.status, 201);
    assert!(unscoped.json()["token"].get("project").is_none());
    // Without a wish it is the user's own project.
    let default = api.login("demo", PASSWORD, &Value::Null);
    assert_eq!(default.json()["token"]["project"]["name"], "demo");
}

#[test]
fn a_token_is_traded_for_another_scope_and_lives_no_longer() {
    let api = TestApi::start();
    let first = api.login("admin", PASSWORD, &json!("unscoped"));
    let token = first.header("x-subject-token").unwrap();
    let body = json!({ "auth": {
        "identity": { "methods": ["token"], "token": { "id": token } },
        "scope": { "project": { "id": api.made.admin_project } },
    } });
    let second = api.ask("", "POST", "/identity/v3/auth/tokens", &body);
    assert_eq!(second.status, 201, "{}", second.text);
    let (first, second) = (&first.json()["token"], &second.json()["token"]);
    assert_eq!(second["methods"], json!(["token", "password"]));
    assert_eq!(second["expires_at"], first["expires_at"]);
    assert_eq!(second["audit_ids"][1], first["audit_ids"][0]);
}

#[test]
fn wrong_credentials_are_all_refused_alike() {
    let api = TestApi::start();
    let wrong_password = api.login("demo", "wrong", &Value::Null);
    let wrong_user = api.login("nobody", PASSWORD, &Value::Null);
    for answer in [&wrong_password, &wrong_user] {
        assert_eq!(answer.status, 401);
        assert_eq!(answer.message(), "The request you have made requires authentication.");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Keystone uri=\"http://127.0.0.1:"));
    }
    for (body, status) in
        [("{", 400), ("{}", 400), ("[]", 400), (r#"{"auth": {"identity": {"methods": ["saml2"], "saml2": {}}}}"#, 401)]
    {
        assert_eq!(api.send("POST", "/identity/v3/auth/tokens", &[], Some(body)).status, status, "{body}");
    }
}

#[test]
fn a_revoked_token_is_refused_at_once_and_the_others_are_not() {
    let api = TestApi::start();
    let (first, second) = (api.demo(), api.demo());
    let headers = [("X-Auth-Token", first.as_str()), ("X-Subject-Token", first.as_str())];
    assert_eq!(api.send("DELETE", "/identity/v3/auth/tokens", &headers, None).status, 204);
    assert_eq!(api.get(&first, "/identity/v3/auth/projects").status, 401);
    assert_eq!(api.get(&second, "/identity/v3/auth/projects").status, 200);
}

#[test]
fn whoever_is_disabled_moved_or_deleted_is_refused_at_once() {
    let api = TestApi::start();
    let admin = api.admin();
    let users = api.get(&admin, "/identity/v3/users?name=demo").json();
    let user = users["users"][0]["id"].as_str().unwrap().to_owned();
    let set = |path: String, body: Value| assert_eq!(api.ask(&admin, "PATCH", &path, &body).status, 200);
    let project_path = format!("/identity/v3/projects/{}", api.made.demo_project);
    let user_path = format!("/identity/v3/users/{user}");

    let token = api.demo();
    set(user_path.clone(), json!({ "user": { "enabled": false } }));
    assert_eq!(api.get(&token, "/identity/v3/auth/projects").status, 401);
    assert_eq!(api.login("demo", PASSWORD, &Value::Null).status, 401);
    set(user_path.clone(), json!({ "user": { "enabled": true } }));
    assert_eq!(api.get(&token, "/identity/v3/auth/projects").status, 401, "an old token stays void");

    let token = api.demo();
    set(project_path.clone(), json!({ "project": { "enabled": false } }));
    assert_eq!(api.get(&token, "/identity/v3/auth/catalog").status, 401);
    set(project_path, json!({ "project": { "enabled": true } }));

    let token = api.demo();
    set(user_path.clone(), json!({ "user": { "password": "another" } }));
    assert_eq!(api.get(&token, "/identity/v3/auth/catalog").status, 401);
    assert_eq!(api.login("demo", "another", &Value::Null).status, 201);

    let token = api.login("demo", "another", &Value::Null).header("x-subject-token").unwrap().to_owned();
    assert_eq!(api.ask(&admin, "DELETE", &user_path, &Value::Null).status, 204);
    assert_eq!(api.get(&token, "/identity/v3/auth/catalog").status, 401);
}

#[test]
fn a_role_that_is_taken_away_is_gone_from_tokens_issued_before() {
    let api = TestApi::start();
    let admin = api.admin();
    let demo = api.demo();
    let id = |path: &str, key: &str| api.get(&admin, path).json()[key][0]["id"].as_str().unwrap().to_owned();
    let user = id("/identity/v3/users?name=demo", "users");
    let member = id("/identity/v3/roles?name=member", "roles");
    let admin_role = id("/identity/v3/roles?name=admin", "roles");
    let grant = |role: &str| format!("/identity/v3/projects/{}/users/{user}/roles/{role}", api.made.demo_project);

    assert_eq!(api.get(&demo, "/identity/v3/projects").status, 403);
    assert_eq!(api.ask(&admin, "PUT", &grant(&admin_role), &Value::Null).status, 204);
    assert_eq!(api.get(&demo, "/identity/v3/projects").status, 200);
    assert_eq!(api.ask(&admin, "HEAD", &grant(&admin_role), &Value::Null).status, 204);
    assert_eq!(api.ask(&admin, "DELETE", &grant(&admin_role), &Value::Null).status, 204);
    assert_eq!(api.ask(&admin, "HEAD", &grant(&admin_role), &Value::Null).status, 404);
    assert_eq!(api.get(&demo, "/identity/v3/projects").status, 403);
    assert_eq!(api.ask(&admin, "DELETE", &grant(&member), &Value::Null).status, 204);
    assert_eq!(api.get(&demo, "/identity/v3/auth/catalog").status, 401, "no role, no scope");
}

#[test]
fn projects_users_domains_and_roles_live_a_whole_life() {
    let api = TestApi::start();
    let admin = api.admin();
    for (collection, member, extra) in [
        ("projects", "project", json!({})),
        ("users", "user", json!({ "password": "x" })),
        ("domains", "domain", json!({})),
        ("roles", "role", json!({})),
    ] {
        let path = format!("/identity/v3/{collection}");
        let mut body = extra;
        body["name"] = json!("größe");
        let created = api.ask(&admin, "POST", &path, &json!({ member: body }));
        assert_eq!(created.status, 201, "{member}: {}", created.text);
        assert!(!created.text.contains("argon2"), "{}", created.text);
        let id = created.json()[member]["id"].as_str().unwrap().to_owned();
        let again = api.ask(&admin, "POST", &path, &json!({ member: { "name": "größe" } }));
        assert_eq!(again.status, 409, "{member}: {}", again.text);
        let one = format!("{path}/{id}");
        let listed = api.get(&admin, &format!("{path}?name=gr%C3%B6%C3%9Fe")).json();
        assert_eq!(listed[collection].as_array().unwrap().len(), 1, "{listed}");
        let change = json!({ member: { "description": "d", "enabled": false } });
        let changed = api.ask(&admin, "PATCH", &one, &change);
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(api.get(&admin, &one).json()[member]["description"], "d");
        assert_eq!(api.ask(&admin, "DELETE", &one, &Value::Null).status, 204);
        assert_eq!(api.get(&admin, &one).status, 404);
    }
}

#[test]
fn bad_input_is_named() {
    let api = TestApi::start();
    let admin = api.admin();
    let create = |body: Value| api.ask(&admin, "POST", "/identity/v3/projects", &body);
    let message = "Invalid input for field/attribute name. Value: 5. 5 is not of type 'string'";
    assert_eq!(create(json!({ "project": { "name": 5 } })).message(), message);
    for body in [json!({}), json!({ "project": [] }), json!({ "project": {} }), json!({ "project": { "name": "" } })] {
        assert_eq!(create(body.clone()).status, 400, "{body}");
    }
    let long = "x".repeat(65);
    assert_eq!(create(json!({ "project": { "name": long } })).status, 400);
    assert_eq!(create(json!({ "project": { "name": "x", "domain_id": "nope" } })).status, 400);
    assert_eq!(api.get(&admin, "/identity/v3/projects/nope").message(), "Could not find project: nope.");
    assert_eq!(api.get(&admin, "/identity/v3/nothing").status, 404);
    assert_eq!(api.ask(&admin, "PUT", "/identity/v3/projects", &Value::Null).status, 405);
    let role = api.get(&admin, "/identity/v3/roles?name=admin").json()["roles"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(api.ask(&admin, "DELETE", &format!("/identity/v3/roles/{role}"), &Value::Null).status, 403);
}

#[test]
fn a_user_changes_their_own_password_with_the_old_one_only() {
    let api = TestApi::start();
    let admin = api.admin();
    let user = api.get(&admin, "/identity/v3/users?name=demo").json()["users"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/identity/v3/users/{user}/password");
    let change = |old: &str| {
        api.ask("", "POST", &path, &json!({ "user": { "original_password": old, "password": "new one" } })).status
    };
    assert_eq!(change("wrong"), 401);
    assert_eq!(change(PASSWORD), 204);
    assert_eq!(change(PASSWORD), 401);
    assert_eq!(api.login("demo", "new one", &Value::Null).status, 201);
}
