//! A namespace that plays a server.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use hostnet::Netns;

use super::dhcp::{Client, Lease};
use crate::{Error, error::Result, preflight::find_program};

/// The device inside.
pub(super) const IFNAME: &str = "eth0";
/// How long a packet that should arrive may take, and one that should not is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server: its namespace, its port.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) netns: Netns,
    pub(super) port: String,
    pub(super) mac: String,
    pub(super) address: Ipv4Addr,
}

/// Runs a program and returns what it printed; its exit code is judged by the caller.
pub(super) fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io(format!("run {}", command.get_program().to_string_lossy())))?;
    Ok(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

/// Whether an address answers to a ping, in the namespace of the calling thread.
pub(super) fn ping_here(to: Ipv4Addr, from: Option<Ipv4Addr>) -> Result<bool> {
    let mut command = Command::new(find_program("ping").unwrap_or_else(|| "ping".into()));
    command.args(["-n", "-q", "-c", "1", "-W", "2"]);
    if let Some(from) = from {
        command.args(["-I", &from.to_string()]);
    }
    command.arg(to.to_string()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // The first packet may be lost to nobody's fault (a neighbour entry that failed before); two lost are a "no".
    for _ in 0..2 {
        if command.status().map_err(Error::io("run ping"))?.success() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Connects, and returns by which address the other side saw us.
pub(super) fn connect_here(to: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut seen = String::new();
    stream.read_to_string(&mut seen).ok()?;
    Some(seen)
}

/// Tells everyone who connects by which address they are seen. Ends with the process.
pub(super) fn greet(listener: TcpListener) {
    thread::spawn(move || {
        while let Ok((mut stream, peer)) = listener.accept() {
            // Whoever goes away before the answer does not want it.
            let _ = stream.write_all(peer.ip().to_string().as_bytes());
        }
    });
}

impl Server {
    fn inside<T: Send>(&self, task: impl FnOnce() -> T + Send) -> Result<T> {
        Ok(self.netns.run(task)?)
    }

    /// `ip` with these words, inside.
    pub(super) fn ip(&self, words: &str) -> Result<()> {
        let mut command = Command::new(find_program("ip").unwrap_or_else(|| "ip".into()));
        command.args(words.split_whitespace()).stdin(Stdio::null());
        let output = self.inside(|| command.output())?.map_err(Error::io("run ip"))?;
        if output.status.success() {
            return Ok(());
        }
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::Usage(format!("ip {words} in {}: {message}", self.name)))
    }

    /// Gets the lease and sets what it says.
    pub(super) fn configure(&self, client: Client) -> Result<Lease> {
        let directory = Directory::new()?;
        let lease = self.inside(|| client.ask(&directory.0))??;
        if let Some(mtu) = lease.mtu {
            self.ip(&format!("link set dev {IFNAME} mtu {mtu}"))?;
        }
        self.ip("link set dev lo up")?;
        self.ip(&format!("addr replace {}/{} dev {IFNAME}", lease.address, lease.prefix_len))?;
        for (destination, hop) in &lease.routes {
            if hop.is_unspecified() {
                self.ip(&format!("route replace {destination} dev {IFNAME}"))?;
            } else {
                self.ip(&format!("route replace {destination} via {hop} dev {IFNAME} onlink"))?;
            }
        }
        // With option 121 the router of option 3 is ignored (RFC 3442).
        if let (true, Some(router)) = (lease.routes.is_empty(), lease.routers.first()) {
            self.ip(&format!("route replace default via {router} dev {IFNAME}"))?;
        }
        Ok(lease)
    }

    pub(super) fn ping(&self, to: Ipv4Addr) -> Result<bool> {
        self.inside(|| ping_here(to, None))?
    }

    pub(super) fn ping_from(&self, from: Ipv4Addr, to: Ipv4Addr) -> Result<bool> {
        self.inside(|| ping_here(to, Some(from)))?
    }

    /// By which address the other side saw us, if we got there.
    pub(super) fn connect(&self, to: IpAddr, port: u16) -> Result<Option<String>> {
        self.inside(|| connect_here(SocketAddr::new(to, port)))
    }

    /// Whether a datagram is answered.
    pub(super) fn ask(&self, to: IpAddr, port: u16) -> Result<bool> {
        self.inside(|| {
            let asked = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
                socket.set_read_timeout(Some(PATIENCE))?;
                socket.send_to(b"?", (to, port))?;
                socket.recv_from(&mut [0; 64])
            });
            asked.is_ok()
        })
    }

    /// Serves a UDP port.
    pub(super) fn echo(&self, port: u16) -> Result<()> {
        let socket = self
            .inside(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)))?
            .map_err(Error::io(format!("listen on port {port} in {}", self.name)))?;
        echo(socket);
        Ok(())
    }

    /// Serves a TCP port.
    pub(super) fn serve(&self, port: u16) -> Result<()> {
        let listener = self
            .inside(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))?
            .map_err(Error::io(format!("listen on port {port} in {}", self.name)))?;
        greet(listener);
        Ok(())
    }
}

/// Answers each datagram with itself. Ends with the process.
fn echo(socket: UdpSocket) {
    thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            // Whoever does not wait for the answer does not want it.
            let _ = socket.send_to(buffer.get(..length).unwrap_or_default(), peer);
        }
    });
}

/// A directory that goes when it is not needed any more.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("baryon-demo-{}", uuid::Uuid::new_v4().simple()));
        std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700)
            .create(&path)
            .map_err(Error::io(format!("make {}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left of it is some small files below /tmp.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
