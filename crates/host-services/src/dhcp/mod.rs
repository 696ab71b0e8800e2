//! DHCPv4 (RFC 2131), answered from a port's facts.
//!
//! The server does not choose addresses, so it needs no leases: the port has its address for as long
//! as it exists. An offer or acknowledgement always names that address; a client that asks for
//! another gets a refusal and starts over.

mod extra;
mod message;
mod options;

use std::net::Ipv4Addr;

use logical::{Dhcp4Options, SERVICE_ADDRESS};

pub use extra::ExtraOptionError;

use crate::{Count, config::PortEntry};
use message::{MessageType, Reply, Request, code};
use options::Facts;

/// Flag of a client that can only receive broadcasts as long as it has no address.
const BROADCAST_FLAG: u16 = 0x8000;

/// The answer to a datagram from a port, or why there is none.
pub fn answer(entry: &PortEntry, datagram: &[u8]) -> Result<Vec<u8>, Count> {
    let request = Request::parse(datagram).ok_or(Count::DhcpMalformed)?;
    // Guests are asked directly; a relay among them would be one that poses as another's.
    if !request.giaddr.is_unspecified() {
        return Err(Count::DhcpMalformed);
    }
    if request.client != entry.mac {
        return Err(Count::DhcpWrongClient);
    }
    let dhcp = entry.services.dhcp4.as_ref().ok_or(Count::DhcpDisabled)?;
    match request.kind {
        MessageType::Discover => Ok(lease(dhcp, &request, MessageType::Offer)),
        MessageType::Request => requested(dhcp, &request),
        MessageType::Inform => Ok(inform(dhcp, &request)),
        MessageType::Decline | MessageType::Release => Err(Count::DhcpNoted),
        MessageType::Offer | MessageType::Ack | MessageType::Nak => Err(Count::DhcpMalformed),
    }
}

/// The extra options of these facts that cannot be sent, to be reported once when the facts arrive.
pub fn unusable_options(dhcp: &Dhcp4Options) -> impl Iterator<Item = ExtraOptionError> + '_ {
    dhcp.extra.iter().filter_map(|option| extra::parse(&option.name, &option.value).err())
}

/// A REQUEST, which means one of four things (RFC 2131, table 4): *selecting* after an offer names
/// the server and the address, *init-reboot* names the address only, *renewing* and *rebinding* have
/// the address in `ciaddr`.
fn requested(dhcp: &Dhcp4Options, request: &Request) -> Result<Vec<u8>, Count> {
    if let Some(server) = request.option(code::SERVER_ID)
        && server != SERVICE_ADDRESS.octets()
    {
        return Err(Count::DhcpNoted);
    }
    let asked = request.address(code::REQUESTED_ADDRESS).or(Some(request.ciaddr)).filter(|a| !a.is_unspecified());
    match asked {
        Some(address) if address == dhcp.address => Ok(lease(dhcp, request, MessageType::Ack)),
        Some(address) => Ok(refuse(request, address)),
        None => Err(Count::DhcpMalformed),
    }
}

/// An offer or an acknowledgement of the port's address.
fn lease(dhcp: &Dhcp4Options, request: &Request, kind: MessageType) -> Vec<u8> {
    let facts = options::facts(dhcp, request.wanted());
    let lease = u64::from(facts.lease_seconds);
    // The defaults of RFC 2131, 4.4.5: half, and seven eighths, of the lease.
    let seconds = |seconds: u64| u32::try_from(seconds).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    let times = [
        (code::LEASE_TIME, seconds(lease)),
        (code::RENEWAL_TIME, seconds(lease / 2)),
        (code::REBINDING_TIME, seconds(lease * 7 / 8)),
    ];
    let mut reply = reply(request, kind);
    reply.options.extend(times);
    reply.yiaddr = dhcp.address;
    if kind == MessageType::Ack {
        reply.ciaddr = request.ciaddr;
    }
    with_facts(reply, facts).encode(request.max_length())
}

/// The facts of the network for a client that has its address already.
fn inform(dhcp: &Dhcp4Options, request: &Request) -> Vec<u8> {
    let mut reply = reply(request, MessageType::Ack);
    reply.ciaddr = request.ciaddr;
    with_facts(reply, options::facts(dhcp, request.wanted())).encode(request.max_length())
}

fn with_facts(mut reply: Reply, facts: Facts) -> Reply {
    reply.siaddr = facts.boot_server.unwrap_or(Ipv4Addr::UNSPECIFIED);
    // Boot firmware reads the message's own field, whatever options there are.
    let boot_file = facts.options.iter().find(|(code, _)| *code == code::BOOT_FILE);
    reply.file = boot_file.map(|(_, name)| name.clone()).unwrap_or_default();
    reply.options.extend(facts.options);
    reply
}

/// A refusal, on which the client starts over. It goes to all, since the client may have configured
/// an address at which it cannot be reached.
fn refuse(request: &Request, asked: Ipv4Addr) -> Vec<u8> {
    let mut reply = reply(request, MessageType::Nak);
    reply.flags |= BROADCAST_FLAG;
    reply.options.push((code::MESSAGE, format!("{asked} is not the address of this port").into_bytes()));
    reply.encode(request.max_length())
}

/// What every answer has in common.
fn reply(request: &Request, kind: MessageType) -> Reply {
    let mut options =
        vec![(code::MESSAGE_TYPE, vec![kind.number()]), (code::SERVER_ID, SERVICE_ADDRESS.octets().to_vec())];
    // RFC 6842: the client's own identifier comes back to it.
    options.extend(request.option(code::CLIENT_ID).map(|id| (code::CLIENT_ID, id.to_vec())));
    Reply {
        xid: request.xid,
        flags: request.flags,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        yiaddr: Ipv4Addr::UNSPECIFIED,
        siaddr: Ipv4Addr::UNSPECIFIED,
        client: request.client,
        file: Vec::new(),
        options,
    }
}

#[cfg(test)]
pub(crate) mod tests;
