use std::{
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use logical::{
    Change, Driver, DriverError, NullDriver, Origin, PortId, RecordingDriver, Router, RouterId, Row, RowKey, RowState,
};
use uuid::Uuid;

use crate::account::Account;

use super::{
    Drivers, RemoteDriver, Socket, bind,
    protocol::{Answer, Request, receive, send},
    serve,
};

const REGION: &str = "RegionOne";

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("baryon-agent-{}", Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        super::socket(&self.0)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn router(number: u128) -> Change {
    let id = Uuid::from_u128(number);
    Change::Put(Row::Router(Arc::new(Router { id: RouterId(id), origin: Origin::new("router", id), enabled: true })))
}

fn remote(directory: &Directory) -> RemoteDriver {
    RemoteDriver::new(directory.socket(), REGION.to_owned())
}

/// A driver of the one region.
fn one<D>(driver: D) -> Drivers<D> {
    Drivers::from([(REGION.to_owned(), Mutex::new(driver))])
}

fn serve_null(socket: &Path) {
    let listener = bind(socket, Account::own()).unwrap();
    thread::spawn(move || serve(&listener, one(NullDriver::default())));
}

#[test]
fn rows_go_through_the_socket_and_come_back_as_observations() {
    let directory = Directory::new();
    let listener = bind(&directory.socket(), Account::own()).unwrap();
    let (driver, record) = RecordingDriver::new(NullDriver::default());
    thread::spawn(move || serve(&listener, one(driver)));

    let mut remote = remote(&directory);
    assert_eq!(remote.capabilities().unwrap(), NullDriver::default().capabilities().unwrap());
    assert!(remote.observe().unwrap().is_empty());
    // More than one page of observations.
    let changes: Vec<Change> = (0..20_000).map(router).collect();
    let outcomes = remote.apply(&changes).unwrap();
    assert_eq!(outcomes.len(), changes.len());
    assert!(outcomes.iter().all(|outcome| outcome.state == RowState::Applied));
    assert_eq!(*record.lock().unwrap(), changes);
    let observed = remote.observe().unwrap();
    assert_eq!(observed.len(), changes.len());
    assert!(observed.contains_key(&RowKey::Router(RouterId(Uuid::from_u128(19_999)))));
    assert_eq!(remote.sweep().unwrap().removed, Vec::<String>::new());
    assert!(remote.disturbed().unwrap().is_empty());
    assert!(remote.drops(PortId(Uuid::nil())).unwrap().is_empty());
}

#[test]
fn without_an_agent_the_state_is_unknown_and_it_is_found_when_it_comes() {
    let directory = Directory::new();
    let mut remote = remote(&directory);
    assert!(matches!(remote.observe(), Err(DriverError::Unreachable(_))));
    serve_null(&directory.socket());
    remote.observe().unwrap();
}

/// Serves one connection: who it is, that it knows nothing, and then it is gone.
fn serve_briefly(socket: &Path) -> thread::JoinHandle<()> {
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = &stream;
        let hello = Answer::Hello { version: super::VERSION.to_owned(), start: Uuid::nil() };
        for answer in [hello, Answer::Observed { rows: Vec::new(), more: false }] {
            receive::<Request>(&mut stream).unwrap();
            send(&mut stream, &answer).unwrap();
        }
    })
}

#[test]
fn a_loss_that_somebody_else_saw_is_told_once() {
    let directory = Directory::new();
    let first = serve_briefly(&directory.socket());
    let mut remote = remote(&directory);
    remote.observe().unwrap();
    first.join().unwrap();
    serve_null(&directory.socket());

    assert!(remote.drops(PortId(Uuid::nil())).is_err());
    remote.drops(PortId(Uuid::nil())).unwrap();
    assert!(matches!(remote.disturbed(), Err(DriverError::Unreachable(_))));
    remote.disturbed().unwrap();
    remote.observe().unwrap();
    remote.sweep().unwrap();
}

#[test]
fn an_agent_that_was_replaced_sweeps_nothing_before_it_was_asked_what_it_knows() {
    let directory = Directory::new();
    let first = serve_briefly(&directory.socket());
    let mut remote = remote(&directory);
    remote.observe().unwrap();
    first.join().unwrap();
    serve_null(&directory.socket());

    assert!(matches!(remote.apply(&[router(1)]), Err(DriverError::Unreachable(_))));
    // Both may be asked at any time; that alone makes nothing known.
    remote.drops(PortId(Uuid::nil())).unwrap();
    remote.disturbed().unwrap();
    assert!(matches!(remote.sweep(), Err(DriverError::Unreachable(_))));
    assert!(matches!(remote.apply(&[router(1)]), Err(DriverError::Unreachable(_))));
    remote.observe().unwrap();
    remote.apply(&[router(1)]).unwrap();
    remote.sweep().unwrap();
}

#[test]
fn a_region_has_its_own_driver_and_knows_nothing_of_anothers() {
    let directory = Directory::new();
    let listener = bind(&directory.socket(), Account::own()).unwrap();
    let drivers = ["cbk", "fes"].map(|region| (region.to_owned(), Mutex::new(NullDriver::default())));
    thread::spawn(move || serve(&listener, Drivers::from(drivers)));

    let of = |region: &str| RemoteDriver::new(directory.socket(), region.to_owned());
    let (mut cbk, mut fes) = (of("cbk"), of("fes"));
    cbk.observe().unwrap();
    fes.observe().unwrap();
    cbk.apply(&[router(1)]).unwrap();
    assert_eq!((cbk.observe().unwrap().len(), fes.observe().unwrap().len()), (1, 0));

    let error = of("dbl").observe().unwrap_err().to_string();
    assert!(error.ends_with("it has no datapath of a region dbl, only of cbk, fes"), "{error}");
}

#[test]
fn others_than_the_one_user_are_not_spoken_with() {
    let directory = Directory::new();
    let stranger = Account { uid: Account::own().uid + 1, ..Account::own() };
    // The socket is ours by its mode, so only the look at who connects keeps us out.
    let listener = bind(&directory.socket(), Account::own()).unwrap();
    let listener = Socket { peer: stranger.uid, ..listener };
    thread::spawn(move || serve(&listener, one(NullDriver::default())));
    let mut remote = remote(&directory);
    assert!(matches!(remote.observe(), Err(DriverError::Unreachable(_))));
}
