//! The user that the role `api` runs as, and what of the data directory is theirs.
//!
//! A root that starts `baryon up` does not give root to the process that strangers talk to. That one
//! gets a user of its own: the one that the configuration names, else `baryon` where there is one,
//! else a number that no distribution gives away ([`NUMBER`]). Whoever is not root keeps their own.
//!
//! ```text
//! data directory                        root : group of the user, 1770
//!   version, instance, lock, ...        root's
//!   baryon.db, keys/, clouds.yaml       the user's
//! ```
//!
//! The sticky directory lets the user make files (a database makes some beside itself) and keeps it
//! from replacing those that root opens by name: a lock that became a link to elsewhere would have
//! root write there.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, ErrorKind},
    os::{
        fd::AsRawFd as _,
        unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    },
    path::{Path, PathBuf},
};

use nix::{
    fcntl::OFlag,
    unistd::{User, geteuid},
};
use serde::{Deserialize, Serialize};

use crate::{Error, error::Result};

/// The name that is looked for when the configuration has none.
const NAME: &str = "baryon";
/// User and group without a name. It lies in the gap between what Debian and systemd give to services
/// of a moment (up to 65519) and `nobody` (65534), which is not taken because whoever else runs as
/// nobody could read the keys.
const NUMBER: u32 = 65_530;
/// What in the data directory is the user's. The database has files beside it whose names begin as its own.
const THEIRS: [&str; 3] = ["baryon.db", "keys", "clouds.yaml"];

/// A user and their group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Account {
    /// The user for the role, by the configuration's `api.user`; none when this process is not root and
    /// so can only be itself.
    pub fn choose(wanted: Option<&str>) -> Result<Option<Self>> {
        if !geteuid().is_root() {
            return match wanted {
                Some(name) if Self::named(name)?.is_none_or(|account| account.uid != geteuid().as_raw()) => {
                    Err(Error::Usage(format!(
                        "api.user = {name:?} needs root: run `baryon up` as root, or leave the key out to run as yourself"
                    )))
                }
                _ => Ok(None),
            };
        }
        match wanted {
            Some(name) => match Self::named(name)? {
                Some(Self { uid: 0, .. }) => Err(Error::Usage(format!(
                    "api.user = {name:?} is root, which the process that strangers talk to shall not be; make a user for \
                     it (useradd --system baryon), or leave the key out"
                ))),
                Some(account) => Ok(Some(account)),
                None => Err(Error::Usage(format!(
                    "api.user = {name:?}: there is no such user; make one (useradd --system {name}), or leave the key out"
                ))),
            },
            None => Ok(Some(Self::named(NAME)?.unwrap_or(Self { uid: NUMBER, gid: NUMBER }))),
        }
    }

    /// Whoever runs this process.
    #[must_use]
    pub fn own() -> Self {
        Self { uid: geteuid().as_raw(), gid: nix::unistd::getegid().as_raw() }
    }

    /// Lets the user go through the run directory, to the agent's socket.
    pub fn let_into(self, run_dir: &Path) -> Result<()> {
        let failed = || Error::io(format!("let user {} into {}", self.uid, run_dir.display()));
        let directory = File::open(run_dir).map_err(failed())?;
        fchown(&directory, None, Some(self.gid)).map_err(failed())?;
        directory.set_permissions(Permissions::from_mode(0o710)).map_err(failed())
    }

    fn named(name: &str) -> Result<Option<Self>> {
        let user =
            User::from_name(name).map_err(|errno| Error::io(format!("look up the user {name}"))(errno.into()))?;
        Ok(user.map(|user| Self { uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
    }

    /// Whether the user may go through a directory.
    fn passes(self, directory: &fs::Metadata) -> bool {
        let bit = match () {
            () if self.uid == 0 => return true,
            () if directory.uid() == self.uid => 0o100,
            () if directory.gid() == self.gid => 0o010,
            () => 0o001,
        };
        directory.mode() & bit != 0
    }

    /// Makes sure that the user gets as far as a path.
    pub fn require_reach(self, path: &Path) -> Result<()> {
        let mut above: Vec<&Path> = path.ancestors().skip(1).filter(|part| !part.as_os_str().is_empty()).collect();
        above.reverse();
        for directory in above {
            let metadata = match fs::metadata(directory) {
                Ok(metadata) => metadata,
                // It is about to be made.
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(Error::io(format!("look at {}", directory.display()))(error)),
            };
            if !self.passes(&metadata) {
                return Err(Error::OutOfReach {
                    path: path.to_owned(),
                    uid: self.uid,
                    directory: directory.to_owned(),
                    mode: metadata.mode() & 0o7777,
                });
            }
        }
        Ok(())
    }

    /// Makes the data directory the user's, as far as it shall be: also one of an older version, where
    /// everything was root's.
    pub fn take_over(self, data_dir: &Path) -> Result<()> {
        self.require_reach(data_dir)?;
        let failed = |path: &Path| Error::io(format!("give {} to user {}", path.display(), self.uid));
        let directory = File::open(data_dir).map_err(failed(data_dir))?;
        fchown(&directory, None, Some(self.gid)).map_err(failed(data_dir))?;
        directory.set_permissions(Permissions::from_mode(0o1770)).map_err(failed(data_dir))?;
        self.give_content(&directory, |name| THEIRS.iter().any(|theirs| name.starts_with(theirs)))
            .map_err(failed(data_dir))
    }

    fn give_content(self, directory: &File, theirs: fn(&str) -> bool) -> io::Result<()> {
        // By the open directory, whatever its name leads to by now.
        let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(theirs) {
                self.give(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Gives a file or directory that is root's. Links and what has a second name are left alone: they
    /// may have been put there by who wants to own something else.
    fn give(self, path: &Path) -> io::Result<()> {
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
        let open = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
            Ok(open) => open,
            // A link, a socket, or gone.
            Err(error)
                if matches!(error.raw_os_error(), Some(nix::libc::ELOOP | nix::libc::ENXIO | nix::libc::ENOENT)) =>
            {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let metadata = open.metadata()?;
        let ours = metadata.uid() == geteuid().as_raw() && self.uid != metadata.uid();
        if ours && (metadata.is_dir() || (metadata.is_file() && metadata.nlink() == 1)) {
            fchown(&open, Some(self.uid), Some(self.gid))?;
        }
        if metadata.is_dir() { self.give_content(&open, |_| true) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
