//! Stage 3: address resolution.

use std::net::{IpAddr, Ipv4Addr};

use types::MacAddr;

use super::{End, Output, Target, Verdict, Walk, name};
use crate::{
    DropReason, Origin, Point, Port, PortKind, SERVICE_ADDRESS, SERVICE_MAC, Stage, SwitchId,
    frame::{Arp, ArpOperation},
};

impl Walk<'_> {
    /// [`Stage::Arp`].
    pub(super) fn resolve(&mut self, arp: Arp) -> Result<End, End> {
        let sender = match self.input.point {
            Point::Wire(switch) => return self.resolve_for_wire(switch, &arp),
            Point::Port(id) => self.guest(id).ok_or(DropReason::Internal)?,
        };
        match arp.operation {
            ArpOperation::Request => {
                let owner = if arp.is_announcement() { None } else { self.address_owner(&sender, arp.target) };
                match owner {
                    Some((mac, origin)) => Ok(self.answer(&arp, mac, origin.as_ref())),
                    None => Ok(self.flood(&sender, arp)),
                }
            }
            ArpOperation::Reply if arp.ethernet_destination == MacAddr::BROADCAST => Ok(self.flood(&sender, arp)),
            ArpOperation::Reply => self.deliver_reply(&sender, arp),
        }
    }

    /// What a request from a wire is answered with, if it is for us.
    pub(super) fn wire_answer(&self, switch: SwitchId, arp: &Arp) -> Option<(MacAddr, Origin)> {
        if arp.operation != ArpOperation::Request {
            return None;
        }
        self.ports_on(switch)
            .find(|port| matches!(port.kind, PortKind::Router { .. }) && has_address(port, arp.target))
            .map(|port| (port.mac, port.origin.clone()))
            .or_else(|| self.floating_ip_answer(switch, arp.target))
    }

    fn resolve_for_wire(&mut self, switch: SwitchId, arp: &Arp) -> Result<End, End> {
        // Admission let it in because there is an answer.
        let (mac, origin) = self.wire_answer(switch, arp).ok_or(DropReason::Internal)?;
        Ok(self.answer(arp, mac, Some(&origin)))
    }

    /// Who answers for an address on the sender's switch.
    fn address_owner(&self, sender: &Port, address: Ipv4Addr) -> Option<(MacAddr, Option<Origin>)> {
        self.ports_on(sender.switch)
            .find(|port| port.id != sender.id && has_address(port, address))
            .map(|port| (port.mac, Some(port.origin.clone())))
            .or_else(|| self.floating_ip_answer(sender.switch, address).map(|(mac, origin)| (mac, Some(origin))))
            .or_else(|| (address == SERVICE_ADDRESS).then_some((SERVICE_MAC, None)))
    }

    fn floating_ip_answer(&self, switch: SwitchId, address: Ipv4Addr) -> Option<(MacAddr, Origin)> {
        self.network.floating_ips.get(&(switch, address)).map(|row| (row.mac, row.origin.clone()))
    }

    fn answer(&mut self, arp: &Arp, mac: MacAddr, origin: Option<&Origin>) -> End {
        let whose = origin.map_or_else(|| "the host services".to_owned(), name);
        self.step(Stage::Arp, origin, format!("{} is at {mac} ({whose}): answered", arp.target));
        End::single(Verdict::Answered, Target::Back, arp.answer(mac))
    }

    fn flood(&mut self, sender: &Port, arp: Arp) -> End {
        let receivers: Vec<Target> = self
            .ports_on(sender.switch)
            .filter(|port| port.id != sender.id && port.enabled && has_device(port))
            .map(|port| Target::Port(port.id))
            .collect();
        self.step(Stage::Arp, None, format!("flooded to {} other ports of the switch", receivers.len()));
        let frame = arp.into_bytes();
        let outputs = receivers.into_iter().map(|to| Output { to, frame: frame.clone() }).collect();
        End { verdict: Verdict::Flooded, outputs }
    }

    fn deliver_reply(&mut self, sender: &Port, arp: Arp) -> Result<End, End> {
        let mac = arp.ethernet_destination;
        let receiver = self.port_by_mac(sender.switch, mac);
        match receiver {
            Some(port) if port.id == sender.id => {
                self.drop(Stage::Arp, Some(&port.origin), DropReason::Hairpin, "a reply to the sender itself")
            }
            Some(port) if matches!(port.kind, PortKind::Guest { .. }) => {
                self.check_receiver::<End>(&port)?;
                self.step(Stage::Arp, Some(&port.origin), format!("delivered to {}", name(&port.origin)));
                Ok(End::single(Verdict::Delivered { to: port.id }, Target::Port(port.id), arp.into_bytes()))
            }
            Some(port) if matches!(port.kind, PortKind::Router { .. }) => {
                let why = format!("{} learns nothing from ARP", name(&port.origin));
                self.drop(Stage::Arp, Some(&port.origin), DropReason::ArpAbsorbed, why)
            }
            None if mac == SERVICE_MAC => {
                self.drop(Stage::Arp, None, DropReason::ArpAbsorbed, "the services learn nothing from ARP")
            }
            _ => {
                let why = format!("no port of the switch has {mac}");
                self.drop(Stage::Arp, None, DropReason::UnknownDestination, why)
            }
        }
    }
}

pub(super) fn has_address(port: &Port, address: Ipv4Addr) -> bool {
    port.addresses.iter().any(|own| own.address == IpAddr::V4(address))
}

pub(super) fn has_device(port: &Port) -> bool {
    matches!(port.kind, PortKind::Guest { attachment: Some(_) })
}
