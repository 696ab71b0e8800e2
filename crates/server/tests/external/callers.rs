//! Who may do what, when Keystone says who they are.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{rest, wait_for};

use crate::cloud::{API, Cloud, POLL};

/// Longest from a revocation to its effect: the poll, what Keystone rounds away, and two busy cores.
const SOON: Duration = Duration::from_secs(10);

/// Waits until a token is refused; how long that took.
pub(crate) fn until_refused(cloud: &Cloud, token: &str, why: &str) -> Duration {
    until_refused_within(cloud, token, why, SOON)
}

/// Waits so long until a token is refused.
pub(crate) fn until_refused_within(cloud: &Cloud, token: &str, why: &str, limit: Duration) -> Duration {
    let begin = Instant::now();
    wait_for(why, limit, || match cloud.status(token) {
        401 => Ok(()),
        other => Err(format!("status {other}")),
    })
    .unwrap();
    begin.elapsed()
}

#[test]
fn keystone_says_who_may_do_what_and_takes_it_back() {
    let mut cloud = Cloud::new(&["service"]);
    let project = cloud.keystone.project("demo").unwrap();
    cloud.keystone.user("alice", "a", "demo", &["member"]).unwrap();
    let bob = cloud.keystone.user("bob", "b", "demo", &["reader"]).unwrap();
    cloud.up("", &["--driver", "null"]);

    // Roles are those of the token, projects too.
    let alice = cloud.keystone.log_in("alice", "a", "demo").unwrap().token;
    let reader = cloud.keystone.log_in("bob", "b", "demo").unwrap().token;
    let admin = cloud.keystone.log_in("admin", "the administrator's", "admin").unwrap().token;
    let network = cloud.make(&alice, "networks", "network", json!({ "name": "private" }));
    let shown = cloud.ask(&reader, "GET", &format!("/networks/{network}"), &Value::Null).expect(200).unwrap();
    assert_eq!(shown["network"]["project_id"], json!(project));
    let refused = cloud.ask(&reader, "POST", "/networks", &json!({ "network": { "name": "x" } })).expect(403).unwrap();
    assert_eq!(refused["NeutronError"]["type"], "PolicyNotAuthorized", "{refused}");
    let provider = json!({ "network": { "name": "x", "provider:network_type": "vlan" } });
    assert_eq!(cloud.ask(&alice, "POST", "/networks", &provider).status, 403);
    assert_eq!(cloud.ask(&admin, "GET", &format!("/networks/{network}"), &Value::Null).status, 200);

    // What is no token, or one without a project.
    assert_eq!(cloud.status("made-up"), 401);
    let user = json!({ "name": "alice", "password": "a", "domain": { "id": "default" } });
    let password = json!({ "methods": ["password"], "password": { "user": user } });
    let unscoped = cloud.keystone.log_in_with(password, json!("unscoped")).unwrap().token;
    let answer = cloud.ask(&unscoped, "GET", "/networks", &Value::Null).expect(403).unwrap();
    assert_eq!(answer["NeutronError"]["type"], "InvalidScope", "{answer}");

    identity_is_elsewhere(&cloud);
    access_rules_hold(&cloud);

    // Taken back: one token, then all of a user. The cache would believe them for a minute.
    let other = cloud.keystone.log_in("alice", "a", "demo").unwrap().token;
    assert_eq!((cloud.status(&other), cloud.status(&alice)), (200, 200));
    let headers = [("X-Auth-Token", alice.as_str()), ("X-Subject-Token", alice.as_str())];
    let revoked = rest::ask(cloud.host.netns(), "DELETE", &cloud.keystone.url("/auth/tokens"), &headers, None).unwrap();
    assert_eq!(revoked.status, 204);
    let took = until_refused(&cloud, &alice, "a revoked token to be refused");
    assert_eq!(cloud.status(&other), 200, "another token of the same user is as good as before ({took:?})");
    assert_eq!(cloud.status(&reader), 200);
    cloud.keystone.admin("PATCH", &format!("/users/{bob}"), json!({ "user": { "enabled": false } }), 200).unwrap();
    until_refused(&cloud, &reader, "a disabled user to be refused");
    assert!(took < SOON && POLL < SOON);
}

/// `/identity` leads to Keystone and does nothing else.
fn identity_is_elsewhere(cloud: &Cloud) {
    let ask = |method, path: &str| rest::ask(cloud.host.netns(), method, &format!("{API}{path}"), &[], None).unwrap();
    for path in ["/identity", "/identity/v3"] {
        let answer = ask("GET", path);
        assert_eq!((answer.status, answer.header("location")), (300, Some("http://127.0.0.1:5000/v3/")), "{path}");
        assert_eq!(answer.body["versions"]["values"][0]["links"][0]["href"], "http://127.0.0.1:5000/v3/");
    }
    let answer = ask("POST", "/identity/v3/auth/tokens");
    assert_eq!(answer.status, 404);
    let message = "Identities of this cloud are kept by http://127.0.0.1:5000/v3/: ask there.";
    assert_eq!(answer.body["error"]["message"], message);
}

/// What an application credential may be used for is checked here, too.
fn access_rules_hold(cloud: &Cloud) {
    let alice = cloud.keystone.log_in("alice", "a", "demo").unwrap();
    let user = alice.body["token"]["user"]["id"].as_str().unwrap();
    let rule = json!({ "service": "network", "method": "GET", "path": "/v2.0/networks" });
    let wanted = json!({ "application_credential": { "name": "networks only", "access_rules": [rule] } });
    let made = cloud
        .keystone
        .ask(&alice.token, "POST", &format!("/users/{user}/application_credentials"), Some(&wanted))
        .unwrap()
        .expect(201)
        .unwrap();
    let credential =
        json!({ "id": made["application_credential"]["id"], "secret": made["application_credential"]["secret"] });
    let identity = json!({ "methods": ["application_credential"], "application_credential": credential });
    let token = cloud.keystone.log_in_with(identity, Value::Null).unwrap().token;
    assert_eq!(cloud.status(&token), 200);
    assert_eq!(cloud.ask(&token, "GET", "/ports", &Value::Null).status, 401);
    assert_eq!(cloud.ask(&token, "POST", "/networks", &json!({ "network": {} })).status, 401);
}
