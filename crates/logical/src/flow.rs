//! Connections: the memory that the pipeline has between packets.

use std::{net::Ipv4Addr, time::Duration};

use serde::{Deserialize, Serialize};
use types::Protocol;

use crate::{PortId, RouterId, SwitchId, Timeouts, frame::IcmpMessage};

/// Where packets come in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// A guest port: its server sends.
    Port(PortId),
    /// The physical network of an external switch.
    Wire(SwitchId),
}

/// What the packets of one direction of a connection have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tuple {
    pub(crate) protocol: Protocol,
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
}

impl Tuple {
    /// The tuple of the packets that answer.
    pub(crate) fn mirrored(self) -> Self {
        Self {
            protocol: self.protocol,
            source: self.destination,
            destination: self.source,
            source_port: self.destination_port,
            destination_port: self.source_port,
        }
    }

    /// The tuple after translation of its source port; for ICMP the identifier, which stands in both
    /// places.
    pub(crate) fn with_source_port(mut self, port: u16) -> Self {
        self.source_port = port;
        if self.protocol == Protocol::ICMP {
            self.destination_port = port;
        }
        self
    }
}

/// Packets of one direction of a connection, where they come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    pub(crate) point: Point,
    pub(crate) tuple: Tuple,
}

/// What a translation was done by; while it stands, so does the translation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Translator {
    FloatingIp { switch: SwitchId, external: Ipv4Addr, logical: Ipv4Addr },
    SourceNat { port: PortId, address: Ipv4Addr },
}

/// A translation of one address of a connection's first packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Translation {
    pub(crate) router: RouterId,
    pub(crate) by: Translator,
    pub(crate) from: Ipv4Addr,
    pub(crate) to: Ipv4Addr,
}

/// Which of its two keys a packet of a connection has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Original,
    Reply,
}

/// How far a connection has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Opening,
    Replied,
    Established,
    Closing,
}

/// A connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Connection {
    pub(crate) original: Key,
    pub(crate) reply: Key,
    /// Type and code of the first packet, which the groups are asked about again; ICMP only.
    pub(crate) icmp: Option<IcmpMessage>,
    pub(crate) source_translation: Option<Translation>,
    pub(crate) destination_translation: Option<Translation>,
    pub(crate) state: State,
    /// When its last packet went out.
    pub(crate) seen: Duration,
}

impl Connection {
    /// Which way a packet with that key goes. Where both keys are equal, it is the original's.
    pub(crate) fn way(&self, key: &Key) -> Option<Way> {
        if self.original == *key {
            Some(Way::Original)
        } else if self.reply == *key {
            Some(Way::Reply)
        } else {
            None
        }
    }

    /// The key that the answer to a packet going that way will have.
    pub(crate) fn opposite(&self, way: Way) -> Key {
        match way {
            Way::Original => self.reply,
            Way::Reply => self.original,
        }
    }

    /// The port whose limit it counts towards: where it came in, else where it goes out.
    pub(crate) fn counted_at(&self) -> Option<PortId> {
        [self.original.point, self.reply.point].into_iter().find_map(|point| match point {
            Point::Port(port) => Some(port),
            Point::Wire(_) => None,
        })
    }

    /// Moves its state by a packet that went out.
    pub(crate) fn advance(&mut self, way: Way, closes: bool, now: Duration) {
        self.seen = now;
        self.state = match (self.state, way) {
            (State::Closing, _) => State::Closing,
            _ if closes => State::Closing,
            (State::Opening, Way::Reply) => State::Replied,
            (State::Replied, Way::Original) => State::Established,
            (state, _) => state,
        };
    }

    /// How long it may live without packets.
    fn limit(&self, timeouts: &Timeouts) -> Duration {
        let seconds = match (self.original.tuple.protocol, self.state) {
            (Protocol::TCP, State::Opening | State::Replied) => timeouts.tcp_opening,
            (Protocol::TCP, State::Established) => timeouts.tcp_established,
            (Protocol::TCP, State::Closing) => timeouts.tcp_closing,
            (Protocol::UDP, State::Opening) => timeouts.udp_opening,
            (Protocol::UDP, _) => timeouts.udp_established,
            (Protocol::ICMP, _) => timeouts.icmp,
            _ => timeouts.other,
        };
        Duration::from_secs(u64::from(seconds))
    }
}

/// Handle of a connection in a [`FlowState`], until one is forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ConnectionIndex(usize);

/// All connections of a datapath. Its clock is the caller's.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FlowState {
    timeouts: Timeouts,
    connections: Vec<Connection>,
}

impl FlowState {
    /// No connections yet.
    #[must_use]
    pub fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, connections: Vec::new() }
    }

    /// How many connections have not been forgotten. Those whose time has run out are forgotten
    /// when they are next looked at.
    #[must_use]
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether there is no connection at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Forgets the connections whose time has run out. That changes no answer; it frees memory.
    pub fn sweep(&mut self, now: Duration) {
        let timeouts = self.timeouts;
        self.connections.retain(|connection| !expired(connection, &timeouts, now));
    }

    pub(crate) fn max_connections(&self) -> u32 {
        self.timeouts.max_connections
    }

    pub(crate) fn get(&self, index: ConnectionIndex) -> &Connection {
        &self.connections[index.0]
    }

    pub(crate) fn get_mut(&mut self, index: ConnectionIndex) -> &mut Connection {
        &mut self.connections[index.0]
    }

    /// The connection that has the key, its time run out or not.
    pub(crate) fn find(&self, key: &Key) -> Option<(ConnectionIndex, Way)> {
        self.connections
            .iter()
            .enumerate()
            .find_map(|(index, connection)| Some((ConnectionIndex(index), connection.way(key)?)))
    }

    pub(crate) fn is_expired(&self, index: ConnectionIndex, now: Duration) -> bool {
        expired(self.get(index), &self.timeouts, now)
    }

    /// Whether a new connection can have the key.
    pub(crate) fn is_free(&self, key: &Key, now: Duration) -> bool {
        self.find(key).is_none_or(|(index, _)| self.is_expired(index, now))
    }

    /// How many connections count towards the port's limit.
    pub(crate) fn count(&self, port: PortId, now: Duration) -> usize {
        self.connections
            .iter()
            .filter(|connection| connection.counted_at() == Some(port) && !expired(connection, &self.timeouts, now))
            .count()
    }

    pub(crate) fn forget(&mut self, index: ConnectionIndex) {
        self.connections.remove(index.0);
    }

    /// Remembers a connection whose keys are free.
    pub(crate) fn remember(&mut self, connection: Connection) {
        // Those whose time has run out make room.
        self.connections.retain(|old| old.way(&connection.original).is_none() && old.way(&connection.reply).is_none());
        self.connections.push(connection);
    }
}

fn expired(connection: &Connection, timeouts: &Timeouts, now: Duration) -> bool {
    now.saturating_sub(connection.seen) >= connection.limit(timeouts)
}
