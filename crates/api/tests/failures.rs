//! Failed logins: the limit per source, and that a flood of them starves nobody.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    num::ParseIntError,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use api::{ApiConfig, NullWorld};
use common::{Answer, Client, PASSWORD, TestApi};
use serde_json::{Value, json};

/// Believes what tests say in `X-Forwarded-For`.
fn start(configure: impl FnOnce(&mut ApiConfig)) -> TestApi {
    TestApi::with(
        |config| {
            config.proxies.addresses = vec!["127.0.0.0/8".parse().unwrap()];
            configure(config);
        },
        Arc::new(NullWorld),
    )
}

fn login_body(user: &str, password: &str) -> String {
    let user = json!({ "name": user, "password": password, "domain": { "id": "default" } });
    json!({ "auth": { "identity": { "methods": ["password"], "password": { "user": user } } } }).to_string()
}

/// Wrong ones are of a user who is not there: one who is would be locked.
fn login_from(client: &Client, source: &str, user: &str, password: &str) -> Answer {
    let headers = [("X-Forwarded-For", source), ("Content-Type", "application/json")];
    client.send("POST", "/identity/v3/auth/tokens", &headers, Some(&login_body(user, password)))
}

/// The value of a line of the metrics.
fn metric(api: &TestApi, name: &str) -> Result<usize, ParseIntError> {
    let mut response = ureq::get(format!("http://{}/metrics", api.health)).call().unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or_default();
    line.parse()
}

#[test]
fn a_source_that_fails_too_often_is_not_looked_at_and_others_are() {
    let api = start(|config| config.limits.failures.burst = 5);
    let client = Client::new(api.address);
    for _ in 0..5 {
        assert_eq!(login_from(&client, "198.51.100.7", "nobody", "wrong").status, 401);
    }
    let computed = metric(&api, "baryon_password_hashes_computed_total").unwrap();
    // Also the right password is not looked at: who guesses learns nothing by going on.
    for (user, password) in [("nobody", "wrong"), ("demo", PASSWORD)] {
        let refused = login_from(&client, "198.51.100.7", user, password);
        assert_eq!(refused.status, 429, "{}", refused.text);
        let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3).contains(&seconds), "{seconds}");
        assert_eq!(
            refused.json(),
            json!({ "error": {
                "code": 429,
                "title": "Too Many Requests",
                "message": format!("Too many failed logins came from your address. Try again in {seconds} seconds."),
            } })
        );
    }
    assert_eq!(metric(&api, "baryon_password_hashes_computed_total").unwrap(), computed, "no hash was computed");
    assert_eq!(login_from(&client, "198.51.100.8", "demo", PASSWORD).status, 201, "another source");
    // Passwords may not be guessed by way of changing them either.
    let body = json!({ "user": { "original_password": "wrong", "password": "new one" } }).to_string();
    let users = api.get(&api.admin(), "/identity/v3/users?name=demo").json();
    let path = format!("/identity/v3/users/{}/password", users["users"][0]["id"].as_str().unwrap());
    let changed = client.send("POST", &path, &[("X-Forwarded-For", "198.51.100.7")], Some(&body));
    assert_eq!(changed.status, 429, "{}", changed.text);
}

#[test]
fn a_source_is_forgiven_with_time_and_not_by_a_success() {
    let api = start(|config| {
        config.limits.failures.burst = 2;
        config.limits.failures.interval = Duration::from_secs(2);
    });
    let client = Client::new(api.address);
    let source = "2001:db8:0:1::7";
    assert_eq!(login_from(&client, source, "nobody", "wrong").status, 401);
    assert_eq!(login_from(&client, source, "demo", PASSWORD).status, 201);
    // Of the same /64.
    assert_eq!(login_from(&client, "2001:db8:0:1:ffff::1", "nobody", "wrong").status, 401);
    let refused = login_from(&client, source, "demo", PASSWORD);
    assert_eq!(refused.status, 429);
    thread::sleep(Duration::from_secs(refused.header("retry-after").unwrap().parse().unwrap()));
    assert_eq!(login_from(&client, source, "demo", PASSWORD).status, 201);
}

#[test]
fn made_up_tokens_count_apart_and_never_stop_a_good_one() {
    let api = start(|config| config.limits.failures.burst = 3);
    let token = api.demo();
    let client = Client::new(api.address);
    let ask = |token: &str, path: &str| {
        client.send("GET", path, &[("X-Forwarded-For", "198.51.100.7"), ("X-Auth-Token", token)], None)
    };
    for path in ["/identity/v3/auth/projects", "/network/RegionOne/v2.0/networks", "/identity/v3/auth/projects"] {
        assert_eq!(ask("made-up", path).status, 401, "{path}");
    }
    for path in ["/identity/v3/auth/projects", "/network/RegionOne/v2.0/networks"] {
        let refused = ask("made-up", path);
        assert_eq!(refused.status, 429, "{path}: {}", refused.text);
        assert!(refused.header("retry-after").is_some());
        assert_eq!(ask(&token, path).status, 200, "a good one");
    }
    assert_eq!(login_from(&client, "198.51.100.7", "demo", PASSWORD).status, 201, "a login");
    let exchange = json!({ "auth": { "identity": { "methods": ["token"], "token": { "id": "made-up" } } } });
    let exchange = |source| {
        client.send("POST", "/identity/v3/auth/tokens", &[("X-Forwarded-For", source)], Some(&exchange.to_string()))
    };
    for _ in 0..3 {
        assert_eq!(exchange("198.51.100.9").status, 404);
    }
    assert_eq!(exchange("198.51.100.9").status, 429);
}

/// Clients that log in with wrong passwords until told to stop, each from a source of its own or all from
/// one.
fn flood(api: &TestApi, clients: u8, one_source: bool, done: &Arc<AtomicBool>) -> Vec<thread::JoinHandle<Vec<u16>>> {
    let address = api.address;
    let spawn = |number: u8| {
        let done = Arc::clone(done);
        let source = if one_source { "203.0.113.1".to_owned() } else { format!("198.51.100.{number}") };
        thread::spawn(move || {
            let client = Client::new(address);
            let mut statuses = Vec::new();
            while !done.load(Ordering::Relaxed) {
                statuses.push(login_from(&client, &source, "nobody", "wrong").status);
            }
            statuses
        })
    };
    (0..clients).map(spawn).collect()
}

#[test]
fn a_flood_of_logins_from_everywhere_starves_no_request() {
    const HASHES: usize = 2;
    let api = start(|config| {
        config.limits.hashes = HASHES;
        // The queue is what is tested here, not the limit per source.
        config.limits.failures.burst = 1_000_000;
    });
    let token = api.demo();
    let done = Arc::new(AtomicBool::new(false));
    let flooders = flood(&api, 200, false, &done);
    while metric(&api, "baryon_password_hashes_waiting").unwrap() < 10 {
        thread::sleep(Duration::from_millis(20));
    }
    let paths = ["/network/RegionOne/v2.0/networks", "/identity/v3/auth/projects"];
    let mut times: Vec<Duration> = (0..200)
        .map(|number| {
            let begin = Instant::now();
            let answer = api.get(&token, paths[number % paths.len()]);
            assert_eq!(answer.status, 200, "request {number}: {}", answer.text);
            begin.elapsed()
        })
        .collect();
    done.store(true, Ordering::Relaxed);
    let statuses: Vec<u16> = flooders.into_iter().flat_map(|flooder| flooder.join().unwrap()).collect();
    assert!(statuses.iter().all(|status| matches!(status, 401 | 429)), "{statuses:?}");
    let peak = metric(&api, "baryon_password_hashes_at_once_peak").unwrap();
    assert_eq!(peak, HASHES, "never more at once, and the flood was one");
    times.sort_unstable();
    eprintln!(
        "200 requests beside {} logins ({} looked at): median {:?}, slowest {:?}",
        statuses.len(),
        statuses.iter().filter(|status| **status == 401).count(),
        times[times.len() / 2],
        times[times.len() - 1]
    );
}

#[test]
fn a_flood_from_one_source_keeps_no_other_source_from_logging_in() {
    let api = start(|config| {
        config.limits.hashes = 1;
        config.limits.waiting_logins = 16;
        config.limits.failures.burst = 1_000_000;
    });
    let done = Arc::new(AtomicBool::new(false));
    let flooders = flood(&api, 60, true, &done);
    while metric(&api, "baryon_password_hashes_waiting").unwrap() < 16 {
        thread::sleep(Duration::from_millis(20));
    }
    let good = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..4 {
            let (good, address) = (&good, api.address);
            scope.spawn(move || {
                let client = Client::new(address);
                for _ in 0..3 {
                    let answer = login_from(&client, &format!("192.0.2.{number}"), "demo", PASSWORD);
                    assert_eq!(answer.status, 201, "{}", answer.text);
                    good.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.store(true, Ordering::Relaxed);
    let refused =
        flooders.into_iter().flat_map(|flooder| flooder.join().unwrap()).filter(|status| *status == 429).count();
    assert_eq!(good.into_inner(), 12);
    assert!(refused > 0, "the flood filled the queue");
    assert_eq!(api.get(&api.demo(), "/identity/v3/auth/projects").json()["links"]["next"], Value::Null);
}
