//! Whether an address can be listened on, and who has it if not.

use std::{
    fs,
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
};

use crate::{Error, error::Result};

/// `TCP_LISTEN` in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// Tries the address and returns it; in the place of port 0 with a port that is free now, since URLs
/// and clouds.yaml need to know it before anybody listens.
pub fn check_listener(address: SocketAddr, option: &'static str) -> Result<SocketAddr> {
    match TcpListener::bind(address).and_then(|listener| listener.local_addr()) {
        Ok(address) => Ok(address),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Err(Error::AddressTaken { address, holder: holder(address), option })
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied && address.port() < first_free_port() => {
            Err(Error::LowPort { address, first_free: first_free_port(), option })
        }
        Err(error) => Err(Error::AddressUnusable { address, reason: error.to_string(), option }),
    }
}

/// The first port that takes no right, which belongs to the network namespace.
fn first_free_port() -> u16 {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024)
}

/// The process that listens there, as far as we may see it.
fn holder(address: SocketAddr) -> Option<String> {
    let sockets: Vec<String> = ["/proc/self/net/tcp", "/proc/self/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|text| {
            let inodes = text.lines().skip(1).filter_map(|line| listening_inode(line, address));
            inodes.map(|inode| format!("socket:[{inode}]")).collect::<Vec<_>>()
        })
        .collect();
    let processes = fs::read_dir("/proc").ok()?;
    for process in processes.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(descriptors) = fs::read_dir(process.path().join("fd")) else { continue };
        let holds = descriptors.flatten().any(|descriptor| {
            fs::read_link(descriptor.path())
                .is_ok_and(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
        });
        if holds {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (pid {pid})", name.trim()));
        }
    }
    None
}

/// The inode of the socket in a line of `/proc/net/tcp`, if it listens where `wanted` cannot then.
fn listening_inode(line: &str, wanted: SocketAddr) -> Option<&str> {
    let mut fields = line.split_whitespace().skip(1);
    let (address, port) = fields.next()?.split_once(':')?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let address = parse_address(address)?;
    let clashes = address == wanted.ip() || address.is_unspecified() || wanted.ip().is_unspecified();
    (state == LISTEN && port == wanted.port() && clashes).then_some(inode)
}

/// Addresses are written as 32-bit words in the machine's byte order.
fn parse_address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(text.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match text.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index * 8)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_taken_address_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let error = check_listener(address, "--listen").unwrap_err().to_string();
        let us = format!("(pid {}): stop that, or give another address with --listen", std::process::id());
        assert!(error.starts_with(&format!("{address} is in use by ")) && error.ends_with(&us), "{error}");
    }

    #[test]
    fn an_address_of_another_machine_is_refused() {
        let error = check_listener("192.0.2.1:9696".parse().unwrap(), "--listen").unwrap_err().to_string();
        assert!(error.starts_with("cannot listen on 192.0.2.1:9696: "), "{error}");
    }

    #[test]
    fn lines_of_the_kernel_are_understood() {
        let line = "   0: 0100007F:25E0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 31337 1";
        if cfg!(target_endian = "little") {
            assert_eq!(listening_inode(line, "127.0.0.1:9696".parse().unwrap()), Some("31337"));
        }
        assert_eq!(listening_inode(line, "127.0.0.1:9697".parse().unwrap()), None);
        assert_eq!(listening_inode("", "127.0.0.1:9697".parse().unwrap()), None);
    }
}
