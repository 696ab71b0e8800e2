//! System calls: the unsafe part.

#![allow(unsafe_code)]

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use libbpf_rs::libbpf_sys;
use nix::{
    libc,
    sys::socket::{AddressFamily, SockFlag, SockType, socket},
};

use crate::{Error, error::Result, layout::Collected};

/// The collector's program.
#[derive(Debug)]
pub(crate) struct Collect(pub(crate) OwnedFd);

impl Collect {
    /// Frees what has run out. Returns how many connections that were.
    pub(crate) fn run(&self) -> Result<u32> {
        let mut collected = Collected::default();
        let mut options = libbpf_sys::bpf_test_run_opts {
            sz: size_of::<libbpf_sys::bpf_test_run_opts>() as libbpf_sys::size_t,
            ctx_in: std::ptr::from_mut(&mut collected).cast(),
            ctx_size_in: size_of::<Collected>() as u32,
            ..Default::default()
        };
        // SAFETY: the program is of the kind that runs on a call, and its context is of the size given;
        // the kernel writes it back to where it was read.
        check(unsafe { libbpf_sys::bpf_prog_test_run_opts(self.0.as_raw_fd(), &raw mut options) })
            .map_err(|source| Error::System { operation: "collect old connections".to_owned(), source })?;
        Ok(collected.removed)
    }
}

/// What came out of a program that was run once.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The packet afterwards.
    pub(crate) frame: Vec<u8>,
    /// The average time of one run, in nanoseconds.
    pub(crate) duration: u32,
}

/// The part of the kernel's `struct __sk_buff` that a test may set begins here.
const SK_BUFF_LEN: usize = 192;
/// Where the index of the device is in it.
const SK_BUFF_IFINDEX: usize = 40;
/// Room for a packet that grew.
const ROOM: usize = 256;

/// Runs a program on a packet as if it had come in by the device, so many times. Redirects are not
/// carried out.
pub(crate) fn test_run(program: &OwnedFd, ifindex: u32, frame: &[u8], repeat: i32) -> io::Result<Ran> {
    let mut context = [0u8; SK_BUFF_LEN];
    context[SK_BUFF_IFINDEX..SK_BUFF_IFINDEX + 4].copy_from_slice(&ifindex.to_ne_bytes());
    let mut out = vec![0u8; frame.len() + ROOM];
    let mut options = libbpf_sys::bpf_test_run_opts {
        sz: size_of::<libbpf_sys::bpf_test_run_opts>() as libbpf_sys::size_t,
        data_in: frame.as_ptr().cast(),
        data_size_in: frame.len() as u32,
        data_out: out.as_mut_ptr().cast(),
        data_size_out: out.len() as u32,
        ctx_in: context.as_ptr().cast(),
        ctx_size_in: SK_BUFF_LEN as u32,
        repeat,
        ..Default::default()
    };
    // SAFETY: all buffers live through the call and have the sizes given.
    check(unsafe { libbpf_sys::bpf_prog_test_run_opts(program.as_raw_fd(), &raw mut options) })?;
    out.truncate(options.data_size_out as usize);
    Ok(Ran { frame: out, duration: options.duration })
}

/// Sends a frame out of an interface.
pub(crate) fn send_frame(ifindex: u32, frame: &[u8]) -> io::Result<()> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: all zeroes are a value of this structure of numbers.
    let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    to.sll_family = libc::AF_PACKET as libc::sa_family_t;
    to.sll_ifindex = ifindex as libc::c_int;
    let (data, length) = (frame.as_ptr().cast(), frame.len());
    let (address, size) = (std::ptr::from_ref(&to).cast(), size_of_val(&to) as libc::socklen_t);
    // SAFETY: frame and address live through the call and have the sizes given.
    let sent = unsafe { libc::sendto(socket.as_raw_fd(), data, length, 0, address, size) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A path as the kernel takes it.
fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|error| Error::file("name", path)(error.into()))
}

/// What is pinned at a path, if anything is.
pub(crate) fn open_pinned(path: &Path) -> Result<Option<OwnedFd>> {
    let name = c_path(path)?;
    // SAFETY: the string ends with a zero byte and lives through the call.
    match check(unsafe { libbpf_sys::bpf_obj_get(name.as_ptr()) }) {
        // SAFETY: the kernel has just returned this descriptor, and nobody else owns it.
        Ok(fd) => Ok(Some(unsafe { OwnedFd::from_raw_fd(fd) })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("open", path)(error)),
    }
}

/// Keeps a link alive without a process.
pub(crate) fn pin(link: &OwnedFd, path: &Path) -> Result<()> {
    let name = c_path(path)?;
    // SAFETY: the descriptor is open, the string ends with a zero byte and lives through the call.
    check(unsafe { libbpf_sys::bpf_obj_pin(link.as_raw_fd(), name.as_ptr()) })
        .map(drop)
        .map_err(Error::file("pin a link at", path))
}

/// Makes a program see what comes in by a device, until the link ends.
pub(crate) fn create_link(program: &OwnedFd, ifindex: u32) -> Result<OwnedFd> {
    let operation = || format!("attach the datapath to interface {ifindex}");
    let index = i32::try_from(ifindex)
        .map_err(|error| Error::System { operation: operation(), source: io::Error::other(error) })?;
    // SAFETY: the descriptor is open; no options are given, which the call allows.
    let fd = check(unsafe {
        libbpf_sys::bpf_link_create(program.as_raw_fd(), index, libbpf_sys::BPF_TCX_INGRESS, std::ptr::null())
    })
    .map_err(|source| Error::System { operation: operation(), source })?;
    // SAFETY: the kernel has just returned this descriptor, and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Puts a program in the place of a link's.
pub(crate) fn update_link(link: &OwnedFd, program: &OwnedFd) -> Result<()> {
    // SAFETY: both descriptors are open; no options are given, which the call allows.
    check(unsafe { libbpf_sys::bpf_link_update(link.as_raw_fd(), program.as_raw_fd(), std::ptr::null()) })
        .map(drop)
        .map_err(|source| Error::System { operation: "replace a program of the datapath".to_owned(), source })
}

/// Ends a link at once. One whose device is gone has ended already.
pub(crate) fn detach_link(link: &OwnedFd) {
    // SAFETY: a plain call on an open descriptor.
    unsafe { libbpf_sys::bpf_link_detach(link.as_raw_fd()) };
}

/// The device of a link and the tag of its program; `None` for another kind of link.
pub(crate) fn attached_program(link: &OwnedFd) -> Result<Option<(u32, [u8; 8])>> {
    let mut info = libbpf_sys::bpf_link_info::default();
    let mut size = size_of_val(&info) as u32;
    // SAFETY: the kernel writes at most `size` bytes, which is the size of `info`.
    check(unsafe { libbpf_sys::bpf_link_get_info_by_fd(link.as_raw_fd(), &raw mut info, &raw mut size) })
        .map_err(|source| Error::System { operation: "look at a link".to_owned(), source })?;
    if info.type_ != libbpf_sys::BPF_LINK_TYPE_TCX {
        return Ok(None);
    }
    // SAFETY: of a tcx link this is the variant that the kernel fills in.
    let ifindex = unsafe { info.__bindgen_anon_1.tcx.ifindex };
    // SAFETY: a plain call with a number.
    let program = check(unsafe { libbpf_sys::bpf_prog_get_fd_by_id(info.prog_id) });
    let program = program.map_err(|source| Error::System { operation: "open a program".to_owned(), source })?;
    // SAFETY: the kernel has just returned this descriptor, and nobody else owns it.
    let program = unsafe { OwnedFd::from_raw_fd(program) };
    Ok(Some((ifindex, program_tag(&program)?)))
}

/// What the kernel calls a program's code: equal programs have equal tags.
pub(crate) fn program_tag(program: &OwnedFd) -> Result<[u8; 8]> {
    let mut info = libbpf_sys::bpf_prog_info::default();
    let mut size = size_of_val(&info) as u32;
    // SAFETY: the kernel writes at most `size` bytes, which is the size of `info`.
    check(unsafe { libbpf_sys::bpf_prog_get_info_by_fd(program.as_raw_fd(), &raw mut info, &raw mut size) })
        .map_err(|source| Error::System { operation: "look at a program".to_owned(), source })?;
    Ok(info.tag)
}

/// libbpf returns the negative number of the error.
fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result) }
}
