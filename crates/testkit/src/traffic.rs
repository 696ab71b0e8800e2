//! Traffic that goes on while something happens to the datapath, and tells afterwards what that cost.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::error::{Error, Result};
use crate::netns::Netns;
use crate::process::{Background, PATIENCE};
use crate::server::Pinged;

/// Between two packets: short enough that an outage of a few milliseconds shows.
const INTERVAL: Duration = Duration::from_millis(2);

/// Datagrams numbered in sequence from one namespace to another.
#[derive(Debug)]
pub struct Stream {
    stop: Arc<AtomicBool>,
    received: Arc<AtomicU64>,
    sender: JoinHandle<u64>,
    receiver: JoinHandle<Vec<u64>>,
}

/// What became of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streamed {
    /// Datagrams sent.
    pub sent: u64,
    /// The numbers of those that never arrived.
    pub lost: Vec<u64>,
}

impl Stream {
    pub(crate) fn start(from: &Netns, to: IpAddr, at: &Netns, port: u16) -> Result<Self> {
        let any = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let sink = at.enter(|| {
            let socket = UdpSocket::bind(any(port))?;
            socket.set_read_timeout(Some(Duration::from_millis(100)))?;
            Ok(socket)
        })?;
        let sink = sink.map_err(Error::io(format!("cannot receive on port {port} in {}", at.name())))?;
        let source = from.enter(|| {
            let socket = UdpSocket::bind(any(0))?;
            socket.connect((to, port))?;
            Ok(socket)
        })?;
        let source = source.map_err(Error::io(format!("cannot send to {to} in {}", from.name())))?;
        let stop = Arc::new(AtomicBool::new(false));
        let received = Arc::new(AtomicU64::new(0));
        let stopped = stop.clone();
        let sender = thread::spawn(move || {
            let mut sent: u64 = 0;
            while !stopped.load(Ordering::Relaxed) {
                // An error the kernel reports (unreachable) is a datagram lost: the receiver's count shows it.
                let _ = source.send(&sent.to_be_bytes());
                sent += 1;
                thread::sleep(INTERVAL);
            }
            sent
        });
        let (stopped, count) = (stop.clone(), received.clone());
        let receiver = thread::spawn(move || {
            let mut numbers = Vec::new();
            let mut buffer = [0; 64];
            loop {
                match sink.recv(&mut buffer) {
                    Ok(8) => {
                        numbers.push(u64::from_be_bytes(buffer[..8].try_into().unwrap_or_default()));
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(_) => {}
                    // Silence for a whole time-out after the end: nothing is on its way any more.
                    Err(_) if stopped.load(Ordering::Relaxed) => return numbers,
                    Err(_) => {}
                }
            }
        });
        Ok(Self { stop, received, sender, receiver })
    }

    /// How many have arrived so far.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Stops and counts.
    pub fn stop(self) -> Streamed {
        self.stop.store(true, Ordering::Relaxed);
        let sent = self.sender.join().unwrap_or_default();
        let mut arrived = vec![false; sent as usize];
        for number in self.receiver.join().unwrap_or_default() {
            if let Some(slot) = arrived.get_mut(number as usize) {
                *slot = true;
            }
        }
        let lost = (0..sent).filter(|n| !arrived[*n as usize]).collect();
        Streamed { sent, lost }
    }
}

/// A TCP connection to a [`Service`](crate::Service) that sends numbered lines and expects each back in order.
#[derive(Debug)]
pub struct Connection {
    stop: Arc<AtomicBool>,
    echoed: Arc<AtomicU64>,
    greeting: String,
    talk: JoinHandle<std::io::Result<Talked>>,
}

/// What became of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talked {
    /// Lines that came back.
    pub lines: u64,
    /// The longest wait for one.
    pub longest: Duration,
}

impl Connection {
    pub(crate) fn open(from: &Netns, to: IpAddr, port: u16) -> Result<Self> {
        let what = || format!("no connection from {} to {to} port {port}", from.name());
        let stream = from.enter(|| TcpStream::connect_timeout(&SocketAddr::new(to, port), Duration::from_secs(5)))?;
        let mut stream = stream.map_err(Error::io(what()))?;
        // What arrives late is late, not lost: only an end of the connection is an error.
        stream.set_read_timeout(Some(Duration::from_secs(5))).map_err(Error::io(what()))?;
        stream.set_nodelay(true).map_err(Error::io(what()))?;
        let mut lines = BufReader::new(stream.try_clone().map_err(Error::io(what()))?);
        let mut greeting = String::new();
        stream.write_all(b"hello\n").map_err(Error::io(what()))?;
        lines.read_line(&mut greeting).map_err(Error::io(what()))?;
        let stop = Arc::new(AtomicBool::new(false));
        let echoed = Arc::new(AtomicU64::new(0));
        let (stopped, count) = (stop.clone(), echoed.clone());
        let talk = thread::spawn(move || {
            let mut talked = Talked { lines: 0, longest: Duration::ZERO };
            let mut line = String::new();
            while !stopped.load(Ordering::Relaxed) {
                let begin = Instant::now();
                let expected = format!("{}\n", talked.lines);
                stream.write_all(expected.as_bytes())?;
                line.clear();
                lines.read_line(&mut line)?;
                if line != expected {
                    return Err(std::io::Error::other(format!("{line:?} came instead of {expected:?}")));
                }
                talked.longest = talked.longest.max(begin.elapsed());
                talked.lines += 1;
                count.store(talked.lines, Ordering::Relaxed);
                thread::sleep(INTERVAL);
            }
            Ok(talked)
        });
        Ok(Self { stop, echoed, greeting: greeting.trim_end().to_owned(), talk })
    }

    /// Who answered, and which address it saw: `<name> <address>:<port>`.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// How many lines have come back so far.
    pub fn lines(&self) -> u64 {
        self.echoed.load(Ordering::Relaxed)
    }

    /// Whether a line comes back within `limit` from now.
    pub fn is_alive_within(&self, limit: Duration) -> bool {
        let (before, begin) = (self.lines(), Instant::now());
        // One may have been on its way already.
        while begin.elapsed() < limit {
            if self.lines() > before + 1 {
                return true;
            }
            thread::sleep(INTERVAL);
        }
        false
    }

    /// Ends it; an error when it was cut, or when an answer was missing.
    pub fn close(self) -> Result<Talked> {
        self.stop.store(true, Ordering::Relaxed);
        let talked = self.talk.join().unwrap_or_else(|_| Err(std::io::Error::other("its thread panicked")));
        talked.map_err(Error::io("the connection was cut"))
    }
}

/// A `ping` that goes on.
#[derive(Debug)]
pub struct Pings {
    ping: Background,
}

impl Pings {
    pub(crate) fn start(from: &Netns, to: &str, dir: &Path) -> Result<Self> {
        let mut command = from.command("ping");
        command.args(["-n", "-i", "0.01", "-W", "1", to]);
        let mut ping = Background::start(&mut command, &dir.join(format!("ping-{}-{to}", from.name())))?;
        ping.wait_until_it_says("bytes from", PATIENCE)?;
        Ok(Self { ping })
    }

    /// Stops it and reads its summary. A request of the last moment may still wait for its reply.
    pub fn stop(self) -> Result<Pinged> {
        let (_, output) = self.ping.stop(Signal::SIGINT, PATIENCE)?;
        Pinged::read(&output)
    }
}
