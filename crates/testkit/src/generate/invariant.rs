//! What the interpreter must never do, whatever the network and the packets.

use std::collections::BTreeSet;

use logical::{LogicalNetwork, Point, PortKind, SwitchId, Target, Verdict};

use crate::{
    frame::{ECHO_REPLY, ECHO_REQUEST, Frame, Transport},
    packet_table::{Answer, Datapath, Interpreter},
};

/// Something that must never be.
#[derive(Clone, Debug, thiserror::Error)]
#[error("seed {seed}: {what}")]
pub struct Violation {
    /// The sequence.
    pub seed: u64,
    /// What happened.
    pub what: String,
}

/// Takes a packet through, and checks what came of it.
pub(super) fn process(
    interpreter: &mut Interpreter,
    network: &LogicalNetwork,
    point: Point,
    frame: &[u8],
) -> Result<Answer, String> {
    let mut twin = interpreter.clone();
    let answer = interpreter.process(point, frame).map_err(|e| e.to_string())?;
    let same = twin.process(point, frame).map_err(|e| e.to_string())?;
    if answer != same || *interpreter != twin {
        return Err(format!("the same packet in the same state: {} and {}", answer.verdict, same.verdict));
    }
    outputs_fit_the_verdict(&answer)?;
    stays_connected(network, point, &answer)?;
    reply_is_delivered(&mut twin, network, point, frame, &answer)?;
    Ok(answer)
}

fn outputs_fit_the_verdict(answer: &Answer) -> Result<(), String> {
    let targets: Vec<Target> = answer.outputs.iter().map(|output| output.to).collect();
    let fits = match answer.verdict {
        Verdict::Delivered { to } => targets == [Target::Port(to)],
        Verdict::Answered => targets == [Target::Back],
        Verdict::ToServices => matches!(targets[..], [Target::Services { .. }]),
        Verdict::ToWire { switch, next_hop } => targets == [Target::Wire { switch, next_hop }],
        Verdict::Flooded => targets.iter().all(|to| matches!(to, Target::Port(_))),
        Verdict::Foreign | Verdict::Dropped(_) => targets.is_empty(),
    };
    let internal = answer.verdict == Verdict::Dropped(logical::DropReason::Internal);
    if fits && !internal { Ok(()) } else { Err(format!("{} with {targets:?}", answer.verdict)) }
}

/// Nothing reaches a switch that no router connects with the one where the packet came in.
fn stays_connected(network: &LogicalNetwork, point: Point, answer: &Answer) -> Result<(), String> {
    let switch_of = |port| network.ports.get(&port).map(|row| row.switch);
    let begin = match point {
        Point::Wire(switch) => Some(switch),
        Point::Port(port) => switch_of(port),
    };
    let reachable = reachable(network, begin.into_iter().collect());
    for output in &answer.outputs {
        let end = match output.to {
            Target::Port(port) => switch_of(port),
            Target::Wire { switch, .. } => Some(switch),
            Target::Services { .. } | Target::Back => begin,
        };
        if end.is_none_or(|switch| !reachable.contains(&switch)) {
            return Err(format!("a packet from {point:?} got to {:?}, which nothing connects", output.to));
        }
    }
    Ok(())
}

fn reachable(network: &LogicalNetwork, mut switches: BTreeSet<SwitchId>) -> BTreeSet<SwitchId> {
    loop {
        let routers: BTreeSet<_> = network
            .ports
            .values()
            .filter(|port| switches.contains(&port.switch))
            .filter_map(|port| if let PortKind::Router { router } = port.kind { Some(router) } else { None })
            .collect();
        let before = switches.len();
        switches.extend(network.ports.values().filter_map(|port| match port.kind {
            PortKind::Router { router } if routers.contains(&router) => Some(port.switch),
            _ => None,
        }));
        if switches.len() == before {
            return switches;
        }
    }
}

/// What a server got from a neighbour of its switch and was meant for it, it can answer at once.
fn reply_is_delivered(
    interpreter: &mut Interpreter,
    network: &LogicalNetwork,
    point: Point,
    frame: &[u8],
    answer: &Answer,
) -> Result<(), String> {
    let (Point::Port(from), Verdict::Delivered { to }) = (point, answer.verdict) else { return Ok(()) };
    let (Some(sender), Some(receiver)) = (network.ports.get(&from), network.ports.get(&to)) else { return Ok(()) };
    let Some(sent) = Frame::read(frame) else { return Ok(()) };
    let Some(ip) = sent.as_ip() else { return Ok(()) };
    let connects = !matches!(ip.transport, Transport::Icmp(kind, ..) if kind != ECHO_REQUEST && kind != ECHO_REPLY);
    let meant_for_it = receiver.addresses.iter().any(|own| own.address == std::net::IpAddr::V4(ip.destination));
    let has_device = matches!(sender.kind, PortKind::Guest { attachment: Some(_) });
    let is_dhcp = matches!(ip.transport, Transport::Udp(67 | 68, ..) | Transport::Udp(_, 67 | 68, _));
    let to_services = ip.source == logical::SERVICE_ADDRESS;
    if sent.destination_mac != receiver.mac || !connects || !meant_for_it || !has_device || is_dhcp || to_services {
        return Ok(());
    }
    // The sender must be reachable by the MAC it used.
    if sent.source_mac != sender.mac {
        return Ok(());
    }
    let reply = interpreter.process(Point::Port(to), &sent.reply().bytes()).map_err(|e| e.to_string())?;
    if reply.verdict == (Verdict::Delivered { to: from }) {
        Ok(())
    } else {
        Err(format!("the reply to a delivered packet of port {from} was {}", reply.verdict))
    }
}
