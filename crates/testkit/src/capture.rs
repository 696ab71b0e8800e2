//! What arrives at an interface, by `tcpdump`; what leaves it is not recorded.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::error::Result;
use crate::netns::Netns;
use crate::process::{Background, PATIENCE};

/// A running `tcpdump`.
#[derive(Debug)]
pub struct Capture {
    tcpdump: Background,
}

impl Capture {
    /// Starts it and waits until it listens, so that nothing sent afterwards is missed.
    pub(crate) fn start(netns: &Netns, ifname: &str, filter: &str, dir: &Path) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let log = dir.join(format!("tcpdump-{}-{}", netns.name(), NEXT.fetch_add(1, Ordering::Relaxed)));
        let mut command = netns.command("tcpdump");
        command
            .args(["-l", "-n", "-e", "-t", "--immediate-mode", "-Q", "in", "-i", ifname])
            .args(filter.split_whitespace());
        let mut tcpdump = Background::start(&mut command, &log)?;
        tcpdump.wait_until_it_says("listening on", PATIENCE)?;
        Ok(Self { tcpdump })
    }

    /// Waits a moment for what is still on its way, stops and returns a line per packet.
    pub fn packets(self) -> Result<Vec<String>> {
        std::thread::sleep(Duration::from_millis(300));
        let (_, output) = self.tcpdump.stop(Signal::SIGINT, PATIENCE)?;
        // Every packet's line has the link-level addresses; tcpdump's own words do not.
        Ok(output.lines().filter(|line| line.contains(" > ")).map(str::to_owned).collect())
    }
}
