//! 2. Addresses and routes from real DHCP clients; servers ping each other by ARP that the datapath answers.

use std::net::Ipv4Addr;

use testkit::DhcpClient;

use crate::failure::{Result, ensure, need, same};
use crate::world::{Guest, World};

/// Asks with both clients, then talks.
pub(crate) fn check(world: &mut World) -> Result<()> {
    for (guest, client) in [(&world.web1, DhcpClient::Udhcpc), (&world.web2, DhcpClient::Dhclient)] {
        lease(world, guest, client)?;
    }
    let (one, two) = (&world.web1, &world.web2);
    // Who has it? The datapath says so, with the port's own address, and the question goes to nobody.
    let questions = two.server.capture("arp")?;
    let answer = need(one.server.arping(two.address)?, "answer to ARP")?;
    same("the answer to ARP", answer, two.mac.to_string())?;
    let seen = questions.packets()?;
    ensure(seen.is_empty(), || format!("the question was sent on to the neighbour: {seen:?}"))?;
    let nobody = Ipv4Addr::new(10, 0, 0, 250);
    same("the answer to ARP for an address that nobody has", one.server.arping(nobody)?, None)?;
    for (from, to) in [(one, two), (two, one)] {
        let pinged = from.server.ping(to.address, 5)?;
        ensure(pinged.received == 5, || format!("{} of {} replies to {}", pinged.received, pinged.sent, from.name))?;
    }
    let pinged = one.server.ping("10.0.0.1", 5)?;
    same("replies of the router", pinged.received, 5)?;
    // As long a packet as the network takes.
    let mtu = world.demo.get(&format!("/networks/{}", world.network))?["network"]["mtu"].as_u64().unwrap_or_default();
    let longest = (mtu - 28).to_string();
    let pinged = one.server.ping_with(two.address, 3, &["-M", "do", "-s", &longest])?;
    same("replies to packets as long as the MTU", pinged.received, 3)
}

fn lease(world: &World, guest: &Guest, client: DhcpClient) -> Result<()> {
    let lease = guest.server.dhcp(client)?;
    let of = |what: &str| format!("{what} that {client:?} got");
    same(&of("the address"), lease.address, guest.address)?;
    same(&of("the mask"), lease.prefix_length, 24)?;
    same(&of("the router"), lease.routers.clone(), vec![Ipv4Addr::new(10, 0, 0, 1)])?;
    let dns = vec![Ipv4Addr::new(9, 9, 9, 9), Ipv4Addr::new(149, 112, 112, 112)];
    same(&of("the DNS servers"), lease.dns_servers.clone(), dns)?;
    let mtu = world.demo.get(&format!("/networks/{}", world.network))?["network"]["mtu"].as_u64();
    same(&of("the MTU"), lease.mtu.map(u64::from), mtu)?;
    for (destination, hop) in [("192.168.77.0/24", "10.0.0.77"), ("0.0.0.0/0", "10.0.0.1")] {
        ensure(lease.routes.iter().any(|(d, h)| d.to_string() == destination && h.to_string() == hop), || {
            format!("{client:?} got no route to {destination} via {hop}: {:?}", lease.routes)
        })?;
    }
    Ok(())
}
