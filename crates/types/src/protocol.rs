//! IP versions, directions and protocols, in the words of the Network API.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The IP version of a subnet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Which way a security group rule looks, from the server's point of view.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Towards the server.
    Ingress,
    /// From the server.
    Egress,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        })
    }
}

/// A protocol that has no name here and is no number from 0 to 255.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an IP protocol: give a name such as tcp, or a number from 0 to 255")]
pub struct ParseProtocolError(pub String);

/// An IP protocol number (IANA "Assigned Internet Protocol Numbers").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4.
    pub const ICMP: Self = Self(1);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// ICMP for IPv6.
    pub const ICMPV6: Self = Self(58);
    /// SCTP.
    pub const SCTP: Self = Self(132);

    /// The names that Neutron knows (neutron-lib `IP_PROTOCOL_MAP`), with their numbers.
    pub const NAMES: [(&'static str, Self); 24] = [
        ("ah", Self(51)),
        ("dccp", Self(33)),
        ("egp", Self(8)),
        ("esp", Self(50)),
        ("gre", Self(47)),
        ("hopopt", Self(0)),
        ("icmp", Self::ICMP),
        ("igmp", Self(2)),
        ("ip", Self(0)),
        ("ipip", Self(4)),
        ("ipv6-encap", Self(41)),
        ("ipv6-frag", Self(44)),
        ("ipv6-icmp", Self::ICMPV6),
        ("icmpv6", Self::ICMPV6),
        ("ipv6-nonxt", Self(59)),
        ("ipv6-opts", Self(60)),
        ("ipv6-route", Self(43)),
        ("ospf", Self(89)),
        ("pgm", Self(113)),
        ("rsvp", Self(46)),
        ("sctp", Self::SCTP),
        ("tcp", Self::TCP),
        ("udp", Self::UDP),
        ("udplite", Self(136)),
    ];

    /// Whether packets of the protocol carry a source and a destination port.
    #[must_use]
    pub const fn has_ports(self) -> bool {
        matches!(self.0, 6 | 17 | 132)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(_, number)| number == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for Protocol {
    type Err = ParseProtocolError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        match Self::NAMES.iter().find(|(name, _)| *name == lower) {
            Some((_, number)) => Ok(*number),
            None => lower.parse().map(Self).map_err(|_| ParseProtocolError(text.to_owned())),
        }
    }
}
