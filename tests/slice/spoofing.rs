//! 6. Addresses that are not the port's own are dropped and counted, by ARP too; an allowed address pair opens them.

use std::net::Ipv4Addr;

use serde_json::json;
use testkit::frame::{Body, Frame, Transport};
use types::MacAddr;

use crate::failure::{Result, ensure, same};
use crate::world::World;

const STRANGER: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0x66]);
const BORROWED: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 66);
const IN_RANGE: Ipv4Addr = Ipv4Addr::new(10, 66, 1, 2);

/// Lies first without permission, then with.
pub(crate) fn check(world: &mut World) -> Result<()> {
    let (own, mac) = (world.web1.address, world.web1.mac);
    expect(world, "its own addresses", &echo(world, mac, own), None)?;
    expect(world, "a foreign MAC address", &echo(world, STRANGER, own), Some("spoofed-mac"))?;
    expect(world, "a foreign address", &echo(world, mac, BORROWED), Some("spoofed-ip"))?;
    let announced = Frame::arp_reply((mac, BORROWED), (world.web2.mac, world.web2.address));
    expect(world, "a foreign address by ARP", &announced, Some("spoofed-arp"))?;
    let gateway = Frame::arp_reply((mac, Ipv4Addr::new(10, 0, 0, 1)), (world.web2.mac, world.web2.address));
    expect(world, "the router's address by ARP", &gateway, Some("spoofed-arp"))?;
    let inner = Frame::arp_request((STRANGER, own), world.web2.address).source_mac(mac);
    expect(world, "a foreign MAC address inside ARP", &inner, Some("spoofed-arp"))?;

    let pairs = json!([
        { "ip_address": BORROWED.to_string() },
        { "ip_address": "10.66.0.0/16" },
        { "ip_address": own.to_string(), "mac_address": STRANGER.to_string() },
    ]);
    world.demo.update("port", &world.web1.port_id, json!({ "allowed_address_pairs": pairs }))?;
    // As for any network behind a server: the answers come back by it, and do not go out by the default route.
    let route = json!([{ "destination": "10.66.0.0/16", "nexthop": own.to_string() }]);
    world.demo.update("router", &world.router, json!({ "routes": route }))?;
    expect(world, "an allowed address", &echo(world, mac, BORROWED), None)?;
    expect(world, "an address of an allowed range", &echo(world, mac, IN_RANGE), None)?;
    expect(world, "an allowed MAC address", &echo(world, STRANGER, own), None)?;
    expect(
        world,
        "the allowed MAC address with another address",
        &echo(world, STRANGER, BORROWED),
        Some("spoofed-ip"),
    )?;
    expect(world, "an address beside the range", &echo(world, mac, Ipv4Addr::new(10, 67, 0, 1)), Some("spoofed-ip"))?;
    let before = world.drops(&world.web1, "spoofed-arp")?;
    world.web1.server.send_frames(&[announced.bytes()])?;
    same("ARP drops of an allowed address", world.drops(&world.web1, "spoofed-arp")?, before)?;

    world.demo.update("port", &world.web1.port_id, json!({ "allowed_address_pairs": [] }))?;
    world.demo.update("router", &world.router, json!({ "routes": [] }))?;
    expect(world, "an address that was allowed", &echo(world, mac, BORROWED), Some("spoofed-ip"))?;
    ensure(world.web1.server.reaches(world.web2.address)?, || "an honest packet is dropped afterwards".to_owned())
}

/// An echo request to the neighbour.
fn echo(world: &World, mac: MacAddr, source: Ipv4Addr) -> Frame {
    Frame::ip((mac, world.web2.mac), (source, world.web2.address), Transport::Icmp(8, 0, 77))
}

/// Sends a few and looks at both ends: at the neighbour's interface, and at the counter.
fn expect(world: &World, what: &str, frame: &Frame, dropped: Option<&str>) -> Result<()> {
    const COUNT: usize = 3;
    let (from, to) = (&world.web1, &world.web2);
    let count = |reason: &str| world.drops(from, reason);
    let before = dropped.map_or(Ok(0), count)?;
    let filter = match &frame.body {
        Body::Ip(ip) => format!("icmp[icmptype] == icmp-echo and src host {}", ip.source),
        Body::Arp(_) | Body::Raw(..) => "arp".to_owned(),
    };
    let capture = to.server.capture(&filter)?;
    from.server.send_frames(&vec![frame.bytes(); COUNT])?;
    let packets = capture.packets()?;
    match dropped {
        None => ensure(packets.len() == COUNT, || {
            let drops = [from, to].map(|guest| world.admin.drops(&guest.port_id).unwrap_or_default());
            format!("{what}: {} of {COUNT} arrived; dropped at the two ports so far: {drops:?}", packets.len())
        }),
        Some(reason) => {
            ensure(packets.is_empty(), || format!("{what}: it arrived: {packets:?}"))?;
            let more = count(reason)? - before;
            ensure(more == COUNT as u64, || format!("{what}: {reason} counts {more} more instead of {COUNT}"))
        }
    }
}
