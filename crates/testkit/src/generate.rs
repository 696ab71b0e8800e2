//! Random networks and packets, on which two datapaths must agree.
//!
//! A [`Sequence`] is made from a seed alone: a network, and packets, waits and changes of the network after one
//! another. The packets are not noise. Most answer what an earlier packet came to, use its ports again, end or
//! reopen its connection, so that the interesting states are met often; only some are cut short or lie. What
//! answers what is found out by taking each packet through the interpreter while the sequence is made; the
//! sequence itself is plain data, so that it can be run on anything, and cut down to the few steps that show a
//! disagreement.

mod change;
mod disagreement;
mod invariant;
mod packet;
mod topology;

use std::fmt;

use logical::{LogicalNetwork, Point, Target, Timeouts, Verdict};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

pub use disagreement::{Disagreement, compare, minimise};
pub use invariant::Violation;

use crate::{
    frame::{Frame, Transport},
    packet_table::{Answer, Datapath, Interpreter},
};
use topology::Plan;

/// So few connections that whatever takes the place of one shows.
const FEW: u32 = 100;

/// Packets, waits and changes of one network.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// What it was made from.
    pub seed: u64,
    /// Limits of its connections.
    pub timeouts: Timeouts,
    /// The network at the beginning.
    pub network: LogicalNetwork,
    /// What happens.
    pub moves: Vec<Move>,
}

/// One step of a sequence.
#[derive(Clone, Debug)]
pub enum Move {
    /// A packet comes in.
    Packet {
        /// Where.
        point: Point,
        /// Its octets.
        frame: Vec<u8>,
    },
    /// Seconds pass.
    Advance(u32),
    /// The network becomes this one.
    Change(Box<LogicalNetwork>),
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet { point, frame } => {
                match point {
                    Point::Port(port) => write!(f, "packet from port {port}: ")?,
                    Point::Wire(switch) => write!(f, "packet from the wire of switch {switch}: ")?,
                }
                match Frame::read(frame) {
                    Some(described) => write!(f, "{described:?} "),
                    None => Ok(()),
                }?;
                frame.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
            Self::Advance(seconds) => write!(f, "{seconds} seconds pass"),
            Self::Change(_) => f.write_str("the network changes"),
        }
    }
}

/// A packet that went in, and what came of it.
#[derive(Clone, Debug)]
struct Past {
    point: Point,
    sent: Frame,
    outputs: Vec<(Target, Frame)>,
}

/// A packet and its answer, to and fro.
struct Conversation {
    about: Past,
    /// How many packets are still to come.
    packets: u32,
}

/// A sequence under construction.
struct Maker {
    random: StdRng,
    plan: Plan,
    past: Vec<Past>,
    conversation: Option<Conversation>,
}

/// Makes the sequence of a seed; the error is what the interpreter did there that it must never do.
pub fn sequence(seed: u64) -> Result<Sequence, Violation> {
    let mut maker =
        Maker { random: StdRng::seed_from_u64(seed), plan: Plan::default(), past: Vec::new(), conversation: None };
    maker.invent_network();
    let timeouts = maker.invent_timeouts();
    let network = maker.plan.net.network.clone();
    let mut made = Sequence { seed, timeouts, network, moves: Vec::new() };
    let mut interpreter = Interpreter::default();
    let broken = |e: &dyn fmt::Display| Violation { seed, what: e.to_string() };
    interpreter.reset(timeouts).map_err(|e| broken(&e))?;
    interpreter.load(&made.network).map_err(|e| broken(&e))?;
    for _ in 0..maker.random.random_range(8..40) {
        let step = match maker.random.random_range(0..100) {
            0..10 => Move::Advance(maker.invent_wait()),
            10..22 => {
                maker.invent_change();
                Move::Change(Box::new(maker.plan.net.network.clone()))
            }
            _ => match maker.invent_packet() {
                Some((point, frame)) => Move::Packet { point, frame },
                None => continue,
            },
        };
        match &step {
            Move::Advance(seconds) => interpreter.advance(*seconds).map_err(|e| broken(&e))?,
            Move::Change(network) => interpreter.load(network).map_err(|e| broken(&e))?,
            Move::Packet { point, frame } => {
                let answer = invariant::process(&mut interpreter, &maker.plan.net.network, *point, frame)
                    .map_err(|what| Violation { seed, what })?;
                if maker.is_beyond_the_text(&timeouts, &answer) {
                    continue;
                }
                maker.remember(*point, frame, &answer);
            }
        }
        made.moves.push(step);
    }
    Ok(made)
}

impl Maker {
    fn remember(&mut self, point: Point, frame: &[u8], answer: &Answer) {
        let Some(sent) = Frame::read(frame) else { return };
        let read = |output: &logical::Output| Some((output.to, Frame::read(&output.frame)?));
        self.past.push(Past { point, sent, outputs: answer.outputs.iter().filter_map(read).collect() });
    }

    /// A server that asks the services from other addresses than its own may need a place in the datapath's memory,
    /// to find the way back. The pipeline's text says nothing of that, and it shows when places are few.
    fn is_beyond_the_text(&self, timeouts: &Timeouts, answer: &Answer) -> bool {
        answer.verdict == Verdict::ToServices && timeouts.max_connections < FEW && !self.asks_as_itself(answer)
    }

    fn asks_as_itself(&self, answer: &Answer) -> bool {
        answer.outputs.iter().all(|output| {
            let Target::Services { from } = output.to else { return false };
            let port = self.plan.net.network.ports.get(&from);
            let own = port.and_then(|port| Some((port.mac, port.addresses.first()?.address)));
            Frame::read(&output.frame).is_some_and(|frame| {
                let used = frame.as_ip().map(|ip| (frame.source_mac, std::net::IpAddr::V4(ip.source)));
                own == used || frame.as_ip().is_some_and(|ip| matches!(ip.transport, Transport::Udp(..)))
            })
        })
    }

    /// True so many times out of a hundred.
    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        of.choose(&mut self.random).cloned()
    }

    fn invent_timeouts(&mut self) -> Timeouts {
        let mut timeouts = Timeouts::default();
        if self.chance(40) {
            timeouts.tcp_opening = self.random.random_range(2..20);
            timeouts.tcp_established = self.random.random_range(20..60);
            timeouts.tcp_closing = self.random.random_range(2..20);
            timeouts.udp_opening = self.random.random_range(2..10);
            timeouts.udp_established = self.random.random_range(10..40);
            timeouts.icmp = self.random.random_range(2..10);
            timeouts.other = self.random.random_range(2..20);
        }
        if self.chance(15) {
            timeouts.max_connections = self.random.random_range(1..5);
        }
        timeouts
    }

    fn invent_wait(&mut self) -> u32 {
        let waits = [1, 2, 5, 10, 15, 20, 29, 30, 60, 90, 119, 120, 121, 179, 180, 300, 600, 432_000];
        self.pick(&waits).unwrap_or(1)
    }
}
