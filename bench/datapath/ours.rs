//! The paths through Baryon: a real instance, networks made through its API, servers with their addresses from DHCP.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};
use testkit::{Cloud, DhcpClient, Error as TestkitError, Host, Server, UPLINK};

use crate::error::Result;
use crate::meter::Path;

/// The three ways of a packet, and what must live while they are measured.
#[derive(Debug)]
pub(crate) struct Ours {
    /// To a neighbour on the same network.
    pub(crate) same_network: Path,
    /// To a network on the same router.
    pub(crate) routed: Path,
    /// Out of the external network, the source translated.
    pub(crate) snat: Path,
    _host: Host,
}

/// Starts an instance whose external network is a wire to a namespace, with two networks on a router.
pub(crate) fn start(binary: &std::path::Path) -> Result<Ours> {
    let mut host = Host::new(binary)?;
    let outside = host.outside()?;
    host.up(&["--uplink", UPLINK])?;
    let cloud = host.cloud("baryon-demo")?;
    let first = network(&cloud, "bench-1", "10.81.0.0/24")?;
    let second = network(&cloud, "bench-2", "10.82.0.0/24")?;
    let external = cloud.find("network", "ext-net")?;
    let router = cloud
        .create("router", json!({ "name": "bench", "external_gateway_info": { "network_id": external["id"] } }))?;
    for (_, subnet) in [&first, &second] {
        cloud.act("router", text(&router, "id")?, "add_router_interface", json!({ "subnet_id": subnet }))?;
    }
    let (client, _) = server(&host, &cloud, "client", &first.0)?;
    let (neighbour, near) = server(&host, &cloud, "near", &first.0)?;
    let (beyond, far) = server(&host, &cloud, "far", &second.0)?;
    let path = |to: &Server, address| Path { client: client.netns().clone(), server: to.netns().clone(), address };
    let gateway = testkit::GATEWAY.parse().map_err(|_| unexpected("an address", testkit::GATEWAY))?;
    Ok(Ours {
        same_network: path(&neighbour, near),
        routed: path(&beyond, far),
        snat: path(&outside, gateway),
        _host: host,
    })
}

fn network(cloud: &Cloud, name: &str, cidr: &str) -> Result<(String, String)> {
    let network = cloud.create("network", json!({ "name": name }))?;
    let id = text(&network, "id")?.to_owned();
    let subnet = cloud.create("subnet", json!({ "network_id": id, "ip_version": 4, "cidr": cidr }))?;
    Ok((id, text(&subnet, "id")?.to_owned()))
}

/// A server in the default group, which lets its members in.
fn server(host: &Host, cloud: &Cloud, name: &str, network: &str) -> Result<(Server, Ipv4Addr)> {
    let port = cloud.create("port", json!({ "name": name, "network_id": network }))?;
    let server = host.server(name)?;
    host.attach(text(&port, "id")?, &server, &[])?;
    let lease = server.dhcp(DhcpClient::Udhcpc)?;
    if !server.reaches(IpAddr::V4(lease.routers.first().copied().unwrap_or(lease.address)))? {
        return Err(unexpected("the router's answer to ping", name).into());
    }
    Ok((server, lease.address))
}

fn text<'a>(object: &'a Value, key: &str) -> Result<&'a str> {
    object[key].as_str().ok_or_else(|| unexpected(key, &object.to_string()).into())
}

fn unexpected(what: &str, found: &str) -> TestkitError {
    TestkitError::Unexpected { what: what.to_owned(), found: found.to_owned() }
}
