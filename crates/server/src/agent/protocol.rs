//! The driver's verbs as messages: a length of four bytes, then that much JSON.
//!
//! Both ends are the same binary, so there is one version, told by [`Request::Hello`]; a supervisor
//! that was replaced by another version restarts both. Every message is bounded; what may be longer
//! than that (the changes of a full pass, all observed rows) goes in several.

use std::io::{self, Read, Write};

use logical::{Capability, Change, DriverError, DropCount, Observation, Outcome, PortId, RowKey, Swept};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// Longest message. One row is at most some 400 KiB (user data as a list of numbers).
pub(super) const MAX_MESSAGE: usize = 16 << 20;
/// What a sender fills a message of several rows up to.
pub(super) const GOOD_MESSAGE: usize = 2 << 20;
/// Observed rows in one answer.
pub(super) const OBSERVED_PAGE: usize = 8192;

/// A verb.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// Who are you?
    Hello {
        /// The caller's version.
        version: String,
        /// The region whose driver the connection is to speak to.
        region: String,
    },
    /// [`logical::Driver::capabilities`].
    Capabilities,
    /// [`logical::Driver::observe`].
    Observe,
    /// [`logical::Driver::apply`].
    Apply(Vec<Change>),
    /// [`logical::Driver::sweep`].
    Sweep,
    /// [`logical::Driver::disturbed`].
    Disturbed,
    /// [`logical::Driver::drops`].
    Drops(PortId),
}

/// What is answered to the verb of the same name.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// To `Hello`: which start of which version this is.
    Hello {
        /// The agent's version.
        version: String,
        /// Another number after each start of the agent.
        start: Uuid,
    },
    /// To `Capabilities`.
    Capabilities(Vec<Capability>),
    /// To `Observe`: some of the rows.
    Observed {
        /// Rows.
        rows: Vec<(RowKey, Observation)>,
        /// Whether another message with further rows follows.
        more: bool,
    },
    /// To `Apply`.
    Applied(Vec<Outcome>),
    /// To `Sweep`.
    Swept(Swept),
    /// To `Disturbed`.
    Disturbed(Vec<RowKey>),
    /// To `Drops`.
    Drops(Vec<DropCount>),
    /// To any: the driver could not.
    Failed(DriverError),
}

/// Writes one message.
pub(super) fn send<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length =
        u32::try_from(body.len()).ok().filter(|_| body.len() <= MAX_MESSAGE).ok_or_else(|| too_long(body.len()))?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(&body)?;
    to.flush()
}

/// Reads one message; `None` when the other side has closed between two.
pub(super) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read(&mut length)? {
        0 => return Ok(None),
        read => from.read_exact(length.get_mut(read..).unwrap_or_default())?,
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_MESSAGE {
        return Err(too_long(length));
    }
    // The buffer grows with what arrives, so that a length that lies costs no memory.
    let mut body = Vec::new();
    from.take(u64::try_from(length).unwrap_or(u64::MAX)).read_to_end(&mut body)?;
    if body.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(serde_json::from_slice(&body)?))
}

fn too_long(length: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a message of {length} bytes is longer than the {MAX_MESSAGE} that are allowed"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let mut wire = Vec::new();
        send(&mut wire, &Request::Hello { version: "1".to_owned(), region: "r".to_owned() }).unwrap();
        send(&mut wire, &Request::Sweep).unwrap();
        let mut from = wire.as_slice();
        assert!(
            matches!(receive(&mut from).unwrap(), Some(Request::Hello { version, region }) if version == "1" && region == "r")
        );
        assert!(matches!(receive(&mut from).unwrap(), Some(Request::Sweep)));
        assert!(receive::<Request>(&mut from).unwrap().is_none());
    }

    #[test]
    fn lies_about_the_length_are_refused() {
        let error = |bytes: &[u8]| receive::<Request>(&mut { bytes }).unwrap_err().kind();
        assert_eq!(error(&[0xff, 0xff, 0xff, 0xff, 1]), io::ErrorKind::InvalidData);
        assert_eq!(error(&[0, 0, 0, 9, b'"']), io::ErrorKind::UnexpectedEof);
        assert_eq!(error(&[0, 0]), io::ErrorKind::UnexpectedEof);
        assert_eq!(error(&[0, 0, 0, 1, b'{']), io::ErrorKind::UnexpectedEof);
    }
}
