//! A real DHCP client in a namespace. Its script only records the lease, so that the host's own
//! `resolv.conf` and routes are safe; what it says is then set as a distribution's script would.

use std::{collections::BTreeMap, fs, net::Ipv4Addr, os::unix::fs::PermissionsExt, path::Path, process::Command};

use types::Cidr;

use super::server::run;
use crate::{Error, error::Result, preflight::find_program};

/// Which client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// BusyBox's.
    Udhcpc,
    /// ISC's.
    Dhclient,
}

/// What the server gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) address: Ipv4Addr,
    pub(super) prefix_len: u32,
    pub(super) routers: Vec<Ipv4Addr>,
    pub(super) dns_servers: Vec<Ipv4Addr>,
    pub(super) routes: Vec<(Cidr, Ipv4Addr)>,
    pub(super) mtu: Option<u32>,
}

const DHCLIENT_CONF: &str = "\
option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
request subnet-mask, routers, domain-name-servers, interface-mtu, rfc3442-classless-static-routes;
initial-interval 1;
timeout 20;
";

impl Client {
    /// Those that are installed, at least one.
    pub(super) fn available() -> Result<Vec<Self>> {
        let all: Vec<Self> =
            [Self::Udhcpc, Self::Dhclient].into_iter().filter(|client| find_program(client.name()).is_some()).collect();
        if all.is_empty() { Err(Error::MissingProgram { program: "udhcpc", package: "udhcpc" }) } else { Ok(all) }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Udhcpc => "udhcpc",
            Self::Dhclient => "dhclient",
        }
    }

    /// Asks once; its files go to `directory`. Runs in the namespace of the calling thread.
    pub(super) fn ask(self, directory: &Path) -> Result<Lease> {
        let path = |name: &str| directory.join(name);
        let write = |name: &str, text: &str| {
            fs::write(path(name), text).map_err(Error::io(format!("write {}", path(name).display())))
        };
        let record = path("lease");
        let quoted = record.display();
        // Only the calls that carry an address count.
        write("script", &format!("#!/bin/sh\n[ -z \"${{ip:-}}${{new_ip_address:-}}\" ] || env > '{quoted}'\n"))?;
        fs::set_permissions(path("script"), fs::Permissions::from_mode(0o755)).map_err(Error::io("make a script"))?;
        let mut command = Command::new(find_program(self.name()).unwrap_or_else(|| self.name().into()));
        match self {
            Self::Udhcpc => {
                command.args(["-f", "-q", "-n", "-t", "10", "-T", "1", "-i", super::server::IFNAME, "-s"]);
                command.arg(path("script")).args(["-O", "mtu", "-O", "staticroutes"]);
            }
            Self::Dhclient => {
                write("conf", DHCLIENT_CONF)?;
                command.args(["-1", "-4", "-d", "-sf"]).arg(path("script")).arg("-cf").arg(path("conf"));
                command.arg("-lf").arg(path("leases")).arg("-pf").arg(path("pid")).arg(super::server::IFNAME);
            }
        }
        let lines = match self {
            Self::Udhcpc => run(&mut command)?,
            // It stays to renew the lease; the record says when it has one.
            Self::Dhclient => run_until(&mut command, &record)?,
        };
        let text = fs::read_to_string(&record)
            .map_err(|_| Error::Usage(format!("{} got no lease: {}", self.name(), lines.trim().replace('\n', "; "))))?;
        parse(&text).ok_or_else(|| Error::Usage(format!("{} got a lease that makes no sense: {text}", self.name())))
    }
}

/// Runs a program until it has written a file, for twenty seconds at most.
fn run_until(command: &mut Command, file: &Path) -> Result<String> {
    let mut child = command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .map_err(Error::io("start a DHCP client"))?;
    for _ in 0..200 {
        if file.exists() || child.try_wait().map_err(Error::io("watch a DHCP client"))?.is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    // It may have ended by itself.
    let _ = child.kill();
    child.wait().map(|status| status.to_string()).map_err(Error::io("wait for a DHCP client"))
}

fn parse(text: &str) -> Option<Lease> {
    let env: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let get = |one: &str, other: &str| env.get(one).or_else(|| env.get(other)).copied();
    let list = |value: Option<&str>| -> Option<Vec<Ipv4Addr>> {
        value.unwrap_or_default().split_whitespace().map(|word| word.parse().ok()).collect()
    };
    let mask: Ipv4Addr = get("subnet", "new_subnet_mask")?.parse().ok()?;
    let routes = match (env.get("staticroutes"), env.get("new_rfc3442_classless_static_routes")) {
        (Some(pairs), _) => routes_as_pairs(pairs)?,
        (None, Some(octets)) => routes_as_octets(octets)?,
        (None, None) => Vec::new(),
    };
    Some(Lease {
        address: get("ip", "new_ip_address")?.parse().ok()?,
        prefix_len: u32::from(mask).leading_ones(),
        routers: list(get("router", "new_routers"))?,
        dns_servers: list(get("dns", "new_domain_name_servers"))?,
        routes,
        mtu: get("mtu", "new_interface_mtu").and_then(|mtu| mtu.parse().ok()),
    })
}

/// `10.1.0.0/16 10.0.0.2 0.0.0.0/0 10.0.0.1`
fn routes_as_pairs(text: &str) -> Option<Vec<(Cidr, Ipv4Addr)>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.chunks(2).map(|pair| Some((pair.first()?.parse().ok()?, pair.get(1)?.parse().ok()?))).collect()
}

/// `16 10 1 10 0 0 2`: the option's octets, of a destination only the significant ones (RFC 3442).
fn routes_as_octets(text: &str) -> Option<Vec<(Cidr, Ipv4Addr)>> {
    let mut octets = text.split_whitespace().map(|word| word.parse::<u8>().ok());
    let mut address = |significant: usize| -> Option<Ipv4Addr> {
        let mut address = [0; 4];
        for octet in address.iter_mut().take(significant) {
            *octet = octets.next()??;
        }
        Some(address.into())
    };
    let mut routes = Vec::new();
    while let Some(length) = address(1) {
        let [length, ..] = length.octets();
        let destination = address(usize::from(length).div_ceil(8))?;
        routes.push((Cidr::new(destination.into(), length)?, address(4)?));
    }
    Some(routes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clients_records_mean_the_same() {
        let udhcpc = "ip=10.0.0.5\nsubnet=255.255.255.0\nrouter=10.0.0.1\ndns=9.9.9.9 1.1.1.1\nmtu=1442\n\
                      staticroutes=10.1.0.0/16 10.0.0.2 0.0.0.0/0 10.0.0.1\n";
        let dhclient = "new_ip_address=10.0.0.5\nnew_subnet_mask=255.255.255.0\nnew_routers=10.0.0.1\n\
                        new_domain_name_servers=9.9.9.9 1.1.1.1\nnew_interface_mtu=1442\n\
                        new_rfc3442_classless_static_routes=16 10 1 10 0 0 2 0 10 0 0 1\n";
        let lease = parse(udhcpc).unwrap();
        assert_eq!(lease.prefix_len, 24);
        assert_eq!(lease.routes.len(), 2);
        assert_eq!(Some(lease), parse(dhclient));
    }
}
