//! A host with a Keystone, and a Baryon that asks it.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use serde_json::{Value, json};
use testkit::{Finished, Host, Keystone, PATIENCE, rest, run_within};

/// The binary that is tested.
pub(crate) const BARYON: &str = env!("CARGO_BIN_EXE_baryon");
/// Where the API listens in its namespace.
pub(crate) const API: &str = "http://127.0.0.1:9696";
/// The password of the service user.
pub(crate) const SERVICE_PASSWORD: &str = "the service's";
/// How often revocations are read here.
pub(crate) const POLL: Duration = Duration::from_secs(1);

/// See the module's text.
pub(crate) struct Cloud {
    pub(crate) keystone: Keystone,
    pub(crate) host: Host,
    /// How long a good token is believed here.
    pub(crate) cache: Duration,
}

impl Cloud {
    /// Keystone with a service user of these roles, and nothing else started.
    pub(crate) fn new(roles: &[&str]) -> Self {
        let host = Host::new(Path::new(BARYON)).unwrap();
        let keystone = Keystone::start(host.netns(), &host.scope().dir()).unwrap();
        keystone.project("service").unwrap();
        keystone.user("baryon", SERVICE_PASSWORD, "service", roles).unwrap();
        Self { keystone, host, cache: Duration::from_secs(60) }
    }

    /// Writes the service user's password and a configuration with these lines more in `[nova]`.
    fn configure(&self, password: &str, nova: &str) -> String {
        let dir = self.host.scope().dir();
        let secret = dir.join("password");
        fs::write(&secret, password).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let file = dir.join("baryon.toml");
        let text = format!(
            "[identity]\nexternal = \"{}\"\npassword_file = \"{}\"\npoll_seconds = {}\ncache_seconds = {}\n[nova]\n{nova}\n",
            self.keystone.url(""),
            secret.display(),
            POLL.as_secs(),
            self.cache.as_secs()
        );
        fs::write(&file, text).unwrap();
        file.display().to_string()
    }

    /// Starts Baryon.
    pub(crate) fn up(&mut self, nova: &str, options: &[&str]) {
        let file = self.configure(SERVICE_PASSWORD, nova);
        let mut all = vec!["--config", &file];
        all.extend(options);
        self.host.up(&all).unwrap();
    }

    /// What `baryon up` says with another password of the service user.
    pub(crate) fn up_with_password(&self, password: &str) -> Finished {
        let file = self.configure(password, "");
        let run_dir = self.host.run_dir().display().to_string();
        self.host.baryon(&["up", "--driver", "null", "--config", &file, "--run-dir", &run_dir]).unwrap()
    }

    /// Runs a `baryon` command as Keystone's administrator.
    pub(crate) fn baryon(&self, arguments: &[&str]) -> Finished {
        let mut command = self.host.command(arguments);
        command
            .env("OS_AUTH_URL", self.keystone.url(""))
            .env("OS_USERNAME", "admin")
            .env("OS_PASSWORD", "the administrator's")
            .env("OS_PROJECT_NAME", "admin");
        run_within(&mut command, PATIENCE).unwrap()
    }

    /// Asks the network API.
    pub(crate) fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> rest::Response {
        self.ask_with(&[("X-Auth-Token", token)], method, path, body)
    }

    /// Asks the network API as a service that works for a user.
    pub(crate) fn ask_for(&self, token: &str, service: &str, method: &str, path: &str, body: &Value) -> rest::Response {
        self.ask_with(&[("X-Auth-Token", token), ("X-Service-Token", service)], method, path, body)
    }

    fn ask_with(&self, headers: &[(&str, &str)], method: &str, path: &str, body: &Value) -> rest::Response {
        let body = if body.is_null() { None } else { Some(body) };
        let url = format!("{API}/network/RegionOne/v2.0{path}");
        rest::ask(self.host.netns(), method, &url, headers, body).unwrap()
    }

    /// The status of a list of networks.
    pub(crate) fn status(&self, token: &str) -> u16 {
        self.ask(token, "GET", "/networks", &Value::Null).status
    }

    /// A network of the token's project; its id.
    pub(crate) fn make(&self, token: &str, collection: &str, member: &str, fields: Value) -> String {
        let made = self.ask(token, "POST", &format!("/{collection}"), &json!({ member: fields })).expect(201).unwrap();
        made[member]["id"].as_str().unwrap().to_owned()
    }
}
