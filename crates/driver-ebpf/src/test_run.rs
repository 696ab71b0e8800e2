//! Runs the programs on single packets, without devices, and says what they decided.
//!
//! The kernel can run a program on a packet for a test. Redirects are not carried out then, so the
//! programs always leave their decision in the scratch record, which is read here. The same core that
//! serves the driver writes the maps; interfaces are stand-ins that are made once. Time is the kernel's
//! plus an offset, by which a test lets days pass.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::Ipv4Addr,
    thread::sleep,
    time::Duration,
};

use hostnet::{Links, PeerSpec, VethSpec, sysctl};
use libbpf_rs::{MapCore, MapFlags};
use logical::{
    DropReason, LogicalNetwork, Output, Point, PortId, PortKind, Row, RowKey, SwitchId, SwitchKind, Target, Timeouts,
    Verdict,
};
use nix::{
    libc,
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};

use crate::{
    EbpfConfig, Error,
    datapath::Datapath,
    driver::program_config,
    encode::{DeviceFacts, wire_order},
    entries::Sink,
    error::Result,
    kernel::Program,
    layout::{
        DEVICE_GUEST, Device, Layout, Scratch, VERDICT_ANSWER, VERDICT_DROP, VERDICT_FLOOD, VERDICT_FOREIGN,
        VERDICT_NONE, VERDICT_PORT, VERDICT_SERVICES, VERDICT_WIRE,
    },
    numbers::{Named, Pool},
    sys::{Collect, send_frame, test_run},
    table::{Entry, Table},
};

/// The processor on which packets are taken through: the scratch record is per processor.
const PROCESSOR: usize = 0;
/// The shortest frame that the kernel takes: shorter ones never come as far as the programs.
const SHORTEST: usize = 14;
/// The shortest frame of any protocol that it takes for a test.
const SHORTEST_FOR_TEST: usize = 54;
/// How often a frame is sent before it is taken for lost.
const PATIENCE: usize = 200;

/// What a packet came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// What left. Copies that are flooded leave by devices and are not seen here.
    pub outputs: Vec<Output>,
    /// Whether it was decided by the remembered action of a connection.
    pub fast: bool,
}

/// The programs and their maps, in the network namespace of the calling thread, which is bound to one
/// processor. Its directory must be no other instance's.
#[derive(Debug)]
pub struct TestRun {
    config: EbpfConfig,
    datapath: Datapath,
    collect: Collect,
    links: Links,
    network: LogicalNetwork,
    offset: u64,
    /// Stand-ins, and which of them stands for whose device.
    pool: Vec<u32>,
    devices: BTreeMap<RowKey, u32>,
}

impl TestRun {
    /// Loads the programs.
    pub fn open(config: EbpfConfig) -> Result<Self> {
        let mut processors = CpuSet::new();
        processors
            .set(PROCESSOR)
            .and_then(|()| sched_setaffinity(Pid::from_raw(0), &processors))
            .map_err(|errno| Error::System { operation: "stay on one processor".to_owned(), source: errno.into() })?;
        let datapath = Datapath::open(&config)?;
        let collect = datapath.kernel.collector()?;
        let links = Links::open()?;
        // Stand-ins are silent: nothing comes in but what a test sends.
        sysctl::write("net/ipv6/conf/default/disable_ipv6", "1")?;
        let mut run = Self {
            config,
            datapath,
            collect,
            links,
            network: LogicalNetwork::default(),
            offset: 0,
            pool: Vec::new(),
            devices: BTreeMap::new(),
        };
        run.configure()?;
        Ok(run)
    }

    /// Forgets the network and all connections.
    pub fn reset(&mut self, timeouts: Timeouts) -> Result<()> {
        self.load(&LogicalNetwork::default())?;
        // Now every connection is of a port that is gone.
        self.collect()?;
        self.config.timeouts = timeouts;
        self.configure()
    }

    /// Lets time pass.
    pub fn advance(&mut self, seconds: u32) -> Result<()> {
        self.offset += u64::from(seconds) * 1_000_000_000;
        self.configure()?;
        self.collect()
    }

    fn configure(&mut self) -> Result<()> {
        self.datapath.kernel.configure(&program_config(&self.config, None, self.offset))
    }

    fn collect(&mut self) -> Result<()> {
        let gone = self.datapath.rows.retired_points();
        self.collect.run()?;
        self.datapath.free(&gone)
    }

    /// Makes the maps say what the network says.
    pub fn load(&mut self, network: &LogicalNetwork) -> Result<()> {
        let changes = self.network.diff(network);
        for change in &changes {
            match change {
                logical::Change::Put(row) => {
                    let device = self.device(row)?;
                    self.datapath.put(row, device).map_err(failed)?;
                }
                logical::Change::Remove(key) => {
                    self.pool.extend(self.devices.remove(key));
                    self.datapath.rows.remove(*key);
                }
            }
        }
        if let Some((_, reason)) = self.datapath.finish()?.into_iter().next() {
            return Err(failed(reason));
        }
        self.network = network.clone();
        Ok(())
    }

    /// The stand-in for the device of a row that has one.
    fn device(&mut self, row: &Row) -> Result<DeviceFacts> {
        let has_device = match row {
            Row::Port(port) => matches!(port.kind, PortKind::Guest { attachment: Some(_) }),
            Row::Switch(switch) => matches!(switch.kind, SwitchKind::External { .. }),
            _ => false,
        };
        if !has_device {
            self.pool.extend(self.devices.remove(&row.key()));
            return Ok(DeviceFacts::default());
        }
        self.stand_in(row.key()).map(|ifindex| DeviceFacts { ifindex, peer: true })
    }

    /// The interface that stands for a port's or switch's.
    fn stand_in(&mut self, key: RowKey) -> Result<u32> {
        if let Some(ifindex) = self.devices.get(&key) {
            return Ok(*ifindex);
        }
        if self.pool.is_empty() {
            let number = self.devices.len();
            let (name, peer) = (format!("stand{number}"), format!("in{number}"));
            let spec =
                VethSpec { name: &name, peer: PeerSpec { name: &peer, ..PeerSpec::default() }, ..VethSpec::default() };
            for ifindex in [self.links.create_veth(&spec)?.ifindex, self.links.by_name(&peer)?.ifindex] {
                self.links.set_up(ifindex)?;
                self.pool.push(ifindex);
            }
        }
        let ifindex = self.pool.pop().ok_or_else(|| failed("no stand-in for a device".to_owned()))?;
        self.devices.insert(key, ifindex);
        Ok(ifindex)
    }

    /// Takes a packet through.
    pub fn process(&mut self, point: Point, frame: &[u8]) -> Result<Decision> {
        let (program, key) = match point {
            Point::Port(port) => (Program::FromGuest, RowKey::Port(port)),
            Point::Wire(switch) => (Program::FromWire, RowKey::Switch(switch)),
        };
        if frame.len() < SHORTEST {
            let verdict = match point {
                Point::Port(_) => Verdict::Dropped(DropReason::Malformed),
                Point::Wire(_) => Verdict::Foreign,
            };
            return Ok(Decision { verdict, outputs: Vec::new(), fast: false });
        }
        if let Some(ifindex) = self.devices.get(&key).copied() {
            return self.run(program, ifindex, point, frame);
        }
        let Point::Port(port) = point else {
            return Err(failed(format!("{point:?} has no interface where a packet could come in")));
        };
        // The specification says what becomes of packets from a port without a device, too.
        let ifindex = self.stand_in(key)?;
        let slot = self.datapath.rows.number(&Named { pool: Pool::Port, scope: 0, id: port.0 }).unwrap_or(0);
        let entry = Entry::new(Table::Devices, &ifindex, &Device { kind: DEVICE_GUEST, slot });
        let kernel = &mut self.datapath.kernel;
        kernel.write(&entry.at, &entry.value).map_err(Error::bpf("give a port a device for a moment"))?;
        let decision = self.run(program, ifindex, point, frame);
        self.datapath.kernel.delete(&entry.at).map_err(Error::bpf("take a device away again"))?;
        self.pool.extend(self.devices.remove(&key));
        decision
    }

    fn run(&mut self, program: Program, ifindex: u32, point: Point, frame: &[u8]) -> Result<Decision> {
        self.clear_scratch()?;
        let (fd, _) = self.datapath.kernel.program(program)?;
        let after = match test_run(fd, ifindex, frame, 1) {
            Ok(ran) => ran.frame,
            // The kernel's test facility takes no IP packet that is shorter than its header.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) && frame.len() < SHORTEST_FOR_TEST => {
                self.inject(program, ifindex, frame)?;
                frame.to_vec()
            }
            Err(source) => {
                return Err(Error::System { operation: format!("run {program:?} for a test"), source });
            }
        };
        let scratch = self.read_scratch()?;
        Ok(self.decision(point, &scratch, after))
    }

    /// Lets a frame really come in by a stand-in: it is sent into the other end of the pair. The
    /// sender's processor takes it through before the call returns.
    fn inject(&mut self, program: Program, ifindex: u32, frame: &[u8]) -> Result<()> {
        let Some(peer) = self.links.by_index(ifindex)?.peer_ifindex else {
            return Err(failed(format!("interface {ifindex} has no other end")));
        };
        self.datapath.kernel.attach(program, ifindex)?;
        // A new pair carries nothing before the kernel has noticed that both ends are up.
        for _ in 0..PATIENCE {
            send_frame(peer, frame).map_err(|source| Error::System { operation: "send a frame".to_owned(), source })?;
            if self.read_scratch()?.verdict != VERDICT_NONE {
                break;
            }
            sleep(Duration::from_millis(10));
        }
        self.datapath.kernel.detach(ifindex)
    }

    /// The average time that the programs take for the packet, in nanoseconds, when it is seen again
    /// and again. The packet must be one that is not changed.
    pub fn measure(&mut self, point: Point, frame: &[u8], repeat: i32) -> Result<u32> {
        let (program, key) = match point {
            Point::Port(port) => (Program::FromGuest, RowKey::Port(port)),
            Point::Wire(switch) => (Program::FromWire, RowKey::Switch(switch)),
        };
        let ifindex = self.devices.get(&key).copied().unwrap_or(0);
        let (fd, _) = self.datapath.kernel.program(program)?;
        test_run(fd, ifindex, frame, repeat)
            .map(|ran| ran.duration)
            .map_err(|source| Error::System { operation: format!("run {program:?} for a test"), source })
    }

    fn clear_scratch(&self) -> Result<()> {
        let map = self.datapath.kernel.scratch();
        let values = map.lookup_percpu(&0u32.bytes(), MapFlags::ANY).map_err(Error::bpf("read the decision"))?;
        let zero = vec![Scratch::default().bytes(); values.unwrap_or_default().len()];
        map.update_percpu(&0u32.bytes(), &zero, MapFlags::ANY).map_err(Error::bpf("clear the decision"))
    }

    fn read_scratch(&self) -> Result<Scratch> {
        let map = self.datapath.kernel.scratch();
        let values = map.lookup_percpu(&0u32.bytes(), MapFlags::ANY).map_err(Error::bpf("read the decision"))?;
        values
            .unwrap_or_default()
            .get(PROCESSOR)
            .and_then(|value| Scratch::from_bytes(value))
            .ok_or_else(|| failed("the decision cannot be read".to_owned()))
    }

    fn decision(&self, point: Point, scratch: &Scratch, frame: Vec<u8>) -> Decision {
        let numbers = self.numbers();
        let (verdict, to) = match scratch.verdict {
            VERDICT_DROP => {
                let reason = u8::try_from(scratch.reason).ok().and_then(DropReason::from_number);
                (Verdict::Dropped(reason.unwrap_or(DropReason::Internal)), None)
            }
            VERDICT_PORT => match numbers.0.get(&scratch.out_port) {
                Some(port) => (Verdict::Delivered { to: *port }, Some(Target::Port(*port))),
                None => (Verdict::Dropped(DropReason::Internal), None),
            },
            VERDICT_WIRE => match numbers.1.get(&scratch.out_port) {
                Some(switch) => {
                    let (switch, next_hop) = (*switch, address(scratch.next_hop));
                    (Verdict::ToWire { switch, next_hop }, Some(Target::Wire { switch, next_hop }))
                }
                None => (Verdict::Dropped(DropReason::Internal), None),
            },
            VERDICT_SERVICES => match point {
                Point::Port(from) => (Verdict::ToServices, Some(Target::Services { from })),
                Point::Wire(_) => (Verdict::Dropped(DropReason::Internal), None),
            },
            VERDICT_ANSWER => (Verdict::Answered, Some(Target::Back)),
            VERDICT_FLOOD => (Verdict::Flooded, None),
            VERDICT_FOREIGN => (Verdict::Foreign, None),
            _ => (Verdict::Dropped(DropReason::Internal), None),
        };
        let outputs = to.map(|to| Output { to, frame }).into_iter().collect();
        Decision { verdict, outputs, fast: scratch.fast != 0 }
    }

    /// Which port and which switch a number stands for.
    fn numbers(&self) -> (HashMap<u32, PortId>, HashMap<u32, SwitchId>) {
        let number = |pool, id| self.datapath.rows.number(&Named { pool, scope: 0, id });
        let ports = self.network.ports.keys().filter_map(|id| Some((number(Pool::Port, id.0)?, *id))).collect();
        let switches = self.network.switches.keys().filter_map(|id| Some((number(Pool::Switch, id.0)?, *id))).collect();
        (ports, switches)
    }
}

fn address(bytes: u32) -> Ipv4Addr {
    let address = Ipv4Addr::from(bytes.to_ne_bytes());
    debug_assert_eq!(wire_order(address), bytes);
    address
}

fn failed(reason: String) -> Error {
    Error::System { operation: "run the datapath for a test".to_owned(), source: io::Error::other(reason) }
}
