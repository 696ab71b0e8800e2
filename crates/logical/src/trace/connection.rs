//! Stage 5: connections.

use std::sync::Arc;

use types::Direction;

use super::{
    Walk,
    acl::{self, Question},
};
use crate::{
    DropReason, Origin, Point, Port, PortKind, Stage,
    flow::{Connection, ConnectionIndex, Key, State, Translation, Translator, Way},
    frame::Packet,
};

impl Walk<'_> {
    /// [`Stage::Connection`]: the valid connection that the packet belongs to.
    pub(super) fn recognise(&mut self, packet: &Packet) -> Option<(ConnectionIndex, Way)> {
        if !packet.can_connect() {
            self.step(Stage::Connection, None, "ICMP other than echo belongs to no connection");
            return None;
        }
        let key = Key { point: self.input.point, tuple: packet.tuple() };
        let Some((index, way)) = self.flows.find(&key) else {
            self.step(Stage::Connection, None, "new");
            return None;
        };
        if let Some((subject, why)) = self.why_invalid(index, way, packet) {
            self.flows.forget(index);
            self.step(Stage::Connection, subject.as_ref(), format!("its connection is forgotten, {why}: new"));
            return None;
        }
        let text = match way {
            Way::Original => "belongs to a known connection, in its original direction",
            Way::Reply => "belongs to a known connection, as a reply",
        };
        self.step(Stage::Connection, None, text);
        Some((index, way))
    }

    /// Why a packet must not use the connection whose key it has.
    fn why_invalid(&self, index: ConnectionIndex, way: Way, packet: &Packet) -> Option<(Option<Origin>, &'static str)> {
        let connection = self.flows.get(index);
        if self.flows.is_expired(index, self.now) {
            return Some((None, "its time has run out"));
        }
        if let Some(because) = self.why_not_allowed(connection) {
            return Some(because);
        }
        let translations = [connection.source_translation, connection.destination_translation];
        if !translations.into_iter().flatten().all(|translation| self.stands(&translation)) {
            return Some((None, "its translation is gone"));
        }
        if way == Way::Original && connection.state == State::Closing && packet.opens() {
            return Some((None, "it is closing and this opens another"));
        }
        None
    }

    /// Asks the ports of a connection and their groups once more.
    fn why_not_allowed(&self, connection: &Connection) -> Option<(Option<Origin>, &'static str)> {
        let sides = [
            (connection.original.point, Direction::Egress, connection.original.tuple),
            (connection.reply.point, Direction::Ingress, connection.reply.tuple.mirrored()),
        ];
        for (point, direction, tuple) in sides {
            let Point::Port(id) = point else { continue };
            let Some(port) = self.guest(id) else { return Some((None, "its port is gone")) };
            if !port.enabled {
                return Some((Some(port.origin.clone()), "its port is administratively down"));
            }
            if acl::allows(self.network, &port, &Question { direction, tuple, icmp: connection.icmp }).is_none() {
                return Some((Some(port.origin.clone()), "the groups do not allow it any more"));
            }
        }
        None
    }

    /// Whether what translated is still there.
    fn stands(&self, translation: &Translation) -> bool {
        match translation.by {
            Translator::FloatingIp { switch, external, logical } => self
                .network
                .floating_ips
                .get(&(switch, external))
                .is_some_and(|row| row.router == translation.router && row.logical == logical),
            Translator::SourceNat { port, address } => {
                self.network.source_nats.get(&(translation.router, port)).is_some_and(|row| row.address == address)
            }
        }
    }

    /// Remembers the connection of a new packet that leaves, or moves the state of its connection.
    /// A packet that leaves otherwise than its connection says is not one of it.
    pub(super) fn settle(&mut self, flight: &mut super::Flight, point: Point) -> Result<(), super::Stop> {
        let Some((index, way)) = flight.connection else { return self.connect(flight, point) };
        let leaving = Key { point, tuple: flight.packet.tuple().mirrored() };
        if self.flows.get(index).opposite(way) != leaving {
            self.step(Stage::Output, None, "it would leave otherwise than its connection says: begins again as new");
            return Err(super::Stop::Misfit(index));
        }
        let closes = flight.packet.closes();
        self.flows.get_mut(index).advance(way, closes, self.now);
        Ok(())
    }

    fn connect(&mut self, flight: &mut super::Flight, point: Point) -> Result<(), super::Stop> {
        if !flight.packet.can_connect() {
            return Ok(());
        }
        let original = Key { point: self.input.point, tuple: flight.arrived.tuple() };
        self.choose_port(flight, point)?;
        let reply = Key { point, tuple: flight.packet.tuple().mirrored() };
        if !self.flows.is_free(&reply, self.now) {
            let why = "its replies could not be told from those of another connection";
            return self.drop(Stage::Output, None, DropReason::ConnectionConflict, why);
        }
        let mut connection = Connection {
            original,
            reply,
            icmp: flight.packet.icmp(),
            source_translation: flight.source_translation,
            destination_translation: flight.destination_translation,
            state: State::Opening,
            seen: self.now,
        };
        connection.advance(Way::Original, flight.packet.closes(), self.now);
        if let Some(port) = connection.counted_at() {
            let limit = self.flows.max_connections();
            if self.flows.count(port, self.now) >= limit as usize {
                let why = format!("port {port} has {limit} connections already");
                return self.drop(Stage::Output, None, DropReason::ConnectionLimit, why);
            }
        }
        self.flows.remember(connection);
        Ok(())
    }

    /// The guest port with that id.
    pub(super) fn guest(&self, id: crate::PortId) -> Option<Arc<Port>> {
        self.network.ports.get(&id).filter(|port| matches!(port.kind, PortKind::Guest { .. })).cloned()
    }

    /// The guest port that the packet came from, if it came from one.
    pub(super) fn input_port(&self) -> Option<Arc<Port>> {
        match self.input.point {
            Point::Port(id) => self.guest(id),
            Point::Wire(_) => None,
        }
    }
}
