//! The API on a free port, over a store in a directory of its own, and a client that asks it.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails its test by a panic")]

use std::{
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
    thread,
    time::Duration,
};

use api::{ApiConfig, Bootstrap, Bootstrapped, NullWorld, Probes};
use intent::World;
use serde_json::{Value, json};
use store::Store;
use tokio::sync::oneshot;

/// The password of both users.
pub(crate) const PASSWORD: &str = "correct horse";

/// A running API; ends when dropped.
pub(crate) struct TestApi {
    pub(crate) address: SocketAddr,
    pub(crate) health: SocketAddr,
    pub(crate) made: Bootstrapped,
    pub(crate) directory: PathBuf,
    pub(crate) store: Store,
    client: Client,
    is_own_directory: bool,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// Somebody with connections of their own, which stay open.
pub(crate) struct Client {
    address: SocketAddr,
    agent: ureq::Agent,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The message of the error, in either dialect.
    pub(crate) fn message(&self) -> String {
        let json = self.json();
        let message = json.pointer("/NeutronError/message").or_else(|| json.pointer("/error/message"));
        message.and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().new_agent();
        Self { address, agent }
    }

    /// Asks with these headers.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response =
            self.agent.run(request.body(body.unwrap_or_default().to_owned()).unwrap()).expect("an answer");
        let text = response.body_mut().read_to_string().unwrap();
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), text }
    }

    /// Asks with a token and a JSON body.
    pub(crate) fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let text = body.to_string();
        let body = if body.is_null() { None } else { Some(text.as_str()) };
        self.send(method, path, &[("X-Auth-Token", token), ("Content-Type", "application/json")], body)
    }

    pub(crate) fn get(&self, token: &str, path: &str) -> Answer {
        self.ask(token, "GET", path, &Value::Null)
    }
}

/// A connection from an address of this host.
pub(crate) fn connect_from(source: &str, to: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(source.parse().unwrap(), 0)).unwrap();
        socket.connect(to).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

impl TestApi {
    pub(crate) fn start() -> Self {
        Self::with(|_| {}, Arc::new(NullWorld))
    }

    pub(crate) fn with(configure: impl FnOnce(&mut ApiConfig), world: Arc<dyn World>) -> Self {
        let directory = std::env::temp_dir().join(format!("baryon-api-test-{}", types::UserId::random()));
        let mut api = Self::over(directory, configure, world);
        api.is_own_directory = true;
        api
    }

    /// The same over a directory that may be another's too.
    pub(crate) fn over(directory: PathBuf, configure: impl FnOnce(&mut ApiConfig), world: Arc<dyn World>) -> Self {
        let store = Store::open(&directory.join("baryon.db")).expect("a store");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut config = ApiConfig::new(any_port, directory.join("keys"));
        config.health_listen = Some(any_port);
        configure(&mut config);
        let wanted = Bootstrap {
            regions: config.region_names(),
            admin_password: PASSWORD.to_owned(),
            demo_password: PASSWORD.to_owned(),
            reset_passwords: false,
        };
        let made = runtime.block_on(api::bootstrap(&store, wanted)).expect("a new cloud");
        let bound = runtime.block_on(api::bind(config, store.clone(), world, Probes::default())).expect("a listener");
        let (address, health) = (bound.address(), bound.health_address().expect("a second listener"));
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            runtime.block_on(bound.run(async {
                let _ = stopped.await;
            }));
        });
        let (client, stop, thread) = (Client::new(address), Some(stop), Some(thread));
        Self { address, health, made, directory, store, client, is_own_directory: false, stop, thread }
    }

    /// Another client.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Asks with these headers.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        self.client.send(method, path, headers, body)
    }

    /// Asks with a token and a JSON body.
    pub(crate) fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        self.client.ask(token, method, path, body)
    }

    pub(crate) fn get(&self, token: &str, path: &str) -> Answer {
        self.ask(token, "GET", path, &Value::Null)
    }

    /// The answer to a login.
    pub(crate) fn login(&self, user: &str, password: &str, scope: &Value) -> Answer {
        let user = json!({ "name": user, "password": password, "domain": { "id": "default" } });
        let mut auth = json!({ "identity": { "methods": ["password"], "password": { "user": user } } });
        if !scope.is_null() {
            auth["scope"] = scope.clone();
        }
        self.send("POST", "/identity/v3/auth/tokens", &[], Some(&json!({ "auth": auth }).to_string()))
    }

    /// A token of a user for a project of the default domain.
    pub(crate) fn token(&self, user: &str, project: &str) -> String {
        let scope = json!({ "project": { "name": project, "domain": { "name": "Default" } } });
        let answer = self.login(user, PASSWORD, &scope);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.header("x-subject-token").expect("a token").to_owned()
    }

    pub(crate) fn admin(&self) -> String {
        self.token("admin", "admin")
    }

    pub(crate) fn demo(&self) -> String {
        self.token("demo", "demo")
    }
}

impl TestApi {
    /// Ends it, and returns when it has ended.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for TestApi {
    fn drop(&mut self) {
        self.stop();
        if self.is_own_directory {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}
