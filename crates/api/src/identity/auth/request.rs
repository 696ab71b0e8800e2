//! What the body of a request for a token says: who asks, by which proofs, and for which scope.

use serde_json::Value;

use crate::{
    edge::Request,
    identity::{KeystoneError, fields::Fields},
};

/// A request for a token.
#[derive(Debug)]
pub(super) struct Asked {
    /// The proofs, each method once.
    pub(super) proofs: Vec<Proof>,
    /// The scope.
    pub(super) scope: Wanted,
}

/// How a body proves who asks.
pub(super) enum Proof {
    Password { user: UserRef, password: Option<String> },
    Token(String),
    ApplicationCredential { credential: CredentialRef, secret: Option<String> },
}

impl std::fmt::Debug for Proof {
    /// Leaves out what proves.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Password { user, .. } => f.debug_struct("Password").field("user", user).finish_non_exhaustive(),
            Self::Token(_) => f.debug_tuple("Token").finish_non_exhaustive(),
            Self::ApplicationCredential { credential, .. } => {
                f.debug_struct("ApplicationCredential").field("credential", credential).finish_non_exhaustive()
            }
        }
    }
}

/// A user by id or by name.
#[derive(Debug)]
pub(super) enum UserRef {
    Id(String),
    Name(String, DomainRef),
}

/// A domain by id or by name.
#[derive(Debug)]
pub(super) enum DomainRef {
    Id(String),
    Name(String),
}

/// An application credential by id or by name.
#[derive(Debug)]
pub(super) enum CredentialRef {
    Id(String),
    Name(String, UserRef),
}

/// What scope a body asks for.
#[derive(Debug)]
pub(super) enum Wanted {
    Default,
    Unscoped,
    System,
    Domain(DomainRef),
    ProjectId(String),
    ProjectName(String, DomainRef),
    Trust(String),
}

impl Asked {
    /// Parses a request.
    pub(super) fn parse(request: &Request) -> Result<Self, KeystoneError> {
        let mut auth = Fields::of(request, "auth")?;
        let mut identity = auth.object("identity")?;
        let mut methods = identity.texts("methods")?.ok_or_else(|| identity.lacks("methods"))?;
        let mut seen = Vec::new();
        methods.retain(|method| {
            !seen.contains(method) && {
                seen.push(method.clone());
                true
            }
        });
        if let Some(missing) = methods.iter().find(|method| !identity.has(method)) {
            return Err(KeystoneError::expecting(missing, "identity"));
        }
        let scope = auth.rest().remove("scope");
        let by_credential = methods.iter().any(|method| method == "application_credential");
        if by_credential && scope.is_some() {
            return Err(KeystoneError::CredentialScope);
        }
        let scope = scope.map_or(Ok(Wanted::Default), wanted)?;
        let proofs = methods.iter().map(|method| proof(&mut identity, method)).collect::<Result<Vec<_>, _>>()?;
        if proofs.is_empty() {
            return Err(KeystoneError::Unauthorized);
        }
        Ok(Self { proofs, scope })
    }
}

fn proof(identity: &mut Fields, method: &str) -> Result<Proof, KeystoneError> {
    match method {
        "password" => {
            let mut password = identity.object("password")?;
            if !password.has("user") {
                return Err(KeystoneError::expecting("user", "password"));
            }
            let mut fields = password.object("user")?;
            let password = fields.text("password")?;
            Ok(Proof::Password { user: user_ref(fields)?, password })
        }
        "token" => {
            let mut token = identity.object("token")?;
            token.text("id")?.map(Proof::Token).ok_or_else(|| token.lacks("id"))
        }
        "application_credential" => {
            let mut fields = identity.object("application_credential")?;
            let secret = fields.text("secret")?;
            let credential = match (fields.text("id")?, fields.text("name")?) {
                (Some(id), _) => CredentialRef::Id(id),
                (None, Some(name)) if fields.has("user") => {
                    CredentialRef::Name(name, user_ref(fields.object("user")?)?)
                }
                (None, Some(_)) => return Err(KeystoneError::expecting("user", "application credential")),
                (None, None) => return Err(KeystoneError::expecting("name or ID", "application credential")),
            };
            Ok(Proof::ApplicationCredential { credential, secret })
        }
        _ => Err(KeystoneError::UnsupportedMethod),
    }
}

fn user_ref(mut fields: Fields) -> Result<UserRef, KeystoneError> {
    match (fields.text("name")?, fields.text("id")?) {
        (Some(name), _) if fields.has("domain") => Ok(UserRef::Name(name, domain_ref(fields.object("domain")?)?)),
        // A name without a domain says nothing.
        (_, Some(id)) => Ok(UserRef::Id(id)),
        (Some(_), None) => Err(KeystoneError::expecting("domain", "user")),
        (None, None) => Err(KeystoneError::expecting("id or name", "user")),
    }
}

fn domain_ref(mut fields: Fields) -> Result<DomainRef, KeystoneError> {
    match (fields.text("name")?, fields.text("id")?) {
        (Some(name), _) => Ok(DomainRef::Name(name)),
        (None, Some(id)) => Ok(DomainRef::Id(id)),
        (None, None) => Err(KeystoneError::expecting("id or name", "domain")),
    }
}

fn wanted(scope: Value) -> Result<Wanted, KeystoneError> {
    const KINDS: [&str; 5] = ["system", "project", "domain", "OS-TRUST:trust", "unscoped"];
    if scope == "unscoped" {
        return Ok(Wanted::Unscoped);
    }
    let nothing = || KeystoneError::expecting("system, project, domain, OS-TRUST:trust or unscoped", "scope");
    if scope.is_string() {
        return Err(nothing());
    }
    let mut scope = Fields::from_value("scope", scope)?;
    let mut kinds = KINDS.into_iter().filter(|kind| scope.has(kind));
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return Err(nothing()) };
    // {"unscoped": {}} or {"unscoped": true}: older clients said so.
    if kind == "unscoped" {
        return Ok(Wanted::Unscoped);
    }
    let mut fields = scope.object(kind)?;
    match kind {
        "system" => Ok(Wanted::System),
        "domain" => domain_ref(fields).map(Wanted::Domain),
        "project" => match (fields.text("name")?, fields.text("id")?) {
            (Some(name), _) if fields.has("domain") => {
                Ok(Wanted::ProjectName(name, domain_ref(fields.object("domain")?)?))
            }
            (_, Some(id)) => Ok(Wanted::ProjectId(id)),
            (Some(_), None) => Err(KeystoneError::expecting("domain", "project")),
            (None, None) => Err(KeystoneError::expecting("id or name", "project")),
        },
        _ => fields.text("id")?.map(Wanted::Trust).ok_or_else(|| KeystoneError::expecting("trust_id", "trust")),
    }
}
