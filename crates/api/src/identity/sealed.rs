//! Secrets that the store keeps for others, encrypted.
//!
//! ```text
//! version 1 | key id 4 | nonce 24 | XChaCha20-Poly1305( secret ) 16 more
//! ```
//!
//! Version, key id and the row that it is in are authenticated with the secret, so that nobody who
//! can write to the database can show one row's secret as another's.

use chacha20poly1305::{
    XNonce,
    aead::{Aead as _, Payload},
};
use rand::RngCore as _;

use super::{KeystoneError, keyring::Keyring};

const VERSION: u8 = 1;
const NONCE: usize = 24;
/// Version and key id.
const AAD: usize = 1 + 4;

/// Encrypts a secret for the row of an id.
pub(crate) fn seal(keys: &Keyring, row: &str, secret: &str) -> Result<Vec<u8>, KeystoneError> {
    let (id, key) = keys.newest().ok_or_else(|| KeystoneError::Internal("no key for secrets".to_owned()))?;
    let mut bytes = vec![VERSION];
    bytes.extend(id.to_be_bytes());
    let aad = [bytes.as_slice(), row.as_bytes()].concat();
    let mut nonce = [0; NONCE];
    rand::rng().fill_bytes(&mut nonce);
    let sealed = key.encrypt(&XNonce::from(nonce), Payload { msg: secret.as_bytes(), aad: &aad });
    let sealed = sealed.map_err(|_| KeystoneError::Internal(format!("cannot encrypt the secret of {row}")))?;
    bytes.extend(nonce);
    bytes.extend(sealed);
    Ok(bytes)
}

/// The id of the key that a secret is encrypted with.
pub(crate) fn key_of(sealed: &[u8]) -> Option<u32> {
    let head = sealed.get(1..AAD).filter(|_| sealed[0] == VERSION)?;
    Some(u32::from_be_bytes(head.try_into().ok()?))
}

/// Decrypts the secret of the row of an id.
pub(crate) fn open(keys: &Keyring, row: &str, sealed: &[u8]) -> Result<String, KeystoneError> {
    try_open(keys, row, sealed)
        .ok_or_else(|| KeystoneError::Internal(format!("cannot decrypt the secret of {row}: is its key still there?")))
}

fn try_open(keys: &Keyring, row: &str, sealed: &[u8]) -> Option<String> {
    let (head, rest) = sealed.split_at_checked(AAD)?;
    let (nonce, ciphertext) = rest.split_at_checked(NONCE)?;
    if head[0] != VERSION {
        return None;
    }
    let key = keys.get(u32::from_be_bytes(head[1..].try_into().ok()?))?;
    let aad = [head, row.as_bytes()].concat();
    let secret = key.decrypt(&XNonce::try_from(nonce).ok()?, Payload { msg: ciphertext, aad: &aad }).ok()?;
    String::from_utf8(secret).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::keyring::Family;

    #[test]
    fn a_secret_opens_in_its_own_row_only() {
        let directory = std::env::temp_dir().join(format!("baryon-sealed-{}", uuid::Uuid::new_v4().simple()));
        let keys = Keyring::open(&directory, Family::Secret).unwrap();
        let sealed = seal(&keys, "a", "ö secret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_eq!(open(&keys, "a", &sealed).unwrap(), "ö secret");
        assert!(open(&keys, "b", &sealed).is_err());
        for cut in 0..sealed.len() {
            assert!(open(&keys, "a", &sealed[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&keys, "a", &changed).is_err(), "byte {at}");
        }
        std::fs::remove_dir_all(directory).unwrap();
    }
}
