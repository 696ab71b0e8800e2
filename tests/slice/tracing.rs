//! 9. `baryon trace` says where a packet goes and why, and packets do what it says.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::json;
use testkit::FAR_AWAY;

use crate::failure::{Result, ensure};
use crate::world::{Guest, HTTP, World, address};

/// A question, the truth that the trace must know, and a word of its reason.
struct Case<'a> {
    from: &'a Guest,
    to: IpAddr,
    protocol: &'static str,
    port: Option<u16>,
    delivered: bool,
    word: &'static str,
}

/// Asks, then sends.
pub(crate) fn check(world: &mut World) -> Result<()> {
    let _far = world.outside.serve("outside", HTTP)?;
    let member = world.guest(&world.demo, "asked", &world.network, json!({}))?;
    let (network, subnet) = world.network(&world.demo, "next", "10.0.9.0/24")?;
    world.demo.act("router", &world.router, "add_router_interface", json!({ "subnet_id": subnet }))?;
    let group = world.group("next", &[json!({ "protocol": "udp", "port_range_min": HTTP, "port_range_max": HTTP })])?;
    let next = world.guest(&world.demo, "next", &network, json!({ "security_groups": [group] }))?;
    let (id, floating) = world.floating_ip(&world.web2)?;

    let (web1, web2) = (&world.web1, &world.web2);
    let rule = rule_of(world, &world.group, "tcp")?;
    let case = |from, to: IpAddr, protocol, port, delivered, word| Case { from, to, protocol, port, delivered, word };
    let inner = |guest: &Guest| IpAddr::V4(guest.address);
    let cases = [
        case(web1, inner(web2), "icmp", None, true, "delivered"),
        case(web1, inner(web2), "tcp", Some(HTTP), true, "delivered"),
        case(web1, inner(web2), "tcp", Some(81), false, "acl-ingress"),
        case(web1, inner(web2), "udp", Some(HTTP), false, "acl-ingress"),
        case(web1, inner(&member), "icmp", None, false, "acl-ingress"),
        case(&member, inner(web1), "tcp", Some(HTTP), true, "delivered"),
        case(web1, inner(&next), "udp", Some(HTTP), true, "delivered"),
        case(web1, inner(&next), "tcp", Some(HTTP), false, "acl-ingress"),
        case(&next, inner(web1), "tcp", Some(HTTP), true, "delivered"),
        case(web1, address(FAR_AWAY)?, "tcp", Some(HTTP), true, "delivered"),
        case(web1, IpAddr::V4(floating), "tcp", Some(HTTP), true, "delivered"),
        case(web1, IpAddr::V4(floating), "udp", Some(HTTP), false, "acl-ingress"),
        case(web1, IpAddr::V4(Ipv4Addr::new(10, 0, 9, 200)), "icmp", None, false, "no-neighbour"),
    ];
    for case in &cases {
        ask(world, case)?;
    }
    // The rule that let it in is named.
    let said = trace(world, &cases[1])?.1;
    ensure(said.contains(&rule), || format!("the rule {rule} that decided is not named in:\n{said}"))?;
    world.demo.delete("floatingip", &id)?;
    Ok(())
}

fn rule_of(world: &World, group: &str, protocol: &str) -> Result<String> {
    let answer = world
        .demo
        .get(&format!("/security-group-rules?security_group_id={group}&protocol={protocol}&direction=ingress"))?;
    let id = answer["security_group_rules"][0]["id"].as_str();
    crate::failure::need(id.map(str::to_owned), "rule of that protocol")
}

/// The exit status and what was printed.
fn trace(world: &World, case: &Case<'_>) -> Result<(Option<i32>, String)> {
    let to = case.to.to_string();
    let port = case.port.map(|port| port.to_string());
    let mut arguments = vec!["trace", "--from", &case.from.port_id, "--to", &to, "--proto", case.protocol];
    if let Some(port) = &port {
        arguments.extend(["--dport", port]);
    }
    let finished = world.host.baryon(&arguments)?;
    Ok((finished.status.code(), format!("{}{}", finished.stdout, finished.stderr)))
}

fn ask(world: &World, case: &Case<'_>) -> Result<()> {
    let port = case.port.unwrap_or_default();
    let name = || format!("{} from {} to {} port {port}", case.protocol, case.from.name, case.to);
    let (code, said) = trace(world, case)?;
    // 0 delivered, 1 dropped; anything else is no answer.
    let expected = Some(i32::from(!case.delivered));
    ensure(code == expected, || format!("{}: the trace ended with {code:?} instead of {expected:?}:\n{said}", name()))?;
    ensure(said.contains(case.word) && said.lines().count() > 2, || {
        format!("{}: the trace does not say {} step by step:\n{said}", name(), case.word)
    })?;
    let arrived = match case.protocol {
        "icmp" => case.from.server.reaches(case.to)?,
        "tcp" => case.from.server.reaches_tcp(case.to, port)?,
        _ => case.from.server.reaches_udp(case.to, port)?,
    };
    ensure(arrived == case.delivered, || {
        format!("{}: the trace says {}, but packets {}", name(), case.word, if arrived { "arrive" } else { "do not" })
    })
}
