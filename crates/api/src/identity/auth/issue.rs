//! `POST /auth/tokens`: the methods come together here.

use std::sync::Arc;

use hyper::StatusCode;
use store::identity::{ApplicationCredential, User};

use super::{
    SUBJECT, application_credential, password,
    request::{Asked, Proof, Wanted},
    scope::find_scope,
    token as token_method,
    validate::view,
};
use crate::{
    clock,
    edge::Reply,
    identity::{
        KeystoneError, authenticate_token, failures,
        route::{Call, Visit},
        token::{Methods, Token, TokenScope},
    },
};

/// What a proof shows to be so, and a token will say.
pub(super) struct Grant {
    pub(super) user: User,
    pub(super) methods: Methods,
    pub(super) chain_id: Option<[u8; 16]>,
    /// The latest end of a token, when something else ends before.
    pub(super) expires_at: Option<i64>,
    /// The application credential that acts for the user.
    pub(super) application_credential: Option<ApplicationCredential>,
}

impl Grant {
    pub(super) fn to(user: User, methods: Methods) -> Self {
        Self { user, methods, chain_id: None, expires_at: None, application_credential: None }
    }

    /// What both show. They must be of one user.
    fn and(self, other: Self) -> Result<Self, KeystoneError> {
        if self.user.id != other.user.id {
            return Err(KeystoneError::Unauthorized);
        }
        Ok(Self {
            user: self.user,
            methods: self.methods.and(other.methods),
            chain_id: self.chain_id.or(other.chain_id),
            expires_at: self.expires_at.into_iter().chain(other.expires_at).min(),
            application_credential: self.application_credential.or(other.application_credential),
        })
    }
}

/// A proof whose slow part is done.
enum Checked {
    Password(User),
    Token(String),
    ApplicationCredential(ApplicationCredential),
}

/// `POST /auth/tokens`.
pub(crate) async fn issue(visit: Visit) -> Result<Reply, KeystoneError> {
    let asked = Asked::parse(&visit.request)?;
    let (api, source) = (Arc::clone(&visit.api), visit.request.source);
    api.failures.watch(failures::Proof::Login, source, attempt(visit, asked)).await
}

async fn attempt(visit: Visit, asked: Asked) -> Result<Reply, KeystoneError> {
    let mut checked = Vec::new();
    for proof in asked.proofs {
        checked.push(match proof {
            Proof::Password { user, password } => Checked::Password(password::check(&visit, user, password).await?),
            Proof::Token(text) => Checked::Token(text),
            Proof::ApplicationCredential { credential, secret } => {
                Checked::ApplicationCredential(application_credential::check(&visit, credential, secret).await?)
            }
        });
    }
    let wanted = asked.scope;
    // A trust may be good for so many tokens, which are counted.
    let counts = matches!(wanted, Wanted::Trust(_));
    let answer = move |call: &Call<'_>| {
        let mut grants = checked.iter().map(|proof| match proof {
            Checked::Password(user) => password::grant(call.identity, user),
            Checked::Token(text) => token_method::grant(call, text, &wanted),
            Checked::ApplicationCredential(known) => application_credential::grant(call.identity, known),
        });
        let first = grants.next().ok_or(KeystoneError::Unauthorized)??;
        let grant = grants.try_fold(first, |known, next| known.and(next?))?;
        created(call, &wanted, grant)
    };
    if counts { visit.write(answer).await } else { visit.read(answer).await }
}

/// The answer with a new token.
fn created(call: &Call<'_>, wanted: &Wanted, grant: Grant) -> Result<Reply, KeystoneError> {
    let scope = match &grant.application_credential {
        Some(credential) => TokenScope::ApplicationCredential(credential.id.clone()),
        None => find_scope(call.identity, &grant.user, wanted)?,
    };
    let issued_at = clock::now();
    let lifetime = i64::try_from(call.api().config.token_lifetime.as_micros()).unwrap_or(i64::MAX);
    let ends = [
        Some(issued_at.saturating_add(lifetime)),
        grant.expires_at,
        grant.application_credential.and_then(|credential| credential.expires_at),
    ];
    let token = Token {
        scope,
        user: grant.user.id,
        methods: grant.methods,
        audit_id: Token::random_audit_id(),
        chain_id: grant.chain_id,
        issued_at,
        expires_at: ends.into_iter().flatten().min().unwrap_or(issued_at),
    };
    let text = token.seal(&call.api().keys).ok_or_else(|| KeystoneError::Internal("no key for tokens".to_owned()))?;
    // The same check as at each use: what it refuses shall not be issued.
    let holder = authenticate_token(call.identity, token)?;
    call.request().witness.caller(&holder);
    if let Some(trust) = holder.trust()
        && !call.identity.use_trust(&trust.id)?
    {
        return Err(KeystoneError::Unauthorized);
    }
    Ok(Reply::json(StatusCode::CREATED, &view(call, &holder)?).with_header(SUBJECT, &text))
}
