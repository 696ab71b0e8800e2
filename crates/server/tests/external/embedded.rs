//! Nova beside our own Keystone: the service user is one of ours, and there are two regions.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::{Value, json};
use testkit::{Host, Nova, PATIENCE, rest};

use crate::cloud::{API, BARYON, SERVICE_PASSWORD};

const SERVER: &str = "0f3d2b1a-5c6d-4e7f-8a9b-0c1d2e3f4a5b";

/// Asks our own identity service.
fn identity(host: &Host, token: &str, method: &str, path: &str, body: &Value, status: u16) -> rest::Response {
    let url = format!("{API}/identity/v3{path}");
    let body = if body.is_null() { None } else { Some(body) };
    let answer = rest::ask(host.netns(), method, &url, &[("X-Auth-Token", token)], body).unwrap();
    assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    answer
}

/// The administrator's token; the password is what `up` wrote.
fn administrator(host: &Host) -> String {
    let clouds = fs::read_to_string(host.data_dir().join("clouds.yaml")).unwrap();
    // The administrator's block names its user before its password.
    let mut lines = clouds.lines().map(str::trim).skip_while(|line| line.replace('"', "") != "username: admin");
    let password = lines.find_map(|line| line.strip_prefix("password: ")).unwrap_or_else(|| panic!("{clouds}"));
    let user = json!({ "name": "admin", "password": password.trim_matches('"'), "domain": { "id": "default" } });
    let auth = json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": user } },
        "scope": { "project": { "name": "admin", "domain": { "id": "default" } } } } });
    let answer = identity(host, "", "POST", "/auth/tokens", &auth, 201);
    answer.header("x-subject-token").unwrap().to_owned()
}

/// Makes the service user that the configuration names.
fn make_service_user(host: &Host, token: &str) {
    let make = |collection: &str, member: &str, fields: Value| {
        let made = identity(host, token, "POST", &format!("/{collection}"), &json!({ member: fields }), 201);
        made.body[member]["id"].as_str().unwrap().to_owned()
    };
    let project = make("projects", "project", json!({ "name": "service" }));
    let user = make("users", "user", json!({ "name": "baryon", "password": SERVICE_PASSWORD }));
    let roles = identity(host, token, "GET", "/roles?name=admin", &Value::Null, 200);
    let role = roles.body["roles"][0]["id"].as_str().unwrap();
    identity(host, token, "PUT", &format!("/projects/{project}/users/{user}/roles/{role}"), &Value::Null, 204);
}

/// A port of a server in a region, made and deleted; its id.
fn come_and_go(host: &Host, token: &str, region: &str) -> String {
    let ask = |method: &str, path: &str, body: &Value, status: u16| {
        let url = format!("{API}/network/{region}/v2.0{path}");
        let body = if body.is_null() { None } else { Some(body) };
        rest::ask(host.netns(), method, &url, &[("X-Auth-Token", token)], body).unwrap().expect(status).unwrap()
    };
    let network = ask("POST", "/networks", &json!({ "network": {} }), 201);
    let port = json!({ "port": { "network_id": network["network"]["id"], "device_id": SERVER,
        "device_owner": "compute:nova" } });
    let port = ask("POST", "/ports", &port, 201)["port"]["id"].as_str().unwrap().to_owned();
    ask("DELETE", &format!("/ports/{port}"), &Value::Null, 204);
    port
}

fn deleted(port: &str) -> Value {
    json!({ "name": "network-vif-deleted", "server_uuid": SERVER, "tag": port, "status": "completed" })
}

#[test]
fn nova_is_told_of_two_regions_across_restarts_without_another_keystone() {
    let mut host = Host::new(Path::new(BARYON)).unwrap();
    let nova = Nova::start(host.netns()).unwrap();
    let (secret, file) = (host.scope().dir().join("password"), host.scope().dir().join("baryon.toml"));
    fs::write(&secret, SERVICE_PASSWORD).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "[identity]\npassword_file = \"{}\"\n[nova]\nnotify = true\nendpoint = \"{}\"\n",
        secret.display(),
        Nova::url()
    );
    fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let options = ["--driver", "null", "--regions", "one,two", "--config", &file];
    host.up(&options).unwrap();
    let token = administrator(&host);
    make_service_user(&host, &token);

    for region in ["one", "two"] {
        let port = come_and_go(&host, &token, region);
        assert_eq!(nova.take(1, PATIENCE).unwrap(), [deleted(&port)], "{region}");
    }
    // What Nova misses in either region outlives several restarts, once, and in the region's order.
    nova.answer_with(503);
    let (mut missed, mut of_two) = (Vec::new(), Vec::new());
    for region in ["two", "one", "two"] {
        let event = deleted(&come_and_go(&host, &token, region));
        if region == "two" {
            of_two.push(event.clone());
        }
        missed.push(event);
        host.kill().unwrap();
        host.up(&options).unwrap();
    }
    nova.answer_with(0);
    let told = nova.take(missed.len(), PATIENCE).unwrap();
    assert!(missed.iter().all(|event| told.contains(event)), "{told:?}");
    let told_of_two: Vec<_> = told.into_iter().filter(|event| of_two.contains(event)).collect();
    assert_eq!(told_of_two, of_two);
    assert!(nova.tokens().iter().all(|told| *told != token), "it is told by the service user");
    assert!(!host.log().contains(SERVICE_PASSWORD));
}
