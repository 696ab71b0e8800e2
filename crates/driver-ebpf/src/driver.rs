//! The driver: rows in, kernel state out.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use hostnet::Links;
use logical::{
    Attachment, Capabilities, Capability, Change, Driver, DriverError, DropCount, DropReason, Observed, Outcome, Port,
    PortId, PortKind, PortServices, Row, RowKey, RowState, SERVICE_ADDRESS, Swept, Switch, SwitchId, SwitchKind,
};
use types::MacAddr;

use crate::{
    Error,
    announce::announce,
    bpffs::Pins,
    collector::{Collector, Run},
    config::EbpfConfig,
    datapath::Datapath,
    devices::{self, Devices, Found},
    encode::DeviceFacts,
    entries::Sink,
    error::Result,
    kernel::Program,
    layout::{Config, Count, Layout, Pair, Traffic},
    numbers::{Named, Pool},
    promiscuous,
    table::{Entry, Table},
    watch::{News, Watch},
};

/// A port as the host services know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServicePort {
    /// The port.
    pub port: PortId,
    /// Source address of what the port sends to the services, and where their answers go.
    pub address: Ipv4Addr,
    /// Ethernet address of the port.
    pub mac: MacAddr,
    /// What the port is told.
    pub services: Arc<PortServices>,
}

/// What changed for the host services.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServiceChange {
    /// A port is there, or is told something else.
    Put(ServicePort),
    /// A port is gone, or is told nothing any more.
    Remove(PortId),
}

/// The eBPF datapath of one region, in the network namespace of the thread that opened it. All calls
/// are to be made on threads in that namespace: the kernel attaches programs in the caller's.
#[derive(Debug)]
pub struct EbpfDriver {
    config: EbpfConfig,
    datapath: Datapath,
    devices: Devices,
    watch: Watch,
    collector: Collector,
    /// Numbers of points that are gone, and the run of the collector after which they are free.
    retired: Vec<(Run, BTreeSet<Named>)>,
    ports: HashMap<PortId, Arc<Port>>,
    /// Physical networks of external switches, and the index of the interface or 0.
    wires: BTreeMap<SwitchId, (u32, String)>,
    service_ifindex: Option<u32>,
    service_ports: BTreeMap<PortId, ServicePort>,
    service_changes: Vec<ServiceChange>,
    disturbed: BTreeSet<RowKey>,
}

impl EbpfDriver {
    /// Opens the datapath of an instance, or makes it. What forwards goes on as it is.
    pub fn open(config: EbpfConfig) -> Result<Self> {
        // Watch before looking, so that nothing that happens in between is missed.
        let watch = Watch::start()?;
        let datapath = Datapath::open(&config)?;
        let devices = Devices::open(&config.instance, config.first_ifindex, datapath.last_ifindex)?;
        let collector = Collector::start(datapath.kernel.collector()?)?;
        let mut driver = Self {
            config,
            datapath,
            devices,
            watch,
            collector,
            retired: Vec::new(),
            ports: HashMap::new(),
            wires: BTreeMap::new(),
            service_ifindex: None,
            service_ports: BTreeMap::new(),
            service_changes: Vec::new(),
            disturbed: BTreeSet::new(),
        };
        driver.connect_services()?;
        Ok(driver)
    }

    /// How often this process has changed a map.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.datapath.kernel.writes()
    }

    /// Traffic of a port since it came into being; zeroes for a port that is not known.
    pub fn traffic(&self, port: PortId) -> Result<Traffic> {
        let mut sum = Traffic::default();
        let Some(number) = self.port_number(port) else { return Ok(sum) };
        let values = self.datapath.kernel.traffic_counter(number)?;
        for traffic in values.iter().filter_map(|value| Traffic::from_bytes(value)) {
            sum.sent_packets += traffic.sent_packets;
            sum.sent_bytes += traffic.sent_bytes;
            sum.received_packets += traffic.received_packets;
            sum.received_bytes += traffic.received_bytes;
        }
        Ok(sum)
    }

    /// All ports as the host services know them.
    #[must_use]
    pub fn service_ports(&self) -> Vec<ServicePort> {
        self.service_ports.values().cloned().collect()
    }

    /// What changed for the host services since the last call.
    pub fn take_service_changes(&mut self) -> Vec<ServiceChange> {
        std::mem::take(&mut self.service_changes)
    }

    /// The number of a port.
    fn port_number(&self, port: PortId) -> Option<u32> {
        self.datapath.rows.number(&Named { pool: Pool::Port, scope: 0, id: port.0 })
    }

    /// Finds the link to the services, and tells the programs.
    fn connect_services(&mut self) -> Result<()> {
        let link = match &self.config.service_interface {
            Some(name) => self.devices.find(name)?,
            None => None,
        };
        self.service_ifindex = link.map(|link| link.ifindex);
        if let Some(ifindex) = self.service_ifindex {
            self.datapath.kernel.attach(Program::FromService, ifindex)?;
        }
        self.datapath.kernel.configure(&program_config(&self.config, self.service_ifindex, 0))
    }

    fn put(&mut self, row: &Row) -> RowState {
        let result = match row {
            Row::Port(port) => self.put_port(port, row),
            Row::Switch(switch) => self.put_switch(switch, row),
            Row::FloatingIp(floating) => self.put_and_announce(row, floating.switch, floating.external, floating.mac),
            _ => self.datapath.put(row, DeviceFacts::default()).map(|()| None),
        };
        match result {
            Ok(None) => RowState::Applied,
            Ok(Some(reason)) => RowState::Waiting { reason },
            Err(reason) => RowState::Failed { reason },
        }
    }

    /// Returns what is missing, if something is.
    fn put_port(&mut self, port: &Arc<Port>, row: &Row) -> Result<Option<String>, String> {
        let before = self.devices.of_port(port.id);
        let ifindexes = self.devices.next_ifindex();
        let found = self.devices.ensure(port);
        if self.devices.next_ifindex() != ifindexes {
            self.remember_ifindex()?;
        }
        let (facts, mut missing) = match found {
            Ok(Found::Ready(facts)) => (facts, None),
            Ok(Found::Nothing) => (DeviceFacts::default(), None),
            Ok(Found::Waiting(reason)) => (DeviceFacts::default(), Some(reason)),
            Err(error) => {
                // Without its device, but with its addresses: others may depend on those.
                self.datapath.put(row, DeviceFacts::default())?;
                return Err(error.to_string());
            }
        };
        if let Some(before) = before.filter(|before| before.ifindex != facts.ifindex) {
            self.datapath.kernel.detach(before.ifindex).map_err(|error| error.to_string())?;
        }
        let writes = self.datapath.kernel.writes();
        self.datapath.put(row, facts)?;
        if matches!(port.kind, PortKind::Router { .. }) && self.datapath.kernel.writes() != writes {
            for address in &port.addresses {
                if let IpAddr::V4(address) = address.address {
                    self.announce(port.switch, address, port.mac);
                }
            }
        }
        if facts.ifindex != 0 {
            self.datapath.kernel.attach(Program::FromGuest, facts.ifindex).map_err(|error| error.to_string())?;
            if made_by_us(port) {
                self.devices.links().set_up(facts.ifindex).map_err(|error| error.to_string())?;
            }
        }
        self.ports.insert(port.id, Arc::clone(port));
        if let Some(reason) = self.put_services(port)? {
            missing.get_or_insert(reason);
        }
        Ok(missing)
    }

    fn remember_ifindex(&mut self) -> Result<(), String> {
        let entry = Entry::new(Table::Numbers, &Named::IFINDEX.key(), &(self.devices.next_ifindex() - 1));
        Sink::write(&mut self.datapath.kernel, &entry.at, &entry.value).map_err(|error| error.to_string())
    }

    fn put_services(&mut self, port: &Port) -> Result<Option<String>, String> {
        let (Some(services), Some(number)) = (&port.services, self.port_number(port.id)) else {
            self.remove_services(port.id);
            return Ok(None);
        };
        let entry = ServicePort {
            port: port.id,
            address: service_address(number),
            mac: port.mac,
            services: Arc::clone(services),
        };
        if self.service_ports.get(&port.id) != Some(&entry) {
            self.service_ports.insert(port.id, entry.clone());
            self.service_changes.push(ServiceChange::Put(entry));
        }
        let Some(name) = &self.config.service_interface else { return Ok(None) };
        let name = name.clone();
        if self.service_ifindex.is_none() {
            self.connect_services().map_err(|error| error.to_string())?;
        }
        Ok(self.service_ifindex.is_none().then(|| {
            format!("interface '{name}' to the host services does not exist: no DHCP, no metadata at {SERVICE_ADDRESS}")
        }))
    }

    fn remove_services(&mut self, port: PortId) {
        if self.service_ports.remove(&port).is_some() {
            self.service_changes.push(ServiceChange::Remove(port));
        }
    }

    fn put_switch(&mut self, switch: &Switch, row: &Row) -> Result<Option<String>, String> {
        let (facts, missing) = match &switch.kind {
            SwitchKind::Tenant => (DeviceFacts::default(), None),
            SwitchKind::External { physical_network } => match self.find_wire(switch.id, physical_network) {
                Ok(ifindex) => (DeviceFacts { ifindex, peer: false }, None),
                Err(reason) => (DeviceFacts::default(), Some(reason)),
            },
        };
        let before = self.wires.remove(&switch.id).map_or(0, |(ifindex, _)| ifindex);
        if before != 0 && before != facts.ifindex {
            self.datapath.kernel.detach(before).map_err(|error| error.to_string())?;
        }
        if let SwitchKind::External { physical_network } = &switch.kind {
            self.wires.insert(switch.id, (facts.ifindex, physical_network.clone()));
        }
        self.datapath.put(row, facts)?;
        if facts.ifindex != 0 {
            promiscuous::set(facts.ifindex, self.devices.links(), true).map_err(|error| error.to_string())?;
            self.datapath.kernel.attach(Program::FromWire, facts.ifindex).map_err(|error| error.to_string())?;
        }
        Ok(missing)
    }

    /// Puts a row, and tells the outside when that gave an address of an external switch a new owner.
    fn put_and_announce(
        &mut self,
        row: &Row,
        switch: SwitchId,
        address: Ipv4Addr,
        mac: MacAddr,
    ) -> Result<Option<String>, String> {
        let before = self.datapath.kernel.writes();
        self.datapath.put(row, DeviceFacts::default())?;
        if self.datapath.kernel.writes() != before {
            self.announce(switch, address, mac);
        }
        Ok(None)
    }

    fn announce(&self, switch: SwitchId, address: Ipv4Addr, mac: MacAddr) {
        if let Some((ifindex, _)) = self.wires.get(&switch).filter(|(ifindex, _)| *ifindex != 0) {
            announce(*ifindex, address, mac);
        }
    }

    fn find_wire(&self, switch: SwitchId, physical_network: &str) -> Result<u32, String> {
        let Some(interface) = self.config.physical_networks.get(physical_network) else {
            return Err(format!("no interface is configured for the physical network '{physical_network}'"));
        };
        let link = self.devices.find(interface).map_err(|error| error.to_string())?;
        let Some(link) = link else {
            return Err(format!("interface '{interface}' of the physical network '{physical_network}' does not exist"));
        };
        match self.wires.iter().find(|(id, (ifindex, _))| **id != switch && *ifindex == link.ifindex) {
            Some((other, _)) => Err(format!(
                "interface '{interface}' of the physical network '{physical_network}' is used by switch {other}"
            )),
            None => Ok(link.ifindex),
        }
    }

    fn remove(&mut self, key: RowKey) -> RowState {
        let result = match key {
            RowKey::Port(port) => self.remove_port(port),
            RowKey::Switch(switch) => self.remove_switch(switch),
            _ => Ok(()),
        };
        self.datapath.rows.remove(key);
        match result {
            Ok(()) => RowState::Applied,
            Err(error) => RowState::Failed { reason: error.to_string() },
        }
    }

    fn remove_port(&mut self, port: PortId) -> Result<()> {
        self.remove_services(port);
        self.ports.remove(&port);
        if let Some(facts) = self.devices.remove(port)? {
            self.datapath.kernel.detach(facts.ifindex)?;
        }
        Ok(())
    }

    fn remove_switch(&mut self, switch: SwitchId) -> Result<()> {
        match self.wires.remove(&switch) {
            Some((ifindex, _)) if ifindex != 0 => self.datapath.kernel.detach(ifindex),
            _ => Ok(()),
        }
    }

    /// Ends a batch of changes.
    fn finish(&mut self) -> Result<Vec<(RowKey, String)>> {
        let failures = self.datapath.finish()?;
        let waiting: BTreeSet<Named> = self.retired.iter().flat_map(|(_, named)| named).copied().collect();
        let gone: BTreeSet<Named> = self.datapath.rows.retired_points().difference(&waiting).copied().collect();
        if !gone.is_empty() {
            self.retired.push((self.collector.next_run(), gone));
        }
        self.free_numbers()?;
        Ok(failures)
    }

    /// Gives numbers free of which the collector has found no connection any more.
    fn free_numbers(&mut self) -> Result<()> {
        let finished = self.collector.finished();
        let (free, waiting) = std::mem::take(&mut self.retired).into_iter().partition(|(run, _)| *run <= finished);
        self.retired = waiting;
        let free: Vec<(Run, BTreeSet<Named>)> = free;
        for (_, named) in free {
            self.datapath.free(&named)?;
        }
        Ok(())
    }

    /// Which rows have been waiting for an interface of this name, or had one before.
    fn rows_that_want(&self, name: &str, ifindex: u32) -> Vec<RowKey> {
        let mut keys = Vec::new();
        for port in self.ports.values() {
            let wants = matches!(&port.kind, PortKind::Guest { attachment: Some(Attachment::Tap { name: tap }) } if tap == name);
            if wants && self.devices.of_port(port.id).is_none_or(|facts| facts.ifindex != ifindex) {
                keys.push(RowKey::Port(port.id));
            }
        }
        for (switch, (wire, network)) in &self.wires {
            let wants = self.config.physical_networks.get(network).is_some_and(|wanted| wanted == name);
            if wants && *wire != ifindex {
                keys.push(RowKey::Switch(*switch));
            }
        }
        if self.config.service_interface.as_deref() == Some(name) {
            keys.extend(self.service_ports.keys().map(|port| RowKey::Port(*port)));
        }
        keys
    }

    /// Which rows have the interface.
    fn rows_that_have(&self, ifindex: u32) -> Vec<RowKey> {
        let has = |port: &&PortId| self.devices.of_port(**port).is_some_and(|facts| facts.ifindex == ifindex);
        let ports = self.ports.keys().filter(has).map(|port| RowKey::Port(*port));
        let wires = self.wires.iter().filter(|(_, (wire, _))| *wire == ifindex);
        ports.chain(wires.map(|(switch, _)| RowKey::Switch(*switch))).collect()
    }

    /// Takes in what was heard of interfaces.
    fn hear(&mut self, news: News) -> Result<()> {
        match news {
            News::Came { name, ifindex } => {
                if self.config.service_interface.as_deref() == Some(&name) && self.service_ifindex != Some(ifindex) {
                    self.connect_services()?;
                }
                self.disturbed.extend(self.rows_that_want(&name, ifindex));
            }
            News::Went { ifindex } => {
                if self.service_ifindex == Some(ifindex) {
                    self.connect_services()?;
                    self.disturbed.extend(self.service_ports.keys().map(|port| RowKey::Port(*port)));
                }
                // Nothing is sent there from now on; the rows follow when they are put again.
                let entry = Entry::new(Table::Devices, &ifindex, &0u32);
                self.datapath.kernel.delete(&entry.at).map_err(Error::bpf("forget a device"))?;
                self.disturbed.extend(self.rows_that_have(ifindex));
            }
            News::Lost => {
                self.connect_services()?;
                self.disturbed.extend(self.ports.keys().map(|id| RowKey::Port(*id)));
                self.disturbed.extend(self.wires.keys().map(|id| RowKey::Switch(*id)));
            }
        }
        Ok(())
    }
}

impl Driver for EbpfDriver {
    fn capabilities(&mut self) -> Result<Capabilities, DriverError> {
        Ok([Capability::Filter4, Capability::Route4, Capability::Nat4, Capability::Services4].into())
    }

    fn observe(&mut self) -> Result<Observed, DriverError> {
        Ok(self.datapath.rows.observed())
    }

    fn apply(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, DriverError> {
        let mut outcomes = Vec::with_capacity(changes.len());
        for change in changes {
            let key = change.key();
            let state = match change {
                Change::Put(row) => self.put(row),
                Change::Remove(key) => self.remove(*key),
            };
            if let Change::Put(row) = change {
                self.datapath.rows.note(key, row.digest(), state.clone());
            }
            outcomes.push(Outcome { key, state });
        }
        for (key, reason) in self.finish().map_err(broken)? {
            let failed = RowState::Failed { reason };
            if let Some(observation) = self.datapath.rows.observation(&key) {
                self.datapath.rows.note(key, observation.digest, failed.clone());
            }
            for outcome in outcomes.iter_mut().filter(|outcome| outcome.key == key) {
                outcome.state = failed.clone();
            }
        }
        Ok(outcomes)
    }

    fn sweep(&mut self) -> Result<Swept, DriverError> {
        let mut swept = Swept::default();
        for name in self.devices.sweep().map_err(broken)? {
            swept.removed.push(format!("device {name}"));
        }
        for (table, count) in self.datapath.sweep() {
            let what = if count == 1 { "entry" } else { "entries" };
            swept.removed.push(format!("{count} {what} of {}", table.name()));
        }
        self.finish().map_err(broken)?;
        let mut keep: BTreeSet<u32> = self.devices.in_use().collect();
        keep.extend(self.wires.values().map(|(ifindex, _)| *ifindex));
        keep.extend(self.service_ifindex);
        for ifindex in self.datapath.kernel.sweep_links(&keep).map_err(broken)? {
            swept.removed.push(format!("link at interface {ifindex}"));
        }
        Ok(swept)
    }

    fn disturbed(&mut self) -> Result<Vec<RowKey>, DriverError> {
        for news in self.watch.take() {
            self.hear(news).map_err(broken)?;
        }
        self.free_numbers().map_err(broken)?;
        Ok(std::mem::take(&mut self.disturbed).into_iter().collect())
    }

    fn drops(&mut self, port: PortId) -> Result<Vec<DropCount>, DriverError> {
        let Some(number) = self.port_number(port) else { return Ok(Vec::new()) };
        let mut counts = Vec::new();
        for reason in DropReason::ALL {
            let key = Pair { first: number, second: u32::from(*reason as u8) };
            let values = self.datapath.kernel.drop_counter(&key.bytes()).map_err(broken)?;
            let mut sum = DropCount { reason: *reason, packets: 0, bytes: 0 };
            for count in values.iter().filter_map(|value| Count::from_bytes(value)) {
                sum.packets += count.packets;
                sum.bytes += count.bytes;
            }
            if sum.packets > 0 {
                counts.push(sum);
            }
        }
        Ok(counts)
    }
}

/// Removes an instance from the kernel: its devices, programs and maps. Nothing is forwarded any more.
/// Returns what was removed, in words.
pub fn remove_instance(config: &EbpfConfig) -> Result<Vec<String>> {
    let links = Links::open()?;
    let mut removed = Vec::new();
    for link in devices::ours(&links, &config.instance)? {
        links.delete(link.ifindex)?;
        removed.push(format!("device {}", link.name));
    }
    for interface in config.physical_networks.values() {
        match links.by_name(interface) {
            Ok(link) => promiscuous::set(link.ifindex, &links, false)?,
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let pins = Pins::below(&config.run_dir);
    if pins.remove()? {
        removed.push("programs and maps".to_owned());
    }
    Ok(removed)
}

/// A port's address as the host services see it.
pub(crate) fn service_address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(100, 64, 0, 0)) + number)
}

/// The configuration in the form that the programs read.
pub(crate) fn program_config(config: &EbpfConfig, service_ifindex: Option<u32>, clock_offset: u64) -> Config {
    let nanoseconds = |seconds: u32| u64::from(seconds) * 1_000_000_000;
    let timeouts = &config.timeouts;
    Config {
        clock_offset,
        tcp_opening: nanoseconds(timeouts.tcp_opening),
        tcp_established: nanoseconds(timeouts.tcp_established),
        tcp_closing: nanoseconds(timeouts.tcp_closing),
        udp_opening: nanoseconds(timeouts.udp_opening),
        udp_established: nanoseconds(timeouts.udp_established),
        icmp: nanoseconds(timeouts.icmp),
        other: nanoseconds(timeouts.other),
        max_connections: timeouts.max_connections,
        service_ifindex: service_ifindex.unwrap_or(0),
        service_mac: config.service_mac.0,
        pad: [0; 2],
    }
}

fn made_by_us(port: &Port) -> bool {
    matches!(port.kind, PortKind::Guest { attachment: Some(Attachment::Netns { .. }) })
}

fn broken(error: Error) -> DriverError {
    DriverError::Broken(error.to_string())
}
