//! 3. Out through SNAT; in by a floating IP until it is removed; a neighbour by its floating IP.

use std::net::{IpAddr, Ipv4Addr};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use testkit::{FAR_AWAY, GATEWAY, Server};

use crate::failure::{Failure, Result, ensure, need};
use crate::world::{HTTP, World, address, text};

/// How soon a change that the client has been told is done must show in the datapath.
const AT_ONCE: Duration = Duration::from_millis(1000);

/// Both ways, and the end of both.
pub(crate) fn check(world: &mut World) -> Result<()> {
    let _far = world.outside.serve("outside", HTTP)?;
    let router = &world.demo.get(&format!("/routers/{}", world.router))?["router"];
    let gateway: Ipv4Addr = need(
        router["external_gateway_info"]["external_fixed_ips"][0]["ip_address"].as_str().and_then(|a| a.parse().ok()),
        "address of the router outside",
    )?;
    source_translation(world, gateway)?;
    floating_ip(world, gateway)
}

/// `<name> <address>:<port>`: whom the other side saw.
fn seen(greeting: String, by: &str) -> Result<Ipv4Addr> {
    let address = greeting
        .strip_prefix(&format!("{by} "))
        .and_then(|peer| peer.rsplit_once(':'))
        .and_then(|(address, _)| address.parse().ok());
    address.ok_or_else(|| Failure::Wrong(format!("{by} was expected to answer, not {greeting:?}")))
}

/// What a TCP connection is greeted with.
fn tcp(from: &Server, to: IpAddr) -> Result<String> {
    need(from.ncat(to, HTTP, false)?, &format!("answer by TCP from {to} to {}", from.netns().name()))
}

fn expect_seen(greeting: String, by: &str, address: Ipv4Addr) -> Result<()> {
    let seen = seen(greeting, by)?;
    ensure(seen == address, || format!("{by} saw {seen} instead of {address}"))
}

fn source_translation(world: &World, gateway: Ipv4Addr) -> Result<()> {
    for guest in [&world.web1, &world.web2] {
        for to in [GATEWAY, FAR_AWAY] {
            let pinged = guest.server.ping(to, 3)?;
            ensure(pinged.received == 3, || format!("{} got {} of 3 replies from {to}", guest.name, pinged.received))?;
            expect_seen(tcp(&guest.server, address(to)?)?, "outside", gateway)?;
        }
        let greeting = guest.server.ncat(address(GATEWAY)?, HTTP, true)?;
        expect_seen(need(greeting, &format!("answer by UDP from {GATEWAY} to {}", guest.name))?, "outside", gateway)?;
    }
    // Nobody comes in that way: neither to the router's address nor to a server's own.
    ensure(!world.outside.reaches_tcp(gateway, HTTP)?, || "the router's address leads to a server".to_owned())?;
    world.outside.netns().ip(&format!("route replace 10.0.0.0/24 via {gateway}"))?;
    let reached = world.outside.reaches(world.web1.address)?;
    world.outside.netns().ip("route delete 10.0.0.0/24")?;
    ensure(!reached, || "an inner address answers outside".to_owned())
}

fn floating_ip(world: &World, gateway: Ipv4Addr) -> Result<()> {
    let run = |line: &str| world.openstack.json(&line.split_whitespace().collect::<Vec<_>>());
    let quiet = |line: &str| world.openstack.quiet(&line.split_whitespace().collect::<Vec<_>>());
    let made = run("floating ip create ext-net")?;
    let floating: Ipv4Addr = need(text(&made, "floating_ip_address")?.parse().ok(), "address of the floating IP")?;
    ensure(made["status"] == "DOWN", || format!("without a port its status is {}", made["status"]))?;
    quiet(&format!("floating ip set {floating} --port web1"))?;
    world.admin.wait_until_applied()?;

    ensure(world.outside.reaches(floating)?, || format!("no reply from {floating}"))?;
    let body = world.outside.curl(&[&format!("http://{floating}/")])?;
    expect_seen(body.trim_end().to_owned(), "web1", Ipv4Addr::from([198, 51, 100, 1]))?;
    // What the group does not allow stays closed.
    ensure(!world.outside.reaches_tcp(floating, 81)?, || "port 81 is open".to_owned())?;
    // Its owner goes out with it; its neighbour still with the router's.
    expect_seen(tcp(&world.web1.server, address(FAR_AWAY)?)?, "outside", floating)?;
    expect_seen(tcp(&world.web2.server, address(FAR_AWAY)?)?, "outside", gateway)?;
    // The neighbour, and the owner itself, by the floating IP.
    ensure(world.web2.server.reaches(floating)?, || "no hairpin for ping".to_owned())?;
    seen(tcp(&world.web2.server, floating.into())?, "web1")?;
    seen(tcp(&world.web1.server, floating.into())?, "web1")?;
    let shown = run(&format!("floating ip show {floating}"))?;
    ensure(shown["status"] == "ACTIVE", || format!("its status is {}", shown["status"]))?;

    // Removing it cuts what goes through it, in either direction.
    let incoming = world.outside.connect(floating, HTTP)?;
    let outgoing = world.web1.server.connect(address(FAR_AWAY)?, HTTP)?;
    let inner = world.web2.server.connect(world.web1.address, HTTP)?;
    for connection in [&incoming, &outgoing, &inner] {
        ensure(connection.is_alive_within(AT_ONCE), || "an open connection stands still".to_owned())?;
    }
    quiet(&format!("floating ip unset {floating} --port"))?;
    thread::sleep(AT_ONCE);
    for (what, connection) in [("in", &incoming), ("out", &outgoing)] {
        ensure(!connection.is_alive_within(AT_ONCE), || {
            format!("a connection {what} goes on after its floating IP was removed")
        })?;
    }
    ensure(inner.is_alive_within(AT_ONCE), || "an inner connection was cut with the floating IP".to_owned())?;
    inner.close()?;
    ensure(!world.outside.reaches(floating)?, || format!("{floating} still answers"))?;
    expect_seen(tcp(&world.web1.server, address(FAR_AWAY)?)?, "outside", gateway)?;
    let shown: Value = run(&format!("floating ip show {floating}"))?;
    ensure(shown["status"] == "DOWN", || format!("after its removal its status is {}", shown["status"]))?;
    quiet(&format!("floating ip delete {floating}"))?;
    Ok(())
}
