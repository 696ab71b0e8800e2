//! 8. The datapath outlives the daemon: `kill -9` of every process loses nothing, a start changes nothing and takes over.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Connection, FAR_AWAY, Pings, Stream, UPLINK};

use crate::failure::{Result, ensure, need, same};
use crate::pins::{dump, pinned_maps};
use crate::world::{HTTP, World, address};

/// How long traffic runs with nobody there.
const ALONE: Duration = Duration::from_secs(2);

/// Kills, starts, stops and starts again, under traffic of every kind.
pub(crate) fn check(world: &mut World) -> Result<()> {
    let _far = world.outside.serve("outside", HTTP)?;
    let (id, floating) = world.floating_ip(&world.web1)?;
    // A second network, so that routed traffic is among it.
    let (network, subnet) = world.network(&world.demo, "lasting", "10.0.8.0/24")?;
    world.demo.act("router", &world.router, "add_router_interface", json!({ "subnet_id": subnet }))?;
    let all = world.group("lasting", &[json!({})])?;
    let routed = world.guest(&world.demo, "lasting", &network, json!({ "security_groups": [all] }))?;

    let traffic = Traffic {
        pings: vec![
            ("to a neighbour", world.web1.server.pings(world.web2.address)?),
            ("outside", world.web2.server.pings(FAR_AWAY)?),
            ("by the floating IP", world.outside.pings(floating)?),
        ],
        streams: vec![("to the next network", world.web1.server.stream(routed.address, &routed.server, 4001)?)],
        connections: vec![
            ("to a neighbour", world.web2.server.connect(world.web1.address, HTTP)?),
            ("to the next network", world.web1.server.connect(routed.address, HTTP)?),
            ("outside", world.web2.server.connect(address(FAR_AWAY)?, HTTP)?),
            ("by the floating IP", world.outside.connect(floating, HTTP)?),
        ],
    };
    thread::sleep(ALONE / 2);
    let before = Snapshot::take(world)?;

    let processes = world.host.processes();
    ensure(processes.len() >= 4, || format!("only {} processes to kill", processes.len()))?;
    world.host.kill()?;
    thread::sleep(ALONE);
    // New connections need nobody either.
    ensure(world.web2.server.reaches_tcp(world.web1.address, HTTP)?, || {
        "no new connection while it is dead".to_owned()
    })?;
    ensure(world.outside.reaches_tcp(floating, HTTP)?, || "no new floating connection while it is dead".to_owned())?;
    before.compare("the kill", &Snapshot::take(world)?)?;

    world.host.up(&["--uplink", UPLINK])?;
    world.admin.wait_until_applied()?;
    thread::sleep(ALONE);
    before.compare("the start after the kill", &Snapshot::take(world)?)?;

    world.host.stop()?;
    thread::sleep(ALONE / 2);
    before.compare("an orderly stop", &Snapshot::take(world)?)?;
    world.host.up(&["--uplink", UPLINK])?;
    world.admin.wait_until_applied()?;
    thread::sleep(ALONE / 2);
    before.compare("the start after a stop", &Snapshot::take(world)?)?;
    traffic.lost_nothing()?;

    // It took over: what is changed now takes effect.
    world.demo.delete("floatingip", &id)?;
    ensure(!world.outside.reaches(floating)?, || "a floating IP that was removed after the start answers".to_owned())?;
    let late = world.guest(&world.demo, "late", &world.network, json!({ "security_groups": [world.group] }))?;
    ensure(world.web1.server.reaches(late.address)?, || "a server attached after the start is not reached".to_owned())
}

struct Traffic {
    pings: Vec<(&'static str, Pings)>,
    streams: Vec<(&'static str, Stream)>,
    connections: Vec<(&'static str, Connection)>,
}

impl Traffic {
    fn lost_nothing(self) -> Result<()> {
        for (what, pings) in self.pings {
            let pinged = pings.stop()?;
            // The last request may still be under way when it stops.
            ensure(pinged.received > 100 && pinged.sent - pinged.received <= 1, || {
                format!("ping {what}: {} of {} replies", pinged.received, pinged.sent)
            })?;
        }
        for (what, stream) in self.streams {
            let streamed = stream.stop();
            ensure(streamed.sent > 100 && streamed.lost.is_empty(), || {
                format!("datagrams {what}: {} of {} lost", streamed.lost.len(), streamed.sent)
            })?;
        }
        for (what, connection) in self.connections {
            let talked = connection.close()?;
            // A segment lost would wait for its retransmission, 200 ms at least.
            ensure(talked.lines > 100 && talked.longest < Duration::from_millis(200), || {
                format!("a connection {what} waited {:?} for a line", talked.longest)
            })?;
        }
        Ok(())
    }
}

/// What a start must not change: devices, and every table that user space writes.
#[derive(Debug)]
struct Snapshot {
    links: BTreeMap<String, String>,
    tables: BTreeMap<String, Vec<String>>,
}

/// Tables that packets write, beside those that have a value for each processor.
const OF_PACKETS: [&str; 2] = ["flows", "connections"];

impl Snapshot {
    fn take(world: &World) -> Result<Self> {
        let shown = world.host.netns().sh("ip -o link show")?;
        let links = shown
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(index, rest)| (rest.split(':').next().unwrap_or_default().to_owned(), index.to_owned()));
        let mut tables = BTreeMap::new();
        for (name, path) in pinned_maps(&world.host)? {
            let found = dump(&world.host, &path)?;
            if OF_PACKETS.contains(&name.as_str()) || found.iter().any(|entry| entry["values"].is_array()) {
                continue;
            }
            // The kernel gives them in no order.
            let mut entries: Vec<String> = found.iter().map(Value::to_string).collect();
            entries.sort();
            tables.insert(name, entries);
        }
        ensure(tables.len() > 10, || format!("only {} pinned tables", tables.len()))?;
        Ok(Self { links: links.collect(), tables })
    }

    fn compare(&self, what: &str, after: &Self) -> Result<()> {
        same(&format!("interfaces after {what}"), &after.links, &self.links)?;
        for (name, before) in &self.tables {
            let now = need(after.tables.get(name), &format!("table {name} after {what}"))?;
            ensure(now == before, || format!("{what} changed table {name}: {}", difference(before, now)))?;
        }
        Ok(())
    }
}

/// The entries that only one of two dumps has, a few of them.
fn difference(before: &[String], now: &[String]) -> String {
    let gone: Vec<&String> = before.iter().filter(|e| !now.contains(e)).take(3).collect();
    let come: Vec<&String> = now.iter().filter(|e| !before.contains(e)).take(3).collect();
    format!("gone {gone:?}, come {come:?}")
}
