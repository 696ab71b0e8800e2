//! The options of an answer, from a port's facts.

use std::net::{IpAddr, Ipv4Addr};

use logical::{Dhcp4Options, SERVICE_ADDRESS};
use types::Cidr;

use super::{
    extra::{self, Extra},
    message::code,
};

/// What an answer tells about the network.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Facts {
    /// The options, the most important first: the last ones are left out where room is short.
    pub(super) options: Vec<(u8, Vec<u8>)>,
    /// Address of the boot server.
    pub(super) boot_server: Option<Ipv4Addr>,
    /// How long the address may be used without asking again.
    pub(super) lease_seconds: u32,
}

/// The options for a client that asks for `wanted`.
///
/// All that we know is sent, whether asked for or not: clients ignore what they do not know, and
/// common ones do not ask for the MTU or the routes but use them. Only Microsoft's private form of the
/// routes goes to those alone that ask.
pub(super) fn facts(dhcp: &Dhcp4Options, wanted: &[u8]) -> Facts {
    let mut facts = Facts { lease_seconds: dhcp.lease_seconds, ..Facts::default() };
    let options = &mut facts.options;
    let subnet = Cidr::new(dhcp.address.into(), dhcp.prefix_len);
    let mask = match subnet.map(Cidr::netmask) {
        Some(IpAddr::V4(mask)) => mask,
        _ => Ipv4Addr::BROADCAST,
    };
    // What cannot be understood was reported when the facts arrived.
    let extras: Vec<Extra> =
        dhcp.extra.iter().filter_map(|option| extra::parse(&option.name, &option.value).ok()).collect();
    let routes = routes(dhcp, router(dhcp, &extras));
    options.push((code::SUBNET_MASK, mask.octets().to_vec()));
    options.push((code::CLASSLESS_ROUTES, routes.clone()));
    options.extend(dhcp.router.map(|router| (code::ROUTER, router.octets().to_vec())));
    if !dhcp.dns_servers.is_empty() {
        options.push((code::DNS_SERVERS, dhcp.dns_servers.iter().flat_map(Ipv4Addr::octets).collect()));
    }
    options.push((code::MTU, dhcp.mtu.to_be_bytes().to_vec()));
    for (code, text) in [(code::HOST_NAME, Some(&dhcp.hostname)), (code::DOMAIN_NAME, dhcp.domain.as_ref())] {
        // An option of text without any is not allowed.
        options.extend(text.filter(|text| !text.is_empty()).map(|text| (code, text.as_bytes().to_vec())));
    }
    if let Some((subnet, IpAddr::V4(last))) = subnet.map(|subnet| (subnet, subnet.last()))
        && subnet.prefix_len() < 31
    {
        options.push((code::BROADCAST, last.octets().to_vec()));
    }
    for extra in extras {
        match extra {
            Extra::Lease(seconds) => facts.lease_seconds = seconds,
            Extra::Set(number, value) => set(options, number, value),
            Extra::Omit(number) => options.retain(|(code, _)| *code != number),
            Extra::BootServer(address) => facts.boot_server = Some(address),
        }
    }
    if wanted.contains(&code::CLASSLESS_ROUTES_MICROSOFT) {
        options.push((code::CLASSLESS_ROUTES_MICROSOFT, routes));
    }
    // Where room is short, what was asked for goes before what was not.
    options.sort_by_key(|(code, _)| !wanted.contains(code) && *code != code::SUBNET_MASK);
    facts
}

fn set(options: &mut Vec<(u8, Vec<u8>)>, number: u8, value: Vec<u8>) {
    match options.iter_mut().find(|(code, _)| *code == number) {
        Some((_, old)) => *old = value,
        None => options.push((number, value)),
    }
}

/// The router that the client shall use: an extra option may give another, or none.
fn router(dhcp: &Dhcp4Options, extras: &[Extra]) -> Option<Ipv4Addr> {
    let given = extras.iter().rev().find_map(|extra| match extra {
        Extra::Set(code::ROUTER, addresses) => Some(addresses.first_chunk::<4>().copied().map(Ipv4Addr::from)),
        Extra::Omit(code::ROUTER) => Some(None),
        _ => None,
    });
    given.unwrap_or(dhcp.router)
}

/// The classless routes (RFC 3442). A client that gets them ignores the router option, so the
/// default route is among them; the services are on the link (next hop 0.0.0.0).
fn routes(dhcp: &Dhcp4Options, router: Option<Ipv4Addr>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut push = |destination: Cidr, next_hop: Ipv4Addr| {
        // Destinations of another IP version have no form here and are left out.
        let _ = push_route(&mut bytes, destination, next_hop);
    };
    push(Cidr::host(SERVICE_ADDRESS.into()), Ipv4Addr::UNSPECIFIED);
    for route in &dhcp.routes {
        push(route.destination, route.next_hop);
    }
    let default = Cidr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    let given = dhcp.routes.iter().any(|route| Some(route.destination) == default);
    if let (Some(default), Some(router), false) = (default, router, given) {
        push(default, router);
    }
    bytes
}

/// Adds a route: the length of the prefix, its significant bytes, the next hop. `None`, and nothing
/// added, when the destination is not IPv4.
pub(super) fn push_route(bytes: &mut Vec<u8>, destination: Cidr, next_hop: Ipv4Addr) -> Option<()> {
    let IpAddr::V4(network) = destination.network() else { return None };
    let significant = usize::from(destination.prefix_len()).div_ceil(8);
    bytes.push(destination.prefix_len());
    bytes.extend(&network.octets()[..significant]);
    bytes.extend(next_hop.octets());
    Some(())
}
