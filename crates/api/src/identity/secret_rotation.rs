//! A new key for the secrets in the store, and everything encrypted anew with it.
//!
//! ```text
//! make key N  ->  encrypt all anew  ->  wait until every process uses N  ->  encrypt the rest anew
//!             ->  remove the keys that no ciphertext names
//! ```
//!
//! Processes that run meanwhile read all the time: they find key N by the first ciphertext that names
//! it, and old keys are there until nothing names them. They write with the key before N for up to
//! [`FRESH`], which is what the wait and the second round are for. Secrets are encrypted inside of the
//! transaction that stores them, and there is one writer at a time, so after the wait the second round
//! sees the last ciphertext of an old key.
//!
//! Nothing remembers how far a rotation came. One that was cut off leaves ciphertexts of several keys
//! and all of their keys, which is a state like any other; the next one makes a newer key and moves
//! everything to it. Of several at once, each encrypts with the newest key that it finds, and removes
//! only keys that are older than its own.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use store::{
    Store, StoreError,
    identity::{Identity, Sealed, SealedPlace, SealedTable},
};

use super::{
    domain_config,
    keyring::{self, FRESH, Family, KeyError, Keyring},
    sealed,
};

/// Secrets in one transaction: others that write wait for one at most.
const BATCH: usize = 200;
/// Longer than any process goes on with the key before.
const SETTLED: Duration = FRESH.saturating_add(Duration::from_secs(1));
/// Longer than a reader holds on to what it read.
const READ: Duration = Duration::from_secs(1);

/// Why secrets could not be encrypted anew. Whatever was done stays good; the next rotation does the rest.
#[derive(Debug, thiserror::Error)]
pub enum SecretRotationError {
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Encrypting.
    #[error("cannot encrypt a secret anew: {0}")]
    Seal(String),
}

/// What a rotation of the secret keys did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRotation {
    /// The id of the new key.
    pub new: u32,
    /// How many secrets were encrypted anew.
    pub moved: u64,
    /// How many secrets could not be decrypted, because their key is gone or they are damaged.
    pub unreadable: u64,
    /// The ids of the old keys that were removed.
    pub removed: Vec<u32>,
    /// The ids of the old keys that stay, because a secret that cannot be decrypted names them.
    pub kept: Vec<u32>,
}

/// What a round over all secrets found.
#[derive(Default)]
struct Round {
    moved: u64,
    unreadable: u64,
    /// Keys that ciphertexts name after it.
    named: BTreeSet<u32>,
}

/// Makes a new key for secrets, encrypts all of them with it, and removes the old keys. Takes some
/// seconds longer than processes take to use the new key. Blocks.
pub fn rotate_secret_keys(directory: &Path, store: &Store) -> Result<SecretRotation, SecretRotationError> {
    let (new, known) = keyring::add(directory, Family::Secret)?;
    let made = Instant::now();
    let keys = Arc::new(Keyring::open(directory, Family::Secret)?);
    let first = round(store, &keys)?;
    thread::sleep(SETTLED.saturating_sub(made.elapsed()));
    let second = round(store, &keys)?;
    if second.moved > 0 {
        thread::sleep(READ);
    }
    let moved = first.moved + second.moved;
    let mut rotation =
        SecretRotation { new, moved, unreadable: second.unreadable, removed: Vec::new(), kept: Vec::new() };
    for id in known {
        if second.named.contains(&id) {
            rotation.kept.push(id);
        } else {
            keyring::remove(directory, Family::Secret, id)?;
            rotation.removed.push(id);
        }
    }
    Ok(rotation)
}

fn round(store: &Store, keys: &Arc<Keyring>) -> Result<Round, SecretRotationError> {
    let mut round = Round::default();
    let mut after = None;
    loop {
        let (keys, from) = (Arc::clone(keys), after.take());
        let batch = move |tx: &mut store::Tx<'_>| batch(tx.identity(), &keys, from.as_ref());
        let (done, last) = store.write_blocking(batch)?;
        round.moved += done.moved;
        round.unreadable += done.unreadable;
        round.named.extend(done.named);
        match last {
            Some(last) => after = Some(last),
            None => return Ok(round),
        }
    }
}

/// Encrypts some secrets anew, as far as they need it; tells the last one unless it was the last of all.
fn batch(
    identity: Identity<'_>,
    keys: &Keyring,
    from: Option<&SealedPlace>,
) -> Result<(Round, Option<SealedPlace>), SecretRotationError> {
    let newest = keys.newest().map_or(0, |(id, _)| id);
    let mut round = Round::default();
    let found = identity.sealed_after(from, BATCH)?;
    let last = found.last().filter(|_| found.len() == BATCH).map(|last| last.place.clone());
    for secret in found {
        let ciphertext = ciphertext(&secret);
        let key = ciphertext.as_deref().and_then(sealed::key_of);
        if let Some(key) = key.filter(|key| *key >= newest) {
            round.named.insert(key);
            continue;
        }
        let row = row(&secret.place);
        let Some(plain) = ciphertext.and_then(|ciphertext| sealed::open(keys, &row, &ciphertext).ok()) else {
            tracing::warn!(place = ?secret.place, key, "a secret cannot be decrypted and stays as it is");
            round.unreadable += 1;
            round.named.extend(key);
            continue;
        };
        let anew = sealed::seal(keys, &row, &plain).map_err(|error| SecretRotationError::Seal(error.to_string()))?;
        round.named.extend(sealed::key_of(&anew));
        let stored = if is_text(&secret.place) { STANDARD.encode(anew).into_bytes() } else { anew };
        identity.put_sealed(&Sealed { stored, ..secret })?;
        round.moved += 1;
    }
    Ok((round, last))
}

fn is_text(place: &SealedPlace) -> bool {
    place.table == SealedTable::DomainOptions
}

fn ciphertext(secret: &Sealed) -> Option<Vec<u8>> {
    if is_text(&secret.place) { STANDARD.decode(&secret.stored).ok() } else { Some(secret.stored.clone()) }
}

/// What the row is called in its ciphertext.
fn row(place: &SealedPlace) -> String {
    let SealedPlace { table, key: [first, second, third] } = place;
    match table {
        SealedTable::Credentials | SealedTable::Consumers => first.clone(),
        SealedTable::DomainOptions => domain_config::sealed_row(first, second, third),
    }
}
