//! Credentials, EC2 keys and consumers over HTTP.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{PASSWORD, TestApi};
use serde_json::{Value, json};

fn user_id(api: &TestApi, name: &str) -> String {
    let token = api.login(name, PASSWORD, &Value::Null).json();
    token["token"]["user"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn credentials_live_a_whole_life_and_lie_encrypted() {
    let api = TestApi::start();
    let (admin, demo) = (api.admin(), api.demo());
    let user = user_id(&api, "demo");
    let path = "/identity/v3/credentials";
    let secret = "this-is-the-very-secret";
    let blob = json!({ "access": "key", "secret": secret }).to_string();
    let body = json!({ "credential": {
        "user_id": user, "project_id": api.made.demo_project, "type": "ec2", "blob": blob,
    } });
    let made = api.ask(&demo, "POST", path, &body);
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json()["credential"].clone();
    assert_eq!(made["blob"], json!(blob));
    // printf key | sha256sum
    assert_eq!(made["id"], "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683");
    assert_eq!(api.ask(&demo, "POST", path, &body).status, 409);
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(api.get(&demo, &one).json()["credential"], made);
    assert_eq!(api.get(&admin, &one).status, 200);

    let cert = json!({ "credential": { "user_id": user, "type": "cert", "blob": "PEM", "note": "mine" } });
    let cert = api.ask(&demo, "POST", path, &cert).json()["credential"].clone();
    assert_eq!((&cert["note"], &cert["project_id"]), (&json!("mine"), &Value::Null));
    let count = |token: &str, query: &str| {
        let listed = api.get(token, &format!("{path}{query}")).json();
        listed["credentials"].as_array().unwrap().len()
    };
    assert_eq!((count(&demo, ""), count(&demo, "?type=cert"), count(&demo, "?user_id=x")), (2, 1, 0));
    assert_eq!(count(&admin, &format!("?user_id={user}")), 2);

    let changed = |blob: Value| api.ask(&demo, "PATCH", &one, &json!({ "credential": { "blob": blob.to_string() } }));
    let answer = changed(json!({ "access": "new", "secret": secret }));
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["credential"]["id"], made["id"]);
    let refused = changed(json!({ "access": "new", "trust_id": "x" }));
    assert_eq!((refused.status, refused.message().as_str()), (400, "trust_id can not be updated for credential"));
    assert_eq!(changed(json!({ "secret": "x" })).status, 400);
    assert_eq!(changed(json!([])).status, 400);

    for file in ["baryon.db", "baryon.db-wal"] {
        let bytes = std::fs::read(api.directory.join(file)).unwrap_or_default();
        let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "{file} holds the secret");
    }
    assert_eq!(api.ask(&demo, "DELETE", &one, &Value::Null).status, 204);
    assert_eq!(api.get(&admin, &one).status, 404);
}

#[test]
fn nobody_reaches_another_s_credentials() {
    let api = TestApi::start();
    let (admin, demo) = (api.admin(), api.demo());
    let path = "/identity/v3/credentials";
    let of = |user: &str| json!({ "credential": { "user_id": user, "type": "cert", "blob": "PEM" } });
    let made = api.ask(&admin, "POST", path, &of(&user_id(&api, "admin"))).json();
    let one = format!("{path}/{}", made["credential"]["id"].as_str().unwrap());
    for (method, body) in
        [("GET", Value::Null), ("DELETE", Value::Null), ("PATCH", json!({ "credential": { "blob": "x" } }))]
    {
        assert_eq!(api.ask(&demo, method, &one, &body).status, 403, "{method}");
    }
    assert_eq!(api.ask(&demo, "POST", path, &of(&user_id(&api, "admin"))).status, 403);
    assert_eq!(api.get(&demo, path).json()["credentials"], json!([]));
    let mine = api.ask(&demo, "POST", path, &of(&user_id(&api, "demo"))).json();
    let mine = format!("{path}/{}", mine["credential"]["id"].as_str().unwrap());
    let to_admin = json!({ "credential": { "user_id": user_id(&api, "admin") } });
    assert_eq!(api.ask(&demo, "PATCH", &mine, &to_admin).status, 403, "nor gives one away");
    for bad in [
        json!({ "user_id": user_id(&api, "demo"), "type": "ec2", "blob": "{}" }),
        json!({ "user_id": user_id(&api, "demo"), "type": "ec2", "project_id": api.made.demo_project, "blob": "x" }),
        json!({ "user_id": user_id(&api, "demo"), "type": "cert" }),
        json!({ "user_id": user_id(&api, "demo"), "type": "cert", "blob": { "secret": "hidden" } }),
    ] {
        let answer = api.ask(&demo, "POST", path, &json!({ "credential": bad }));
        assert_eq!(answer.status, 400, "{bad}");
        assert!(!answer.text.contains("hidden"), "{}", answer.text);
    }
}

#[test]
fn a_delegated_token_stays_in_its_project() {
    let api = TestApi::start();
    let demo = api.demo();
    let user = user_id(&api, "demo");
    let path = "/identity/v3/credentials";
    let credentials = format!("/identity/v3/users/{user}/application_credentials");
    let login = |free: bool| {
        let body = json!({ "application_credential": { "name": format!("{free}"), "unrestricted": free } });
        let made = api.ask(&demo, "POST", &credentials, &body).json()["application_credential"].clone();
        let proof = json!({ "id": made["id"], "secret": made["secret"] });
        let identity = json!({ "methods": ["application_credential"], "application_credential": proof });
        let answer = api.ask("", "POST", "/identity/v3/auth/tokens", &json!({ "auth": { "identity": identity } }));
        (made["id"].clone(), answer.header("x-subject-token").unwrap().to_owned())
    };
    let ((_, restricted), (id, free)) = (login(false), login(true));
    let cert = json!({ "credential": { "user_id": user, "type": "cert", "blob": "PEM" } });
    let made = api.ask(&demo, "POST", path, &cert).json();
    let one = format!("{path}/{}", made["credential"]["id"].as_str().unwrap());
    assert_eq!(api.get(&free, &one).status, 403, "of no project");
    assert_eq!(api.get(&free, path).json()["credentials"], json!([]));
    let ec2 = json!({ "credential": {
        "user_id": user, "type": "ec2", "project_id": api.made.demo_project, "blob": "{\"access\": \"a\"}",
    } });
    assert_eq!(api.ask(&restricted, "POST", path, &ec2).status, 403);
    let made = api.ask(&free, "POST", path, &ec2);
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json()["credential"].clone();
    let blob: Value = serde_json::from_str(made["blob"].as_str().unwrap()).unwrap();
    assert_eq!(blob["app_cred_id"], id, "it remembers by whose leave");
    // Nor does it forget by way of another type.
    let other = json!({ "credential": {
        "user_id": user, "project_id": api.made.demo_project, "type": "cert", "blob": "{\"access\":\"k\"}",
    } });
    let other = api.ask(&free, "POST", path, &other).json()["credential"].clone();
    for (credential, kind) in [(&made, "cert"), (&other, "ec2"), (&other, "EC2")] {
        let one = format!("{path}/{}", credential["id"].as_str().unwrap());
        let change = json!({ "credential": { "type": kind, "blob": credential["blob"] } });
        let refused = api.ask(&free, "PATCH", &one, &change);
        assert_eq!(refused.status, 403, "{kind}: {}", refused.text);
    }
}

#[test]
fn ec2_keys_are_made_by_the_server() {
    let api = TestApi::start();
    let (admin, demo) = (api.admin(), api.demo());
    let user = user_id(&api, "demo");
    let path = format!("/identity/v3/users/{user}/credentials/OS-EC2");
    let made = api.ask(&demo, "POST", &path, &json!({ "tenant_id": api.made.demo_project }));
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json()["credential"].clone();
    assert_eq!(made["tenant_id"], json!(api.made.demo_project));
    let one = format!("{path}/{}", made["access"].as_str().unwrap());
    assert_eq!(api.get(&demo, &one).json()["credential"], made);
    assert_eq!(api.get(&admin, &path).json()["credentials"], json!([made]));
    assert_eq!(api.get(&demo, "/identity/v3/credentials?type=ec2").json()["credentials"].as_array().unwrap().len(), 1);
    let of_admin = format!("/identity/v3/users/{}/credentials/OS-EC2", user_id(&api, "admin"));
    assert_eq!(api.get(&demo, &of_admin).status, 403);
    assert_eq!(api.get(&admin, &format!("{of_admin}/{}", made["access"].as_str().unwrap())).status, 404);
    assert_eq!(api.ask(&demo, "POST", &path, &json!({ "tenant_id": "none" })).status, 404);
    assert_eq!(api.ask(&demo, "POST", &path, &json!({})).status, 400);
    assert_eq!(api.ask(&demo, "DELETE", &one, &Value::Null).status, 204);
    assert_eq!(api.get(&demo, &one).status, 404);
}

#[test]
fn consumers_are_kept_with_a_secret_that_is_shown_once() {
    let api = TestApi::start();
    let admin = api.admin();
    let path = "/identity/v3/OS-OAUTH1/consumers";
    let made = api.ask(&admin, "POST", path, &json!({ "consumer": { "description": "d" } }));
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json()["consumer"].clone();
    assert_eq!(made["secret"].as_str().unwrap().len(), 32);
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    let shown = api.get(&admin, &one).json()["consumer"].clone();
    assert!(shown.get("secret").is_none());
    assert_eq!((&shown["description"], &shown["links"]), (&made["description"], &made["links"]));
    let changed = api.ask(&admin, "PATCH", &one, &json!({ "consumer": { "description": "e" } }));
    assert_eq!(changed.json()["consumer"]["description"], "e");
    assert_eq!(api.ask(&admin, "PATCH", &one, &json!({ "consumer": { "secret": "x" } })).status, 400);
    assert_eq!(api.get(&admin, path).json()["consumers"].as_array().unwrap().len(), 1);
    assert_eq!(api.ask(&admin, "DELETE", &one, &Value::Null).status, 204);
    assert_eq!(api.get(&admin, &one).status, 404);
    assert_eq!(api.get(&api.demo(), path).status, 403);
}

#[test]
fn no_user_keeps_more_than_anybody_needs() {
    let api = TestApi::start();
    let demo = api.demo();
    let user = user_id(&api, "demo");
    let owner = user.parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fill = move |tx: &mut store::Tx<'_>| {
        for _ in 0..499 {
            tx.identity().create_credential(&store::identity::Credential {
                id: types::CredentialId::random(),
                user_id: types::UserId::clone(&owner),
                project_id: None,
                kind: "cert".to_owned(),
                sealed: Vec::new(),
                extra: serde_json::Map::new(),
            })?;
        }
        Ok::<_, store::StoreError>(())
    };
    runtime.block_on(api.store.write(fill)).unwrap();
    let body = json!({ "credential": { "user_id": user, "type": "cert", "blob": "PEM" } });
    let path = "/identity/v3/credentials";
    assert_eq!(api.ask(&demo, "POST", path, &body).status, 201);
    let refused = api.ask(&demo, "POST", path, &body);
    let text = "Unable to create additional credentials, maximum of 500 already exceeded for user.";
    assert_eq!((refused.status, refused.message().as_str()), (403, text));
    let create = |name: &str, method: &str, rules: usize| {
        let rule = |number| json!({ "service": "network", "method": method, "path": format!("/v2.0/{number}") });
        let rules: Vec<_> = (0..rules).map(rule).collect();
        let path = format!("/identity/v3/users/{user}/application_credentials");
        let body = json!({ "name": name, "access_rules": rules });
        let answer = api.ask(&demo, "POST", &path, &json!({ "application_credential": body }));
        (answer.status, answer.message())
    };
    for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
        assert_eq!(create(method, method, 1000).0, 201);
    }
    assert_eq!(create("equal rules are one", "GET", 1000).0, 201);
    let text = "Unable to create additional access rules, maximum of 5000 already exceeded for user.";
    assert_eq!(create("one more", "HEAD", 1), (403, text.to_owned()));
    let rules = api.get(&demo, &format!("/identity/v3/users/{user}/access_rules")).json();
    assert_eq!(rules["access_rules"].as_array().unwrap().len(), 5000, "what was refused left nothing");
}
