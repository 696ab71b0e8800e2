//! The keys of tokens: files `token-N.key` of 32 random bytes, 0600, in a directory 0700.
//!
//! The highest number encrypts, all of them decrypt. A new key is a new file, which every process
//! finds when the first token of it arrives; an old file may go when its last token has expired.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use rand::TryRngCore as _;

/// How often an unknown key id may make us read the directory again: anyone can invent ids.
const RELOAD_PAUSE: Duration = Duration::from_secs(1);

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The directory or a file in it cannot be read or made.
    #[error("cannot use the key file {path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A key file that is no key.
    #[error("the key file {path} is broken: it must hold 32 bytes. Restore it, or remove it: then its tokens are void")]
    Broken {
        /// Which.
        path: PathBuf,
    },
    /// A key that others may read.
    #[error("the key file {path} has mode {mode:o}: others may read it. Run: chmod 600 {path}")]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// No random numbers from the kernel.
    #[error("no random numbers for a key: {0}")]
    Random(String),
}

type Keys = BTreeMap<u32, XChaCha20Poly1305>;

/// The keys of a directory.
pub(crate) struct Keyring {
    directory: PathBuf,
    state: RwLock<State>,
}

struct State {
    keys: Keys,
    read_at: Instant,
}

impl Keyring {
    /// Reads the keys of a directory; makes it and a first key when there is none.
    pub(crate) fn open(directory: &Path) -> Result<Self, KeyError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|source| io_error(directory, source))?;
        let mut keys = read(directory)?;
        if keys.is_empty() {
            create(directory, 1)?;
            // Read again: another process may have made the first key meanwhile, and the file decides.
            keys = read(directory)?;
        }
        Ok(Self { directory: directory.to_owned(), state: RwLock::new(State { keys, read_at: Instant::now() }) })
    }

    /// The newest key and its id.
    pub(crate) fn newest(&self) -> Option<(u32, XChaCha20Poly1305)> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.keys.last_key_value().map(|(id, key)| (*id, key.clone()))
    }

    /// The key of an id; reads the directory again when it is unknown.
    pub(crate) fn get(&self, id: u32) -> Option<XChaCha20Poly1305> {
        {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(key) = state.keys.get(&id) {
                return Some(key.clone());
            }
            if state.read_at.elapsed() < RELOAD_PAUSE {
                return None;
            }
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match read(&self.directory) {
            Ok(keys) => state.keys = keys,
            Err(error) => tracing::warn!(%error, "cannot read the keys of tokens again; going on with the known ones"),
        }
        state.read_at = Instant::now();
        state.keys.get(&id).cloned()
    }
}

fn io_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.to_owned(), source }
}

fn create(directory: &Path, id: u32) -> Result<(), KeyError> {
    let mut bytes = [0; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| KeyError::Random(error.to_string()))?;
    // Written whole under another name and linked: a crash leaves no half key, and of two
    // processes that start at once one wins.
    let path = directory.join(format!("token-{id}.key"));
    let draft = directory.join(format!(".token-{id}.{}", uuid::Uuid::new_v4().simple()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
        .and_then(|()| match fs::hard_link(&draft, &path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        });
    let removed = fs::remove_file(&draft);
    written.and(removed).map_err(|source| io_error(&path, source))
}

fn read(directory: &Path) -> Result<Keys, KeyError> {
    let mut keys = Keys::new();
    for entry in fs::read_dir(directory).map_err(|source| io_error(directory, source))? {
        let entry = entry.map_err(|source| io_error(directory, source))?;
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix("token-")?.strip_suffix(".key")?.parse().ok());
        if let Some(id) = id {
            keys.insert(id, read_key(&entry.path())?);
        }
    }
    Ok(keys)
}

fn read_key(path: &Path) -> Result<XChaCha20Poly1305, KeyError> {
    let fail = |source| io_error(path, source);
    let mut file = fs::File::open(path).map_err(fail)?;
    let mode = file.metadata().map_err(fail)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(fail)?;
    XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| KeyError::Broken { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> PathBuf {
        std::env::temp_dir().join(format!("baryon-keyring-{}", uuid::Uuid::new_v4().simple()))
    }

    #[test]
    fn the_first_start_makes_a_key_that_only_the_owner_reads() {
        let directory = directory();
        let (id, _) = Keyring::open(&directory).unwrap().newest().unwrap();
        assert_eq!(id, 1);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&directory.join("token-1.key"))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "no draft stays behind");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn broken_and_exposed_keys_are_named() {
        let directory = directory();
        Keyring::open(&directory).unwrap();
        let path = directory.join("token-1.key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Keyring::open(&directory), Err(KeyError::Exposed { mode: 0o644, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "short").unwrap();
        assert!(matches!(Keyring::open(&directory), Err(KeyError::Broken { .. })));
        fs::remove_dir_all(directory).unwrap();
    }
}
