//! Tokens over HTTP: how they are got, what they say, and how they end.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{sync::Arc, time::Duration};

use api::NullWorld;
use common::{Answer, PASSWORD, TestApi};
use proptest::prelude::*;
use serde_json::{Value, json};

const TOKENS: &str = "/identity/v3/auth/tokens";

fn issue(api: &TestApi, auth: &Value) -> Answer {
    api.ask("", "POST", TOKENS, &json!({ "auth": auth }))
}

fn subject(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.header("x-subject-token").unwrap().to_owned()
}

fn password(user: &str, password: &str) -> Value {
    json!({ "user": { "name": user, "password": password, "domain": { "id": "default" } } })
}

fn about(api: &TestApi, method: &str, caller: &str, subject: &str, query: &str) -> Answer {
    let headers = [("X-Auth-Token", caller), ("X-Subject-Token", subject)];
    api.send(method, &format!("{TOKENS}{query}"), &headers, None)
}

#[test]
fn methods_may_come_together_and_must_agree() {
    let api = TestApi::start();
    let unscoped = subject(&api.login("demo", PASSWORD, &json!("unscoped")));
    let both = |user: &str, secret: &str, methods: Value| {
        issue(
            &api,
            &json!({
                "identity": { "methods": methods, "password": password(user, secret), "token": { "id": unscoped } },
                "scope": { "project": { "id": api.made.demo_project } },
            }),
        )
    };
    let answer = both("demo", PASSWORD, json!(["password", "token", "password"]));
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json()["token"]["methods"], json!(["token", "password"]));
    assert_eq!(answer.json()["token"]["audit_ids"].as_array().unwrap().len(), 2);
    assert_eq!(both("demo", "wrong", json!(["token", "password"])).status, 401);
    assert_eq!(both("admin", PASSWORD, json!(["token", "password"])).status, 401, "two users");
}

#[test]
fn methods_that_are_not_there_are_named_as_keystone_names_them() {
    let api = TestApi::start();
    let answer = issue(&api, &json!({ "identity": { "methods": ["totp"], "totp": {} } }));
    assert_eq!(answer.status, 401);
    assert_eq!(answer.message(), "Attempted to authenticate with an unsupported method.");
    let methods = &answer.json()["error"]["identity"]["methods"];
    assert_eq!(*methods, json!(["token", "password", "application_credential"]));
    let answer = issue(&api, &json!({ "identity": { "methods": ["saml2"] } }));
    let message = "Expecting to find saml2 in identity. The server could not comply with the request since it is \
                   either malformed or otherwise incorrect. The client is assumed to be in error.";
    assert_eq!((answer.status, answer.message().as_str()), (400, message));
    let answer = issue(&api, &json!({ "identity": { "methods": [] } }));
    assert_eq!(answer.status, 401);
}

#[test]
fn scopes_that_say_nothing_or_too_much_are_400() {
    let api = TestApi::start();
    let status = |scope: Value| api.login("demo", PASSWORD, &scope).status;
    for scope in [
        json!("all"),
        json!({}),
        json!([]),
        json!(5),
        json!({ "project": {} }),
        json!({ "project": { "name": "demo" } }),
        json!({ "domain": {} }),
        json!({ "OS-TRUST:trust": {} }),
        json!({ "project": { "id": "x" }, "domain": { "id": "x" } }),
    ] {
        assert_eq!(status(scope.clone()), 400, "{scope}");
    }
    assert_eq!(status(json!({ "unscoped": {} })), 201);
    assert_eq!(status(json!({ "domain": { "name": "Default" } })), 401);
    assert_eq!(status(json!({ "OS-TRUST:trust": { "id": "x" } })), 401);
    let admin = api.login("admin", PASSWORD, &json!({ "domain": { "name": "Default" } }));
    if admin.status == 201 {
        assert_eq!(admin.json()["token"]["domain"], json!({ "id": "default", "name": "Default" }));
    }
}

#[test]
fn a_token_is_validated_checked_and_revoked_by_those_who_may() {
    let api = TestApi::start();
    let (admin, demo, other) = (api.admin(), api.demo(), api.demo());
    let answer = about(&api, "GET", &demo, &other, "");
    assert_eq!(answer.status, 200, "one's own");
    assert_eq!(answer.header("x-subject-token"), Some(other.as_str()));
    assert!(answer.json()["token"]["catalog"].is_array());
    assert!(answer.json()["token"].get("is_admin_project").is_none());
    assert_eq!(answer.json()["token"]["is_domain"], json!(false));
    assert!(about(&api, "GET", &demo, &other, "?nocatalog").json()["token"].get("catalog").is_none());
    let head = about(&api, "HEAD", &admin, &demo, "");
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(about(&api, "GET", &demo, &admin, "").status, 403);
    assert_eq!(about(&api, "HEAD", &demo, &admin, "").status, 403);
    assert_eq!(
        about(&api, "GET", &demo, &admin, "").message(),
        "You are not authorized to perform the requested action: identity:validate_token."
    );
    assert_eq!(about(&api, "DELETE", &demo, &admin, "").status, 403);
    assert_eq!(about(&api, "GET", &admin, "nonsense", "").status, 404);
    assert_eq!(api.get(&admin, TOKENS).status, 404, "no subject");
    assert_eq!(about(&api, "DELETE", &admin, &other, "").status, 204);
    assert_eq!(about(&api, "DELETE", &admin, &other, "").status, 404);
    assert_eq!(about(&api, "GET", &admin, &other, "").status, 404);
    assert_eq!(api.get(&demo, "/identity/v3/auth/projects").status, 200, "the other token lives");
}

#[test]
fn revoking_a_token_leaves_those_that_were_made_from_it() {
    let api = TestApi::start();
    let first = subject(&api.login("demo", PASSWORD, &json!("unscoped")));
    let second = subject(&issue(
        &api,
        &json!({
            "identity": { "methods": ["token"], "token": { "id": first } },
            "scope": { "project": { "id": api.made.demo_project } },
        }),
    ));
    assert_eq!(about(&api, "DELETE", &first, &first, "").status, 204);
    assert_eq!(api.get(&first, "/identity/v3/auth/projects").status, 401);
    assert_eq!(api.get(&second, "/identity/v3/auth/projects").status, 200);
    let again = issue(&api, &json!({ "identity": { "methods": ["token"], "token": { "id": first } } }));
    assert_eq!(again.status, 404, "{}", again.text);
    assert!(!again.text.contains(&first));
}

#[test]
fn a_token_of_the_whole_cloud_makes_none_of_a_project() {
    let api = TestApi::start();
    let system = subject(&api.login("admin", PASSWORD, &json!({ "system": { "all": true } })));
    let made = |scope: Value| {
        issue(&api, &json!({ "identity": { "methods": ["token"], "token": { "id": system } }, "scope": scope }))
    };
    let refused = made(json!({ "project": { "id": api.made.admin_project } }));
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.message(),
        "You are not authorized to perform the requested action: Using a system-scoped token to create a \
         project-scoped or domain-scoped token is not allowed.."
    );
    assert_eq!(made(json!({ "system": { "all": true } })).status, 201);
}

#[test]
fn an_expired_token_may_be_asked_about_for_a_while() {
    let configure = |config: &mut api::ApiConfig| config.token_lifetime = Duration::from_secs(2);
    let api = TestApi::with(configure, Arc::new(NullWorld));
    let old = api.demo();
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(api.get(&old, "/identity/v3/auth/projects").status, 401);
    let admin = api.admin();
    assert_eq!(about(&api, "GET", &admin, &old, "").status, 404);
    assert_eq!(about(&api, "GET", &admin, &old, "?allow_expired=0").status, 404);
    let answer = about(&api, "GET", &admin, &old, "?allow_expired=1");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["token"]["user"]["name"], "demo");
}

#[test]
fn a_new_key_is_taken_up_and_old_tokens_stay_good() {
    let api = TestApi::start();
    let before = api.demo();
    let rotation =
        api::rotate_keys(&api.directory.join("keys"), Duration::from_secs(3600), Duration::from_secs(3600)).unwrap();
    assert_eq!(rotation.removed, Vec::<u32>::new());
    // A process that starts now uses the new key; the other one finds it by the first token of it.
    let other = TestApi::over(api.directory.clone(), |_| {}, Arc::new(NullWorld));
    let after = other.demo();
    std::thread::sleep(Duration::from_millis(1100));
    for (api, token) in [(&api, &before), (&api, &after), (&other, &before), (&other, &after)] {
        assert_eq!(api.get(token, "/identity/v3/auth/projects").status, 200);
    }
}

/// JSON of any shape, with names that the parser knows now and then.
fn any_json() -> impl Strategy<Value = Value> {
    const NAMES: [&str; 19] = [
        "id",
        "name",
        "user",
        "password",
        "domain",
        "methods",
        "token",
        "identity",
        "scope",
        "project",
        "system",
        "all",
        "unscoped",
        "secret",
        "application_credential",
        "OS-TRUST:trust",
        "default",
        "demo",
        "x",
    ];
    let name = || proptest::sample::select(NAMES.to_vec()).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        name().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        proptest::collection::vec(name(), 0..4).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A body that is nearly right.
fn nearly_auth() -> impl Strategy<Value = Value> {
    let method = || proptest::sample::select(vec!["password", "token", "application_credential", "totp"]);
    (proptest::collection::vec(method(), 0..4), any_json(), any_json(), any_json(), any_json(), any::<bool>()).prop_map(
        |(methods, password, token, credential, scope, scoped)| {
            let identity = json!({
                "methods": methods, "password": password, "token": token, "application_credential": credential,
            });
            if scoped { json!({ "identity": identity, "scope": scope }) } else { json!({ "identity": identity }) }
        },
    )
}

#[test]
fn no_body_makes_the_login_fail_here() {
    // Every login without a proof is refused; that many at once would be slowed down otherwise.
    let api = TestApi::with(
        |config| {
            config.limits.failures = api::FailureLimits { burst: u32::MAX, ..Default::default() };
        },
        Arc::new(NullWorld),
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 400, ..Default::default() });
    let bodies = prop_oneof![any_json(), nearly_auth()];
    runner
        .run(&bodies, |auth| {
            let answer = issue(&api, &auth);
            prop_assert!(matches!(answer.status, 400 | 401 | 404), "{auth}: {} {}", answer.status, answer.text);
            Ok(())
        })
        .unwrap();
    assert_eq!(api.login("demo", PASSWORD, &Value::Null).status, 201, "and it goes on");
}
