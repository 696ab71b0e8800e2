//! The programs against the specification: the packet table, and random sequences.

#![allow(clippy::unwrap_used, reason = "a test fails where a step does")]

mod support;

use driver_ebpf::{EbpfConfig, test_run::TestRun};
use logical::{LogicalNetwork, Point, Timeouts};
use support::Host;
use testkit::{
    generate::{compare, sequence},
    packet_table::{Answer, Datapath, DatapathError, Interpreter, cases},
};

/// How many random sequences each run of the tests looks at; `make diff-trace` looks at more.
const SEQUENCES: u64 = 300;

/// The programs, and how many packets they decided by a remembered action.
struct Programs(TestRun, usize);

fn programs(host: &Host) -> Programs {
    // The collector looks at every bucket.
    let config = EbpfConfig { max_flows: 1 << 12, ..host.config.clone() };
    Programs(TestRun::open(config).unwrap(), 0)
}

fn failed(error: driver_ebpf::Error) -> DatapathError {
    DatapathError(error.to_string())
}

impl Datapath for Programs {
    fn name(&self) -> &str {
        "ebpf"
    }

    fn reset(&mut self, timeouts: Timeouts) -> Result<(), DatapathError> {
        self.0.reset(timeouts).map_err(failed)
    }

    fn load(&mut self, network: &LogicalNetwork) -> Result<(), DatapathError> {
        self.0.load(network).map_err(failed)
    }

    fn advance(&mut self, seconds: u32) -> Result<(), DatapathError> {
        self.0.advance(seconds).map_err(failed)
    }

    fn process(&mut self, point: Point, frame: &[u8]) -> Result<Answer, DatapathError> {
        let decision = self.0.process(point, frame).map_err(failed)?;
        self.1 += usize::from(decision.fast);
        Ok(Answer { verdict: decision.verdict, outputs: decision.outputs, steps: Vec::new() })
    }

    fn sees_flooding(&self) -> bool {
        false
    }
}

#[test]
fn the_programs_do_what_the_packet_table_says() {
    let host = Host::new();
    let mut programs = programs(&host);
    let cases = cases();
    let failures: Vec<String> = cases.iter().filter_map(|case| case.run(&mut programs).err()).collect();
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn the_programs_agree_with_the_interpreter_on_random_sequences() {
    let host = Host::new();
    let mut programs = programs(&host);
    for seed in 0..SEQUENCES {
        let sequence = sequence(seed).unwrap();
        if let Some(disagreement) = compare(&sequence, &mut Interpreter::default(), &mut programs).unwrap() {
            panic!("{disagreement}");
        }
    }
    assert!(programs.1 > 0, "no packet took the short way");
    println!("{} packets took the short way", programs.1);
}

#[test]
fn a_packet_of_a_known_connection_takes_the_short_way_in_less_than_a_microsecond() {
    let host = Host::new();
    let mut run = TestRun::open(EbpfConfig { max_flows: 1 << 12, ..host.config.clone() }).unwrap();
    let network = support::switch(1);
    let open = support::group(1);
    let device = |name: &str| Some(logical::Attachment::Tap { name: name.to_owned() });
    let rows: Vec<logical::Row> = vec![
        network.clone().into(),
        support::rule(1, open, types::Direction::Ingress, logical::Remote::Any).into(),
        support::rule(2, open, types::Direction::Egress, logical::Remote::Any).into(),
        support::guest(1, &network, "10.0.0.11/24", &[open], device("a")).into(),
        support::guest(2, &network, "10.0.0.12/24", &[open], device("b")).into(),
    ];
    let mut wanted = LogicalNetwork::default();
    rows.into_iter().for_each(|row| wanted.put(row));
    run.load(&wanted).unwrap();
    let from = Point::Port(support::port_id(1));
    // 64 bytes of UDP, without a checksum.
    let mut frame = Vec::new();
    frame.extend(support::mac(2).0);
    frame.extend(support::mac(1).0);
    frame.extend([8, 0, 0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 11, 10, 0, 0, 12]);
    frame.extend([0x30, 0x39, 0x04, 0xd2, 0, 30, 0, 0]);
    frame.resize(64, 0);
    assert!(!run.process(from, &frame).unwrap().fast);
    assert!(run.process(from, &frame).unwrap().fast);
    let cost = run.measure(from, &frame, 1_000_000).unwrap();
    println!("{cost} ns per packet");
    assert!(cost < 1000, "{cost} ns per packet");
}
