//! Limits hold exactly, however many clients ask at once, on one API process and on two.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use common::{Answer, Client, TestApi};
use serde_json::{Value, json};

const BASE: &str = "/network/RegionOne/v2.0";
const CLIENTS: usize = 64;

/// A project's own limits.
fn set(api: &TestApi, limits: &Value) {
    let path = format!("{BASE}/quotas/{}", api.made.demo_project);
    let mut quota = limits.clone();
    quota["force"] = json!(true);
    let answer = api.ask(&api.admin(), "PUT", &path, &json!({ "quota": quota }));
    assert_eq!(answer.status, 200, "{}", answer.text);
}

fn used(api: &TestApi, resource: &str) -> u64 {
    let path = format!("{BASE}/quotas/{}/details", api.made.demo_project);
    api.get(&api.admin(), &path).json()["quota"][resource]["used"].as_u64().unwrap()
}

fn assert_no_drift(api: &TestApi) {
    let drift = api.store.read_blocking(|read| read.quotas().drift()).unwrap();
    assert!(drift.is_empty(), "{drift:?}");
}

/// Runs clients at once, each with connections of its own; what each says.
fn at_once<T: Send>(count: usize, client: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|index| {
                let (start, client) = (&start, &client);
                scope.spawn(move || {
                    start.wait();
                    client(index)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn is_over(answer: &Answer, resource: &str) -> bool {
    let expected = format!("Quota exceeded for resources: ['{resource}'].");
    answer.status == 409 && answer.message() == expected && answer.json()["NeutronError"]["type"] == "OverQuota"
}

#[test]
fn sixty_four_clients_get_exactly_what_the_limit_leaves() {
    let api = TestApi::start();
    let (admin, demo) = (api.admin(), api.demo());
    let make = |path: &str, body: Value| {
        let answer = api.ask(&admin, "POST", &format!("{BASE}/{path}"), &body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    };
    let external = make("networks", json!({ "network": { "name": "ext", "router:external": true } }));
    let external = external["network"]["id"].as_str().unwrap().to_owned();
    make("subnets", json!({ "subnet": { "network_id": external, "ip_version": 4, "cidr": "198.51.100.0/24" } }));
    let shared = make("networks", json!({ "network": { "name": "shared", "shared": true } }));
    let shared = shared["network"]["id"].as_str().unwrap().to_owned();
    set(&api, &json!({ "network": 50, "port": 50, "floatingip": 50 }));
    let kinds = [
        ("networks", "network", json!({ "network": { "name": "n" } })),
        ("ports", "port", json!({ "port": { "network_id": shared } })),
        ("floatingips", "floatingip", json!({ "floatingip": { "floating_network_id": external } })),
    ];
    for (path, resource, body) in &kinds {
        let path = format!("{BASE}/{path}");
        // 128 requests: twice per client, over the connection of the first.
        let answers: Vec<Answer> = at_once(CLIENTS, |_| {
            let client = api.client();
            [(); 2].map(|()| client.ask(&demo, "POST", &path, body))
        })
        .into_iter()
        .flatten()
        .collect();
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        let over = answers.iter().filter(|answer| is_over(answer, resource)).count();
        let other: Vec<_> = answers.iter().filter(|answer| answer.status != 201 && answer.status != 409).collect();
        assert_eq!((made, over), (50, 2 * CLIENTS - 50), "{resource}: {other:?}");
        assert_eq!(used(&api, resource), 50);
    }
    assert_no_drift(&api);
}

#[test]
fn bulk_requests_deletes_and_changes_of_the_limit_leave_no_more_than_the_limit() {
    const LIMIT: usize = 40;
    let api = TestApi::start();
    let (admin, demo) = (api.admin(), api.demo());
    set(&api, &json!({ "network": LIMIT }));
    let path = format!("{BASE}/networks");
    let (most, changes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let done = AtomicBool::new(false);
    let made: Vec<String> = thread::scope(|scope| {
        // Somebody looks all the time: nobody ever sees more than the limit.
        scope.spawn(|| {
            let client = api.client();
            let details = format!("{BASE}/quotas/{}/details", api.made.demo_project);
            while !done.load(Ordering::Relaxed) {
                let seen = client.get(&admin, &details).json()["quota"]["network"]["used"].as_u64().unwrap();
                most.fetch_max(usize::try_from(seen).unwrap(), Ordering::Relaxed);
            }
        });
        // And somebody lowers and raises the limit of something else, and the limit itself to what it is.
        scope.spawn(|| {
            let client = api.client();
            let path = format!("{BASE}/quotas/{}", api.made.demo_project);
            while !done.load(Ordering::Relaxed) {
                let body = json!({ "quota": { "network": LIMIT, "port": changes.load(Ordering::Relaxed) } });
                assert_eq!(client.ask(&admin, "PUT", &path, &body).status, 200);
                changes.fetch_add(1, Ordering::Relaxed);
            }
        });
        let made = at_once(CLIENTS, |index| {
            let client = api.client();
            let mut own: Vec<String> = Vec::new();
            for round in 0..4 {
                let count = 1 + (index + round) % 7;
                let bodies = vec![json!({ "name": "bulk" }); count];
                let answer = client.ask(&demo, "POST", &path, &json!({ "networks": bodies }));
                match answer.status {
                    201 => {
                        let json = answer.json();
                        let networks = json["networks"].as_array().unwrap();
                        assert_eq!(networks.len(), count, "all or none");
                        own.extend(networks.iter().map(|network| network["id"].as_str().unwrap().to_owned()));
                    }
                    _ => assert!(is_over(&answer, "network"), "{}", answer.text),
                }
                if index % 2 == 0 {
                    for id in own.drain(..) {
                        assert_eq!(client.ask(&demo, "DELETE", &format!("{path}/{id}"), &Value::Null).status, 204);
                    }
                }
            }
            own
        });
        done.store(true, Ordering::Relaxed);
        made.into_iter().flatten().collect()
    });
    assert_eq!(used(&api, "network"), made.len() as u64, "what was made and not deleted is there");
    assert!(made.len() <= LIMIT && most.into_inner() <= LIMIT && changes.into_inner() > 0);
    assert_no_drift(&api);
}

/// The directory of an API that another process serves; `None` in a test run as usual.
const DIRECTORY: &str = "BARYON_TEST_API_DIRECTORY";

/// This is the second process of the test below, which starts it; otherwise it does nothing.
#[test]
fn serves_as_the_second_process() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let api = TestApi::over(directory.into(), |_| {}, Arc::new(api::NullWorld));
    println!("\nlistens at {}", api.address);
    // Until the first process closes this, or is gone.
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn two_processes_on_one_database_keep_one_limit() {
    let first = TestApi::start();
    let mut second = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "serves_as_the_second_process", "--nocapture"])
        .env(DIRECTORY, &first.directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(second.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.find_map(|line| line.strip_prefix("listens at ").map(str::to_owned));
    let addresses = [first.address, address.expect("the second process listens").parse().unwrap()];
    let demo = first.demo();
    set(&first, &json!({ "network": 50 }));
    let path = format!("{BASE}/networks");
    let make = |client: &Client| client.ask(&demo, "POST", &path, &json!({ "network": { "name": "n" } })).status;
    assert_eq!(addresses.map(|address| make(&Client::new(address))), [201, 201]);
    let statuses = at_once(CLIENTS, |index| {
        let client = Client::new(addresses[index % 2]);
        [(); 2].map(|()| make(&client))
    });
    // Which of the two gets how many of the rest is SQLite's to say.
    let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
    statuses.iter().flatten().for_each(|status| *counts.entry(*status).or_default() += 1);
    assert_eq!(counts, BTreeMap::from([(201, 48), (409, 2 * CLIENTS - 48)]));
    assert_eq!(used(&first, "network"), 50);
    assert_no_drift(&first);
    drop(second.stdin.take());
    lines.for_each(drop);
    assert!(second.wait().unwrap().success());
}
