//! Routes of the main table, or of another.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{
        RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
    },
};
use nix::errno::Errno;
use types::Cidr;

use crate::{Links, Result};

/// What a route does with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RouteKind {
    /// Sends it on.
    #[default]
    Unicast,
    /// Drops it silently.
    Blackhole,
    /// Drops it and tells the sender.
    Unreachable,
}

/// A route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// Where to; `0.0.0.0/0` or `::/0` for the default route.
    pub destination: Cidr,
    /// The next hop; absent when the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The interface; may be absent when the gateway determines it.
    pub ifindex: Option<u32>,
    /// Take the gateway for reachable on the link, although no address of ours covers it.
    pub onlink: bool,
    /// The source address that our own packets prefer.
    pub source: Option<IpAddr>,
    /// The metric: the lowest wins.
    pub metric: Option<u32>,
    /// The table; 254 is "main".
    pub table: u32,
    /// What it does.
    pub kind: RouteKind,
}

impl Route {
    /// The number of the main table.
    pub const MAIN_TABLE: u32 = RouteHeader::RT_TABLE_MAIN as u32;

    /// A route to `destination` in the main table, without next hop or interface as yet.
    #[must_use]
    pub fn to(destination: Cidr) -> Self {
        Self {
            destination,
            gateway: None,
            ifindex: None,
            onlink: false,
            source: None,
            metric: None,
            table: Self::MAIN_TABLE,
            kind: RouteKind::Unicast,
        }
    }

    /// The default route by way of `gateway`.
    #[must_use]
    pub fn default_via(gateway: IpAddr) -> Self {
        let any = match gateway {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        // A prefix of length 0 fits both versions, so the host range never stands in.
        let everything = Cidr::new(any, 0).unwrap_or_else(|| Cidr::host(any));
        Self::to(everything).via(gateway)
    }

    /// By way of this next hop.
    #[must_use]
    pub fn via(self, gateway: IpAddr) -> Self {
        Self { gateway: Some(gateway), ..self }
    }

    /// Through this interface.
    #[must_use]
    pub fn dev(self, ifindex: u32) -> Self {
        Self { ifindex: Some(ifindex), ..self }
    }

    /// With its next hop taken for reachable on the link.
    #[must_use]
    pub fn onlink(self) -> Self {
        Self { onlink: true, ..self }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.destination)?;
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        if let Some(ifindex) = self.ifindex {
            write!(f, " through interface {ifindex}")?;
        }
        Ok(())
    }
}

impl Links {
    /// Adds a route, in place of one with the same destination, metric and table.
    pub fn add_route(&self, route: &Route) -> Result<()> {
        let message = RouteNetlinkMessage::NewRoute(message(route));
        self.netlink.change(&format!("add the route to {route}"), message, NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Deletes a route; false when there was none.
    pub fn delete_route(&self, route: &Route) -> Result<bool> {
        let message = RouteNetlinkMessage::DelRoute(message(route));
        match self.netlink.change(&format!("delete the route to {route}"), message, 0) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.errno(), Some(Errno::ESRCH | Errno::ENODEV)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The routes of the main table, IPv4 first.
    pub fn routes(&self) -> Result<Vec<Route>> {
        let mut routes = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut message = RouteMessage::default();
            message.header.address_family = family;
            let answers = self.netlink.dump("list routes", RouteNetlinkMessage::GetRoute(message))?;
            routes.extend(
                answers
                    .iter()
                    .filter_map(|answer| match answer {
                        RouteNetlinkMessage::NewRoute(message) => route_of(message),
                        _ => None,
                    })
                    .filter(|route| route.table == Route::MAIN_TABLE),
            );
        }
        Ok(routes)
    }

    /// The IPv4 default route of lowest metric.
    pub fn default_route(&self) -> Result<Option<Route>> {
        Ok(self
            .routes()?
            .into_iter()
            .filter(|route| route.destination.is_ipv4() && route.destination.prefix_len() == 0)
            .min_by_key(|route| route.metric.unwrap_or(0)))
    }
}

fn message(route: &Route) -> RouteMessage {
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = if route.destination.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    header.destination_prefix_length = route.destination.prefix_len();
    header.protocol = RouteProtocol::Static;
    header.kind = match route.kind {
        RouteKind::Unicast => RouteType::Unicast,
        RouteKind::Blackhole => RouteType::BlackHole,
        RouteKind::Unreachable => RouteType::Unreachable,
    };
    header.scope = match (route.kind, route.gateway) {
        (RouteKind::Unicast, None) => RouteScope::Link,
        _ => RouteScope::Universe,
    };
    if route.onlink {
        header.flags = RouteFlags::Onlink;
    }
    // Tables above 255 do not fit into the header; the attribute holds any.
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Table(route.table));
    if route.destination.prefix_len() > 0 {
        attributes.push(RouteAttribute::Destination(route_address(route.destination.network())));
    }
    attributes.extend(route.gateway.map(|gateway| RouteAttribute::Gateway(route_address(gateway))));
    attributes.extend(route.ifindex.map(RouteAttribute::Oif));
    attributes.extend(route.source.map(|source| RouteAttribute::PrefSource(route_address(source))));
    attributes.extend(route.metric.map(RouteAttribute::Priority));
    message
}

fn route_of(message: &RouteMessage) -> Option<Route> {
    let any = match message.header.address_family {
        AddressFamily::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        AddressFamily::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => return None,
    };
    let kind = match message.header.kind {
        RouteType::Unicast => RouteKind::Unicast,
        RouteType::BlackHole => RouteKind::Blackhole,
        RouteType::Unreachable => RouteKind::Unreachable,
        _ => return None,
    };
    let mut destination = any;
    let mut route = Route::to(Cidr::host(any));
    route.kind = kind;
    route.table = u32::from(message.header.table);
    route.onlink = message.header.flags.contains(RouteFlags::Onlink);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => destination = ip_address(address)?,
            RouteAttribute::Gateway(address) => route.gateway = ip_address(address),
            RouteAttribute::PrefSource(address) => route.source = ip_address(address),
            RouteAttribute::Oif(ifindex) => route.ifindex = Some(*ifindex),
            RouteAttribute::Priority(metric) => route.metric = Some(*metric),
            RouteAttribute::Table(table) => route.table = *table,
            _ => {}
        }
    }
    route.destination = Cidr::new(destination, message.header.destination_prefix_length)?;
    Some(route)
}

fn route_address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    }
}

fn ip_address(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}
