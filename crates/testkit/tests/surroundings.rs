//! The means themselves, between two namespaces that a plain veth pair joins.

#![forbid(unsafe_code)]

use std::net::Ipv4Addr;
use std::time::Duration;

use testkit::{Result, Scope, Server};

const A: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const B: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);

fn pair(scope: &Scope) -> Result<(Server, Server)> {
    let (a, b) = (Server::new(scope, "a")?, Server::new(scope, "b")?);
    a.netns().veth("eth0", b.netns(), "eth0")?;
    a.netns().ip(&format!("addr add {A}/24 dev eth0"))?;
    b.netns().ip(&format!("addr add {B}/24 dev eth0"))?;
    Ok((a, b))
}

#[test]
fn clients_see_who_answers_and_silence_is_seen_as_silence() {
    let scope = Scope::new().unwrap();
    let (a, b) = pair(&scope).unwrap();
    let _service = b.serve("b", 80).unwrap();
    assert!(a.reaches(B).unwrap());
    assert_eq!(a.ping(Ipv4Addr::new(10, 9, 0, 3), 2).unwrap().received, 0);
    assert!(a.ncat(B.into(), 80, false).unwrap().unwrap().starts_with("b 10.9.0.1:"));
    assert!(a.ncat(B.into(), 80, true).unwrap().unwrap().starts_with("b 10.9.0.1:"));
    assert_eq!(a.ncat(B.into(), 81, false).unwrap(), None);
    assert_eq!(a.ncat(B.into(), 81, true).unwrap(), None);
    assert!(a.curl(&["http://10.9.0.2/"]).unwrap().starts_with("b 10.9.0.1:"));
    assert_eq!(a.arping(B).unwrap().unwrap(), b.mac().unwrap());
    assert_eq!(a.arping(Ipv4Addr::new(10, 9, 0, 3)).unwrap(), None);
}

#[test]
fn traffic_notices_an_outage_and_only_that() {
    let scope = Scope::new().unwrap();
    let (a, b) = pair(&scope).unwrap();
    let _service = b.serve("b", 80).unwrap();
    let calm = a.stream(B, &b, 4000).unwrap();
    let connection = a.connect(B, 80).unwrap();
    let pings = a.pings(B).unwrap();
    assert!(connection.is_alive_within(Duration::from_secs(2)));
    std::thread::sleep(Duration::from_millis(200));
    let calm = calm.stop();
    assert!(calm.sent > 20 && calm.lost.is_empty(), "{calm:?}");
    let pinged = pings.stop().unwrap();
    assert!(pinged.received > 10 && pinged.sent - pinged.received <= 1, "{pinged:?}");

    let cut = a.stream(B, &b, 4001).unwrap();
    b.netns().ip("link set eth0 down").unwrap();
    assert!(!connection.is_alive_within(Duration::from_millis(300)));
    b.netns().ip("link set eth0 up").unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let cut = cut.stop();
    assert!(!cut.lost.is_empty() && (cut.lost.len() as u64) < cut.sent, "{cut:?}");
    assert!(connection.close().is_ok(), "a connection outlives a short outage");
}

#[test]
fn frames_are_sent_as_they_are_and_captured() {
    let scope = Scope::new().unwrap();
    let (a, b) = pair(&scope).unwrap();
    let capture = b.capture("ether proto 0x88b5").unwrap();
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 9, 0x88, 0xb5]);
    frame.extend([0; 46]);
    a.send_frames(&[frame.clone(), frame]).unwrap();
    let packets = capture.packets().unwrap();
    assert_eq!(packets.len(), 2, "{packets:?}");
    assert!(packets[0].contains("02:00:00:00:00:09 > ff:ff:ff:ff:ff:ff"), "{packets:?}");
}
