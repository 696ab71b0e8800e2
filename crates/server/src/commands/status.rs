//! `baryon status`: what runs, and what is wrong now.

use std::fs;

use nix::unistd::Pid;
use serde_json::Value;

use crate::{
    Error,
    cli::StatusArgs,
    client::Client,
    data_dir::DataDir,
    error::Result,
    output::{say, table},
    preflight::parent,
};

/// Ports whose drop counters are shown.
const MOST_PORTS: usize = 500;

/// Prints it; fails when something is wrong.
pub(super) fn status(args: &StatusArgs) -> Result<()> {
    if !args.json {
        processes(args)?;
    }
    let client = Client::connect(&args.cloud)?;
    let mut all_well = true;
    match &args.cloud.os_region_name {
        Some(_) => all_well &= region(&client, args.json)?,
        None => {
            for name in client.regions() {
                match region(&client.in_region(name), args.json) {
                    // The catalogue may name regions of other clouds.
                    Err(Error::Client(error)) if error.is_not_found() => {}
                    other => all_well &= other?,
                }
            }
        }
    }
    if all_well { Ok(()) } else { Err(Error::Told) }
}

/// Prints one region's state; whether nothing is wrong there.
fn region(client: &Client, json: bool) -> Result<bool> {
    let answer = client.get("baryon/status")?;
    let report = &answer["status"];
    let problems = report["problems"].as_array().map(Vec::as_slice).unwrap_or_default();
    let peers = report["peers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let driver_ok = report["driver_ok"].as_bool().unwrap_or(false);
    let database_problem = report["database"]["problem"].as_str();
    let peers_ok = peers.iter().all(|peer| peer["problem"].is_null());
    let tls_ok = report["tls"]["failure"].is_null() && report["tls"]["expired"] != true;
    if json {
        say!("{answer}")?;
    } else {
        let text = |key: &str| cell(&report[key]);
        say!("region {}: profile {}, driver {}", text("region"), text("profile"), text("driver"))?;
        print(report, driver_ok)?;
        if let Some(problem) = database_problem {
            say!("database: NOT OK: nothing can be written: {problem}")?;
        }
        print_peers(peers)?;
        print_certificate(&report["tls"])?;
        drops(client)?;
        // "Nothing is wrong" shall not stand below a line that says otherwise.
        if !problems.is_empty() || (driver_ok && peers_ok && tls_ok && database_problem.is_none()) {
            print_problems(problems)?;
        }
    }
    Ok(driver_ok && problems.is_empty() && peers_ok && tls_ok && database_problem.is_none())
}

/// Other services of the cloud, where there are any.
fn print_peers(peers: &[Value]) -> Result<()> {
    for peer in peers {
        match peer["problem"].as_str() {
            None => say!("{}: ok", cell(&peer["name"]))?,
            Some(problem) => say!("{}: NOT OK: {problem}", cell(&peer["name"]))?,
        }
    }
    Ok(())
}

/// The listener's certificate, where it has one.
fn print_certificate(tls: &Value) -> Result<()> {
    let until = cell(&tls["not_after"]);
    match (tls["failure"].as_str(), tls["expired"].as_bool()) {
        (Some(failure), _) => say!("certificate: good until {until}; NOT OK: the new one is not used: {failure}"),
        (None, Some(true)) => say!("certificate: NOT OK: it expired at {until}"),
        (None, Some(false)) => say!("certificate: good until {until}"),
        (None, None) => Ok(()),
    }
}

fn processes(args: &StatusArgs) -> Result<()> {
    let data_dir = match DataDir::open(&args.cloud.data_dir) {
        Ok(data_dir) => data_dir,
        // The API may be on another machine.
        Err(Error::NoInstance { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let (instance, path) = (data_dir.instance(), data_dir.path().display());
    let Some(supervisor) = data_dir.running()? else {
        return say!("instance {instance} of {path}: not running; `baryon up` starts it");
    };
    say!("instance {instance} of {path}: supervisor runs (pid {supervisor})")?;
    for (role, pid) in roles(supervisor) {
        say!("  role {role} runs (pid {pid})")?;
    }
    Ok(())
}

/// The roles that stem from a supervisor, in the order of their process ids.
fn roles(supervisor: Pid) -> Vec<(String, u32)> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let mut roles: Vec<(String, u32)> = processes
        .flatten()
        .filter_map(|process| {
            let pid = process.file_name().to_str()?.parse().ok()?;
            let words = fs::read(process.path().join("cmdline")).ok()?;
            let mut words = words.split(|byte| *byte == 0).skip(1);
            (words.next()? == b"role").then_some(())?;
            let role = String::from_utf8(words.next()?.to_vec()).ok()?;
            stems_from(pid, supervisor).then_some((role, pid))
        })
        .collect();
    roles.sort_unstable_by_key(|(_, pid)| *pid);
    roles
}

fn stems_from(pid: u32, ancestor: Pid) -> bool {
    std::iter::successors(Some(pid), |pid| parent(*pid)).any(|pid| i32::try_from(pid) == Ok(ancestor.as_raw()))
}

fn print(report: &Value, driver_ok: bool) -> Result<()> {
    let number = |key: &str| report[key].as_u64().unwrap_or(0);
    if driver_ok {
        say!("datapath: ok, {} rows, {} changes not applied yet", number("rows"), number("lag"))?;
    } else {
        let detail = report["detail"].as_str().unwrap_or("no reason is known yet");
        say!("datapath: NOT OK: {detail}; {} changes not applied yet", number("lag"))?;
    }
    if let Some(counters) = report["counters"].as_object().filter(|counters| !counters.is_empty()) {
        let text: Vec<String> = counters.iter().map(|(name, count)| format!("{name} {count}")).collect();
        say!("reconcile: {}", text.join(", "))?;
    }
    Ok(())
}

/// Counters of the ports that have a server. A port costs a request, so a large cloud's are not all shown.
fn drops(client: &Client) -> Result<()> {
    let answer = client.get(&format!("ports?device_owner=compute:baryon&fields=id&fields=name&limit={MOST_PORTS}"))?;
    let ports = answer["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut rows = Vec::new();
    for port in ports {
        let counts = match client.get(&format!("baryon/drops/{}", cell(&port["id"]))) {
            Ok(answer) => answer["drops"].as_array().cloned().unwrap_or_default(),
            // Deleted meanwhile, or not in the datapath yet.
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error.into()),
        };
        let name = Some(cell(&port["name"])).filter(|name| !name.is_empty()).unwrap_or_else(|| cell(&port["id"]));
        rows.extend(
            counts.iter().filter(|count| count["packets"] != 0).map(|count| {
                vec![name.clone(), cell(&count["reason"]), cell(&count["packets"]), cell(&count["bytes"])]
            }),
        );
    }
    if rows.is_empty() {
        return say!("dropped packets: none");
    }
    say!("dropped packets:")?;
    table(&["PORT", "REASON", "PACKETS", "BYTES"], &rows)?;
    if ports.len() == MOST_PORTS { say!("(of the first {MOST_PORTS} ports)") } else { Ok(()) }
}

fn print_problems(problems: &[Value]) -> Result<()> {
    if problems.is_empty() {
        return say!("nothing is wrong");
    }
    match problems.len() {
        1 => say!("1 thing is not as it should be:")?,
        several => say!("{several} things are not as they should be:")?,
    }
    let rows: Vec<Vec<String>> = problems
        .iter()
        .map(|problem| {
            let state = if problem["waiting"].as_bool().unwrap_or(false) { "waits" } else { "failed" };
            vec![
                format!("{} {}", cell(&problem["subject"]["kind"]), cell(&problem["subject"]["id"])),
                state.to_owned(),
                format!("{} s", cell(&problem["retry_in"])),
                cell(&problem["reason"]),
            ]
        })
        .collect();
    table(&["OBJECT", "STATE", "NEXT TRY", "REASON"], &rows)
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
