//! Our own: what a packet would meet, what was dropped, what is wrong now.

use std::net::IpAddr;

use hyper::Method;
use intent::{Context, TraceRequest};
use serde_json::{Map, Value, json};
use types::{PortId, Protocol};

use super::{NetworkError, Visit};
use crate::{edge::Reply, peer};

/// The datapath's inside shows other projects' objects.
fn admin_only(context: &Context, rule: &str) -> Result<(), NetworkError> {
    if context.is_admin { Ok(()) } else { Err(NetworkError::Forbidden { rule: rule.to_owned() }) }
}

fn allowed_method(visit: &Visit, method: &Method) -> Result<(), NetworkError> {
    if visit.request.method == method { Ok(()) } else { Err(NetworkError::MethodNotAllowed) }
}

fn parsed<T: std::str::FromStr>(
    fields: &Map<String, Value>,
    field: &'static str,
    wanted: &'static str,
) -> Result<T, NetworkError> {
    let value = fields.get(field).unwrap_or(&Value::Null);
    let bad = || NetworkError::BadField { field, value: model::python::text(value), wanted };
    model::python::text(value).parse().map_err(|_| bad())
}

fn port_number(fields: &Map<String, Value>, field: &'static str) -> Result<Option<u16>, NetworkError> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => parsed(fields, field, "a port from 0 to 65535").map(Some),
    }
}

/// `POST /v2.0/baryon/trace`.
pub(super) async fn trace(visit: &Visit) -> Result<Reply, NetworkError> {
    allowed_method(visit, &Method::POST)?;
    visit.read(|_, context| admin_only(context, "create_baryon_trace")).await?;
    let body = visit.request.json().unwrap_or_default();
    let fields = body.get("trace").and_then(Value::as_object);
    let fields = fields.ok_or(model::RequestError::NoMember { member: "trace" })?;
    let wanted = TraceRequest {
        from: parsed(fields, "from", "the UUID of a port")?,
        to: parsed::<IpAddr>(fields, "to", "an IP address")?,
        protocol: parsed::<Protocol>(fields, "protocol", "an IP protocol")?,
        source_port: port_number(fields, "source_port")?,
        destination_port: port_number(fields, "destination_port")?,
    };
    let report = visit.ask_world(move |world, region| world.trace(region, &wanted)).await?;
    let steps: Vec<_> = report
        .steps
        .iter()
        .map(|step| json!({ "stage": step.stage, "subject": subject(step.subject.as_ref()), "text": step.text }))
        .collect();
    Ok(Reply::ok(&json!({ "trace": {
        "steps": steps,
        "delivered": report.delivered,
        "verdict": report.verdict,
        "reason": report.reason,
    } })))
}

fn subject(subject: Option<&(String, String)>) -> Value {
    subject.map_or(Value::Null, |(kind, id)| json!({ "kind": kind, "id": id }))
}

/// `GET /v2.0/baryon/drops/{port_id}`: for whoever sees the port.
pub(super) async fn drops(visit: &Visit, port: &str) -> Result<Reply, NetworkError> {
    allowed_method(visit, &Method::GET)?;
    let id = port.to_owned();
    visit
        .read(move |read, context| {
            if let Some(ports) = intent::operations("ports") {
                ports.show(read, context, id.as_str().into(), &["id".to_owned()])?;
            }
            Ok(())
        })
        .await?;
    let wanted = "the UUID of a port";
    let port: PortId =
        port.parse().map_err(|_| NetworkError::BadField { field: "port_id", value: port.to_owned(), wanted })?;
    let counts = visit.ask_world(move |world, region| world.drops(region, port)).await?;
    let drops: Vec<_> = counts
        .iter()
        .map(|count| json!({ "reason": count.reason, "packets": count.packets, "bytes": count.bytes }))
        .collect();
    Ok(Reply::ok(&json!({ "drops": drops })))
}

/// `GET /v2.0/baryon/status`.
pub(super) async fn status(visit: &Visit) -> Result<Reply, NetworkError> {
    allowed_method(visit, &Method::GET)?;
    visit.read(|_, context| admin_only(context, "get_baryon_status")).await?;
    let status = visit.ask_world(|world, region| world.status(region)).await?;
    let problems: Vec<_> = status
        .problems
        .iter()
        .map(|problem| {
            json!({
                "subject": subject(Some(&problem.subject)),
                "reason": problem.reason,
                "waiting": problem.waiting,
                "retry_in": problem.retry_in,
            })
        })
        .collect();
    let region = visit.api.config.regions.iter().find(|region| region.name == visit.region);
    Ok(Reply::ok(&json!({ "status": {
        "region": visit.region,
        "profile": region.map(|region| &region.profile),
        "driver": region.map(|region| &region.driver),
        "driver_ok": status.driver_ok,
        "detail": status.detail,
        "rows": status.rows,
        "lag": status.lag,
        "problems": problems,
        "database": { "problem": visit.api.store.write_problem() },
        "peers": peer::view(&visit.api.config.peers),
        "tls": visit.api.config.tls.as_ref().map(|tls| tls.status()),
        "counters": status.counters,
    } })))
}
