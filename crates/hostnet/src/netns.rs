//! Network namespaces, named as `ip netns` names them.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::fd::{AsFd, BorrowedFd},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    getsockopt_impl, libc,
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, setns, unshare},
    sockopt_impl,
    sys::socket::{AddressFamily, SockFlag, SockType, getsockopt, socket},
};

use crate::{Error, Result};

/// Where `ip netns` keeps its bind mounts.
const DIRECTORY: &str = "/run/netns";

sockopt_impl!(
    /// A number that the kernel gives to each network namespace once (`SO_NETNS_COOKIE`).
    NetnsCookie,
    GetOnly,
    libc::SOL_SOCKET,
    libc::SO_NETNS_COOKIE,
    u64
);

/// A network namespace that is held open: it lives as long as this value or a clone of it.
#[derive(Clone, Debug)]
pub struct Netns {
    file: Arc<File>,
    identity: u64,
    label: String,
}

impl Netns {
    /// Makes a new namespace under a name, as `ip netns add` does. Its loopback is down.
    pub fn create(name: &str) -> Result<Self> {
        let path = path_of(name)?;
        prepare_directory()?;
        let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o000).open(&path);
        match made {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::NetnsExists { name: name.to_owned() });
            }
            Err(error) => return Err(Error::io(format!("create '{}'", path.display()), error)),
        }
        let mounted = on_fresh_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            mount(Some("/proc/thread-self/ns/net"), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        });
        if let Err(errno) = mounted.and_then(|result| result.map_err(io::Error::from)) {
            // The name is ours, so it goes with what failed; the first error is the one to tell.
            let _ = fs::remove_file(&path);
            return Err(Error::io(format!("create network namespace '{name}'"), errno));
        }
        Self::open(name)
    }

    /// Opens a namespace by its name.
    pub fn open(name: &str) -> Result<Self> {
        let path = path_of(name)?;
        match Self::open_labelled(&path, format!("network namespace '{name}'")) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(Error::NetnsNotFound { name: name.to_owned() })
            }
            other => other,
        }
    }

    /// Opens a namespace by a file, such as `/proc/PID/ns/net`.
    pub fn open_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::open_labelled(path, format!("network namespace '{}'", path.display()))
    }

    /// The namespace of the calling thread.
    pub fn current() -> Result<Self> {
        Self::open_labelled(Path::new("/proc/thread-self/ns/net"), "this namespace".to_owned())
    }

    fn open_labelled(path: &Path, label: String) -> Result<Self> {
        let open = |source| Error::io(format!("open {label}"), source);
        let file = File::open(path).map_err(open)?;
        let cookie = on_fresh_thread(|| -> std::result::Result<u64, Errno> {
            setns(&file, CloneFlags::CLONE_NEWNET)?;
            let socket = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
            getsockopt(&socket, NetnsCookie)
        })
        .map_err(open)?;
        match cookie {
            Ok(identity) => Ok(Self { file: Arc::new(file), identity, label }),
            Err(Errno::EINVAL) => Err(Error::NotNetns { path: path.to_owned() }),
            Err(errno) => Err(open(errno.into())),
        }
    }

    /// Removes the name, as `ip netns delete` does; false when there was none. The namespace
    /// itself ends when nothing uses it any more.
    pub fn delete(name: &str) -> Result<bool> {
        let path = path_of(name)?;
        match umount2(&path, MntFlags::MNT_DETACH) {
            // EINVAL: a file without a mount, left by a creation that was cut off.
            Ok(()) | Err(Errno::EINVAL) => {}
            Err(Errno::ENOENT) => return Ok(false),
            Err(errno) => return Err(Error::io(format!("unmount '{}'", path.display()), errno)),
        }
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io(format!("remove '{}'", path.display()), error)),
        }
    }

    /// The names of all named namespaces, sorted.
    pub fn list() -> Result<Vec<String>> {
        let list = |source| Error::io(format!("list '{DIRECTORY}'"), source);
        let entries = match fs::read_dir(DIRECTORY) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(list(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            if let Ok(name) = entry.map_err(list)?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// A number that no other namespace has had since the host started.
    ///
    /// It is the kernel's namespace cookie and not the inode number of the namespace's file: the
    /// kernel hands a freed inode number to the very next namespace, so a namespace that is deleted
    /// and made again usually has the inode of its predecessor.
    #[must_use]
    pub fn identity(&self) -> u64 {
        self.identity
    }

    /// The open file, for calls that take a namespace by descriptor.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Runs `task` on a fresh thread inside the namespace and waits for it.
    ///
    /// # Panics
    /// When `task` panics, with its panic.
    pub fn run<T: Send>(&self, task: impl FnOnce() -> T + Send) -> Result<T> {
        on_fresh_thread(|| setns(self.fd(), CloneFlags::CLONE_NEWNET).map(|()| task()))
            .and_then(|result| result.map_err(io::Error::from))
            .map_err(|source| Error::io(format!("enter {}", self.label), source))
    }

    /// Moves the calling thread, and what it starts from now on, into the namespace. For the start
    /// of a process; elsewhere [`Netns::run`] is the way that leaves no thread behind.
    pub fn enter(&self) -> Result<()> {
        setns(self.fd(), CloneFlags::CLONE_NEWNET).map_err(|errno| Error::io(format!("enter {}", self.label), errno))
    }

    /// The namespace in words, for messages: `network namespace 'web1'`.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl PartialEq for Netns {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl Eq for Netns {}

fn path_of(name: &str) -> Result<PathBuf> {
    let good = (1..=255).contains(&name.len()) && !name.contains(['/', '\0']) && name != "." && name != "..";
    if good { Ok(Path::new(DIRECTORY).join(name)) } else { Err(Error::InvalidNetnsName { name: name.to_owned() }) }
}

/// Makes `/run/netns` a shared mount point, so that names made in one mount namespace appear and
/// vanish in all others. Without it a service with a mount namespace of its own would pin deleted
/// namespaces for ever.
fn prepare_directory() -> Result<()> {
    let io = |source: io::Error| Error::io(format!("prepare '{DIRECTORY}'"), source);
    fs::DirBuilder::new().recursive(true).mode(0o755).create(DIRECTORY).map_err(io)?;
    // The same lock that `ip netns` takes: two that start at once must not mount one over the other.
    let directory = File::open(DIRECTORY).map_err(io)?;
    let _lock = Flock::lock(directory, FlockArg::LockExclusive).map_err(|(_, errno)| io(errno.into()))?;
    let share = || mount(None::<&str>, DIRECTORY, None::<&str>, MsFlags::MS_SHARED | MsFlags::MS_REC, None::<&str>);
    match share() {
        Ok(()) => Ok(()),
        // Not a mount point yet: become one by a bind mount onto itself.
        Err(Errno::EINVAL) => {
            mount(Some(DIRECTORY), DIRECTORY, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
                .and_then(|()| share())
                .map_err(|errno| io(errno.into()))
        }
        Err(errno) => Err(io(errno.into())),
    }
}

/// Runs `task` on a thread of its own; a panic in it continues here.
fn on_fresh_thread<T: Send>(task: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("netns".to_owned()).spawn_scoped(scope, task)?;
        thread.join().map_err(|panic| std::panic::resume_unwind(panic))
    })
}
