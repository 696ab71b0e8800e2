//! A network becomes a switch.

use logical::{Origin, Row, Switch, SwitchId, SwitchKind};
use types::NetworkId;

use crate::Snapshot;

pub(crate) fn rows(snapshot: &Snapshot, id: NetworkId) -> Vec<Row> {
    let Some(network) = snapshot.networks.get(&id) else { return Vec::new() };
    let kind = match (&network.physical_network, network.external) {
        (Some(name), true) => SwitchKind::External { physical_network: name.clone() },
        _ => SwitchKind::Tenant,
    };
    vec![Switch { id: switch_id(id), origin: Origin::new("network", id.0), kind, mtu: network.mtu }.into()]
}

pub(crate) fn switch_id(network: NetworkId) -> SwitchId {
    SwitchId(network.0)
}
