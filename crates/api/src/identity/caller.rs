//! Who calls: a token turned into a user, a scope and roles, as they are in one snapshot.

use std::sync::Arc;

use store::identity::{ApplicationCredential, Domain, Identity, Project, Role, Trust, User};

use super::{KeystoneError, access_rule::Asked, authenticate_token, external::Asker, token::Token};
use crate::{Api, clock, edge::Request};

/// Carries the caller's token.
const TOKEN_HEADER: &str = "x-auth-token";
/// Carries the token of the service that asks for the caller.
const SERVICE_TOKEN_HEADER: &str = "x-service-token";

/// Where the caller's roles apply.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "one per request, most often of the large kind")]
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
    /// By whose leave, when not in the user's own right.
    pub(crate) delegation: Option<Delegation>,
}

/// By what a token acts for somebody.
#[derive(Debug, Clone)]
pub(crate) enum Delegation {
    /// By a trust: the caller is its trustee, and with impersonation appears as its trustor.
    Trust(Trust),
    /// By an application credential of the user.
    ApplicationCredential(ApplicationCredential),
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

    /// The trust by which the caller acts.
    pub(crate) fn trust(&self) -> Option<&Trust> {
        match &self.delegation {
            Some(Delegation::Trust(trust)) => Some(trust),
            _ => None,
        }
    }

    /// The application credential by which the caller acts.
    pub(crate) fn application_credential(&self) -> Option<&ApplicationCredential> {
        match &self.delegation {
            Some(Delegation::ApplicationCredential(credential)) => Some(credential),
            _ => None,
        }
    }
}

/// What a request presents, as far as it can be judged without the store.
#[derive(Debug, Clone)]
pub(crate) enum Presented {
    /// A token that we made, not yet expired.
    Own(Box<OwnToken>),
    /// A token that another Keystone made and calls good.
    External(Arc<Caller>),
}

/// A token that we made, with what else of the request its application credential may ask for.
#[derive(Debug, Clone)]
pub(crate) struct OwnToken {
    token: Token,
    /// The token of a service that asks for the caller.
    service: Option<Token>,
    /// What is asked for.
    asked: Asked,
}

/// The token that a request carries, if it is good as far as can be told. Needs no store, so that
/// made-up tokens cost a decryption and nothing else.
pub(crate) async fn presented(api: &Api, request: &Request) -> Result<Presented, KeystoneError> {
    let text = request.header(TOKEN_HEADER).ok_or(KeystoneError::Unauthorized)?;
    if let Some(external) = &api.external {
        let service = request.header(SERVICE_TOKEN_HEADER);
        let asker = Asker { failures: &api.failures, source: request.source };
        return external.caller(text, service, &Asked::of(request), asker).await.map(Presented::External);
    }
    let token = Token::open(text, &api.keys).ok_or_else(|| api.failures.made_up(request.source))?;
    let now = clock::now();
    if token.expires_at <= now {
        return Err(KeystoneError::Unauthorized);
    }
    let service = request.header(SERVICE_TOKEN_HEADER).and_then(|text| Token::open(text, &api.keys));
    let service = service.filter(|token| token.expires_at > now);
    Ok(Presented::Own(Box::new(OwnToken { token, service, asked: Asked::of(request) })))
}

/// Who presents it, checked against the state of a snapshot or transaction.
pub(crate) fn authenticate(identity: Identity<'_>, presented: Presented) -> Result<Caller, KeystoneError> {
    match presented {
        Presented::Own(own) => {
            let OwnToken { token, service, asked } = *own;
            let caller = authenticate_token(identity, token)?;
            let rules = caller.application_credential().map_or(&[][..], |credential| &credential.access_rules);
            if rules.is_empty() || asked.is_allowed(rules) || is_service(identity, service)? {
                Ok(caller)
            } else {
                Err(KeystoneError::Unauthorized)
            }
        }
        // Nothing of theirs is in the store.
        Presented::External(caller) => Ok(Arc::unwrap_or_clone(caller)),
    }
}

/// Whether a token is a service's. What a service asks for on the way to an answer is not in the
/// access rules, which name what the user's program asks for.
fn is_service(identity: Identity<'_>, token: Option<Token>) -> Result<bool, KeystoneError> {
    let Some(token) = token else { return Ok(false) };
    match authenticate_token(identity, token) {
        Ok(service) => Ok(service.has_role("service") && service.application_credential().is_none()),
        Err(KeystoneError::Unauthorized) => Ok(false),
        Err(other) => Err(other),
    }
}
