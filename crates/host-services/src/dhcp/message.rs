//! The form of DHCPv4 messages (RFC 2131, RFC 2132, RFC 3396).
//!
//! Written out here rather than taken from a library, because a server that strangers talk to needs
//! three things that the known one does not give: options that we do not use must not make a request
//! unreadable, a lying hardware address length must not panic, and the order in which answers list
//! their options must be ours.

use std::{collections::BTreeMap, net::Ipv4Addr};

use types::MacAddr;

/// Where the options start: after the fixed part and the magic cookie.
const OPTIONS: usize = 240;
const MAGIC: [u8; 4] = [99, 130, 83, 99];
/// BOOTP's length, below which some clients and relays drop messages.
const MIN_LENGTH: usize = 300;
const ETHERNET: u8 = 1;

/// Option codes with a part in the protocol itself.
pub(super) mod code {
    pub(crate) const PAD: u8 = 0;
    pub(crate) const SUBNET_MASK: u8 = 1;
    pub(crate) const ROUTER: u8 = 3;
    pub(crate) const DNS_SERVERS: u8 = 6;
    pub(crate) const HOST_NAME: u8 = 12;
    pub(crate) const DOMAIN_NAME: u8 = 15;
    pub(crate) const MTU: u8 = 26;
    pub(crate) const BROADCAST: u8 = 28;
    pub(crate) const REQUESTED_ADDRESS: u8 = 50;
    pub(crate) const LEASE_TIME: u8 = 51;
    pub(crate) const OVERLOAD: u8 = 52;
    pub(crate) const MESSAGE_TYPE: u8 = 53;
    pub(crate) const SERVER_ID: u8 = 54;
    pub(crate) const REQUESTED_OPTIONS: u8 = 55;
    pub(crate) const MESSAGE: u8 = 56;
    pub(crate) const MAX_SIZE: u8 = 57;
    pub(crate) const RENEWAL_TIME: u8 = 58;
    pub(crate) const REBINDING_TIME: u8 = 59;
    pub(crate) const CLIENT_ID: u8 = 61;
    pub(crate) const BOOT_FILE: u8 = 67;
    pub(crate) const CLASSLESS_ROUTES: u8 = 121;
    pub(crate) const CLASSLESS_ROUTES_MICROSOFT: u8 = 249;
    pub(crate) const END: u8 = 255;
}

/// The kinds of messages (option 53).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MessageType {
    Discover,
    Offer,
    Request,
    Decline,
    Ack,
    Nak,
    Release,
    Inform,
}

impl MessageType {
    fn of(number: u8) -> Option<Self> {
        use MessageType::{Ack, Decline, Discover, Inform, Nak, Offer, Release, Request};
        [Discover, Offer, Request, Decline, Ack, Nak, Release, Inform].into_iter().find(|kind| kind.number() == number)
    }

    pub(super) fn number(self) -> u8 {
        self as u8 + 1
    }
}

/// A request, as far as a server needs it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Request {
    pub(super) kind: MessageType,
    pub(super) xid: u32,
    pub(super) flags: u16,
    pub(super) ciaddr: Ipv4Addr,
    pub(super) giaddr: Ipv4Addr,
    pub(super) client: MacAddr,
    options: BTreeMap<u8, Vec<u8>>,
}

impl Request {
    /// Reads a request of an Ethernet client; `None` when it is none.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        const BOOT_REQUEST: u8 = 1;
        let [BOOT_REQUEST, ETHERNET, 6, _hops, ..] = *bytes else { return None };
        if bytes.get(236..OPTIONS)? != MAGIC {
            return None;
        }
        let mut options = BTreeMap::new();
        read_options(bytes.get(OPTIONS..)?, &mut options)?;
        // Options may go on in the fields for the boot file (1, 3) and the server's name (2, 3).
        let overload = options.get(&code::OVERLOAD).and_then(|value| value.first().copied()).unwrap_or(0);
        if overload & 1 != 0 {
            read_options(&bytes[108..236], &mut options)?;
        }
        if overload & 2 != 0 {
            read_options(&bytes[44..108], &mut options)?;
        }
        let [kind] = *options.get(&code::MESSAGE_TYPE)?.as_slice() else { return None };
        Some(Self {
            kind: MessageType::of(kind)?,
            xid: u32::from_be_bytes(array(bytes, 4)?),
            flags: u16::from_be_bytes(array(bytes, 10)?),
            ciaddr: Ipv4Addr::from(array(bytes, 12)?),
            giaddr: Ipv4Addr::from(array(bytes, 24)?),
            client: MacAddr(array(bytes, 28)?),
            options,
        })
    }

    pub(super) fn option(&self, code: u8) -> Option<&[u8]> {
        self.options.get(&code).map(Vec::as_slice)
    }

    /// An option that holds one address.
    pub(super) fn address(&self, code: u8) -> Option<Ipv4Addr> {
        Some(Ipv4Addr::from(<[u8; 4]>::try_from(self.option(code)?).ok()?))
    }

    /// The codes that the client asks for, in its order of preference.
    pub(super) fn wanted(&self) -> &[u8] {
        self.option(code::REQUESTED_OPTIONS).unwrap_or_default()
    }

    /// The longest message that the client takes, without IP and UDP headers.
    pub(super) fn max_length(&self) -> usize {
        const IP_AND_UDP: u16 = 28;
        const MIN: u16 = 576;
        const MAX: u16 = 1500;
        let asked = self.option(code::MAX_SIZE).and_then(|value| <[u8; 2]>::try_from(value).ok());
        let size = asked.map_or(MIN, u16::from_be_bytes).clamp(MIN, MAX);
        usize::from(size - IP_AND_UDP)
    }
}

/// Reads options to the end mark or the end of the bytes; `None` when one is cut short. Parts of
/// one option are joined (RFC 3396).
fn read_options(mut bytes: &[u8], options: &mut BTreeMap<u8, Vec<u8>>) -> Option<()> {
    loop {
        match *bytes {
            [] | [code::END, ..] => return Some(()),
            [code::PAD, ref rest @ ..] => bytes = rest,
            [code, length, ref rest @ ..] => {
                let (value, rest) = rest.split_at_checked(length.into())?;
                options.entry(code).or_default().extend(value);
                bytes = rest;
            }
            [_] => return None,
        }
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// An answer; its options are written in the order in which they were added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Reply {
    pub(super) xid: u32,
    pub(super) flags: u16,
    pub(super) ciaddr: Ipv4Addr,
    pub(super) yiaddr: Ipv4Addr,
    pub(super) siaddr: Ipv4Addr,
    pub(super) client: MacAddr,
    /// Name of the boot file, cut to its field.
    pub(super) file: Vec<u8>,
    pub(super) options: Vec<(u8, Vec<u8>)>,
}

impl Reply {
    /// The message. Options that would make it longer than `max_length` are left out, so the
    /// important ones stand first.
    pub(super) fn encode(&self, max_length: usize) -> Vec<u8> {
        const BOOT_REPLY: u8 = 2;
        const END_MARK: usize = 1;
        let mut bytes = vec![0; OPTIONS];
        bytes[..4].copy_from_slice(&[BOOT_REPLY, ETHERNET, 6, 0]);
        bytes[4..8].copy_from_slice(&self.xid.to_be_bytes());
        bytes[10..12].copy_from_slice(&self.flags.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.ciaddr.octets());
        bytes[16..20].copy_from_slice(&self.yiaddr.octets());
        bytes[20..24].copy_from_slice(&self.siaddr.octets());
        bytes[28..34].copy_from_slice(&self.client.0);
        // The field ends with a zero byte; a longer name is only in its option.
        if self.file.len() < 128 {
            bytes[108..108 + self.file.len()].copy_from_slice(&self.file);
        }
        bytes[236..OPTIONS].copy_from_slice(&MAGIC);
        for (code, value) in &self.options {
            let parts = value.len().div_ceil(255).max(1);
            if bytes.len() + value.len() + 2 * parts + END_MARK > max_length {
                continue;
            }
            let mut rest = value.as_slice();
            for _ in 0..parts {
                let (part, after) = rest.split_at(rest.len().min(255));
                bytes.extend([*code, u8::try_from(part.len()).unwrap_or(u8::MAX)]);
                bytes.extend(part);
                rest = after;
            }
        }
        bytes.push(code::END);
        bytes.resize(bytes.len().max(MIN_LENGTH), code::PAD);
        bytes
    }
}
