//! CPU time per packet and per connection.
//!
//! One thread does both ends: it sends a batch, then takes it out of the receiver's socket, which lies in another
//! namespace. What a virtual wire costs is paid inside the sender's system call, softirq included, on the same core; so
//! the CPU time of this one thread is the whole cost of the path, however busy the rest of the machine is. There is no
//! wake-up, no second core and no loss, which make throughput so noisy.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use testkit::Netns;

use crate::error::{Error, Result};

/// Where a path begins and ends.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    /// The namespace that sends.
    pub(crate) client: Netns,
    /// The namespace that receives.
    pub(crate) server: Netns,
    /// The receiver's address.
    pub(crate) address: Ipv4Addr,
}

/// Small enough for any socket's default buffer.
const BATCH: usize = 64;
/// Makes a frame of 64 bytes with its checksum: 14 Ethernet, 20 IPv4, 8 UDP, 18 payload, 4 checksum.
const PAYLOAD: [u8; 18] = [0x62; 18];
const PORT: u16 = 5001;

/// Keeps the thread that measures on one core.
pub(crate) fn pin() -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(0)?;
    sched_setaffinity(Pid::from_raw(0), &cores)?;
    Ok(())
}

fn cpu_nanoseconds() -> Result<f64> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(time.tv_sec() as f64 * 1e9 + time.tv_nsec() as f64)
}

/// Both ends of a path, ready to be measured again and again as one flow.
#[derive(Debug)]
pub(crate) struct Meter {
    name: &'static str,
    path: Path,
    source: UdpSocket,
    sink: UdpSocket,
    listener: TcpListener,
}

impl Meter {
    /// Opens the sockets.
    pub(crate) fn open(name: &'static str, path: Path) -> Result<Self> {
        let any = |port| SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
        let fail = |source| Error::Socket { path: name, source };
        let (sink, listener) = path
            .server
            .enter(|| {
                let sink = UdpSocket::bind(any(PORT))?;
                sink.set_nonblocking(true)?;
                let listener = TcpListener::bind(any(PORT))?;
                listener.set_nonblocking(true)?;
                Ok((sink, listener))
            })?
            .map_err(fail)?;
        let source = path
            .client
            .enter(|| {
                let source = UdpSocket::bind(any(0))?;
                source.connect((path.address, PORT))?;
                Ok(source)
            })?
            .map_err(fail)?;
        // A closed connection rests for a minute: its port must not run out meanwhile.
        path.client.sysctl("ipv4/ip_local_port_range", "1024 65535")?;
        let meter = Self { name, path, source, sink, listener };
        meter.settle()?;
        Ok(meter)
    }

    /// Sends until something arrives: neighbours are resolved, flows are known.
    fn settle(&self) -> Result<()> {
        let mut buffer = [0; 64];
        for _ in 0..500 {
            // A refusal shows as silence.
            let _ = self.source.send(&PAYLOAD);
            std::thread::sleep(std::time::Duration::from_millis(10));
            if self.sink.recv(&mut buffer).is_ok() {
                std::thread::sleep(std::time::Duration::from_millis(50));
                while self.sink.recv(&mut buffer).is_ok() {}
                return Ok(());
            }
        }
        Err(Error::NothingArrives { path: self.name })
    }

    /// Nanoseconds of CPU per datagram.
    pub(crate) fn datagrams(&self, batches: usize) -> Result<f64> {
        let mut sent_headers = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
        let mut received_headers = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
        let mut buffers = [[0; 64]; BATCH];
        let payload: Vec<[IoSlice<'_>; 1]> = (0..BATCH).map(|_| [IoSlice::new(&PAYLOAD)]).collect();
        let nowhere: [Option<SockaddrIn>; BATCH] = [None; BATCH];
        let mut arrived = 0;
        let begin = cpu_nanoseconds()?;
        for _ in 0..batches {
            let mut sent = 0;
            while sent < BATCH {
                let rest = &payload[sent..];
                sent += sendmmsg(
                    self.source.as_raw_fd(),
                    &mut sent_headers,
                    rest,
                    &nowhere[sent..],
                    [],
                    MsgFlags::empty(),
                )?
                .count();
            }
            let mut slices: Vec<[IoSliceMut<'_>; 1]> = buffers.iter_mut().map(|b| [IoSliceMut::new(b)]).collect();
            arrived += match recvmmsg(
                self.sink.as_raw_fd(),
                &mut received_headers,
                slices.iter_mut(),
                MsgFlags::MSG_DONTWAIT,
                None,
            ) {
                Ok(received) => received.count(),
                Err(Errno::EAGAIN) => 0,
                Err(e) => return Err(e.into()),
            };
        }
        let used = cpu_nanoseconds()? - begin;
        // Softirq may be put off to its own thread for a moment when the machine is busy; more than that is a loss, and
        // a path that loses would look cheap.
        let sent = batches * BATCH;
        if arrived * 100 < sent * 99 {
            return Err(Error::Lossy { path: self.name, sent, arrived });
        }
        Ok(used / arrived as f64)
    }

    /// Nanoseconds of CPU per TCP connection: connect, a request, its answer, close.
    pub(crate) fn connections(&self, count: usize) -> Result<f64> {
        let fail = |source| Error::Socket { path: self.name, source };
        self.path.client.enter(|| {
            pin()?;
            let begin = cpu_nanoseconds()?;
            for _ in 0..count {
                self.connection().map_err(fail)?;
            }
            Ok((cpu_nanoseconds()? - begin) / count as f64)
        })?
    }

    fn connection(&self) -> std::io::Result<()> {
        let mut buffer = [0; 64];
        let mut client = TcpStream::connect((self.path.address, PORT))?;
        let mut server = loop {
            match self.listener.accept() {
                Ok((stream, _)) => break stream,
                Err(e) if e.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(e) => return Err(e),
            }
        };
        client.write_all(&PAYLOAD)?;
        server.read_exact(&mut buffer[..PAYLOAD.len()])?;
        server.write_all(&PAYLOAD)?;
        client.read_exact(&mut buffer[..PAYLOAD.len()])?;
        drop(client);
        // The client's end arrives before ours is sent, so that both sides close in order.
        let end = server.read(&mut buffer)?;
        debug_assert_eq!(end, 0);
        Ok(())
    }
}
