//! The edge: limits, ids, health, the end.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use api::NullWorld;
use common::TestApi;
use serde_json::{Value, json};

#[test]
fn every_answer_has_a_request_id_of_its_own() {
    let api = TestApi::with(|config| config.limits.body_bytes = 1000, Arc::new(NullWorld));
    let (admin, demo) = (api.admin(), api.demo());
    let given = "req-519e3f7a-8a8b-4c8e-ad82-bc6f4f7f0a33";
    let network = r#"{"network": {"name": "n"}}"#;
    let large = "x".repeat(1001);
    let mut ids = std::collections::BTreeSet::new();
    for (status, token, method, path, body) in [
        (200, "", "GET", "/identity/v3", ""),
        (300, "", "GET", "/identity", ""),
        (200, &admin, "HEAD", "/identity/v3/users", ""),
        (201, &admin, "POST", "/network/RegionOne/v2.0/networks", network),
        (204, &admin, "DELETE", "/identity/v3/auth/tokens", ""),
        (400, &demo, "POST", "/network/RegionOne/v2.0/networks", "{"),
        (401, "", "GET", "/network/RegionOne/v2.0/networks", ""),
        (401, "made up", "GET", "/baryon/v1/audit", ""),
        (403, &demo, "GET", "/identity/v3/users", ""),
        (404, "", "GET", "/nope", ""),
        (404, "", "GET", "/network/Nowhere/v2.0/networks", ""),
        (405, &demo, "PATCH", "/network/RegionOne/v2.0/networks", ""),
        (413, &demo, "POST", "/identity/v3/auth/tokens", &large),
        (501, &demo, "GET", "/compute/v2.1/servers", ""),
    ] {
        let mut headers = vec![("X-Openstack-Request-Id", given), ("X-Auth-Token", token)];
        if method == "DELETE" {
            headers.push(("X-Subject-Token", token));
        }
        let answer = api.send(method, path, &headers, Some(body).filter(|body| !body.is_empty()));
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        let id = answer.header("x-openstack-request-id").unwrap_or_else(|| panic!("{method} {path} has none"));
        assert!(id.starts_with("req-") && id.len() == 40 && id != given, "{id}");
        assert!(ids.insert(id.to_owned()), "{id} twice");
    }
}

#[test]
fn what_is_no_http_is_refused_before_it_is_a_request() {
    let api = TestApi::start();
    for (sent, answer) in [
        ("no http at all\r\n\r\n", "HTTP/1.1 400 "),
        ("GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n", "HTTP/1.1 400 "),
    ] {
        let mut stream = TcpStream::connect(api.address).unwrap();
        stream.write_all(sent.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        // The library answers by itself and tells nobody: there is no request that an id could name.
        assert!(text.starts_with(answer) && text.contains("connection: close"), "{text}");
    }
}

#[test]
fn what_no_service_answers_is_a_page_as_upstream_gives_it() {
    let api = TestApi::start();
    let answer = api.send("GET", "/nope/at/all", &[], None);
    assert_eq!(answer.status, 404);
    assert!(answer.text.starts_with("<html>\n <head>\n  <title>404 Not Found</title>"), "{}", answer.text);
}

#[test]
fn a_region_that_is_not_here_is_named_with_what_was_asked_for() {
    let api = TestApi::start();
    let answer = api.send("GET", "/network/Mars/v2.0/networks", &[], None);
    assert_eq!(answer.status, 404);
    assert!(answer.text.contains("Mars") && answer.text.contains("networks") && answer.text.contains("RegionOne"));
}

#[test]
fn too_large_a_body_is_refused_in_the_words_of_its_service() {
    let api = TestApi::with(|config| config.limits.body_bytes = 1000, Arc::new(NullWorld));
    let large = "x".repeat(1001);
    let identity = api.send("POST", "/identity/v3/auth/tokens", &[], Some(&large));
    assert_eq!(identity.status, 413);
    assert_eq!(identity.json()["error"]["code"], 413);
    let network = api.send("POST", "/network/RegionOne/v2.0/networks", &[], Some(&large));
    assert_eq!(network.json()["NeutronError"]["message"], "The request body is larger than 1000 bytes.");
}

#[test]
fn a_client_that_sends_too_slowly_is_cut_off() {
    let api = TestApi::with(|config| config.limits.read_time = Duration::from_millis(300), Arc::new(NullWorld));
    let begin = Instant::now();
    let mut text = String::new();
    let mut stream = TcpStream::connect(api.address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap();
    let _ = stream.read_to_string(&mut text);
    assert!(begin.elapsed() < Duration::from_secs(5), "the head");
    let mut stream = TcpStream::connect(api.address).unwrap();
    stream.write_all(b"POST /identity/v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{").unwrap();
    text.clear();
    let _ = stream.read_to_string(&mut text);
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
}

#[test]
fn more_requests_than_places_wait_and_are_refused_in_the_end() {
    let api = TestApi::with(
        |config| {
            config.limits.requests = 1;
            config.limits.queue_time = Duration::from_millis(1);
        },
        Arc::new(NullWorld),
    );
    // Each login holds the one place as long as its hash takes.
    let login = || {
        let client = api.client();
        let user = json!({ "name": "nobody", "domain": { "id": "default" }, "password": "x" });
        let body = json!({ "auth": { "identity": { "methods": ["password"], "password": { "user": user } } } });
        client.send("POST", "/identity/v3/auth/tokens", &[], Some(&body.to_string()))
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let logins: Vec<_> = (0..8).map(|_| scope.spawn(login)).collect();
        logins.into_iter().map(|login| login.join().unwrap()).collect()
    });
    let refused = answers.iter().find(|answer| answer.status == 503).expect("a refusal");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(answers.iter().any(|answer| answer.status == 401), "{answers:?}");
}

#[test]
fn who_sends_a_body_slowly_keeps_nobody_waiting() {
    let api = TestApi::with(
        |config| {
            config.limits.requests = 2;
            config.limits.large_bodies = 1;
            config.limits.queue_time = Duration::from_millis(200);
        },
        Arc::new(NullWorld),
    );
    let begin = |length: usize| {
        let mut stream = TcpStream::connect(api.address).unwrap();
        let head = format!("POST /identity/v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{{");
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let _slow: Vec<_> = (0..20).map(|_| begin(9)).collect();
    let mut large = begin(200_000);
    large.write_all(&[b' '; 100_000]).unwrap();
    for _ in 0..20 {
        assert_eq!(api.send("GET", "/identity/v3", &[], None).status, 200);
        std::thread::sleep(Duration::from_millis(10));
    }
    // The one place of large bodies is taken, in good time; small ones go on.
    let refused = api.send("POST", "/identity/v3/auth/tokens", &[], Some(&" ".repeat(100_000)));
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.text);
    assert_eq!(api.send("POST", "/identity/v3/auth/tokens", &[], Some("{}")).status, 400);
    drop(large);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(api.send("POST", "/identity/v3/auth/tokens", &[], Some(&" ".repeat(100_000))).status, 400);
}

#[test]
fn one_source_leaves_connections_to_others() {
    let configure = |trusted: &str| {
        let addresses = vec![trusted.parse().unwrap()];
        move |config: &mut api::ApiConfig| {
            config.limits.connections = 64;
            config.limits.connections_of_one_source = 4;
            config.proxies.addresses = addresses;
        }
    };
    // How many of eight connections that say nothing stay open.
    let open = |api: &TestApi| {
        let streams: Vec<_> = (0..8).map(|_| TcpStream::connect(api.address).unwrap()).collect();
        let is_open = |mut stream: &TcpStream| {
            stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            stream.read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
        };
        streams.iter().filter(|stream| is_open(stream)).count()
    };
    let api = TestApi::with(configure("192.0.2.1/32"), Arc::new(NullWorld));
    assert_eq!(open(&api), 4);
    let mut metrics = ureq::get(format!("http://{}/metrics", api.health)).call().unwrap();
    let metrics = metrics.body_mut().read_to_string().unwrap();
    assert!(metrics.contains("baryon_api_connections_refused_total 4\n"), "{metrics}");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(api.send("GET", "/identity/v3", &[], None).status, 200, "those that ended are forgotten");
    // A proxy stands for all its clients.
    let api = TestApi::with(configure("127.0.0.0/8"), Arc::new(NullWorld));
    assert_eq!(open(&api), 8);
}

#[test]
fn while_one_source_has_all_it_may_have_another_is_answered() {
    let api = TestApi::with(
        |config| {
            config.limits.connections = 8;
            config.limits.connections_of_one_source = 6;
        },
        Arc::new(NullWorld),
    );
    let ask = |from: &str| {
        let mut stream = common::connect_from(from, api.address);
        // Whoever was hung up on sees that while writing or while reading.
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    };
    // Far more than there are places for.
    let idle: Vec<_> = (0..40).map(|_| common::connect_from("127.0.0.1", api.address)).collect();
    for _ in 0..10 {
        assert!(ask("127.0.0.2").starts_with("HTTP/1.1 200"), "another source is shut out");
    }
    assert_eq!(ask("127.0.0.1"), "");
    drop(idle);
}

#[test]
fn health_readiness_and_metrics_are_on_the_second_listener() {
    let api = TestApi::start();
    api.send("GET", "/identity/v3", &[], None);
    let get = |path: &str| {
        let mut response = ureq::get(format!("http://{}{path}", api.health)).call().unwrap();
        response.body_mut().read_to_string().unwrap()
    };
    assert_eq!(get("/healthz"), "ok\n");
    assert_eq!(get("/readyz"), "ready\n");
    let metrics = get("/metrics");
    assert!(
        metrics.contains("baryon_api_requests_total{service=\"identity\",method=\"GET\",status=\"200\"} 1"),
        "{metrics}"
    );
    assert_eq!(api.send("GET", "/healthz", &[], None).status, 404, "not on the first one");
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let api = TestApi::start();
    let error = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let config = api::ApiConfig::new(api.address, api.directory.join("keys"));
        let bound = api::bind(config, api.store.clone(), Arc::new(NullWorld), api::Probes::default()).await;
        bound.err().expect("an error").to_string()
    });
    assert!(error.starts_with(&format!("cannot listen on {}", api.address)), "{error}");
}

#[test]
fn compute_commands_are_told_what_to_do_instead() {
    let api = TestApi::start();
    let token = api.demo();
    assert_eq!(api.get(&token, "/compute/v2.1").json()["version"]["id"], "v2.1");
    for path in ["/compute/v2.1/servers", "/image/v2/images/x"] {
        let answer = api.ask(&token, "GET", path, &Value::Null);
        assert_eq!(answer.status, 501);
        assert!(answer.text.contains("baryon attach PORT --netns NAME"), "{}", answer.text);
    }
}
