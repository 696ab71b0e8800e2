//! Objects in a real store, a driver that records and can be told to fail.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use intent::World;
use logical::{
    Capabilities, Capability, Change, Driver, DriverError, DropCount, NullDriver, Observed, Outcome, PortId, RowKey,
    RowState, Swept,
};
use model::{FixedIp, Network, Port, Resource, Subnet, Timestamp};
use reconcile::{Reconciler, Regions};
use store::{ChangeSeq, Fence, Store, StoreError};
use types::{MacAddr, NetworkId, PortId as ApiPortId, ProjectId, RouterId, SubnetId};

const REGION: &str = "RegionOne";

/// What the test tells the driver to do, and what it saw.
#[derive(Default)]
struct Script {
    /// The next calls to `apply` fail as a whole after they were carried out.
    broken: u32,
    /// Ports wait, with this reason.
    waiting: Option<String>,
    /// It cannot translate addresses.
    no_nat: bool,
    applied: Vec<Change>,
}

/// A driver that outlives the reconcilers that use it, as an agent does.
#[derive(Clone, Default)]
struct Scripted {
    script: Arc<Mutex<Script>>,
    inner: Arc<Mutex<NullDriver>>,
}

impl Driver for Scripted {
    fn capabilities(&mut self) -> Result<Capabilities, DriverError> {
        let mut all = self.inner.lock().unwrap().capabilities()?;
        if self.script.lock().unwrap().no_nat {
            all.remove(&Capability::Nat4);
        }
        Ok(all)
    }

    fn observe(&mut self) -> Result<Observed, DriverError> {
        self.inner.lock().unwrap().observe()
    }

    fn apply(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, DriverError> {
        let mut script = self.script.lock().unwrap();
        script.applied.extend_from_slice(changes);
        if script.broken > 0 {
            script.broken -= 1;
            return Err(DriverError::Broken("told to".to_owned()));
        }
        let mut outcomes = self.inner.lock().unwrap().apply(changes)?;
        if let Some(reason) = &script.waiting {
            let ports = outcomes.iter_mut().filter(|o| matches!(o.key, RowKey::Port(_)));
            ports.for_each(|o| o.state = RowState::Waiting { reason: reason.clone() });
        }
        Ok(outcomes)
    }

    fn sweep(&mut self) -> Result<Swept, DriverError> {
        Ok(Swept::default())
    }

    fn disturbed(&mut self) -> Result<Vec<RowKey>, DriverError> {
        Ok(Vec::new())
    }

    fn drops(&mut self, _port: PortId) -> Result<Vec<DropCount>, DriverError> {
        Ok(Vec::new())
    }
}

struct Fixture {
    store: Store,
    driver: Scripted,
    directory: PathBuf,
    port: ApiPortId,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

fn start<R: Resource>(id: R::Id) -> R {
    R::start(id, "p".parse::<ProjectId>().unwrap(), "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap())
}

impl Fixture {
    /// A network with a subnet and a router's port.
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("reconcile-{name}-{}", std::process::id()));
        std::fs::remove_dir_all(&directory).ok();
        std::fs::create_dir_all(&directory).unwrap();
        let store = Store::open(&directory.join("baryon.db")).unwrap();
        let (network, subnet, port) = (NetworkId::random(), SubnetId::random(), ApiPortId::random());
        store
            .write_blocking(move |tx| {
                tx.insert(REGION, &Network { mtu: 1500, admin_state_up: true, ..start(network) })?;
                tx.insert(
                    REGION,
                    &Subnet { network_id: network, cidr: "10.0.0.0/24".parse().unwrap(), ..start(subnet) },
                )?;
                tx.insert(
                    REGION,
                    &Port {
                        network_id: network,
                        mac_address: MacAddr([0xfa, 0x16, 0x3e, 0, 0, 1]),
                        admin_state_up: true,
                        device_owner: "network:router_interface".to_owned(),
                        device_id: RouterId::random().to_string(),
                        fixed_ips: vec![FixedIp { subnet_id: subnet, ip_address: "10.0.0.1".parse().unwrap() }],
                        ..start(port)
                    },
                )?;
                Ok::<_, StoreError>(())
            })
            .unwrap();
        Self { store, driver: Scripted::default(), directory, port }
    }

    fn spawn(&self) -> Reconciler {
        Reconciler::spawn(self.store.clone(), REGION.to_owned(), Box::new(self.driver.clone())).unwrap()
    }

    fn port(&self) -> Port {
        let id = self.port;
        self.store.read_blocking(move |read| read.get::<Port>(REGION, id)).unwrap().unwrap()
    }

    fn newest(&self) -> ChangeSeq {
        self.store.newest_change()
    }

    fn wait(&self, reconciler: &Reconciler) {
        Regions::new([reconciler]).wait_applied(REGION, self.newest(), Duration::from_secs(20)).unwrap();
    }
}

fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !check() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_change_reaches_the_driver_and_the_status_comes_back() {
    let fixture = Fixture::new("status");
    let reconciler = fixture.spawn();
    fixture.wait(&reconciler);
    eventually("the port is ACTIVE", || fixture.port().status == "ACTIVE");

    let port = fixture.port();
    let mut down = port.clone();
    down.admin_state_up = false;
    fixture.store.write_blocking(move |tx| tx.update(REGION, &port, &down)).unwrap();
    fixture.wait(&reconciler);
    eventually("the port is DOWN", || fixture.port().status == "DOWN");
}

#[test]
fn starting_again_changes_nothing() {
    let fixture = Fixture::new("again");
    let first = fixture.spawn();
    fixture.wait(&first);
    first.stop();
    let before = fixture.driver.script.lock().unwrap().applied.len();
    assert!(before > 0);
    let second = fixture.spawn();
    fixture.wait(&second);
    assert_eq!(fixture.driver.script.lock().unwrap().applied.len(), before);
}

#[test]
fn after_a_failed_call_everything_is_unknown_and_put_again() {
    let fixture = Fixture::new("broken");
    fixture.driver.script.lock().unwrap().broken = 2;
    let reconciler = fixture.spawn();
    fixture.wait(&reconciler);
    eventually("the port is ACTIVE", || fixture.port().status == "ACTIVE");
    let applied = fixture.driver.script.lock().unwrap().applied.len();
    assert_eq!(applied % 3, 0, "three times the same batch: {applied}");
    eventually("the failures are counted and over", || {
        let status = Regions::new([&reconciler]).status(REGION).unwrap();
        status.driver_ok && status.counters["failed_passes"] == 2
    });
}

#[test]
fn a_row_that_waits_says_why_and_is_tried_again() {
    let fixture = Fixture::new("waiting");
    fixture.driver.script.lock().unwrap().waiting = Some("namespace web1 does not exist".to_owned());
    let reconciler = fixture.spawn();
    fixture.wait(&reconciler);
    eventually("the reason shows", || fixture.port().status_error.as_deref() == Some("namespace web1 does not exist"));
    assert_eq!(fixture.port().status, "DOWN");
    let subject = ("port".to_owned(), fixture.port.to_string());
    eventually("the problem is listed", || {
        let problems = Regions::new([&reconciler]).status(REGION).unwrap().problems;
        problems.iter().any(|p| p.waiting && p.subject == subject)
    });

    fixture.driver.script.lock().unwrap().waiting = None;
    eventually("the port is ACTIVE", || fixture.port().status == "ACTIVE" && fixture.port().status_error.is_none());
}

#[test]
fn what_was_removed_while_nobody_looked_is_removed_from_the_driver() {
    let fixture = Fixture::new("removed");
    let first = fixture.spawn();
    fixture.wait(&first);
    first.stop();
    let id = fixture.port;
    fixture.store.write_blocking(move |tx| tx.delete::<Port>(REGION, id)).unwrap();
    let second = fixture.spawn();
    fixture.wait(&second);
    let removed = Change::Remove(RowKey::Port(PortId(id.0)));
    assert!(fixture.driver.script.lock().unwrap().applied.contains(&removed));
}

#[test]
fn a_status_that_the_store_refused_is_written_when_the_lease_is_back() {
    let fixture = Fixture::new("refused");
    let reconciler = fixture.spawn();
    eventually("the port is ACTIVE", || fixture.port().status == "ACTIVE");

    // Somebody else owns the region for a moment: writes with the old fence are refused.
    fixture.store.release_lease(REGION, Fence(1)).unwrap();
    fixture.store.acquire_lease(REGION, "another process", Duration::from_secs(1)).unwrap();
    let port = fixture.port();
    let mut down = port.clone();
    down.admin_state_up = false;
    fixture.store.write_blocking(move |tx| tx.update(REGION, &port, &down)).unwrap();
    eventually("a pass failed", || {
        let counters = Regions::new([&reconciler]).status(REGION).unwrap().counters;
        counters.get("failed_passes").is_some_and(|count| *count > 0)
    });
    eventually("the port is DOWN", || fixture.port().status == "DOWN");
}

#[test]
fn what_the_driver_can_do_is_asked_again_when_it_may_be_another() {
    let fixture = Fixture::new("capabilities");
    fixture.driver.script.lock().unwrap().no_nat = true;
    let reconciler = fixture.spawn();
    fixture.wait(&reconciler);
    let supports = |extension: &str| Regions::new([&reconciler]).supports(REGION, extension).unwrap();
    assert!(!supports("router") && supports("security-group") && supports("pagination"));

    {
        let mut script = fixture.driver.script.lock().unwrap();
        script.no_nat = false;
        script.broken = 1;
    }
    let port = fixture.port();
    let mut down = port.clone();
    down.admin_state_up = false;
    fixture.store.write_blocking(move |tx| tx.update(REGION, &port, &down)).unwrap();
    eventually("routers are offered", || supports("router"));
}
