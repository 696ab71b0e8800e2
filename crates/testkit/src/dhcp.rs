//! Real DHCP clients, BusyBox's `udhcpc` and ISC's `dhclient`, each with a script of ours.
//!
//! The script only records what the client was given; the address, routes and MTU are then set here, once for both, so
//! that a test sees the lease as data, and so that nothing of the machine (its `resolv.conf`, its routes) is touched.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use types::Cidr;

use crate::error::{Error, Result};
use crate::netns::Netns;
use crate::process::run_within;

/// Which client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DhcpClient {
    /// BusyBox's.
    Udhcpc,
    /// ISC's.
    Dhclient,
}

/// What the server gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// The length of the subnet mask.
    pub prefix_length: u8,
    /// Option 3.
    pub routers: Vec<Ipv4Addr>,
    /// Option 6.
    pub dns_servers: Vec<Ipv4Addr>,
    /// Option 121: destination and next hop.
    pub routes: Vec<(Cidr, Ipv4Addr)>,
    /// Option 26.
    pub mtu: Option<u32>,
    /// Option 12.
    pub hostname: Option<String>,
    /// Option 51, in seconds.
    pub seconds: Option<u32>,
}

/// How long a client tries: the datapath may still be on its way when it starts.
const LIMIT: Duration = Duration::from_secs(30);

const DHCLIENT_CONF: &str = "\
option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers, host-name, interface-mtu,
        rfc3442-classless-static-routes;
initial-interval 1;
backoff-cutoff 2;
timeout 25;
";

impl DhcpClient {
    /// Asks once on `ifname` and returns the lease without applying it; its files go to `dir`.
    pub fn ask(self, netns: &Netns, ifname: &str, dir: &Path) -> Result<Lease> {
        let path = |suffix: &str| dir.join(format!("{}-{ifname}.{suffix}", netns.name()));
        let (record, script) = (path("lease"), path("script"));
        let _ = fs::remove_file(&record);
        // Both clients call the script with the lease as environment; only the calls that carry an address count.
        let text = format!("#!/bin/sh\n[ -z \"${{ip:-}}${{new_ip_address:-}}\" ] || env > '{}'\n", record.display());
        write(&script, &text)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
            .map_err(Error::io("the DHCP client's script"))?;
        match self {
            Self::Udhcpc => {
                let mut command = netns.command("udhcpc");
                command.args(["-f", "-q", "-n", "-t", "20", "-T", "1", "-i", ifname, "-s"]).arg(&script);
                for option in ["mtu", "staticroutes", "hostname", "lease"] {
                    command.args(["-O", option]);
                }
                run_within(&mut command, LIMIT)?.success()?;
            }
            Self::Dhclient => {
                let conf = path("conf");
                write(&conf, DHCLIENT_CONF)?;
                let mut command = netns.command("dhclient");
                command.args(["-1", "-4", "-sf"]).arg(&script).arg("-cf").arg(&conf);
                command.arg("-lf").arg(path("leases")).arg("-pf").arg(path("pid")).arg(ifname);
                // It goes to the background with its lease, and ends with the namespace.
                let finished = run_within(&mut command, LIMIT)?;
                finished.success()?;
            }
        }
        let found = fs::read_to_string(&record).map_err(Error::io("no lease was recorded"))?;
        Lease::from_environment(&found)
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(Error::io(format!("cannot write {}", path.display())))
}

impl Lease {
    /// Reads the record, whose names depend on the client.
    fn from_environment(text: &str) -> Result<Self> {
        let env: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let get = |udhcpc: &str, dhclient: &str| env.get(udhcpc).or_else(|| env.get(dhclient)).copied();
        let bad = |what: &str| Error::unexpected(format!("{what} of a DHCP lease"), text);
        let list = |value: Option<&str>| -> Option<Vec<Ipv4Addr>> {
            value.unwrap_or_default().split_whitespace().map(|word| word.parse().ok()).collect()
        };
        let address = get("ip", "new_ip_address").and_then(|a| a.parse().ok()).ok_or_else(|| bad("the address"))?;
        let mask: Ipv4Addr =
            get("subnet", "new_subnet_mask").and_then(|m| m.parse().ok()).ok_or_else(|| bad("the subnet mask"))?;
        let routes = match (env.get("staticroutes"), env.get("new_rfc3442_classless_static_routes")) {
            (Some(udhcpc), _) => routes_as_pairs(udhcpc),
            (None, Some(dhclient)) => routes_as_octets(dhclient),
            (None, None) => Some(Vec::new()),
        };
        Ok(Self {
            address,
            prefix_length: u32::from(mask).leading_ones() as u8,
            routers: list(get("router", "new_routers")).ok_or_else(|| bad("the routers"))?,
            dns_servers: list(get("dns", "new_domain_name_servers")).ok_or_else(|| bad("the DNS servers"))?,
            routes: routes.ok_or_else(|| bad("the routes"))?,
            mtu: get("mtu", "new_interface_mtu").and_then(|m| m.parse().ok()),
            hostname: get("hostname", "new_host_name").map(str::to_owned),
            seconds: get("lease", "new_dhcp_lease_time").and_then(|s| s.parse().ok()),
        })
    }

    /// Sets the address, the routes and the MTU as a distribution's own script would: with option 121 the router of
    /// option 3 is ignored (RFC 3442).
    pub fn apply(&self, netns: &Netns, ifname: &str) -> Result<()> {
        if let Some(mtu) = self.mtu {
            netns.ip(&format!("link set dev {ifname} mtu {mtu}"))?;
        }
        netns.ip(&format!("addr replace {}/{} dev {ifname}", self.address, self.prefix_length))?;
        if self.routes.is_empty() {
            if let Some(router) = self.routers.first() {
                netns.ip(&format!("route replace default via {router} dev {ifname}"))?;
            }
            return Ok(());
        }
        for (destination, hop) in &self.routes {
            if hop.is_unspecified() {
                netns.ip(&format!("route replace {destination} dev {ifname}"))?;
            } else {
                netns.ip(&format!("route replace {destination} via {hop} dev {ifname} onlink"))?;
            }
        }
        Ok(())
    }
}

/// `10.1.0.0/16 10.0.0.2 0.0.0.0/0 10.0.0.1`
fn routes_as_pairs(text: &str) -> Option<Vec<(Cidr, Ipv4Addr)>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.chunks(2).map(|pair| Some((pair.first()?.parse().ok()?, pair.get(1)?.parse().ok()?))).collect()
}

/// `16 10 1 10 0 0 2 0 10 0 0 1`: the option's octets, a destination shortened to its significant ones.
fn routes_as_octets(text: &str) -> Option<Vec<(Cidr, Ipv4Addr)>> {
    let mut octets = text.split_whitespace().map(|word| word.parse::<u8>().ok());
    let mut routes = Vec::new();
    while let Some(length) = octets.next() {
        let length = length?;
        let mut destination = [0; 4];
        for octet in destination.iter_mut().take(usize::from(length).div_ceil(8)) {
            *octet = octets.next()??;
        }
        let mut hop = [0; 4];
        for octet in &mut hop {
            *octet = octets.next()??;
        }
        let destination = format!("{}/{length}", Ipv4Addr::from(destination));
        routes.push((destination.parse().ok()?, Ipv4Addr::from(hop)));
    }
    Some(routes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clients_records_read_the_same() {
        let udhcpc = "ip=10.0.0.5\nsubnet=255.255.255.0\nrouter=10.0.0.1\ndns=9.9.9.9 1.1.1.1\nmtu=1442\nlease=86400\n\
                      staticroutes=10.1.0.0/16 10.0.0.2 0.0.0.0/0 10.0.0.1\n";
        let dhclient = "new_ip_address=10.0.0.5\nnew_subnet_mask=255.255.255.0\nnew_routers=10.0.0.1\n\
                        new_domain_name_servers=9.9.9.9 1.1.1.1\nnew_interface_mtu=1442\nnew_dhcp_lease_time=86400\n\
                        new_rfc3442_classless_static_routes=16 10 1 10 0 0 2 0 10 0 0 1\n";
        let lease = Lease::from_environment(udhcpc).unwrap();
        assert_eq!(lease, Lease::from_environment(dhclient).unwrap());
        assert_eq!(lease.prefix_length, 24);
        assert_eq!(lease.routes[0], ("10.1.0.0/16".parse().unwrap(), Ipv4Addr::new(10, 0, 0, 2)));
        assert_eq!(lease.mtu, Some(1442));
    }
}
