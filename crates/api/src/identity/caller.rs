//! Who calls: a token turned into a user, a scope and roles, as they are in one snapshot.

use store::identity::{Domain, Identity, Project, Role, Target, User};

use super::{
    KeystoneError,
    token::{Token, TokenScope},
};
use crate::{Api, clock, edge::Request};

/// Carries the caller's token.
const TOKEN_HEADER: &str = "x-auth-token";

/// Where the caller's roles apply.
#[derive(Debug, Clone)]
pub(crate) enum Scope {
    /// Nowhere.
    Unscoped,
    /// In a project, of a domain.
    Project(Project, Domain),
    /// In a domain.
    Domain(Domain),
    /// In the whole cloud.
    System,
}

/// A user whose token is good.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The user.
    pub(crate) user: User,
    /// The user's domain.
    pub(crate) domain: Domain,
    /// Where the roles apply.
    pub(crate) scope: Scope,
    /// The roles, with implied ones.
    pub(crate) roles: Vec<Role>,
    /// The token.
    pub(crate) token: Token,
}

impl Caller {
    /// Whether the caller has a role in the scope.
    pub(crate) fn has_role(&self, name: &str) -> bool {
        // A role of a domain may bear any name and grants nothing here.
        self.roles.iter().any(|role| role.domain_id.is_none() && role.name == name)
    }

    /// The names of the roles that count everywhere.
    pub(crate) fn role_names(&self) -> Vec<String> {
        self.roles.iter().filter(|role| role.domain_id.is_none()).map(|role| role.name.clone()).collect()
    }

    /// Whether the caller has the role `admin`.
    pub(crate) fn is_admin(&self) -> bool {
        self.has_role("admin")
    }

    /// The project of the scope.
    pub(crate) fn project(&self) -> Option<&Project> {
        match &self.scope {
            Scope::Project(project, _) => Some(project),
            _ => None,
        }
    }
}

/// What a request presents, as far as it can be judged without the store.
#[derive(Debug, Clone)]
pub(crate) enum Presented {
    /// A token that we made, not yet expired.
    Own(Token),
}

/// The token that a request carries, if it is good as far as can be told. Needs no store, so that
/// made-up tokens cost a decryption and nothing else.
pub(crate) async fn presented(api: &Api, request: &Request) -> Result<Presented, KeystoneError> {
    let text = request.header(TOKEN_HEADER).ok_or(KeystoneError::Unauthorized)?;
    let token = Token::open(text, &api.keys).ok_or_else(|| api.failures.made_up(request.source))?;
    if token.expires_at <= clock::now() { Err(KeystoneError::Unauthorized) } else { Ok(Presented::Own(token)) }
}

/// Who presents it, checked against the state of a snapshot or transaction.
pub(crate) fn authenticate(identity: Identity<'_>, presented: Presented) -> Result<Caller, KeystoneError> {
    match presented {
        Presented::Own(token) => authenticate_token(identity, token),
    }
}

/// Checks a token of ours against the state of a snapshot or transaction.
pub(crate) fn authenticate_token(identity: Identity<'_>, token: Token) -> Result<Caller, KeystoneError> {
    for audit_id in token.audit_ids() {
        if identity.is_token_revoked(&audit_id)? {
            return Err(KeystoneError::Unauthorized);
        }
    }
    let (user, domain) = enabled_user(identity, &token)?;
    let (scope, target) = match &token.scope {
        TokenScope::Unscoped => (Scope::Unscoped, None),
        TokenScope::System => (Scope::System, Some(Target::System)),
        TokenScope::Domain(id) => {
            let domain = identity.domain(id)?.filter(|domain| good(domain.enabled, domain.valid_from, &token));
            (Scope::Domain(domain.ok_or(KeystoneError::Unauthorized)?), Some(Target::Domain(id.clone())))
        }
        TokenScope::Project(id) => {
            let project = identity.project(id)?.filter(|project| good(project.enabled, project.valid_from, &token));
            let project = project.ok_or(KeystoneError::Unauthorized)?;
            let domain = identity.domain(&project.domain_id)?;
            let domain = domain.filter(|domain| good(domain.enabled, domain.valid_from, &token));
            (Scope::Project(project, domain.ok_or(KeystoneError::Unauthorized)?), Some(Target::Project(id.clone())))
        }
    };
    let roles = match &target {
        Some(target) => identity.effective_roles(&user.id, target)?,
        None => Vec::new(),
    };
    // A scope without a role in it is none: the last assignment was taken away.
    if target.is_some() && roles.is_empty() {
        return Err(KeystoneError::Unauthorized);
    }
    Ok(Caller { user, domain, scope, roles, token })
}

fn enabled_user(identity: Identity<'_>, token: &Token) -> Result<(User, Domain), KeystoneError> {
    let user = identity.user(&token.user)?.filter(|user| good(user.enabled, user.valid_from, token));
    let user = user.ok_or(KeystoneError::Unauthorized)?;
    let domain = identity.domain(&user.domain_id)?.filter(|domain| good(domain.enabled, domain.valid_from, token));
    Ok((user, domain.ok_or(KeystoneError::Unauthorized)?))
}

fn good(enabled: bool, valid_from: i64, token: &Token) -> bool {
    enabled && valid_from <= token.issued_at
}
