//! What is disabled, deleted, taken away or revoked is refused at the very next request, by every API
//! process on the database, and without a write for the check.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{sync::Arc, time::SystemTime};

use api::NullWorld;
use common::{PASSWORD, TestApi};
use serde_json::{Value, json};

const V3: &str = "/identity/v3";

/// Two API processes on one database, and a user `u` with a role in a project of a domain of their own.
struct Cloud {
    first: TestApi,
    second: TestApi,
    admin: String,
    domain: String,
    project: String,
    user: String,
    member: String,
}

impl Cloud {
    fn start() -> Self {
        let first = TestApi::start();
        let second = TestApi::over(first.directory.clone(), |_| {}, Arc::new(NullWorld));
        let admin = first.admin();
        let mut cloud = Self {
            first,
            second,
            admin,
            domain: String::new(),
            project: String::new(),
            user: String::new(),
            member: String::new(),
        };
        cloud.domain = cloud.make("domains", "domain", json!({ "name": "d" }));
        cloud.project = cloud.make("projects", "project", json!({ "name": "p", "domain_id": cloud.domain }));
        let user = json!({ "name": "u", "domain_id": cloud.domain, "password": PASSWORD });
        cloud.user = cloud.make("users", "user", user);
        let roles = cloud.first.get(&cloud.admin, &format!("{V3}/roles?name=member")).json();
        cloud.member = roles["roles"][0]["id"].as_str().unwrap().to_owned();
        cloud.done("PUT", &cloud.grant(), Value::Null);
        cloud
    }

    fn grant(&self) -> String {
        format!("projects/{}/users/{}/roles/{}", self.project, self.user, self.member)
    }

    fn make(&self, collection: &str, member: &str, body: Value) -> String {
        let made = self.first.ask(&self.admin, "POST", &format!("{V3}/{collection}"), &json!({ member: body }));
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()[member]["id"].as_str().unwrap().to_owned()
    }

    /// An administrator does something, at the first process.
    fn done(&self, method: &str, path: &str, body: Value) {
        let answer = self.first.ask(&self.admin, method, &format!("{V3}/{path}"), &body);
        assert!(matches!(answer.status, 200 | 201 | 204), "{method} {path}: {} {}", answer.status, answer.text);
    }

    fn login_with(&self, auth: Value) -> String {
        let answer = self.second.ask("", "POST", &format!("{V3}/auth/tokens"), &json!({ "auth": auth }));
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.header("x-subject-token").unwrap().to_owned()
    }

    fn login_as(&self, user: &str, scope: Value) -> String {
        let password = json!({ "user": { "id": user, "password": PASSWORD } });
        self.login_with(json!({ "identity": { "methods": ["password"], "password": password }, "scope": scope }))
    }

    fn login(&self) -> String {
        self.login_as(&self.user, json!({ "project": { "id": self.project } }))
    }

    /// Whether both services of both processes take a token. All say the same.
    fn works(&self, token: &str) -> bool {
        let paths = ["/network/RegionOne/v2.0/networks", "/identity/v3/auth/projects"];
        let answers =
            [&self.second, &self.first].into_iter().flat_map(|api| paths.map(|path| api.get(token, path).status));
        let answers: Vec<u16> = answers.collect();
        assert!(answers.iter().all(|status| *status == answers[0]), "{answers:?}");
        assert!(matches!(answers[0], 200 | 401), "{answers:?}");
        answers[0] == 200
    }

    /// That a token works, and no longer after something was done.
    fn ends(&self, what: &str, token: &str, done: impl FnOnce()) {
        assert!(self.works(token), "before: {what}");
        done();
        assert!(!self.works(token), "after: {what}");
    }
}

fn enabled(member: &str, enabled: bool) -> Value {
    json!({ member: { "enabled": enabled } })
}

#[test]
fn a_user_s_token_ends_with_the_user_the_project_the_domain_the_role_and_the_password() {
    let cloud = Cloud::start();
    let objects = [
        ("user", format!("users/{}", cloud.user)),
        ("project", format!("projects/{}", cloud.project)),
        ("domain", format!("domains/{}", cloud.domain)),
    ];
    for (member, path) in &objects {
        let token = cloud.login();
        cloud.ends(&format!("{member} disabled"), &token, || cloud.done("PATCH", path, enabled(member, false)));
        cloud.done("PATCH", path, enabled(member, true));
        assert!(!cloud.works(&token), "{member} enabled again: an old token stays void");
    }
    let token = cloud.login();
    cloud.ends("password changed", &token, || {
        cloud.done("PATCH", &objects[0].1, json!({ "user": { "password": PASSWORD } }));
    });
    let token = cloud.login();
    cloud.ends("own password changed", &token, || {
        let body = json!({ "user": { "original_password": PASSWORD, "password": "another" } });
        let answer = cloud.first.ask("", "POST", &format!("{V3}/users/{}/password", cloud.user), &body);
        assert_eq!(answer.status, 204, "{}", answer.text);
    });
    cloud.done("PATCH", &objects[0].1, json!({ "user": { "password": PASSWORD } }));
    let token = cloud.login();
    cloud.ends("role taken away", &token, || cloud.done("DELETE", &cloud.grant(), Value::Null));
    cloud.done("PUT", &cloud.grant(), Value::Null);
    assert!(cloud.works(&token), "given back: the token says no roles");
    cloud.ends("token revoked", &token, || {
        let headers = [("X-Auth-Token", cloud.admin.as_str()), ("X-Subject-Token", token.as_str())];
        assert_eq!(cloud.first.send("DELETE", &format!("{V3}/auth/tokens"), &headers, None).status, 204);
    });
    let token = cloud.login();
    cloud.ends("project deleted", &token, || cloud.done("DELETE", &objects[1].1, Value::Null));
    let token = cloud.login_as(&cloud.user, json!("unscoped"));
    assert_eq!(cloud.second.get(&token, &format!("{V3}/auth/projects")).status, 200);
    cloud.done("DELETE", &objects[0].1, Value::Null);
    assert_eq!(cloud.second.get(&token, &format!("{V3}/auth/projects")).status, 401);
}

#[test]
fn a_role_by_a_group_ends_with_the_membership_the_grant_and_the_group() {
    let cloud = Cloud::start();
    cloud.done("DELETE", &cloud.grant(), Value::Null);
    let group = cloud.make("groups", "group", json!({ "name": "g", "domain_id": cloud.domain }));
    let member = format!("groups/{group}/users/{}", cloud.user);
    let grant = format!("projects/{}/groups/{group}/roles/{}", cloud.project, cloud.member);
    for (what, path) in [("membership", &member), ("grant", &grant), ("group", &format!("groups/{group}"))] {
        cloud.done("PUT", &member, Value::Null);
        cloud.done("PUT", &grant, Value::Null);
        let token = cloud.login();
        cloud.ends(what, &token, || cloud.done("DELETE", path, Value::Null));
    }
}

#[test]
fn an_application_credential_s_token_ends_with_all_that_it_stands_on() {
    let cloud = Cloud::start();
    let path = format!("{V3}/users/{}/application_credentials", cloud.user);
    let number = std::cell::Cell::new(0);
    let by_credential = |role: &str| {
        number.set(number.get() + 1);
        let body = json!({ "application_credential": { "name": number.get().to_string(), "roles": [{ "id": role }] } });
        let made = cloud.first.ask(&cloud.login(), "POST", &path, &body);
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json()["application_credential"].clone();
        let proof = json!({ "id": made["id"], "secret": made["secret"] });
        let identity = json!({ "methods": ["application_credential"], "application_credential": proof });
        let token = cloud.login_with(json!({ "identity": identity }));
        (made["id"].as_str().unwrap().to_owned(), token, identity)
    };
    let login = |identity: &Value| {
        let auth = json!({ "auth": { "identity": identity } });
        cloud.second.ask("", "POST", &format!("{V3}/auth/tokens"), &auth).status
    };
    let (id, token, identity) = by_credential(&cloud.member);
    cloud.ends("credential deleted", &token, || {
        let path = format!("users/{}/application_credentials/{id}", cloud.user);
        cloud.done("DELETE", &path, Value::Null);
    });
    assert_eq!(login(&identity), 404);
    let (_, token, identity) = by_credential(&cloud.member);
    cloud.ends("role taken away", &token, || cloud.done("DELETE", &cloud.grant(), Value::Null));
    assert_eq!(login(&identity), 401);
    cloud.done("PUT", &cloud.grant(), Value::Null);

    let role = cloud.make("roles", "role", json!({ "name": "r" }));
    let grant = format!("projects/{}/users/{}/roles/{role}", cloud.project, cloud.user);
    cloud.done("PUT", &grant, Value::Null);
    let (_, token, identity) = by_credential(&role);
    cloud.ends("role deleted", &token, || cloud.done("DELETE", &format!("roles/{role}"), Value::Null));
    assert_eq!(login(&identity), 404, "it went with its role");

    let (_, token, identity) = by_credential(&cloud.member);
    let user = format!("users/{}", cloud.user);
    cloud.ends("user disabled", &token, || cloud.done("PATCH", &user, enabled("user", false)));
    cloud.done("PATCH", &user, enabled("user", true));
    assert_eq!(login(&identity), 404, "it went when the user was disabled");

    let (_, token, identity) = by_credential(&cloud.member);
    let project = format!("projects/{}", cloud.project);
    cloud.ends("project deleted", &token, || cloud.done("DELETE", &project, Value::Null));
    assert_eq!(login(&identity), 404);
}

#[test]
fn a_trust_s_token_ends_with_all_that_it_stands_on() {
    let cloud = Cloud::start();
    let trustee = cloud.make("users", "user", json!({ "name": "t", "domain_id": cloud.domain, "password": PASSWORD }));
    let by_trust = || {
        let body = json!({ "trust": {
            "trustor_user_id": cloud.user, "trustee_user_id": trustee, "project_id": cloud.project,
            "impersonation": false, "roles": [{ "id": cloud.member }],
        } });
        let made = cloud.first.ask(&cloud.login(), "POST", &format!("{V3}/OS-TRUST/trusts"), &body);
        assert_eq!(made.status, 201, "{}", made.text);
        let id = made.json()["trust"]["id"].as_str().unwrap().to_owned();
        let token = cloud.login_as(&trustee, json!({ "OS-TRUST:trust": { "id": id } }));
        (id, token)
    };
    let (id, token) = by_trust();
    cloud.ends("trust deleted", &token, || cloud.done("DELETE", &format!("OS-TRUST/trusts/{id}"), Value::Null));
    let (_, token) = by_trust();
    cloud.ends("trustor lost the role", &token, || cloud.done("DELETE", &cloud.grant(), Value::Null));
    cloud.done("PUT", &cloud.grant(), Value::Null);
    for (member, path) in [
        ("user", format!("users/{}", cloud.user)),
        ("user", format!("users/{trustee}")),
        ("project", format!("projects/{}", cloud.project)),
        ("domain", format!("domains/{}", cloud.domain)),
    ] {
        let (_, token) = by_trust();
        cloud.ends(&format!("{path} disabled"), &token, || cloud.done("PATCH", &path, enabled(member, false)));
        cloud.done("PATCH", &path, enabled(member, true));
    }
    let (_, token) = by_trust();
    cloud.ends("trustor's password changed", &token, || {
        let body = json!({ "user": { "password": PASSWORD } });
        cloud.done("PATCH", &format!("users/{}", cloud.user), body);
    });
    let (_, token) = by_trust();
    cloud.ends("trustor deleted", &token, || cloud.done("DELETE", &format!("users/{}", cloud.user), Value::Null));
}

#[test]
fn a_check_writes_nothing() {
    let cloud = Cloud::start();
    let token = cloud.login();
    let revoked = cloud.login();
    let headers = [("X-Auth-Token", revoked.as_str()), ("X-Subject-Token", revoked.as_str())];
    assert_eq!(cloud.first.send("DELETE", &format!("{V3}/auth/tokens"), &headers, None).status, 204);
    let state = || -> Vec<(u64, SystemTime)> {
        let read = |file: &str| std::fs::metadata(cloud.first.directory.join(file)).unwrap();
        ["baryon.db", "baryon.db-wal"].map(read).iter().map(|file| (file.len(), file.modified().unwrap())).collect()
    };
    assert!(cloud.works(&token));
    // What the start left to be done in the background.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let before = state();
    for _ in 0..100 {
        assert_eq!(cloud.second.get(&token, "/network/RegionOne/v2.0/networks").status, 200);
        let headers = [("X-Auth-Token", cloud.admin.as_str()), ("X-Subject-Token", token.as_str())];
        assert_eq!(cloud.first.send("GET", &format!("{V3}/auth/tokens"), &headers, None).status, 200);
        let headers = [("X-Auth-Token", cloud.admin.as_str()), ("X-Subject-Token", revoked.as_str())];
        assert_eq!(cloud.first.send("GET", &format!("{V3}/auth/tokens"), &headers, None).status, 404);
    }
    assert_eq!(state(), before);
}
