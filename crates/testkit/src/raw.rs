//! Sending frames as they are, to lie about addresses.

use crate::error::Result;
use crate::netns::Netns;
use crate::process::run;

// A packet socket's address cannot be made without unsafe code; Python, which the tests need anyway, has one.
const SENDER: &str = "\
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for frame in sys.argv[2:]:
    s.send(bytes.fromhex(frame))
";

/// Sends each frame once.
pub(crate) fn send(netns: &Netns, ifname: &str, frames: &[Vec<u8>]) -> Result<()> {
    let hex = |frame: &Vec<u8>| frame.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    run(netns.command("python3").args(["-c", SENDER, ifname]).args(frames.iter().map(hex))).map(drop)
}
