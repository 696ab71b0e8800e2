//! 5. Networks of one router, networks with the same addresses, and the how-to "connect two networks of two routers".

use std::net::Ipv4Addr;

use serde_json::json;
use testkit::{DhcpClient, FAR_AWAY};

use crate::failure::{Result, ensure, need, same};
use crate::world::{Guest, HTTP, World, address, text};

/// Routed, apart, and joined by hand.
pub(crate) fn check(world: &mut World) -> Result<()> {
    let second = second_network(world)?;
    same_addresses(world, &second)?;
    two_routers(world)
}

/// Who answers when `from` connects to an address.
fn who(from: &Guest, to: Ipv4Addr) -> Result<Option<String>> {
    let greeting = from.server.ncat(to.into(), HTTP, false)?;
    Ok(greeting.map(|g| g.split(' ').next().unwrap_or_default().to_owned()))
}

fn talk(one: &Guest, two: &Guest) -> Result<()> {
    for (from, to) in [(one, two), (two, one)] {
        let pinged = from.server.ping(to.address, 3)?;
        ensure(pinged.received == 3, || format!("{} of 3 replies from {} to {}", pinged.received, to.name, from.name))?;
        // The other side sees the address itself: nothing is translated inside.
        let greeting = need(from.server.ncat(to.address.into(), HTTP, false)?, "answer by TCP")?;
        ensure(greeting.starts_with(&format!("{} {}:", to.name, from.address)), || {
            format!("{} got {greeting:?} from {}", from.name, to.name)
        })?;
    }
    Ok(())
}

fn second_network(world: &World) -> Result<Guest> {
    let (network, subnet) = world.network(&world.demo, "net2", "10.0.1.0/24")?;
    world.demo.act("router", &world.router, "add_router_interface", json!({ "subnet_id": subnet }))?;
    let guest = world.guest(&world.demo, "second", &network, json!({ "security_groups": [world.group] }))?;
    talk(&world.web1, &guest)?;
    Ok(guest)
}

/// Another tenant's network with the same addresses, behind a router of its own.
fn same_addresses(world: &World, second: &Guest) -> Result<()> {
    let (network, subnet) = world.network(&world.admin, "shadow", "10.0.0.0/24")?;
    let external = world.admin.find("network", "ext-net")?;
    let router = world
        .admin
        .create("router", json!({ "name": "shadow", "external_gateway_info": { "network_id": external["id"] } }))?;
    world.admin.act("router", text(&router, "id")?, "add_router_interface", json!({ "subnet_id": subnet }))?;
    let fixed = json!({ "fixed_ips": [{ "subnet_id": subnet, "ip_address": world.web1.address.to_string() }] });
    let twin = world.guest(&world.admin, "twin", &network, fixed)?;
    let near = world.guest(&world.admin, "near", &network, json!({}))?;
    let address_of_both = twin.address;
    same("who has the address there", who(&near, address_of_both)?, Some("twin".to_owned()))?;
    same("who has the address here", who(&world.web2, address_of_both)?, Some("web1".to_owned()))?;
    same("who has it from the next network", who(second, address_of_both)?, Some("web1".to_owned()))?;
    same("who answers there at another network's address", who(&near, second.address)?, None)?;
    // Both go out at once, each by its own router.
    let _far = world.outside.serve("outside", 8080)?;
    let mut seen = Vec::new();
    for guest in [&world.web1, &twin] {
        let greeting = guest.server.ncat(address(FAR_AWAY)?, 8080, false)?;
        let greeting = need(greeting, &format!("answer from outside to {}", guest.name))?;
        seen.push(greeting.rsplit_once(':').map(|(peer, _)| peer.to_owned()));
    }
    ensure(seen[0] != seen[1], || format!("two tenants look the same outside: {seen:?}"))
}

/// A second interface on one router, a static route on the other, host routes on both subnets.
fn two_routers(world: &World) -> Result<()> {
    let (network, subnet) = world.network(&world.demo, "net3", "10.0.3.0/24")?;
    let router = world.demo.create("router", json!({ "name": "r3" }))?;
    let router = text(&router, "id")?;
    world.demo.act("router", router, "add_router_interface", json!({ "subnet_id": subnet }))?;
    let guest = world.guest(&world.demo, "third", &network, json!({ "security_groups": [world.group] }))?;
    same("who answers before the networks are joined", who(&guest, world.web1.address)?, None)?;

    let fixed = json!([{ "subnet_id": subnet, "ip_address": "10.0.3.254" }]);
    let port = world.demo.create("port", json!({ "name": "joint", "network_id": network, "fixed_ips": fixed }))?;
    world.demo.act("router", &world.router, "add_router_interface", json!({ "port_id": port["id"] }))?;
    let route = json!({ "routes": [{ "destination": "10.0.0.0/24", "nexthop": "10.0.3.254" }] });
    world.demo.update("router", router, route)?;
    talk(&world.web1, &guest)?;

    // The servers learn the short way.
    let hosts = json!({ "host_routes": [{ "destination": "10.0.0.0/24", "nexthop": "10.0.3.254" }] });
    world.demo.update("subnet", &subnet, hosts)?;
    let lease = guest.server.dhcp(DhcpClient::Dhclient)?;
    ensure(lease.routes.iter().any(|(d, h)| d.to_string() == "10.0.0.0/24" && h.to_string() == "10.0.3.254"), || {
        format!("the host route did not reach the server: {:?}", lease.routes)
    })?;
    talk(&world.web1, &guest)
}
