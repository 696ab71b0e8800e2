//! The agent's end of the socket.
//!
//! A driver per region, and one lock each: a region's verbs are carried out one after the other,
//! whoever asks, while regions do not wait for each other. A connection begins by naming its region
//! and ends at the first message that is not understood; the other end then knows that what the
//! driver knows is no longer what it thinks.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, ErrorKind},
    os::unix::{
        fs::{PermissionsExt, chown},
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use logical::{Driver, DriverError, Observed};
use nix::{
    sys::socket::{getsockopt, sockopt::PeerCredentials},
    unistd::geteuid,
};
use uuid::Uuid;

use super::protocol::{Answer, OBSERVED_PAGE, Request, receive, send};
use crate::account::Account;

/// Connections at once, for each region. There is one API process with one connection for a region; after it was
/// killed, its old one may still be open.
const MAX_CONNECTIONS: usize = 8;

/// The socket, and who may speak there.
#[derive(Debug)]
pub struct Socket {
    pub(super) listener: UnixListener,
    /// The user at the other end.
    pub(super) peer: u32,
}

/// Makes the socket, for one user alone, in place of one that a killed agent left.
pub fn bind(path: &Path, peer: Account) -> io::Result<Socket> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Until its owner changes the socket is root's, and it is never writable by others.
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    if peer.uid != geteuid().as_raw() {
        chown(path, Some(peer.uid), Some(peer.gid))?;
    }
    Ok(Socket { listener, peer: peer.uid })
}

impl Socket {
    /// The socket's mode keeps others out; this holds also when somebody has changed that, or was let in by
    /// a right of their own.
    fn admits(&self, stream: &UnixStream) -> bool {
        match getsockopt(stream, PeerCredentials) {
            Ok(credentials) if credentials.uid() == self.peer => true,
            Ok(credentials) => {
                tracing::warn!(
                    "a connection of user {} (pid {}) refused: only user {} may speak here",
                    credentials.uid(),
                    credentials.pid(),
                    self.peer
                );
                false
            }
            Err(error) => {
                tracing::warn!("a connection refused, since it is not known whose it is: {error}");
                false
            }
        }
    }
}

/// The drivers by their regions' names.
pub type Drivers<D> = BTreeMap<String, Mutex<D>>;

/// Serves the drivers to everyone who connects, until the process ends.
pub fn serve<D: Driver + 'static>(socket: &Socket, drivers: Drivers<D>) -> io::Result<()> {
    let drivers = Arc::new(drivers);
    let start = Uuid::new_v4();
    let connections = Arc::new(());
    let most = MAX_CONNECTIONS * drivers.len();
    for stream in socket.listener.incoming() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                // Out of descriptors, or a peer that went away: neither is a reason to end.
                tracing::warn!("cannot accept a connection: {error}");
                thread::sleep(std::time::Duration::from_millis(100));
                continue;
            }
        };
        if !socket.admits(&stream) {
            continue;
        }
        if Arc::strong_count(&connections) > most {
            tracing::warn!("more than {most} connections: one refused");
            continue;
        }
        let (drivers, guard) = (Arc::clone(&drivers), Arc::clone(&connections));
        thread::Builder::new().name("connection".to_owned()).spawn(move || {
            let _guard = guard;
            match converse(stream, &drivers, start) {
                Ok(()) => tracing::debug!("connection closed"),
                Err(error) => tracing::warn!("connection closed: {error}"),
            }
        })?;
    }
    Ok(())
}

fn converse<D: Driver>(stream: UnixStream, drivers: &Drivers<D>, start: Uuid) -> io::Result<()> {
    let mut input = io::BufReader::new(stream.try_clone()?);
    let mut output = io::BufWriter::new(stream);
    let mut chosen = None;
    while let Some(request) = receive(&mut input)? {
        if let Request::Hello { version, region } = request {
            if version != super::VERSION {
                tracing::warn!("the API process is of version {version}, this agent of {}", super::VERSION);
            }
            chosen = drivers.get(&region);
            let answer = match chosen {
                Some(_) => Answer::Hello { version: super::VERSION.to_owned(), start },
                None => Answer::Failed(no_driver(&region, drivers.keys())),
            };
            send(&mut output, &answer)?;
            continue;
        }
        let Some(driver) = chosen else {
            send(&mut output, &Answer::Failed(DriverError::Broken("no region was named yet".to_owned())))?;
            continue;
        };
        // A panic in the driver has ended that verb; the next full pass puts everything right.
        let answer = carry_out(&mut *driver.lock().unwrap_or_else(PoisonError::into_inner), request);
        match answer {
            Reply::One(answer) => send(&mut output, &answer)?,
            Reply::Observed(observed) => send_observed(&mut output, observed)?,
        }
    }
    Ok(())
}

fn no_driver<'a>(region: &str, known: impl Iterator<Item = &'a String>) -> DriverError {
    let known: Vec<_> = known.map(String::as_str).collect();
    DriverError::Broken(format!("it has no datapath of a region {region}, only of {}", known.join(", ")))
}

enum Reply {
    One(Answer),
    Observed(Observed),
}

fn carry_out<D: Driver>(driver: &mut D, request: Request) -> Reply {
    let answer = match request {
        Request::Observe => match driver.observe() {
            Ok(observed) => return Reply::Observed(observed),
            Err(error) => Err(error),
        },
        Request::Capabilities => driver.capabilities().map(|all| Answer::Capabilities(all.into_iter().collect())),
        Request::Apply(changes) => driver.apply(&changes).map(Answer::Applied),
        Request::Sweep => driver.sweep().map(Answer::Swept),
        Request::Disturbed => driver.disturbed().map(Answer::Disturbed),
        Request::Drops(port) => driver.drops(port).map(Answer::Drops),
        Request::Hello { .. } => Err(DriverError::Broken("hello is not the driver's".to_owned())),
    };
    Reply::One(answer.unwrap_or_else(Answer::Failed))
}

fn send_observed(output: &mut impl io::Write, observed: Observed) -> io::Result<()> {
    let mut rows = observed.into_iter().peekable();
    loop {
        let page: Vec<_> = rows.by_ref().take(OBSERVED_PAGE).collect();
        let more = rows.peek().is_some();
        send(output, &Answer::Observed { rows: page, more })?;
        if !more {
            return Ok(());
        }
    }
}
