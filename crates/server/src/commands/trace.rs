//! `baryon trace`: asks the specification why a packet does or does not arrive.

use serde_json::{Value, json};

use crate::{Error, cli::TraceArgs, client::Client, error::Result, output::say};

/// Follows a packet; fails when it is dropped.
pub(super) fn trace(args: &TraceArgs) -> Result<()> {
    let has_ports = args.proto.has_ports();
    if !has_ports && (args.dport.is_some() || args.sport.is_some()) {
        return Err(Error::Usage(format!(
            "{} has no ports: leave out --dport and --sport, or say --proto tcp",
            args.proto
        )));
    }
    if has_ports && args.dport.is_none() {
        return Err(Error::Usage(format!("{} needs a destination port: say --dport", args.proto)));
    }
    let client = Client::connect(&args.cloud)?;
    let port = client.find("port", "ports", &args.from)?;
    let mut request = json!({"from": port["id"], "to": args.to, "protocol": args.proto.to_string()});
    if let Some(dport) = args.dport {
        request["destination_port"] = dport.into();
    }
    if let Some(sport) = args.sport {
        request["source_port"] = sport.into();
    }
    let answer = client.post("baryon/trace", &json!({"trace": request}))?;
    let report = &answer["trace"];
    let delivered = report["delivered"].as_bool().unwrap_or(false);
    if args.json {
        say!("{answer}")?;
    } else {
        print(report)?;
    }
    if delivered { Ok(()) } else { Err(Error::Told) }
}

fn print(report: &Value) -> Result<()> {
    let steps = report["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let stage = |step: &Value| step["stage"].as_str().unwrap_or_default().to_owned();
    let width = steps.iter().map(|step| stage(step).len()).max().unwrap_or(0);
    for (number, step) in steps.iter().enumerate() {
        let subject = match (step.pointer("/subject/kind"), step.pointer("/subject/id")) {
            (Some(Value::String(kind)), Some(Value::String(id))) => format!("  [{} {id}]", kind.replace('_', " ")),
            _ => String::new(),
        };
        say!("{:>3}  {:width$}  {}{subject}", number + 1, stage(step), step["text"].as_str().unwrap_or_default())?;
    }
    let verdict = report["verdict"].as_str().unwrap_or_default();
    let word = if report["delivered"].as_bool().unwrap_or(false) { "delivered" } else { "dropped" };
    say!("{word}: {}", verdict.strip_prefix("dropped: ").unwrap_or(verdict))
}
