//! Programs, maps and links in the kernel.

#![allow(unsafe_code)]

use std::{
    collections::BTreeSet,
    ffi::CString,
    fs, io,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use libbpf_rs::{ErrorKind, MapCore, MapFlags, MapHandle, ObjectBuilder, libbpf_sys};
use logical::DropReason;
use nix::{
    libc,
    sys::socket::{AddressFamily, SockFlag, SockType, socket},
};

use crate::{
    Error,
    bpffs::Pins,
    config::EbpfConfig,
    entries::Sink,
    error::Result,
    layout::{Collected, Config, Layout, Pair},
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

    const fn name(self) -> &'static str {
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
        let mut open = ObjectBuilder::default()
            .name("baryon")
            .and_then(|builder| builder.open_memory(&ALIGNED_OBJECT.0))
            .map_err(Error::bpf("read the datapath's programs"))?;
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
            let tag = program_tag(&fd)?;
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
        if before.as_deref() != Some(&config.bytes()) {
            self.writes += 1;
            self.config.update(&key, &config.bytes(), MapFlags::ANY).map_err(Error::bpf("write the configuration"))?;
        }
        Ok(())
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
        let zero = crate::layout::Traffic::default().bytes();
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
        if let Some(link) = open_pinned(&path)? {
            match attached_program(&link)? {
                Some((to, attached)) if to == ifindex => {
                    if attached != tag {
                        update_link(&link, fd)?;
                    }
                    return Ok(());
                }
                // Its device is gone: the link is an empty shell.
                _ => remove_file(&path)?,
            }
        }
        let link = create_link(fd, ifindex)?;
        pin(&link, &path)
    }

    /// Ends the program at a device that stays.
    pub(crate) fn detach(&mut self, ifindex: u32) -> Result<()> {
        let path = self.pins.link(ifindex);
        if let Some(link) = open_pinned(&path)? {
            // SAFETY: a plain call on an open descriptor.
            unsafe { libbpf_sys::bpf_link_detach(link.as_raw_fd()) };
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

/// The collector's program.
#[derive(Debug)]
pub(crate) struct Collect(OwnedFd);

impl Collect {
    /// Frees what has run out. Returns how many connections that were.
    pub(crate) fn run(&self) -> Result<u32> {
        let mut collected = Collected::default();
        let mut options = libbpf_sys::bpf_test_run_opts {
            sz: size_of::<libbpf_sys::bpf_test_run_opts>() as libbpf_sys::size_t,
            ctx_in: std::ptr::from_mut(&mut collected).cast(),
            ctx_size_in: size_of::<Collected>() as u32,
            ..Default::default()
        };
        // SAFETY: the program is of the kind that runs on a call, and its context is of the size given;
        // the kernel writes it back to where it was read.
        check(unsafe { libbpf_sys::bpf_prog_test_run_opts(self.0.as_raw_fd(), &raw mut options) })
            .map_err(|source| Error::System { operation: "collect old connections".to_owned(), source })?;
        Ok(collected.removed)
    }
}

/// What came out of a program that was run once.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The packet afterwards.
    pub(crate) frame: Vec<u8>,
    /// The average time of one run, in nanoseconds.
    pub(crate) duration: u32,
}

/// The part of the kernel's `struct __sk_buff` that a test may set begins here.
const SK_BUFF_LEN: usize = 192;
/// Where the index of the device is in it.
const SK_BUFF_IFINDEX: usize = 40;
/// Room for a packet that grew.
const ROOM: usize = 256;

/// Runs a program on a packet as if it had come in by the device, so many times. Redirects are not
/// carried out.
pub(crate) fn test_run(program: &OwnedFd, ifindex: u32, frame: &[u8], repeat: i32) -> io::Result<Ran> {
    let mut context = [0u8; SK_BUFF_LEN];
    context[SK_BUFF_IFINDEX..SK_BUFF_IFINDEX + 4].copy_from_slice(&ifindex.to_ne_bytes());
    let mut out = vec![0u8; frame.len() + ROOM];
    let mut options = libbpf_sys::bpf_test_run_opts {
        sz: size_of::<libbpf_sys::bpf_test_run_opts>() as libbpf_sys::size_t,
        data_in: frame.as_ptr().cast(),
        data_size_in: frame.len() as u32,
        data_out: out.as_mut_ptr().cast(),
        data_size_out: out.len() as u32,
        ctx_in: context.as_ptr().cast(),
        ctx_size_in: SK_BUFF_LEN as u32,
        repeat,
        ..Default::default()
    };
    // SAFETY: all buffers live through the call and have the sizes given.
    check(unsafe { libbpf_sys::bpf_prog_test_run_opts(program.as_raw_fd(), &raw mut options) })?;
    out.truncate(options.data_size_out as usize);
    Ok(Ran { frame: out, duration: options.duration })
}

/// Sends a frame out of an interface.
pub(crate) fn send_frame(ifindex: u32, frame: &[u8]) -> io::Result<()> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: all zeroes are a value of this structure of numbers.
    let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    to.sll_family = libc::AF_PACKET as libc::sa_family_t;
    to.sll_ifindex = ifindex as libc::c_int;
    let (data, length) = (frame.as_ptr().cast(), frame.len());
    let (address, size) = (std::ptr::from_ref(&to).cast(), size_of_val(&to) as libc::socklen_t);
    // SAFETY: frame and address live through the call and have the sizes given.
    let sent = unsafe { libc::sendto(socket.as_raw_fd(), data, length, 0, address, size) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
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

fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|error| Error::file("name", path)(error.into()))
}

fn open_pinned(path: &Path) -> Result<Option<OwnedFd>> {
    let name = c_path(path)?;
    // SAFETY: the string ends with a zero byte and lives through the call.
    match check(unsafe { libbpf_sys::bpf_obj_get(name.as_ptr()) }) {
        // SAFETY: the kernel has just returned this descriptor, and nobody else owns it.
        Ok(fd) => Ok(Some(unsafe { OwnedFd::from_raw_fd(fd) })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("open", path)(error)),
    }
}

fn pin(link: &OwnedFd, path: &Path) -> Result<()> {
    let name = c_path(path)?;
    // SAFETY: the descriptor is open, the string ends with a zero byte and lives through the call.
    check(unsafe { libbpf_sys::bpf_obj_pin(link.as_raw_fd(), name.as_ptr()) })
        .map(drop)
        .map_err(Error::file("pin a link at", path))
}

fn create_link(program: &OwnedFd, ifindex: u32) -> Result<OwnedFd> {
    let operation = || format!("attach the datapath to interface {ifindex}");
    let index = i32::try_from(ifindex)
        .map_err(|error| Error::System { operation: operation(), source: io::Error::other(error) })?;
    // SAFETY: the descriptor is open; no options are given, which the call allows.
    let fd = check(unsafe {
        libbpf_sys::bpf_link_create(program.as_raw_fd(), index, libbpf_sys::BPF_TCX_INGRESS, std::ptr::null())
    })
    .map_err(|source| Error::System { operation: operation(), source })?;
    // SAFETY: the kernel has just returned this descriptor, and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn update_link(link: &OwnedFd, program: &OwnedFd) -> Result<()> {
    // SAFETY: both descriptors are open; no options are given, which the call allows.
    check(unsafe { libbpf_sys::bpf_link_update(link.as_raw_fd(), program.as_raw_fd(), std::ptr::null()) })
        .map(drop)
        .map_err(|source| Error::System { operation: "replace a program of the datapath".to_owned(), source })
}

/// The device of a link and the tag of its program; `None` for another kind of link.
fn attached_program(link: &OwnedFd) -> Result<Option<(u32, [u8; 8])>> {
    let mut info = libbpf_sys::bpf_link_info::default();
    let mut size = size_of_val(&info) as u32;
    // SAFETY: the kernel writes at most `size` bytes, which is the size of `info`.
    check(unsafe { libbpf_sys::bpf_link_get_info_by_fd(link.as_raw_fd(), &raw mut info, &raw mut size) })
        .map_err(|source| Error::System { operation: "look at a link".to_owned(), source })?;
    if info.type_ != libbpf_sys::BPF_LINK_TYPE_TCX {
        return Ok(None);
    }
    // SAFETY: of a tcx link this is the variant that the kernel fills in.
    let ifindex = unsafe { info.__bindgen_anon_1.tcx.ifindex };
    // SAFETY: a plain call with a number.
    let program = check(unsafe { libbpf_sys::bpf_prog_get_fd_by_id(info.prog_id) });
    let program = program.map_err(|source| Error::System { operation: "open a program".to_owned(), source })?;
    // SAFETY: the kernel has just returned this descriptor, and nobody else owns it.
    let program = unsafe { OwnedFd::from_raw_fd(program) };
    Ok(Some((ifindex, program_tag(&program)?)))
}

/// What the kernel calls a program's code: equal programs have equal tags.
fn program_tag(program: &OwnedFd) -> Result<[u8; 8]> {
    let mut info = libbpf_sys::bpf_prog_info::default();
    let mut size = size_of_val(&info) as u32;
    // SAFETY: the kernel writes at most `size` bytes, which is the size of `info`.
    check(unsafe { libbpf_sys::bpf_prog_get_info_by_fd(program.as_raw_fd(), &raw mut info, &raw mut size) })
        .map_err(|source| Error::System { operation: "look at a program".to_owned(), source })?;
    Ok(info.tag)
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", path)(error)),
        _ => Ok(()),
    }
}

/// libbpf returns the negative number of the error.
fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result) }
}
