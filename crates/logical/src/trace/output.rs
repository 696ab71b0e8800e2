//! Stages 8 and 9: the receiver's side, and out.

use std::net::Ipv4Addr;

use types::Direction;

use super::{End, Flight, Stop, Target, Verdict, Walk, arp::has_device, name};
use crate::{DropReason, Point, Port, Stage, SwitchId};

impl Walk<'_> {
    /// [`Stage::IngressAcl`] and [`Stage::Output`] to a guest port; `from` is the router port that the
    /// packet left by, if it was routed.
    pub(super) fn deliver(&mut self, port: &Port, from: Option<&Port>, mut flight: Flight) -> Result<End, Stop> {
        self.check_receiver::<Stop>(port)?;
        if flight.is_new() {
            self.ask_groups(port, &flight.packet, Direction::Ingress)?;
        }
        if let Some(exit) = from {
            flight.packet.set_ethernet(exit.mac, port.mac);
        }
        self.settle(&mut flight, Point::Port(port.id))?;
        self.step(Stage::Output, Some(&port.origin), format!("delivered to {}", name(&port.origin)));
        Ok(End::single(Verdict::Delivered { to: port.id }, Target::Port(port.id), flight.packet.into_bytes()))
    }

    /// [`Stage::Output`] to the wire of an external switch.
    pub(super) fn send_to_wire(
        &mut self,
        switch: SwitchId,
        next_hop: Ipv4Addr,
        mut flight: Flight,
    ) -> Result<End, Stop> {
        self.settle(&mut flight, Point::Wire(switch))?;
        let row = self.switch_row(switch)?;
        self.step(Stage::Output, Some(&row.origin), format!("sent out of {} to {next_hop}", name(&row.origin)));
        let verdict = Verdict::ToWire { switch, next_hop };
        Ok(End::single(verdict, Target::Wire { switch, next_hop }, flight.packet.into_bytes()))
    }

    /// Whether a guest port can take anything at all.
    pub(super) fn check_receiver<E: From<DropReason>>(&mut self, port: &Port) -> Result<(), E> {
        if !port.enabled {
            let why = format!("{} is administratively down", name(&port.origin));
            return self.drop(Stage::IngressAcl, Some(&port.origin), DropReason::PortDisabled, why);
        }
        if !has_device(port) {
            let why = format!("{} has no device", name(&port.origin));
            return self.drop(Stage::IngressAcl, Some(&port.origin), DropReason::NoDevice, why);
        }
        Ok(())
    }
}
