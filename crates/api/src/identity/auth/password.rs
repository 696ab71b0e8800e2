//! The method `password`.

use store::identity::{Identity, User};

use super::{issue::Grant, request::UserRef, scope::find_user};
use crate::{
    clock,
    identity::{KeystoneError, lockout, route::Visit, token::Methods, user},
};

/// A user who gave the right password, as they were when it was checked.
pub(super) async fn check(visit: &Visit, user: UserRef, password: Option<String>) -> Result<User, KeystoneError> {
    let user = prove(visit, user, password).await?;
    // Only who knew it hears that it is too old.
    match user::expires_at(&user).filter(|expiry| *expiry <= clock::now()) {
        Some(_) => Err(KeystoneError::PasswordExpired(user.id)),
        None => Ok(user),
    }
}

/// The user of an id, who gave the right password: to change it, for which it may be expired.
pub(in crate::identity) async fn check_to_change(
    visit: &Visit,
    id: String,
    password: String,
) -> Result<User, KeystoneError> {
    prove(visit, UserRef::Id(id), Some(password)).await
}

async fn prove(visit: &Visit, user: UserRef, password: Option<String>) -> Result<User, KeystoneError> {
    let found = visit.read(move |call| find_user(call.identity, &user)).await?;
    if let Some(user) = &found {
        visit.request.witness.claims(user);
    }
    let hash = found.as_ref().filter(|_| password.is_some()).and_then(|user| user.password_hash.clone());
    let good = visit.api.passwords.verify(visit.request.source, password.unwrap_or_default(), hash).await?;
    lockout::settle(visit, found, good).await
}

/// What the password proves of the user as they are now, after the time that the hash took. A
/// password that was changed meanwhile is the wrong one.
pub(super) fn grant(identity: Identity<'_>, known: &User) -> Result<Grant, KeystoneError> {
    let user = identity.user(&known.id)?.filter(|user| user.password_hash == known.password_hash);
    Ok(Grant::to(user.ok_or(KeystoneError::Unauthorized)?, Methods::PASSWORD))
}
