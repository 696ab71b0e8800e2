//! What the datapath costs: CPU per packet and per connection, ours and three peers', each divided by a raw veth pair.
//!
//! All paths stand side by side. A round goes over all of them many times in slices of a few milliseconds, each time
//! beginning with another, and takes each path's median slice: whatever else the machine does meets all alike, and a
//! burst of it meets no round's result. A ratio is made within its round. Run by `make bench` and `make bench-check`.

#![forbid(unsafe_code)]
// A program whose output is its purpose.
#![allow(clippy::print_stdout)]

mod error;
mod meter;
mod ours;
mod peers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use baryon_bench::{Interval, Sample, Targets, Verdict};
use clap::Parser;
use testkit::Scope;

use crate::error::{Error, Result};
use crate::meter::Meter;

/// Measures the datapath against a raw veth pair, a bridge, and a bridge with Neutron's rules.
#[derive(Debug, Parser)]
struct Arguments {
    /// Judge by this file of bounds instead of only measuring.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// How many rounds at least.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Leave ours out: only the peers.
    #[arg(long)]
    peers_only: bool,
    /// The binary to measure; by default the one beside this program.
    #[arg(long, value_name = "FILE")]
    baryon: Option<PathBuf>,
}

/// Slices of a path in a round.
const SLICES: usize = 20;
/// Batches of datagrams in a slice.
const BATCHES: usize = 40;
/// Connections in a slice.
const CONNECTIONS: usize = 40;
/// A target that stays unclear is measured up to so many times longer.
const PATIENCE: usize = 4;

const REFERENCE: &str = "veth";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Udp,
    Connection,
}

/// A path with the ratios that it gives.
struct Measured {
    meter: Meter,
    /// `None` for the reference.
    udp: Option<&'static str>,
    connection: Option<&'static str>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("datapath: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    let targets = arguments.check.as_deref().map(Targets::load).transpose()?;
    let scope = Scope::new()?;
    let mut paths = vec![
        Measured { meter: Meter::open(REFERENCE, peers::wire(&scope)?)?, udp: None, connection: None },
        measured("bridge", peers::bridge(&scope)?, "datapath.bridge.udp-cpu", Some("datapath.bridge.connection-cpu"))?,
        measured(
            "bridge-nft",
            peers::bridge_nft(&scope)?,
            "datapath.bridge-nft.udp-cpu",
            Some("datapath.bridge-nft.connection-cpu"),
        )?,
    ];
    // Lives until the last round.
    let ours = if arguments.peers_only { None } else { Some(ours::start(&binary(arguments))?) };
    if let Some(ours) = &ours {
        paths.push(measured(
            "same-network",
            ours.same_network.clone(),
            "datapath.same-network.udp-cpu",
            Some("datapath.connection-cpu"),
        )?);
        paths.push(measured("routed", ours.routed.clone(), "datapath.routed.udp-cpu", None)?);
        paths.push(measured("snat", ours.snat.clone(), "datapath.snat.udp-cpu", None)?);
    }
    meter::pin()?;
    let mut results = Results::default();
    let wanted = targets.iter().flat_map(|t| &t.target).map(|t| t.rounds).fold(arguments.rounds, usize::max);
    // The first round warms caches and flow tables and is not counted.
    round(&paths, 0, &mut Results::default())?;
    for number in 0..wanted * PATIENCE {
        if number >= wanted && !targets.as_ref().is_some_and(|t| results.is_unclear(t)) {
            break;
        }
        round(&paths, number, &mut results)?;
    }
    results.print();
    match targets {
        Some(targets) => results.judge(&targets),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn measured(
    name: &'static str,
    path: meter::Path,
    udp: &'static str,
    connection: Option<&'static str>,
) -> Result<Measured> {
    Ok(Measured { meter: Meter::open(name, path)?, udp: Some(udp), connection })
}

/// The binary of the same build.
fn binary(arguments: &Arguments) -> PathBuf {
    arguments.baryon.clone().unwrap_or_else(|| {
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("baryon")));
        beside.unwrap_or_else(|| PathBuf::from("baryon"))
    })
}

/// Measures every path, and adds a ratio for each.
fn round(paths: &[Measured], number: usize, results: &mut Results) -> Result<()> {
    let mut udp: BTreeMap<usize, Sample> = BTreeMap::new();
    let mut connection: BTreeMap<usize, Sample> = BTreeMap::new();
    for step in 0..SLICES * paths.len() {
        // Each pass begins one path later than the one before it, so that none always follows the same.
        let at = (number + step / paths.len() + step) % paths.len();
        let path = &paths[at];
        udp.entry(at).or_default().push(path.meter.datagrams(BATCHES)?);
        if path.udp.is_none() || path.connection.is_some() {
            connection.entry(at).or_default().push(path.meter.connections(CONNECTIONS)?);
        }
    }
    let medians = |samples: BTreeMap<usize, Sample>| -> BTreeMap<usize, f64> {
        samples.into_iter().filter_map(|(at, sample)| Some((at, sample.interval()?.median))).collect()
    };
    let (udp, connection) = (medians(udp), medians(connection));
    for (kind, costs) in [(Kind::Udp, udp), (Kind::Connection, connection)] {
        // The reference is the first path.
        let Some(reference) = costs.get(&0).copied() else { continue };
        results.reference.entry(kind).or_default().push(reference);
        for (at, cost) in costs {
            let name = if kind == Kind::Udp { paths[at].udp } else { paths[at].connection };
            if let Some(name) = name {
                results.ratios.entry(name).or_default().push(cost / reference);
            }
        }
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Results {
    reference: BTreeMap<Kind, Sample>,
    ratios: BTreeMap<&'static str, Sample>,
}

impl Results {
    fn interval(&self, name: &str) -> Result<Interval> {
        self.ratios.get(name).and_then(Sample::interval).ok_or_else(|| Error::UnknownTarget(name.to_owned()))
    }

    fn is_unclear(&self, targets: &Targets) -> bool {
        targets.target.iter().any(|t| self.interval(&t.name).is_ok_and(|i| t.judge(i) == Verdict::Noisy))
    }

    fn print(&self) {
        for (kind, sample) in &self.reference {
            if let Some(Interval { low, median, high }) = sample.interval() {
                let what = if *kind == Kind::Udp { "datagram" } else { "connection" };
                println!("{REFERENCE}: {median:.0} ns of CPU per {what} ({low:.0} to {high:.0})");
            }
        }
        for (name, sample) in &self.ratios {
            if let Some(Interval { low, median, high }) = sample.interval() {
                println!("{name}: {median:.3}, between {low:.3} and {high:.3} in {} rounds", sample.rounds());
            }
        }
        for (name, sample) in &self.ratios {
            if let Some(Interval { median, .. }) = sample.interval() {
                println!("RATIO {name} {median:.2}");
            }
        }
    }

    fn judge(&self, targets: &Targets) -> Result<ExitCode> {
        let mut all = true;
        for target in &targets.target {
            let measured = self.interval(&target.name)?;
            let verdict = target.judge(measured);
            all &= verdict == Verdict::Pass;
            println!(
                "{verdict} {} {:.2} ({:.2} to {:.2}), bound {}",
                target.name, measured.median, measured.low, measured.high, target.bound
            );
        }
        Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
