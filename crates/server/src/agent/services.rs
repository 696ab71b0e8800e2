//! The services process, fed with the records of ports.
//!
//! The driver gives each guest port a service address; the services know a port by nothing else.
//! [`ServingDriver`] stands in front of the driver and passes on, for each port that was put, what
//! DHCP and metadata are to say to it. The process is started again when it dies, with all records
//! anew; what a guest had asked meanwhile it asks again.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::Ipv4Addr,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use driver_ebpf::{EbpfDriver, ServiceChange, ServicePort};
use host_services::config::{PortEntry, Update};
use hostnet::Netns;
use logical::{Capabilities, Change, Driver, DriverError, DropCount, Observed, Outcome, PortId, RowKey, Swept};

use crate::{Error, config::LogConfig, error::Result};

/// Updates that may wait for the process to start again; beyond them the driver waits.
const WAITING: usize = 1024;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often the process is looked at when there is nothing to tell it.
const LOOK: Duration = Duration::from_millis(500);

/// The eBPF driver, whose ports are told to the services.
#[derive(Debug)]
pub struct ServingDriver {
    driver: EbpfDriver,
    services: SyncSender<Update>,
    addresses: BTreeMap<PortId, Ipv4Addr>,
}

impl ServingDriver {
    /// Puts the services behind a driver.
    pub fn new(driver: EbpfDriver, services: SyncSender<Update>) -> Self {
        Self { driver, services, addresses: BTreeMap::new() }
    }

    /// Passes on what the last verb changed.
    fn tell(&mut self) {
        for change in self.driver.take_service_changes() {
            match change {
                ServiceChange::Put(ServicePort { port, address, mac, services }) => {
                    if let Some(old) = self.addresses.insert(port, address)
                        && old != address
                    {
                        self.send(Update::Remove { service_address: old });
                    }
                    self.send(Update::Put(PortEntry { service_address: address, port, mac, services }));
                }
                ServiceChange::Remove(port) => {
                    if let Some(service_address) = self.addresses.remove(&port) {
                        self.send(Update::Remove { service_address });
                    }
                }
            }
        }
    }

    fn send(&self, update: Update) {
        if self.services.send(update).is_err() {
            tracing::error!("the thread that feeds the services has ended");
        }
    }
}

impl Driver for ServingDriver {
    fn capabilities(&mut self) -> Result<Capabilities, DriverError> {
        self.driver.capabilities()
    }

    fn observe(&mut self) -> Result<Observed, DriverError> {
        self.driver.observe()
    }

    fn apply(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, DriverError> {
        let outcomes = self.driver.apply(changes);
        self.tell();
        outcomes
    }

    fn sweep(&mut self) -> Result<Swept, DriverError> {
        let swept = self.driver.sweep();
        self.tell();
        swept
    }

    fn disturbed(&mut self) -> Result<Vec<RowKey>, DriverError> {
        let disturbed = self.driver.disturbed();
        self.tell();
        disturbed
    }

    fn drops(&mut self, port: PortId) -> Result<Vec<DropCount>, DriverError> {
        self.driver.drops(port)
    }
}

/// Starts a region's services in their namespace and keeps them running. The process ends with this
/// one, since its input does.
pub fn start(region: String, netns: Netns, log: LogConfig) -> Result<SyncSender<Update>> {
    let (sender, receiver) = sync_channel(WAITING);
    let feeder = Feeder {
        region,
        netns,
        log,
        entries: BTreeMap::new(),
        process: None,
        pause: FIRST_PAUSE,
        next: Instant::now(),
    };
    thread::Builder::new()
        .name("services".to_owned())
        .spawn(move || feeder.run(&receiver))
        .map_err(Error::io("start the thread that feeds the services"))?;
    Ok(sender)
}

struct Feeder {
    region: String,
    netns: Netns,
    log: LogConfig,
    entries: BTreeMap<Ipv4Addr, PortEntry>,
    process: Option<Process>,
    pause: Duration,
    next: Instant,
}

struct Process {
    child: Child,
    input: ChildStdin,
    started: Instant,
}

impl Feeder {
    fn run(mut self, updates: &Receiver<Update>) {
        self.keep_running();
        loop {
            let update = match updates.recv_timeout(LOOK) {
                Ok(update) => update,
                Err(RecvTimeoutError::Timeout) => {
                    self.keep_running();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if let Some(process) = &mut self.process
                && let Err(error) = update.write_to(&mut process.input)
            {
                tracing::warn!(region = self.region, "the services do not take a record: {error}");
                self.bury();
            }
            match update {
                Update::Put(entry) => {
                    self.entries.insert(entry.service_address, entry);
                }
                Update::Remove { service_address } => {
                    self.entries.remove(&service_address);
                }
            }
        }
    }

    /// Starts the process when it is not there, at growing intervals.
    fn keep_running(&mut self) {
        if let Some(process) = &mut self.process {
            match process.child.try_wait() {
                Ok(None) => return,
                Ok(Some(status)) => tracing::error!(region = self.region, "the services ended: {status}"),
                Err(error) => tracing::error!(region = self.region, "the services cannot be watched: {error}"),
            }
            self.bury();
        }
        if Instant::now() < self.next {
            return;
        }
        match self.spawn() {
            Ok(process) => {
                tracing::info!(
                    region = self.region,
                    pid = process.child.id(),
                    records = self.entries.len(),
                    "the services run"
                );
                self.process = Some(process);
            }
            Err(error) => {
                tracing::error!(region = self.region, "the services cannot be started: {error}");
                self.delay();
            }
        }
    }

    fn spawn(&self) -> io::Result<Process> {
        let mut settings = serde_json::to_string(&self.log)?;
        settings.push('\n');
        let spawn = || {
            Command::new(crate::role::program())
                .args(["role", "services"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
        };
        // A child starts in the namespace of the thread that makes it.
        let mut child = self.netns.run(spawn).map_err(io::Error::other)??;
        let mut input = child.stdin.take().ok_or_else(|| io::Error::other("its input is missing"))?;
        input.write_all(settings.as_bytes())?;
        for entry in self.entries.values() {
            Update::Put(entry.clone()).write_to(&mut input).map_err(io::Error::other)?;
        }
        Ok(Process { child, input, started: Instant::now() })
    }

    /// Ends what is left of the process and plans the next one.
    fn bury(&mut self) {
        if let Some(mut process) = self.process.take() {
            if process.started.elapsed() > LONGEST_PAUSE {
                self.pause = FIRST_PAUSE;
            }
            // Either may fail because it has ended already, which is what is wanted.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
        self.delay();
    }

    fn delay(&mut self) {
        self.next = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}
