//! Stage 7: routing.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use super::{End, Flight, Stop, Target, Verdict, Walk, arp::has_address, name};
use crate::{
    DropReason, MAX_ROUTERS, Port, PortKind, Route, Router, RouterId, Stage, Switch, SwitchId, SwitchKind,
    frame::IcmpMessage,
};

/// Who has the next hop's address.
enum Neighbour {
    Guest(Arc<Port>),
    Router(RouterId, Arc<Port>),
    Wire,
}

impl Walk<'_> {
    /// [`Stage::Router`]: the packet has come in through one of the router's ports.
    pub(super) fn route(&mut self, id: RouterId, entry: &Port, mut flight: Flight) -> Result<End, Stop> {
        let router = self.enter(id, entry, &mut flight)?;
        let translated = self.translate_destination(&router, &mut flight)?;
        self.answer_for(&router, &flight)?;
        if flight.packet.ttl() <= 1 {
            let why = format!("TTL {} ends at {}", flight.packet.ttl(), name(&router.origin));
            return self.drop(Stage::Router, Some(&router.origin), DropReason::TtlExpired, why);
        }
        let (route, exit) = self.choose_route(&router, flight.packet.destination())?;
        if !translated && let Some(nat) = self.network.source_nats.get(&(id, entry.id)) {
            let why = format!("{} translates, and nothing inside was meant by this packet", name(&router.origin));
            return self.drop(Stage::Router, Some(&nat.origin.clone()), DropReason::NotTranslated, why);
        }
        if !exit.enabled {
            let why = format!("{} is administratively down", name(&exit.origin));
            return self.drop(Stage::Router, Some(&exit.origin), DropReason::PortDisabled, why);
        }
        self.translate_source(&router, entry, &exit, &mut flight)?;
        flight.packet.decrement_ttl();
        self.check_mtu(&exit, &flight)?;
        let next_hop = next_hop(&route, flight.packet.destination());
        match self.find_neighbour(exit.switch, next_hop)? {
            Neighbour::Guest(port) => self.deliver(&port, Some(&exit), flight),
            Neighbour::Router(next, port) => {
                self.step(Stage::Router, Some(&port.origin), format!("{next_hop} is {}", name(&port.origin)));
                self.route(next, &port, flight)
            }
            Neighbour::Wire => self.send_to_wire(exit.switch, next_hop, flight),
        }
    }

    fn enter(&mut self, id: RouterId, entry: &Port, flight: &mut Flight) -> Result<Arc<Router>, Stop> {
        if flight.routers.len() == MAX_ROUTERS {
            let why = format!("the packet has crossed {MAX_ROUTERS} routers");
            return self.drop(Stage::Router, None, DropReason::RoutingLoop, why);
        }
        flight.routers.push(id);
        if !entry.enabled {
            let why = format!("{} is administratively down", name(&entry.origin));
            return self.drop(Stage::Router, Some(&entry.origin), DropReason::PortDisabled, why);
        }
        let Some(router) = self.network.routers.get(&id).cloned() else {
            return self.drop(Stage::Router, None, DropReason::RouterDisabled, format!("there is no router {id}"));
        };
        if !router.enabled {
            let why = format!("{} is administratively down", name(&router.origin));
            return self.drop(Stage::Router, Some(&router.origin), DropReason::RouterDisabled, why);
        }
        Ok(router)
    }

    /// Packets for the router itself: it answers pings, and nothing else.
    fn answer_for(&mut self, router: &Router, flight: &Flight) -> Result<(), Stop> {
        let destination = flight.packet.destination();
        let is_own = |port: &&Arc<Port>| is_port_of(port, router.id) && has_address(port, destination);
        let Some(own) = self.network.ports.values().find(is_own).cloned() else { return Ok(()) };
        if !flight.packet.icmp().is_some_and(IcmpMessage::is_echo_request) {
            let why = format!("{destination} is {}'s own, which answers pings only", name(&router.origin));
            return self.drop(Stage::Router, Some(&own.origin), DropReason::ToRouter, why);
        }
        self.step(Stage::Router, Some(&own.origin), format!("{} answers the ping", name(&router.origin)));
        Err(End::single(Verdict::Answered, Target::Back, flight.arrived.echo_reply()).into())
    }

    fn choose_route(&mut self, router: &Router, destination: Ipv4Addr) -> Result<(Arc<Route>, Arc<Port>), Stop> {
        let best = self
            .network
            .routes
            .values()
            .filter(|route| route.router == router.id && route.destination.contains(IpAddr::V4(destination)))
            .max_by_key(|route| route.destination.prefix_len())
            .cloned();
        let Some(route) = best else {
            let why = format!("{} has no route to {destination}", name(&router.origin));
            return self.drop(Stage::Router, Some(&router.origin), DropReason::NoRoute, why);
        };
        let Some(exit) = self.network.ports.get(&route.port).cloned() else {
            let why = format!("the route's port {} does not exist", route.port);
            return self.drop(Stage::Router, Some(&route.origin), DropReason::Internal, why);
        };
        let via = route.next_hop.map_or_else(|| "connected".to_owned(), |hop| format!("via {hop}"));
        let text =
            format!("{}: route {} {via} through {}", name(&router.origin), route.destination, name(&exit.origin));
        self.step(Stage::Router, Some(&route.origin), text);
        Ok((route, exit))
    }

    fn check_mtu(&mut self, exit: &Port, flight: &Flight) -> Result<(), Stop> {
        let switch = self.switch_row(exit.switch)?;
        let length = u32::from(flight.packet.total_len());
        if length > switch.mtu {
            let why = format!("{length} bytes are more than the {} of {}", switch.mtu, name(&switch.origin));
            return self.drop(Stage::Router, Some(&switch.origin), DropReason::TooBig, why);
        }
        Ok(())
    }

    /// Who has an address on a switch.
    fn find_neighbour(&mut self, switch: SwitchId, address: Ipv4Addr) -> Result<Neighbour, Stop> {
        let owner = self.ports_on(switch).find(|port| has_address(port, address)).cloned();
        match owner {
            Some(port) if let PortKind::Router { router } = port.kind => return Ok(Neighbour::Router(router, port)),
            Some(port) if matches!(port.kind, PortKind::Guest { .. }) => return Ok(Neighbour::Guest(port)),
            _ => {}
        }
        if let Some(row) = self.network.floating_ips.get(&(switch, address)).cloned() {
            let gateway = self.network.ports.get(&row.port).cloned().ok_or(DropReason::Internal)?;
            return Ok(Neighbour::Router(row.router, gateway));
        }
        let switch = self.switch_row(switch)?;
        match switch.kind {
            SwitchKind::External { .. } => Ok(Neighbour::Wire),
            SwitchKind::Tenant => {
                let why = format!("nobody on {} has {address}", name(&switch.origin));
                self.drop(Stage::Router, Some(&switch.origin), DropReason::NoNeighbour, why)
            }
        }
    }

    pub(super) fn switch_row(&mut self, id: SwitchId) -> Result<Arc<Switch>, Stop> {
        match self.network.switches.get(&id).cloned() {
            Some(switch) => Ok(switch),
            None => self.drop(Stage::Router, None, DropReason::Internal, format!("there is no switch {id}")),
        }
    }
}

fn is_port_of(port: &Port, router: RouterId) -> bool {
    matches!(port.kind, PortKind::Router { router: of } if of == router)
}

fn next_hop(route: &Route, destination: Ipv4Addr) -> Ipv4Addr {
    match route.next_hop {
        Some(IpAddr::V4(hop)) => hop,
        // The route of an IPv4 destination has no IPv6 next hop.
        Some(IpAddr::V6(_)) | None => destination,
    }
}
