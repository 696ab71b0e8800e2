//! What is known of who asks, gathered while a request is worked on.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use store::{audit::Event, identity::User};

use super::bound::{NAME, shortened};
use crate::identity::Caller;

/// Who asks.
#[derive(Debug, Clone, Default)]
struct Initiator {
    user_id: String,
    user_name: String,
    user_domain_id: String,
    project_id: Option<String>,
    application_credential_id: Option<String>,
    trust_id: Option<String>,
}

/// Goes with a request, for the events that it causes. It learns who asks when that is found out, so
/// that a refusal later on can say whom it refused.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    /// Whose token was good.
    initiator: OnceLock<Initiator>,
    /// Whom a login names.
    claimed: OnceLock<Initiator>,
    is_recorded: AtomicBool,
}

impl Witness {
    /// The caller's token was good.
    pub(crate) fn caller(&self, caller: &Caller) {
        // A request of several steps checks its caller in each; the first one says enough.
        self.initiator.get_or_init(|| Initiator {
            user_id: caller.user.id.to_string(),
            user_name: shortened(&caller.user.name, NAME),
            user_domain_id: caller.domain.id.to_string(),
            project_id: caller.project().map(|project| project.id.to_string()),
            application_credential_id: caller.application_credential().map(|credential| credential.id.to_string()),
            trust_id: caller.trust().map(|trust| trust.id.to_string()),
        });
    }

    /// Somebody says that they are this user, and has not proved it yet.
    pub(crate) fn claims(&self, user: &User) {
        self.claimed.get_or_init(|| Initiator {
            user_id: user.id.to_string(),
            user_name: shortened(&user.name, NAME),
            user_domain_id: user.domain_id.to_string(),
            ..Initiator::default()
        });
    }

    /// The request's effect is on disk, and its events with it.
    pub(super) fn recorded(&self) {
        self.is_recorded.store(true, Ordering::Release);
    }

    /// Whether the request had an effect that the trail has.
    pub(super) fn is_recorded(&self) -> bool {
        self.is_recorded.load(Ordering::Acquire)
    }

    /// Writes down who asks.
    pub(super) fn sign(&self, event: &mut Event) {
        let Some(initiator) = self.initiator.get().or(self.claimed.get()) else { return };
        event.user_id = Some(initiator.user_id.clone());
        event.user_name = Some(initiator.user_name.clone());
        event.user_domain_id = Some(initiator.user_domain_id.clone());
        event.project_id.clone_from(&initiator.project_id);
        event.application_credential_id.clone_from(&initiator.application_credential_id);
        event.trust_id.clone_from(&initiator.trust_id);
    }
}
