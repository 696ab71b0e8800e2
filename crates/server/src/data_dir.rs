//! The data directory: what is in it, whose it is, and who may use it now.
//!
//! ```text
//! version       layout of this directory, one number
//! instance      six hex digits, from which every kernel object's name derives
//! run-dir       the run directory of the last start
//! local-url     where its API answers on this host
//! regions       which were ever served: slot, name, prefix of ext-net
//! lock          held by `baryon up` and its roles; holds the supervisor's pid
//! clouds.yaml   how clients log in, 0600
//! baryon.db     the database
//! keys/         secrets that the database must not hold, 0700
//! ```
//!
//! The lock is an open file that the roles inherit: it is free only when the last process of the
//! instance is gone, so that a `baryon up` right after a `kill -9` waits for the old roles to notice
//! instead of running beside them.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{ErrorKind, Read, Seek, Write},
    os::{
        fd::AsFd,
        unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, Flock, FlockArg, fcntl},
    sys::signal::kill,
    unistd::Pid,
};

use crate::{Error, error::Result, instance::InstanceId};

/// Layout that this build reads and writes.
const VERSION: u32 = 1;
/// Name of the file with the URL of the last start.
pub const LOCAL_URL: &str = "local-url";
/// Name of the file with the URL of the Keystone that keeps the users of the last start, if not we.
pub const EXTERNAL_IDENTITY: &str = "external-identity";
/// How long roles that lost their supervisor may take to end.
const ORPHANS: Duration = Duration::from_secs(10);

/// A data directory of this layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    path: PathBuf,
    instance: InstanceId,
}

impl DataDir {
    /// Opens the directory, or makes a new one.
    pub fn create(path: &Path) -> Result<Self> {
        let refused = |reason: String| Error::DataDir { path: path.to_owned(), reason };
        let unwritable = |error: std::io::Error| {
            refused(format!("cannot be made or written ({error}): give a directory of yours with --data-dir"))
        };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unwritable)?;
        if !path.join("version").exists() {
            let mut strangers: Vec<String> = fs::read_dir(path)
                .map_err(unwritable)?
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                // A first start that was cut off leaves these.
                .filter(|name| name != "instance" && name != "lock" && name != "lost+found")
                .collect();
            strangers.sort_unstable();
            if let Some(first) = strangers.first() {
                return Err(refused(format!(
                    "is not empty and no data directory of baryon (it holds {first}): give an empty or new one with --data-dir"
                )));
            }
            let instance = path.join("instance");
            if !instance.exists() {
                write_whole(&instance, &format!("{}\n", InstanceId::random()), 0o644).map_err(unwritable)?;
            }
            // Last, so that its presence says that the rest is there.
            write_whole(&path.join("version"), &format!("{VERSION}\n"), 0o644).map_err(unwritable)?;
        }
        let data_dir = Self::open(path)?;
        data_dir.require_own()?;
        Ok(data_dir)
    }

    /// The API process gives up root's right to write what belongs to others.
    fn require_own(&self) -> Result<()> {
        let refused = |reason: String| Error::DataDir { path: self.path.clone(), reason };
        let owner = fs::metadata(&self.path).map_err(|error| refused(format!("cannot be read: {error}")))?.uid();
        let us = nix::unistd::geteuid();
        if owner == us.as_raw() {
            return Ok(());
        }
        Err(refused(format!(
            "belongs to user {owner}, and baryon runs as user {us} and writes what is its own only: chown -R {us} it, \
             or give another --data-dir"
        )))
    }

    /// Opens a directory that a `baryon up` has made.
    pub fn open(path: &Path) -> Result<Self> {
        let refused = |reason: String| Error::DataDir { path: path.to_owned(), reason };
        let version = match fs::read_to_string(path.join("version")) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Error::NoInstance { path: path.to_owned() });
            }
            Err(error) => return Err(refused(format!("cannot be read: {error}"))),
        };
        match version.trim().parse::<u32>() {
            Ok(VERSION) => {}
            Ok(other) if other > VERSION => {
                return Err(refused(format!(
                    "was written by a newer baryon (layout {other}, this build knows {VERSION}): \
                     start that version, or give another --data-dir"
                )));
            }
            _ => {
                return Err(refused(format!(
                    "its file `version` says {:?} where a number is expected (this build writes {VERSION}): \
                     restore it from a backup, or give another --data-dir",
                    version.trim()
                )));
            }
        }
        let text = fs::read_to_string(path.join("instance")).map_err(|error| {
            refused(format!("its file `instance` cannot be read: {error}; restore it from a backup"))
        })?;
        let instance =
            text.trim().parse().map_err(|error| refused(format!("its file `instance` is damaged: {error}")))?;
        Ok(Self { path: path.to_owned(), instance })
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The instance that lives in it.
    #[must_use]
    pub fn instance(&self) -> InstanceId {
        self.instance
    }

    /// The file with which clients log in.
    #[must_use]
    pub fn clouds(&self) -> PathBuf {
        self.path.join("clouds.yaml")
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join("baryon.db")
    }

    /// Secrets.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.path.join("keys")
    }

    /// Keeps what commands on this host need to know of a start.
    pub fn note_start(&self, run_dir: &Path, local_url: &str, external_identity: Option<&str>) -> Result<()> {
        let note = self.path.join(EXTERNAL_IDENTITY);
        match (external_identity, fs::remove_file(&note)) {
            (Some(url), _) => {
                write_whole(&note, url, 0o644).map_err(Error::io(format!("write {}", note.display())))?;
            }
            (None, Err(error)) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::io(format!("remove {}", note.display()))(error));
            }
            (None, _) => {}
        }
        for (name, text) in [("run-dir", run_dir.to_string_lossy().as_ref()), (LOCAL_URL, local_url)] {
            let file = self.path.join(name);
            write_whole(&file, text, 0o644).map_err(Error::io(format!("write {}", file.display())))?;
        }
        Ok(())
    }

    /// The run directory of the last start, if there was one.
    #[must_use]
    pub fn run_dir(&self) -> Option<PathBuf> {
        fs::read_to_string(self.path.join("run-dir")).ok().map(PathBuf::from)
    }

    /// Takes the directory for this process and those it starts.
    pub fn lock(&self) -> Result<Lock> {
        let file = self.lock_file()?;
        let begin = Instant::now();
        let mut file = file;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(flock) => {
                    return Lock::take(flock).map_err(Error::io(format!("write the lock of {}", self.path.display())));
                }
                Err((returned, Errno::EWOULDBLOCK)) => file = returned,
                Err((_, errno)) => {
                    return Err(Error::io(format!("lock {}", self.path.display()))(errno.into()));
                }
            }
            let pid = read_pid(&mut file);
            // Without a living supervisor only its roles are left, and they are about to end.
            if pid.is_some_and(is_alive) || begin.elapsed() > ORPHANS {
                return Err(Error::AlreadyRunning { path: self.path.clone(), pid: pid.map(Pid::as_raw) });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The supervisor that runs on the directory now.
    pub fn running(&self) -> Result<Option<Pid>> {
        let mut file = self.lock_file()?;
        let pid = read_pid(&mut file);
        match Flock::lock(file, FlockArg::LockSharedNonblock) {
            Ok(_) => Ok(None),
            Err((_, Errno::EWOULDBLOCK)) => Ok(pid.filter(|pid| is_alive(*pid))),
            Err((_, errno)) => Err(Error::io(format!("look at the lock of {}", self.path.display()))(errno.into())),
        }
    }

    fn lock_file(&self) -> Result<File> {
        let path = self.path.join("lock");
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(&path)
            .map_err(Error::io(format!("open {}", path.display())))
    }
}

fn read_pid(file: &mut File) -> Option<Pid> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok().map(Pid::from_raw)
}

fn is_alive(pid: Pid) -> bool {
    // EPERM: it is there and belongs to somebody else.
    matches!(kill(pid, None), Ok(()) | Err(Errno::EPERM))
}

/// The directory is ours while this, or a process that was started with it, lives.
#[derive(Debug)]
pub struct Lock {
    _flock: Flock<File>,
}

impl Lock {
    fn take(mut flock: Flock<File>) -> std::io::Result<Self> {
        flock.set_len(0)?;
        flock.rewind()?;
        writeln!(flock, "{}", std::process::id())?;
        fcntl(flock.as_fd(), FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(Self { _flock: flock })
    }
}

/// Writes a file so that it is seen whole or not at all, also after a power cut.
pub fn write_whole(path: &Path, content: &str, mode: u32) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
