//! `baryon status`: what runs, and what is wrong now.

use serde_json::Value;

use crate::{
    Error,
    cli::StatusArgs,
    client::Client,
    data_dir::DataDir,
    error::Result,
    output::{say, table},
};

/// Prints it; fails when something is wrong.
pub(super) fn status(args: &StatusArgs) -> Result<()> {
    if !args.json {
        processes(args)?;
    }
    let client = Client::connect(&args.cloud)?;
    let answer = client.get("baryon/status")?;
    let report = &answer["status"];
    let problems = report["problems"].as_array().map(Vec::as_slice).unwrap_or_default();
    let driver_ok = report["driver_ok"].as_bool().unwrap_or(false);
    if args.json {
        say!("{answer}")?;
    } else {
        print(report, driver_ok, problems)?;
    }
    if driver_ok && problems.is_empty() { Ok(()) } else { Err(Error::Told) }
}

fn processes(args: &StatusArgs) -> Result<()> {
    let data_dir = match DataDir::open(&args.cloud.data_dir) {
        Ok(data_dir) => data_dir,
        // The API may be on another machine.
        Err(Error::NoInstance { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    match data_dir.running()? {
        Some(pid) => {
            say!("instance {} of {}: supervisor runs (pid {pid})", data_dir.instance(), data_dir.path().display())?
        }
        None => say!(
            "instance {} of {}: not running; `baryon up` starts it",
            data_dir.instance(),
            data_dir.path().display()
        )?,
    }
    Ok(())
}

fn print(report: &Value, driver_ok: bool, problems: &[Value]) -> Result<()> {
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
    let drops = report["drops"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !drops.is_empty() {
        say!("dropped packets:")?;
        let rows: Vec<Vec<String>> = drops
            .iter()
            .map(|drop| ["port_id", "reason", "packets", "bytes"].map(|key| cell(&drop[key])).to_vec())
            .collect();
        table(&["PORT", "REASON", "PACKETS", "BYTES"], &rows)?;
    }
    if problems.is_empty() {
        return say!("nothing is wrong");
    }
    say!("{} things are not as they should be:", problems.len())?;
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
