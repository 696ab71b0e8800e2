//! Programs, maps and links in the kernel.

use std::{
    collections::BTreeSet,
    fs, io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use libbpf_rs::{ErrorKind, MapCore, MapFlags, MapHandle, ObjectBuilder, OpenObject};
use logical::DropReason;

use crate::{
    Error,
    bpffs::Pins,
    config::EbpfConfig,
    entries::Sink,
    error::Result,
    layout::{Config, Layout, Pair, Traffic},
    sys::{self, Collect},
    table::{Entry, EntryKey, Table},
};

/// Alignment that an ELF file in memory needs.
#[repr(align(8))]
struct Aligned<T: ?Sized>(T);

static ALIGNED_OBJECT: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/datapath.bpf.o")));

/// A program, by what packets it sees.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Program {
    /// Packets that servers send.
    FromGuest,
    /// Packets that come in by the interface of a physical network.
    FromWire,
    /// Answers of the host services.
    FromService,
    /// No packets: it frees memory.
    Collect,
}

impl Program {
    const ALL: [Self; 4] = [Self::FromGuest, Self::FromWire, Self::FromService, Self::Collect];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FromGuest => "from_guest",
            Self::FromWire => "from_wire",
            Self::FromService => "from_service",
            Self::Collect => "collect",
        }
    }
}

/// The datapath of an instance: open maps and loaded programs.
#[derive(Debug)]
pub(crate) struct Kernel {
    pins: Pins,
    tables: Vec<(Table, MapHandle)>,
    config: MapHandle,
    generation: MapHandle,
    policies: MapHandle,
    drops: MapHandle,
    traffic: MapHandle,
    connections: MapHandle,
    scratch: MapHandle,
    programs: Vec<(Program, OwnedFd, [u8; 8])>,
    /// How often a map was changed.
    writes: u64,
}

impl Kernel {
    /// Opens the pinned maps, or makes them, and loads the programs. Nothing that forwards changes.
    pub(crate) fn open(config: &EbpfConfig) -> Result<Self> {
        let pins = Pins::below(&config.run_dir);
        pins.prepare()?;
        let mut open = open_object()?;
        for mut map in open.maps_mut() {
            let name = map.name().to_string_lossy().into_owned();
            // Data of the programs themselves belongs to this load of them.
            if name.contains('.') {
                continue;
            }
            let path = pins.maps().join(&name);
            if let Some(wanted) = match name.as_str() {
                "flows" => Some(config.max_flows),
                "policies" | "connections" | "traffic" => Some(config.max_ports),
                _ => None,
            } {
                map.set_max_entries(size_of_pinned(&path)?.unwrap_or(wanted))
                    .map_err(Error::bpf(format!("size the map '{name}'")))?;
            }
            map.set_pin_path(&path).map_err(Error::bpf(format!("pin the map '{name}'")))?;
        }
        let object = open.load().map_err(Error::bpf("load the datapath's programs"))?;
        let map = |name: &'static str| -> Result<MapHandle> {
            let map = object.maps().find(|map| map.name() == name).ok_or(Error::NoMap(name))?;
            MapHandle::try_from(&map).map_err(Error::bpf(format!("open the map '{name}'")))
        };
        let mut tables = Vec::new();
        for table in Table::ALL {
            tables.push((*table, map(table.name())?));
        }
        let mut programs = Vec::new();
        for program in Program::ALL {
            let found = object.progs().find(|found| found.name() == program.name());
            let found = found.ok_or(Error::NoMap(program.name()))?;
            let fd = found.as_fd().try_clone_to_owned().map_err(Error::file("keep the program", program.name()))?;
            let tag = sys::program_tag(&fd)?;
            programs.push((program, fd, tag));
        }
        let mut kernel = Self {
            pins,
            tables,
            config: map("config")?,
            generation: map("generation")?,
            policies: map("policies")?,
            drops: map("drops")?,
            traffic: map("traffic")?,
            connections: map("connections")?,
            scratch: map("scratch")?,
            programs,
            writes: 0,
        };
        if kernel.read_generation()? == 0 {
            kernel.bump_generation()?;
        }
        Ok(kernel)
    }

    /// How often a map has been changed by this process.
    #[must_use]
    pub(crate) fn writes(&self) -> u64 {
        self.writes
    }

    /// Reads all tables.
    pub(crate) fn dump(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for (table, map) in &self.tables {
            for key in map.keys() {
                let value =
                    map.lookup(&key, MapFlags::ANY).map_err(Error::bpf(format!("read the map '{}'", table.name())))?;
                if let Some(value) = value {
                    entries.push(Entry { at: EntryKey { table: *table, key }, value });
                }
            }
        }
        Ok(entries)
    }

    /// Writes what does not change from packet to packet, if it differs.
    pub(crate) fn configure(&mut self, config: &Config) -> Result<()> {
        let key = 0u32.bytes();
        let before = self.config.lookup(&key, MapFlags::ANY).map_err(Error::bpf("read the configuration"))?;
        let moved = before.as_deref().and_then(Config::from_bytes).map(|before| before.clock_offset);
        if before.as_deref() == Some(&config.bytes()) {
            return Ok(());
        }
        self.writes += 1;
        self.config.update(&key, &config.bytes(), MapFlags::ANY).map_err(Error::bpf("write the configuration"))?;
        // The short way looks at the clock only when ticks have passed, which a test does not wait for.
        if moved.is_some_and(|offset| offset != config.clock_offset) { self.bump_generation() } else { Ok(()) }
    }

    fn read_generation(&self) -> Result<u32> {
        let value = self.generation.lookup(&0u32.bytes(), MapFlags::ANY);
        Ok(value.map_err(Error::bpf("read the generation"))?.and_then(|value| u32::from_bytes(&value)).unwrap_or(0))
    }

    /// Makes all remembered forwarding decisions old.
    pub(crate) fn bump_generation(&mut self) -> Result<()> {
        // 0 marks a decision that was not made.
        let next = self.read_generation()?.checked_add(1).unwrap_or(1);
        self.writes += 1;
        self.generation.update(&0u32.bytes(), &next.bytes(), MapFlags::ANY).map_err(Error::bpf("write the generation"))
    }

    /// Makes all decisions old that the groups of these ports allowed.
    pub(crate) fn bump_policies(&mut self, ports: &BTreeSet<u32>) -> Result<()> {
        for port in ports {
            let key = port.bytes();
            let value = self.policies.lookup(&key, MapFlags::ANY).map_err(Error::bpf("read a policy's generation"))?;
            let next = value.and_then(|value| u32::from_bytes(&value)).unwrap_or(0).wrapping_add(1);
            self.writes += 1;
            self.policies
                .update(&key, &next.bytes(), MapFlags::ANY)
                .map_err(Error::bpf("write a policy's generation"))?;
        }
        Ok(())
    }

    /// Per-processor values of an entry of the drop counters.
    pub(crate) fn drop_counter(&self, key: &[u8]) -> Result<Vec<Vec<u8>>> {
        let values = self.drops.lookup_percpu(key, MapFlags::ANY).map_err(Error::bpf("read a drop counter"))?;
        Ok(values.unwrap_or_default())
    }

    /// Per-processor values of a port's traffic.
    pub(crate) fn traffic_counter(&self, port: u32) -> Result<Vec<Vec<u8>>> {
        let values = self.traffic.lookup_percpu(&port.bytes(), MapFlags::ANY).map_err(Error::bpf("read traffic"))?;
        Ok(values.unwrap_or_default())
    }

    /// Zeroes a port's counters.
    pub(crate) fn reset_port(&self, port: u32) -> Result<()> {
        let processors = self.traffic_counter(port)?.len();
        let zero = Traffic::default().bytes();
        self.traffic
            .update_percpu(&port.bytes(), &vec![zero; processors], MapFlags::ANY)
            .map_err(Error::bpf("reset traffic"))?;
        for reason in DropReason::ALL {
            let key = Pair { first: port, second: u32::from(*reason as u8) };
            match self.drops.delete(&key.bytes()) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Error::bpf("reset drop counters")(error));
                }
                _ => {}
            }
        }
        self.connections
            .update(&port.bytes(), &0u32.bytes(), MapFlags::ANY)
            .map_err(Error::bpf("reset the count of connections"))
    }

    pub(crate) fn scratch(&self) -> &MapHandle {
        &self.scratch
    }

    pub(crate) fn table(&self, table: Table) -> Option<&MapHandle> {
        self.tables.iter().find(|(of, _)| *of == table).map(|(_, map)| map)
    }

    pub(crate) fn program(&self, program: Program) -> Result<(&OwnedFd, [u8; 8])> {
        let found = self.programs.iter().find(|(of, ..)| *of == program);
        found.map(|(_, fd, tag)| (fd, *tag)).ok_or(Error::NoMap(program.name()))
    }

    /// The collector, for another thread.
    pub(crate) fn collector(&self) -> Result<Collect> {
        let (program, _) = self.program(Program::Collect)?;
        program.try_clone().map(Collect).map_err(Error::file("keep the program", Program::Collect.name()))
    }

    /// Makes the program see what comes in by the device. A link that is there stays; its program is
    /// replaced in place when it is another.
    pub(crate) fn attach(&mut self, program: Program, ifindex: u32) -> Result<()> {
        let path = self.pins.link(ifindex);
        let (fd, tag) = self.program(program)?;
        if let Some(link) = sys::open_pinned(&path)? {
            match sys::attached_program(&link)? {
                Some((to, attached)) if to == ifindex => {
                    if attached != tag {
                        sys::update_link(&link, fd)?;
                    }
                    return Ok(());
                }
                // Its device is gone: the link is an empty shell.
                _ => remove_file(&path)?,
            }
        }
        let link = sys::create_link(fd, ifindex)?;
        sys::pin(&link, &path)
    }

    /// Ends the program at a device that stays.
    pub(crate) fn detach(&mut self, ifindex: u32) -> Result<()> {
        let path = self.pins.link(ifindex);
        if let Some(link) = sys::open_pinned(&path)? {
            sys::detach_link(&link);
        }
        remove_file(&path)
    }

    /// Removes the pins of links whose device is not in `keep`. Returns the devices.
    pub(crate) fn sweep_links(&mut self, keep: &BTreeSet<u32>) -> Result<Vec<u32>> {
        let directory = self.pins.links();
        let mut removed = Vec::new();
        for entry in fs::read_dir(&directory).map_err(Error::file("list", &directory))? {
            let entry = entry.map_err(Error::file("list", &directory))?;
            let Some(ifindex) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if !keep.contains(&ifindex) {
                self.detach(ifindex)?;
                removed.push(ifindex);
            }
        }
        Ok(removed)
    }
}

impl Sink for Kernel {
    type Error = libbpf_rs::Error;

    fn write(&mut self, at: &EntryKey, value: &[u8]) -> Result<(), Self::Error> {
        self.writes += 1;
        match self.table(at.table) {
            Some(map) => map.update(&at.key, value, MapFlags::ANY),
            None => Err(libbpf_rs::Error::from(io::Error::from(io::ErrorKind::NotFound))),
        }
    }

    fn delete(&mut self, at: &EntryKey) -> Result<(), Self::Error> {
        self.writes += 1;
        match self.table(at.table).map(|map| map.delete(&at.key)) {
            Some(Err(error)) if error.kind() == ErrorKind::NotFound => Ok(()),
            Some(result) => result,
            None => Ok(()),
        }
    }
}

/// The programs as the build made them.
pub(crate) fn open_object() -> Result<OpenObject> {
    ObjectBuilder::default()
        .name("baryon")
        .and_then(|builder| builder.open_memory(&ALIGNED_OBJECT.0))
        .map_err(Error::bpf("read the datapath's programs"))
}

/// Entries that a pinned map has room for.
fn size_of_pinned(path: &Path) -> Result<Option<u32>> {
    if !path.exists() {
        return Ok(None);
    }
    let map = MapHandle::from_pinned_path(path).map_err(Error::bpf(format!("open '{}'", path.display())))?;
    let info = map.info().map_err(Error::bpf(format!("look at '{}'", path.display())))?;
    Ok(Some(info.info.max_entries))
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", path)(error)),
        _ => Ok(()),
    }
}
