//! The interpreter against the eBPF programs, on generated networks and packets.
//!
//! Run by `make diff-trace`, as root: the programs run in this machine's kernel, on packets made up here, in a network
//! namespace of this run. A seed makes one sequence; the seeds are counted up from `--seed`. The first sequence that the
//! two treat differently is cut down to the steps that show it, printed with what each made of it, and ends the run.

#![forbid(unsafe_code)]
// A program whose output is its purpose.
#![allow(clippy::print_stdout)]

mod programs;

use std::process::ExitCode;

use clap::Parser;
use testkit::{
    generate::{Disagreement, compare, minimise, sequence},
    packet_table::Interpreter,
};

use crate::programs::{Host, Programs};

/// The interpreter against the eBPF programs.
#[derive(Debug, Parser)]
struct Arguments {
    /// Seed of the first sequence.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many sequences.
    #[arg(long, default_value_t = 2000)]
    count: u64,
}

/// How a run ended.
struct Run {
    /// Sequences on which both agreed.
    agreed: u64,
    /// What stopped it.
    found: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let run = match run(&arguments) {
        Ok(run) => run,
        Err(problem) => {
            println!("diff-trace: {problem}");
            println!("0 passed, 1 failed");
            return ExitCode::FAILURE;
        }
    };
    let failed = u64::from(run.found.is_some());
    if let Some(found) = &run.found {
        println!("{found}");
    }
    let sequences = run.agreed + failed;
    println!("{sequences} sequences, {failed} disagreements");
    println!("{} passed, {failed} failed", run.agreed);
    if run.found.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(arguments: &Arguments) -> Result<Run, Box<dyn std::error::Error>> {
    let host = Host::new()?;
    let mut programs = Programs::open(&host)?;
    let mut interpreter = Interpreter::default();
    let last = arguments.seed.saturating_add(arguments.count);
    println!("the interpreter against the eBPF programs, seeds {} to {}", arguments.seed, last.saturating_sub(1));
    for (agreed, seed) in (0..).zip(arguments.seed..last) {
        let sequence = match sequence(seed) {
            Ok(sequence) => sequence,
            Err(violation) => return Ok(Run { agreed, found: Some(violation.to_string()) }),
        };
        if let Some(found) = compare(&sequence, &mut interpreter, &mut programs)? {
            let found = minimise(found, &mut interpreter, &mut programs)?;
            return Ok(Run { agreed, found: Some(in_full(&found)) });
        }
    }
    println!("{} packets, {} of them by a remembered action", programs.packets, programs.remembered);
    Ok(Run { agreed: arguments.count, found: None })
}

fn in_full(found: &Disagreement) -> String {
    let seed = found.sequence.seed;
    format!("{found}again: make diff-trace SEED={seed} COUNT=1\n")
}
