//! `POST /auth/tokens`: the methods come together here.

use std::sync::Arc;

use hyper::StatusCode;
use store::identity::User;

use super::{
    SUBJECT, password,
    request::{Credentials, Wanted, credentials, wanted},
    scope::find_scope,
    token as token_method,
    validate::view,
};
use crate::{
    edge::Reply,
    identity::{
        KeystoneError, authenticate_token,
        failures::Proof,
        fields::Fields,
        route::{Call, Visit},
        token::{Methods, Token},
    },
};

/// What a method found to be so, and a token will say.
pub(super) struct Grant {
    pub(super) methods: Methods,
    pub(super) chain_id: Option<[u8; 16]>,
    pub(super) issued_at: i64,
    pub(super) expires_at: i64,
}

/// `POST /auth/tokens`.
pub(crate) async fn issue(visit: Visit) -> Result<Reply, KeystoneError> {
    let mut auth = Fields::of(&visit.request, "auth")?;
    let credentials = credentials(&mut auth.object("identity")?)?;
    let wanted = wanted(auth)?;
    let (api, source) = (Arc::clone(&visit.api), visit.request.source);
    let attempt = async {
        match credentials {
            Credentials::Password { user, password } => password::issue(visit, user, password, wanted).await,
            Credentials::Token(text) => token_method::issue(visit, text, wanted).await,
        }
    };
    api.failures.watch(Proof::Login, source, attempt).await
}

/// The answer with a new token for a user.
pub(super) fn created(call: &Call<'_>, user: &User, wanted: &Wanted, grant: Grant) -> Result<Reply, KeystoneError> {
    let token = Token {
        scope: find_scope(call.identity, user, wanted)?,
        user: user.id.clone(),
        methods: grant.methods,
        audit_id: Token::random_audit_id(),
        chain_id: grant.chain_id,
        issued_at: grant.issued_at,
        expires_at: grant.expires_at,
    };
    let text = token.seal(&call.api().keys).ok_or_else(|| KeystoneError::Internal("no key for tokens".to_owned()))?;
    // The same check as at each use: what it refuses shall not be issued.
    let holder = authenticate_token(call.identity, token)?;
    Ok(Reply::json(StatusCode::CREATED, &view(call, &holder)?).with_header(SUBJECT, &text))
}
