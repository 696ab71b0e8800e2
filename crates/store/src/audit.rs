//! The audit trail: who did what, as rows.
//!
//! An event of a write is inserted by the transaction that it tells of ([`Tx::insert_audit`]): there
//! is no effect without its event and no event without its effect, whatever fails afterwards. What
//! has no effect (a refusal, a login) is inserted on its own, later, by whoever collects those.
//!
//! Operations say what they did to which object with [`Tx::note`]; who asked for it is known only to
//! the caller of the transaction, which takes the notes and makes events of them. So `intent` knows
//! no requests, and the trail knows no resources.
//!
//! An index entry costs a write about as much as a small row does, so there is one per question that
//! is asked of a long trail, and every other filter is applied to what these find.
//!
//! Deliberately absent: a way to change an event.

mod principal;
mod query;
mod retention;
#[cfg(test)]
mod tests;

use rusqlite::params;

use crate::{StoreError, Tx};

pub use principal::{PRINCIPALS, Principal};
pub use query::AuditQuery;
pub use retention::AuditExcess;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked.
    Success,
    /// It could not be done as asked.
    Failure,
    /// The caller may not, or may not so often, or is not who they say.
    Refused,
}

impl Outcome {
    /// Its name in rows and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Refused => "refused",
        }
    }

    /// The outcome of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Success, Self::Failure, Self::Refused].into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// An event. Texts are as they are stored; who makes one bounds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the trail; 0 before it is inserted.
    pub sequence: u64,
    /// When, in microseconds since 1970.
    pub time: i64,
    /// The request's id.
    pub request_id: String,
    /// The id that the client gave to a chain of requests.
    pub global_request_id: Option<String>,
    /// The region, where the service has one.
    pub region: Option<String>,
    /// The service: `network`, `identity`.
    pub service: String,
    /// What was asked for: `network:create_port`.
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The answer's status; `None` when the event was written with its effect, before the answer.
    pub status: Option<u16>,
    /// The user.
    pub user_id: Option<String>,
    /// The user's name.
    pub user_name: Option<String>,
    /// The user's domain.
    pub user_domain_id: Option<String>,
    /// The project that the user acted in.
    pub project_id: Option<String>,
    /// The application credential that the token stems from.
    pub application_credential_id: Option<String>,
    /// The trust that the token stems from.
    pub trust_id: Option<String>,
    /// The address that the request came from.
    pub source: Option<String>,
    /// What kind of object it was about.
    pub target_type: Option<String>,
    /// Which.
    pub target_id: Option<String>,
    /// The changed attributes as they were: a JSON object.
    pub before: Option<String>,
    /// The changed attributes as they are.
    pub after: Option<String>,
    /// Why not, where it was not done.
    pub reason: Option<String>,
}

/// What an operation did to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What: `create_port`, without the service.
    pub action: String,
    /// What kind of object.
    pub target_type: &'static str,
    /// Which.
    pub target_id: String,
    /// The changed attributes as they were: a JSON object without secrets.
    pub before: Option<String>,
    /// The changed attributes as they are.
    pub after: Option<String>,
}

impl Tx<'_> {
    /// Remembers what was done, for the event that the caller of the transaction will write.
    pub fn note(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// What was noted so far, in order; forgets it.
    #[must_use]
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Whether anything was noted so far.
    #[must_use]
    pub fn is_noted(&self) -> bool {
        !self.notes.is_empty()
    }

    /// How many rows were written on this connection so far. Two equal numbers mean that nothing
    /// happened between them.
    #[must_use]
    pub fn rows_written(&self) -> u64 {
        self.connection().total_changes()
    }

    /// Adds an event to the trail and tells its place.
    pub fn insert_audit(&mut self, event: &mut Event) -> Result<(), StoreError> {
        self.connection().prepare_cached(INSERT)?.execute(params![
            event.time,
            event.request_id,
            event.global_request_id,
            event.region,
            event.service,
            event.action,
            event.outcome.as_str(),
            event.status,
            event.user_id,
            event.user_name,
            event.user_domain_id,
            event.project_id,
            event.application_credential_id,
            event.trust_id,
            event.source,
            event.target_type,
            event.target_id,
            event.before,
            event.after,
            event.reason,
        ])?;
        event.sequence = self.connection().last_insert_rowid().unsigned_abs();
        Ok(())
    }
}

const INSERT: &str = "INSERT INTO audit (time, request_id, global_request_id, region, service, action, outcome, status, \
    user_id, user_name, user_domain_id, project_id, application_credential_id, trust_id, source, target_type, target_id, \
    before, after, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
