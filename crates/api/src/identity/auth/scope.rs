//! What a request for a token names, found in the store: domains, users, and the scope.

use store::identity::{Identity, Project, Target, User};
use types::DomainId;

use super::request::{DomainRef, UserRef, Wanted};
use crate::{
    clock,
    identity::{KeystoneError, token::TokenScope, trusted_roles},
};

fn find_domain(identity: Identity<'_>, domain: &DomainRef) -> Result<Option<DomainId>, KeystoneError> {
    Ok(match domain {
        DomainRef::Id(id) => id.parse().ok(),
        DomainRef::Name(name) => identity.domain_named(name)?.map(|domain| domain.id),
    })
}

pub(super) fn find_user(identity: Identity<'_>, user: &UserRef) -> Result<Option<User>, KeystoneError> {
    match user {
        UserRef::Id(id) => match id.parse() {
            Ok(id) => Ok(identity.user(&id)?),
            Err(_) => Ok(None),
        },
        UserRef::Name(name, domain) => match find_domain(identity, domain)? {
            Some(domain) => Ok(identity.user_named(&domain, name)?),
            None => Ok(None),
        },
    }
}

pub(super) fn find_scope(identity: Identity<'_>, user: &User, wanted: &Wanted) -> Result<TokenScope, KeystoneError> {
    let project = |found: Option<Project>| match found {
        Some(project) => Ok(TokenScope::Project(project.id)),
        None => Err(KeystoneError::Unauthorized),
    };
    match wanted {
        Wanted::Unscoped => Ok(TokenScope::Unscoped),
        Wanted::System => Ok(TokenScope::System),
        Wanted::Domain(domain) => {
            find_domain(identity, domain)?.map(TokenScope::Domain).ok_or(KeystoneError::Unauthorized)
        }
        Wanted::ProjectId(id) => id.parse().map(TokenScope::Project).map_err(|_| KeystoneError::Unauthorized),
        Wanted::ProjectName(name, domain) => match find_domain(identity, domain)? {
            Some(domain) => project(identity.project_named(&domain, name)?),
            None => Err(KeystoneError::Unauthorized),
        },
        Wanted::Trust(id) => find_trust(identity, user, id),
        // The user's own project where there is one that is of use, else none.
        Wanted::Default => {
            let Some(id) = &user.default_project_id else { return Ok(TokenScope::Unscoped) };
            let project = identity.project(id)?.filter(|project| project.enabled);
            let usable = match project {
                Some(project) => identity.domain(&project.domain_id)?.is_some_and(|domain| domain.enabled),
                None => false,
            };
            let usable = usable && !identity.effective_roles(&user.id, &Target::Project(id.clone()))?.is_empty();
            Ok(if usable { TokenScope::Project(id.clone()) } else { TokenScope::Unscoped })
        }
    }
}

/// A trust is not known to others than its trustee; what its trustor lost is its trustee's to know.
fn find_trust(identity: Identity<'_>, user: &User, id: &str) -> Result<TokenScope, KeystoneError> {
    let found = match id.parse() {
        Ok(id) => identity.trust(&id)?.filter(|trust| trust.is_usable(clock::now())),
        Err(_) => None,
    };
    let trust = found.ok_or(KeystoneError::Unauthorized)?;
    let trustor = identity.user(&trust.trustor_user_id)?;
    let may = trust.trustee_user_id == user.id
        && trustor.is_some_and(|trustor| trustor.enabled)
        && trusted_roles(identity, &trust)?.is_some();
    if may { Ok(TokenScope::Trust(trust.id)) } else { Err(KeystoneError::Denied) }
}
