//! URLs in answers: a public URL with a path, and what a proxy in front says.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;

use api::NullWorld;
use common::TestApi;
use serde_json::{Value, json};

const PUBLIC: &str = "https://cloud.example/net";

/// Every URL in a document.
fn urls(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains("://") => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| urls(item, found)),
        Value::Object(members) => members.values().for_each(|item| urls(item, found)),
        _ => {}
    }
}

#[test]
fn every_url_of_every_document_begins_with_the_public_one() {
    let api = TestApi::with(|config| config.public_url = Some(format!("{PUBLIC}/")), Arc::new(NullWorld));
    let admin = api.admin();
    for number in 0..3 {
        let body = json!({ "network": { "name": format!("n{number}") } });
        assert_eq!(api.ask(&admin, "POST", "/network/RegionOne/v2.0/networks", &body).status, 201);
    }
    let user = api.get(&admin, "/identity/v3/users").json()["users"][0]["id"].as_str().unwrap().to_owned();
    // From the root on, through every link of ours, in both spellings of the path.
    let mut waiting: Vec<String> = [
        "/",
        "/identity",
        "/identity/v3",
        "/identity/v3/auth/catalog",
        "/identity/v3/auth/projects",
        "/identity/v3/services",
        "/identity/v3/endpoints",
        "/identity/v3/projects",
        "/identity/v3/domains",
        "/identity/v3/roles",
        "/identity/v3/regions",
        "/network/RegionOne",
        "/network/RegionOne/v2.0",
        "/network/RegionOne/v2.0/networks?limit=1",
        "/compute",
        "/compute/v2.1",
        "/image",
    ]
    .map(str::to_owned)
    .into();
    waiting.push(format!("/identity/v3/users/{user}"));
    waiting.push("/net/identity/v3".to_owned());
    let mut seen = std::collections::BTreeSet::new();
    let mut links = 0;
    while let Some(path) = waiting.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        assert!(seen.len() < 500, "links without end: {seen:?}");
        let answer = api.get(&admin, &path);
        // Links of objects lead to lists that this version may not have; what is there must be right.
        if answer.status >= 400 {
            continue;
        }
        let mut found = Vec::new();
        urls(&answer.json(), &mut found);
        found.extend(answer.header("location").map(str::to_owned));
        for url in found {
            let below = url.strip_prefix(PUBLIC).unwrap_or_else(|| panic!("{path} has {url}"));
            assert!(below.starts_with('/'), "{path} has {url}");
            links += 1;
            if !below.contains('{') && !below.contains("$(") && !below.contains("%(") {
                waiting.push(below.to_owned());
            }
        }
    }
    assert!(links > 50 && seen.len() > 30, "{links} links, {seen:?}");
    assert!(seen.iter().any(|path| path.contains("marker=")), "pages were walked: {seen:?}");
    let refused = api.send("GET", "/identity/v3/users", &[], None);
    assert_eq!(refused.header("www-authenticate"), Some(format!("Keystone uri=\"{PUBLIC}/identity/v3\"").as_str()));
}

#[test]
fn without_a_public_url_a_trusted_proxy_says_what_the_client_asked_for() {
    let trusting =
        TestApi::with(|config| config.proxies.addresses = vec!["127.0.0.0/8".parse().unwrap()], Arc::new(NullWorld));
    let strict = TestApi::start();
    let told =
        [("X-Forwarded-For", "198.51.100.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "cloud.example")];
    let href = |api: &TestApi| {
        let answer = api.send("GET", "/identity/v3", &told, None).json();
        answer["version"]["links"][0]["href"].as_str().unwrap().to_owned()
    };
    assert_eq!(href(&trusting), "https://cloud.example/identity/v3/");
    assert_eq!(href(&strict), format!("http://{}/identity/v3/", strict.address));
}
