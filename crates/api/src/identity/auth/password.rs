//! The method `password`.

use store::identity::User;

use super::{
    issue::{self, Grant},
    request::{UserRef, Wanted},
    scope::find_user,
};
use crate::{
    clock,
    edge::Reply,
    identity::{KeystoneError, route::Visit, token::Methods},
};

/// A user who gave the right password, as they were when it was checked.
pub(super) async fn check(visit: &Visit, user: UserRef, password: String) -> Result<User, KeystoneError> {
    let found = visit.read(move |call| find_user(call.identity, &user)).await?;
    let hash = found.as_ref().and_then(|user| user.password_hash.clone());
    let good = visit.api.passwords.verify(visit.request.source, password, hash).await?;
    found.filter(|_| good).ok_or(KeystoneError::Unauthorized)
}

/// A token for a user with a password.
pub(super) async fn issue(
    visit: Visit,
    user: UserRef,
    password: String,
    wanted: Wanted,
) -> Result<Reply, KeystoneError> {
    let known = check(&visit, user, password).await?;
    visit
        .read(move |call| {
            // The user as they are now, after the time that the hash took. A password that was
            // changed meanwhile is the wrong one.
            let user = call.identity.user(&known.id)?.filter(|user| user.password_hash == known.password_hash);
            let user = user.ok_or(KeystoneError::Unauthorized)?;
            let issued_at = clock::now();
            let lifetime = i64::try_from(call.api().config.token_lifetime.as_micros()).unwrap_or(i64::MAX);
            let expires_at = issued_at.saturating_add(lifetime);
            issue::created(
                call,
                &user,
                &wanted,
                Grant { methods: Methods::PASSWORD, chain_id: None, issued_at, expires_at },
            )
        })
        .await
}
