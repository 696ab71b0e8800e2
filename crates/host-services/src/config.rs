//! What the process is told: the facts of each port, keyed by its service address.
//!
//! The agent writes [`Update`]s into a stream, each as four bytes of length (big-endian) and that
//! many bytes of JSON. A new process starts with an empty table, so the agent first puts every port;
//! ports put one by one keep messages small however many there are.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::Ipv4Addr,
    sync::Arc,
};

use logical::{PortId, PortServices};
use serde::{Deserialize, Serialize};
use types::MacAddr;

/// Longest message, in bytes. User data of 64 KiB, each byte written as a number, fits four times.
pub const MAX_MESSAGE: u32 = 1 << 20;

/// The facts of one port.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct PortEntry {
    /// The address that the datapath gives to packets of this port on their way here.
    pub service_address: Ipv4Addr,
    /// The port.
    pub port: PortId,
    /// Its Ethernet address.
    pub mac: MacAddr,
    /// Its DHCP answer and its metadata.
    pub services: Arc<PortServices>,
}

/// A change of the table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Update {
    /// These are the facts of a port, new or in place of older ones at its service address.
    Put(PortEntry),
    /// No port has this service address any more.
    Remove {
        /// The address.
        service_address: Ipv4Addr,
    },
}

/// Why no update could be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Reading or writing failed, or the stream ended within a message.
    #[error("the configuration stream broke: {0}")]
    Io(#[from] io::Error),
    /// A message is longer than allowed.
    #[error("a configuration message of {length} bytes is longer than {MAX_MESSAGE}")]
    TooLong {
        /// Its length.
        length: u64,
    },
    /// A message is no update.
    #[error("a configuration message cannot be understood: {0}")]
    Json(#[from] serde_json::Error),
}

impl Update {
    /// Writes the update in one piece.
    pub fn write_to(&self, stream: &mut impl Write) -> Result<(), ConfigError> {
        let body = serde_json::to_vec(self)?;
        let length = u32::try_from(body.len())
            .ok()
            .filter(|length| *length <= MAX_MESSAGE)
            .ok_or(ConfigError::TooLong { length: body.len() as u64 })?;
        let mut message = length.to_be_bytes().to_vec();
        message.extend(body);
        stream.write_all(&message)?;
        Ok(stream.flush()?)
    }

    /// Reads the next update; `None` when the stream ends between two.
    pub fn read_from(stream: &mut impl Read) -> Result<Option<Self>, ConfigError> {
        let mut length = [0; 4];
        if !read_or_end(stream, &mut length)? {
            return Ok(None);
        }
        let length = u32::from_be_bytes(length);
        if length > MAX_MESSAGE {
            return Err(ConfigError::TooLong { length: length.into() });
        }
        let mut body = vec![0; length as usize];
        stream.read_exact(&mut body)?;
        Ok(Some(serde_json::from_slice(&body)?))
    }
}

/// Fills the buffer; false when the stream ends before its first byte.
fn read_or_end(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// The table: which port has which service address.
#[derive(Debug, Default)]
pub struct Table {
    entries: HashMap<Ipv4Addr, Arc<PortEntry>>,
}

impl Table {
    /// Makes the change.
    pub fn apply(&mut self, update: Update) {
        match update {
            Update::Put(entry) => {
                self.entries.insert(entry.service_address, Arc::new(entry));
            }
            Update::Remove { service_address } => {
                self.entries.remove(&service_address);
            }
        }
    }

    /// The port of this service address.
    #[must_use]
    pub fn get(&self, service_address: Ipv4Addr) -> Option<Arc<PortEntry>> {
        self.entries.get(&service_address).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(last: u8) -> Update {
        Update::Put(PortEntry {
            service_address: Ipv4Addr::new(100, 64, 0, last),
            port: PortId("11111111-2222-4333-8444-555555555555".parse().unwrap()),
            mac: "fa:16:3e:00:00:01".parse().unwrap(),
            services: Arc::default(),
        })
    }

    #[test]
    fn updates_round_trip_and_the_stream_ends_cleanly_between_them() {
        let updates = [put(1), put(2), Update::Remove { service_address: Ipv4Addr::new(100, 64, 0, 1) }];
        let mut stream = Vec::new();
        for update in &updates {
            update.write_to(&mut stream).unwrap();
        }
        let mut rest = stream.as_slice();
        let mut table = Table::default();
        for update in updates {
            assert_eq!(Update::read_from(&mut rest).unwrap(), Some(update.clone()));
            table.apply(update);
        }
        assert_eq!(Update::read_from(&mut rest).unwrap(), None);
        assert!(table.get(Ipv4Addr::new(100, 64, 0, 1)).is_none());
        assert!(table.get(Ipv4Addr::new(100, 64, 0, 2)).is_some());
        let cut = Update::read_from(&mut &stream[..stream.len() - 1][4..]);
        assert!(cut.is_err());
        assert!(matches!(Update::read_from(&mut &stream[..9]), Err(ConfigError::Io(_))));
    }

    #[test]
    fn a_message_that_is_too_long_or_no_update_is_refused_unread() {
        let error = Update::read_from(&mut &[0x7f, 0, 0, 0][..]).unwrap_err().to_string();
        assert_eq!(error, "a configuration message of 2130706432 bytes is longer than 1048576");
        assert!(matches!(Update::read_from(&mut &b"\0\0\0\x02{}"[..]), Err(ConfigError::Json(_))));
    }
}
