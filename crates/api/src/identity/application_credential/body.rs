//! What a request for an application credential says.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::python;
use rand::RngCore as _;
use serde_json::Value;
use store::identity::{AccessRule, Identity};
use types::{AccessRuleId, RoleId, UserId};

use crate::{
    clock,
    edge::Request,
    identity::{KeystoneError, fields::Fields, role, route::Call},
};

const LONGEST_NAME: usize = 255;
/// The pattern of a path has 225 characters at most in Keystone's schema.
const LONGEST_PATH: usize = 225;
const METHODS: [&str; 6] = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"];
/// More rules than anybody writes; each is compared with every request.
const MOST_RULES: usize = 1000;
/// As many roles as may be asked for.
const MOST_ROLES: usize = 1000;

/// A request for an application credential.
pub(super) struct Body {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) secret: String,
    pub(super) expires_at: Option<i64>,
    pub(super) unrestricted: Option<bool>,
    pub(super) roles: Vec<RoleRef>,
    pub(super) access_rules: Vec<RuleRef>,
}

/// A role by id or by name.
pub(crate) enum RoleRef {
    Id(String),
    Name(String),
}

/// An access rule, or the id of one that the user has.
pub(super) enum RuleRef {
    Known(String),
    Stated { id: Option<AccessRuleId>, service: String, method: String, path: String },
}

impl Body {
    pub(super) fn parse(request: &Request) -> Result<Self, KeystoneError> {
        let mut fields = Fields::of(request, "application_credential")?;
        Ok(Self {
            name: fields.name(LONGEST_NAME)?.ok_or_else(|| fields.lacks("name"))?,
            description: fields.nullable_text("description")?.flatten(),
            secret: match fields.nullable_text("secret")?.flatten() {
                Some(secret) if !secret.is_empty() => secret,
                _ => generated(),
            },
            expires_at: expires_at(&mut fields)?,
            unrestricted: fields.nullable_flag("unrestricted")?.flatten(),
            roles: RoleRef::list(&mut fields)?,
            access_rules: rules(&mut fields)?,
        })
    }
}

/// A secret as long as Keystone's: 64 random bytes.
fn generated() -> String {
    let mut bytes = [0; 64];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A time to come, if it is there.
pub(crate) fn expires_at(fields: &mut Fields) -> Result<Option<i64>, KeystoneError> {
    const ASSUMED: &str = "The server could not comply with the request since it is either malformed or otherwise \
                           incorrect. The client is assumed to be in error.";
    let Some(text) = fields.nullable_text("expires_at")?.flatten() else { return Ok(None) };
    let bad = || KeystoneError::BadRequest(format!("Timestamp not in expected format. {ASSUMED}"));
    let time = clock::parse(&text).ok_or_else(bad)?;
    if time < clock::now() {
        return Err(KeystoneError::BadRequest(format!("The 'expires_at' must not be before now. {ASSUMED}")));
    }
    Ok(Some(time))
}

impl RoleRef {
    /// The list `roles` of a body.
    pub(crate) fn list(fields: &mut Fields) -> Result<Vec<Self>, KeystoneError> {
        let items = fields.list("roles")?.unwrap_or_default();
        if items.len() > MOST_ROLES {
            let reason = format!("more than {MOST_ROLES} items are too many");
            return Err(KeystoneError::invalid("roles", items.len(), reason));
        }
        let parse = |item: Value| {
            let shown = python::repr(&item);
            let mut role = Fields::from_value("roles", item)?;
            match (role.text("id")?, role.text("name")?) {
                (Some(id), None) => Ok(Self::Id(id)),
                (None, Some(name)) => Ok(Self::Name(name)),
                (None, None) => {
                    Err(KeystoneError::invalid("roles", &shown, format!("{shown} does not have enough properties")))
                }
                (Some(_), Some(_)) => {
                    Err(KeystoneError::invalid("roles", &shown, format!("{shown} has too many properties")))
                }
            }
        };
        items.into_iter().map(parse).collect()
    }

    /// The role's id, if there is such a role.
    pub(crate) fn find(&self, call: &Call<'_>) -> Result<RoleId, KeystoneError> {
        match self {
            Self::Id(id) => Ok(role::find(call, id)?.id),
            Self::Name(name) => {
                let found = call.identity.role_named(None, name)?;
                let missing = || KeystoneError::NotFound { kind: "role", id: name.clone() };
                found.map(|role| role.id).ok_or_else(missing)
            }
        }
    }
}

fn rules(fields: &mut Fields) -> Result<Vec<RuleRef>, KeystoneError> {
    let items = fields.list("access_rules")?.unwrap_or_default();
    if items.len() > MOST_RULES {
        let reason = format!("more than {MOST_RULES} items are too many");
        return Err(KeystoneError::invalid("access_rules", items.len(), reason));
    }
    items.into_iter().map(RuleRef::parse).collect()
}

impl RuleRef {
    fn parse(item: Value) -> Result<Self, KeystoneError> {
        let mut rule = Fields::from_value("access_rules", item)?;
        let id = rule.text("id")?;
        if let Some(id) = &id
            && !rule.has("service")
            && !rule.has("path")
            && !rule.has("method")
        {
            return Ok(Self::Known(id.clone()));
        }
        let mut part = |name: &str| rule.text(name)?.ok_or_else(|| rule.lacks(name));
        let (service, method, path) = (part("service")?, part("method")?, part("path")?);
        let invalid = |name: &str, value: &str, reason: &str| {
            let quoted = python::repr(&Value::from(value));
            Err(KeystoneError::invalid(name, value, format!("{quoted} {reason}")))
        };
        if !METHODS.contains(&method.as_str()) {
            return invalid("method", &method, &format!("is not one of {}", python::repr(&Value::from(&METHODS[..]))));
        }
        if path.chars().count() > LONGEST_PATH {
            return invalid("path", &path, "is too long");
        }
        if !path.starts_with('/') {
            return invalid("path", &path, "does not match '^/\\\\.*'");
        }
        if service.is_empty() || service.len() > 64 || !service.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return invalid("service", &service, "does not match '^[a-zA-Z0-9-]+$'");
        }
        let id = match id {
            Some(id) => match id.parse() {
                Ok(id) => Some(id),
                Err(_) => return invalid("id", &id, "does not match '^[a-zA-Z0-9-]+$'"),
            },
            None => None,
        };
        Ok(Self::Stated { id, service, method, path })
    }

    /// The rule in the store, one of those that are known or made if need be.
    pub(super) fn stored(
        self,
        identity: Identity<'_>,
        user: &UserId,
        known: &[AccessRule],
    ) -> Result<AccessRule, KeystoneError> {
        let by_id = |id: &str| known.iter().find(|rule| rule.id.as_str() == id).cloned();
        match self {
            Self::Known(id) => by_id(&id).ok_or(KeystoneError::NotFound { kind: "Access Rule", id }),
            Self::Stated { id, service, method, path } => {
                if let Some(found) = id.as_ref().and_then(|id| by_id(id.as_str())) {
                    return Ok(found);
                }
                // The id is the server's to choose: another user may have a rule of this one.
                let rule = AccessRule { id: AccessRuleId::random(), service, method, path };
                Ok(identity.ensure_access_rule(user, rule)?)
            }
        }
    }
}
