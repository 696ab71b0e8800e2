//! Who may do what: the rule of a route, applied to a caller and to what the path names.
//!
//! These are the defaults of Keystone's policies. Besides `admin`, which may everything, there are
//! `reader` with a token for the whole cloud (reads everything) or for a domain (reads what is in it),
//! and `manager` with a token for a domain (changes what is in it). What is in the domain is judged by
//! every principal that the path names. An object that does not exist is in no domain, so that a
//! stranger cannot tell it from one elsewhere.
//!
//! A list or a new object is named by no path: a list shows a caller with a token for a domain
//! only what is in it ([`Call::own_domain`]), and a new object must be in it ([`Call::require_manager`]).

use store::identity::Identity;
use types::DomainId;

use super::{
    Caller, KeystoneError, Scope,
    route::{Access, Call, Visit},
};

/// Whether a route's rule lets the caller in.
pub(super) fn allows(
    access: Access,
    visit: &Visit,
    caller: &Caller,
    identity: Identity<'_>,
) -> Result<bool, KeystoneError> {
    let is_user = || visit.parameter("user_id") == caller.user.id.as_str();
    let is_project =
        || matches!(&caller.scope, Scope::Project(project, _) if visit.parameter("project_id") == project.id.as_str());
    let is_in_domain = || {
        matches!(&caller.scope, Scope::Project(_, domain) | Scope::Domain(domain)
            if visit.parameter("domain_id") == domain.id.as_str())
    };
    let reads_system = || matches!(caller.scope, Scope::System) && caller.has_role("reader");
    let reads = || -> Result<bool, KeystoneError> {
        Ok(reads_system() || (caller.has_role("reader") && is_of_target_domain(visit, caller, identity)?))
    };
    Ok(caller.is_admin()
        || match access {
            Access::Authenticated | Access::Anyone => true,
            Access::Admin => false,
            Access::AdminOrUser => is_user(),
            Access::AdminOrProject => is_project(),
            Access::AdminOrDomain => is_in_domain(),
            Access::SystemReader => reads_system(),
            Access::Reader => reads()?,
            Access::ReaderOrUser => is_user() || reads()?,
            Access::ReaderOrProject => is_project() || reads()?,
            Access::ReaderOrDomain => reads_system() || is_in_domain(),
            Access::Manager => caller.has_role("manager") && is_of_target_domain(visit, caller, identity)?,
        })
}

/// Whether the caller's token is for a domain, and everything that the path names is in it.
fn is_of_target_domain(visit: &Visit, caller: &Caller, identity: Identity<'_>) -> Result<bool, KeystoneError> {
    let Scope::Domain(own) = &caller.scope else { return Ok(false) };
    for (name, id) in visit.parameters() {
        let domain = match *name {
            "domain_id" => id.parse().ok(),
            "project_id" => match id.parse() {
                Ok(id) => identity.project(&id)?.map(|project| project.domain_id),
                Err(_) => None,
            },
            "user_id" => match id.parse() {
                Ok(id) => identity.user(&id)?.map(|user| user.domain_id),
                Err(_) => None,
            },
            "group_id" => match id.parse() {
                Ok(id) => identity.group(&id)?.map(|group| group.domain_id),
                Err(_) => None,
            },
            // A tag, an option, a role: nothing that is in a domain by itself.
            _ => continue,
        };
        if domain.as_ref() != Some(&own.id) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Call<'_> {
    /// The domain of a caller whose token is for a domain: they see no other's objects in lists, whatever
    /// their roles are.
    pub(crate) fn own_domain(&self) -> Result<Option<&DomainId>, KeystoneError> {
        Ok(match &self.caller()?.scope {
            Scope::Domain(domain) => Some(&domain.id),
            Scope::Project(..) | Scope::System | Scope::Unscoped => None,
        })
    }

    /// Refuses a caller who is neither `admin` nor `manager` of the domain in which something is to be made.
    pub(crate) fn require_manager(&self, domain: &DomainId) -> Result<(), KeystoneError> {
        let caller = self.caller()?;
        let manages = caller.has_role("manager") && self.own_domain()? == Some(domain);
        if manages || caller.is_admin() { Ok(()) } else { Err(KeystoneError::Forbidden(self.action())) }
    }
}
