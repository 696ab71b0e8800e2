//! Two servers on one network, real packets through the kernel.

#![allow(clippy::unwrap_used, reason = "a test fails where a step does")]

mod support;

use logical::{Driver, DropReason, Remote, Row, RowKey};
use support::{Host, group, guest, port_id, put, remove, rule, switch};
use types::Direction;

#[test]
fn servers_reach_each_other_as_their_groups_say_and_a_restart_changes_nothing() {
    let mut host = Host::new();
    let (one, two) = (host.server("a"), host.server("b"));
    let mut driver = host.open();
    let network = switch(1);
    let (all, none) = (group(1), group(2));
    let ingress = rule(1, all, Direction::Ingress, Remote::Any);
    let rows: Vec<Row> = vec![
        network.clone().into(),
        ingress.clone().into(),
        rule(2, all, Direction::Egress, Remote::Any).into(),
        rule(3, none, Direction::Egress, Remote::Any).into(),
        guest(1, &network, "10.0.0.11/24", &[all], one.attachment()).into(),
        guest(2, &network, "10.0.0.12/24", &[none], two.attachment()).into(),
    ];
    put(&mut driver, rows.clone());
    one.configure("10.0.0.11/24", None);
    two.configure("10.0.0.12/24", None);

    two.succeeds("ping -c 3 -i 0.2 -W 1 10.0.0.11");
    one.fails("ping -c 1 -W 1 10.0.0.12");
    let drops = driver.drops(port_id(2)).unwrap();
    assert!(drops.iter().any(|count| count.reason == DropReason::AclIngress), "{drops:?}");

    // A spoofed address is dropped and counted at the sender.
    two.succeeds("ip addr add 10.0.0.99/24 dev eth0");
    two.fails("ping -c 1 -W 1 -I 10.0.0.99 10.0.0.11");
    let drops = driver.drops(port_id(2)).unwrap();
    let spoofed = [DropReason::SpoofedIp, DropReason::SpoofedArp];
    assert!(drops.iter().any(|count| spoofed.contains(&count.reason)), "{drops:?}");

    // Another driver finds everything as it shall be.
    let before = driver.observe().unwrap();
    drop(driver);
    two.succeeds("ping -c 1 -W 1 10.0.0.11");
    let mut driver = host.open();
    assert!(driver.observe().unwrap().is_empty());
    put(&mut driver, rows.clone());
    assert_eq!(driver.sweep().unwrap().removed, Vec::<String>::new());
    assert_eq!(driver.writes(), 0, "a restart writes nothing");
    assert_eq!(driver.observe().unwrap(), before);
    two.succeeds("ping -c 1 -W 1 10.0.0.11");

    // A rule that goes cuts what it allowed at once.
    remove(&mut driver, RowKey::Acl(ingress.group, ingress.id));
    two.fails("ping -c 1 -W 1 10.0.0.11");
    put(&mut driver, [ingress.into()]);
    two.succeeds("ping -c 1 -W 1 10.0.0.11");

    // What no row asks for is swept.
    drop(driver);
    let mut driver = host.open();
    put(&mut driver, rows[..4].to_vec());
    let swept = driver.sweep().unwrap();
    assert!(swept.removed.iter().any(|what| what.starts_with("device tap")), "{swept:?}");
    one.fails("ping -c 1 -W 1 10.0.0.12");
}
