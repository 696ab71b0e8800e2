//! Every kind of token that Keystone gives means here what it means to Keystone, until it means nothing any more.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    callers::{until_refused, until_refused_within},
    cloud::Cloud,
};

/// Longer than Keystone's tokens are good, and shorter than it vouches for expired ones.
const OLD: u32 = 2 * 3600;
/// Longer than that.
const ANCIENT: u32 = 3 * 24 * 3600;

/// How long a good token is believed: longer than it takes to hear of a revocation, short enough to wait for.
const CACHE: Duration = Duration::from_secs(15);

/// How a user of a domain proves who they are.
fn password(name: &str, password: &str, domain: &str) -> Value {
    let user = json!({ "name": name, "password": password, "domain": { "id": domain } });
    json!({ "methods": ["password"], "password": { "user": user } })
}

#[test]
fn every_kind_of_token_means_what_it_means_to_keystone() {
    let mut cloud = Cloud::new(&["service"]);
    cloud.cache = CACHE;
    let keystone = &cloud.keystone;
    let demo = keystone.project("demo").unwrap();
    let alice = keystone.user("alice", "a", "demo", &["member"]).unwrap();
    let bob = keystone.user("bob", "b", "service", &["reader"]).unwrap();
    keystone.user("nova", "n", "service", &["service"]).unwrap();
    let member = keystone.find("roles", "member").unwrap();
    let made = keystone.admin("POST", "/domains", json!({ "domain": { "name": "other" } }), 201).unwrap();
    let domain = made["domain"]["id"].as_str().unwrap().to_owned();
    let project = |name: &str| {
        let wanted = json!({ "project": { "name": name, "domain_id": domain } });
        let made = keystone.admin("POST", "/projects", wanted, 201).unwrap();
        made["project"]["id"].as_str().unwrap().to_owned()
    };
    let (theirs, second) = (project("theirs"), project("second"));
    let wanted = json!({ "user": { "name": "carol", "password": "c", "domain_id": domain } });
    let made = keystone.admin("POST", "/users", wanted, 201).unwrap();
    let carol = made["user"]["id"].as_str().unwrap().to_owned();
    for path in [
        format!("/projects/{theirs}/users/{carol}/roles/{member}"),
        format!("/projects/{second}/users/{carol}/roles/{member}"),
        format!("/domains/{domain}/users/{carol}/roles/{member}"),
    ] {
        keystone.admin("PUT", &path, Value::Null, 204).unwrap();
    }
    cloud.up("", &["--driver", "null"]);

    expired_tokens_need_a_service(&cloud, &demo);
    without_a_project_there_is_no_network(&cloud, &domain);
    a_trust_is_good_for_its_project(&cloud, &demo, (&alice, &bob));

    // Of another domain, by an application credential; then what it rests on is taken away.
    let keystone = &cloud.keystone;
    let in_project = |id: &str| json!({ "project": { "id": id } });
    let login = |id: &str| keystone.log_in_with(password("carol", "c", &domain), in_project(id)).unwrap().token;
    let (first, other) = (login(&theirs), login(&second));
    let path = format!("/users/{carol}/application_credentials");
    let wanted = json!({ "application_credential": { "name": "robot" } });
    let made = keystone.ask(&first, "POST", &path, Some(&wanted)).unwrap().expect(201).unwrap();
    let made = &made["application_credential"];
    let credential = json!({ "id": made["id"], "secret": made["secret"] });
    let identity = json!({ "methods": ["application_credential"], "application_credential": credential });
    let robot = keystone.log_in_with(identity, Value::Null).unwrap().token;
    assert_eq!(project_of(&cloud, &robot), theirs);
    assert_eq!((project_of(&cloud, &first), project_of(&cloud, &other)), (theirs.clone(), second.clone()));

    let role = format!("/projects/{second}/users/{carol}/roles/{member}");
    keystone.admin("DELETE", &role, Value::Null, 204).unwrap();
    let disabled = json!({ "project": { "enabled": false } });
    keystone.admin("PATCH", &format!("/projects/{theirs}"), disabled, 200).unwrap();
    // None of this is relied on to be in Keystone's list of revocations: a token is asked about again when it has been
    // believed for long enough.
    until_refused_within(&cloud, &robot, "an application credential of a disabled project to be refused", CACHE * 2);
    until_refused_within(&cloud, &first, "a token for a disabled project to be refused", CACHE * 2);
    until_refused_within(&cloud, &other, "a token whose role was removed to be refused", CACHE * 2);
}

/// The project of a network that a token makes.
fn project_of(cloud: &Cloud, token: &str) -> String {
    let made = cloud.ask(token, "POST", "/networks", &json!({ "network": {} })).expect(201).unwrap();
    made["network"]["project_id"].as_str().unwrap().to_owned()
}

/// As Nova sends it in an operation that takes longer than the user's token.
fn expired_tokens_need_a_service(cloud: &Cloud, demo: &str) {
    let alice = cloud.keystone.log_in("alice", "a", "demo").unwrap().token;
    let service = cloud.keystone.log_in("nova", "n", "service").unwrap().token;
    let old = cloud.keystone.aged(&alice, OLD).unwrap();
    assert_eq!(cloud.status(&old), 401);
    let made = cloud.ask_for(&old, &service, "POST", "/networks", &json!({ "network": {} })).expect(201).unwrap();
    assert_eq!(made["network"]["project_id"], json!(demo));

    let asked = |token: &str, service: &str| cloud.ask_for(token, service, "GET", "/networks", &Value::Null).status;
    assert_eq!(asked(&alice, &service), 200);
    assert_eq!(asked(&old, &alice), 401, "alice is no service");
    assert_eq!(asked(&old, &cloud.keystone.aged(&service, OLD).unwrap()), 401, "the service's own must be good");
    assert_eq!(asked(&old, "made-up"), 401);
    let ancient = cloud.keystone.aged(&alice, ANCIENT).unwrap();
    assert_eq!(asked(&ancient, &service), 401, "Keystone vouches for two days");
    assert_eq!(cloud.status(&old), 401, "what a service may, the user alone may not");
}

/// Tokens for a domain and for the system.
fn without_a_project_there_is_no_network(cloud: &Cloud, domain: &str) {
    for (identity, scope) in [
        (password("carol", "c", domain), json!({ "domain": { "id": domain } })),
        (password("admin", "the administrator's", "default"), json!({ "system": { "all": true } })),
    ] {
        let token = cloud.keystone.log_in_with(identity, scope.clone()).unwrap().token;
        let answer = cloud.ask(&token, "GET", "/networks", &Value::Null).expect(403).unwrap();
        assert_eq!(answer["NeutronError"]["type"], "InvalidScope", "{scope}: {answer}");
    }
}

/// Alice trusts Bob with her project, in her name and in his own.
fn a_trust_is_good_for_its_project(cloud: &Cloud, demo: &str, (alice, bob): (&str, &str)) {
    let hers = cloud.keystone.log_in("alice", "a", "demo").unwrap().token;
    for impersonation in [true, false] {
        let wanted = json!({ "trust": { "trustor_user_id": alice, "trustee_user_id": bob, "project_id": demo,
            "impersonation": impersonation, "roles": [{ "name": "member" }] } });
        let made = cloud.keystone.ask(&hers, "POST", "/OS-TRUST/trusts", Some(&wanted)).unwrap().expect(201).unwrap();
        let trust = &made["trust"]["id"];
        let scope = json!({ "OS-TRUST:trust": { "id": trust } });
        let token = cloud.keystone.log_in_with(password("bob", "b", "default"), scope).unwrap().token;
        assert_eq!(project_of(cloud, &token), demo, "impersonation {impersonation}");
        let path = format!("/OS-TRUST/trusts/{}", trust.as_str().unwrap());
        cloud.keystone.ask(&hers, "DELETE", &path, None).unwrap().expect(204).unwrap();
        until_refused(cloud, &token, "a token of a trust that ended to be refused");
    }
}
