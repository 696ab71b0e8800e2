//! The host under test and what has been made on it so far.
//!
//! The first point makes the things that a new user makes, by the `openstack` command; the others add to them what they
//! need, mostly by HTTP, and take it away again where it would disturb the next.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use serde_json::{Value, json};
use testkit::{Cloud, DhcpClient, Host, Openstack, Server, Service, UPLINK};
use types::MacAddr;

use crate::failure::{Failure, Result, need};

/// The port on which every guest answers from the start.
pub(crate) const HTTP: u16 = 80;

/// A server with its port.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) name: String,
    pub(crate) server: Server,
    pub(crate) port_id: String,
    pub(crate) mac: MacAddr,
    pub(crate) address: Ipv4Addr,
    // Answers as long as the guest is there.
    services: Vec<Service>,
}

impl Guest {
    /// Answers on more ports.
    pub(crate) fn serve(&mut self, ports: &[u16]) -> Result<()> {
        for port in ports {
            self.services.push(self.server.serve(&self.name, *port)?);
        }
        Ok(())
    }
}

/// Everything.
pub(crate) struct World {
    pub(crate) host: Host,
    pub(crate) outside: Server,
    /// As the demo project: by the command, and by HTTP.
    pub(crate) openstack: Openstack,
    pub(crate) demo: Cloud,
    /// As the administrator, who is also the second tenant.
    pub(crate) admin: Cloud,
    /// `net1`, and the router between it and `ext-net`.
    pub(crate) network: String,
    pub(crate) router: String,
    /// Group `web`: ICMP and TCP port 80 from everywhere.
    pub(crate) group: String,
    /// In group `web`, on `net1`.
    pub(crate) web1: Guest,
    pub(crate) web2: Guest,
}

/// A running host before anything has been made in its cloud.
pub(crate) struct Fresh {
    pub(crate) host: Host,
    pub(crate) outside: Server,
    pub(crate) openstack: Openstack,
    pub(crate) demo: Cloud,
    pub(crate) admin: Cloud,
}

impl Fresh {
    /// Starts Baryon on a new host whose external network is a wire to the outside.
    pub(crate) fn start(binary: &Path) -> Result<Self> {
        let mut host = Host::new(binary)?;
        let outside = host.outside()?;
        host.up(&["--uplink", UPLINK])?;
        let (openstack, demo, admin) =
            (host.openstack("baryon-demo"), host.cloud("baryon-demo")?, host.cloud("baryon-admin")?);
        Ok(Self { host, outside, openstack, demo, admin })
    }

    /// A server for a port that exists; it has its namespace, not yet its address.
    pub(crate) fn guest(&self, name: &str, port: &Value, options: &[&str]) -> Result<Guest> {
        guest(&self.host, name, port, options)
    }
}

fn guest(host: &Host, name: &str, port: &Value, options: &[&str]) -> Result<Guest> {
    let server = host.server(name)?;
    let port_id = text(port, "id")?.to_owned();
    host.attach(&port_id, &server, options)?;
    let address = need(port["fixed_ips"][0]["ip_address"].as_str().and_then(|a| a.parse().ok()), "address of a port")?;
    let mac = need(text(port, "mac_address")?.parse().ok(), "MAC address of a port")?;
    let service = server.serve(name, HTTP)?;
    Ok(Guest { name: name.to_owned(), server, port_id, mac, address, services: vec![service] })
}

/// What the first point made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) network: String,
    pub(crate) router: String,
    pub(crate) group: String,
    pub(crate) web1: Guest,
    pub(crate) web2: Guest,
}

impl Made {
    /// Where the other points begin.
    pub(crate) fn on(self, fresh: Fresh) -> World {
        let Fresh { host, outside, openstack, demo, admin } = fresh;
        let Self { network, router, group, web1, web2 } = self;
        World { host, outside, openstack, demo, admin, network, router, group, web1, web2 }
    }
}

impl World {
    /// Starts the instance again if the point before left it dead.
    pub(crate) fn ready(&mut self) -> Result<()> {
        if self.host.is_ready() { Ok(()) } else { Ok(self.host.up(&["--uplink", UPLINK])?) }
    }

    /// A new port with these fields more, and a server on it with its address by DHCP.
    pub(crate) fn guest(&self, cloud: &Cloud, name: &str, network: &str, fields: Value) -> Result<Guest> {
        let mut body = json!({ "name": name, "network_id": network });
        for (key, value) in fields.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        let port = cloud.create("port", body)?;
        let guest = guest(&self.host, name, &port, &[])?;
        let lease = guest.server.dhcp(DhcpClient::Udhcpc)?;
        crate::failure::same("the address that DHCP gave", lease.address, guest.address)?;
        Ok(guest)
    }

    /// A network with one subnet; their ids.
    pub(crate) fn network(&self, cloud: &Cloud, name: &str, cidr: &str) -> Result<(String, String)> {
        let network = cloud.create("network", json!({ "name": name }))?;
        let id = text(&network, "id")?.to_owned();
        let subnet =
            cloud.create("subnet", json!({ "network_id": id, "name": name, "ip_version": 4, "cidr": cidr }))?;
        Ok((id, text(&subnet, "id")?.to_owned()))
    }

    /// A group with these rules beside those of every new group; its id.
    pub(crate) fn group(&self, name: &str, rules: &[Value]) -> Result<String> {
        let group = self.demo.create("security_group", json!({ "name": name }))?;
        let id = text(&group, "id")?.to_owned();
        for rule in rules {
            self.rule(&id, rule)?;
        }
        Ok(id)
    }

    /// A rule; its id.
    pub(crate) fn rule(&self, group: &str, rule: &Value) -> Result<String> {
        let mut body = json!({ "security_group_id": group, "direction": "ingress", "ethertype": "IPv4" });
        for (key, value) in rule.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        Ok(text(&self.demo.create("security_group_rule", body)?, "id")?.to_owned())
    }

    /// A floating IP for a guest; its id and address.
    pub(crate) fn floating_ip(&self, guest: &Guest) -> Result<(String, Ipv4Addr)> {
        let external = self.demo.find("network", "ext-net")?;
        let made = self
            .demo
            .create("floatingip", json!({ "floating_network_id": external["id"], "port_id": guest.port_id }))?;
        let address = need(made["floating_ip_address"].as_str().and_then(|a| a.parse().ok()), "floating address")?;
        Ok((text(&made, "id")?.to_owned(), address))
    }

    /// How many packets of a guest were dropped for a reason.
    pub(crate) fn drops(&self, guest: &Guest, reason: &str) -> Result<u64> {
        Ok(self.admin.drops(&guest.port_id)?.get(reason).copied().unwrap_or(0))
    }
}

/// A field of an answer that must be a string.
pub(crate) fn text<'a>(object: &'a Value, key: &str) -> Result<&'a str> {
    object[key].as_str().ok_or_else(|| Failure::Wrong(format!("no {key} in {object}")))
}

/// An address that the scenario itself names.
pub(crate) fn address(text: &str) -> Result<IpAddr> {
    need(text.parse().ok(), "such address")
}
