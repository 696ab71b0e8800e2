//! Asking our side.

use std::{collections::BTreeMap, error::Error};

use serde_json::{Value, json};

use crate::service::{PASSWORD, Service};

/// The projects `admin` and `demo` of the recording.
const RECORDED_ADMIN: &str = "12bbc6a54b8f4d3a9ae56b2959ef9d27";
const RECORDED_DEMO: &str = "aed8c8d9557b453c82fc94665b004511";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// The user `admin` in the project `admin`.
    Admin,
    /// The user `demo` in the project `demo`.
    Member,
    /// Somebody with a token that is none.
    Stranger,
    /// Somebody without a token.
    Nobody,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u64,
    pub(crate) media_type: Option<String>,
    /// JSON; `{"_text": ...}` for other text, as in the recording, and null for none.
    pub(crate) body: Value,
}

/// A client with the tokens of both users.
pub(crate) struct Client<'a> {
    service: &'a Service,
    agent: ureq::Agent,
    tokens: BTreeMap<Who, String>,
}

impl<'a> Client<'a> {
    pub(crate) fn new(service: &'a Service) -> Result<Self, Box<dyn Error>> {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().new_agent();
        let mut client = Self { service, agent, tokens: BTreeMap::new() };
        for (who, name) in [(Who::Admin, "admin"), (Who::Member, "demo")] {
            let domain = json!({ "id": "default" });
            let user = json!({ "name": name, "password": PASSWORD, "domain": domain });
            let scope = json!({ "project": { "name": name, "domain": domain } });
            let identity = json!({ "methods": ["password"], "password": { "user": user } });
            let body = json!({ "auth": { "identity": identity, "scope": scope } }).to_string();
            let url = client.url("/v3/auth/tokens");
            let response = client.agent.post(&url).content_type("application/json").send(&body)?;
            let token = response.headers().get("x-subject-token").ok_or("no token")?.to_str()?.to_owned();
            client.tokens.insert(who, token);
        }
        Ok(client)
    }

    /// The recorded projects and ours.
    pub(crate) fn projects(&self) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
        let made = &self.service.made;
        Ok(vec![(RECORDED_ADMIN, made.admin_project.to_string()), (RECORDED_DEMO, made.demo_project.to_string())])
    }

    /// Recorded paths are those of two servers.
    fn url(&self, path: &str) -> String {
        let service = if path.starts_with("/v3") { "/identity" } else { "/network/RegionOne" };
        format!("http://{}{service}{path}", self.service.address)
    }

    pub(crate) fn ask(
        &self,
        who: Who,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Box<dyn Error>> {
        self.ask_with(who, method, path, body, "")
    }

    /// Asks as the recorded case of that name did: some had headers that the recording does not show.
    pub(crate) fn ask_with(
        &self,
        who: Who,
        method: &str,
        path: &str,
        body: Option<&Value>,
        name: &str,
    ) -> Result<Answer, Box<dyn Error>> {
        let url = match name {
            // Both servers of the recording have their versions at "/".
            "identity.versions" => format!("http://{}/identity", self.service.address),
            _ => self.url(path),
        };
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        request = match who {
            Who::Admin | Who::Member => request.header("X-Auth-Token", &self.tokens[&who]),
            Who::Stranger => request.header("X-Auth-Token", "made-up"),
            Who::Nobody => request,
        };
        match name {
            "errors.412_revision_mismatch" => request = request.header("If-Match", "revision_number=0"),
            "identity.token_validate" => request = request.header("X-Subject-Token", &self.tokens[&Who::Member]),
            _ => {}
        }
        match body {
            Some(body) => self.answer(request.header("Content-Type", "application/json").body(body.to_string())?),
            None => self.answer(request.body(String::new())?),
        }
    }

    /// Asks with a body that is no JSON.
    pub(crate) fn ask_text(&self, who: Who, method: &str, path: &str, text: &str) -> Result<Answer, Box<dyn Error>> {
        let request = ureq::http::Request::builder().method(method).uri(self.url(path));
        let request = request.header("X-Auth-Token", self.tokens.get(&who).map_or("", String::as_str));
        self.answer(request.header("Content-Type", "application/json").body(text.to_owned())?)
    }

    fn answer(&self, request: ureq::http::Request<String>) -> Result<Answer, Box<dyn Error>> {
        let mut response = self.agent.run(request)?;
        let media_type = match response.headers().get("content-type") {
            Some(text) => Some(text.to_str()?.to_owned()),
            None => None,
        };
        let text = response.body_mut().read_to_string()?;
        let body = match serde_json::from_str(&text) {
            Ok(json) => json,
            Err(_) if text.is_empty() => Value::Null,
            Err(_) => json!({ "_text": text }),
        };
        Ok(Answer { status: response.status().as_u16().into(), media_type, body })
    }
}
