//! Trusts over HTTP.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Barrier;

use common::{Answer, PASSWORD, TestApi};
use serde_json::{Value, json};

const TRUSTS: &str = "/identity/v3/OS-TRUST/trusts";
const TOKENS: &str = "/identity/v3/auth/tokens";

/// A cloud with the trustor `demo`, who is a member of the project demo, and trustees without a role.
struct Cloud {
    api: TestApi,
    admin: String,
    demo: String,
    demo_id: String,
}

impl Cloud {
    fn start() -> Self {
        let api = TestApi::start();
        let (admin, demo) = (api.admin(), api.demo());
        let demo_id = api.login("demo", PASSWORD, &Value::Null).json()["token"]["user"]["id"].clone();
        Self { api, admin, demo, demo_id: demo_id.as_str().unwrap().to_owned() }
    }

    /// A new user's id.
    fn user(&self, name: &str) -> String {
        let body = json!({ "user": { "name": name, "password": PASSWORD } });
        let made = self.api.ask(&self.admin, "POST", "/identity/v3/users", &body);
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["user"]["id"].as_str().unwrap().to_owned()
    }

    /// What demo would trust somebody with.
    fn wanted(&self, trustee: &str) -> Value {
        json!({
            "trustor_user_id": self.demo_id,
            "trustee_user_id": trustee,
            "project_id": self.api.made.demo_project,
            "impersonation": false,
            "roles": [{ "name": "member" }],
        })
    }

    fn create_as(&self, token: &str, trust: &Value) -> Answer {
        self.api.ask(token, "POST", TRUSTS, &json!({ "trust": trust }))
    }

    fn create(&self, trust: &Value) -> Value {
        let made = self.create_as(&self.demo, trust);
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["trust"].clone()
    }

    fn login(&self, user: &str, trust: &Value) -> Answer {
        self.api.login(user, PASSWORD, &json!({ "OS-TRUST:trust": { "id": trust["id"] } }))
    }

    fn token(&self, user: &str, trust: &Value) -> String {
        let answer = self.login(user, trust);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.header("x-subject-token").unwrap().to_owned()
    }

    fn works(&self, token: &str) -> bool {
        match self.api.get(token, "/network/RegionOne/v2.0/networks").status {
            200 => true,
            401 => false,
            other => panic!("{other}"),
        }
    }
}

/// `wanted` with other attributes.
fn with(wanted: &Value, change: Value) -> Value {
    let mut wanted = wanted.clone();
    wanted.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    wanted
}

fn status(answer: &Answer) -> u16 {
    answer.status
}

#[test]
fn a_trustee_uses_the_trustor_s_roles_as_themselves_or_as_the_trustor() {
    let cloud = Cloud::start();
    let heat = cloud.user("heat");
    let plain = cloud.create(&cloud.wanted(&heat));
    assert_eq!(plain["roles"][0]["name"], "member");
    assert_eq!(plain["redelegation_count"], json!(0));
    assert_eq!((&plain["expires_at"], &plain["remaining_uses"]), (&Value::Null, &Value::Null));
    assert!(plain["links"]["self"].as_str().unwrap().contains("v3/OS-TRUST/trusts/"));
    let answer = cloud.login("heat", &plain);
    assert_eq!(answer.status, 201, "{}", answer.text);
    let token = &answer.json()["token"];
    assert_eq!(token["user"]["id"], json!(heat));
    assert_eq!(token["project"]["id"], json!(cloud.api.made.demo_project));
    assert_eq!(token["roles"].as_array().unwrap().len(), 2, "and what the role implies");
    assert!(token.get("is_domain").is_none());
    assert_eq!(
        token["OS-TRUST:trust"],
        json!({
            "id": plain["id"],
            "trustor_user": { "id": cloud.demo_id },
            "trustee_user": { "id": heat },
            "impersonation": false,
        })
    );
    assert!(answer.header("x-subject-token").unwrap().len() < 255);

    let impersonating = cloud.create(&with(&cloud.wanted(&heat), json!({ "impersonation": true })));
    let token = cloud.token("heat", &impersonating);
    let headers = [("X-Auth-Token", token.as_str()), ("X-Subject-Token", token.as_str())];
    let seen = cloud.api.send("GET", TOKENS, &headers, None);
    assert_eq!(seen.status, 200, "{}", seen.text);
    assert_eq!(seen.json()["token"]["user"]["name"], "demo");
    assert_eq!(seen.json()["token"]["OS-TRUST:trust"]["impersonation"], json!(true));
    let made = cloud.api.ask(&token, "POST", "/network/RegionOne/v2.0/networks", &json!({ "network": {} }));
    assert_eq!(made.status, 201, "Heat makes what the stack says: {}", made.text);
    assert_eq!(made.json()["network"]["project_id"], json!(cloud.api.made.demo_project));
}

#[test]
fn only_the_trustee_and_only_in_its_bounds() {
    let cloud = Cloud::start();
    let heat = cloud.user("heat");
    cloud.user("other");
    let trust = cloud.create(&cloud.wanted(&heat));
    let refused = cloud.login("other", &trust);
    assert_eq!(refused.status, 403);
    assert_eq!(refused.message(), "You are not authorized to perform the requested action.");
    assert_eq!(cloud.login("demo", &trust).status, 403, "the trustor neither");
    let token = cloud.token("heat", &trust);
    // No way from it to another token, a trust, or an application credential.
    let identity = json!({ "methods": ["token"], "token": { "id": token } });
    let again = cloud.api.ask("", "POST", TOKENS, &json!({ "auth": { "identity": identity } }));
    assert_eq!(again.status, 403);
    assert_eq!(
        again.message(),
        "You are not authorized to perform the requested action: Using trust-scoped token to create another token. \
         Create a new trust-scoped token instead."
    );
    let own = with(&cloud.wanted(&heat), json!({ "trustor_user_id": heat, "trustee_user_id": cloud.demo_id }));
    assert_eq!(cloud.create_as(&token, &own).status, 403, "not redelegatable");
    let credentials = format!("/identity/v3/users/{heat}/application_credentials");
    assert_eq!(cloud.api.get(&token, &credentials).status, 403);
    let body = json!({ "application_credential": { "name": "x" } });
    assert_eq!(cloud.api.ask(&token, "POST", &credentials, &body).status, 403);
}

#[test]
fn only_the_trustor_makes_one_of_what_they_have() {
    let cloud = Cloud::start();
    let heat = cloud.user("heat");
    let wanted = cloud.wanted(&heat);
    let refused = |change: Value| {
        let answer = cloud.create_as(&cloud.demo, &with(&wanted, change));
        (answer.status, answer.message())
    };
    let not = |what: &str| format!("You are not authorized to perform the requested action: {what}.");
    assert_eq!(refused(json!({ "trustor_user_id": heat })), (403, not("identity:create_trust")));
    assert_eq!(cloud.create_as(&cloud.admin, &wanted).status, 403, "an administrator neither");
    assert_eq!(refused(json!({ "roles": [] })), (403, not("At least one role should be specified")));
    assert_eq!(refused(json!({ "trustee_user_id": "nobody" })), (404, "Could not find user: nobody.".to_owned()));
    assert_eq!(refused(json!({ "project_id": "none" })).0, 404);
    assert_eq!(refused(json!({ "roles": [{ "name": "admin" }] })).0, 404, "not the trustor's");
    assert_eq!(refused(json!({ "project_id": cloud.api.made.admin_project })).0, 404);
    assert_eq!(refused(json!({ "remaining_uses": 0 })).0, 400);
    assert_eq!(refused(json!({ "remaining_uses": "1" })).0, 400);
    assert_eq!(refused(json!({ "redelegation_count": -1 })).0, 400);
    assert_eq!(refused(json!({ "impersonation": "yes" })).0, 400);
    assert_eq!(refused(json!({ "expires_at": "bad.123Z" })).0, 400);
    assert_eq!(refused(json!({ "expires_at": "2020-01-01T00:00:00Z" })).0, 400);
    for name in ["trustor_user_id", "trustee_user_id", "impersonation"] {
        let mut without = wanted.clone();
        without.as_object_mut().unwrap().remove(name);
        assert_eq!(cloud.create_as(&cloud.demo, &without).status, 400, "{name}");
    }
    let twice = with(&wanted, json!({ "expires_at": "2100-01-01T00:00:00.123456Z" }));
    assert_eq!(cloud.create(&twice)["expires_at"], "2100-01-01T00:00:00.000000Z");
    assert_eq!(cloud.create_as(&cloud.demo, &twice).status, 409);
}

#[test]
fn its_parties_and_administrators_see_it_and_the_trustor_deletes_it() {
    let cloud = Cloud::start();
    let heat = cloud.user("heat");
    let other = cloud.user("other");
    let trust = cloud.create(&cloud.wanted(&heat));
    let login = |user: &str| cloud.api.login(user, PASSWORD, &json!("unscoped"));
    let unscoped = |user: &str| login(user).header("x-subject-token").unwrap().to_owned();
    let (heat_token, other_token) = (unscoped("heat"), unscoped("other"));
    let one = format!("{TRUSTS}/{}", trust["id"].as_str().unwrap());
    let get = |token: &str, path: &str| cloud.api.get(token, path);
    for token in [&cloud.demo, &heat_token, &cloud.admin] {
        let shown = get(token, &one);
        assert_eq!(shown.json()["trust"], trust, "{}", shown.text);
    }
    assert_eq!(
        get(&other_token, &one).message(),
        "You are not authorized to perform the requested action: identity:get_trust."
    );
    let missing = get(&other_token, &format!("{TRUSTS}/nothing"));
    assert_eq!((missing.status, missing.message().as_str()), (404, "Could not find trust: nothing."));

    let list = |token: &str, query: &str| get(token, &format!("{TRUSTS}{query}"));
    let trustor = format!("?trustor_user_id={}", cloud.demo_id);
    let trustee = format!("?trustee_user_id={heat}");
    for (token, query) in
        [(&cloud.demo, &trustor), (&heat_token, &trustee), (&cloud.admin, &trustor), (&cloud.admin, &String::new())]
    {
        let listed = list(token, query).json();
        assert_eq!(listed["trusts"].as_array().unwrap().len(), 1, "{listed}");
        assert!(listed["trusts"][0].get("roles").is_none());
    }
    assert_eq!(status(&list(&cloud.demo, "")), 403);
    assert_eq!(status(&list(&cloud.demo, &trustee)), 403);
    assert_eq!(list(&other_token, &format!("?trustee_user_id={other}")).json()["trusts"], json!([]));

    let roles = get(&heat_token, &format!("{one}/roles")).json();
    let role = &roles["roles"][0];
    assert!(role["links"]["self"].as_str().unwrap().ends_with(&format!("v3/roles/{}", role["id"].as_str().unwrap())));
    let role_path = format!("{one}/roles/{}", role["id"].as_str().unwrap());
    assert_eq!(get(&heat_token, &role_path).json()["role"], *role);
    assert_eq!(cloud.api.ask(&heat_token, "HEAD", &role_path, &Value::Null).status, 200);
    assert_eq!(get(&heat_token, &format!("{one}/roles/other")).status, 404);

    let token = cloud.token("heat", &trust);
    assert!(cloud.works(&token));
    assert_eq!(cloud.api.ask(&heat_token, "DELETE", &one, &Value::Null).status, 403);
    assert_eq!(cloud.api.ask(&cloud.demo, "DELETE", &one, &Value::Null).status, 204);
    assert_eq!(get(&cloud.demo, &one).status, 404);
    assert!(!cloud.works(&token), "its tokens go with it");
    assert_eq!(cloud.login("heat", &trust).status, 401);
}

#[test]
fn uses_are_counted_exactly_by_any_number_of_clients() {
    let cloud = Cloud::start();
    let heat = cloud.user("heat");
    let trust = cloud.create(&with(&cloud.wanted(&heat), json!({ "remaining_uses": 3 })));
    let unscoped = cloud.api.login("heat", PASSWORD, &json!("unscoped"));
    let unscoped = unscoped.header("x-subject-token").unwrap();
    let auth = json!({ "auth": {
        "identity": { "methods": ["token"], "token": { "id": unscoped } },
        "scope": { "OS-TRUST:trust": { "id": trust["id"] } },
    } });
    let barrier = Barrier::new(12);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let attempts: Vec<_> = (0..12)
            .map(|_| {
                scope.spawn(|| {
                    let client = cloud.api.client();
                    barrier.wait();
                    client.ask("", "POST", TOKENS, &auth)
                })
            })
            .collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
    });
    let good: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(good.len(), 3);
    assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 401)));
    for answer in good {
        assert!(cloud.works(answer.header("x-subject-token").unwrap()), "the last one, too");
    }
    let gone = cloud.api.get(&cloud.demo, &format!("{TRUSTS}/{}", trust["id"].as_str().unwrap()));
    assert_eq!(gone.status, 404, "used up");
}

#[test]
fn a_trust_is_handed_on_as_far_as_it_says() {
    let cloud = Cloud::start();
    let (first, second, third) = (cloud.user("first"), cloud.user("second"), cloud.user("third"));
    let wanted = cloud.wanted(&first);
    let deep = |count: Value| {
        let answer = cloud
            .create_as(&cloud.demo, &with(&wanted, json!({ "allow_redelegation": true, "redelegation_count": count })));
        (answer.status, answer.json()["trust"]["redelegation_count"].clone())
    };
    assert_eq!(deep(json!(4)), (403, Value::Null));
    assert_eq!(deep(Value::Null), (201, json!(3)));
    assert_eq!(deep(json!(0)), (201, json!(0)));
    let counted = with(&wanted, json!({ "allow_redelegation": true, "remaining_uses": 2 }));
    let refused = cloud.create_as(&cloud.demo, &counted);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.message(), "remaining_uses must not be set if redelegation is allowed");

    let top = cloud.create(&with(
        &wanted,
        json!({
            "allow_redelegation": true, "redelegation_count": 2, "impersonation": true,
            "expires_at": "2100-01-01T00:00:00Z",
        }),
    ));
    let as_demo = cloud.token("first", &top);
    let hand_on = |change: Value| {
        let next = with(&wanted, json!({ "trustee_user_id": second, "allow_redelegation": true }));
        cloud.create_as(&as_demo, &with(&next, change))
    };
    for refused in [
        json!({ "expires_at": "2101-01-01T00:00:00Z" }),
        json!({ "redelegation_count": 2 }),
        json!({ "allow_redelegation": false, "remaining_uses": 1 }),
    ] {
        let answer = hand_on(refused.clone());
        assert_eq!(answer.status, 403, "{refused}: {}", answer.text);
    }
    assert_eq!(hand_on(json!({ "roles": [{ "name": "admin" }] })).status, 403);
    let next = hand_on(json!({ "impersonation": true }));
    assert_eq!(next.status, 201, "{}", next.text);
    let next = next.json()["trust"].clone();
    assert_eq!(next["redelegated_trust_id"], top["id"]);
    assert_eq!((&next["redelegation_count"], &next["expires_at"]), (&json!(1), &top["expires_at"]));

    let as_demo = cloud.token("second", &next);
    assert!(cloud.works(&as_demo));
    let last = with(&wanted, json!({ "trustee_user_id": third, "allow_redelegation": true }));
    let last = cloud.create_as(&as_demo, &last).json()["trust"].clone();
    assert_eq!(last["redelegation_count"], json!(0));
    let token = cloud.token("third", &last);
    assert!(cloud.works(&token));
    // A link of the chain that breaks breaks what hangs on it.
    let set = |enabled: bool| {
        let body = json!({ "user": { "enabled": enabled } });
        let path = format!("/identity/v3/users/{second}");
        assert_eq!(cloud.api.ask(&cloud.admin, "PATCH", &path, &body).status, 200);
    };
    set(false);
    assert!(!cloud.works(&token));
    set(true);
    let token = cloud.token("third", &last);
    let top = format!("{TRUSTS}/{}", top["id"].as_str().unwrap());
    assert_eq!(cloud.api.ask(&cloud.demo, "DELETE", &top, &Value::Null).status, 204);
    assert!(!cloud.works(&token));
    assert_eq!(cloud.login("third", &last).status, 401);
}
