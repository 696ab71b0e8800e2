//! What Keystone says of a token that it validated.

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use types::{AccessRuleId, ApplicationCredentialId, DomainId, ProjectId, RoleId, UserId};

use crate::{Answer, CloudError, Session};

/// Something with an id and a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    /// Its id.
    pub id: T,
    /// Its name.
    pub name: String,
}

/// Where a token is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenScope {
    /// Nowhere yet.
    Unscoped,
    /// In a project, of a domain.
    Project(Named<ProjectId>, Named<DomainId>),
    /// In a domain.
    Domain(Named<DomainId>),
    /// In the whole cloud.
    System,
}

/// A request that an application credential may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule {
    /// Its id.
    pub id: AccessRuleId,
    /// The type of the service.
    pub service: String,
    /// The method.
    pub method: String,
    /// The path, with Keystone's wildcards.
    pub path: String,
}

/// A token that Keystone calls good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidToken {
    /// The user; of a trust's token the trustor, if the trust impersonates.
    pub user: Named<UserId>,
    /// The user's domain.
    pub user_domain: Named<DomainId>,
    /// Where it is good.
    pub scope: TokenScope,
    /// The roles there, implied ones included.
    pub roles: Vec<Named<RoleId>>,
    /// How the user proved who they are.
    pub methods: Vec<String>,
    /// The audit ids: its own, and that of the first of its chain.
    pub audit_ids: Vec<String>,
    /// When it was issued, by Keystone's clock.
    pub issued_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// The trustor and the trustee, of a trust's token.
    pub trust: Option<(UserId, UserId)>,
    /// The application credential that it was made with.
    pub application_credential: Option<Named<ApplicationCredentialId>>,
    /// What it may be used for; `None`: everything that the roles allow.
    pub access_rules: Option<Vec<AccessRule>>,
    /// Of a cloud with an admin project: whether the project is it.
    pub is_admin_project: Option<bool>,
}

impl ValidToken {
    /// Asks Keystone about a token; `None` when it is not good. `allow_expired` is for a token that
    /// was good when a service began its work for a user.
    pub async fn validate(session: &Session, text: &str, allow_expired: bool) -> Result<Option<Self>, CloudError> {
        let query = if allow_expired { "?nocatalog&allow_expired=1" } else { "?nocatalog" };
        let url = session.user().url(&format!("/auth/tokens{query}"));
        // Without the second header Keystone does not vouch for tokens with access rules.
        let headers = [("x-subject-token", text), ("openstack-identity-access-rules", "1")];
        let answer = session.ask(Method::GET, &url, &headers, None).await?;
        match answer.status {
            StatusCode::OK => Self::parse(&answer).map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            // A token that Keystone cannot even decode is no good either.
            StatusCode::BAD_REQUEST => Ok(None),
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Err(CloudError::Login {
                url: answer.url.clone(),
                user: session.user().username.clone(),
                project: session.user().project_name.clone(),
                message: format!(
                    "it may not validate tokens ({}); give it the role 'service' or 'admin' in that project",
                    answer.message().trim_end_matches('.')
                ),
            }),
            _ => Err(answer.refusal()),
        }
    }

    fn parse(answer: &Answer) -> Result<Self, CloudError> {
        let body = answer.json()?;
        Self::from_body(&body["token"]).ok_or_else(|| answer.strange("it does not describe a token"))
    }

    /// What a body says; `None` if something that every token has is missing.
    #[must_use]
    pub fn from_body(token: &Value) -> Option<Self> {
        let user = &token["user"];
        let project = &token["project"];
        let scope = if project.is_object() {
            TokenScope::Project(named(project)?, named(&project["domain"])?)
        } else if token["domain"].is_object() {
            TokenScope::Domain(named(&token["domain"])?)
        } else if token["system"]["all"] == true {
            TokenScope::System
        } else {
            TokenScope::Unscoped
        };
        let trust = &token["OS-TRUST:trust"];
        let credential = &token["application_credential"];
        let access_rules = match &credential["access_rules"] {
            Value::Array(rules) => Some(rules.iter().map(rule).collect::<Option<_>>()?),
            _ => None,
        };
        Some(Self {
            user: named(user)?,
            user_domain: named(&user["domain"])?,
            scope,
            roles: token["roles"].as_array().into_iter().flatten().map(named).collect::<Option<_>>()?,
            methods: texts(&token["methods"]),
            audit_ids: texts(&token["audit_ids"]),
            issued_at: time(&token["issued_at"])?,
            expires_at: time(&token["expires_at"])?,
            trust: if trust.is_object() {
                Some((id(&trust["trustor_user"])?, id(&trust["trustee_user"])?))
            } else {
                None
            },
            application_credential: if credential.is_object() { Some(named(credential)?) } else { None },
            access_rules,
            is_admin_project: token["is_admin_project"].as_bool(),
        })
    }
}

fn id<T: std::str::FromStr>(value: &Value) -> Option<T> {
    value["id"].as_str()?.parse().ok()
}

fn named<T: std::str::FromStr>(value: &Value) -> Option<Named<T>> {
    Some(Named { id: id(value)?, name: value["name"].as_str()?.to_owned() })
}

fn rule(value: &Value) -> Option<AccessRule> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    Some(AccessRule { id: id(value)?, service: text("service")?, method: text("method")?, path: text("path")? })
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// A time as Keystone writes it, with `Z` at its end or, in some places, without.
pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?;
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// As a Keystone 30 answered, shortened.
    pub(crate) fn body() -> Value {
        json!({
            "methods": ["application_credential"],
            "user": { "domain": { "id": "default", "name": "Default" }, "id": "8645065e395449f18bb0d864c3097230",
                      "name": "admin", "password_expires_at": null },
            "audit_ids": ["2kch3dXgTsyUtHLwqCYOaA"],
            "expires_at": "2026-11-22T20:08:24.000000Z", "issued_at": "2026-11-22T19:08:24.000000Z",
            "project": { "domain": { "id": "default", "name": "Default" },
                         "id": "858f4e9fb2514910baeb0d4afdc64a02", "name": "admin" },
            "is_domain": false,
            "roles": [{ "id": "a743201cdf9043d9aca17fdd584246f8", "name": "member" }],
            "application_credential": { "id": "0b1cb4d66ce249089bf958b36cbe8c2c", "name": "ac", "restricted": true,
                "access_rules": [{ "id": "8a83", "service": "network", "path": "/v2.0/networks", "method": "GET" }] },
        })
    }

    #[test]
    fn a_token_of_a_project_is_understood() {
        let token = ValidToken::from_body(&body()).unwrap();
        assert_eq!(token.user.name, "admin");
        let TokenScope::Project(project, domain) = &token.scope else { panic!("{:?}", token.scope) };
        assert_eq!((project.name.as_str(), domain.id.as_str()), ("admin", "default"));
        assert_eq!(token.access_rules.unwrap()[0].path, "/v2.0/networks");
        assert_eq!(token.expires_at.duration_since(token.issued_at).as_secs(), 3600);
    }

    #[test]
    fn what_lacks_a_part_is_no_token() {
        for name in ["user", "expires_at", "issued_at"] {
            let mut body = body();
            body.as_object_mut().unwrap().remove(name);
            assert_eq!(ValidToken::from_body(&body), None, "without {name}");
        }
        let mut system = body();
        system.as_object_mut().unwrap().remove("project");
        assert_eq!(ValidToken::from_body(&system).unwrap().scope, TokenScope::Unscoped);
        system["system"] = json!({ "all": true });
        assert_eq!(ValidToken::from_body(&system).unwrap().scope, TokenScope::System);
        // A rule that cannot be read must not become no rule.
        let mut rules = body();
        rules["application_credential"]["access_rules"] = json!([{ "service": "network" }]);
        assert_eq!(ValidToken::from_body(&rules), None);
    }

    #[test]
    fn times_are_read_with_and_without_their_zone() {
        assert_eq!(time(&json!("2026-11-23T00:00:00.000000")), time(&json!("2026-11-23T00:00:00Z")));
        assert_eq!(time(&json!("yesterday")), None);
    }
}
