//! Options that the API's user gives by name and text (`extra_dhcp_opts`).
//!
//! The names are those of dnsmasq, which Neutron's users know, and so is the form of the values:
//! addresses separated by commas, numbers, bytes as `01:02:ff`, text. A number in the place of the
//! name gives any option; if it is one that has no name here, the value's form tells what it is.

use std::net::Ipv4Addr;

use super::message::code;

/// Pseudo option of dnsmasq: the address of the boot server, a field of the message.
const SERVER_IP_ADDRESS: &str = "server-ip-address";

/// What is in an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Addresses,
    Text,
    U8,
    U16,
    U32,
    Bytes,
    /// Domain names, uncompressed (RFC 3397).
    Names,
    /// Destinations and next hops in turn (RFC 3442).
    Routes,
}

use Form::{Addresses, Bytes, Names, Routes, Text, U8, U16, U32};

const KNOWN: &[(&str, u8, Form)] = &[
    ("netmask", 1, Addresses),
    ("time-offset", 2, U32),
    ("router", 3, Addresses),
    ("time-server", 4, Addresses),
    ("dns-server", 6, Addresses),
    ("log-server", 7, Addresses),
    ("lpr-server", 9, Addresses),
    ("hostname", 12, Text),
    ("boot-file-size", 13, U16),
    ("domain-name", 15, Text),
    ("swap-server", 16, Addresses),
    ("root-path", 17, Text),
    ("extension-path", 18, Text),
    ("ip-forward-enable", 19, U8),
    ("non-local-source-routing", 20, U8),
    ("policy-filter", 21, Addresses),
    ("max-datagram-reassembly", 22, U16),
    ("default-ttl", 23, U8),
    ("mtu", 26, U16),
    ("all-subnets-local", 27, U8),
    ("broadcast", 28, Addresses),
    ("router-discovery", 31, U8),
    ("router-solicitation", 32, Addresses),
    ("static-route", 33, Addresses),
    ("trailer-encapsulation", 34, U8),
    ("arp-timeout", 35, U32),
    ("ethernet-encap", 36, U8),
    ("tcp-ttl", 37, U8),
    ("tcp-keepalive", 38, U32),
    ("nis-domain", 40, Text),
    ("nis-server", 41, Addresses),
    ("ntp-server", 42, Addresses),
    ("vendor-encap", 43, Bytes),
    ("netbios-ns", 44, Addresses),
    ("netbios-dd", 45, Addresses),
    ("netbios-nodetype", 46, U8),
    ("netbios-scope", 47, Text),
    ("x-windows-fs", 48, Addresses),
    ("x-windows-dm", 49, Addresses),
    ("lease-time", 51, U32),
    ("vendor-class", 60, Text),
    ("nisplus-domain", 64, Text),
    ("nisplus-server", 65, Addresses),
    ("tftp-server", 66, Text),
    ("bootfile-name", 67, Text),
    ("mobile-ip-home", 68, Addresses),
    ("smtp-server", 69, Addresses),
    ("pop3-server", 70, Addresses),
    ("nntp-server", 71, Addresses),
    ("irc-server", 74, Addresses),
    ("user-class", 77, Text),
    ("client-arch", 93, U16),
    ("client-interface-id", 94, Bytes),
    ("client-machine-id", 97, Bytes),
    ("posix-timezone", 100, Text),
    ("tzdb-timezone", 101, Text),
    ("domain-search", 119, Names),
    ("sip-server", 120, Bytes),
    ("classless-static-route", 121, Routes),
    ("vendor-id-encap", 125, Bytes),
    ("tftp-server-address", 150, Addresses),
];

/// What an extra option means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Extra {
    /// Send this option with this value.
    Set(u8, Vec<u8>),
    /// Do not send this option (an empty value, as in dnsmasq).
    Omit(u8),
    /// The boot server's address.
    BootServer(Ipv4Addr),
    /// The time of the lease; when to renew follows from it.
    Lease(u32),
}

/// Why an extra option cannot be sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExtraOptionError {
    /// No option has this name.
    #[error("'{0}' is not the name or number of a DHCP option")]
    UnknownName(String),
    /// The option is a part of the protocol, which the server sets by itself.
    #[error("DHCP option '{0}' is set by the server")]
    Reserved(String),
    /// The value does not have the option's form.
    #[error("'{value}' is not a value for DHCP option '{name}'")]
    BadValue {
        /// The option.
        name: String,
        /// The value.
        value: String,
    },
}

/// Understands an extra option.
pub(super) fn parse(name: &str, value: &str) -> Result<Extra, ExtraOptionError> {
    let bad = || ExtraOptionError::BadValue { name: name.to_owned(), value: value.to_owned() };
    // Neutron's users write the prefix of dnsmasq's configuration too.
    let bare = name.strip_prefix("option:").unwrap_or(name);
    if bare == SERVER_IP_ADDRESS {
        return value.trim().parse().map(Extra::BootServer).map_err(|_| bad());
    }
    let known = KNOWN.iter().find(|(known, number, _)| *known == bare || bare.parse() == Ok(*number));
    let (number, form) = match (known, bare.parse::<u8>()) {
        (Some((_, number, form)), _) => (*number, Some(*form)),
        (None, Ok(number)) => (number, None),
        (None, Err(_)) => return Err(ExtraOptionError::UnknownName(name.to_owned())),
    };
    if reserved(number) {
        return Err(ExtraOptionError::Reserved(name.to_owned()));
    }
    let value = value.trim();
    if number == code::LEASE_TIME {
        return value.parse().map(Extra::Lease).map_err(|_| bad());
    }
    if value.is_empty() {
        return Ok(Extra::Omit(number));
    }
    let bytes = match form {
        Some(form) => encode(form, value),
        None => Some(guess(value)),
    };
    bytes.filter(|bytes| bytes.len() <= 1024).map(|bytes| Extra::Set(number, bytes)).ok_or_else(bad)
}

/// Options with which a server and a client understand each other; setting them would break that.
fn reserved(number: u8) -> bool {
    matches!(
        number,
        code::PAD | code::REQUESTED_ADDRESS | code::OVERLOAD
            ..=code::MAX_SIZE
            | code::CLIENT_ID
            | 82 // the relay's
            | code::END
    )
}

fn encode(form: Form, value: &str) -> Option<Vec<u8>> {
    match form {
        Addresses => addresses(value),
        Text => Some(value.as_bytes().to_vec()),
        U8 => value.parse::<u8>().ok().map(|number| vec![number]),
        U16 => value.parse::<u16>().ok().map(|number| number.to_be_bytes().to_vec()),
        // The time offset may be negative.
        U32 => value
            .parse::<u32>()
            .ok()
            .or_else(|| value.parse::<i32>().ok().map(i32::cast_unsigned))
            .map(|number| number.to_be_bytes().to_vec()),
        Bytes => Some(hexadecimal(value).unwrap_or_else(|| value.as_bytes().to_vec())),
        Names => parts(value).try_fold(Vec::new(), domain_name),
        Routes => routes(value),
    }
}

/// The form of an option that has no name here, by the looks of its value, as dnsmasq does it.
fn guess(value: &str) -> Vec<u8> {
    if let Some(bytes) = addresses(value).or_else(|| hexadecimal(value)) {
        return bytes;
    }
    match value.parse::<u32>() {
        // In as few bytes as it needs; three are not usual.
        Ok(number) => match number.to_be_bytes() {
            [0, 0, 0, d] => vec![d],
            [0, 0, c, d] => vec![c, d],
            all => all.to_vec(),
        },
        Err(_) => value.as_bytes().to_vec(),
    }
}

fn parts(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ']).filter(|part| !part.is_empty())
}

fn addresses(value: &str) -> Option<Vec<u8>> {
    parts(value).try_fold(Vec::new(), |mut bytes, part| {
        bytes.extend(part.parse::<Ipv4Addr>().ok()?.octets());
        Some(bytes)
    })
}

/// Two or more bytes as `01:02:ff`.
fn hexadecimal(value: &str) -> Option<Vec<u8>> {
    let byte = |part: &str| {
        let digits = (1..=2).contains(&part.len()) && part.chars().all(|c| c.is_ascii_hexdigit());
        digits.then(|| u8::from_str_radix(part, 16).ok()).flatten()
    };
    value.contains(':').then(|| value.split(':').map(byte).collect()).flatten()
}

fn domain_name(mut bytes: Vec<u8>, name: &str) -> Option<Vec<u8>> {
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        bytes.push(length);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    Some(bytes)
}

/// `10.0.0.0/8,192.168.0.1,0.0.0.0/0,192.168.0.2`.
fn routes(value: &str) -> Option<Vec<u8>> {
    let parts: Vec<&str> = parts(value).collect();
    let (pairs, []) = parts.as_chunks::<2>() else { return None };
    pairs.iter().try_fold(Vec::new(), |mut bytes, [destination, next_hop]| {
        super::options::push_route(&mut bytes, destination.parse().ok()?, next_hop.parse().ok()?)?;
        Some(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_and_forms_become_bytes() {
        let set = |name: &str, value: &str| match parse(name, value) {
            Ok(Extra::Set(number, bytes)) => (number, bytes),
            other => panic!("{name} {value}: {other:?}"),
        };
        assert_eq!(set("bootfile-name", "pxelinux.0"), (67, b"pxelinux.0".to_vec()));
        assert_eq!(set("tftp-server", "10.0.0.9"), (66, b"10.0.0.9".to_vec()));
        assert_eq!(set("67", "x"), (67, b"x".to_vec()));
        assert_eq!(set("ntp-server", "10.0.0.9, 10.0.0.10"), (42, vec![10, 0, 0, 9, 10, 0, 0, 10]));
        assert_eq!(set("option:mtu", "1400"), (26, vec![5, 120]));
        assert_eq!(set("time-offset", "-3600"), (2, (-3600i32).to_be_bytes().to_vec()));
        assert_eq!(set("domain-search", "a.b,c."), (119, b"\x01a\x01b\0\x01c\0".to_vec()));
        assert_eq!(set("classless-static-route", "10.0.0.0/8,10.0.0.1"), (121, vec![8, 10, 10, 0, 0, 1]));
        assert_eq!(set("224", "01:ff"), (224, vec![1, 255]));
        assert_eq!(set("224", "300"), (224, vec![1, 44]));
        assert_eq!(set("224", "10.0.0.1"), (224, vec![10, 0, 0, 1]));
        assert_eq!(set("224", "text"), (224, b"text".to_vec()));
        assert_eq!(parse("router", ""), Ok(Extra::Omit(3)));
        assert_eq!(parse("server-ip-address", "10.0.0.9"), Ok(Extra::BootServer(Ipv4Addr::new(10, 0, 0, 9))));
    }

    #[test]
    fn what_cannot_be_sent_is_named() {
        let error = |name: &str, value: &str| parse(name, value).unwrap_err().to_string();
        assert_eq!(error("no-such", "1"), "'no-such' is not the name or number of a DHCP option");
        assert_eq!(error("256", "1"), "'256' is not the name or number of a DHCP option");
        assert_eq!(error("53", "1"), "DHCP option '53' is set by the server");
        assert_eq!(error("mtu", "70000"), "'70000' is not a value for DHCP option 'mtu'");
        assert_eq!(error("router", "10.0.0"), "'10.0.0' is not a value for DHCP option 'router'");
        assert_eq!(error("server-ip-address", "x"), "'x' is not a value for DHCP option 'server-ip-address'");
        assert_eq!(
            error("classless-static-route", "10.0.0.0/8"),
            "'10.0.0.0/8' is not a value for DHCP option 'classless-static-route'"
        );
    }

    #[test]
    fn names_and_numbers_are_unique() {
        for (index, (name, number, _)) in KNOWN.iter().enumerate() {
            assert!(KNOWN[..index].iter().all(|(other, n, _)| other != name && n != number), "{name} {number}");
        }
    }
}
