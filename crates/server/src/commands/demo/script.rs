//! What is shown, in the order of the README.

use std::net::{IpAddr, Ipv4Addr, TcpListener};

use hostnet::Links;
use serde_json::{Value, json};

use super::{
    dhcp::Client,
    server::{IFNAME, Server, connect_here, greet, ping_here},
    stage::{Stage, id},
};
use crate::{Error, error::Result, output::say};

const HTTP: u16 = 80;
const POSTGRES: u16 = 5432;
const ADMINISTRATION: u16 = 5433;
const DNS: u16 = 53;

/// The servers that several scenes use.
struct Cast {
    external: String,
    outside: Option<Ipv4Addr>,
    router: Value,
    network: String,
    web_group: String,
    web1: Server,
    web2: Server,
}

/// Plays all scenes.
pub(super) fn play(stage: &mut Stage) -> Result<()> {
    let cast = networks(stage)?;
    dhcp(stage, &cast)?;
    outside(stage, &cast)?;
    groups(stage, &cast)?;
    routing(stage, &cast)?;
    spoofing(stage, &cast)
}

fn networks(stage: &mut Stage) -> Result<Cast> {
    say!("1. a network, a subnet, a router to ext-net, a security group, two servers")?;
    let (external, gateway) = stage.external()?;
    let (network, subnet) = stage.network(
        "net",
        "10.77.0.0/24",
        json!({
            "dns_nameservers": ["9.9.9.9", "149.112.112.112"],
            "host_routes": [{"destination": "10.99.0.0/16", "nexthop": "10.77.0.254"}],
        }),
    )?;
    let router = stage.router("router", Some(&external))?;
    stage.interface(&id(&router), &subnet)?;
    let web_group = stage.group(
        "web",
        &[json!({"protocol": "icmp"}), json!({"protocol": "tcp", "port_range_min": HTTP, "port_range_max": HTTP})],
    )?;
    let web1 = stage.server("web1", &network, Some(&[&web_group]), None)?;
    let web2 = stage.server("web2", &network, Some(&[&web_group]), None)?;
    for server in [&web1, &web2] {
        let port = stage.get(&format!("ports/{}", server.port))?;
        let active = port.pointer("/port/status") == Some(&Value::from("ACTIVE"));
        stage.prove(&format!("port {} is ACTIVE with address {}", server.name, server.address), active)?;
    }
    // With an uplink of its own, the outside is somebody else's machine, which we cannot look from.
    let outside = gateway.filter(|gateway| is_ours(*gateway));
    Ok(Cast { external, outside, router, network, web_group, web1, web2 })
}

fn is_ours(address: Ipv4Addr) -> bool {
    let addresses = |links: &Links| -> hostnet::Result<bool> {
        for link in links.list()? {
            if links.addresses(link.ifindex)?.iter().any(|known| known.address() == IpAddr::V4(address)) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    Links::open().and_then(|links| addresses(&links)).unwrap_or(false)
}

fn dhcp(stage: &mut Stage, cast: &Cast) -> Result<()> {
    say!("2. addresses by DHCP, and neighbours")?;
    let clients = Client::available()?;
    for (server, client) in [&cast.web1, &cast.web2].into_iter().zip(clients.iter().cycle()) {
        let lease = server.configure(*client)?;
        let name = client.name();
        stage.prove(
            &format!("{name} in {} got {}/{}", server.name, lease.address, lease.prefix_len),
            lease.address == server.address && lease.prefix_len == 24,
        )?;
        let router = Ipv4Addr::new(10, 77, 0, 1);
        stage.prove(
            &format!(
                "{name}: router {router}, DNS servers 9.9.9.9 and 149.112.112.112, MTU {}",
                lease.mtu.unwrap_or(0)
            ),
            lease.routers == [router]
                && lease.dns_servers == [Ipv4Addr::new(9, 9, 9, 9), Ipv4Addr::new(149, 112, 112, 112)]
                && lease.mtu.is_some(),
        )?;
        let route = lease.routes.iter().find(|(destination, _)| destination.to_string() == "10.99.0.0/16");
        stage.prove(
            &format!("{name}: host route to 10.99.0.0/16 by 10.77.0.254 (option 121)"),
            route.is_some_and(|(_, hop)| *hop == Ipv4Addr::new(10, 77, 0, 254)),
        )?;
    }
    let Cast { web1, web2, .. } = cast;
    stage.prove("web1 pings web2", web1.ping(web2.address)?)?;
    stage.prove("web2 pings web1", web2.ping(web1.address)?)?;
    stage.prove("web1 pings its router", web1.ping(Ipv4Addr::new(10, 77, 0, 1))?)
}

fn outside(stage: &mut Stage, cast: &Cast) -> Result<()> {
    say!("3. the outside: source NAT, a floating IP")?;
    let Cast { web1, web2, external, .. } = cast;
    let Some(outside) = cast.outside else {
        return say!("    skipped: ext-net is the wire behind an interface, and this host is not on it");
    };
    let snat = cast
        .router
        .pointer("/external_gateway_info/external_fixed_ips/0/ip_address")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let listener = TcpListener::bind((outside, 0)).map_err(Error::io("listen on the outside"))?;
    let door = listener.local_addr().map_err(Error::io("listen on the outside"))?.port();
    greet(listener);
    stage.prove(&format!("web1 pings {outside}, which is outside"), web1.ping(outside)?)?;
    let seen = web1.connect(outside.into(), door)?;
    stage.prove(
        &format!("by TCP the outside sees web1 as {snat}, its router's address"),
        seen.as_deref() == Some(&snat),
    )?;

    let floating =
        stage.create("floatingips", "floatingip", json!({"floating_network_id": external, "port_id": web1.port}))?;
    let address: Ipv4Addr = floating["floating_ip_address"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::Usage("the floating IP has no address".to_owned()))?;
    web1.serve(HTTP)?;
    stage.prove(&format!("the outside pings web1 by its floating IP {address}"), ping_here(address, None)?)?;
    stage.prove("the outside connects to port 80 there", connect_here((address, HTTP).into()).is_some())?;
    stage.prove("port 81 is not let in", connect_here((address, 81).into()).is_none())?;
    let seen = web1.connect(outside.into(), door)?;
    stage.prove(&format!("now the outside sees web1 as {address}"), seen == Some(address.to_string()))?;
    stage.prove(
        "web2, its neighbour, reaches web1 by the floating IP too",
        web2.connect(address.into(), HTTP)?.is_some(),
    )?;
    stage.prove("web1 reaches itself by it", web1.ping(address)?)?;
    stage.update(&format!("floatingips/{}", id(&floating)), "floatingip", json!({"port_id": null}))?;
    stage.prove("taken away, nobody answers there", !ping_here(address, None)?)
}

fn groups(stage: &mut Stage, cast: &Cast) -> Result<()> {
    say!("4. security groups")?;
    let Cast { network, web_group, web1, web2, .. } = cast;
    let first = stage.server("member1", network, None, None)?;
    let second = stage.server("member2", network, None, None)?;
    let web = json!({"protocol": "tcp", "port_range_min": POSTGRES, "port_range_max": POSTGRES, "remote_group_id": web_group});
    let group = stage.group("db", &[web])?;
    let database = stage.server("db", network, Some(&[&group]), None)?;
    let client = *Client::available()?.first().unwrap_or(&Client::Udhcpc);
    for server in [&first, &second, &database] {
        server.configure(client)?;
    }
    first.serve(HTTP)?;
    database.serve(POSTGRES)?;
    database.serve(ADMINISTRATION)?;
    stage.prove(
        "default group: a member reaches a member",
        second.ping(first.address)? && second.connect(first.address.into(), HTTP)?.is_some(),
    )?;
    stage.prove(
        "default group: web1, no member, does not",
        !web1.ping(first.address)? && web1.connect(first.address.into(), HTTP)?.is_none(),
    )?;
    stage.prove("the member reaches web1, whose answers need no rule", first.ping(web1.address)?)?;
    let connect = |server: &Server, port: u16| server.connect(database.address.into(), port).map(|seen| seen.is_some());
    stage.prove("rule with remote group web: web1 reaches db at port 5432", connect(web1, POSTGRES)?)?;
    stage.prove("not at port 5433", !connect(web1, ADMINISTRATION)?)?;
    stage.prove("and a server of another group not at port 5432", !connect(&first, POSTGRES)?)?;
    stage.rule(
        &group,
        &json!({
            "protocol": "tcp", "port_range_min": ADMINISTRATION, "port_range_max": ADMINISTRATION,
            "remote_ip_prefix": format!("{}/32", web2.address),
        }),
    )?;
    stage.prove("rule with web2's address as remote prefix: web2 reaches port 5433", connect(web2, ADMINISTRATION)?)?;
    stage.prove("web1 still not", !connect(web1, ADMINISTRATION)?)?;
    stage.rule(&group, &json!({"protocol": "udp", "port_range_min": DNS, "port_range_max": DNS}))?;
    database.echo(DNS)?;
    database.echo(DNS + 1)?;
    let asks = |port: u16| web1.ask(database.address.into(), port);
    stage.prove("rule for UDP port 53: web1 is answered at port 53", asks(DNS)?)?;
    stage.prove("not at port 54", !asks(DNS + 1)?)
}

fn routing(stage: &mut Stage, cast: &Cast) -> Result<()> {
    say!("5. a second network on the router, and a twin with the same addresses on another")?;
    let Cast { web_group, web1, web2, router, .. } = cast;
    let client = *Client::available()?.first().unwrap_or(&Client::Udhcpc);
    let (network, subnet) = stage.network("back", "10.78.0.0/24", json!({}))?;
    stage.interface(&id(router), &subnet)?;
    let back = stage.server("back", &network, Some(&[web_group]), None)?;
    back.configure(client)?;
    stage.prove(
        "web1 and back, in two networks of one router, reach each other",
        web1.ping(back.address)? && back.ping(web1.address)?,
    )?;

    let (network, subnet) = stage.network("twin", "10.77.0.0/24", json!({}))?;
    let other = stage.router("twin-router", None)?;
    stage.interface(&id(&other), &subnet)?;
    let twin = stage.server("twin", &network, Some(&[web_group]), Some(web1.address))?;
    twin.configure(client)?;
    stage.prove(
        &format!("twin has web1's address {} in a network of its own", web1.address),
        twin.address == web1.address,
    )?;
    stage.prove("it reaches its own router", twin.ping(Ipv4Addr::new(10, 77, 0, 1))?)?;
    stage.prove("it does not reach web2", !twin.ping(web2.address)?)?;
    stage.prove("web1 reaches web2 as before", web1.ping(web2.address)?)?;

    // The second router's leg in the first network is a port with an address of our choice.
    let (far, subnet) = stage.network("far", "10.79.0.0/24", json!({}))?;
    let far_router = stage.router("far-router", None)?;
    stage.interface(&id(&far_router), &subnet)?;
    let leg = Ipv4Addr::new(10, 77, 0, 253);
    stage.leg(&id(&far_router), &cast.network, leg)?;
    let route = |to: &str, hop: Ipv4Addr| json!({"routes": [{"destination": to, "nexthop": hop}]});
    stage.routes(&id(router), route("10.79.0.0/24", leg))?;
    stage.routes(&id(&far_router), route("10.78.0.0/24", Ipv4Addr::new(10, 77, 0, 1)))?;
    let server = stage.server("far", &far, Some(&[web_group]), None)?;
    server.configure(client)?;
    stage.prove(
        "two networks of two routers, connected by a leg and static routes: web1 reaches far",
        web1.ping(server.address)?,
    )?;
    stage.prove(
        "far reaches web1, and back behind the first router",
        server.ping(web1.address)? && server.ping(back.address)?,
    )
}

fn spoofing(stage: &mut Stage, cast: &Cast) -> Result<()> {
    say!("6. spoofed addresses")?;
    let Cast { web1, web2, .. } = cast;
    let foreign = Ipv4Addr::new(10, 77, 0, 200);
    let refused = format!("web1 gets no answer as {foreign}, which is not its own");
    web1.ip(&format!("addr add {foreign}/32 dev {IFNAME}"))?;
    // Without a neighbour entry the server asks by ARP first, as the foreign address.
    web1.ip(&format!("neigh flush dev {IFNAME}"))?;
    let before = stage.drops(web1, "spoofed-arp")?;
    stage.prove(&format!("{refused}, by ARP"), !web1.ping_from(foreign, web2.address)?)?;
    prove_counted(stage, web1, "spoofed-arp", before)?;
    web1.ip(&format!("neigh replace {} lladdr {} dev {IFNAME}", web2.address, web2.mac))?;
    let before = stage.drops(web1, "spoofed-ip")?;
    stage.prove(&format!("{refused}, by IP"), !web1.ping_from(foreign, web2.address)?)?;
    prove_counted(stage, web1, "spoofed-ip", before)?;
    let pairs = json!({"allowed_address_pairs": [{"ip_address": format!("{foreign}/32")}]});
    stage.update(&format!("ports/{}", web1.port), "port", pairs)?;
    stage.prove("as an allowed address pair it works", web1.ping_from(foreign, web2.address)?)?;

    let before = stage.drops(web1, "spoofed-mac")?;
    web1.ip(&format!("link set dev {IFNAME} address fa:16:3e:00:be:ef"))?;
    stage.prove("with another MAC web1 gets no answer", !web1.ping(web2.address)?)?;
    prove_counted(stage, web1, "spoofed-mac", before)?;
    web1.ip(&format!("link set dev {IFNAME} address {}", web1.mac))?;
    stage.prove("with its own it does", web1.ping(web2.address)?)
}

fn prove_counted(stage: &mut Stage, server: &Server, reason: &str, before: u64) -> Result<()> {
    let more = stage.drops(server, reason)?.saturating_sub(before);
    stage.prove(&format!("counted at its port: {more} packets dropped as {reason}"), more > 0)
}
