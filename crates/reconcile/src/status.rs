//! What an object's status is, from what is true of its rows.
//!
//! A port is ACTIVE when the datapath has it and, for a server's port, its device; a floating IP when
//! its translation is in the datapath. What waits for something is DOWN, what the datapath refused is
//! ERROR, both with the reason. Networks and routers are ACTIVE as soon as they exist, as upstream.

use compiler::{Compiler, Snapshot, Unit};
use logical::{Observed, PortId, Row, RowKey, RowState};
use model::{ObjectKey, Port, ServerEvent};
use types::FloatingIpId;

/// Status of an object, with the reason where it is not what its owner hopes for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) word: &'static str,
    pub(crate) error: Option<String>,
}

impl Status {
    const fn plain(word: &'static str) -> Self {
        Self { word, error: None }
    }
}

/// Objects whose status depends on the row.
pub(crate) fn objects_of(compiler: &Compiler, row: &RowKey) -> Vec<ObjectKey> {
    match row {
        RowKey::Port(id) => with_attachment(compiler.snapshot(), types::PortId(id.0)),
        RowKey::FloatingIp(..) => {
            let origin = compiler.network().origin(row);
            origin.map(|origin| ObjectKey::FloatingIp(FloatingIpId(origin.id))).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// An object that changed, and the others whose status depends on it.
pub(crate) fn dependents(snapshot: &Snapshot, key: ObjectKey) -> Vec<ObjectKey> {
    match key {
        ObjectKey::Port(id) => with_attachment(snapshot, id),
        ObjectKey::Attachment(id) => match snapshot.attachment(id) {
            Some(attachment) => with_attachment(snapshot, attachment.port_id),
            None => Vec::new(),
        },
        ObjectKey::FloatingIp(_) => vec![key],
        _ => Vec::new(),
    }
}

fn with_attachment(snapshot: &Snapshot, port: types::PortId) -> Vec<ObjectKey> {
    let attachment = snapshot.attachment_of(port).map(|a| ObjectKey::Attachment(a.id));
    [ObjectKey::Port(port)].into_iter().chain(attachment).collect()
}

/// The object's status; `None` for objects that have none of ours, or are gone.
pub(crate) fn status(snapshot: &Snapshot, observed: &Observed, key: ObjectKey) -> Option<Status> {
    match key {
        ObjectKey::Port(id) => Some(port_status(snapshot, observed, snapshot.port(id)?)),
        ObjectKey::Attachment(id) => {
            let port = snapshot.attachment(id)?.port_id;
            Some(of_row(observed, &port_row(port)))
        }
        ObjectKey::FloatingIp(id) => {
            snapshot.floating_ip(id)?;
            let rows = Unit::FloatingIp(id).rows(snapshot);
            Some(rows.first().map(Row::key).map_or(Status::plain("DOWN"), |row| of_row(observed, &row)))
        }
        _ => None,
    }
}

/// The status that the store has for the object.
pub(crate) fn stored(snapshot: &Snapshot, key: ObjectKey) -> Option<(String, Option<String>)> {
    match key {
        ObjectKey::Port(id) => snapshot.port(id).map(|p| (p.status.clone(), p.status_error.clone())),
        ObjectKey::Attachment(id) => snapshot.attachment(id).map(|a| (a.status.clone(), a.status_error.clone())),
        ObjectKey::FloatingIp(id) => snapshot.floating_ip(id).map(|f| (f.status.clone(), f.status_error.clone())),
        _ => None,
    }
}

/// What a compute service has to be told of an object's new status.
pub(crate) fn event(snapshot: &Snapshot, key: ObjectKey, old: &str, new: &str) -> Option<ServerEvent> {
    match key {
        ObjectKey::Port(id) => ServerEvent::of_status(snapshot.port(id)?, old, new),
        _ => None,
    }
}

fn port_status(snapshot: &Snapshot, observed: &Observed, port: &Port) -> Status {
    let has_device = port.is_router_port() || port.is_plugged_by_host() || snapshot.attachment_of(port.id).is_some();
    if has_device && port.admin_state_up { of_row(observed, &port_row(port.id)) } else { Status::plain("DOWN") }
}

fn port_row(port: types::PortId) -> RowKey {
    RowKey::Port(PortId(port.0))
}

fn of_row(observed: &Observed, row: &RowKey) -> Status {
    match observed.get(row).map(|observation| &observation.state) {
        Some(RowState::Applied) => Status::plain("ACTIVE"),
        Some(RowState::Waiting { reason }) => Status { word: "DOWN", error: Some(reason.clone()) },
        Some(RowState::Failed { reason }) => Status { word: "ERROR", error: Some(reason.clone()) },
        None => Status::plain("DOWN"),
    }
}
