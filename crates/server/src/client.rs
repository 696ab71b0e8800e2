//! The API's client, for commands: logs in and speaks to the network service of one region.

mod clouds;
mod https;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, time::Duration};

use serde_json::{Value, json};
use ureq::{
    Agent,
    http::{Method, Request, StatusCode},
};

use crate::cli::CloudArgs;

pub use clouds::{Account, Cloud, render};

/// Longer than the server lets any request take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longest answer that is read.
const MAX_ANSWER: u64 = 64 << 20;

/// Why the API did not do what a command asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It is not known how to log in.
    #[error(
        "no cloud to speak to: {} is not there and OS_AUTH_URL is not set; start `baryon up`, or name its data \
         directory with --data-dir", clouds.display()
    )]
    NoCloud {
        /// The file that was looked for.
        clouds: PathBuf,
    },
    /// The users are another Keystone's.
    #[error(
        "the users of this instance are kept by {keystone}: log in there, with --os-cloud or OS_CLOUD of your clouds.yaml, \
         or with OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME"
    )]
    External {
        /// Where.
        keystone: String,
    },
    /// A clouds.yaml is wrong.
    #[error("{}: {reason}", file.display())]
    Clouds {
        /// The file.
        file: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The certificate of an authority is none.
    #[error("{} is no file with certificates of authorities: {reason}", file.display())]
    Authority {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An environment variable is missing.
    #[error("{variable} is not set, although OS_AUTH_URL is: set it, or use --os-cloud")]
    Environment {
        /// The variable.
        variable: &'static str,
    },
    /// Nobody answers.
    #[error("cannot reach {url}: {reason}; is `baryon up` running? (--data-dir and --os-cloud choose another one)")]
    Unreachable {
        /// Where.
        url: String,
        /// The system's words.
        reason: String,
    },
    /// The API said no.
    #[error("{}{}", message, if detail.is_empty() { String::new() } else { format!(" ({detail})") })]
    Refused {
        /// HTTP status.
        status: u16,
        /// The error's type, such as `PortNotFound`.
        kind: String,
        /// The API's words.
        message: String,
        /// Its further words.
        detail: String,
    },
    /// The answer is not what the API answers.
    #[error("{url} gave an answer that is none of a network service: {reason}")]
    Answer {
        /// Where.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No such object.
    #[error("there is no {kind} with the name or id '{name}': `openstack {kind} list` shows all")]
    NotFound {
        /// `port`, `network`, ...
        kind: &'static str,
        /// What was asked for.
        name: String,
    },
    /// Several objects of one name.
    #[error("{} {kind}s have the name '{name}': give the id of one of them: {}", ids.len(), ids.join(", "))]
    Ambiguous {
        /// `port`, `network`, ...
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// All of them.
        ids: Vec<String>,
    },
}

type Result<T> = std::result::Result<T, ClientError>;

/// A session with the network service of one region.
#[derive(Debug, Clone)]
pub struct Client {
    http: Agent,
    token: String,
    /// `.../v2.0`.
    network: String,
    /// The same of every region in the catalogue, by the region's name.
    endpoints: Vec<(String, String)>,
}

impl Client {
    /// Logs in as the options say.
    pub fn connect(args: &CloudArgs) -> Result<Self> {
        Self::login(&Cloud::choose(args)?)
    }

    /// Logs in to a cloud.
    pub fn login(cloud: &Cloud) -> Result<Self> {
        let http = https::agent(cloud)?;
        let url = cloud.tokens_url();
        let (status, headers, body) = exchange(&http, Method::POST, &url, None, Some(&cloud.login_body()))?;
        if status != StatusCode::CREATED {
            return Err(refused(status, &body));
        }
        let answer = |reason: &str| ClientError::Answer { url: url.clone(), reason: reason.to_owned() };
        let token = headers
            .get("x-subject-token")
            .and_then(|value| value.to_str().ok())
            .ok_or_else(|| answer("it has no X-Subject-Token"))?
            .to_owned();
        let versioned = |url: String| {
            let url = cloud.reachable(url.trim_end_matches('/'));
            if url.ends_with("/v2.0") { url } else { format!("{url}/v2.0") }
        };
        let mut endpoints: Vec<_> =
            network_endpoints(&body).into_iter().map(|(region, url)| (region, versioned(url))).collect();
        // The catalogue has no order of its own.
        endpoints.sort_unstable();
        let wanted = endpoints.iter().find(|(name, _)| cloud.region.as_ref().is_none_or(|region| region == name));
        let network = wanted.map(|(_, url)| url.clone()).ok_or_else(|| {
            answer(&match &cloud.region {
                Some(region) => format!("its catalogue has no network service in region {region}"),
                None => "its catalogue has no network service".to_owned(),
            })
        })?;
        Ok(Self { http, token, network, endpoints })
    }

    /// The regions that have a network service, by their names.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.endpoints.iter().map(|(region, _)| region.as_str())
    }

    /// The same session with the network service of another region; of this one, if that has none.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        let network = self.endpoints.iter().find(|(name, _)| name == region).map(|(_, url)| url);
        Self { network: network.unwrap_or(&self.network).clone(), ..self.clone() }
    }

    /// Reads.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None)
    }

    /// Reads what belongs to no region: `path` is below `/baryon/v1`, beside the network service.
    pub fn get_global(&self, path: &str) -> Result<Value> {
        let base = self.network.rsplit_once("/network/").map(|(base, _)| base).ok_or_else(|| ClientError::Answer {
            url: self.network.clone(),
            reason: "it does not end in /network/REGION".to_owned(),
        })?;
        self.call_url(Method::GET, &format!("{base}/baryon/v1/{path}"), None)
    }

    /// Creates, or asks for something to be done.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body))
    }

    /// Changes.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::PUT, path, Some(body))
    }

    /// Deletes.
    pub fn delete(&self, path: &str) -> Result<()> {
        self.call(Method::DELETE, path, None).map(drop)
    }

    /// The one object with this id or, failing that, this name.
    pub fn find(&self, kind: &'static str, plural: &str, name: &str) -> Result<Value> {
        for filter in ["id", "name"] {
            let answer = self.get(&format!("{plural}?{filter}={}", encode(name)))?;
            let found = answer.get(plural).and_then(Value::as_array).cloned().unwrap_or_default();
            match found.as_slice() {
                [] => {}
                [one] => return Ok(one.clone()),
                several => {
                    let ids = several.iter().filter_map(|object| object["id"].as_str().map(str::to_owned)).collect();
                    return Err(ClientError::Ambiguous { kind, name: name.to_owned(), ids });
                }
            }
        }
        Err(ClientError::NotFound { kind, name: name.to_owned() })
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        self.call_url(method, &format!("{}/{path}", self.network), body)
    }

    fn call_url(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Value> {
        let (status, _, answer) = exchange(&self.http, method, url, Some(&self.token), body)?;
        if status.is_success() { Ok(answer) } else { Err(refused(status, &answer)) }
    }
}

impl ClientError {
    /// Whether the API says that there is no such thing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. } | Self::NotFound { .. })
    }
}

type Exchanged = (StatusCode, ureq::http::HeaderMap, Value);

fn exchange(http: &Agent, method: Method, url: &str, token: Option<&str>, body: Option<&Value>) -> Result<Exchanged> {
    let unreachable = |error: ureq::Error| ClientError::Unreachable { url: url.to_owned(), reason: plain(&error) };
    let mut request = Request::builder().method(method).uri(url).header("accept", "application/json");
    if let Some(token) = token {
        request = request.header("x-auth-token", token);
    }
    let built = match body {
        Some(body) => request.header("content-type", "application/json").body(body.to_string()),
        None => request.body(String::new()),
    };
    let request = built.map_err(|error| unreachable(error.into()))?;
    let response = if body.is_some() { http.run(request) } else { http.run(request.map(|_| ())) };
    let mut response = response.map_err(unreachable)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.body_mut().with_config().limit(MAX_ANSWER).read_to_string().map_err(unreachable)?;
    let answer = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).map_err(|_| ClientError::Answer {
            url: url.to_owned(),
            reason: format!("status {status}, {:.80}", text.replace('\n', " ")),
        })?
    };
    Ok((status, headers, answer))
}

fn plain(error: &ureq::Error) -> String {
    let tls = match error {
        ureq::Error::Rustls(error) => Some(error),
        // What the handshake says comes through the connection's reads and writes.
        ureq::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref()),
        _ => None,
    };
    match (error, tls) {
        (_, Some(rustls::Error::InvalidCertificate(reason))) => format!(
            "its certificate is not accepted ({reason}); --cacert names the authority's, if this machine does not know it"
        ),
        (ureq::Error::Io(error), _) => error.to_string(),
        (other, _) => other.to_string(),
    }
}

/// Neutron, Keystone and their libraries wrap errors differently.
fn refused(status: StatusCode, body: &Value) -> ClientError {
    let error = body.get("NeutronError").or_else(|| body.get("error")).unwrap_or(body);
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let message = match text("message") {
        empty if empty.is_empty() => format!("the API answered {status}"),
        message => message,
    };
    ClientError::Refused { status: status.as_u16(), kind: text("type"), message, detail: text("detail") }
}

/// The public network endpoints, each with its region.
fn network_endpoints(body: &Value) -> Vec<(String, String)> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let catalog = list(body.pointer("/token/catalog"));
    let network = catalog.iter().find(|service| service["type"] == "network");
    list(network.and_then(|service| service.get("endpoints")))
        .iter()
        .filter(|endpoint| endpoint["interface"] == "public")
        .filter_map(|endpoint| Some((endpoint["region"].as_str()?.to_owned(), endpoint["url"].as_str()?.to_owned())))
        .collect()
}

/// Percent-encodes a value of a query.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

impl Cloud {
    fn tokens_url(&self) -> String {
        let base = self.reachable(self.auth_url.trim_end_matches('/'));
        // OS_AUTH_URL is given with and without the version.
        if base.ends_with("/v3") { format!("{base}/auth/tokens") } else { format!("{base}/v3/auth/tokens") }
    }

    /// The URL as it is reached from here: an instance on this host is asked at its own listener, since
    /// the public URL may lead through a proxy with TLS, or not lead anywhere from here.
    fn reachable(&self, url: &str) -> String {
        let public = self.auth_url.trim_end_matches('/').trim_end_matches("/identity/v3");
        // With TLS the URL stays, and the connection goes to the listener: see `https`.
        let local_url = self.local_url.as_ref().filter(|local| local.starts_with("http://"));
        match (local_url, url.strip_prefix(public)) {
            (Some(local), Some(path)) => format!("{local}{path}"),
            _ => url.to_owned(),
        }
    }

    fn login_body(&self) -> Value {
        json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": self.username, "password": self.password, "domain": {"name": self.user_domain},
            }}},
            "scope": {"project": {"name": self.project, "domain": {"name": self.project_domain}}},
        }})
    }
}
