//! Addresses: what a subnet offers, and which one a port gets.
//!
//! An address is chosen at random, so that a freed one is not given to the next server at once
//! (whose neighbours may remember the old one), and so that a choice costs one look-up and not a
//! scan. When a few tries hit used addresses the pool is nearly full, and the next free one is
//! searched in the index from a random place. The unique key over (subnet, address) is what
//! guarantees uniqueness; this code only finds candidates.

use std::net::{IpAddr, Ipv6Addr};

use model::{AllocationPool, Subnet};
use rand::Rng;
use store::Read;
use types::{Cidr, MacAddr};

use crate::{Context, Error};

/// Tries at random before the search in order.
const TRIES: u32 = 16;

fn to_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn of_number(cidr: Cidr, number: u128) -> IpAddr {
    if cidr.is_ipv4() {
        // Numbers come from inside an IPv4 range, so they fit.
        IpAddr::V4(u32::try_from(number).unwrap_or(u32::MAX).into())
    } else {
        IpAddr::V6(Ipv6Addr::from(number))
    }
}

/// The first and the last address of a range that a pool may hold: without IPv4's network and
/// broadcast address, and without IPv6's subnet-router anycast address. A range of one or two
/// addresses has neither.
pub(crate) fn usable(cidr: Cidr) -> (IpAddr, IpAddr) {
    let (first, last) = (to_number(cidr.network()), to_number(cidr.last()));
    let width = if cidr.is_ipv4() { 32 } else { 128 };
    if cidr.prefix_len() >= width - 1 {
        return (cidr.network(), cidr.last());
    }
    let last = if cidr.is_ipv4() { last - 1 } else { last };
    (of_number(cidr, first + 1), of_number(cidr, last))
}

/// Whether a port may have the address in the subnet.
pub(crate) fn is_usable(subnet: &Subnet, address: IpAddr) -> bool {
    if !subnet.cidr.contains(address) {
        return false;
    }
    let (first, last) = usable(subnet.cidr);
    // IPv6's anycast address is the gateway of subnets with automatic addresses.
    (first..=last).contains(&address) || subnet.gateway_ip == Some(address)
}

/// The gateway of a subnet that names none: its first address, or the anycast address where
/// addresses are automatic.
pub(crate) fn default_gateway(subnet: &Subnet) -> Option<IpAddr> {
    if subnet.is_auto_address() { Some(subnet.cidr.network()) } else { Some(usable(subnet.cidr).0) }
}

/// The pools of a subnet that names none: all addresses but the gateway.
pub(crate) fn default_pools(cidr: Cidr, gateway: Option<IpAddr>) -> Vec<AllocationPool> {
    let (first, last) = usable(cidr);
    let inside = gateway.filter(|gateway| (first..=last).contains(gateway));
    let Some(gateway) = inside.map(to_number) else {
        return vec![AllocationPool { start: first, end: last }];
    };
    let mut pools = Vec::new();
    if to_number(first) < gateway {
        pools.push(AllocationPool { start: first, end: of_number(cidr, gateway - 1) });
    }
    if gateway < to_number(last) {
        pools.push(AllocationPool { start: of_number(cidr, gateway + 1), end: last });
    }
    pools
}

/// The address that a device with this MAC address makes of the prefix (RFC 4291, appendix A).
pub(crate) fn eui64(cidr: Cidr, mac: MacAddr) -> IpAddr {
    let [a, b, c, d, e, f] = mac.0;
    let host = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    of_number(cidr, to_number(cidr.network()) | u128::from(host))
}

/// A free address of the subnet's pools; `None` when there is none. `taken` are addresses that the
/// same port is about to get.
pub(crate) fn allocate(
    read: &Read<'_>,
    context: &Context,
    subnet: &Subnet,
    taken: &[IpAddr],
) -> Result<Option<IpAddr>, Error> {
    let is_free = |address: IpAddr| -> Result<bool, Error> {
        Ok(!taken.contains(&address) && !read.address_in_use(&context.region, subnet.id, address)?)
    };
    let size = |pool: &AllocationPool| (to_number(pool.end) - to_number(pool.start)).saturating_add(1);
    let total = subnet.allocation_pools.iter().map(size).fold(0, u128::saturating_add);
    if total == 0 {
        return Ok(None);
    }
    let mut random = rand::rng();
    for _ in 0..TRIES {
        let mut index = random.random_range(0..total);
        for pool in &subnet.allocation_pools {
            if index < size(pool) {
                let address = of_number(subnet.cidr, to_number(pool.start) + index);
                if is_free(address)? {
                    return Ok(Some(address));
                }
                break;
            }
            index -= size(pool);
        }
    }
    search(read, context, subnet, taken, &mut random)
}

/// The next free address in the index, in each pool from a random place to its end and then from
/// its start.
fn search(
    read: &Read<'_>,
    context: &Context,
    subnet: &Subnet,
    taken: &[IpAddr],
    random: &mut impl Rng,
) -> Result<Option<IpAddr>, Error> {
    let base = to_number(subnet.cidr.network());
    for pool in &subnet.allocation_pools {
        // Larger pools were not exhausted by random tries.
        let host = |address: IpAddr| i64::try_from(to_number(address) - base).unwrap_or(i64::MAX - 1);
        let (first, last) = (host(pool.start), host(pool.end));
        for start in [random.random_range(first..=last), first] {
            let mut from = start;
            while let Some(host) = read.first_free(&context.region, subnet.id, from, last)? {
                let address = of_number(subnet.cidr, base + u128::from(host.unsigned_abs()));
                if !taken.contains(&address) {
                    return Ok(Some(address));
                }
                if host >= last {
                    break;
                }
                from = host + 1;
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(cidr: &str, gateway: Option<&str>) -> Vec<String> {
        let gateway = gateway.map(|gateway| gateway.parse().unwrap());
        default_pools(cidr.parse().unwrap(), gateway)
            .iter()
            .map(|pool| format!("{}-{}", pool.start, pool.end))
            .collect()
    }

    #[test]
    fn pools_leave_out_the_gateway_and_what_is_no_host() {
        assert_eq!(pools("10.20.0.0/24", Some("10.20.0.1")), ["10.20.0.2-10.20.0.254"]);
        assert_eq!(pools("10.20.0.0/24", Some("10.20.0.9")), ["10.20.0.1-10.20.0.8", "10.20.0.10-10.20.0.254"]);
        assert_eq!(pools("10.20.0.0/24", None), ["10.20.0.1-10.20.0.254"]);
        assert_eq!(pools("10.20.0.0/31", Some("10.20.0.0")), ["10.20.0.1-10.20.0.1"]);
        assert_eq!(
            pools("2001:db8:20::/64", Some("2001:db8:20::")),
            ["2001:db8:20::1-2001:db8:20:0:ffff:ffff:ffff:ffff"]
        );
    }

    #[test]
    fn eui64_is_the_rfcs() {
        let address = eui64("2001:db8:20::/64".parse().unwrap(), "fa:16:3e:78:9b:46".parse().unwrap());
        assert_eq!(address.to_string(), "2001:db8:20:0:f816:3eff:fe78:9b46");
    }
}
