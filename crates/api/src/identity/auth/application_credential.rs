//! The method `application_credential`.

use store::identity::{ApplicationCredential, Identity};

use super::{
    issue::Grant,
    request::{CredentialRef, UserRef},
    scope::find_user,
};
use crate::{
    clock,
    identity::{KeystoneError, route::Visit, token::Methods},
};

fn find(identity: Identity<'_>, wanted: &CredentialRef) -> Result<Option<ApplicationCredential>, KeystoneError> {
    match wanted {
        // As in Keystone: an id that is none is said to be none. It is random, so nothing is told.
        CredentialRef::Id(id) => {
            let found = match id.parse() {
                Ok(id) => identity.application_credential(&id)?,
                Err(_) => None,
            };
            let missing = || KeystoneError::NotFound { kind: "Application Credential", id: id.clone() };
            found.map(Some).ok_or_else(missing)
        }
        CredentialRef::Name(name, user) => named(identity, name, user),
    }
}

fn named(identity: Identity<'_>, name: &str, user: &UserRef) -> Result<Option<ApplicationCredential>, KeystoneError> {
    match find_user(identity, user)? {
        Some(user) => Ok(identity.application_credential_named(&user.id, name)?),
        None => Ok(None),
    }
}

/// An application credential whose secret was given, as it was when that was checked. A name that is
/// unknown takes as long as a wrong secret.
pub(super) async fn check(
    visit: &Visit,
    wanted: CredentialRef,
    secret: Option<String>,
) -> Result<ApplicationCredential, KeystoneError> {
    let found = visit.read(move |call| find(call.identity, &wanted)).await?;
    let hash = found.as_ref().filter(|_| secret.is_some()).map(|found| found.secret_hash.clone());
    let good = visit.api.passwords.verify(visit.request.source, secret.unwrap_or_default(), hash).await?;
    found.filter(|_| good).ok_or(KeystoneError::Unauthorized)
}

/// What the secret proves, if the credential is still there and not over.
pub(super) fn grant(identity: Identity<'_>, known: &ApplicationCredential) -> Result<Grant, KeystoneError> {
    let now = clock::now();
    let found = identity.application_credential(&known.id)?;
    let found = found.filter(|found| found.expires_at.is_none_or(|end| now < end));
    let credential = found.ok_or(KeystoneError::Unauthorized)?;
    let user = identity.user(&credential.user_id)?.ok_or(KeystoneError::Unauthorized)?;
    let mut grant = Grant::to(user, Methods::APPLICATION_CREDENTIAL);
    grant.application_credential = Some(credential);
    Ok(grant)
}
