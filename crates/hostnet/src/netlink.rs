//! One blocking rtnetlink socket: a request goes out, its answers come back.

use std::sync::Mutex;

use netlink_packet_core::{
    Emitable, ErrorMessage, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NlasIterator, parse_string,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::errno::Errno;

use crate::{Error, Result};

/// Attribute of an error answer that holds the kernel's explanation (`NLMSGERR_ATTR_MSG`).
const EXPLANATION: u16 = 1;
/// A list that changed while it was read is read again, this often at most.
const MAX_INTERRUPTED_DUMPS: usize = 8;

#[derive(Debug)]
pub(crate) struct Netlink {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    socket: Socket,
    sequence: u32,
}

/// The answers to one request, or that a list was disturbed by a change.
enum Answer {
    Complete(Vec<RouteNetlinkMessage>),
    Interrupted,
}

impl Netlink {
    /// Opens a socket in the namespace of the calling thread.
    pub(crate) fn open() -> Result<Self> {
        let open = || -> std::io::Result<Socket> {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            socket.bind_auto()?;
            socket.connect(&SocketAddr::new(0, 0))?;
            // Explanations, and errors without a copy of the request before them.
            socket.set_ext_ack(true)?;
            socket.set_cap_ack(true)?;
            Ok(socket)
        };
        let socket = open().map_err(|source| Error::io("open a netlink socket", source))?;
        Ok(Self { inner: Mutex::new(Inner { socket, sequence: 0 }) })
    }

    /// Asks for a change; `flags` beyond request and acknowledgement.
    pub(crate) fn change(&self, operation: &str, message: RouteNetlinkMessage, flags: u16) -> Result<()> {
        self.ask(operation, message, NLM_F_REQUEST | NLM_F_ACK | flags).map(drop)
    }

    /// Asks for one thing.
    pub(crate) fn get(&self, operation: &str, message: RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>> {
        match self.ask(operation, message, NLM_F_REQUEST | NLM_F_ACK)? {
            Answer::Complete(messages) => Ok(messages),
            Answer::Interrupted => Ok(Vec::new()),
        }
    }

    /// Asks for a list; consistent, since one that changed meanwhile is read again.
    pub(crate) fn dump(&self, operation: &str, message: RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>> {
        for _ in 0..MAX_INTERRUPTED_DUMPS {
            if let Answer::Complete(messages) = self.ask(operation, message.clone(), NLM_F_REQUEST | NLM_F_DUMP)? {
                return Ok(messages);
            }
        }
        Err(Error::Protocol {
            operation: operation.to_owned(),
            message: format!("the list changed during each of {MAX_INTERRUPTED_DUMPS} readings"),
        })
    }

    fn ask(&self, operation: &str, message: RouteNetlinkMessage, flags: u16) -> Result<Answer> {
        // A panic while the lock is held leaves nothing half done but answers that nobody waits
        // for, and those are recognised by their sequence number.
        let mut inner = self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        inner.ask(operation, message, flags)
    }
}

impl Inner {
    fn ask(&mut self, operation: &str, message: RouteNetlinkMessage, flags: u16) -> Result<Answer> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = flags;
        header.sequence_number = self.sequence;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.emit(&mut bytes);
        let io = |source| Error::io(operation, source);
        self.socket.send(&bytes, 0).map_err(io)?;

        let mut answers = Vec::new();
        let mut interrupted = false;
        loop {
            let bytes = match self.socket.recv_from_full() {
                Ok((bytes, _)) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(io(error)),
            };
            for part in messages(&bytes) {
                let answer = part.map_err(|message| Error::Protocol { operation: operation.to_owned(), message })?;
                if answer.header.sequence_number != self.sequence {
                    continue;
                }
                interrupted |= answer.header.flags & NLM_F_DUMP_INTR != 0;
                match answer.payload {
                    NetlinkPayload::InnerMessage(message) => answers.push(message),
                    NetlinkPayload::Error(error) => {
                        refused(operation, &error)?;
                        return Ok(Answer::Complete(answers));
                    }
                    NetlinkPayload::Done(done) => {
                        if done.code != 0 {
                            return Err(Error::Refused {
                                operation: operation.to_owned(),
                                errno: Errno::from_raw(done.code.abs()),
                                explanation: String::new(),
                            });
                        }
                        return Ok(if interrupted { Answer::Interrupted } else { Answer::Complete(answers) });
                    }
                    _ => {}
                }
            }
        }
    }
}

/// The messages in one datagram of the kernel.
pub(crate) fn messages(
    bytes: &[u8],
) -> impl Iterator<Item = std::result::Result<NetlinkMessage<RouteNetlinkMessage>, String>> + '_ {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = usize::try_from(u32::from_ne_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
        if length < 16 || length > rest.len() {
            let message = format!("a message of {length} bytes in {} bytes", rest.len());
            rest = &[];
            return Some(Err(message));
        }
        let parsed = NetlinkMessage::deserialize(&rest[..length]).map_err(|error| error.to_string());
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(parsed)
    })
}

/// An error answer as a result; error number 0 is an acknowledgement.
fn refused(operation: &str, error: &ErrorMessage) -> Result<()> {
    match error.raw_code() {
        0 => Ok(()),
        code => Err(Error::Refused {
            operation: operation.to_owned(),
            errno: Errno::from_raw(code.abs()),
            explanation: explanation(&error.header).unwrap_or_default(),
        }),
    }
}

/// The text in the attributes that follow the header of the refused request.
fn explanation(header_and_attributes: &[u8]) -> Option<String> {
    const HEADER: usize = 16;
    NlasIterator::new(header_and_attributes.get(HEADER..)?)
        .flatten()
        .find(|attribute| attribute.kind() == EXPLANATION)
        .and_then(|attribute| parse_string(attribute.value()).ok())
}
