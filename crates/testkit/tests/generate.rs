//! Generated sequences, on the interpreter alone.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use logical::{DropReason, LogicalNetwork, Point, Timeouts, Verdict};
use testkit::{
    generate::{Move, compare, minimise, sequence},
    packet_table::{Answer, Datapath, DatapathError, Interpreter},
};

const SEQUENCES: u64 = 300;

#[test]
fn the_interpreter_keeps_its_promises_on_generated_sequences() {
    for seed in 0..SEQUENCES {
        if let Err(violation) = sequence(seed) {
            panic!("{violation}");
        }
    }
}

#[test]
fn a_seed_makes_the_same_sequence_each_time_and_the_interpreter_agrees_with_itself() {
    for seed in 0..20 {
        let (one, other) = (sequence(seed).unwrap(), sequence(seed).unwrap());
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
        let found = compare(&one, &mut Interpreter::default(), &mut Interpreter::default()).unwrap();
        assert!(found.is_none(), "{}", found.unwrap());
    }
}

/// A datapath whose clock runs at twice the speed.
struct Hasty(Interpreter);

impl Datapath for Hasty {
    fn name(&self) -> &'static str {
        "hasty"
    }

    fn reset(&mut self, timeouts: Timeouts) -> Result<(), DatapathError> {
        self.0.reset(timeouts)
    }

    fn load(&mut self, network: &LogicalNetwork) -> Result<(), DatapathError> {
        self.0.load(network)
    }

    fn advance(&mut self, seconds: u32) -> Result<(), DatapathError> {
        self.0.advance(seconds.saturating_mul(2))
    }

    fn process(&mut self, point: Point, frame: &[u8]) -> Result<Answer, DatapathError> {
        self.0.process(point, frame)
    }
}

#[test]
fn a_datapath_that_differs_is_found_and_the_sequence_cut_down_to_what_shows_it() {
    let (mut right, mut wrong) = (Interpreter::default(), Hasty(Interpreter::default()));
    let found = (0..SEQUENCES)
        .find_map(|seed| compare(&sequence(seed).unwrap(), &mut right, &mut wrong).unwrap())
        .expect("one of the sequences shows it");
    let before = found.sequence.moves.len();
    let found = minimise(found, &mut right, &mut wrong).unwrap();
    // A connection, time, and a packet of it; and what opens the way for these, at most.
    assert!(found.sequence.moves.len() <= 6 && found.sequence.moves.len() <= before, "{found}");
    assert!(found.to_string().contains("seconds pass"), "{found}");
}

/// Random packets that are all dropped for the same reason would find nothing.
#[test]
fn generated_sequences_meet_every_verdict_and_nearly_every_reason() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..SEQUENCES {
        let sequence = sequence(seed).unwrap();
        let mut interpreter = Interpreter::default();
        interpreter.reset(sequence.timeouts).unwrap();
        interpreter.load(&sequence.network).unwrap();
        for step in &sequence.moves {
            match step {
                Move::Advance(seconds) => interpreter.advance(*seconds).unwrap(),
                Move::Change(network) => interpreter.load(network).unwrap(),
                Move::Packet { point, frame } => {
                    let answer = interpreter.process(*point, frame).unwrap();
                    let what = match answer.verdict {
                        Verdict::Dropped(reason) => reason.name().to_owned(),
                        Verdict::Delivered { .. } => "delivered".to_owned(),
                        Verdict::ToWire { .. } => "to wire".to_owned(),
                        other => other.to_string(),
                    };
                    *seen.entry(what).or_default() += 1;
                }
            }
        }
    }
    // Sixty-four servers on one port, and broken datapaths, are for the packet table.
    let rare = [DropReason::NatExhausted, DropReason::ConnectionTableFull, DropReason::Internal];
    let missing: Vec<&DropReason> =
        DropReason::ALL.iter().filter(|reason| !rare.contains(reason) && !seen.contains_key(reason.name())).collect();
    assert!(missing.is_empty(), "{missing:?} never happen; {seen:?}");
    let total: usize = seen.values().sum();
    assert!(seen["delivered"] * 5 > total, "{seen:?}");
}
