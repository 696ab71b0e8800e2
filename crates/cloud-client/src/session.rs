//! A login of the service user that renews itself.
//!
//! One token serves all questions until it is nearly used up. A service that answers 401 may know
//! something about the token that we do not (it was revoked, Keystone's keys were replaced), so the
//! login is made anew once and the question asked again; a second 401 is an answer.
//!
//! The catalogue comes with the login, so it is as old as that. A service is looked for in one that is at
//! most [`CATALOG_TIME`] old, or [`MISSING_TIME`] if it is not found: an operator who enters an endpoint
//! or corrects it need not restart anything.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{Answer, CloudError, Http, Secret, token};

/// A token is replaced this long before its end, which covers a question and a clock that is off.
const EARLY: Duration = Duration::from_secs(60);
/// After a refused login the next is made no sooner, or a wrong password would lock the user out.
const AFTER_REFUSAL: Duration = Duration::from_secs(5);

/// How old a catalogue may be, and one that lacks what is looked for.
const CATALOG_TIME: Duration = Duration::from_secs(300);
const MISSING_TIME: Duration = Duration::from_secs(5);

/// Who logs in, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceUser {
    /// Keystone, with or without `/v3` at its end.
    pub auth_url: String,
    /// The user's name.
    pub username: String,
    /// The user's password.
    pub password: Secret,
    /// The project in which it has its role.
    pub project_name: String,
    /// The domain of the user.
    pub user_domain_name: String,
    /// The domain of the project.
    pub project_domain_name: String,
}

impl ServiceUser {
    /// A URL below Keystone's `/v3`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let base = self.auth_url.trim_end_matches('/');
        let base = base.strip_suffix("/v3").unwrap_or(base);
        format!("{base}/v3{path}")
    }

    fn login(&self) -> Value {
        json!({ "auth": {
            "identity": { "methods": ["password"], "password": { "user": {
                "name": self.username,
                "password": self.password.reveal(),
                "domain": { "name": self.user_domain_name },
            } } },
            "scope": { "project": { "name": self.project_name, "domain": { "name": self.project_domain_name } } },
        } })
    }
}

/// What a login gave.
pub struct Access {
    text: String,
    /// When it was issued, by Keystone's clock.
    pub issued_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    catalog: Value,
    /// When we got it, by our own clock.
    received: Instant,
}

impl fmt::Debug for Access {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Access {
    /// The token, for the header of a question.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.text
    }

    fn is_fresh(&self) -> bool {
        let early = jiff::SignedDuration::try_from(EARLY).unwrap_or_default();
        Timestamp::now().checked_add(early).is_ok_and(|then| then < self.expires_at)
    }

    /// The URL of a service in the catalogue.
    #[must_use]
    pub fn endpoint(&self, service: &str, interface: &str, region: Option<&str>) -> Option<&str> {
        let services = self.catalog.as_array()?.iter().filter(|entry| entry["type"] == service);
        let endpoints = services.filter_map(|entry| entry["endpoints"].as_array()).flatten();
        let mut wanted = endpoints.filter(|endpoint| {
            endpoint["interface"] == interface && region.is_none_or(|region| endpoint["region_id"] == region)
        });
        wanted.find_map(|endpoint| endpoint["url"].as_str())
    }
}

/// A service user that is logged in when it needs to be. Clones share the login.
#[derive(Debug, Clone)]
pub struct Session {
    http: Http,
    user: Arc<ServiceUser>,
    access: Arc<RwLock<Option<Arc<Access>>>>,
    /// Held while logging in, so that many questions make one login; holds the last refusal.
    login: Arc<Mutex<Option<(Instant, CloudError)>>>,
}

impl Session {
    /// A session that logs in with its first question.
    #[must_use]
    pub fn new(http: Http, user: ServiceUser) -> Self {
        Self { http, user: Arc::new(user), access: Arc::default(), login: Arc::default() }
    }

    /// Who it is.
    #[must_use]
    pub fn user(&self) -> &ServiceUser {
        &self.user
    }

    fn known(&self) -> Option<Arc<Access>> {
        // What the lock guards is replaced as a whole.
        self.access.read().unwrap_or_else(PoisonError::into_inner).clone().filter(|access| access.is_fresh())
    }

    /// The login, made or renewed if need be.
    pub async fn access(&self) -> Result<Arc<Access>, CloudError> {
        match self.known() {
            Some(access) => Ok(access),
            None => self.renew(None).await,
        }
    }

    /// A login other than `refused`.
    async fn renew(&self, refused: Option<&Arc<Access>>) -> Result<Arc<Access>, CloudError> {
        let mut last_refusal = self.login.lock().await;
        // Whoever held the lock before may have done it.
        let is_other = |access: &Arc<Access>| refused.is_none_or(|refused| !Arc::ptr_eq(access, refused));
        if let Some(access) = self.known().filter(is_other) {
            return Ok(access);
        }
        if let Some((at, error)) = last_refusal.as_ref()
            && at.elapsed() < AFTER_REFUSAL
        {
            return Err(error.clone());
        }
        match self.log_in().await {
            Ok(access) => {
                *last_refusal = None;
                let access = Arc::new(access);
                *self.access.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&access));
                Ok(access)
            }
            Err(error) => {
                *last_refusal = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn log_in(&self) -> Result<Access, CloudError> {
        let url = self.user.url("/auth/tokens");
        let answer = self.http.ask(Method::POST, &url, &[], Some(&self.user.login())).await?;
        match answer.status {
            StatusCode::CREATED => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(CloudError::Login {
                    url,
                    user: self.user.username.clone(),
                    project: self.user.project_name.clone(),
                    message: answer.message().trim_end_matches('.').to_owned(),
                });
            }
            _ => return Err(answer.refusal()),
        }
        let text = answer.header("x-subject-token").ok_or_else(|| answer.strange("it has no X-Subject-Token"))?;
        let text = text.to_owned();
        let mut body = answer.json()?;
        let time = |name: &str| token::time(&body["token"][name]).ok_or_else(|| answer.strange(format!("no {name}")));
        let (issued_at, expires_at) = (time("issued_at")?, time("expires_at")?);
        Ok(Access { text, issued_at, expires_at, catalog: body["token"]["catalog"].take(), received: Instant::now() })
    }

    /// Asks as the service user. A refused login is renewed once.
    pub async fn ask(
        &self,
        method: Method,
        url: &str,
        headers: &[(&'static str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, CloudError> {
        let access = self.access().await?;
        let answer = self.ask_with(&access, method.clone(), url, headers, body).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let renewed = self.renew(Some(&access)).await?;
        self.ask_with(&renewed, method, url, headers, body).await
    }

    async fn ask_with(
        &self,
        access: &Access,
        method: Method,
        url: &str,
        headers: &[(&'static str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, CloudError> {
        let mut all = vec![("x-auth-token", access.token())];
        all.extend(headers);
        self.http.ask(method, url, &all, body).await
    }

    /// The URL of a service in the service user's catalogue.
    pub async fn endpoint(&self, service: &str, interface: &str, region: Option<&str>) -> Result<String, CloudError> {
        let mut access = self.access().await?;
        let is_old = |access: &Access, time| access.received.elapsed() >= time;
        if is_old(&access, CATALOG_TIME)
            || is_old(&access, MISSING_TIME) && access.endpoint(service, interface, region).is_none()
        {
            access = self.renew(Some(&access)).await?;
        }
        access.endpoint(service, interface, region).map(|url| url.trim_end_matches('/').to_owned()).ok_or_else(|| {
            CloudError::NoEndpoint {
                url: self.user.url(""),
                service: service.to_owned(),
                interface: interface.to_owned(),
                region: region.map(str::to_owned),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(auth_url: &str) -> ServiceUser {
        ServiceUser {
            auth_url: auth_url.to_owned(),
            username: "baryon".to_owned(),
            password: Secret::new("swordfish"),
            project_name: "service".to_owned(),
            user_domain_name: "Default".to_owned(),
            project_domain_name: "Default".to_owned(),
        }
    }

    #[test]
    fn keystone_is_found_with_and_without_its_version() {
        for given in ["http://k/identity", "http://k/identity/", "http://k/identity/v3", "http://k/identity/v3/"] {
            assert_eq!(user(given).url("/auth/tokens"), "http://k/identity/v3/auth/tokens");
        }
        assert!(!format!("{:?}", user("http://k")).contains("swordfish"));
    }

    #[test]
    fn an_endpoint_is_chosen_by_type_interface_and_region() {
        let endpoint = |region: &str, interface: &str, url: &str| json!({ "region_id": region, "interface": interface, "url": url });
        let access = Access {
            text: String::new(),
            issued_at: Timestamp::now(),
            expires_at: Timestamp::now(),
            catalog: json!([
                { "type": "compute", "endpoints": [endpoint("a", "public", "http://a"), endpoint("b", "internal", "http://b")] },
                { "type": "identity", "endpoints": [endpoint("a", "public", "http://k")] },
            ]),
            received: Instant::now(),
        };
        assert_eq!(access.endpoint("compute", "public", None), Some("http://a"));
        assert_eq!(access.endpoint("compute", "internal", Some("b")), Some("http://b"));
        assert_eq!(access.endpoint("compute", "internal", Some("a")), None);
        assert!(!access.is_fresh());
    }
}
