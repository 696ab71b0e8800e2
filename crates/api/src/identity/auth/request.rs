//! What the body of a request for a token says: who asks, by which proof, and for which scope.

use crate::identity::{KeystoneError, fields::Fields};

/// How a body says who asks.
pub(super) enum Credentials {
    Password { user: UserRef, password: String },
    Token(String),
}

/// A user by id or by name.
pub(super) enum UserRef {
    Id(String),
    Name(String, DomainRef),
}

/// A domain by id or by name.
pub(super) enum DomainRef {
    Id(String),
    Name(String),
}

/// What scope a body asks for.
pub(super) enum Wanted {
    Default,
    Unscoped,
    System,
    Domain(DomainRef),
    ProjectId(String),
    ProjectName(String, DomainRef),
}

fn domain_ref(mut fields: Fields) -> Result<DomainRef, KeystoneError> {
    match (fields.text("id")?, fields.text("name")?) {
        (Some(id), _) => Ok(DomainRef::Id(id)),
        (None, Some(name)) => Ok(DomainRef::Name(name)),
        (None, None) => Err(fields.lacks("id")),
    }
}

pub(super) fn credentials(identity: &mut Fields) -> Result<Credentials, KeystoneError> {
    let methods = identity.texts("methods")?.ok_or_else(|| identity.lacks("methods"))?;
    // Several methods at once mean several factors; the strongest that we know decides alone only
    // when it is the only one.
    match methods.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["password"] => {
            let mut user = identity.object("password")?.object("user")?;
            let password = user.text("password")?.ok_or_else(|| user.lacks("password"))?;
            let user = match (user.text("id")?, user.text("name")?) {
                (Some(id), _) => UserRef::Id(id),
                (None, Some(name)) => UserRef::Name(name, domain_ref(user.object("domain")?)?),
                (None, None) => return Err(user.lacks("id")),
            };
            Ok(Credentials::Password { user, password })
        }
        ["token"] => {
            let mut token = identity.object("token")?;
            token.text("id")?.map(Credentials::Token).ok_or_else(|| token.lacks("id"))
        }
        // Keystone's answer to methods that it has not got.
        _ => Err(KeystoneError::Unauthorized),
    }
}

pub(super) fn wanted(auth: Fields) -> Result<Wanted, KeystoneError> {
    let mut rest = auth.rest();
    let Some(scope) = rest.remove("scope") else { return Ok(Wanted::Default) };
    if scope == "unscoped" {
        return Ok(Wanted::Unscoped);
    }
    let mut scope = Fields::from_value("scope", scope)?;
    if scope.optional_object("system")?.is_some() {
        return Ok(Wanted::System);
    }
    if let Some(domain) = scope.optional_object("domain")? {
        return domain_ref(domain).map(Wanted::Domain);
    }
    if let Some(mut project) = scope.optional_object("project")? {
        return match (project.text("id")?, project.text("name")?) {
            (Some(id), _) => Ok(Wanted::ProjectId(id)),
            (None, Some(name)) => Ok(Wanted::ProjectName(name, domain_ref(project.object("domain")?)?)),
            (None, None) => Err(project.lacks("id")),
        };
    }
    if scope.optional_object("unscoped")?.is_some() {
        return Ok(Wanted::Unscoped);
    }
    Err(KeystoneError::Unauthorized)
}
