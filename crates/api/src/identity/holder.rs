//! Whom a token of ours stands for, in one snapshot.
//!
//! A token names a user and a scope. Everything else is read here, for each request: whether the user,
//! the scope, the trust or the application credential is still there and enabled, since when, and
//! which roles that gives now. Nothing is written, so that a check costs no commit, and what another
//! process changed a moment ago counts.

use std::collections::BTreeSet;

use store::identity::{ApplicationCredential, Domain, Identity, Project, Role, Target, Trust, User};
use types::{ApplicationCredentialId, DomainId, ProjectId, RoleId, TrustId, UserId};

use super::{
    Caller, Delegation, KeystoneError, Scope,
    token::{Token, TokenScope},
};
use crate::clock;

/// More trusts than may ever follow one another.
const LONGEST_CHAIN: usize = 16;

/// Checks a token against the state of a snapshot or transaction.
pub(crate) fn authenticate_token(identity: Identity<'_>, token: Token) -> Result<Caller, KeystoneError> {
    if identity.is_token_revoked(&token.audit_text())? {
        return Err(KeystoneError::Unauthorized);
    }
    let state = State { identity, token: &token };
    let (mut user, mut domain) = state.user(&token.user)?;
    let mut delegation = None;
    let (scope, roles) = match &token.scope {
        TokenScope::Unscoped => (Scope::Unscoped, Vec::new()),
        TokenScope::System => (Scope::System, state.roles(&Target::System)?),
        TokenScope::Domain(id) => (Scope::Domain(state.domain(id)?), state.roles(&Target::Domain(id.clone()))?),
        TokenScope::Project(id) => {
            let (project, domain) = state.project(id)?;
            (Scope::Project(project, domain), state.roles(&Target::Project(id.clone()))?)
        }
        TokenScope::Trust(id) => {
            let trust = state.trust(id)?;
            let trustor = state.user(&trust.trustor_user_id)?;
            let scope = match &trust.project_id {
                Some(id) => {
                    let (project, domain) = state.project(id)?;
                    Scope::Project(project, domain)
                }
                None => Scope::Unscoped,
            };
            let roles = trusted_roles(identity, &trust)?.ok_or(KeystoneError::Unauthorized)?;
            if trust.impersonation {
                (user, domain) = trustor;
            }
            delegation = Some(Delegation::Trust(trust));
            (scope, roles)
        }
        TokenScope::ApplicationCredential(id) => {
            let credential = state.application_credential(id)?;
            let (project, domain) = state.project(&credential.project_id)?;
            let mut roles = state.roles(&Target::Project(project.id.clone()))?;
            roles.retain(|role| credential.roles.contains(&role.id));
            delegation = Some(Delegation::ApplicationCredential(credential));
            (Scope::Project(project, domain), roles)
        }
    };
    // A scope without a role in it is none: the last assignment was taken away.
    if roles.is_empty() && !matches!(scope, Scope::Unscoped) {
        return Err(KeystoneError::Unauthorized);
    }
    Ok(Caller { user, domain, scope, roles, token, delegation })
}

/// The roles that a trust gives, all that they imply with them; none when its trustor has lost one.
/// A trust that was made by a trust gives roles of the first one's trustor.
pub(super) fn trusted_roles(identity: Identity<'_>, trust: &Trust) -> Result<Option<Vec<Role>>, KeystoneError> {
    let Some(project) = &trust.project_id else { return Ok(Some(Vec::new())) };
    let origin = match chain(identity, trust)?.pop() {
        Some(first) => first.trustor_user_id,
        None => trust.trustor_user_id.clone(),
    };
    let mut held = identity.effective_roles(&origin, &Target::Project(project.clone()))?;
    if !trust.roles.iter().all(|wanted| held.iter().any(|role| role.id == *wanted)) {
        return Ok(None);
    }
    let given = with_implied(identity, &trust.roles)?;
    held.retain(|role| given.contains(&role.id));
    Ok(Some(held))
}

/// Roles and all that they imply.
pub(super) fn with_implied(identity: Identity<'_>, roles: &[RoleId]) -> Result<BTreeSet<RoleId>, KeystoneError> {
    let implied = identity.implied_roles()?;
    let mut found: BTreeSet<RoleId> = roles.iter().cloned().collect();
    let mut open: Vec<RoleId> = roles.to_vec();
    while let Some(role) = open.pop() {
        let next = implied.iter().filter(|(prior, _)| *prior == role).map(|(_, implied)| implied);
        open.extend(next.filter(|role| found.insert((*role).clone())).cloned().collect::<Vec<_>>());
    }
    Ok(found)
}

/// The trusts by which a trust was made, the first one of all last.
pub(super) fn chain(identity: Identity<'_>, trust: &Trust) -> Result<Vec<Trust>, KeystoneError> {
    let mut chain = Vec::new();
    let mut next = trust.redelegated_trust_id.clone();
    while let Some(id) = next {
        let parent = identity.trust(&id)?.filter(|_| chain.len() < LONGEST_CHAIN);
        let parent = parent.ok_or(KeystoneError::Unauthorized)?;
        next = parent.redelegated_trust_id.clone();
        chain.push(parent);
    }
    Ok(chain)
}

/// The state that a token is checked against.
struct State<'a> {
    identity: Identity<'a>,
    token: &'a Token,
}

impl State<'_> {
    fn good(&self, enabled: bool, valid_from: i64) -> bool {
        enabled && valid_from <= self.token.issued_at
    }

    fn roles(&self, target: &Target) -> Result<Vec<Role>, KeystoneError> {
        Ok(self.identity.effective_roles(&self.token.user, target)?)
    }

    fn domain(&self, id: &DomainId) -> Result<Domain, KeystoneError> {
        let domain = self.identity.domain(id)?.filter(|domain| self.good(domain.enabled, domain.valid_from));
        domain.ok_or(KeystoneError::Unauthorized)
    }

    fn user(&self, id: &UserId) -> Result<(User, Domain), KeystoneError> {
        let user = self.identity.user(id)?.filter(|user| self.good(user.enabled, user.valid_from));
        let user = user.ok_or(KeystoneError::Unauthorized)?;
        let domain = self.domain(&user.domain_id)?;
        Ok((user, domain))
    }

    fn project(&self, id: &ProjectId) -> Result<(Project, Domain), KeystoneError> {
        let project = self.identity.project(id)?.filter(|project| self.good(project.enabled, project.valid_from));
        let project = project.ok_or(KeystoneError::Unauthorized)?;
        let domain = self.domain(&project.domain_id)?;
        Ok((project, domain))
    }

    fn application_credential(&self, id: &ApplicationCredentialId) -> Result<ApplicationCredential, KeystoneError> {
        let now = clock::now();
        let found = self.identity.application_credential(id)?;
        let found = found.filter(|found| found.user_id == self.token.user);
        found.filter(|found| found.expires_at.is_none_or(|end| now < end)).ok_or(KeystoneError::Unauthorized)
    }

    /// The trust of the token's user. Those by which it was made must be good too, and who made it
    /// by them enabled. That its uses are used up does not matter here: the token is one of them.
    fn trust(&self, id: &TrustId) -> Result<Trust, KeystoneError> {
        let now = clock::now();
        let is_over = |trust: &Trust| trust.expires_at.is_some_and(|end| end < now);
        let trust = self.identity.trust(id)?.filter(|trust| trust.trustee_user_id == self.token.user);
        let trust = trust.filter(|trust| !is_over(trust)).ok_or(KeystoneError::Unauthorized)?;
        for parent in chain(self.identity, &trust)? {
            if is_over(&parent) {
                return Err(KeystoneError::Unauthorized);
            }
            self.user(&parent.trustee_user_id)?;
            self.user(&parent.trustor_user_id)?;
        }
        Ok(trust)
    }
}
