//! How much of what users make for themselves they may have, so that none of them fills the disk or makes
//! the checks of all slow. Keystone has settings for some of these, without a limit by default; these are
//! beyond what anybody uses.

use store::identity::Owned;
use types::UserId;

use super::{KeystoneError, route::Call};

/// The most that a user may have, and what it is called.
fn ceiling(owned: Owned) -> (usize, &'static str) {
    match owned {
        Owned::Credentials => (500, "credentials"),
        Owned::ApplicationCredentials => (500, "application credentials"),
        Owned::AccessRules => (5000, "access rules"),
        Owned::Trusts => (500, "trusts"),
    }
}

/// Refuses a user who would have too many when as many new ones are made. Keystone's words.
pub(super) fn refuse_more(call: &Call<'_>, owned: Owned, user: &UserId, new: usize) -> Result<(), KeystoneError> {
    let (most, name) = ceiling(owned);
    if call.identity.count_owned(owned, user)?.saturating_add(new) <= most {
        return Ok(());
    }
    Err(KeystoneError::Refused(format!(
        "Unable to create additional {name}, maximum of {most} already exceeded for user."
    )))
}
