//! Gratuitous ARP: the outside learns at once that an address has come to another router.

use std::net::Ipv4Addr;

use types::MacAddr;

use crate::sys::send_frame;

/// Length of an Ethernet frame with an ARP packet.
const LENGTH: usize = 42;

/// Tells everybody on the wire who has the address. It is a courtesy: failure costs time, not packets.
pub(crate) fn announce(ifindex: u32, address: Ipv4Addr, mac: MacAddr) {
    if let Err(error) = send_frame(ifindex, &announcement(address, mac)) {
        tracing::warn!(%address, %mac, ifindex, %error, "an address could not be announced");
    }
}

/// An ARP request for the sender's own address (RFC 5227).
fn announcement(address: Ipv4Addr, mac: MacAddr) -> Vec<u8> {
    let mut frame = Vec::with_capacity(LENGTH);
    frame.extend(MacAddr::BROADCAST.0);
    frame.extend(mac.0);
    // EtherType ARP; hardware Ethernet, protocol IPv4, their lengths, a request.
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(mac.0);
    frame.extend(address.octets());
    frame.extend([0; 6]);
    frame.extend(address.octets());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sender_and_target_are_the_address_itself() {
        let frame = announcement(Ipv4Addr::new(198, 51, 100, 20), MacAddr([0xfa, 0x16, 0x3e, 0, 0, 1]));
        assert_eq!(frame.len(), LENGTH);
        assert_eq!(frame[28..32], [198, 51, 100, 20]);
        assert_eq!(frame[38..42], [198, 51, 100, 20]);
        assert_eq!(frame[22..28], frame[6..12]);
    }
}
