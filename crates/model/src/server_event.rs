//! What a compute service has to know of its servers' ports.
//!
//! Nova waits for `network-vif-plugged` before it starts a server, and keeps a copy of each server's
//! addresses that it renews when it is told `network-changed`. Only ports with a server's UUID as their
//! device and `compute:` as the kind of it concern it.

use types::PortId;
use uuid::Uuid;

use crate::Port;

/// What happened, in Nova's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerEventKind {
    /// The datapath has the port and its device, or has refused it.
    VifPlugged,
    /// The datapath no longer has the port's device.
    VifUnplugged,
    /// The port is gone.
    VifDeleted,
    /// Its addresses are others.
    NetworkChanged,
}

impl ServerEventKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::VifPlugged, Self::VifUnplugged, Self::VifDeleted, Self::NetworkChanged];

    /// As Nova's API names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VifPlugged => "network-vif-plugged",
            Self::VifUnplugged => "network-vif-unplugged",
            Self::VifDeleted => "network-vif-deleted",
            Self::NetworkChanged => "network-changed",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Something that a compute service has to be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerEvent {
    /// What happened.
    pub kind: ServerEventKind,
    /// The server.
    pub server: Uuid,
    /// The port.
    pub port: PortId,
    /// It did not succeed.
    pub failed: bool,
}

impl ServerEvent {
    fn of(kind: ServerEventKind, port: &Port) -> Option<Self> {
        let server = Uuid::try_parse(&port.device_id).ok().filter(|_| port.device_owner.starts_with("compute:"))?;
        Some(Self { kind, server, port: port.id, failed: false })
    }

    /// What a new status of a port means.
    #[must_use]
    pub fn of_status(port: &Port, old: &str, new: &str) -> Option<Self> {
        match (old, new) {
            (old, new) if old == new => None,
            (_, "ACTIVE") => Self::of(ServerEventKind::VifPlugged, port),
            ("ACTIVE", "DOWN") => Self::of(ServerEventKind::VifUnplugged, port),
            ("DOWN" | "BUILD", "ERROR") => {
                Self::of(ServerEventKind::VifPlugged, port).map(|event| Self { failed: true, ..event })
            }
            _ => None,
        }
    }

    /// What a change of a port means.
    #[must_use]
    pub fn of_change(old: &Port, new: &Port) -> Option<Self> {
        let same = old.fixed_ips == new.fixed_ips && old.mac_address == new.mac_address;
        if same { None } else { Self::of_addresses(new) }
    }

    /// What other addresses of a port mean, its floating IPs included.
    #[must_use]
    pub fn of_addresses(port: &Port) -> Option<Self> {
        Self::of(ServerEventKind::NetworkChanged, port)
    }

    /// What the end of a port means.
    #[must_use]
    pub fn of_deletion(port: &Port) -> Option<Self> {
        Self::of(ServerEventKind::VifDeleted, port)
    }
}

#[cfg(test)]
mod tests {
    use types::ProjectId;

    use super::*;
    use crate::{Resource, Timestamp};

    fn port(owner: &str, device: &str) -> Port {
        let mut port = Port::start(PortId::random(), ProjectId::random(), Timestamp::now());
        port.device_owner = owner.to_owned();
        port.device_id = device.to_owned();
        port
    }

    #[test]
    fn only_servers_ports_concern_a_compute_service() {
        let server = Uuid::new_v4();
        let told = |owner: &str, device: &str| ServerEvent::of_deletion(&port(owner, device)).map(|event| event.server);
        assert_eq!(told("compute:nova", &server.to_string()), Some(server));
        assert_eq!(told("compute:nova", "not-a-server"), None);
        assert_eq!(told("network:dhcp", &server.to_string()), None);
        assert_eq!(told("", ""), None);
    }

    #[test]
    fn a_status_is_told_as_neutron_tells_it() {
        let port = port("compute:nova", &Uuid::new_v4().to_string());
        let told = |old, new| ServerEvent::of_status(&port, old, new).map(|event| (event.kind.name(), event.failed));
        assert_eq!(told("DOWN", "ACTIVE"), Some(("network-vif-plugged", false)));
        assert_eq!(told("DOWN", "ERROR"), Some(("network-vif-plugged", true)));
        assert_eq!(told("ERROR", "ACTIVE"), Some(("network-vif-plugged", false)));
        assert_eq!(told("ACTIVE", "DOWN"), Some(("network-vif-unplugged", false)));
        for (old, new) in [("ACTIVE", "ACTIVE"), ("ACTIVE", "ERROR"), ("ERROR", "DOWN"), ("DOWN", "DOWN")] {
            assert_eq!(told(old, new), None, "{old} to {new}");
        }
        for kind in ServerEventKind::ALL {
            assert_eq!(ServerEventKind::named(kind.name()), Some(kind));
        }
    }
}
