//! The real Keystone of PyPI, in a namespace.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::netns::Netns;
use crate::process::{Background, run_within, wait_for};
use crate::rest::{Response, ask};

/// Where it listens, in its namespace.
const LISTEN: &str = "127.0.0.1:5000";
/// The password of the user `admin`, as tests/external/run_keystone.py sets it.
const ADMIN_PASSWORD: &str = "the administrator's";

/// A running Keystone with a database of its own. It ends with the value.
#[derive(Debug)]
pub struct Keystone {
    process: Option<Background>,
    netns: Netns,
    dir: PathBuf,
    starts: u32,
    admin: String,
}

/// A token, and whose it is.
#[derive(Debug, Clone)]
pub struct Login {
    /// The token.
    pub token: String,
    /// What Keystone says of it.
    pub body: Value,
}

impl Keystone {
    /// Starts one with the users of a new cloud; its files go below `dir`.
    pub fn start(netns: &Netns, dir: &Path) -> Result<Self> {
        let template = Self::venv().join("template");
        let dir = dir.join("keystone");
        copy(&template, &dir)
            .map_err(Error::io(format!("cannot copy {}: `make venv-keystone` makes it", template.display())))?;
        let mut keystone = Self { process: None, netns: netns.clone(), dir, starts: 0, admin: String::new() };
        keystone.resume()?;
        keystone.admin = keystone.log_in("admin", ADMIN_PASSWORD, "admin")?.token;
        Ok(keystone)
    }

    fn venv() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv-keystone")
    }

    /// Starts it, also after [`kill`](Self::kill), with what it knew.
    pub fn resume(&mut self) -> Result<()> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/external/run_keystone.py");
        let mut command = self.netns.command(&Self::venv().join("bin/python").to_string_lossy());
        command.args(["-W", "ignore"]).arg(script).arg("serve").arg(&self.dir).arg(LISTEN);
        self.starts += 1;
        let log = self.dir.join(format!("server-{}.log", self.starts));
        let mut process = Background::start(&mut command, &log)?;
        wait_for("Keystone to answer", Duration::from_secs(60), || {
            if let Ok(Some(status)) = process.ended() {
                return Ok(Err(Error::Command {
                    command: "Keystone".to_owned(),
                    status: status.to_string(),
                    output: process.output(),
                }));
            }
            ask(&self.netns, "GET", &self.url(""), &[], None).map(|_| Ok(())).map_err(|e| e.to_string())
        })??;
        self.process = Some(process);
        Ok(())
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// A URL below `/v3`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{LISTEN}/v3{path}")
    }

    /// Asks it with a token.
    pub fn ask(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Result<Response> {
        ask(&self.netns, method, &self.url(path), &[("X-Auth-Token", token)], body)
    }

    /// Asks it as its administrator; the answer must have this status.
    pub fn admin(&self, method: &str, path: &str, body: Value, status: u16) -> Result<Value> {
        let body = if body.is_null() { None } else { Some(&body) };
        self.ask(&self.admin, method, path, body)?.expect(status)
    }

    /// The same token as if it had been issued so many seconds earlier, which is how an expired one comes about.
    pub fn aged(&self, token: &str, seconds: u32) -> Result<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/external/run_keystone.py");
        let mut command = self.netns.command(&Self::venv().join("bin/python").to_string_lossy());
        command.arg(script).arg("age").arg(&self.dir).arg(token).arg(seconds.to_string());
        let finished = run_within(&mut command, Duration::from_secs(30))?;
        Ok(finished.success()?.trim().to_owned())
    }

    /// A login with the methods of an `identity` object, for a scope or none.
    pub fn log_in_with(&self, identity: Value, scope: Value) -> Result<Login> {
        let mut auth = json!({ "identity": identity });
        if !scope.is_null() {
            auth["scope"] = scope;
        }
        let response = ask(&self.netns, "POST", &self.url("/auth/tokens"), &[], Some(&json!({ "auth": auth })))?;
        let token = response.header("x-subject-token").unwrap_or_default().to_owned();
        Ok(Login { token, body: response.expect(201)? })
    }

    /// A login by password for a project, both of the default domain.
    pub fn log_in(&self, user: &str, password: &str, project: &str) -> Result<Login> {
        let user = json!({ "name": user, "password": password, "domain": { "id": "default" } });
        let scope = json!({ "project": { "name": project, "domain": { "id": "default" } } });
        self.log_in_with(json!({ "methods": ["password"], "password": { "user": user } }), scope)
    }

    /// A new project of the default domain; its id.
    pub fn project(&self, name: &str) -> Result<String> {
        let made =
            self.admin("POST", "/projects", json!({ "project": { "name": name, "domain_id": "default" } }), 201)?;
        id(&made["project"])
    }

    /// A new user of the default domain with roles in a project; its id.
    pub fn user(&self, name: &str, password: &str, project: &str, roles: &[&str]) -> Result<String> {
        let body = json!({ "user": { "name": name, "password": password, "domain_id": "default" } });
        let user = id(&self.admin("POST", "/users", body, 201)?["user"])?;
        let project = self.find("projects", project)?;
        for role in roles {
            let role = self.find("roles", role)?;
            self.admin("PUT", &format!("/projects/{project}/users/{user}/roles/{role}"), Value::Null, 204)?;
        }
        Ok(user)
    }

    /// The id of the object of a name, made if it is a role that is missing.
    pub fn find(&self, collection: &str, name: &str) -> Result<String> {
        let found = self.admin("GET", &format!("/{collection}?name={name}"), Value::Null, 200)?;
        match found[collection].as_array().map(Vec::as_slice) {
            Some([one, ..]) => id(one),
            _ if collection == "roles" => {
                id(&self.admin("POST", "/roles", json!({ "role": { "name": name } }), 201)?["role"])
            }
            _ => Err(Error::unexpected(format!("{name} among {collection}"), found.to_string())),
        }
    }

    /// A service in the catalogue, with one public endpoint in `RegionOne`.
    pub fn service(&self, kind: &str, name: &str, url: &str) -> Result<()> {
        let made = self.admin("POST", "/services", json!({ "service": { "type": kind, "name": name } }), 201)?;
        let service = id(&made["service"])?;
        let endpoint = json!({ "service_id": service, "interface": "public", "url": url, "region_id": "RegionOne" });
        self.admin("POST", "/endpoints", json!({ "endpoint": endpoint }), 201).map(drop)
    }
}

fn id(object: &Value) -> Result<String> {
    object["id"].as_str().map(str::to_owned).ok_or_else(|| Error::unexpected("an object's id", object.to_string()))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
