//! A guest: a namespace with what a server's operating system does, by the programs that do it there.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use crate::capture::Capture;
use crate::dhcp::{DhcpClient, Lease};
use crate::error::{Error, Result};
use crate::netns::Netns;
use crate::process::{Finished, run_within};
use crate::scope::Scope;
use crate::service::Service;
use crate::traffic::{Connection, Pings, Stream};

/// The interface that `baryon attach` makes in a namespace.
const IFNAME: &str = "eth0";

/// A namespace that sends and receives: a guest, or something outside.
#[derive(Debug, Clone)]
pub struct Server {
    netns: Netns,
    ifname: String,
    dir: PathBuf,
}

/// What `ping` counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pinged {
    /// Requests sent.
    pub sent: u32,
    /// Replies received.
    pub received: u32,
}

impl Pinged {
    pub(crate) fn read(text: &str) -> Result<Self> {
        let summary = text.lines().find(|line| line.contains("packets transmitted"));
        let numbers = summary.and_then(|line| {
            let mut words = line.split_whitespace();
            let sent = words.next()?.parse().ok()?;
            let received = words.nth(2)?.parse().ok()?;
            Some(Self { sent, received })
        });
        numbers.ok_or_else(|| Error::unexpected("the summary of ping", text))
    }
}

impl Server {
    /// A new namespace of the scope, with nothing in it yet.
    pub fn new(scope: &Scope, name: &str) -> Result<Self> {
        Ok(Self::in_netns(scope.netns(name)?, IFNAME, scope))
    }

    /// What happens in a namespace that exists already, by the interface of that name.
    pub(crate) fn in_netns(netns: Netns, ifname: &str, scope: &Scope) -> Self {
        Self { netns, ifname: ifname.to_owned(), dir: scope.dir() }
    }

    /// Its namespace.
    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// The interface that the helpers use.
    pub fn ifname(&self) -> &str {
        &self.ifname
    }

    /// Asks for a lease and applies it.
    pub fn dhcp(&self, client: DhcpClient) -> Result<Lease> {
        let lease = client.ask(&self.netns, &self.ifname, &self.dir)?;
        lease.apply(&self.netns, &self.ifname)?;
        Ok(lease)
    }

    /// The MAC address of its interface.
    pub fn mac(&self) -> Result<String> {
        let path = format!("/sys/class/net/{}/address", self.ifname);
        // `/sys` shows the namespace in which it was mounted, so ask netlink.
        let shown = self.netns.sh(&format!("ip -o link show dev {}", self.ifname))?;
        let mac = shown.split_whitespace().skip_while(|word| *word != "link/ether").nth(1);
        mac.map(str::to_owned).ok_or_else(|| Error::unexpected(path, &*shown))
    }

    /// Sends `count` echo requests, ten a second, and counts the replies.
    pub fn ping(&self, to: impl fmt::Display, count: u32) -> Result<Pinged> {
        self.ping_with(to, count, &[])
    }

    /// The same with more options of `ping`.
    pub fn ping_with(&self, to: impl fmt::Display, count: u32, options: &[&str]) -> Result<Pinged> {
        let mut command = self.netns.command("ping");
        command.args(["-n", "-q", "-i", "0.1", "-W", "1", "-c", &count.to_string()]).args(options).arg(to.to_string());
        let finished = run_within(&mut command, Duration::from_secs(20) + Duration::from_secs(u64::from(count)))?;
        Pinged::read(&format!("{}{}", finished.stdout, finished.stderr))
    }

    /// Whether at least one of a few echo requests is answered: the first may be lost to address resolution.
    pub fn reaches(&self, to: impl fmt::Display) -> Result<bool> {
        Ok(self.ping(to, 3)?.received > 0)
    }

    /// `curl` with these arguments; a body, or an error with curl's own words.
    pub fn curl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.netns.command("curl");
        command.args(["--silent", "--show-error", "--fail", "--max-time", "5"]).args(arguments);
        run_within(&mut command, Duration::from_secs(10))?.success()
    }

    /// Connects by `ncat`, sends a line and returns what the other side answered; `None` when it got no answer.
    pub fn ncat(&self, to: IpAddr, port: u16, udp: bool) -> Result<Option<String>> {
        // By UDP it leaves with its input, answered or not, so the input stays a moment; a second and longer one for
        // an answer that a busy machine delays.
        let tries: &[(&str, &str)] = if udp {
            &[("(echo hello; sleep 0.5)", "-u"), ("(echo hello; sleep 2)", "-u")]
        } else {
            &[("echo hello", "-w 3")]
        };
        for (input, flags) in tries {
            let mut command = self.netns.command("sh");
            command.args(["-c", &format!("{input} | ncat {flags} {to} {port}")]);
            let Finished { stdout, .. } = run_within(&mut command, Duration::from_secs(30))?;
            if !stdout.is_empty() {
                return Ok(Some(stdout.trim_end().to_owned()));
            }
        }
        Ok(None)
    }

    /// Whether a TCP connection gets an answer.
    pub fn reaches_tcp(&self, to: impl Into<IpAddr>, port: u16) -> Result<bool> {
        Ok(self.ncat(to.into(), port, false)?.is_some())
    }

    /// Whether a UDP datagram gets an answer.
    pub fn reaches_udp(&self, to: impl Into<IpAddr>, port: u16) -> Result<bool> {
        Ok(self.ncat(to.into(), port, true)?.is_some())
    }

    /// Who answers an ARP request for the address, by `arping`.
    pub fn arping(&self, address: Ipv4Addr) -> Result<Option<String>> {
        let mut command = self.netns.command("arping");
        command.args(["-c", "1", "-w", "3", "-I", &self.ifname]).arg(address.to_string());
        let output = run_within(&mut command, Duration::from_secs(10))?.stdout;
        Ok(output.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(mac, _)| mac.to_ascii_lowercase()))
    }

    /// Starts to answer on a TCP, UDP and HTTP port.
    pub fn serve(&self, name: &str, port: u16) -> Result<Service> {
        Service::start(&self.netns, name, port)
    }

    /// Starts to record arriving packets that match a filter of `tcpdump`.
    pub fn capture(&self, filter: &str) -> Result<Capture> {
        Capture::start(&self.netns, &self.ifname, filter, &self.dir)
    }

    /// Starts a stream of numbered datagrams.
    pub fn stream(&self, to: impl Into<IpAddr>, receiver: &Self, port: u16) -> Result<Stream> {
        Stream::start(&self.netns, to.into(), &receiver.netns, port)
    }

    /// Opens a connection that sends and expects numbered lines until it is closed.
    pub fn connect(&self, to: impl Into<IpAddr>, port: u16) -> Result<Connection> {
        Connection::open(&self.netns, to.into(), port)
    }

    /// Starts `ping` that goes on until it is stopped.
    pub fn pings(&self, to: impl fmt::Display) -> Result<Pings> {
        Pings::start(&self.netns, &to.to_string(), &self.dir)
    }

    /// Sends frames exactly as given, whatever the interface's own address.
    pub fn send_frames(&self, frames: &[Vec<u8>]) -> Result<()> {
        crate::raw::send(&self.netns, &self.ifname, frames)
    }
}
