//! What the log holds, and what not. A program of its own, because the log is one per process.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    io,
    sync::{Arc, Mutex},
};

use common::{PASSWORD, TestApi};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn requests_are_logged_and_secrets_are_not() {
    let log = Log::default();
    // The client is in the same process, and may say what it sends.
    let filter = "trace,ureq=off,ureq_proto=off";
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(log.clone()).init();
    let api = TestApi::start();
    let admin = api.admin();
    let user = json!({ "user": { "name": "u", "password": "a secret of u" } });
    assert_eq!(api.ask(&admin, "POST", "/identity/v3/users", &user).status, 201);
    api.login("admin", "a wrong guess", &json!(null));
    api.send("GET", "/identity/v3/users?name=in-the-query", &[("X-Auth-Token", &admin)], None);
    let given = "req-519e3f7a-8a8b-4c8e-ad82-bc6f4f7f0a33";
    let answer = api.send("GET", "/identity/v3", &[("X-Openstack-Request-Id", given)], None);
    let id = answer.header("x-openstack-request-id").unwrap().to_owned();
    drop(api);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = text.lines().find(|line| line.contains(&id)).expect("the request in the log");
    assert!(line.contains("/identity/v3") && line.contains("status=200") && line.contains(given), "{line}");
    for secret in [PASSWORD, &admin, "a secret of u", "a wrong guess", "argon2id", "in-the-query"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
