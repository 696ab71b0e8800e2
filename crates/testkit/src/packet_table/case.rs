//! Cases, and how they are run.

use std::fmt;

use logical::{DropReason, LogicalNetwork, Output, Point, PortId, SwitchId, Target, Timeouts, Verdict};

use super::{Answer, Datapath, Topology, topology};
use crate::frame::{Frame, parse};

/// A named sequence of packets with what is expected of each.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows, beginning with the stage or the paragraph of the pipeline's text.
    pub name: &'static str,
    /// Limits of its connections.
    pub timeouts: Timeouts,
    network: LogicalNetwork,
    moves: Vec<Move>,
}

/// One step of a case.
#[derive(Clone, Debug)]
enum Move {
    Packet { point: Point, frame: Vec<u8>, expected: Answer },
    Advance(u32),
    Change(LogicalNetwork),
}

/// What a case expects of a packet.
#[derive(Clone, Debug)]
pub struct Expected(Answer);

impl Case {
    /// The verdicts that the case expects.
    pub fn verdicts(&self) -> impl Iterator<Item = Verdict> + '_ {
        self.moves.iter().filter_map(|step| match step {
            Move::Packet { expected, .. } => Some(expected.verdict),
            _ => None,
        })
    }

    /// Runs the case. The error says where the datapath did something else, and what.
    pub fn run(&self, datapath: &mut dyn Datapath) -> Result<(), String> {
        let at = |step: usize, what: &dyn fmt::Display| format!("{}\n  step {step}: {what}", self.name);
        datapath.reset(self.timeouts).map_err(|e| at(0, &e))?;
        datapath.load(&self.network).map_err(|e| at(0, &e))?;
        for (number, step) in self.moves.iter().enumerate() {
            let number = number + 1;
            match step {
                Move::Advance(seconds) => datapath.advance(*seconds).map_err(|e| at(number, &e))?,
                Move::Change(network) => datapath.load(network).map_err(|e| at(number, &e))?,
                Move::Packet { point, frame, expected } => {
                    let answer = datapath.process(*point, frame).map_err(|e| at(number, &e))?;
                    if let Some(difference) = expected.difference(&answer, datapath.sees_flooding()) {
                        let steps: String =
                            answer.steps.iter().map(|step| format!("\n    {}: {}", step.stage, step.text)).collect();
                        let what = format!("expected / {}: {difference}{steps}", datapath.name());
                        return Err(at(number, &what));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A case under construction: it follows the network through its changes.
#[derive(Debug)]
pub struct Script {
    case: Case,
    topology: Topology,
}

impl Script {
    /// Begins a case on a network.
    #[must_use]
    pub fn new(name: &'static str, topology: &Topology) -> Self {
        let network = topology.network.clone();
        let case = Case { name, timeouts: Timeouts::default(), network, moves: Vec::new() };
        Self { case, topology: topology.clone() }
    }

    /// Other limits for connections.
    #[must_use]
    pub fn timeouts(mut self, change: impl FnOnce(&mut Timeouts)) -> Self {
        change(&mut self.case.timeouts);
        self
    }

    /// A packet comes in at a guest port or at an external switch.
    #[must_use]
    pub fn packet(self, at: &str, frame: &Frame, expected: Expected) -> Self {
        self.octets(at, frame.bytes(), expected)
    }

    /// Any octets come in.
    #[must_use]
    pub fn octets(mut self, at: &str, frame: Vec<u8>, Expected(expected): Expected) -> Self {
        let point = self.topology.point(at);
        self.case.moves.push(Move::Packet { point, frame, expected });
        self
    }

    /// Time passes.
    #[must_use]
    pub fn wait(mut self, seconds: u32) -> Self {
        self.case.moves.push(Move::Advance(seconds));
        self
    }

    /// The network changes.
    #[must_use]
    pub fn change(mut self, change: impl FnOnce(&mut Topology) -> &mut Topology) -> Self {
        change(&mut self.topology);
        self.case.moves.push(Move::Change(self.topology.network.clone()));
        self
    }

    /// The case.
    #[must_use]
    pub fn done(self) -> Case {
        self.case
    }
}

/// It is dropped.
#[must_use]
pub fn dropped(reason: DropReason) -> Expected {
    expect(Verdict::Dropped(reason), Vec::new())
}

/// A port gets this frame.
#[must_use]
pub fn delivered(port: &str, frame: &Frame) -> Expected {
    delivered_octets(port, frame.bytes())
}

/// A port gets these octets.
#[must_use]
pub fn delivered_octets(port: &str, frame: Vec<u8>) -> Expected {
    let to: PortId = topology::port_id(port);
    expect(Verdict::Delivered { to }, vec![Output { to: Target::Port(to), frame }])
}

/// This frame goes back to where the packet came from.
#[must_use]
pub fn answered(frame: &Frame) -> Expected {
    expect(Verdict::Answered, vec![Output { to: Target::Back, frame: frame.bytes() }])
}

/// It goes out of an external switch to a next hop; Ethernet addresses do not matter.
#[must_use]
pub fn wired(switch: &str, next_hop: &str, frame: &Frame) -> Expected {
    let switch: SwitchId = topology::switch_id(switch);
    let next_hop = parse(next_hop);
    expect(
        Verdict::ToWire { switch, next_hop },
        vec![Output { to: Target::Wire { switch, next_hop }, frame: frame.bytes() }],
    )
}

/// It goes to these ports as it came.
#[must_use]
pub fn flooded(ports: &[&str], frame: &Frame) -> Expected {
    let copy = |port: &&str| Output { to: Target::Port(topology::port_id(port)), frame: frame.bytes() };
    expect(Verdict::Flooded, ports.iter().map(copy).collect())
}

/// It goes to the host services.
#[must_use]
pub fn to_services() -> Expected {
    expect(Verdict::ToServices, Vec::new())
}

/// It is left to the host.
#[must_use]
pub fn foreign() -> Expected {
    expect(Verdict::Foreign, Vec::new())
}

fn expect(verdict: Verdict, outputs: Vec<Output>) -> Expected {
    Expected(Answer { verdict, outputs, steps: Vec::new() })
}
