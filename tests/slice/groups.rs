//! 4. Security groups: the default one, rules by protocol, port, group and prefix, stateful in both directions.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::failure::{Result, ensure, need, same};
use crate::pins::{dump, pinned_maps};
use crate::world::{Guest, HTTP, World};

/// How soon a change of rules must meet connections that are open already.
const AT_ONCE: Duration = Duration::from_millis(1000);

const DATABASE: u16 = 5432;
const DNS: u16 = 53;

/// Each kind of rule, from both sides.
pub(crate) fn check(world: &mut World) -> Result<()> {
    let mut one = world.guest(&world.demo, "member1", &world.network, json!({}))?;
    let two = world.guest(&world.demo, "member2", &world.network, json!({}))?;
    one.serve(&[DATABASE])?;
    default_group(world, &one, &two)?;
    let database = database_group(world, &one)?;
    membership(world, &database, &one)?;
    withdrawn_rule(world, &database)?;
    icmp_types(world)?;
    no_egress(world)?;
    idle_timeout(world)
}

/// What a client can do to a server on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Ping,
    Tcp(u16),
    Udp(u16),
}

fn passes(from: &Guest, to: &Guest, way: Way) -> Result<bool> {
    Ok(match way {
        Way::Ping => from.server.reaches(to.address)?,
        Way::Tcp(port) => from.server.reaches_tcp(to.address, port)?,
        Way::Udp(port) => from.server.reaches_udp(to.address, port)?,
    })
}

fn expect(from: &Guest, to: &Guest, way: Way, allowed: bool) -> Result<()> {
    ensure(passes(from, to, way)? == allowed, || {
        format!("{way:?} from {} to {} is {}", from.name, to.name, if allowed { "dropped" } else { "let in" })
    })
}

/// Members in, everybody out, nobody else in.
fn default_group(world: &World, one: &Guest, two: &Guest) -> Result<()> {
    for way in [Way::Ping, Way::Tcp(HTTP), Way::Udp(HTTP), Way::Tcp(DATABASE)] {
        expect(two, one, way, true)?;
        expect(&world.web1, one, way, false)?;
    }
    expect(one, two, Way::Ping, true)?;
    // Out to a stranger, whose answers need no rule.
    expect(one, &world.web1, Way::Ping, true)?;
    expect(one, &world.web1, Way::Tcp(HTTP), true)?;
    expect(one, &world.web1, Way::Tcp(81), false)?;
    let (id, floating) = world.floating_ip(one)?;
    ensure(!world.outside.reaches(floating)?, || "the default group lets ping in from outside".to_owned())?;
    ensure(!world.outside.reaches_tcp(floating, HTTP)?, || "the default group lets TCP in from outside".to_owned())?;
    ensure(world.drops(one, "acl-ingress")? > 0, || "what a group refused was not counted".to_owned())?;
    world.demo.delete("floatingip", &id)?;
    Ok(())
}

/// A server whose group lets another group in to one port, and one address in to another.
struct Database {
    guest: Guest,
    rule: String,
}

fn database_group(world: &World, stranger: &Guest) -> Result<Database> {
    let group = world.group("database", &[])?;
    let from_web = json!({ "protocol": "tcp", "port_range_min": DATABASE, "port_range_max": DATABASE, "remote_group_id": world.group });
    let rule = world.rule(&group, &from_web)?;
    let prefix = format!("{}/32", world.web2.address);
    world.rule(
        &group,
        &json!({ "protocol": "udp", "port_range_min": DNS, "port_range_max": DNS, "remote_ip_prefix": prefix }),
    )?;
    let mut guest = world.guest(&world.demo, "database", &world.network, json!({ "security_groups": [group] }))?;
    guest.serve(&[DATABASE, DATABASE + 1, DNS])?;
    // The remote group, on that port and protocol only.
    expect(&world.web1, &guest, Way::Tcp(DATABASE), true)?;
    expect(&world.web2, &guest, Way::Tcp(DATABASE), true)?;
    expect(stranger, &guest, Way::Tcp(DATABASE), false)?;
    expect(&world.web1, &guest, Way::Tcp(DATABASE + 1), false)?;
    expect(&world.web1, &guest, Way::Udp(DATABASE), false)?;
    expect(&world.web1, &guest, Way::Ping, false)?;
    // The remote prefix.
    expect(&world.web2, &guest, Way::Udp(DNS), true)?;
    expect(&world.web1, &guest, Way::Udp(DNS), false)?;
    expect(&world.web2, &guest, Way::Tcp(DNS), false)?;
    Ok(Database { guest, rule })
}

/// Who joins a remote group is let in, and who leaves it is cut off.
fn membership(world: &World, database: &Database, joiner: &Guest) -> Result<()> {
    let port = world.demo.get(&format!("/ports/{}", joiner.port_id))?;
    let own: Vec<Value> = port["port"]["security_groups"].as_array().cloned().unwrap_or_default();
    let mut more = own.clone();
    more.push(Value::from(world.group.clone()));
    world.demo.update("port", &joiner.port_id, json!({ "security_groups": more }))?;
    expect(joiner, &database.guest, Way::Tcp(DATABASE), true)?;
    let connection = joiner.server.connect(database.guest.address, DATABASE)?;
    world.demo.update("port", &joiner.port_id, json!({ "security_groups": own }))?;
    thread::sleep(AT_ONCE);
    ensure(!connection.is_alive_within(AT_ONCE), || "who left the remote group stays connected".to_owned())?;
    expect(joiner, &database.guest, Way::Tcp(DATABASE), false)
}

/// A rule that goes takes its connections with it; those of other rules stay.
fn withdrawn_rule(world: &World, database: &Database) -> Result<()> {
    let cut = world.web1.server.connect(database.guest.address, DATABASE)?;
    let kept = world.web1.server.connect(world.web2.address, HTTP)?;
    world.demo.delete("security_group_rule", &database.rule)?;
    thread::sleep(AT_ONCE);
    ensure(!cut.is_alive_within(AT_ONCE), || "a connection outlives the rule that let it in".to_owned())?;
    ensure(kept.is_alive_within(AT_ONCE), || "a connection was cut with another group's rule".to_owned())?;
    kept.close()?;
    expect(&world.web1, &database.guest, Way::Tcp(DATABASE), false)
}

/// ICMP rules name a type and a code.
fn icmp_types(world: &World) -> Result<()> {
    let group = world.group("icmp", &[json!({ "protocol": "icmp", "port_range_min": 13, "port_range_max": 0 })])?;
    let guest = world.guest(&world.demo, "icmp", &world.network, json!({ "security_groups": [group] }))?;
    expect(&world.web1, &guest, Way::Ping, false)?;
    world.rule(&group, &json!({ "protocol": "icmp", "port_range_min": 8, "port_range_max": 0 }))?;
    expect(&world.web1, &guest, Way::Ping, true)?;
    expect(&world.web1, &guest, Way::Tcp(HTTP), false)
}

/// Without egress rules a server only answers.
fn no_egress(world: &World) -> Result<()> {
    let group =
        world.group("closed", &[json!({ "protocol": "tcp", "port_range_min": HTTP, "port_range_max": HTTP })])?;
    let rules = world.demo.get(&format!("/security-group-rules?security_group_id={group}&direction=egress"))?;
    for rule in rules["security_group_rules"].as_array().into_iter().flatten() {
        world.demo.delete("security_group_rule", rule["id"].as_str().unwrap_or_default())?;
    }
    let guest = world.guest(&world.demo, "closed", &world.network, json!({ "security_groups": [group] }))?;
    expect(&world.web1, &guest, Way::Tcp(HTTP), true)?;
    expect(&guest, &world.web1, Way::Ping, false)?;
    expect(&guest, &world.web1, Way::Tcp(HTTP), false)
}

/// An established connection may be idle for five days: that is what the programs in the kernel go by.
fn idle_timeout(world: &World) -> Result<()> {
    const FIVE_DAYS: u64 = 5 * 24 * 3600 * 1_000_000_000;
    let maps = pinned_maps(&world.host)?;
    let config = dump(&world.host, need(maps.get("config"), "pinned map of the configuration")?)?;
    let timeout = &config[0]["formatted"]["value"]["tcp_established"];
    same("the idle timeout of established TCP in nanoseconds", timeout.as_u64(), Some(FIVE_DAYS))
}
