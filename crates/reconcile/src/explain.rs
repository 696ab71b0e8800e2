//! "Why can A not reach B?", asked of the rows that the driver was given.

use std::net::IpAddr;

use intent::{TraceReport, TraceRequest, TraceStep, WorldError};
use logical::{
    LogicalNetwork, PortId,
    trace::{ExplainError, ExplainRequest, Step, Verdict, explain},
};

pub(crate) fn trace(network: &LogicalNetwork, request: &TraceRequest) -> Result<TraceReport, WorldError> {
    let IpAddr::V4(to) = request.to else {
        let text = format!("destination {}: only IPv4 is forwarded yet; give an IPv4 address", request.to);
        return Err(WorldError::BadRequest(text));
    };
    let asked = ExplainRequest {
        from: PortId(request.from.0),
        to,
        protocol: request.protocol,
        source_port: request.source_port,
        destination_port: request.destination_port,
    };
    let trace = explain(network, &asked).map_err(|error| match error {
        ExplainError::UnknownPort(_) => WorldError::UnknownPort(request.from),
        other => WorldError::BadRequest(other.to_string()),
    })?;
    let reason = match &trace.verdict {
        Verdict::Dropped(reason) => Some(reason.name().to_owned()),
        _ => None,
    };
    Ok(TraceReport {
        steps: trace.steps.into_iter().map(step).collect(),
        delivered: reason.is_none(),
        verdict: trace.verdict.to_string(),
        reason,
    })
}

fn step(step: Step) -> TraceStep {
    let subject = step.subject.map(|origin| (origin.tag.into_owned(), origin.id.to_string()));
    TraceStep { stage: step.stage.name().to_owned(), subject, text: step.text }
}
