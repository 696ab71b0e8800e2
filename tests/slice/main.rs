//! The ten things that must work, by real clients, from the `openstack` command to packets between servers.
//!
//! Run by `make slice`, as root. Everything happens in namespaces of this run, so that runs may go side by side, and one
//! after another that was killed. Each point prints `N ok` only after everything in it, what must work and what must
//! not, has been seen; otherwise `N not ok: ` and the reason, and the others still run.

#![forbid(unsafe_code)]
// A program whose output is its purpose.
#![allow(clippy::print_stdout)]

mod create;
mod demo;
mod failure;
mod groups;
mod leases;
mod metadata;
mod outside;
mod pins;
mod routing;
mod spoofing;
mod survival;
mod tracing;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use crate::failure::Result;
use crate::world::{Fresh, World};

/// The ten things that must work.
#[derive(Debug, Parser)]
struct Arguments {
    /// The binary to test; by default the one beside this program.
    #[arg(long, value_name = "FILE")]
    baryon: Option<PathBuf>,
    /// Only these points, beside the first two, on which all others stand.
    #[arg(value_name = "POINT")]
    only: Vec<usize>,
}

type Point = fn(&mut World) -> Result<()>;

/// The points after the first, in their order.
const POINTS: [Point; 9] = [
    leases::check,
    outside::check,
    groups::check,
    routing::check,
    spoofing::check,
    metadata::check,
    survival::check,
    tracing::check,
    demo::check,
];

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let begin = Instant::now();
    let mut tally = Tally { failed: 0 };
    let log = match Fresh::start(&binary(&arguments)) {
        Ok(fresh) => run(fresh, &arguments.only, &mut tally),
        Err(failure) => {
            tally.told::<()>(1, begin, &Err(failure));
            String::new()
        }
    };
    if tally.failed > 0 {
        eprintln!("what baryon said:\n{}", tail(&log));
    }
    eprintln!("{:.0} s", begin.elapsed().as_secs_f64());
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Goes through the points; returns what the instance has printed.
fn run(fresh: Fresh, only: &[usize], tally: &mut Tally) -> String {
    let begin = Instant::now();
    let made = create::check(&fresh);
    tally.told(1, begin, &made);
    let Ok(made) = made else { return fresh.host.log() };
    let mut world = made.on(fresh);
    for (number, point) in (2..).zip(POINTS) {
        if number == 2 || only.is_empty() || only.contains(&number) {
            let begin = Instant::now();
            let result = world.ready().and_then(|()| point(&mut world));
            tally.told(number, begin, &result);
        }
    }
    world.host.log()
}

struct Tally {
    failed: usize,
}

impl Tally {
    fn told<T>(&mut self, number: usize, begin: Instant, result: &Result<T>) {
        match result {
            Ok(_) => println!("{number} ok"),
            Err(failure) => {
                self.failed += 1;
                println!("{number} not ok: {failure}");
            }
        }
        eprintln!("  {:.1} s", begin.elapsed().as_secs_f64());
    }
}

fn tail(log: &str) -> String {
    // Every request has its line; what went wrong is among the others.
    let lines: Vec<&str> = log.lines().filter(|line| !line.contains(" INFO baryon::access: ")).collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// The binary of the same build.
fn binary(arguments: &Arguments) -> PathBuf {
    arguments.baryon.clone().unwrap_or_else(|| {
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("baryon")));
        beside.unwrap_or_else(|| PathBuf::from("baryon"))
    })
}
