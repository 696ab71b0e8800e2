//! Every endpoint with bodies, paths and queries that make no sense: refused or answered, never a failure here.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;

use api::{Access, NullWorld, endpoints};
use common::TestApi;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Map, Value, json};

/// Requests to each endpoint.
const ROUNDS: usize = 12;

/// Texts that are something to somebody.
const TEXTS: [&str; 32] = [
    "",
    "\0",
    "a\0b",
    "' OR 1=1 --",
    "\"",
    "%00",
    "\u{1f600}",
    "\u{202e}",
    "..",
    "../..",
    "/",
    "default",
    "null",
    "-1",
    "99999999999999999999999999",
    "9999-12-31T23:59:59.999999Z",
    "-9999-01-01T00:00:00Z",
    "0000-00-00",
    "lt:2026-01-01T00:00:00Z",
    "lt:",
    "10.0.0.0/0",
    "10.0.0.0/33",
    "::/129",
    "0.0.0.0",
    "ff:ff:ff:ff:ff:ff",
    "(a+)+$",
    "**",
    "{x",
    "a,b,,",
    "\r\nX: y",
    "ec2",
    "admin",
];

/// Attributes and parameters that mean something somewhere.
const NAMES: [&str; 48] = [
    "id",
    "name",
    "type",
    "blob",
    "domain_id",
    "project_id",
    "user_id",
    "tenant_id",
    "parent_id",
    "roles",
    "tags",
    "options",
    "enabled",
    "password",
    "expires_at",
    "access_rules",
    "url",
    "interface",
    "service_id",
    "region_id",
    "identity",
    "methods",
    "token",
    "user",
    "domain",
    "project",
    "scope",
    "secret",
    "extra",
    "links",
    "impersonation",
    "remaining_uses",
    "limit",
    "marker",
    "sort_key",
    "sort_dir",
    "fields",
    "cidr",
    "ip_version",
    "network_id",
    "fixed_ips",
    "allocation_pools",
    "mac_address",
    "password_expires_at",
    "name__contains",
    "effective",
    "since",
    "regions",
];

fn text(random: &mut StdRng) -> String {
    if random.random_ratio(1, 20) { "x".repeat(70_000) } else { (*TEXTS.choose(random).unwrap()).to_owned() }
}

fn value(random: &mut StdRng, depth: usize) -> Value {
    let numbers = [json!(0), json!(-1), json!(i64::MAX), json!(u64::MAX), json!(i64::MIN), json!(1.5), json!(1e308)];
    match random.random_range(0..if depth > 3 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => json!(random.random_bool(0.5)),
        2 => numbers.choose(random).unwrap().clone(),
        3 | 4 => json!(text(random)),
        5 => (0..random.random_range(0..4)).map(|_| value(random, depth + 1)).collect(),
        _ => object(random, depth + 1),
    }
}

fn object(random: &mut StdRng, depth: usize) -> Value {
    let count = random.random_range(0..6);
    let member = |random: &mut StdRng| ((*NAMES.choose(random).unwrap()).to_owned(), value(random, depth));
    (0..count).map(|_| member(random)).collect::<Map<_, _>>().into()
}

/// The member of a body that the last fixed part of a path names.
fn member(path: &str) -> String {
    let last = path.rsplit('/').find(|part| !part.starts_with('{')).unwrap_or_default().replace('-', "_");
    match last.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => last.strip_suffix('s').unwrap_or(&last).to_owned(),
    }
}

fn body(random: &mut StdRng, path: &str) -> String {
    const BROKEN: [&str; 8] = ["", "{", "null", "[]", "1", "\"x\"", "{\"a\":1e999}", "{\"user\":{},\"user\":{}}"];
    match random.random_range(0..12) {
        0 => (*BROKEN.choose(random).unwrap()).to_owned(),
        // Deeper than any stack, were it followed.
        1 => format!("{}{}", "[".repeat(200_000), "]".repeat(200_000)),
        2 => "{\"a\":".repeat(100_000),
        3 => value(random, 0).to_string(),
        _ => json!({ (member(path)): object(random, 0) }).to_string(),
    }
}

fn escaped(text: &str) -> String {
    text.bytes().take(300).map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn no_request_makes_the_server_fail() {
    let configure = |config: &mut api::ApiConfig| {
        config.preview = true;
        config.limits.failures.burst = u32::MAX;
    };
    let api = TestApi::with(configure, Arc::new(NullWorld));
    let tokens = [api.admin(), api.demo()];
    let mut random = StdRng::seed_from_u64(3);
    for endpoint in endpoints() {
        // They hash passwords, slowly, and are asked often enough elsewhere.
        let rounds = if endpoint.access == Access::Anyone { 3 } else { ROUNDS };
        for _ in 0..rounds {
            let ids = [api.made.demo_project.to_string(), "default".to_owned(), escaped(&text(&mut random))];
            let part = |random: &mut StdRng, part: &str| match part {
                "{region}" => "RegionOne".to_owned(),
                part if part.starts_with('{') => ids.choose(random).unwrap().clone(),
                part => part.to_owned(),
            };
            let mut path = endpoint.path.split('/').map(|name| part(&mut random, name)).collect::<Vec<_>>().join("/");
            for separator in ["?", "&"].into_iter().take(random.random_range(0..3)) {
                let name = NAMES.choose(&mut random).unwrap();
                path.push_str(&format!("{separator}{name}={}", escaped(&text(&mut random))));
            }
            // What the administrator would lock everybody out by is tried by others.
            let is_own = endpoint.method != "GET" && path.contains("default");
            let token = &tokens[usize::from(is_own || random.random_bool(0.3))];
            let body = body(&mut random, &endpoint.path);
            let body = (endpoint.method != "GET").then_some(body.as_str());
            let answer = api.send(endpoint.method, &path, &[("X-Auth-Token", token), ("X-Subject-Token", token)], body);
            let is_elsewhere = ["/compute", "/image"].iter().any(|service| endpoint.path.starts_with(service));
            let is_absent = answer.status == 501 && is_elsewhere;
            assert!(answer.status < 500 || is_absent, "{} {path}: {} {}", endpoint.method, answer.status, answer.text);
        }
    }
}
