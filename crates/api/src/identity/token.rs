//! What a token is made of.
//!
//! ```text
//! base64url( version 2 | key id 4 | nonce 24 | XChaCha20-Poly1305( payload ) 16 more )
//! ```
//!
//! Version and key id are authenticated with the payload. The payload says who, for which scope, by
//! which methods, since when and until when, and the audit ids; it does not say which roles, because
//! those are read anew for each request. It stays below 255 bytes, which clients and proxies bear;
//! so a trust and an application credential are named in place of the project that they are for.
//! The 24 bytes of nonce are random: there are enough of them that two never meet.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    XNonce,
    aead::{Aead as _, Payload},
};
use rand::RngCore as _;
use types::{ApplicationCredentialId, DomainId, ProjectId, TrustId, UserId};

use super::keyring::Keyring;

const VERSION: u8 = 2;
const NONCE: usize = 24;
const HEAD: usize = 1 + 4 + NONCE;
/// No token that we made is longer; longer ones are not worth a decryption.
const LONGEST: usize = 255;

/// How the user proved who they are, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Methods(u8);

impl Methods {
    /// By a password.
    pub(crate) const PASSWORD: Self = Self(1);
    /// By a token issued before.
    pub(crate) const TOKEN: Self = Self(2);
    /// By the secret of an application credential.
    pub(crate) const APPLICATION_CREDENTIAL: Self = Self(4);
    /// Every method, in the order that Keystone gives them, with its name.
    const NAMES: [(Self, &str); 3] = [
        (Self::TOKEN, "token"),
        (Self::PASSWORD, "password"),
        (Self::APPLICATION_CREDENTIAL, "application_credential"),
    ];

    /// Both sides' methods.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The names of all.
    pub(crate) fn all_names() -> [&'static str; 3] {
        Self::NAMES.map(|(_, name)| name)
    }

    /// The names.
    pub(crate) fn names(self) -> Vec<&'static str> {
        Self::NAMES.into_iter().filter(|(method, _)| self.0 & method.0 != 0).map(|(_, name)| name).collect()
    }
}

/// Where a token is good, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenScope {
    /// Nowhere yet: good for asking for a scope.
    Unscoped,
    /// In a project.
    Project(ProjectId),
    /// In a domain.
    Domain(DomainId),
    /// In the whole cloud.
    System,
    /// In the project of a trust, with its roles.
    Trust(TrustId),
    /// In the project of an application credential, with its roles.
    ApplicationCredential(ApplicationCredentialId),
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Who.
    pub(crate) user: UserId,
    /// Where.
    pub(crate) scope: TokenScope,
    /// By which proof.
    pub(crate) methods: Methods,
    /// Names this token for revocation.
    pub(crate) audit_id: [u8; 16],
    /// The audit id of the first token of a chain of tokens made from tokens.
    pub(crate) chain_id: Option<[u8; 16]>,
    /// Microseconds since 1970.
    pub(crate) issued_at: i64,
    /// Microseconds since 1970.
    pub(crate) expires_at: i64,
}

impl Token {
    /// A new audit id.
    pub(crate) fn random_audit_id() -> [u8; 16] {
        let mut id = [0; 16];
        rand::rng().fill_bytes(&mut id);
        id
    }

    /// The audit ids in text, this token's own first.
    pub(crate) fn audit_ids(&self) -> Vec<String> {
        std::iter::once(&self.audit_id).chain(&self.chain_id).map(|id| URL_SAFE_NO_PAD.encode(id)).collect()
    }

    /// The audit id in text.
    pub(crate) fn audit_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.audit_id)
    }

    /// The token in text.
    pub(crate) fn seal(&self, keys: &Keyring) -> Option<String> {
        let (key_id, key) = keys.newest()?;
        let mut bytes = vec![VERSION];
        bytes.extend(key_id.to_be_bytes());
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: &self.encode(), aad: &bytes };
        let sealed = key.encrypt(&XNonce::from(nonce), payload).ok()?;
        bytes.extend(nonce);
        bytes.extend(sealed);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a text says, if it is a token that we made. Says nothing of its being valid still.
    pub(crate) fn open(text: &str, keys: &Keyring) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (head, sealed) = bytes.split_at_checked(HEAD)?;
        let (aad, nonce) = head.split_at(HEAD - NONCE);
        if aad[0] != VERSION {
            return None;
        }
        let key = keys.get(u32::from_be_bytes(aad[1..5].try_into().ok()?))?;
        let nonce = XNonce::try_from(nonce).ok()?;
        let payload = key.decrypt(&nonce, Payload { msg: sealed, aad }).ok()?;
        Self::decode(&payload)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        put_id(&mut bytes, self.user.as_str());
        match &self.scope {
            TokenScope::Unscoped => bytes.push(0),
            TokenScope::Project(id) => {
                bytes.push(1);
                put_id(&mut bytes, id.as_str());
            }
            TokenScope::Domain(id) => {
                bytes.push(2);
                put_id(&mut bytes, id.as_str());
            }
            TokenScope::System => bytes.push(3),
            TokenScope::Trust(id) => {
                bytes.push(4);
                put_id(&mut bytes, id.as_str());
            }
            TokenScope::ApplicationCredential(id) => {
                bytes.push(5);
                put_id(&mut bytes, id.as_str());
            }
        }
        bytes.push(self.methods.0);
        bytes.extend(self.issued_at.to_be_bytes());
        bytes.extend(self.expires_at.to_be_bytes());
        bytes.extend(self.audit_id);
        bytes.extend(self.chain_id.iter().flatten());
        bytes
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let user = take_id(rest)?.parse().ok()?;
        let scope = match take::<1>(rest)? {
            [0] => TokenScope::Unscoped,
            [1] => TokenScope::Project(take_id(rest)?.parse().ok()?),
            [2] => TokenScope::Domain(take_id(rest)?.parse().ok()?),
            [3] => TokenScope::System,
            [4] => TokenScope::Trust(take_id(rest)?.parse().ok()?),
            [5] => TokenScope::ApplicationCredential(take_id(rest)?.parse().ok()?),
            _ => return None,
        };
        let [methods] = take(rest)?;
        let issued_at = i64::from_be_bytes(take(rest)?);
        let expires_at = i64::from_be_bytes(take(rest)?);
        let audit_id = take(rest)?;
        let chain_id = if rest.is_empty() { None } else { Some(take(rest)?) };
        let token = Self { user, scope, methods: Methods(methods), audit_id, chain_id, issued_at, expires_at };
        rest.is_empty().then_some(token)
    }
}

/// An id: a zero and 16 bytes when it is 32 hexadecimal digits, else its length and its text.
fn put_id(bytes: &mut Vec<u8>, id: &str) {
    match uuid::Uuid::try_parse(id) {
        Ok(uuid) if uuid.simple().encode_lower(&mut [0; 32]) == id => {
            bytes.push(0);
            bytes.extend(uuid.as_bytes());
        }
        // Ids have 64 characters at most, see types::UserId.
        _ => {
            bytes.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
            bytes.extend(id.as_bytes());
        }
    }
}

fn take_id(bytes: &mut &[u8]) -> Option<String> {
    match take::<1>(bytes)? {
        [0] => Some(uuid::Uuid::from_bytes(take(bytes)?).simple().to_string()),
        [length] => {
            let (id, rest) = bytes.split_at_checked(length.into())?;
            *bytes = rest;
            String::from_utf8(id.to_vec()).ok()
        }
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identity::keyring::Family;

    fn keys() -> (std::path::PathBuf, Keyring) {
        let directory = std::env::temp_dir().join(format!("baryon-token-{}", uuid::Uuid::new_v4().simple()));
        let keys = Keyring::open(&directory, Family::Token).unwrap();
        (directory, keys)
    }

    fn tokens() -> Vec<Token> {
        let token = Token {
            user: UserId::random(),
            scope: TokenScope::Project(ProjectId::random()),
            methods: Methods::PASSWORD.and(Methods::TOKEN),
            audit_id: Token::random_audit_id(),
            chain_id: Some(Token::random_audit_id()),
            issued_at: 1_700_000_000_000_000,
            expires_at: 1_700_003_600_000_000,
        };
        vec![
            Token { scope: TokenScope::Domain("default".parse().unwrap()), chain_id: None, ..token.clone() },
            Token { scope: TokenScope::Unscoped, methods: Methods::PASSWORD, ..token.clone() },
            // The longest there can be: a user of an external directory.
            Token { scope: TokenScope::System, user: "u".repeat(64).parse().unwrap(), ..token.clone() },
            Token { user: "u".repeat(64).parse().unwrap(), ..token.clone() },
            Token {
                user: "u".repeat(64).parse().unwrap(),
                scope: TokenScope::ApplicationCredential(ApplicationCredentialId::random()),
                methods: Methods::APPLICATION_CREDENTIAL.and(Methods::TOKEN),
                ..token.clone()
            },
            Token { scope: TokenScope::Trust(TrustId::random()), ..token.clone() },
            token,
        ]
    }

    #[test]
    fn a_token_says_what_was_put_into_it_in_less_than_255_bytes() {
        let (directory, keys) = keys();
        for token in tokens() {
            let text = token.seal(&keys).unwrap();
            assert!(text.len() < LONGEST, "{} bytes: {token:?}", text.len());
            assert_eq!(Token::open(&text, &keys), Some(token));
        }
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn no_changed_byte_passes_and_no_foreign_key() {
        let (directory, keys) = keys();
        let (other_directory, other) = self::keys();
        let text = tokens()[0].seal(&keys).unwrap();
        let sealed = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone();
            bytes[at] ^= 1;
            assert_eq!(Token::open(&URL_SAFE_NO_PAD.encode(bytes), &keys), None, "byte {at}");
        }
        for cut in 0..text.len() {
            assert_eq!(Token::open(&text[..cut], &keys), None, "cut at {cut}");
        }
        assert_eq!(Token::open(&text, &other), None);
        std::fs::remove_dir_all(directory).unwrap();
        std::fs::remove_dir_all(other_directory).unwrap();
    }

    fn any_token() -> impl Strategy<Value = Token> {
        let id = || prop_oneof!["[0-9a-f]{32}", "[A-Za-z0-9_-]{1,64}"];
        let own = || "[0-9a-f]{32}";
        let scope = prop_oneof![
            Just(TokenScope::Unscoped),
            Just(TokenScope::System),
            own().prop_map(|id| TokenScope::Project(id.parse().unwrap())),
            own().prop_map(|id| TokenScope::Domain(id.parse().unwrap())),
            own().prop_map(|id| TokenScope::Trust(id.parse().unwrap())),
            own().prop_map(|id| TokenScope::ApplicationCredential(id.parse().unwrap())),
        ];
        let ids = (any::<[u8; 16]>(), proptest::option::of(any::<[u8; 16]>()));
        (id(), scope, 0_u8..8, ids, any::<i64>(), any::<i64>()).prop_map(
            |(user, scope, methods, (audit_id, chain_id), issued_at, expires_at)| Token {
                user: user.parse().unwrap(),
                scope,
                methods: Methods(methods),
                audit_id,
                chain_id,
                issued_at,
                expires_at,
            },
        )
    }

    proptest! {
        #[test]
        fn every_token_is_read_as_it_was_written(token in any_token()) {
            prop_assert_eq!(Token::decode(&token.encode()), Some(token.clone()));
            // With head and tag, and four characters for three bytes.
            let sealed = HEAD + token.encode().len() + 16;
            prop_assert!((sealed * 4).div_ceil(3) < LONGEST, "{} bytes", sealed);
        }

        #[test]
        fn no_payload_is_read_with_something_left_or_makes_it_fail(
            token in any_token(), bytes in proptest::collection::vec(any::<u8>(), 0..160), cut in 0_usize..160,
        ) {
            if let Some(read) = Token::decode(&bytes) {
                // Whatever is read says the same when it is written again.
                prop_assert_eq!(Token::decode(&read.encode()), Some(read));
            }
            let mut payload = token.encode();
            payload.truncate(cut);
            // The audit id of the chain is the last thing, and may be absent as a whole.
            prop_assert!(Token::decode(&payload).is_none_or(|read| read == token || read.chain_id.is_none()));
            let mut longer = token.encode();
            longer.push(0);
            prop_assert_eq!(Token::decode(&longer), None);
        }

        #[test]
        fn no_text_makes_opening_fail(text in "\\PC{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (directory, keys) = keys();
            prop_assert_eq!(Token::open(&text, &keys), None);
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            prop_assert_eq!(Token::open(&URL_SAFE_NO_PAD.encode(bytes), &keys), None);
            std::fs::remove_dir_all(directory).unwrap();
        }
    }
}
