//! Who may do what: the rule of a route, applied to a caller and to what the path names.
//!
//! A route states its rule as an [`Access`], and an `Access` is a list of ways in, beside the role
//! `admin`, which is one everywhere. These are the defaults of Keystone's policies: `reader` with a
//! token for the whole cloud reads everything; `reader` with a token for a domain reads what is in it,
//! `manager` changes what is in it and gives roles up to its own. What is in a domain is judged by
//! every principal that the path names. An object that does not exist is in no domain, so that a
//! stranger cannot tell it from one elsewhere; the ways that need no look at objects are tried first.
//!
//! A token for a domain counts only where the rule speaks of domains: elsewhere not even `admin` with
//! such a token is let in, as where Keystone enforces the scope of tokens.
//!
//! A list or a new object is named by no path: a list shows a caller with a token for a domain
//! only what is in it ([`Call::own_domain`]), and a new object must be in it ([`Call::require_manager`]).

use store::identity::{Identity, LimitOwner, Role};
use types::DomainId;

use super::{
    Caller, KeystoneError, Scope,
    route::{Call, Visit},
};

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a token.
    Anyone,
    /// Whoever has a token.
    Authenticated,
    /// The role `admin`.
    Admin,
    /// The role `admin`, or the user that the path names.
    AdminOrUser,
    /// The role `admin`, or a token for the project that the path names.
    AdminOrProject,
    /// The role `admin`, or a token for the domain that the path names or for a project in it.
    AdminOrDomain,
    /// The role `admin`, or `reader` in the whole cloud.
    SystemReader,
    /// As [`Self::SystemReader`], or the user that the path names.
    SystemReaderOrUser,
    /// The role `admin`, or `reader` in the whole cloud or in the domain of what the path names.
    Reader,
    /// As [`Self::Reader`], or the user that the path names.
    ReaderOrUser,
    /// As [`Self::Reader`], or a token for the project that the path names.
    ReaderOrProject,
    /// The role `admin`, `reader` in the whole cloud, or a token for the domain that the path names or for
    /// a project in it.
    ReaderOrDomain,
    /// The role `admin`, or `manager` in the domain of what the path names; a role that the path names
    /// must be one that managers may give.
    Manager,
    /// The role `admin`, `reader` in the whole cloud, or `manager` in a domain.
    SystemReaderOrManager,
    /// The role `admin`, `reader` in the whole cloud, or `manager` anywhere when the path names a role that
    /// managers may give.
    RoleReader,
    /// The role `admin`, `reader` in the whole cloud, or a token for the project of the limit that the path
    /// names, or for its domain.
    LimitReader,
}

/// One way to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The user that the path names.
    User,
    /// A token for the project that the path names.
    Project,
    /// A token for the domain that the path names, or for a project in it.
    Domain,
    /// `reader` in the whole cloud.
    SystemReader,
    /// `reader` in the domain of everything that the path names.
    DomainReader,
    /// `manager` in the domain of everything that the path names.
    DomainManager,
    /// `manager` anywhere, for a role that managers may give.
    RoleManager,
    /// A token for the project or the domain of a limit.
    LimitHolder,
}

/// The roles that a domain's manager may give: none that is more than `manager`.
const GIVEN_BY_MANAGERS: [&str; 3] = ["manager", "member", "reader"];

impl Access {
    /// The ways in beside `admin`, those first that need no look at objects.
    fn ways(self) -> &'static [Way] {
        match self {
            Self::Anyone | Self::Authenticated | Self::Admin => &[],
            Self::AdminOrUser => &[Way::User],
            Self::AdminOrProject => &[Way::Project],
            Self::AdminOrDomain => &[Way::Domain],
            Self::SystemReader => &[Way::SystemReader],
            Self::SystemReaderOrUser => &[Way::User, Way::SystemReader],
            Self::Reader => &[Way::SystemReader, Way::DomainReader],
            Self::ReaderOrUser => &[Way::User, Way::SystemReader, Way::DomainReader],
            Self::ReaderOrProject => &[Way::Project, Way::SystemReader, Way::DomainReader],
            Self::ReaderOrDomain => &[Way::Domain, Way::SystemReader],
            Self::Manager => &[Way::DomainManager],
            Self::SystemReaderOrManager => &[Way::SystemReader, Way::DomainManager],
            Self::RoleReader => &[Way::SystemReader, Way::RoleManager],
            Self::LimitReader => &[Way::SystemReader, Way::LimitHolder],
        }
    }

    /// Whether a token for a domain counts.
    fn is_about_domains(self) -> bool {
        let speaks_of_them = |way: &Way| {
            matches!(way, Way::Domain | Way::DomainReader | Way::DomainManager | Way::RoleManager | Way::LimitHolder)
        };
        matches!(self, Self::Anyone | Self::Authenticated) || self.ways().iter().any(speaks_of_them)
    }
}

/// Whether a route's rule lets the caller in.
pub(super) fn allows(
    access: Access,
    visit: &Visit,
    caller: &Caller,
    identity: Identity<'_>,
) -> Result<bool, KeystoneError> {
    if matches!(caller.scope, Scope::Domain(_)) && !access.is_about_domains() {
        return Ok(false);
    }
    if caller.is_admin() || matches!(access, Access::Anyone | Access::Authenticated) {
        return Ok(true);
    }
    for way in access.ways() {
        if way.is_open(visit, caller, identity)? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Way {
    fn is_open(self, visit: &Visit, caller: &Caller, identity: Identity<'_>) -> Result<bool, KeystoneError> {
        Ok(match (self, &caller.scope) {
            (Self::User, _) => visit.parameter("user_id") == caller.user.id.as_str(),
            (Self::Project, Scope::Project(project, _)) => visit.parameter("project_id") == project.id.as_str(),
            (Self::Domain, Scope::Project(_, domain) | Scope::Domain(domain)) => {
                visit.parameter("domain_id") == domain.id.as_str()
            }
            (Self::SystemReader, Scope::System) => caller.has_role("reader"),
            (Self::DomainReader, Scope::Domain(domain)) => {
                caller.has_role("reader")
                    && is_all_in(visit, &domain.id, identity)?
                    && role_named(visit, identity)?.is_none_or(|role| {
                        role.is_ok_and(|role| role.domain_id.is_none_or(|of_role| of_role == domain.id))
                    })
            }
            (Self::DomainManager, Scope::Domain(domain)) => {
                // Beyond Keystone, a role of another domain is none to give: it may imply anything there.
                caller.has_role("manager")
                    && is_all_in(visit, &domain.id, identity)?
                    && role_named(visit, identity)?.is_none_or(|role| {
                        role.is_ok_and(|role| {
                            role.domain_id.is_none_or(|of_role| of_role == domain.id)
                                && GIVEN_BY_MANAGERS.contains(&role.name.as_str())
                        })
                    })
            }
            (Self::RoleManager, _) => {
                caller.has_role("manager")
                    && role_named(visit, identity)?.is_some_and(|role| {
                        role.is_ok_and(|role| {
                            role.domain_id.is_none() && GIVEN_BY_MANAGERS.contains(&role.name.as_str())
                        })
                    })
            }
            (Self::LimitHolder, Scope::Project(..) | Scope::Domain(_)) => holds_limit(visit, caller, identity)?,
            _ => false,
        })
    }
}

/// The role that the path names: none when it names none, an error when there is no such role.
fn role_named(visit: &Visit, identity: Identity<'_>) -> Result<Option<Result<Role, ()>>, KeystoneError> {
    let Some((_, id)) = visit.parameters().iter().find(|(name, _)| *name == "role_id") else { return Ok(None) };
    let found = match id.parse() {
        Ok(id) => identity.role(&id)?,
        Err(_) => None,
    };
    Ok(Some(found.ok_or(())))
}

/// Whether every principal that the path names is in a domain.
fn is_all_in(visit: &Visit, own: &DomainId, identity: Identity<'_>) -> Result<bool, KeystoneError> {
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
        if domain.as_ref() != Some(own) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the limit that the path names is of the caller's project or domain, or of a project in it.
fn holds_limit(visit: &Visit, caller: &Caller, identity: Identity<'_>) -> Result<bool, KeystoneError> {
    let Ok(id) = visit.parameter("limit_id").parse() else { return Ok(false) };
    let Some(limit) = identity.limit(&id)? else { return Ok(false) };
    Ok(match (&caller.scope, &limit.owner) {
        (Scope::Project(own, _), LimitOwner::Project(project)) => own.id == *project,
        (Scope::Domain(own), LimitOwner::Domain(domain)) => own.id == *domain,
        (Scope::Domain(own), LimitOwner::Project(project)) => {
            identity.project(project)?.is_some_and(|project| project.domain_id == own.id)
        }
        _ => false,
    })
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

    /// Refuses a caller whom a stricter rule than the route's lets not in: the query asks for more than
    /// the route does by itself.
    pub(crate) fn require(&self, access: Access, action: &'static str) -> Result<(), KeystoneError> {
        if allows(access, self.visit(), self.caller()?, self.identity)? {
            Ok(())
        } else {
            Err(KeystoneError::Forbidden(action))
        }
    }
}
