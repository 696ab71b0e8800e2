//! A small server that says who answers and whom it saw: enough to prove who reached whom, by which address.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::netns::Netns;

/// Answers on one port number by TCP and UDP until it is dropped.
///
/// A TCP connection is greeted with `<name> <peer's address>` after its first line, and every line is sent back. A first
/// line that is an HTTP request gets the same greeting as an HTTP answer instead. A datagram is answered with the greeting
/// as well.
#[derive(Debug)]
pub struct Service {
    stop: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

/// How soon a thread notices that it should end.
const TICK: Duration = Duration::from_millis(100);

impl Service {
    pub(crate) fn start(netns: &Netns, name: &str, port: u16) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let bound = netns.enter(|| {
            let tcp = TcpListener::bind(address)?;
            tcp.set_nonblocking(true)?;
            let udp = UdpSocket::bind(address)?;
            udp.set_read_timeout(Some(TICK))?;
            Ok((tcp, udp))
        })?;
        let (tcp, udp) = bound.map_err(Error::io(format!("cannot listen on {address} in {}", netns.name())))?;
        let stop = Arc::new(AtomicBool::new(false));
        let greeting: Arc<str> = name.into();
        let (stopped, name) = (stop.clone(), greeting.clone());
        let accepting = thread::spawn(move || accept(&tcp, &name, &stopped));
        let (stopped, name) = (stop.clone(), greeting);
        let answering = thread::spawn(move || answer_datagrams(&udp, &name, &stopped));
        Ok(Self { stop, threads: vec![accepting, answering] })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The port is free again when this returns.
        for thread in self.threads.drain(..) {
            // A panic of the thread has been printed; the test fails by what it did not answer.
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, name: &Arc<str>, stop: &Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let Ok((stream, peer)) = listener.accept() else {
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        let (name, stop) = (name.clone(), stop.clone());
        // A client that goes away ends its thread; there is nobody to tell.
        thread::spawn(move || answer(stream, peer, &name, &stop));
    }
}

fn answer(mut stream: TcpStream, peer: SocketAddr, name: &str, stop: &AtomicBool) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    lines.read_line(&mut line)?;
    let greeting = format!("{name} {peer}\n");
    if line.ends_with("HTTP/1.1\r\n") {
        return write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{greeting}",
            greeting.len()
        );
    }
    stream.write_all(greeting.as_bytes())?;
    stream.set_read_timeout(Some(TICK))?;
    let mut buffer = [0; 4096];
    while !stop.load(Ordering::Relaxed) {
        match lines.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => stream.write_all(&buffer[..count])?,
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn answer_datagrams(socket: &UdpSocket, name: &str, stop: &AtomicBool) {
    let mut buffer = [0; 2048];
    while !stop.load(Ordering::Relaxed) {
        if let Ok((_, peer)) = socket.recv_from(&mut buffer) {
            // Answering into a firewall gives an error on the next call at most; the client's silence says it.
            let _ = socket.send_to(format!("{name} {peer}\n").as_bytes(), peer);
        }
    }
}
