//! What one test owns in the kernel, and who may remove it.
//!
//! A scope is a name, unique while it lives, that begins the name of every namespace of the test, and a directory. A file
//! `<name>.lock` beside the directory is locked (`flock`) as long as the test's process lives, and by nothing else, since
//! no child inherits it. So whoever can take the lock knows that the owner is gone, however it died, and may remove what
//! is left: that is [`purge`], which every new scope does first. A live scope, of a test that runs in parallel, is never
//! touched.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MntFlags, umount2};

use crate::error::{Error, Result};
use crate::netns::Netns;

const ROOT: &str = "/run/baryon-testkit";

/// Where in a scope's directory an instance of Baryon keeps its data.
pub(crate) const DATA_DIR: &str = "data";

/// The namespaces and the directory of one test. They go with the value.
#[derive(Debug)]
pub struct Scope {
    name: String,
    lock: Option<Flock<File>>,
}

impl Scope {
    /// A new one; what dead ones left is removed first.
    pub fn new() -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        purge()?;
        loop {
            // Short, since interface names are made of it: at most 15 characters.
            let name = format!("bt{:x}{}", std::process::id(), suffix(NEXT.fetch_add(1, Ordering::Relaxed)));
            let Some(lock) = take(&lock_path(&name), true)? else { continue };
            let scope = Self { name, lock: Some(lock) };
            fs::create_dir(scope.dir()).map_err(Error::io(format!("cannot make {}", scope.dir().display())))?;
            return Ok(scope);
        }
    }

    /// The name that begins all other names.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A directory of its own, for data, sockets and logs.
    pub fn dir(&self) -> PathBuf {
        Path::new(ROOT).join(&self.name)
    }

    /// A new namespace called `<scope>-<suffix>`.
    pub fn netns(&self, suffix: &str) -> Result<Netns> {
        let netns = Netns::named(format!("{}-{suffix}", self.name));
        netns.create()?;
        Ok(netns)
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let Some(lock) = self.lock.take() else { return };
        // A test that failed already must not be hidden by a second panic: what stays is for the next purge.
        if std::env::var_os("BARYON_TEST_KEEP").is_some() {
            eprintln!("kept: namespaces {0}-*, {ROOT}/{0}", self.name);
        } else if let Err(error) = remove(&self.name) {
            eprintln!("cannot remove what {} made: {error}", self.name);
        }
        drop(lock);
    }
}

/// A number in letters that are no hexadecimal digits, so that the process id before it ends.
fn suffix(mut n: u32) -> String {
    const LETTERS: &[u8; 16] = b"ghijklmnopqrstuv";
    let mut letters = String::new();
    loop {
        letters.push(char::from(LETTERS[(n % 16) as usize]));
        n /= 16;
        if n == 0 {
            return letters;
        }
    }
}

fn lock_path(name: &str) -> PathBuf {
    Path::new(ROOT).join(format!("{name}.lock"))
}

/// Takes the lock; `None` when another holds it, or it vanished under us.
fn take(path: &Path, create: bool) -> Result<Option<Flock<File>>> {
    let file = match OpenOptions::new().read(true).write(true).create(create).truncate(false).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(format!("cannot open {}", path.display()))(e)),
    };
    let Ok(lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) else { return Ok(None) };
    // Between open and lock its owner may have removed the file: then this lock guards nothing.
    let same = match (lock.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(named)) => ours.ino() == named.ino(),
        _ => false,
    };
    Ok(same.then_some(lock))
}

/// Removes what scopes whose owner is gone left behind: processes, namespaces, mounts and directories.
pub fn purge() -> Result<()> {
    fs::create_dir_all(ROOT).map_err(Error::io(format!("cannot make {ROOT}")))?;
    for entry in fs::read_dir(ROOT).map_err(Error::io(ROOT))?.flatten() {
        let file = entry.file_name();
        let Some(name) = file.to_str().and_then(|f| f.strip_suffix(".lock")) else { continue };
        if let Some(_lock) = take(&lock_path(name), false)? {
            remove(name)?;
        }
    }
    Ok(())
}

/// Removes a scope; the caller holds its lock.
fn remove(name: &str) -> Result<()> {
    let dir = Path::new(ROOT).join(name);
    // What a `baryon` made is named after its instance.
    let instance = fs::read_to_string(dir.join(DATA_DIR).join("instance")).ok();
    let service = instance.map(|id| format!("baryon-{}-", id.trim()));
    for found in hostnet::Netns::list()? {
        let ours = found.starts_with(&format!("{name}-"));
        if ours || service.as_ref().is_some_and(|prefix| found.starts_with(prefix)) {
            Netns::named(found).remove()?;
        }
    }
    unmount_below(&dir)?;
    match fs::remove_dir_all(&dir) {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            return Err(Error::io(format!("cannot remove {}", dir.display()))(e));
        }
        _ => {}
    }
    fs::remove_file(lock_path(name)).map_err(Error::io(format!("cannot remove {}", lock_path(name).display())))
}

fn unmount_below(dir: &Path) -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mounts").map_err(Error::io("/proc/self/mounts"))?;
    // The youngest first: a mount below another must go before it.
    for point in mounts.lines().rev().filter_map(|line| line.split(' ').nth(1)) {
        if Path::new(point).starts_with(dir) {
            umount2(point, MntFlags::MNT_DETACH)
                .map_err(|e| Error::Io { what: format!("cannot unmount {point}"), source: e.into() })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_short_and_differ() {
        let names: std::collections::BTreeSet<String> = (0..300).map(suffix).collect();
        assert_eq!(names.len(), 300);
        assert!(names.iter().all(|n| n.len() <= 3));
    }

    #[test]
    fn a_live_scope_survives_a_purge_and_a_dead_one_does_not() {
        let live = Scope::new().unwrap();
        let netns = live.netns("a").unwrap();

        // What a killed run leaves: everything but the lock that its process held.
        let mut dead = Scope::new().unwrap();
        let left = dead.netns("b").unwrap();
        let mut sleeper = left.command("sleep").arg("1000").spawn().unwrap();
        let dir = dead.dir();
        drop(dead.lock.take());

        purge().unwrap();
        assert!(netns.exists(), "a live namespace was purged");
        assert!(!left.exists(), "a dead namespace stayed");
        assert!(!dir.exists(), "a dead directory stayed");
        assert!(!sleeper.wait().unwrap().success(), "a process of a dead scope lives");

        let name = live.name().to_owned();
        drop(live);
        assert!(!netns.exists());
        assert!(!lock_path(&name).exists());
    }
}
