//! Running a sequence on two datapaths, and cutting it down to what shows a disagreement.

use std::fmt;

use logical::LogicalNetwork;

use super::{Move, Sequence};
use crate::packet_table::{Answer, Datapath, DatapathError};

/// The first packet of a sequence that two datapaths treat differently.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// The sequence, which ends with that packet.
    pub sequence: Sequence,
    /// In words.
    pub difference: String,
    /// What each made of the packet, with its name.
    pub answers: [(String, Answer); 2],
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut network: &LogicalNetwork = &self.sequence.network;
        writeln!(f, "seed {}: {:?}", self.sequence.seed, self.sequence.timeouts)?;
        write!(f, "{network}")?;
        for (number, step) in self.sequence.moves.iter().enumerate() {
            writeln!(f, "{}. {step}", number + 1)?;
            if let Move::Change(next) = step {
                for change in network.diff(next) {
                    match change {
                        logical::Change::Put(row) => writeln!(f, "     put {row}")?,
                        logical::Change::Remove(key) => writeln!(f, "     remove {key:?}")?,
                    }
                }
                network = next;
            }
        }
        for (name, answer) in &self.answers {
            writeln!(f, "{name}: {}", answer.verdict)?;
            for step in &answer.steps {
                writeln!(f, "  {}: {}", step.stage, step.text)?;
            }
        }
        writeln!(f, "{} / {}: {}", self.answers[0].0, self.answers[1].0, self.difference)
    }
}

/// Runs a sequence on both and stops at the first packet that they treat differently.
pub fn compare(
    sequence: &Sequence,
    one: &mut dyn Datapath,
    other: &mut dyn Datapath,
) -> Result<Option<Disagreement>, DatapathError> {
    let with_floods = one.sees_flooding() && other.sees_flooding();
    let begin = |datapath: &mut dyn Datapath| {
        datapath.reset(sequence.timeouts)?;
        datapath.load(&sequence.network)
    };
    begin(one)?;
    begin(other)?;
    for (number, step) in sequence.moves.iter().enumerate() {
        match step {
            Move::Advance(seconds) => {
                one.advance(*seconds)?;
                other.advance(*seconds)?;
            }
            Move::Change(network) => {
                one.load(network)?;
                other.load(network)?;
            }
            Move::Packet { point, frame } => {
                let answers = [one.process(*point, frame)?, other.process(*point, frame)?];
                if let Some(difference) = answers[0].difference(&answers[1], with_floods) {
                    let [first, second] = answers;
                    let answers = [(one.name().to_owned(), first), (other.name().to_owned(), second)];
                    let sequence = Sequence { moves: sequence.moves[..=number].to_vec(), ..sequence.clone() };
                    return Ok(Some(Disagreement { sequence, difference, answers }));
                }
            }
        }
    }
    Ok(None)
}

/// Takes steps away as long as the two still disagree.
pub fn minimise(
    mut found: Disagreement,
    one: &mut dyn Datapath,
    other: &mut dyn Datapath,
) -> Result<Disagreement, DatapathError> {
    let mut chunk = found.sequence.moves.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at < found.sequence.moves.len() {
            let mut shorter = found.sequence.clone();
            let end = (at + chunk).min(shorter.moves.len());
            shorter.moves.drain(at..end);
            match compare(&shorter, one, other)? {
                Some(still) => found = still,
                None => at += chunk,
            }
        }
        chunk /= 2;
    }
    // A change at the very beginning is the network that the sequence might as well begin with.
    while let Some(Move::Change(network)) = found.sequence.moves.first() {
        let mut shorter = found.sequence.clone();
        shorter.network = LogicalNetwork::clone(network);
        shorter.moves.remove(0);
        match compare(&shorter, one, other)? {
            Some(still) => found = still,
            None => break,
        }
    }
    Ok(found)
}
