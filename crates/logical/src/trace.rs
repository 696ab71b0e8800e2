//! The interpreter: what the pipeline's text says, executed one packet at a time.
//!
//! It is plain and slow on purpose. Every stage is a function that reads like its paragraph in
//! `pipeline.rs`, tables are searched from end to end, and nothing is cached, so that it can be held
//! against the text by reading. Datapaths are held against it by the packet table. Each stage notes in
//! words what it decided and by which object, which is what `baryon trace` shows.
//!
//! Time, connections and the network come from the caller, and a packet in gives the same packets out
//! for the same three. Whatever bytes come in, nothing here panics.

mod acl;
mod admission;
mod arp;
mod connection;
mod explain;
mod nat;
mod output;
mod router;
mod switch;

use std::{fmt, net::Ipv4Addr, time::Duration};

use serde::{Deserialize, Serialize};

pub use explain::{ExplainError, ExplainRequest, explain};

use crate::{
    DropReason, FlowState, LogicalNetwork, Origin, Point, PortId, RouterId, Stage, SwitchId,
    flow::{ConnectionIndex, Translation, Way},
    frame::{Frame, Packet},
};

/// A frame and where it comes in.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Where.
    pub point: Point,
    /// From its Ethernet header on, without checksum.
    pub frame: &'a [u8],
}

/// What one stage decided.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// The stage.
    pub stage: Stage,
    /// The object that decided, where there is one.
    pub subject: Option<Origin>,
    /// The decision, for a person.
    pub text: String,
}

/// Where a frame leaves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// To the device of a guest port.
    Port(PortId),
    /// To the physical network of an external switch.
    Wire {
        /// The switch.
        switch: SwitchId,
        /// Whom the host's neighbour table shall find there.
        next_hop: Ipv4Addr,
    },
    /// To DHCP, metadata and the other services of the host.
    Services {
        /// The port that asks.
        from: PortId,
    },
    /// To where the packet came from.
    Back,
}

/// A frame that leaves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Output {
    /// Where.
    pub to: Target,
    /// From its Ethernet header on.
    pub frame: Vec<u8>,
}

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Handed to the device of a guest port.
    Delivered {
        /// The port.
        to: PortId,
    },
    /// Answered by the datapath itself.
    Answered,
    /// Handed to the host services.
    ToServices,
    /// Sent out of an external switch.
    ToWire {
        /// The switch.
        switch: SwitchId,
        /// The neighbour there that gets it.
        next_hop: Ipv4Addr,
    },
    /// Copied to the other guest ports of the switch.
    Flooded,
    /// Left to the host: it came from a wire and is not for us.
    Foreign,
    /// Dropped.
    Dropped(DropReason),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered { to } => write!(f, "delivered to port {to}"),
            Self::Answered => f.write_str("answered by the datapath"),
            Self::ToServices => f.write_str("handed to the host services"),
            Self::ToWire { switch, next_hop } => write!(f, "sent out of switch {switch} to {next_hop}"),
            Self::Flooded => f.write_str("flooded to the switch"),
            Self::Foreign => f.write_str("not ours, left to the host"),
            Self::Dropped(reason) => write!(f, "dropped: {reason}"),
        }
    }
}

/// What became of a packet and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Trace {
    /// What each stage decided, in order.
    pub steps: Vec<Step>,
    /// The frames that leave.
    pub outputs: Vec<Output>,
    /// The end.
    pub verdict: Verdict,
}

/// Takes one packet through the pipeline.
pub fn trace(network: &LogicalNetwork, flows: &mut FlowState, now: Duration, input: Input<'_>) -> Trace {
    let mut walk = Walk { network, flows, now, input, steps: Vec::new() };
    let end = match walk.run() {
        Ok(end) | Err(end) => end,
    };
    Trace { steps: walk.steps, outputs: end.outputs, verdict: end.verdict }
}

/// The last word on a packet. Stages return it as their error, so that `?` ends the way.
#[derive(Debug)]
struct End {
    verdict: Verdict,
    outputs: Vec<Output>,
}

impl From<DropReason> for End {
    fn from(reason: DropReason) -> Self {
        Self { verdict: Verdict::Dropped(reason), outputs: Vec::new() }
    }
}

impl End {
    fn single(verdict: Verdict, to: Target, frame: Vec<u8>) -> Self {
        Self { verdict, outputs: vec![Output { to, frame }] }
    }
}

/// A packet's way through the pipeline, with what it needs there.
struct Walk<'a> {
    network: &'a LogicalNetwork,
    flows: &'a mut FlowState,
    now: Duration,
    input: Input<'a>,
    steps: Vec<Step>,
}

impl Walk<'_> {
    /// The pipeline.
    fn run(&mut self) -> Result<End, End> {
        let frame = self.admit()?;
        self.check_sender(&frame)?;
        match frame {
            Frame::Arp(arp) => self.resolve(arp),
            Frame::Ipv4(packet) => {
                self.serve(&packet)?;
                let connection = self.recognise(&packet);
                self.forward(&packet, connection)
            }
        }
    }

    /// Switches or routes a packet. A connection that the packet turns out not to fit any more is
    /// forgotten, and the packet begins again as a new one.
    fn forward(&mut self, packet: &Packet, connection: Option<(ConnectionIndex, Way)>) -> Result<End, End> {
        let flight = Flight::new(packet.clone(), connection);
        match self.switch(flight) {
            Err(Stop::Misfit(index)) => {
                self.flows.forget(index);
                self.switch(Flight::new(packet.clone(), None)).map_err(Stop::into_end)
            }
            ended => ended.map_err(Stop::into_end),
        }
    }

    fn step(&mut self, stage: Stage, subject: Option<&Origin>, text: impl Into<String>) {
        self.steps.push(Step { stage, subject: subject.cloned(), text: text.into() });
    }

    /// Notes why a packet is dropped, and drops it.
    fn drop<T, E: From<DropReason>>(
        &mut self,
        stage: Stage,
        subject: Option<&Origin>,
        reason: DropReason,
        why: impl fmt::Display,
    ) -> Result<T, E> {
        self.step(stage, subject, format!("{why}: dropped ({reason})"));
        Err(reason.into())
    }
}

/// Why a packet of stage 6 and later goes no further.
#[derive(Debug)]
enum Stop {
    End(End),
    /// It leaves otherwise than its connection says.
    Misfit(ConnectionIndex),
}

impl From<DropReason> for Stop {
    fn from(reason: DropReason) -> Self {
        Self::End(reason.into())
    }
}

impl From<End> for Stop {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl Stop {
    fn into_end(self) -> End {
        match self {
            Self::End(end) => end,
            // Only packets of connections can misfit, and a new packet is not one.
            Self::Misfit(_) => DropReason::Internal.into(),
        }
    }
}

/// A packet between the lookup of its connection and its output.
struct Flight {
    /// As it came in.
    arrived: Packet,
    /// As it is now.
    packet: Packet,
    /// The connection that it belongs to; `None`: it is new.
    connection: Option<(ConnectionIndex, Way)>,
    /// What was done to the addresses of a new packet on its way.
    source_translation: Option<Translation>,
    destination_translation: Option<Translation>,
    /// The routers that it has entered.
    routers: Vec<RouterId>,
}

impl Flight {
    fn new(packet: Packet, connection: Option<(ConnectionIndex, Way)>) -> Self {
        Self {
            arrived: packet.clone(),
            packet,
            connection,
            source_translation: None,
            destination_translation: None,
            routers: Vec::new(),
        }
    }

    fn is_new(&self) -> bool {
        self.connection.is_none()
    }
}

/// How an object is called in a step.
fn name(origin: &Origin) -> String {
    format!("{} {}", origin.tag, origin.id)
}
