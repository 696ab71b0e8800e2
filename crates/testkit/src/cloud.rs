//! The OpenStack APIs by plain HTTP: what the clients send, without the second that each start of theirs takes.
//!
//! Every change is sent with `?wait=1`, so that what a test does next meets the datapath as the change made it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::netns::Netns;
use crate::process::{PATIENCE, wait_for};

/// A logged-in session on the network API of one region.
#[derive(Debug, Clone)]
pub struct Cloud {
    netns: Netns,
    agent: ureq::Agent,
    network: String,
    /// Of every region, by its name.
    networks: BTreeMap<String, String>,
    token: String,
    project_id: String,
}

impl Cloud {
    /// Logs in with the password of a cloud in `clouds`, and finds the network service in the catalogue.
    pub(crate) fn log_in(netns: Netns, clouds: &Path, cloud: &str) -> Result<Self> {
        let text = std::fs::read_to_string(clouds).map_err(Error::io(format!("{}", clouds.display())))?;
        let settings = settings_of(&text, cloud);
        let get = |key: &str| {
            settings.get(key).cloned().ok_or_else(|| Error::unexpected(format!("{key} of cloud {cloud}"), text.clone()))
        };
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        let body = json!({ "auth": {
            "identity": { "methods": ["password"], "password": { "user": {
                "name": get("username")?,
                "password": get("password")?,
                "domain": { "name": settings.get("user_domain_name").map_or("Default", String::as_str) },
            } } },
            "scope": { "project": {
                "name": get("project_name")?,
                "domain": { "name": settings.get("project_domain_name").map_or("Default", String::as_str) },
            } },
        } });
        let url = format!("{}/auth/tokens", get("auth_url")?);
        let answer = netns.enter(|| {
            let mut response = agent.post(&url).send_json(&body)?;
            let token = response.headers().get("X-Subject-Token").and_then(|t| t.to_str().ok()).map(str::to_owned);
            Ok((response.status().as_u16(), token, response.body_mut().read_to_string()?))
        })?;
        let (status, token, body) = answer.map_err(|e: ureq::Error| Error::unexpected(url.clone(), e.to_string()))?;
        let (Some(token), 201) = (token, status) else {
            return Err(Error::Answer { method: "POST", path: url, status, body });
        };
        let granted = parse(&url, &body)?;
        let catalog = granted["token"]["catalog"].as_array().into_iter().flatten();
        let networks: BTreeMap<String, String> = catalog
            .filter(|service| service["type"] == "network")
            .flat_map(|service| service["endpoints"].as_array().into_iter().flatten())
            .filter(|endpoint| endpoint["interface"] == "public")
            .filter_map(|endpoint| {
                let url = endpoint["url"].as_str()?.trim_end_matches('/').trim_end_matches("/v2.0");
                Some((endpoint["region"].as_str()?.to_owned(), url.to_owned()))
            })
            .collect();
        let network = networks
            .get(&get("region_name")?)
            .ok_or_else(|| Error::unexpected("the network service in the catalogue", body.clone()))?
            .clone();
        let project_id = granted["token"]["project"]["id"].as_str().unwrap_or_default().to_owned();
        Ok(Self { netns, agent, network, networks, token, project_id })
    }

    /// The same session with the network service of another region.
    pub fn in_region(&self, region: &str) -> Result<Self> {
        let network = self.networks.get(region).ok_or_else(|| {
            Error::unexpected(format!("a network service in region {region}"), format!("{:?}", self.networks))
        })?;
        Ok(Self { network: network.clone(), ..self.clone() })
    }

    /// The project that the token is for.
    pub fn project_id(&self) -> &str {
        &self.project_id
    }

    /// Sends a request below `/v2.0` and returns whatever is answered.
    pub fn request(&self, method: &'static str, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        let url = format!("{}/v2.0{path}", self.network);
        let text = body.map(Value::to_string).unwrap_or_default();
        let answer = self.netns.enter(|| {
            let request = ureq::http::Request::builder()
                .method(method)
                .uri(&url)
                .header("X-Auth-Token", &self.token)
                .header("Content-Type", "application/json")
                .body(text)?;
            let mut response = self.agent.run(request)?;
            Ok((response.status().as_u16(), response.body_mut().read_to_string()?))
        })?;
        let (status, body) = answer.map_err(|e: ureq::Error| Error::unexpected(url.clone(), e.to_string()))?;
        if body.is_empty() { Ok((status, Value::Null)) } else { Ok((status, parse(&url, &body)?)) }
    }

    fn expect(&self, method: &'static str, path: &str, body: Option<&Value>) -> Result<Value> {
        let (status, answer) = self.request(method, path, body)?;
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        Err(Error::Answer { method, path: path.to_owned(), status, body: answer.to_string() })
    }

    /// `GET`
    pub fn get(&self, path: &str) -> Result<Value> {
        self.expect("GET", path, None)
    }

    /// `POST` of `{kind: fields}` to the collection; the object that was created.
    pub fn create(&self, kind: &str, fields: Value) -> Result<Value> {
        let answer = self.expect("POST", &format!("/{}?wait=1", collection(kind)), Some(&json!({ kind: fields })))?;
        Ok(answer[kind].clone())
    }

    /// `PUT` of `{kind: fields}` to the object; the object as it is now.
    pub fn update(&self, kind: &str, id: &str, fields: Value) -> Result<Value> {
        let path = format!("/{}/{id}?wait=1", collection(kind));
        let answer = self.expect("PUT", &path, Some(&json!({ kind: fields })))?;
        Ok(answer[kind].clone())
    }

    /// `PUT` of an action such as `add_router_interface`.
    pub fn act(&self, kind: &str, id: &str, action: &str, body: Value) -> Result<Value> {
        self.expect("PUT", &format!("/{}/{id}/{action}?wait=1", collection(kind)), Some(&body))
    }

    /// `DELETE`
    pub fn delete(&self, kind: &str, id: &str) -> Result<()> {
        self.expect("DELETE", &format!("/{}/{id}?wait=1", collection(kind)), None).map(drop)
    }

    /// The only object of a name.
    pub fn find(&self, kind: &str, name: &str) -> Result<Value> {
        let key = collection(kind).replace('-', "_");
        let answer = self.get(&format!("/{}?name={name}", collection(kind)))?;
        match answer[&key].as_array().map(Vec::as_slice) {
            Some([only]) => Ok(only.clone()),
            _ => Err(Error::unexpected(format!("one {kind} called {name}"), answer.to_string())),
        }
    }

    /// Waits until the datapath has every change that was made so far, by whatever client. Only an administrator may ask.
    pub fn wait_until_applied(&self) -> Result<()> {
        wait_for("every change to be applied", PATIENCE, || {
            let answer = self.get("/baryon/status").map_err(|e| e.to_string())?;
            if answer["status"]["lag"] == 0 { Ok(()) } else { Err(answer.to_string()) }
        })
    }

    /// The packets of a port that were dropped, by reason.
    pub fn drops(&self, port_id: &str) -> Result<BTreeMap<String, u64>> {
        let answer = self.get(&format!("/baryon/drops/{port_id}"))?;
        let counters = answer["drops"].as_array().ok_or_else(|| Error::unexpected("drops", answer.to_string()))?;
        let of = |counter: &Value| Some((counter["reason"].as_str()?.to_owned(), counter["packets"].as_u64()?));
        Ok(counters.iter().filter_map(of).collect())
    }
}

/// The collection in the URL: `security_group_rule` lies in `security-group-rules`.
fn collection(kind: &str) -> String {
    format!("{}s", kind.replace('_', "-"))
}

fn parse(url: &str, body: &str) -> Result<Value> {
    serde_json::from_str(body).map_err(|_| Error::unexpected(url, body))
}

/// The scalar settings of one cloud. The file is one that Baryon wrote: two spaces a level, `key: value` a line.
fn settings_of(text: &str, cloud: &str) -> BTreeMap<String, String> {
    let mut inside = false;
    let mut settings = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let depth = line.len() - line.trim_start().len();
        let Some((key, value)) = line.trim().split_once(':') else { continue };
        if depth <= 2 {
            inside = depth == 2 && key.trim_matches(['"', '\'']) == cloud;
        } else if inside {
            settings.insert(key.to_owned(), value.trim().trim_matches(['"', '\'']).to_owned());
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_one_cloud_are_found_among_others() {
        let text = "clouds:\n  a:\n    auth:\n      auth_url: http://127.0.0.1:9696/identity/v3\n      password: 'x'\n  \
                    b:\n    auth:\n      password: y\n";
        let settings = settings_of(text, "a");
        assert_eq!(settings["auth_url"], "http://127.0.0.1:9696/identity/v3");
        assert_eq!(settings["password"], "x");
        assert_eq!(settings_of(text, "b")["password"], "y");
    }

    #[test]
    fn collections_are_named_as_in_urls() {
        assert_eq!(collection("security_group_rule"), "security-group-rules");
        assert_eq!(collection("floatingip"), "floatingips");
    }
}
