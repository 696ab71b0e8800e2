//! Quotas: what a project may have of what, under the names of every API that speaks of it.
//!
//! One table, a line for each thing that is limited. Its *key* (`network.floatingips`) is what the
//! rows of the database, the configuration and the API across regions call it; its *name* is what
//! the API of its own service calls it (`floatingip` of the network service). All of them read and
//! write the same rows.
//!
//! What is limited belongs to a service, and with it to a region or to all of them
//! ([`Quota::place`]). Most limits count a project's objects; some hold for each object of their
//! own ([`Counts::Each`]: routes of a router) and have no usage.
//!
//! Deliberately absent: numbers of projects (rows of `store`) and the refusal (`intent`).

use std::{collections::BTreeMap, fmt};

use crate::{Feature, Features, ResourceInfo, registry};

/// Whose API a quota belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Neutron's API, per region.
    Network,
    /// Octavia's API, per region.
    LoadBalancer,
    /// Designate's API, one for all regions.
    Dns,
}

impl Service {
    /// What the keys of its quotas begin with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Network => "network.",
            Self::LoadBalancer => "loadbalancer.",
            Self::Dns => "dns.",
        }
    }
}

/// What a limit is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// The objects that a project has.
    Objects,
    /// The parts of a single object, whichever it is: a project as a whole uses none of it.
    Each,
}

/// A limit, for all its APIs.
#[derive(Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its key in rows, in the configuration and in the API across regions.
    pub key: &'static str,
    /// The group of keys that a query across regions may ask for.
    pub component: &'static str,
    /// Whose it is.
    pub service: Service,
    /// Its name in the API of its service.
    pub name: &'static str,
    /// A second name there, which older clients use.
    pub alias: Option<&'static str>,
    /// The limit of a project that has none of its own, unless the configuration has another.
    pub default: i64,
    /// What it is compared with.
    pub counts: Counts,
}

/// Stands for no limit.
pub const UNLIMITED: i64 = -1;

/// The largest limit: what the column of Neutron and Designate takes.
pub const MAXIMUM: i64 = 2_147_483_647;

const fn network(key: &'static str, name: &'static str, default: i64) -> Quota {
    Quota { key, component: "network", service: Service::Network, name, alias: None, default, counts: Counts::Objects }
}

const fn lbaas(key: &'static str, name: &'static str, default: i64) -> Quota {
    Quota { component: "network.lb", ..network(key, name, default) }
}

const fn vpn(key: &'static str, name: &'static str) -> Quota {
    Quota { component: "network.vpn", ..network(key, name, UNLIMITED) }
}

const fn balancer(key: &'static str, name: &'static str, alias: Option<&'static str>, default: i64) -> Quota {
    Quota { component: "loadbalancer", service: Service::LoadBalancer, alias, ..network(key, name, default) }
}

const fn dns(key: &'static str, name: &'static str, default: i64, counts: Counts) -> Quota {
    Quota { component: "dns", service: Service::Dns, counts, ..network(key, name, default) }
}

/// Every quota. Defaults are those of the service that this one is modelled on, and upstream's
/// where that service has none.
pub static QUOTAS: [Quota; 43] = [
    network("network.networks", "network", 1024),
    network("network.subnets", "subnet", 1024),
    network("network.subnet_pools", "subnetpool", UNLIMITED),
    network("network.ports", "port", 1024),
    Quota { counts: Counts::Each, ..network("network.router_routes", "router_route", 30) },
    network("network.routers", "router", 128),
    network("network.floatingips", "floatingip", 50),
    network("network.rbac_policies", "rbac_policy", 128),
    network("network.security_groups", "security_group", 1024),
    network("network.security_group_rules", "security_group_rule", 2048),
    network("network.trunks", "trunk", UNLIMITED),
    vpn("network.vpn_ikepolicies", "ikepolicy"),
    vpn("network.vpn_ipsecpolicies", "ipsecpolicy"),
    vpn("network.vpn_endpoint_groups", "endpoint_group"),
    vpn("network.vpn_services", "vpnservice"),
    vpn("network.vpn_ipsec_site_connections", "ipsec_site_connection"),
    network("network.firewall_rules", "firewall_rule", 100),
    network("network.firewall_groups", "firewall_group", 10),
    network("network.firewall_policies", "firewall_policy", 10),
    network("network.flow_classifiers", "flow_classifier", 100),
    network("network.service_graphs", "service_graph", UNLIMITED),
    network("network.port_pairs", "port_pair", 100),
    network("network.port_chains", "port_chain", 10),
    network("network.port_pair_groups", "port_pair_group", 10),
    network("network.bgpvpns", "bgpvpn", UNLIMITED),
    lbaas("network.loadbalancers", "loadbalancer", 1024),
    lbaas("network.lb_listeners", "listener", 1024),
    lbaas("network.lb_pools", "pool", 128),
    lbaas("network.lb_members", "member", 128),
    lbaas("network.lb_healthmonitors", "healthmonitor", 1024),
    lbaas("network.lb_l7policies", "l7policy", UNLIMITED),
    balancer("loadbalancer.loadbalancers", "loadbalancer", Some("load_balancer"), 15),
    balancer("loadbalancer.listeners", "listener", None, 200),
    balancer("loadbalancer.members", "member", None, 300),
    balancer("loadbalancer.pools", "pool", None, 200),
    balancer("loadbalancer.healthmonitors", "healthmonitor", Some("health_monitor"), 200),
    balancer("loadbalancer.l7policies", "l7policy", None, UNLIMITED),
    balancer("loadbalancer.l7rules", "l7rule", None, UNLIMITED),
    dns("dns.zones", "zones", 10, Counts::Objects),
    dns("dns.zone_recordsets", "zone_recordsets", 500, Counts::Each),
    dns("dns.zone_records", "zone_records", 500, Counts::Each),
    dns("dns.recordset_records", "recordset_records", 20, Counts::Each),
    dns("dns.api_export_size", "api_export_size", 1000, Counts::Each),
];

/// The quota of a key.
#[must_use]
pub fn by_key(key: &str) -> Option<&'static Quota> {
    QUOTAS.iter().find(|quota| quota.key == key)
}

/// The quota that counts a resource of the network service; none when nothing limits it.
#[must_use]
pub fn of_resource(info: &ResourceInfo) -> Option<&'static Quota> {
    QUOTAS.iter().find(|quota| quota.service == Service::Network && quota.name == info.member)
}

/// The quotas of a service that a region with these features has.
pub fn of_service(service: Service, features: Features) -> impl Iterator<Item = &'static Quota> {
    QUOTAS.iter().filter(move |quota| quota.service == service && features.contains(quota.feature()))
}

impl Quota {
    /// What a region must have for it.
    #[must_use]
    pub fn feature(&self) -> Feature {
        match self.service {
            Service::Network => Feature::of_quota(self.name),
            Service::LoadBalancer => Feature::Octavia,
            // One service for all regions, whatever they have.
            Service::Dns => Feature::Basic,
        }
    }

    /// Whether its service calls it so.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }

    /// Where its rows are when asked for in a region: there, or in no region when it is global.
    #[must_use]
    pub fn place<'a>(&self, region: &'a str) -> &'a str {
        match self.service {
            Service::Network | Service::LoadBalancer => region,
            Service::Dns => "",
        }
    }

    /// The resource whose objects it counts; none while nothing of the kind exists here, and for
    /// limits of each object.
    #[must_use]
    pub fn resource(&self) -> Option<&'static ResourceInfo> {
        let counted = self.service == Service::Network && self.counts == Counts::Objects;
        registry::RESOURCES.iter().copied().find(|info| counted && info.member == self.name)
    }
}

/// A default of the configuration that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// No quota has the key.
    #[error("'{0}' is no quota; the quotas are: {known}", known = Known)]
    Unknown(String),
    /// The number is no limit.
    #[error("{key} = {limit}: give a number from 0 to {MAXIMUM}, or {UNLIMITED} for no limit")]
    Limit {
        /// The key.
        key: String,
        /// The number.
        limit: i64,
    },
}

/// Every key, as a list for people.
struct Known;

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&QUOTAS.iter().map(|quota| quota.key).collect::<Vec<_>>().join(", "))
    }
}

/// The limits of projects that have none of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuotaDefaults {
    /// What the configuration says beside the table.
    given: BTreeMap<&'static str, i64>,
}

impl QuotaDefaults {
    /// The table's defaults, with these in place of some.
    pub fn with<'a>(given: impl IntoIterator<Item = (&'a str, i64)>) -> Result<Self, QuotaError> {
        let mut defaults = Self::default();
        for (key, limit) in given {
            let quota = by_key(key).ok_or_else(|| QuotaError::Unknown(key.to_owned()))?;
            if !(UNLIMITED..=MAXIMUM).contains(&limit) {
                return Err(QuotaError::Limit { key: key.to_owned(), limit });
            }
            defaults.given.insert(quota.key, limit);
        }
        Ok(defaults)
    }

    /// What is given beside the table.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, i64)> {
        self.given.iter().map(|(key, limit)| (*key, *limit))
    }

    /// The default of a quota.
    #[must_use]
    pub fn of(&self, quota: &Quota) -> i64 {
        self.given.get(quota.key).copied().unwrap_or(quota.default)
    }
}

#[cfg(test)]
mod tests;
