//! Rows of the identity service: domains, projects, users, groups, roles, assignments, the catalogue.
//!
//! Reads and writes are methods of [`Identity`], borrowed from a snapshot or from a transaction, so
//! that a request sees its user, roles and revocations in the same state as the objects it asks for.
//! Nothing here decides who may do what; it only keeps rows and their references whole.
//!
//! What a request must refuse at once when it changes (a disabled user, a new password, a disabled
//! project) is a column `valid_from`: tokens issued before it are void. Single tokens are revoked
//! by their audit id, and such a row lives only as long as the token would have.

mod application_credential;
mod assignment;
mod catalog;
mod column;
mod configuration;
mod credential;
mod domain;
mod endpoint_filter;
mod filter;
mod group;
mod limit;
mod owned;
mod password;
mod policy;
mod project;
mod region;
mod role;
mod sealed;
mod token;
mod trust;
mod user;

use rusqlite::Connection;

use crate::Read;

pub use application_credential::{AccessRule, ApplicationCredential};
pub use assignment::{Actor, Assignment, AssignmentFilter, Named, ProjectPlace, Target};
pub use catalog::{Endpoint, Service};
pub use configuration::DomainOption;
pub use credential::{Consumer, Credential};
pub use domain::Domain;
pub use endpoint_filter::EndpointGroup;
pub use filter::PrincipalFilter;
pub use group::Group;
pub use limit::{Limit, LimitOwner, RegisteredLimit};
pub use owned::Owned;
pub use password::FailedLogins;
pub use policy::Policy;
pub use project::Project;
pub use region::Region;
pub use role::Role;
pub use sealed::{Sealed, SealedPlace, SealedTable};
pub use trust::{Trust, TrustFilter};
pub use user::User;

/// The identity rows as one snapshot or transaction sees them.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    connection: &'a Connection,
}

impl<'c> Read<'c> {
    /// The identity rows of this snapshot or transaction.
    ///
    /// The writing methods of [`Identity`] are for transactions; a snapshot's connection refuses to
    /// write.
    #[must_use]
    pub fn identity(&self) -> Identity<'c> {
        Identity { connection: self.connection() }
    }
}

impl<'a> Identity<'a> {
    /// The connection, for other modules of this crate whose rows belong to the same moment.
    pub(crate) fn connection(&self) -> &'a Connection {
        self.connection
    }
}
