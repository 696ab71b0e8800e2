//! The network service over HTTP.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{sync::Arc, time::Duration};

use common::TestApi;
use intent::{DropCount, RegionStatus, TraceReport, TraceRequest, TraceStep, World, WorldError};
use serde_json::{Value, json};
use store::ChangeSeq;
use types::PortId;

const BASE: &str = "/network/RegionOne/v2.0";

fn create(api: &TestApi, token: &str, path: &str, body: &Value) -> Value {
    let answer = api.ask(token, "POST", &format!("{BASE}/{path}"), body);
    assert_eq!(answer.status, 201, "{path}: {}", answer.text);
    answer.json().as_object().unwrap().values().next().unwrap().clone()
}

#[test]
fn a_network_lives_a_whole_life() {
    let api = TestApi::start();
    let demo = api.demo();
    let network = create(&api, &demo, "networks", &json!({ "network": { "name": "größe" } }));
    assert_eq!(network["project_id"], json!(api.made.demo_project));
    let one = format!("{BASE}/networks/{}", network["id"].as_str().unwrap());
    assert_eq!(api.get(&demo, &one).json()["network"]["name"], "größe");
    assert_eq!(api.get(&demo, &format!("{one}?fields=name")).json(), json!({ "network": { "name": "größe" } }));
    let changed = api.ask(&demo, "PUT", &one, &json!({ "network": { "name": "n2" } })).json();
    assert_eq!(changed["network"]["revision_number"], json!(network["revision_number"].as_u64().unwrap() + 1));
    let headers = [("X-Auth-Token", demo.as_str()), ("If-Match", "revision_number=0")];
    assert_eq!(api.send("PUT", &one, &headers, Some(r#"{"network": {"name": "x"}}"#)).status, 412);
    let headers = [("X-Auth-Token", demo.as_str()), ("If-Match", "nonsense")];
    assert_eq!(api.send("PUT", &one, &headers, Some(r#"{"network": {"name": "x"}}"#)).status, 400);
    assert_eq!(api.ask(&demo, "DELETE", &one, &Value::Null).status, 204);
    assert_eq!(api.get(&demo, &one).status, 404);
}

#[test]
fn many_are_made_at_once_or_none() {
    let api = TestApi::start();
    let demo = api.demo();
    let path = format!("{BASE}/networks");
    let bad = api.ask(&demo, "POST", &path, &json!({ "networks": [{ "name": "a" }, { "name": "b", "nope": 1 }] }));
    assert_eq!(bad.status, 400);
    assert_eq!(api.get(&demo, &path).json()["networks"].as_array().unwrap().len(), 0);
    let made = api.ask(&demo, "POST", &path, &json!({ "networks": [{ "name": "a" }, { "name": "b" }] }));
    assert_eq!(made.json()["networks"][1]["name"], "b");
    assert_eq!(api.get(&demo, &path).json()["networks"].as_array().unwrap().len(), 2);
}

#[test]
fn pages_lead_forth_and_back_through_the_whole_list() {
    let api = TestApi::start();
    let demo = api.demo();
    let names: Vec<_> = (0..5).map(|n| json!({ "name": format!("n{n}") })).collect();
    api.ask(&demo, "POST", &format!("{BASE}/networks"), &json!({ "networks": names }));
    let host = format!("http://{}", api.address);
    let follow = |mut path: String, rel: &str| {
        let mut pages: Vec<Vec<String>> = Vec::new();
        loop {
            let page = api.get(&demo, &path).json();
            let names = page["networks"].as_array().unwrap().iter();
            pages.push(names.map(|network| network["name"].as_str().unwrap().to_owned()).collect());
            let links = page["networks_links"].as_array().cloned().unwrap_or_default();
            let Some(next) = links.iter().find(|link| link["rel"] == rel) else { return pages };
            path = next["href"].as_str().unwrap().strip_prefix(&host).unwrap().to_owned();
            assert!(pages.len() < 10, "the pages end: {pages:?}");
        }
    };
    let first = format!("{BASE}/networks?limit=2&sort_key=name&sort_dir=asc&fields=name");
    let forth = follow(first.clone(), "next");
    assert_eq!(forth.concat(), ["n0", "n1", "n2", "n3", "n4"]);
    let back = follow(format!("{first}&page_reverse=True"), "previous");
    assert_eq!(back[0], ["n3", "n4"]);
    assert_eq!(back.into_iter().rev().collect::<Vec<_>>().concat(), ["n0", "n1", "n2", "n3", "n4"]);
}

#[test]
fn the_default_group_is_there_from_the_first_look() {
    let api = TestApi::start();
    let demo = api.demo();
    let groups = api.get(&demo, &format!("{BASE}/security-groups")).json();
    assert_eq!(groups["security_groups"][0]["name"], "default", "{groups}");
    assert_eq!(groups["security_groups"].as_array().unwrap().len(), 1);
}

#[test]
fn a_limit_below_what_is_used_is_refused_when_the_client_wants_to_know() {
    let api = TestApi::start();
    let (admin, demo) = (api.admin(), api.demo());
    create(&api, &demo, "networks", &json!({ "network": {} }));
    let path = format!("{BASE}/quotas/{}", api.made.demo_project);
    let set = |quota: Value| api.ask(&admin, "PUT", &path, &json!({ "quota": quota }));
    let refused = set(json!({ "network": 0, "check_limit": true }));
    assert_eq!(refused.status, 400);
    assert_eq!(refused.message(), "Quota limit 0 for network must be greater than or equal to already used 1");
    assert_eq!(set(json!({ "network": 1, "check_limit": true })).status, 200);
    assert_eq!(set(json!({ "network": 0, "force": true })).status, 200);
    let over = api.ask(&demo, "POST", &format!("{BASE}/networks"), &json!({ "network": {} }));
    assert_eq!(over.json()["NeutronError"]["type"], "OverQuota");
}

#[test]
fn a_reader_reads_and_writes_nothing() {
    let api = TestApi::start();
    let admin = api.admin();
    let id = |path: &str, key: &str| {
        api.get(&admin, &format!("/identity/v3/{path}")).json()[key][0]["id"].as_str().unwrap().to_owned()
    };
    let (reader, member) = (id("roles?name=reader", "roles"), id("roles?name=member", "roles"));
    let user = id("users?name=demo", "users");
    let grant = |role: &str| format!("/identity/v3/projects/{}/users/{user}/roles/{role}", api.made.demo_project);
    assert_eq!(api.ask(&admin, "PUT", &grant(&reader), &Value::Null).status, 204);
    assert_eq!(api.ask(&admin, "DELETE", &grant(&member), &Value::Null).status, 204);
    let demo = api.demo();
    assert_eq!(api.get(&demo, &format!("{BASE}/networks")).status, 200);
    let refused = api.ask(&demo, "POST", &format!("{BASE}/networks"), &json!({ "network": { "name": "x" } }));
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["NeutronError"]["type"], "PolicyNotAuthorized");
}

#[test]
fn a_token_without_a_project_is_of_no_use_here() {
    let api = TestApi::start();
    let answer = api.login("admin", common::PASSWORD, &json!({ "system": { "all": true } }));
    let token = answer.header("x-subject-token").unwrap();
    let refused = api.get(token, &format!("{BASE}/networks"));
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["NeutronError"]["type"], "InvalidScope");
}

#[test]
fn errors_say_what_to_do_in_their_detail() {
    let api = TestApi::start();
    let demo = api.demo();
    let answer = api.ask(&demo, "POST", &format!("{BASE}/ports"), &json!({ "port": { "network_id": "zzz" } }));
    let error = &answer.json()["NeutronError"];
    assert_eq!(error["message"], "Invalid input for network_id. Reason: 'zzz' is not a valid UUID.");
    assert_eq!(error["detail"], "field: network_id, value: 'zzz'");
    let answer = api.get(&demo, &format!("{BASE}/lbaas/loadbalancers"));
    assert_eq!(answer.status, 404);
    let detail = answer.json()["NeutronError"]["detail"].as_str().unwrap().to_owned();
    let expected = "Region RegionOne is to offer L4 load balancing (Neutron LBaaSv2) [lbaas], which this version does not have yet.";
    assert_eq!(detail, expected);
}

/// A world that answers what it is told to, and remembers what it was asked.
struct ToldWorld {
    applied: Result<(), WorldError>,
    waited_for: std::sync::Mutex<Vec<ChangeSeq>>,
}

impl World for ToldWorld {
    fn wait_applied(&self, region: &str, change: ChangeSeq, _timeout: Duration) -> Result<(), WorldError> {
        assert_eq!(region, "RegionOne");
        self.waited_for.lock().unwrap().push(change);
        self.applied.clone()
    }

    fn trace(&self, _region: &str, request: &TraceRequest) -> Result<TraceReport, WorldError> {
        let steps = vec![TraceStep {
            stage: "port security".to_owned(),
            subject: Some(("port".to_owned(), request.from.to_string())),
            text: format!("to {} port {:?}", request.to, request.destination_port),
        }];
        Ok(TraceReport { steps, delivered: false, verdict: "dropped".to_owned(), reason: Some("no route".to_owned()) })
    }

    fn drops(&self, _region: &str, _port: PortId) -> Result<Vec<DropCount>, WorldError> {
        Ok(vec![DropCount { reason: "spoofed".to_owned(), packets: 3, bytes: 180 }])
    }

    fn supports(&self, _region: &str, _extension: &str) -> Result<bool, WorldError> {
        Ok(true)
    }

    fn status(&self, _region: &str) -> Result<RegionStatus, WorldError> {
        Ok(RegionStatus { driver_ok: true, rows: 7, ..RegionStatus::default() })
    }
}

#[test]
fn a_change_is_waited_for_when_asked_and_said_to_be_late_when_it_is() {
    let world = Arc::new(ToldWorld { applied: Ok(()), waited_for: Default::default() });
    let api = TestApi::with(|_| {}, Arc::clone(&world) as Arc<dyn World>);
    let demo = api.demo();
    let network = json!({ "network": { "name": "x" } });
    create(&api, &demo, "networks", &network);
    assert!(world.waited_for.lock().unwrap().is_empty());
    create(&api, &demo, "networks?wait=1", &network);
    assert_eq!(world.waited_for.lock().unwrap().len(), 1);

    let reason = WorldError::NotApplied { waited: Duration::from_secs(1), reason: "the agent is away".to_owned() };
    let world = Arc::new(ToldWorld { applied: Err(reason), waited_for: Default::default() });
    let api = TestApi::with(|_| {}, world);
    let demo = api.demo();
    let late = api.ask(&demo, "POST", &format!("{BASE}/networks?wait=1"), &network);
    assert_eq!(late.status, 504);
    assert_eq!(late.json()["NeutronError"]["type"], "NotApplied");
    assert!(late.message().contains("the agent is away"), "{}", late.text);
    assert_eq!(api.get(&demo, &format!("{BASE}/networks")).json()["networks"].as_array().unwrap().len(), 1, "stored");
}

/// A world that takes its time.
struct SlowWorld(std::sync::mpsc::SyncSender<()>);

impl World for SlowWorld {
    fn wait_applied(&self, _region: &str, _change: ChangeSeq, _timeout: Duration) -> Result<(), WorldError> {
        self.0.send(()).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        Ok(())
    }

    fn trace(&self, region: &str, _request: &TraceRequest) -> Result<TraceReport, WorldError> {
        Err(WorldError::UnknownRegion(region.to_owned()))
    }

    fn drops(&self, region: &str, _port: PortId) -> Result<Vec<DropCount>, WorldError> {
        Err(WorldError::UnknownRegion(region.to_owned()))
    }

    fn supports(&self, _region: &str, _extension: &str) -> Result<bool, WorldError> {
        Ok(true)
    }

    fn status(&self, region: &str) -> Result<RegionStatus, WorldError> {
        Err(WorldError::UnknownRegion(region.to_owned()))
    }
}

#[test]
fn the_end_waits_for_requests_that_are_worked_on() {
    let (waiting, is_waiting) = std::sync::mpsc::sync_channel(1);
    let mut api = TestApi::with(|_| {}, Arc::new(SlowWorld(waiting)));
    let demo = api.demo();
    let url = format!("http://{}{BASE}/networks?wait=1", api.address);
    let request = std::thread::spawn(move || {
        let body = r#"{"network": {}}"#;
        ureq::post(&url).header("X-Auth-Token", &demo).send(body).map(|answer| answer.status().as_u16())
    });
    is_waiting.recv().unwrap();
    api.stop();
    assert_eq!(request.join().unwrap().unwrap(), 201);
}

#[test]
fn the_compiled_world_answers_administrators() {
    let world = Arc::new(ToldWorld { applied: Ok(()), waited_for: Default::default() });
    let api = TestApi::with(|_| {}, world);
    let (admin, demo) = (api.admin(), api.demo());
    let port = PortId::random();
    let wanted = json!({ "trace": { "from": port, "to": "10.0.0.9", "protocol": "tcp", "destination_port": 80 } });
    let path = format!("{BASE}/baryon/trace");
    let trace = api.ask(&admin, "POST", &path, &wanted).json();
    assert_eq!(trace["trace"]["steps"][0]["text"], "to 10.0.0.9 port Some(80)", "{trace}");
    assert_eq!(trace["trace"]["reason"], "no route");
    assert_eq!(api.ask(&demo, "POST", &path, &wanted).status, 403);
    for bad in [json!({}), json!({ "trace": { "from": port, "to": "nowhere", "protocol": "tcp" } })] {
        assert_eq!(api.ask(&admin, "POST", &path, &bad).status, 400, "{bad}");
    }
    assert_eq!(api.get(&admin, &format!("{BASE}/baryon/status")).json()["status"]["rows"], 7);
    assert_eq!(api.get(&demo, &format!("{BASE}/baryon/status")).status, 403);

    let network = create(&api, &demo, "networks", &json!({ "network": { "name": "x" } }));
    let port = create(&api, &demo, "ports", &json!({ "port": { "network_id": network["id"] } }));
    let drops = format!("{BASE}/baryon/drops/{}", port["id"].as_str().unwrap());
    assert_eq!(api.get(&demo, &drops).json()["drops"][0]["packets"], 3);
    assert_eq!(api.get(&demo, &format!("{BASE}/baryon/drops/{}", PortId::random())).status, 404);
}
