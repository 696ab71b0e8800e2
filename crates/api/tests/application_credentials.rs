//! Application credentials and access rules over HTTP.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Answer, PASSWORD, TestApi};
use serde_json::{Value, json};

/// A user, their token for a project, and where their application credentials are.
struct User<'a> {
    api: &'a TestApi,
    token: String,
    id: String,
}

impl<'a> User<'a> {
    fn of(api: &'a TestApi, name: &str) -> Self {
        let token = api.token(name, name);
        let id = api.login(name, PASSWORD, &Value::Null).json()["token"]["user"]["id"].as_str().unwrap().to_owned();
        Self { api, token, id }
    }

    fn path(&self, below: &str) -> String {
        format!("/identity/v3/users/{}/{below}", self.id)
    }

    fn ask(&self, method: &str, below: &str, body: &Value) -> Answer {
        self.api.ask(&self.token, method, &self.path(below), body)
    }

    fn create(&self, body: Value) -> Answer {
        self.ask("POST", "application_credentials", &json!({ "application_credential": body }))
    }

    /// A new one, and a token by it.
    fn create_and_login(&self, body: Value) -> (Value, String) {
        let made = self.create(body);
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json()["application_credential"].clone();
        let login = login(self.api, json!({ "id": made["id"], "secret": made["secret"] }));
        assert_eq!(login.status, 201, "{}", login.text);
        (made, login.header("x-subject-token").unwrap().to_owned())
    }
}

fn login(api: &TestApi, credential: Value) -> Answer {
    let identity = json!({ "methods": ["application_credential"], "application_credential": credential });
    api.ask("", "POST", "/identity/v3/auth/tokens", &json!({ "auth": { "identity": identity } }))
}

#[test]
fn one_is_made_shown_once_used_and_deleted() {
    let api = TestApi::start();
    let demo = User::of(&api, "demo");
    let made = demo.create(json!({ "name": "ac", "description": "d" }));
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json()["application_credential"].clone();
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 86);
    assert_eq!(made["project_id"], json!(api.made.demo_project));
    assert_eq!(
        (&made["unrestricted"], &made["system"], &made["expires_at"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(made["roles"].as_array().unwrap().len(), 2, "member and the reader in it");
    assert!(made.get("access_rules").is_none());

    let one = format!("application_credentials/{}", made["id"].as_str().unwrap());
    let shown = demo.ask("GET", &one, &Value::Null);
    assert_eq!(shown.status, 200);
    let mut expected = made.clone();
    expected.as_object_mut().unwrap().remove("secret");
    assert_eq!(shown.json()["application_credential"], expected);
    let listed = demo.ask("GET", "application_credentials?name=ac", &Value::Null);
    assert_eq!(listed.json()["application_credentials"], json!([expected]));
    let none = demo.ask("GET", "application_credentials?name=other", &Value::Null);
    assert_eq!(none.json()["application_credentials"], json!([]));
    assert!(!listed.text.contains(&secret) && !listed.text.contains("argon2"));
    assert_eq!(demo.create(json!({ "name": "ac" })).status, 409);

    let by_id = login(&api, json!({ "id": made["id"], "secret": secret }));
    assert_eq!(by_id.status, 201, "{}", by_id.text);
    let token = &by_id.json()["token"];
    assert_eq!(token["methods"], json!(["application_credential"]));
    assert_eq!(token["application_credential"], json!({ "id": made["id"], "name": "ac", "restricted": true }));
    assert_eq!(token["project"]["id"], json!(api.made.demo_project));
    assert!(by_id.header("x-subject-token").unwrap().len() < 255);
    for user in [json!({ "id": demo.id }), json!({ "name": "demo", "domain": { "name": "Default" } })] {
        assert_eq!(login(&api, json!({ "name": "ac", "user": user, "secret": secret })).status, 201);
    }
    for wrong in [
        json!({ "id": made["id"], "secret": "wrong" }),
        json!({ "id": made["id"] }),
        json!({ "name": "ac", "user": { "id": "nobody" }, "secret": secret }),
        json!({ "name": "other", "user": { "id": demo.id }, "secret": secret }),
    ] {
        assert_eq!(login(&api, wrong.clone()).status, 401, "{wrong}");
    }
    let unknown = login(&api, json!({ "id": "nothing", "secret": secret }));
    assert_eq!((unknown.status, unknown.message().as_str()), (404, "Could not find Application Credential: nothing."));

    assert_eq!(demo.ask("DELETE", &one, &Value::Null).status, 204);
    assert_eq!(demo.ask("GET", &one, &Value::Null).status, 404);
    let token = by_id.header("x-subject-token").unwrap();
    assert_eq!(api.get(token, "/identity/v3/auth/projects").status, 401, "its tokens go with it");
}

#[test]
fn it_asks_for_no_scope() {
    let api = TestApi::start();
    let demo = User::of(&api, "demo");
    let made = demo.create(json!({ "name": "ac", "secret": "mine" })).json()["application_credential"].clone();
    assert_eq!(made["secret"], "mine");
    let identity = json!({
        "methods": ["application_credential"],
        "application_credential": { "id": made["id"], "secret": "mine" },
    });
    let scope = json!({ "project": { "id": api.made.demo_project } });
    let auth = json!({ "auth": { "identity": identity, "scope": scope } });
    let answer = api.ask("", "POST", "/identity/v3/auth/tokens", &auth);
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.message(),
        "Error authenticating with application credential: Application credentials cannot request a scope."
    );
    // Nor does a token of it; without a scope it makes its like.
    let (_, token) = demo.create_and_login(json!({ "name": "other" }));
    let identity = json!({ "methods": ["token"], "token": { "id": token } });
    let again = |scope: Option<Value>| {
        let mut auth = json!({ "identity": identity });
        if let Some(scope) = scope {
            auth["scope"] = scope;
        }
        api.ask("", "POST", "/identity/v3/auth/tokens", &json!({ "auth": auth }))
    };
    assert_eq!(again(Some(json!({ "project": { "id": api.made.demo_project } }))).status, 403);
    let like = again(None);
    assert_eq!(like.status, 201, "{}", like.text);
    assert_eq!(like.json()["token"]["application_credential"]["name"], "other");
    assert_eq!(like.json()["token"]["methods"], json!(["token", "application_credential"]));
}

#[test]
fn its_roles_are_some_of_the_token_s() {
    let api = TestApi::start();
    let (admin, demo) = (api.admin(), User::of(&api, "demo"));
    let role = |name: &str| {
        let found = api.get(&admin, &format!("/identity/v3/roles?name={name}")).json();
        found["roles"][0]["id"].as_str().unwrap().to_owned()
    };
    let names = |value: &Value| -> Vec<String> {
        let roles = value["roles"].as_array().unwrap().iter();
        roles.map(|role| role["name"].as_str().unwrap().to_owned()).collect()
    };
    let (made, token) = demo.create_and_login(json!({ "name": "a", "roles": [{ "name": "reader" }] }));
    assert_eq!(names(&made), ["reader"]);
    let headers = [("X-Auth-Token", token.as_str()), ("X-Subject-Token", token.as_str())];
    let seen = api.send("GET", "/identity/v3/auth/tokens", &headers, None).json();
    assert_eq!(names(&seen["token"]), ["reader"]);
    let (made, _) = demo.create_and_login(json!({ "name": "b", "roles": [{ "id": role("member") }] }));
    assert_eq!(made["roles"].as_array().unwrap().len(), 2, "what a role implies comes with it");
    let refused = demo.create(json!({ "name": "c", "roles": [{ "name": "admin" }] }));
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.message(),
        "Invalid application credential: Cannot create an application credential with unassigned role"
    );
    assert_eq!(demo.create(json!({ "name": "c", "roles": [{ "name": "no such" }] })).status, 404);
    for bad in [json!([{}]), json!([{ "id": "a", "name": "b" }]), json!(["member"]), json!({})] {
        assert_eq!(demo.create(json!({ "name": "c", "roles": bad })).status, 400, "{bad}");
    }
    // A token with fewer roles than its user gives no more than it has.
    let reader = User { token, ..User::of(&api, "demo") };
    assert_eq!(reader.create(json!({ "name": "c", "roles": [{ "name": "member" }] })).status, 403, "restricted");
}

#[test]
fn one_ends_when_it_says_and_its_tokens_no_later() {
    let api = TestApi::start();
    let demo = User::of(&api, "demo");
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    let text = soon.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string();
    let (made, token) = demo.create_and_login(json!({ "name": "a", "expires_at": text }));
    assert_eq!(made["expires_at"], json!(text));
    let headers = [("X-Auth-Token", token.as_str()), ("X-Subject-Token", token.as_str())];
    let seen = api.send("GET", "/identity/v3/auth/tokens", &headers, None).json();
    assert_eq!(seen["token"]["expires_at"], json!(format!("{text}Z")));
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(api.get(&token, "/identity/v3/auth/projects").status, 401);
    assert_eq!(login(&api, json!({ "id": made["id"], "secret": made["secret"] })).status, 401);
    let bad = |text: &str| demo.create(json!({ "name": "b", "expires_at": text }));
    assert!(bad("tomorrow").message().starts_with("Timestamp not in expected format."));
    assert!(bad("2020-01-01T00:00:00Z").message().starts_with("The 'expires_at' must not be before now."));
}

#[test]
fn a_restricted_one_makes_no_others_and_an_unrestricted_one_does() {
    let api = TestApi::start();
    let demo = User::of(&api, "demo");
    let (_, restricted) = demo.create_and_login(json!({ "name": "r", "unrestricted": false }));
    let (made, free) = demo.create_and_login(json!({ "name": "u", "unrestricted": true }));
    assert_eq!(made["unrestricted"], json!(true));
    let create = |token: &str, name: &str| {
        let body = json!({ "application_credential": { "name": name } });
        api.ask(token, "POST", &demo.path("application_credentials"), &body)
    };
    let one = demo.path(&format!("application_credentials/{}", made["id"].as_str().unwrap()));
    let refused = create(&restricted, "x");
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.message(),
        "You are not authorized to perform the requested action: Using method 'application_credential' is not \
         allowed for managing additional application credentials.."
    );
    assert_eq!(api.ask(&restricted, "DELETE", &one, &Value::Null).status, 403);
    assert_eq!(api.get(&restricted, &one).status, 200, "it may look");
    assert_eq!(create(&free, "x").status, 201);
    assert_eq!(api.ask(&free, "DELETE", &one, &Value::Null).status, 204);
    // Trusts are for neither.
    for token in [&restricted, &free] {
        let status = api.get(token, &format!("/identity/v3/OS-TRUST/trusts?trustor_user_id={}", demo.id)).status;
        assert!(matches!(status, 401 | 403), "{status}");
    }
}

#[test]
fn nobody_makes_or_sees_another_s() {
    let api = TestApi::start();
    let (admin, demo) = (User::of(&api, "admin"), User::of(&api, "demo"));
    let made = admin.create(json!({ "name": "a" })).json()["application_credential"].clone();
    let one = format!("application_credentials/{}", made["id"].as_str().unwrap());
    assert_eq!(api.get(&demo.token, &admin.path(&one)).status, 403);
    assert_eq!(demo.ask("GET", &one, &Value::Null).status, 404, "below one's own path it is none");
    assert_eq!(demo.ask("DELETE", &one, &Value::Null).status, 404);
    let body = json!({ "application_credential": { "name": "b" } });
    let for_demo = api.ask(&admin.token, "POST", &demo.path("application_credentials"), &body);
    assert_eq!(for_demo.status, 403, "an administrator neither");
    let unscoped = api.login("demo", PASSWORD, &json!("unscoped"));
    let token = unscoped.header("x-subject-token").unwrap();
    assert_eq!(api.ask(token, "POST", &demo.path("application_credentials"), &body).status, 403, "no project");
    assert_eq!(admin.ask("GET", &one, &Value::Null).status, 200);
}

#[test]
fn access_rules_let_through_what_they_name_in_every_service() {
    let api = TestApi::start();
    let demo = User::of(&api, "demo");
    let ports = "/network/RegionOne/v2.0/ports";
    let (made, token) = demo.create_and_login(json!({ "name": "a", "access_rules": [
        { "service": "network", "method": "GET", "path": "/v2.0/ports" },
        { "service": "network", "method": "GET", "path": "/v2.0/networks/*" },
        { "service": "identity", "method": "GET", "path": "/v3/auth/{what}" },
    ] }));
    assert_eq!(made["access_rules"].as_array().unwrap().len(), 3);
    let status = |method: &str, path: &str| api.ask(&token, method, path, &Value::Null).status;
    assert_eq!(status("GET", ports), 200);
    assert_eq!(status("GET", "/network/RegionOne/v2.0/ports?fields=id"), 200);
    assert_eq!(status("GET", "/network/RegionOne//v2.0/ports"), 200, "the same request");
    assert_eq!(status("GET", "/network/RegionOne/v2.0/networks/nothing"), 404);
    assert_eq!(status("GET", "/identity/v3/auth/projects"), 200);
    assert_eq!(status("GET", &format!("/v3/projects/{}/quota", api.made.demo_project)), 401);
    for (method, path) in [
        ("HEAD", ports),
        ("POST", ports),
        ("GET", "/network/RegionOne/v2.0/networks"),
        ("GET", "/network/RegionOne/v2.0/ports/nothing"),
        ("GET", "/network/RegionOne/v2.0/networks/a/b"),
        ("GET", "/network/RegionOne/v2.0/networks/a%2Fb/c"),
        ("HEAD", "/identity/v3/auth/projects"),
        ("GET", "/identity/v3/projects"),
    ] {
        assert_eq!(status(method, path), 401, "{method} {path}");
    }

    // Whoever validates such a token must say that they enforce the rules.
    let admin = api.admin();
    let validate = |extra: &[(&str, &str)]| {
        let mut headers = vec![("X-Auth-Token", admin.as_str()), ("X-Subject-Token", token.as_str())];
        headers.extend(extra);
        api.send("GET", "/identity/v3/auth/tokens", &headers, None)
    };
    assert_eq!(validate(&[]).status, 404);
    assert_eq!(validate(&[("OpenStack-Identity-Access-Rules", "0.5")]).status, 404);
    let answer = validate(&[("OpenStack-Identity-Access-Rules", "1.0")]);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["token"]["application_credential"]["access_rules"], made["access_rules"]);

    // A service that asks on the way to an answer is not bound by the user's rules.
    let service = admin_as_service(&api, &admin);
    let headers = [("X-Auth-Token", token.as_str()), ("X-Service-Token", service.as_str())];
    assert_eq!(api.send("GET", "/network/RegionOne/v2.0/networks", &headers, None).status, 200);
    let headers = [("X-Auth-Token", token.as_str()), ("X-Service-Token", demo.token.as_str())];
    assert_eq!(api.send("GET", "/network/RegionOne/v2.0/networks", &headers, None).status, 401);
    // It is no way to another token without rules.
    let identity = json!({ "methods": ["token"], "token": { "id": token } });
    let again = api.ask("", "POST", "/identity/v3/auth/tokens", &json!({ "auth": { "identity": identity } }));
    assert_eq!(again.status, 404);
}

/// A token with the role `service`.
fn admin_as_service(api: &TestApi, admin: &str) -> String {
    let roles = api.get(admin, "/identity/v3/roles?name=service").json();
    let role = match roles["roles"][0]["id"].as_str() {
        Some(id) => id.to_owned(),
        None => {
            let made = api.ask(admin, "POST", "/identity/v3/roles", &json!({ "role": { "name": "service" } }));
            made.json()["role"]["id"].as_str().unwrap().to_owned()
        }
    };
    let user = User::of(api, "admin").id;
    let grant = format!("/identity/v3/projects/{}/users/{user}/roles/{role}", api.made.admin_project);
    assert_eq!(api.ask(admin, "PUT", &grant, &Value::Null).status, 204);
    api.admin()
}

#[test]
fn access_rules_are_shared_listed_and_deleted_when_unused() {
    let api = TestApi::start();
    let (admin, demo) = (User::of(&api, "admin"), User::of(&api, "demo"));
    let rule = json!({ "service": "compute", "method": "GET", "path": "/v2.1/servers/*/ips" });
    let first = demo.create(json!({ "name": "a", "access_rules": [rule] })).json()["application_credential"].clone();
    let id = first["access_rules"][0]["id"].as_str().unwrap().to_owned();
    for (name, rule) in [("b", rule.clone()), ("c", json!({ "id": id }))] {
        let next = demo.create(json!({ "name": name, "access_rules": [rule] }));
        assert_eq!(next.json()["application_credential"]["access_rules"][0]["id"], json!(id), "{}", next.text);
    }
    let listed = demo.ask("GET", "access_rules", &Value::Null).json();
    assert_eq!(listed["access_rules"].as_array().unwrap().len(), 1);
    assert_eq!(demo.ask("GET", "access_rules?method=PUT", &Value::Null).json()["access_rules"], json!([]));
    let one = format!("access_rules/{id}");
    let shown = demo.ask("GET", &one, &Value::Null).json();
    assert_eq!(shown["access_rule"]["path"], rule["path"]);
    assert_eq!(admin.ask("GET", &one, &Value::Null).status, 404, "another user's");
    let refused = demo.ask("DELETE", &one, &Value::Null);
    assert_eq!((refused.status, refused.message().as_str()), (403, "May not delete access rule in use"));
    for name in ["a", "b", "c"] {
        let found = demo.ask("GET", &format!("application_credentials?name={name}"), &Value::Null).json();
        let id = found["application_credentials"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(demo.ask("DELETE", &format!("application_credentials/{id}"), &Value::Null).status, 204);
    }
    assert_eq!(demo.ask("GET", &one, &Value::Null).status, 200, "it outlives them");
    assert_eq!(demo.ask("DELETE", &one, &Value::Null).status, 204);
    assert_eq!(demo.ask("DELETE", &one, &Value::Null).status, 404);
    for bad in [
        json!({ "service": "compute", "method": "get", "path": "/x" }),
        json!({ "service": "compute", "method": "GET", "path": "x" }),
        json!({ "service": "com pute", "method": "GET", "path": "/x" }),
        json!({ "service": "compute", "method": "GET" }),
        json!({ "service": "compute", "method": "GET", "path": format!("/{}", "x".repeat(225)) }),
    ] {
        assert_eq!(demo.create(json!({ "name": "d", "access_rules": [bad] })).status, 400, "{bad}");
    }
}
