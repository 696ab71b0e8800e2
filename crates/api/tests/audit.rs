//! The audit trail, from requests to answers of `/baryon/v1/audit`.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use api::NullWorld;
use common::{PASSWORD, TestApi};
use serde_json::{Value, json};

const NETWORK: &str = "/network/RegionOne/v2.0";
const IDENTITY: &str = "/identity/v3";

/// The events that a query selects, newest first.
fn events(api: &TestApi, token: &str, query: &str) -> Vec<Value> {
    let answer = api.get(token, &format!("/baryon/v1/audit?{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["events"].as_array().unwrap().clone()
}

/// The same of what is written after its answer: waits until there are so many.
fn late(api: &TestApi, token: &str, query: &str, count: usize) -> Vec<Value> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let found = events(api, token, query);
        if found.len() >= count {
            assert_eq!(found.len(), count, "{found:#?}");
            return found;
        }
        assert!(Instant::now() < end, "{} of {count} events: {found:#?}", found.len());
        thread::sleep(Duration::from_millis(20));
    }
}

fn create(api: &TestApi, token: &str, path: &str, body: &Value) -> Value {
    let answer = api.ask(token, "POST", path, body);
    assert_eq!(answer.status, 201, "{path}: {}", answer.text);
    let json = answer.json();
    json.as_object().unwrap().values().next().unwrap().clone()
}

fn actions(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["action"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_write_has_an_event_that_says_who_did_what_to_which_object() {
    let api = TestApi::start();
    let demo = api.demo();
    let given = "req-519e3f7a-8a8b-4c8e-ad82-bc6f4f7f0a33";
    let headers = [("X-Auth-Token", demo.as_str()), ("X-Openstack-Request-Id", given)];
    let body = json!({ "network": { "name": "a" } }).to_string();
    let made = api.send("POST", &format!("{NETWORK}/networks"), &headers, Some(&body));
    assert_eq!(made.status, 201, "{}", made.text);
    let (id, project) = (made.json()["network"]["id"].clone(), made.json()["network"]["project_id"].clone());
    let path = format!("{NETWORK}/networks/{}", id.as_str().unwrap());
    let change = json!({ "network": { "name": "b", "description": "" } });
    assert_eq!(api.ask(&demo, "PUT", &path, &change).status, 200);
    // The same again: no effect, no event.
    assert_eq!(api.ask(&demo, "PUT", &path, &change).status, 200);
    assert_eq!(api.ask(&demo, "PUT", &format!("{path}/tags/blue"), &Value::Null).status, 201);
    assert_eq!(api.ask(&demo, "DELETE", &path, &Value::Null).status, 204);

    let admin = api.admin();
    let found = events(&api, &admin, &format!("target_id={}", id.as_str().unwrap()));
    let expected = ["delete_network", "update_network_tags", "update_network", "create_network"];
    assert_eq!(actions(&found), expected.map(|name| format!("network:{name}")));
    let [deleted, tagged, updated, created] = found.try_into().unwrap();
    assert_eq!(created["request_id"], made.header("x-openstack-request-id").unwrap());
    assert_eq!(created["global_request_id"], given);
    assert_eq!(created["observer"], json!({ "service": "network", "region": "RegionOne" }));
    assert_eq!(created["outcome"], "success");
    assert_eq!(created["target"], json!({ "type": "network", "id": id }));
    let initiator = &created["initiator"];
    assert_eq!(initiator["user_name"], "demo");
    assert_eq!(initiator["domain_id"], "default");
    assert_eq!(initiator["project_id"], project);
    assert_eq!(initiator["address"], "127.0.0.1");
    assert_eq!((&created["before"], &created["after"]["name"]), (&Value::Null, &json!("a")));
    assert_eq!((&updated["before"], &updated["after"]), (&json!({ "name": "a" }), &json!({ "name": "b" })));
    assert_eq!((&tagged["before"], &tagged["after"]), (&json!({ "tags": [] }), &json!({ "tags": ["blue"] })));
    assert_eq!((&deleted["before"]["name"], &deleted["after"]), (&json!("b"), &Value::Null));
}

#[test]
fn a_write_that_fails_leaves_no_effect_and_an_event_that_says_why() {
    let api = TestApi::start();
    let (admin, demo) = (api.admin(), api.demo());
    let body = json!({ "networks": [{ "name": "one" }, { "name": "two", "mtu": "wide" }] });
    let refused = api.ask(&demo, "POST", &format!("{NETWORK}/networks"), &body);
    assert_eq!(refused.status, 400, "{}", refused.text);
    let [event] = late(&api, &admin, "action=network:create_network", 1).try_into().unwrap();
    assert_eq!(event["outcome"], "failure");
    assert_eq!(event["reason"]["code"], 400);
    assert_eq!(event["reason"]["text"], refused.message());
    assert_eq!(event["initiator"]["user_name"], "demo");
    assert_eq!(event["target"], json!({ "type": "network", "id": null }));
}

#[test]
fn bulk_creates_actions_and_groups_that_come_by_themselves_have_their_events() {
    let api = TestApi::start();
    let (admin, demo) = (api.admin(), api.demo());
    let body = json!({ "networks": [{ "name": "one" }, { "name": "two" }, { "name": "three" }] });
    let made = api.ask(&demo, "POST", &format!("{NETWORK}/networks"), &body).json()["networks"].clone();
    let found = events(&api, &admin, "action=network:create_network");
    let names: Vec<_> = found.iter().rev().map(|event| event["after"]["name"].clone()).collect();
    assert_eq!(names, ["one", "two", "three"]);
    assert_eq!(found[0]["request_id"], found[2]["request_id"]);

    let subnet = json!({ "subnet": { "network_id": made[0]["id"], "ip_version": 4, "cidr": "10.0.0.0/24" } });
    let subnet = create(&api, &demo, &format!("{NETWORK}/subnets"), &subnet);
    let router = create(&api, &demo, &format!("{NETWORK}/routers"), &json!({ "router": {} }));
    let router = format!("{NETWORK}/routers/{}", router["id"].as_str().unwrap());
    let interface = json!({ "subnet_id": subnet["id"] });
    let added = api.ask(&demo, "PUT", &format!("{router}/add_router_interface"), &interface);
    assert_eq!(added.status, 200, "{}", added.text);
    let route = json!({ "router": { "routes": [{ "destination": "192.0.2.0/24", "nexthop": "10.0.0.9" }] } });
    assert_eq!(api.ask(&demo, "PUT", &format!("{router}/add_extraroutes"), &route).status, 200);
    assert_eq!(api.ask(&demo, "PUT", &format!("{router}/remove_extraroutes"), &route).status, 200);
    assert_eq!(api.ask(&demo, "PUT", &format!("{router}/remove_router_interface"), &interface).status, 200);
    let id = router.rsplit('/').next().unwrap();
    let [removed, less, more, added, _created] =
        events(&api, &admin, &format!("target_id={id}")).try_into().expect("five events");
    assert_eq!(added["action"], "network:add_router_interface");
    assert_eq!(added["after"]["subnet_id"], subnet["id"]);
    assert_eq!(more["after"], route["router"]);
    assert_eq!((&less["action"], &less["before"]), (&json!("network:remove_extraroutes"), &route["router"]));
    assert_eq!((&removed["before"]["subnet_id"], &removed["after"]), (&subnet["id"], &Value::Null));

    // The first look makes the project's default group: a write, whoever asked for what.
    api.get(&demo, &format!("{NETWORK}/security-groups"));
    api.get(&demo, &format!("{NETWORK}/security-groups"));
    let [group] = events(&api, &admin, "action=network:create_security_group").try_into().unwrap();
    assert_eq!(group["after"]["name"], "default");
}

#[test]
fn identity_writes_tell_names_and_never_more_than_is_listed() {
    let api = TestApi::start();
    let admin = api.admin();
    let user = json!({ "user": { "name": "alice", "password": "a secret word", "nickname": "not told" } });
    let user = create(&api, &admin, &format!("{IDENTITY}/users"), &user);
    let project = create(&api, &admin, &format!("{IDENTITY}/projects"), &json!({ "project": { "name": "p" } }));
    let [user, project] = [user, project].map(|object| object["id"].as_str().unwrap().to_owned());
    let path = format!("{IDENTITY}/users/{user}");
    assert_eq!(api.ask(&admin, "PATCH", &path, &json!({ "user": { "enabled": false } })).status, 200);
    assert_eq!(api.ask(&admin, "PATCH", &path, &json!({ "user": { "password": "another" } })).status, 200);
    let roles = api.get(&admin, &format!("{IDENTITY}/roles?name=member")).json();
    let role = roles["roles"][0]["id"].as_str().unwrap();
    let grant = format!("{IDENTITY}/projects/{project}/users/{user}/roles/{role}");
    assert_eq!(api.ask(&admin, "PUT", &grant, &Value::Null).status, 204);
    assert_eq!(api.ask(&admin, "DELETE", &grant, &Value::Null).status, 204);
    assert_eq!(api.ask(&admin, "DELETE", &path, &Value::Null).status, 204);

    let [deleted, password, disabled, created] =
        events(&api, &admin, &format!("target_id={user}")).try_into().expect("four events");
    assert_eq!(created["action"], "identity:create_user");
    assert_eq!(created["after"], json!({ "name": "alice", "domain_id": "default", "enabled": true }));
    assert_eq!((&disabled["before"], &disabled["after"]), (&json!({ "enabled": true }), &json!({ "enabled": false })));
    assert_eq!((&password["action"], &password["after"]), (&json!("identity:update_user"), &Value::Null));
    assert_eq!((&deleted["before"]["name"], &deleted["after"]), (&json!("alice"), &Value::Null));
    let [revoked, granted] = events(&api, &admin, &format!("target_id={role}")).try_into().expect("two events");
    let ids = json!({ "project_id": project, "user_id": user });
    assert_eq!((&granted["action"], &granted["after"]), (&json!("identity:create_grant"), &ids));
    assert_eq!((&revoked["action"], &revoked["before"]), (&json!("identity:revoke_grant"), &ids));
    assert_eq!(granted["target"], json!({ "type": "role", "id": role }));
}

#[test]
fn logins_are_told_and_the_name_in_a_failed_one_is_not() {
    let api = TestApi::start();
    let admin = api.admin();
    let scope = json!({ "project": { "name": "demo", "domain": { "name": "Default" } } });
    let good = api.login("demo", PASSWORD, &scope);
    assert_eq!(good.status, 201);
    assert_eq!(api.login("demo", "a wrong guess", &scope).status, 401);
    assert_eq!(api.login("a password typed as a name", "x", &scope).status, 401);
    let project = good.json()["token"]["project"]["id"].clone();
    let of = |answer: &common::Answer| format!("request_id={}", answer.header("x-openstack-request-id").unwrap());
    let [event] = late(&api, &admin, &of(&good), 1).try_into().unwrap();
    assert_eq!((&event["action"], &event["outcome"]), (&json!("identity:authenticate"), &json!("success")));
    assert_eq!((&event["initiator"]["user_name"], &event["initiator"]["project_id"]), (&json!("demo"), &project));
    let [unknown, wrong] = late(&api, &admin, "outcome=refused", 2).try_into().unwrap();
    assert_eq!(wrong["initiator"]["user_name"], "demo", "a known user, by the store's word");
    assert_eq!(wrong["reason"]["code"], 401);
    assert_eq!(unknown["initiator"]["user_id"], Value::Null);
    assert!(!unknown.to_string().contains("typed as a name"), "{unknown}");
}

#[test]
fn what_a_misshapen_body_holds_is_not_told() {
    let api = TestApi::start();
    let admin = api.admin();
    let post = |path: &str, body: Value| {
        let answer = api.ask(&admin, "POST", &format!("/identity/v3{path}"), &body);
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
    };
    let user =
        api.login("admin", PASSWORD, &json!({ "project": { "name": "admin", "domain": { "name": "Default" } } }));
    let user = user.json()["token"]["user"]["id"].as_str().unwrap().to_owned();
    post("/users", json!({ "user": [{ "name": "x", "password": "a secret word" }] }));
    post(
        "/auth/tokens",
        json!({ "auth": { "identity": { "methods": ["password"], "password": { "user": "a secret word" } } } }),
    );
    post(&format!("/users/{user}/password"), json!({ "user": "a secret word" }));
    let credential = json!({ "name": "x", "roles": [{ "secret": "a secret word" }] });
    post(&format!("/users/{user}/application_credentials"), json!({ "application_credential": credential }));
    let events = late(&api, &admin, "outcome=failure", 4);
    assert!(!json!(events).to_string().contains("a secret word"), "{events:?}");
    assert!(events.iter().any(|event| event["reason"]["text"] == "Invalid input for field/attribute user."));
}

#[test]
fn refusals_are_told_whatever_was_asked() {
    let api = TestApi::start();
    let (admin, demo) = (api.admin(), api.demo());
    let nobody = api.send("GET", &format!("{NETWORK}/ports"), &[], None);
    assert_eq!(nobody.status, 401);
    let forbidden = api.ask(&demo, "DELETE", &format!("{IDENTITY}/users/{}", "0".repeat(200)), &Value::Null);
    assert_eq!(forbidden.status, 403);
    // A read that fails otherwise is nobody's business.
    assert_eq!(api.get(&demo, &format!("{NETWORK}/ports/nothing")).status, 404);
    let [second, first] = late(&api, &admin, "outcome=refused", 2).try_into().unwrap();
    assert_eq!((&first["action"], &first["initiator"]["user_id"]), (&json!("network:get_port"), &Value::Null));
    assert_eq!(second["action"], "identity:delete_user");
    assert_eq!(second["initiator"]["user_name"], "demo");
    assert_eq!(second["target"]["id"].as_str().unwrap().len(), 64, "a stranger's text is bounded");
    assert_eq!(second["reason"]["text"], forbidden.message());
}

#[test]
fn a_flood_of_refusals_is_counted_and_holds_nobody_up() {
    let api = TestApi::with(|config| config.audit.queue = 2, Arc::new(NullWorld));
    let admin = api.admin();
    for _ in 0..200 {
        assert_eq!(api.send("GET", &format!("{NETWORK}/ports"), &[], None).status, 401);
    }
    let end = Instant::now() + Duration::from_secs(10);
    let (told, dropped) = loop {
        let told = events(&api, &admin, "outcome=refused&limit=1000").len();
        let reports = events(&api, &admin, "action=baryon:drop_audit_events");
        let count = |event: &Value| {
            let text = event["reason"]["text"].as_str().unwrap();
            text.split(' ').next().unwrap().parse::<usize>().unwrap()
        };
        let dropped: usize = reports.iter().map(count).sum();
        // What was dropped last is reported with the next event.
        if told + dropped >= 200 || Instant::now() > end {
            break (told, dropped);
        }
        api.send("GET", &format!("{NETWORK}/ports"), &[], None);
        thread::sleep(Duration::from_millis(60));
    };
    assert!(told >= 2 && dropped > 0 && told + dropped >= 200, "{told} told, {dropped} dropped");
    let metrics =
        ureq::get(format!("http://{}/metrics", api.health)).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(metrics.contains("# TYPE baryon_audit_dropped_total counter"), "{metrics}");
}

#[test]
fn projects_see_their_own_events_and_administrators_all() {
    let api = TestApi::start();
    let (admin, demo) = (api.admin(), api.demo());
    create(&api, &admin, &format!("{NETWORK}/networks"), &json!({ "network": { "name": "of-admin" } }));
    let own = create(&api, &demo, &format!("{NETWORK}/networks"), &json!({ "network": { "name": "of-demo" } }));
    let project = own["project_id"].as_str().unwrap();
    let names = |token: &str, query: &str| -> Vec<Value> {
        let found = events(&api, token, &format!("action=network:create_network{query}"));
        found.iter().map(|event| event["after"]["name"].clone()).collect()
    };
    assert_eq!(names(&admin, ""), ["of-demo", "of-admin"]);
    assert_eq!(names(&admin, &format!("&project_id={project}")), ["of-demo"]);
    assert_eq!(names(&demo, ""), ["of-demo"]);
    assert_eq!(names(&demo, &format!("&project_id={project}")), ["of-demo"]);
    assert_eq!(api.get(&demo, "/baryon/v1/audit?project_id=another").status, 403);
    assert_eq!(api.send("GET", "/baryon/v1/audit", &[], None).status, 401);
    let unscoped = api.login("demo", PASSWORD, &json!("unscoped"));
    let unscoped = unscoped.header("x-subject-token").unwrap();
    assert_eq!(api.get(unscoped, "/baryon/v1/audit").status, 403);
    assert_eq!(api.ask(&admin, "DELETE", "/baryon/v1/audit", &Value::Null).status, 405, "nobody changes it");
    assert_eq!(api.get(&admin, "/baryon/v1/nothing").status, 404);
}

#[test]
fn pages_follow_one_another_in_either_direction() {
    let api = TestApi::start();
    let admin = api.admin();
    for name in ["a", "b", "c", "d", "e"] {
        create(&api, &admin, &format!("{NETWORK}/networks"), &json!({ "network": { "name": name } }));
    }
    let walk = |direction: &str| {
        let mut names = String::new();
        let mut path = format!("/baryon/v1/audit?action=network:&limit=2&sort_dir={direction}");
        loop {
            let page = api.get(&admin, &path).json();
            for event in page["events"].as_array().unwrap() {
                names.push_str(event["after"]["name"].as_str().unwrap());
            }
            let Some(next) = page["links"]["next"].as_str() else { break names };
            path = next.split_once(&api.address.to_string()).unwrap().1.to_owned();
        }
    };
    assert_eq!((walk("desc").as_str(), walk("asc").as_str()), ("edcba", "abcde"));
    let time = events(&api, &admin, "action=network:")[2]["time"].as_str().unwrap().to_owned();
    let count = |query: &str| events(&api, &admin, &format!("action=network:&{query}")).len();
    assert_eq!((count(&format!("since={time}")), count(&format!("until={time}"))), (3, 2));
    for (query, message) in [
        ("since=yesterday", "Invalid input for query parameter since. Value: yesterday. It is not a time such as"),
        ("limit=few", "Invalid input for query parameter limit. Value: few. It is not a number."),
        (
            "outcome=odd",
            "Invalid input for query parameter outcome. Value: odd. It is not success, failure or refused.",
        ),
        ("action=*", "Invalid input for query parameter action. Value: *. It is not the beginning of an action"),
        ("marker=x", "Invalid input for query parameter marker. Value: x. It is not the sequence of an event."),
        ("user=x", "There is no query parameter user; there are: since,"),
    ] {
        let answer = api.get(&admin, &format!("/baryon/v1/audit?{query}"));
        assert_eq!(answer.status, 400);
        assert!(answer.message().starts_with(message), "{}", answer.message());
    }
}

#[test]
fn old_events_go_and_the_newest_stay() {
    let api = TestApi::with(
        |config| {
            config.audit.max_events = 3;
            config.audit.purge_every = Duration::from_millis(100);
        },
        Arc::new(NullWorld),
    );
    let admin = api.admin();
    for name in ["a", "b", "c", "d", "e"] {
        create(&api, &admin, &format!("{NETWORK}/networks"), &json!({ "network": { "name": name } }));
    }
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let found = events(&api, &admin, "");
        let names: Vec<_> = found.iter().map(|event| event["after"]["name"].clone()).collect();
        if names == ["e", "d", "c"] {
            break;
        }
        assert!(Instant::now() < end, "{names:?}");
        thread::sleep(Duration::from_millis(50));
    }
}
