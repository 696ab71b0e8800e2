//! What the log holds, and what not. A program of its own, because the log is one per process.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    io,
    sync::{Arc, Mutex},
};

use common::{Answer, PASSWORD, TestApi};
use serde_json::{Value, json};
use store::audit::AuditQuery;
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

/// Everything that a client was told by refusals.
#[derive(Default)]
struct Refusals(String);

impl Refusals {
    fn note(&mut self, answer: &Answer) {
        if answer.status >= 400 {
            self.0.push_str(&format!("{} {:?}\n{}\n", answer.status, answer.headers, answer.text));
        }
    }
}

/// A user's life as far as secrets play a part in it, with all that can go wrong; answers the secrets.
fn session(api: &TestApi, refusals: &mut Refusals) -> Vec<String> {
    let admin = api.admin();
    let mut ask = |token: &str, method: &str, path: &str, body: Value| {
        let answer = api.ask(token, method, path, &body);
        refusals.note(&answer);
        answer
    };
    let v3 = "/identity/v3";
    let user = ask(
        &admin,
        "POST",
        &format!("{v3}/users"),
        json!({ "user": { "name": "u", "password": "first secret of u", "default_project_id": api.made.demo_project } }),
    );
    assert_eq!(user.status, 201, "{}", user.text);
    let user = user.json()["user"]["id"].as_str().unwrap().to_owned();
    // A password of a wrong type, one where none belongs, one that is too long.
    for password in [json!(["listed secret"]), json!({ "x": "nested secret" }), json!("long secret ".repeat(400))] {
        let body = json!({ "user": { "name": "v", "password": password } });
        ask(&admin, "POST", &format!("{v3}/users"), body.clone());
        ask(&admin, "PATCH", &format!("{v3}/users/{user}"), body);
    }
    ask(&admin, "PATCH", &format!("{v3}/users/{user}"), json!({ "user": { "password": "second secret of u" } }));
    let change = format!("{v3}/users/{user}/password");
    for (original, password) in
        [(json!("guessed secret"), json!("never a secret")), (json!("second secret of u"), json!("third secret of u"))]
    {
        ask("", "POST", &change, json!({ "user": { "original_password": original, "password": password } }));
    }
    ask("", "POST", &change, json!({ "user": { "original_password": 7, "password": ["listed secret"] } }));

    // The user's own credentials.
    let roles = ask(&admin, "GET", &format!("{v3}/roles?name=member"), Value::Null).json();
    let (project, role) = (api.made.demo_project.clone(), roles["roles"][0]["id"].as_str().unwrap().to_owned());
    let grant = format!("{v3}/projects/{project}/users/{user}/roles/{role}");
    assert_eq!(ask(&admin, "PUT", &grant, Value::Null).status, 204);
    let login = |password: &str| {
        let user = json!({ "id": user, "password": password });
        let auth = json!({ "identity": { "methods": ["password"], "password": { "user": user } },
            "scope": { "project": { "id": project } } });
        api.send("POST", &format!("{v3}/auth/tokens"), &[], Some(&json!({ "auth": auth }).to_string()))
    };
    let wrong = login("second secret of u");
    assert_eq!(wrong.status, 401, "it was changed");
    let token = login("third secret of u").header("x-subject-token").unwrap().to_owned();
    let body = json!({ "application_credential": { "name": "robot", "secret": "chosen secret of robot" } });
    let robot = ask(&token, "POST", &format!("{v3}/users/{user}/application_credentials"), body);
    assert_eq!(robot.status, 201, "{}", robot.text);
    let robot = robot.json()["application_credential"]["id"].clone();
    for secret in ["chosen secret of robot", "guessed secret of robot"] {
        let identity = json!({ "methods": ["application_credential"],
            "application_credential": { "id": robot, "secret": secret } });
        ask("", "POST", &format!("{v3}/auth/tokens"), json!({ "auth": { "identity": identity } }));
    }
    let made = ask(
        &token,
        "POST",
        &format!("{v3}/users/{user}/application_credentials"),
        json!({ "application_credential": { "name": "second robot" } }),
    );
    let made = made.json()["application_credential"]["secret"].as_str().unwrap().to_owned();
    let blob = json!({ "credential": { "type": "cert", "blob": "blob secret", "user_id": user } });
    assert_eq!(ask(&token, "POST", &format!("{v3}/credentials"), blob).status, 201);
    let blob = json!({ "credential": { "type": "ec2", "blob": "blob secret that is no JSON", "user_id": user } });
    ask(&token, "POST", &format!("{v3}/credentials"), blob);
    let ec2 = ask(&token, "POST", &format!("{v3}/users/{user}/credentials/OS-EC2"), json!({ "tenant_id": project }));
    let ec2 = ec2.json()["credential"]["secret"].as_str().expect("an EC2 secret").to_owned();

    // A server's user data.
    let network = "/network/RegionOne/v2.0";
    let made_network = ask(&admin, "POST", &format!("{network}/networks"), json!({ "network": { "name": "n" } }));
    let port = json!({ "port": { "network_id": made_network.json()["network"]["id"] } });
    let port = ask(&admin, "POST", &format!("{network}/ports"), port).json()["port"]["id"].clone();
    let data = "dXNlciBkYXRhIHNlY3JldA==";
    let attachment = json!({ "attachment": { "port_id": port, "user_data": data,
        "target": { "type": "tap", "name": "tap0" } } });
    let attachments = format!("{network}/baryon/attachments");
    let attached = ask(&admin, "POST", &attachments, attachment);
    assert_eq!(attached.status, 201, "{}", attached.text);
    let attached = format!("{attachments}/{}", attached.json()["attachment"]["id"].as_str().unwrap());
    for data in [json!("bm90IGJhc2U2NCBzZWNyZXQ=!"), json!(["listed secret"]), json!("bG9uZyBzZWNyZXQ=".repeat(6000))] {
        ask(&admin, "PUT", &attached, json!({ "attachment": { "user_data": data } }));
    }
    assert_eq!(ask(&admin, "DELETE", &attached, Value::Null).status, 204);

    for (name, password) in [("admin", "a wrong guess"), ("my secret typed as a name", "x")] {
        refusals.note(&api.login(name, password, &Value::Null));
    }
    refusals.note(&api.send("POST", &format!("{v3}/auth/tokens"), &[], Some("{\"broken secret")));
    refusals.note(&api.get("made-up-secret-token", &format!("{v3}/users")));

    let fixed = [
        PASSWORD,
        "secret of u",
        "listed secret",
        "nested secret",
        "long secret",
        "guessed secret",
        "never a secret",
        "secret of robot",
        "blob secret",
        data,
        "user data secret",
        "bm90IGJhc2U2NCBzZWNyZXQ",
        "bG9uZyBzZWNyZXQ",
        "a wrong guess",
        "my secret typed",
        "broken secret",
        "made-up-secret-token",
        "argon2id",
    ];
    fixed.map(str::to_owned).into_iter().chain([admin, token, made, ec2]).collect()
}

#[test]
fn requests_are_logged_and_secrets_are_not() {
    let log = Log::default();
    // The client is in the same process, and may say what it sends.
    let filter = "trace,ureq=off,ureq_proto=off";
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(log.clone()).init();
    let mut api = TestApi::start();
    let mut refusals = Refusals::default();
    let mut secrets = session(&api, &mut refusals);
    secrets.push("in-the-query".to_owned());
    let admin = api.admin();
    api.send("GET", "/identity/v3/users?name=in-the-query", &[("X-Auth-Token", &admin)], None);
    let given = "req-519e3f7a-8a8b-4c8e-ad82-bc6f4f7f0a33";
    let answer = api.send("GET", "/identity/v3", &[("X-Openstack-Request-Id", given)], None);
    let id = answer.header("x-openstack-request-id").unwrap().to_owned();
    // The end waits until everything is written.
    api.stop();

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = text.lines().find(|line| line.contains(&id)).expect("the request in the log");
    assert!(line.contains("/identity/v3") && line.contains("status=200") && line.contains(given), "{line}");
    let query = AuditQuery { limit: 10_000, ..AuditQuery::default() };
    let events = api.store.read_blocking(move |read| read.audit(&query)).unwrap();
    let trail = format!("{events:#?}");
    for action in [
        "create_user",
        "update_user",
        "change_password",
        "authenticate",
        "create_application_credential",
        "create_credential",
        "ec2_create_credential",
        "create_attachment",
        "delete_attachment",
    ] {
        let is_of = |name: &str| name.split(':').nth(1) == Some(action);
        assert!(events.iter().any(|event| is_of(&event.action)), "{action} is in no event");
        assert!(
            text.lines().any(|line| line.contains("baryon::audit") && line.contains(action)),
            "{action} is not logged"
        );
    }
    assert!(refusals.0.lines().count() > 20, "the refusals were refused");
    for secret in &secrets {
        for (place, told) in [("the log", &text), ("the audit trail", &trail), ("a refusal", &refusals.0)] {
            let found = told.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(found, None, "{secret} is in {place}");
        }
    }
}
