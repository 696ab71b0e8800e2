//! Stage 6: switching.

use std::sync::Arc;

use types::{Direction, MacAddr};

use super::{End, Flight, Stop, Walk, name};
use crate::{DropReason, Point, Port, PortKind, Stage, SwitchId};

impl Walk<'_> {
    /// [`Stage::SwitchLookup`].
    pub(super) fn switch(&mut self, flight: Flight) -> Result<End, Stop> {
        let mac = flight.packet.ethernet_destination();
        match self.input.point {
            Point::Port(_) => {
                let sender = self.input_port().ok_or(DropReason::Internal)?;
                self.switch_from(&sender, mac, flight)
            }
            Point::Wire(switch) => match self.port_by_mac(switch, mac) {
                Some(port) if let PortKind::Router { router } = port.kind => self.route(router, &port, flight),
                // Admission takes from a wire what is for a router's MAC only.
                _ => Err(DropReason::Internal.into()),
            },
        }
    }

    fn switch_from(&mut self, sender: &Port, mac: MacAddr, flight: Flight) -> Result<End, Stop> {
        if mac.is_multicast() {
            let why = format!("IP multicast and broadcast are not forwarded yet ({mac})");
            return self.drop(Stage::SwitchLookup, None, DropReason::Multicast, why);
        }
        let Some(port) = self.port_by_mac(sender.switch, mac) else {
            let why = format!("no port of the switch has {mac}");
            return self.drop(Stage::SwitchLookup, None, DropReason::UnknownDestination, why);
        };
        match port.kind {
            PortKind::Guest { .. } if port.id == sender.id => {
                let why = format!("{mac} is the sender's own");
                self.drop(Stage::SwitchLookup, Some(&port.origin), DropReason::Hairpin, why)
            }
            PortKind::Guest { .. } => {
                self.step(Stage::SwitchLookup, Some(&port.origin), format!("{mac} is {}", name(&port.origin)));
                self.ask_sender(sender, &flight)?;
                self.deliver(&port, None, flight)
            }
            PortKind::Router { router } => {
                let text = format!("{mac} is {} of router {router}", name(&port.origin));
                self.step(Stage::SwitchLookup, Some(&port.origin), text);
                self.ask_sender(sender, &flight)?;
                self.route(router, &port, flight)
            }
            PortKind::Service => {
                let why = format!("{} takes no packets from the switch", name(&port.origin));
                self.drop(Stage::SwitchLookup, Some(&port.origin), DropReason::UnknownDestination, why)
            }
        }
    }

    /// [`Stage::EgressAcl`].
    fn ask_sender(&mut self, sender: &Port, flight: &Flight) -> Result<(), Stop> {
        if flight.is_new() { self.ask_groups(sender, &flight.packet, Direction::Egress) } else { Ok(()) }
    }

    /// The ports of a switch.
    pub(super) fn ports_on(&self, switch: SwitchId) -> impl Iterator<Item = &Arc<Port>> {
        self.network.ports.values().filter(move |port| port.switch == switch)
    }

    /// The port of a switch with that Ethernet address.
    pub(super) fn port_by_mac(&self, switch: SwitchId, mac: MacAddr) -> Option<Arc<Port>> {
        self.ports_on(switch).find(|port| port.mac == mac).cloned()
    }
}
