//! The agent's end of the socket.
//!
//! One driver, one lock: verbs are carried out one after the other, whoever asks. A connection ends
//! at the first message that is not understood; the other end then knows that what the driver knows
//! is no longer what it thinks.

use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use logical::{Driver, Observed};
use uuid::Uuid;

use super::protocol::{Answer, OBSERVED_PAGE, Request, receive, send};

/// Connections at once. There is one API process; after it was killed, its old connection may still be open.
const MAX_CONNECTIONS: usize = 8;

/// Makes the socket, for root alone, in place of one that a killed agent left.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // The directory is 0700, so nobody gets in between these two.
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves the driver to everyone who connects, until the process ends.
pub fn serve<D: Driver + 'static>(listener: &UnixListener, driver: D) -> io::Result<()> {
    let driver = Arc::new(Mutex::new(driver));
    let start = Uuid::new_v4();
    let connections = Arc::new(());
    for stream in listener.incoming() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                // Out of descriptors, or a peer that went away: neither is a reason to end.
                tracing::warn!("cannot accept a connection: {error}");
                thread::sleep(std::time::Duration::from_millis(100));
                continue;
            }
        };
        if Arc::strong_count(&connections) > MAX_CONNECTIONS {
            tracing::warn!("more than {MAX_CONNECTIONS} connections: one refused");
            continue;
        }
        let (driver, guard) = (Arc::clone(&driver), Arc::clone(&connections));
        thread::Builder::new().name("connection".to_owned()).spawn(move || {
            let _guard = guard;
            match converse(stream, &driver, start) {
                Ok(()) => tracing::debug!("connection closed"),
                Err(error) => tracing::warn!("connection closed: {error}"),
            }
        })?;
    }
    Ok(())
}

fn converse<D: Driver>(stream: UnixStream, driver: &Mutex<D>, start: Uuid) -> io::Result<()> {
    let mut input = io::BufReader::new(stream.try_clone()?);
    let mut output = io::BufWriter::new(stream);
    while let Some(request) = receive(&mut input)? {
        if let Request::Hello { version } = request {
            if version != super::VERSION {
                tracing::warn!("the API process is of version {version}, this agent of {}", super::VERSION);
            }
            send(&mut output, &Answer::Hello { version: super::VERSION.to_owned(), start })?;
            continue;
        }
        // A panic in the driver has ended that verb; the next full pass puts everything right.
        let answer = carry_out(&mut *driver.lock().unwrap_or_else(PoisonError::into_inner), request);
        match answer {
            Reply::One(answer) => send(&mut output, &answer)?,
            Reply::Observed(observed) => send_observed(&mut output, observed)?,
        }
    }
    Ok(())
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
        Request::Hello { .. } => Err(logical::DriverError::Broken("hello is not the driver's".to_owned())),
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
