//! Keys in files `<family>-N.key` of 32 random bytes, 0600, in a directory 0700.
//!
//! A family of keys is for one use: `token` keys encrypt tokens, `secret` keys what the store keeps
//! for others. The highest number encrypts, all of them decrypt, and every ciphertext names its key.
//! A new key is a new file, which every process finds soon, and at the latest when the first
//! ciphertext of it arrives. An old token key may go when nobody asks for its last token any longer
//! ([`rotate`]); a secret key when all that it encrypted is encrypted with a newer one
//! ([`rotate_secret_keys`](super::secret_rotation::rotate_secret_keys)).

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use rand::TryRngCore as _;

/// How often an unknown key id may make us read the directory again: anyone can invent ids.
const RELOAD_PAUSE: Duration = Duration::from_secs(1);
/// How long a process may go on encrypting with a key that is the newest no longer.
pub(super) const FRESH: Duration = Duration::from_secs(10);

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
    #[error(
        "the key file {path} is broken: it must hold 32 bytes. Restore it, or remove it: then what it encrypted is lost"
    )]
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

/// What keys are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Tokens.
    Token,
    /// Secrets in the store.
    Secret,
}

impl Family {
    fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Secret => "secret",
        }
    }

    /// Ids of secret keys come from our own database alone, and one that is new must be found at once.
    fn reload_pause(self) -> Duration {
        match self {
            Self::Token => RELOAD_PAUSE,
            Self::Secret => Duration::ZERO,
        }
    }

    fn path(self, directory: &Path, id: u32) -> PathBuf {
        directory.join(format!("{}-{id}.key", self.name()))
    }
}

/// The keys of a family in a directory.
pub(crate) struct Keyring {
    directory: PathBuf,
    family: Family,
    state: RwLock<State>,
}

struct State {
    keys: Keys,
    read_at: Instant,
}

impl Keyring {
    /// Reads the keys of a family; makes the directory and a first key when there is none.
    pub(crate) fn open(directory: &Path, family: Family) -> Result<Self, KeyError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|source| io_error(directory, source))?;
        let mut keys = read(directory, family)?;
        if keys.is_empty() {
            create(directory, family, 1)?;
            // Read again: another process may have made the first key meanwhile, and the file decides.
            keys = read(directory, family)?;
        }
        let state = RwLock::new(State { keys, read_at: Instant::now() });
        Ok(Self { directory: directory.to_owned(), family, state })
    }

    /// The newest key and its id.
    pub(crate) fn newest(&self) -> Option<(u32, XChaCha20Poly1305)> {
        self.reload_after(FRESH, |_| true);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.keys.last_key_value().map(|(id, key)| (*id, key.clone()))
    }

    /// The key of an id; reads the directory again when it is unknown.
    pub(crate) fn get(&self, id: u32) -> Option<XChaCha20Poly1305> {
        self.reload_after(self.family.reload_pause(), |keys| !keys.contains_key(&id));
        self.state.read().unwrap_or_else(PoisonError::into_inner).keys.get(&id).cloned()
    }

    /// Reads the directory again when that was not done for some time and the keys ask for it.
    fn reload_after(&self, pause: Duration, wanted: impl Fn(&Keys) -> bool) {
        let is_due = |state: &State| state.read_at.elapsed() >= pause && wanted(&state.keys);
        if !is_due(&self.state.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if !is_due(&state) {
            return;
        }
        match read(&self.directory, self.family) {
            Ok(keys) => state.keys = keys,
            Err(error) => tracing::warn!(%error, "cannot read the keys again; going on with the known ones"),
        }
        state.read_at = Instant::now();
    }
}

/// What a rotation of the token keys did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The id of the new key.
    pub new: u32,
    /// The ids of the old keys that were removed, because nothing that they encrypted is good any longer.
    pub removed: Vec<u32>,
    /// The ids of the old keys that stay for now.
    pub kept: Vec<u32>,
}

/// Makes a new token key, and removes those whose last token nobody asks for any longer: tokens
/// last `lifetime`, and a service may ask for an expired one for as long as `window`. Running
/// processes take up the new key by themselves.
pub fn rotate(directory: &Path, lifetime: Duration, window: Duration) -> Result<Rotation, KeyError> {
    let family = Family::Token;
    let (new, known) = add(directory, family)?;
    // A key encrypts until each process has found the next one.
    let good_for = FRESH.saturating_add(lifetime).saturating_add(window);
    let mut rotation = Rotation { new, removed: Vec::new(), kept: Vec::new() };
    for (id, successor) in known.iter().zip(known.iter().skip(1).chain([&new])) {
        let path = family.path(directory, *successor);
        let made = fs::metadata(&path).and_then(|file| file.modified()).map_err(|source| io_error(&path, source))?;
        // A clock that was put back: not yet.
        if made.elapsed().is_ok_and(|age| age > good_for) {
            remove(directory, family, *id)?;
            rotation.removed.push(*id);
        } else {
            rotation.kept.push(*id);
        }
    }
    Ok(rotation)
}

/// Makes a new key; tells its id and those of the keys before it.
pub(super) fn add(directory: &Path, family: Family) -> Result<(u32, Vec<u32>), KeyError> {
    let known: Vec<u32> = read(directory, family)?.into_keys().collect();
    let new = known.last().map_or(1, |newest| newest + 1);
    create(directory, family, new)?;
    Ok((new, known))
}

/// Removes a key. Somebody else may have done so.
pub(super) fn remove(directory: &Path, family: Family, id: u32) -> Result<(), KeyError> {
    let path = family.path(directory, id);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&path, error)),
        _ => Ok(()),
    }
}

fn io_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.to_owned(), source }
}

fn create(directory: &Path, family: Family, id: u32) -> Result<(), KeyError> {
    let mut bytes = [0; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| KeyError::Random(error.to_string()))?;
    // Written whole under another name and linked: a crash leaves no half key, and of two
    // processes that start at once one wins.
    let path = family.path(directory, id);
    let draft = directory.join(format!(".{}-{id}.{}", family.name(), uuid::Uuid::new_v4().simple()));
    // Who owns the directory reads the keys: an administrator may rotate them for the service's user.
    let owner = fs::metadata(directory).map_err(|source| io_error(directory, source))?;
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()).map(|()| file))
        .and_then(|file| give(&file, &owner))
        .and_then(|()| match fs::hard_link(&draft, &path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        });
    let removed = fs::remove_file(&draft);
    written.and(removed).map_err(|source| io_error(&path, source))
}

/// Gives an open file to the owner of its directory. Never by name: in a directory of theirs they may
/// have put a link there meanwhile, and root would give away what it leads to.
fn give(file: &fs::File, owner: &fs::Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}

fn read(directory: &Path, family: Family) -> Result<Keys, KeyError> {
    let mut keys = Keys::new();
    for entry in fs::read_dir(directory).map_err(|source| io_error(directory, source))? {
        let entry = entry.map_err(|source| io_error(directory, source))?;
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(family.name()));
        let id = rest.and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".key")?.parse().ok());
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
        let (id, _) = Keyring::open(&directory, Family::Token).unwrap().newest().unwrap();
        assert_eq!(id, 1);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&directory.join("token-1.key"))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "no draft stays behind");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn broken_and_exposed_keys_are_named() {
        let directory = directory();
        Keyring::open(&directory, Family::Token).unwrap();
        let path = directory.join("token-1.key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Keyring::open(&directory, Family::Token), Err(KeyError::Exposed { mode: 0o644, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "short").unwrap();
        assert!(matches!(Keyring::open(&directory, Family::Token), Err(KeyError::Broken { .. })));
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_key_is_given_by_its_open_file_whatever_its_name_leads_to() {
        let directory = directory();
        fs::create_dir_all(&directory).unwrap();
        let (name, victim) = (directory.join("draft"), directory.join("victim"));
        fs::write(&victim, "root's").unwrap();
        let draft = fs::File::create(&name).unwrap();
        fs::remove_file(&name).unwrap();
        std::os::unix::fs::symlink(&victim, &name).unwrap();
        let theirs = directory.join("theirs");
        fs::create_dir(&theirs).unwrap();
        // Only root can give anything away; for others all is their own.
        let _ = std::os::unix::fs::chown(&theirs, Some(65_530), Some(65_530));
        let owner = fs::metadata(&theirs).unwrap();
        let before = fs::metadata(&victim).unwrap().uid();
        give(&draft, &owner).unwrap();
        assert_eq!(draft.metadata().unwrap().uid(), owner.uid());
        assert_eq!(fs::metadata(&victim).unwrap().uid(), before);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_rotation_is_found_and_old_keys_go_when_their_tokens_have_gone() {
        let directory = directory();
        let keys = Keyring::open(&directory, Family::Token).unwrap();
        let hour = Duration::from_secs(3600);
        let first = rotate(&directory, hour, hour).unwrap();
        assert_eq!(first, Rotation { new: 2, removed: vec![], kept: vec![1] });
        keys.state.write().unwrap().read_at = Instant::now().checked_sub(FRESH).unwrap();
        assert_eq!(keys.newest().unwrap().0, 2);
        assert!(keys.get(1).is_some());
        // Key 2 took over from key 1 three hours ago.
        let before = std::time::SystemTime::now() - 3 * hour;
        fs::File::open(directory.join("token-2.key")).unwrap().set_modified(before).unwrap();
        let second = rotate(&directory, hour, hour).unwrap();
        assert_eq!(second, Rotation { new: 3, removed: vec![1], kept: vec![2] });
        keys.state.write().unwrap().read_at = Instant::now().checked_sub(FRESH).unwrap();
        assert_eq!(keys.newest().unwrap().0, 3);
        assert!(keys.get(1).is_none());
        assert!(Keyring::open(&directory, Family::Secret).unwrap().get(2).is_none(), "families are apart");
        fs::remove_dir_all(directory).unwrap();
    }
}
