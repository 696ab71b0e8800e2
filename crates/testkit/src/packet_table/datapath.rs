//! Something that packets go through, and what can be seen of that.

use std::{collections::BTreeSet, fmt, time::Duration};

use logical::{FlowState, Input, LogicalNetwork, Output, Point, Step, Target, Timeouts, Verdict, trace};

/// Length of an Ethernet header.
const ETHERNET_LEN: usize = 14;

/// A datapath could not be asked at all: a map could not be written, a program did not load.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DatapathError(pub String);

/// Something that packets go through.
pub trait Datapath {
    /// What it is called in reports.
    fn name(&self) -> &str;

    /// Starts over: no network, no connections, these limits. Its clock may go on from where it was.
    fn reset(&mut self, timeouts: Timeouts) -> Result<(), DatapathError>;

    /// Makes the datapath equal to the network. Connections stay, as far as they are still valid.
    fn load(&mut self, network: &LogicalNetwork) -> Result<(), DatapathError>;

    /// Lets time pass. Whatever frees the memory of connections whose time has run out runs then.
    fn advance(&mut self, seconds: u32) -> Result<(), DatapathError>;

    /// Takes one packet through.
    fn process(&mut self, point: Point, frame: &[u8]) -> Result<Answer, DatapathError>;

    /// Whether the outputs of [`Verdict::Flooded`] can be seen. A program that is run for a test clones
    /// packets to devices, where no test sees them; then only the verdict is compared.
    fn sees_flooding(&self) -> bool {
        true
    }
}

/// What became of a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The verdict.
    pub verdict: Verdict,
    /// What left. Nothing for [`Verdict::Dropped`] and [`Verdict::Foreign`].
    pub outputs: Vec<Output>,
    /// What decided, for a person; empty where the datapath cannot tell.
    pub steps: Vec<Step>,
}

impl Answer {
    /// The first difference between two answers that is one; `None`: they agree.
    ///
    /// What the pipeline leaves open is not compared: the Ethernet addresses of a frame on a wire, the frame
    /// that the services get, the order of flooded copies, and, unless `with_floods`, the copies.
    #[must_use]
    pub fn difference(&self, other: &Self, with_floods: bool) -> Option<String> {
        if self.verdict != other.verdict {
            return Some(format!("verdict: {} / {}", self.verdict, other.verdict));
        }
        if self.verdict == Verdict::ToServices || (self.verdict == Verdict::Flooded && !with_floods) {
            return None;
        }
        let (ours, theirs) = (self.comparable(), other.comparable());
        if ours == theirs {
            return None;
        }
        let show = |set: &BTreeSet<(Target, &[u8])>| {
            set.iter().map(|(to, bytes)| format!("\n    {to:?}: {}", Hex(bytes))).collect::<String>()
        };
        Some(format!("packets out:{}\n  /{}", show(&ours), show(&theirs)))
    }

    fn comparable(&self) -> BTreeSet<(Target, &[u8])> {
        self.outputs
            .iter()
            .map(|output| match output.to {
                Target::Wire { .. } => (output.to, output.frame.get(ETHERNET_LEN..).unwrap_or_default()),
                _ => (output.to, output.frame.as_slice()),
            })
            .collect()
    }
}

/// Bytes in the form that Wireshark imports.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The interpreter, as a datapath.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Interpreter {
    network: LogicalNetwork,
    flows: FlowState,
    now: Duration,
}

impl Interpreter {
    /// How many connections it remembers.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.flows.len()
    }
}

impl Datapath for Interpreter {
    fn name(&self) -> &'static str {
        "trace"
    }

    fn reset(&mut self, timeouts: Timeouts) -> Result<(), DatapathError> {
        self.network = LogicalNetwork::default();
        self.flows = FlowState::new(timeouts);
        Ok(())
    }

    fn load(&mut self, network: &LogicalNetwork) -> Result<(), DatapathError> {
        self.network = network.clone();
        Ok(())
    }

    fn advance(&mut self, seconds: u32) -> Result<(), DatapathError> {
        self.now += Duration::from_secs(u64::from(seconds));
        Ok(())
    }

    fn process(&mut self, point: Point, frame: &[u8]) -> Result<Answer, DatapathError> {
        let traced = trace(&self.network, &mut self.flows, self.now, Input { point, frame });
        Ok(Answer { verdict: traced.verdict, outputs: traced.outputs, steps: traced.steps })
    }
}
