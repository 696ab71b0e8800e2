//! Promiscuous mode of an interface: floating IPs and routers have Ethernet addresses of their own.

#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use hostnet::Links;
use nix::{
    libc,
    sys::socket::{AddressFamily, SockFlag, SockType, socket},
};

use crate::{Error, error::Result};

/// Sets or clears the mode. It lasts longer than this process.
pub(crate) fn set(ifindex: u32, links: &Links, on: bool) -> Result<()> {
    let name = links.by_index(ifindex)?.name;
    let failed =
        |source: io::Error| Error::System { operation: format!("set promiscuous mode of interface '{name}'"), source };
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)
        .map_err(|errno| failed(errno.into()))?;
    // SAFETY: all zeroes are a value of this structure of numbers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes().take(libc::IFNAMSIZ - 1)) {
        *to = from as libc::c_char;
    }
    call(&socket, libc::SIOCGIFFLAGS, &mut request).map_err(failed)?;
    let mode = libc::IFF_PROMISC as libc::c_short;
    // SAFETY: the call before has filled in the flags.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    let wanted = if on { flags | mode } else { flags & !mode };
    if wanted == flags {
        return Ok(());
    }
    request.ifr_ifru.ifru_flags = wanted;
    call(&socket, libc::SIOCSIFFLAGS, &mut request).map_err(failed)
}

fn call(socket: &OwnedFd, operation: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: both operations read and write one `ifreq`, which `request` is.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), operation, std::ptr::from_mut(request)) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
