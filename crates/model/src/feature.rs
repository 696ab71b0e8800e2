//! Features, and the profiles that say which of them a region has.
//!
//! A feature is a family of API extensions that a region has as a whole or not at all: a row of the
//! matrix that operators publish for their regions. It owns the extensions' aliases, paths below
//! `/v2.0`, services of their own, and names of quotas; what no feature owns belongs to
//! [`Feature::Basic`], which every region has. What a region lacks is absent there: not in the
//! list of extensions, and its URLs, attributes and quotas are refused by the feature's name.
//!
//! A profile says what a region *shall* have. Whether this program can do it, and whether the
//! region's datapath can, are two other questions ([`crate::extension`], and the driver).
//!
//! Deliberately absent: any rule of a single resource. Who refuses what, asks
//! [`Features::contains`].

pub mod attribute;
mod profile;

use std::{fmt, str::FromStr};

pub use profile::Profile;

/// A family of extensions. The order is that of the published matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Networks, routers, floating IPs, security groups, port security, and all that no other
    /// feature owns.
    Basic,
    /// IPsec VPN.
    Vpn,
    /// Public address space that a customer brings.
    Byoip,
    /// L4 load balancing by the network service's own, older API.
    Lbaas,
    /// L7 load balancing, a service of its own.
    Octavia,
    /// Names of ports and floating IPs in DNS.
    Dns,
    /// Trunk ports: several networks through one port.
    Trunk,
    /// IPv6.
    Ipv6,
    /// Firewalls on routers.
    Fwaas,
    /// Dynamic routing, and VPNs made of it.
    Bgp,
    /// Counters of traffic by prefix.
    Metering,
    /// Limits and guarantees of bandwidth.
    Qos,
    /// Chains of appliances that traffic is sent through.
    Sfc,
}

/// What is known about a feature.
struct About {
    feature: Feature,
    /// Its name in configuration and errors.
    name: &'static str,
    /// Its name for people.
    title: &'static str,
    /// Aliases of the extensions that it brings.
    aliases: &'static [&'static str],
    /// First parts of paths below `/v2.0`, spelled with hyphens.
    paths: &'static [&'static str],
    /// First parts of paths of services beside the network service.
    services: &'static [&'static str],
    /// Names of its quotas.
    quotas: &'static [&'static str],
}

/// The matrix's rows, in the order of [`Feature`].
static ABOUT: [About; 13] = [
    About {
        feature: Feature::Basic,
        name: "basic",
        title: "basic networking",
        aliases: &[],
        paths: &[],
        services: &[],
        quotas: &[],
    },
    About {
        feature: Feature::Vpn,
        name: "vpn",
        title: "IPsec VPN",
        aliases: &["vpnaas", "vpn-endpoint-groups", "vpn-flavors", "vpn-aes-ctr"],
        paths: &["vpn"],
        services: &[],
        quotas: &["ikepolicy", "ipsecpolicy", "endpoint_group", "vpnservice", "ipsec_site_connection"],
    },
    About {
        feature: Feature::Byoip,
        name: "byoip",
        title: "customer public IP space",
        aliases: &[],
        paths: &[],
        services: &[],
        quotas: &[],
    },
    About {
        feature: Feature::Lbaas,
        name: "lbaas",
        title: "L4 load balancing (Neutron LBaaSv2)",
        aliases: &[
            "lbaasv2",
            "lbaas_agent_schedulerv2",
            "lb-graph",
            "lb_network_vip",
            "hm_max_retries_down",
            "l7",
            "shared_pools",
        ],
        paths: &["lbaas"],
        services: &[],
        quotas: &["loadbalancer", "listener", "pool", "member", "healthmonitor", "l7policy"],
    },
    About {
        feature: Feature::Octavia,
        name: "octavia",
        title: "L7 load balancing (Octavia)",
        aliases: &[],
        paths: &[],
        services: &["load-balancer"],
        quotas: &[],
    },
    About {
        feature: Feature::Dns,
        name: "dns",
        title: "DNS integration and PTR records",
        aliases: &[
            "dns-integration",
            "dns-domain-ports",
            "dns-integration-domain-keywords",
            "subnet-dns-publish-fixed-ip",
        ],
        paths: &[],
        services: &[],
        quotas: &[],
    },
    About {
        feature: Feature::Trunk,
        name: "trunk",
        title: "port trunking",
        aliases: &["trunk", "trunk-details"],
        paths: &["trunks"],
        services: &[],
        quotas: &["trunk"],
    },
    About {
        feature: Feature::Ipv6,
        name: "ipv6",
        title: "IPv6",
        aliases: &["l3-ndp-proxy", "l3-ext-ndp-proxy"],
        paths: &["ndp-proxies"],
        services: &[],
        quotas: &[],
    },
    About {
        feature: Feature::Fwaas,
        name: "fwaas",
        title: "firewalls (FWaaS v2)",
        aliases: &["fwaas_v2"],
        paths: &["fwaas"],
        services: &[],
        quotas: &["firewall_group", "firewall_policy", "firewall_rule"],
    },
    About {
        feature: Feature::Bgp,
        name: "bgp",
        title: "BGP dynamic routing",
        aliases: &["bgp", "bgp_4byte_asn", "bgp_dragent_scheduler", "bgpvpn"],
        paths: &["bgp-speakers", "bgp-peers", "bgpvpn"],
        services: &[],
        quotas: &["bgpvpn"],
    },
    About {
        feature: Feature::Metering,
        name: "metering",
        title: "metering",
        aliases: &["metering", "metering_source_and_destination_fields"],
        paths: &["metering"],
        services: &[],
        quotas: &[],
    },
    About {
        feature: Feature::Qos,
        name: "qos",
        title: "quality of service",
        aliases: &[
            "qos",
            "qos-bw-limit-direction",
            "qos-bw-minimum-ingress",
            "qos-default",
            "qos-fip",
            "qos-gateway-ip",
            "qos-port-network-policy",
            "qos-pps",
            "qos-pps-minimum",
            "qos-pps-minimum-rule-alias",
            "qos-rule-type-details",
            "qos-rule-type-filter",
            "qos-rules-alias",
            "port-resource-request",
            "port-resource-request-groups",
        ],
        paths: &["qos"],
        services: &[],
        quotas: &[],
    },
    About {
        feature: Feature::Sfc,
        name: "sfc",
        title: "service function chaining",
        aliases: &["sfc", "flow_classifier", "service_graph", "networking-sfc-tap"],
        paths: &["sfc"],
        services: &[],
        quotas: &["flow_classifier", "service_graph", "port_pair", "port_chain", "port_pair_group"],
    },
];

impl Feature {
    /// Every feature, in the matrix's order.
    pub fn all() -> impl Iterator<Item = Self> {
        ABOUT.iter().map(|about| about.feature)
    }

    fn about(self) -> &'static About {
        &ABOUT[self as usize]
    }

    /// Its name in configuration, and in errors beside [`Self::title`].
    #[must_use]
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// Its name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.about().title
    }

    /// The aliases of the extensions that it brings; none are listed for [`Self::Basic`].
    #[must_use]
    pub fn aliases(self) -> &'static [&'static str] {
        self.about().aliases
    }

    /// The names of its quotas; none are listed for [`Self::Basic`].
    #[must_use]
    pub fn quotas(self) -> &'static [&'static str] {
        self.about().quotas
    }

    /// The first parts of its paths below `/v2.0`.
    #[must_use]
    pub fn paths(self) -> &'static [&'static str] {
        self.about().paths
    }

    /// The feature that an extension belongs to.
    #[must_use]
    pub fn of_alias(alias: &str) -> Self {
        Self::owner(|about| about.aliases.contains(&alias))
    }

    /// The feature that a path below `/v2.0` belongs to, by its first part. Some paths may be spelled
    /// with underscores.
    #[must_use]
    pub fn of_path(first: &str) -> Self {
        let first = first.replace('_', "-");
        let first = first.strip_suffix(".json").unwrap_or(&first);
        Self::owner(|about| about.paths.contains(&first))
    }

    /// The feature that a regional service belongs to, by the first part of its path.
    #[must_use]
    pub fn of_service(first: &str) -> Self {
        Self::owner(|about| about.services.contains(&first))
    }

    /// The feature that a quota of the network service belongs to.
    #[must_use]
    pub fn of_quota(name: &str) -> Self {
        Self::owner(|about| about.quotas.contains(&name))
    }

    fn owner(has: impl Fn(&About) -> bool) -> Self {
        ABOUT.iter().find(|about| has(about)).map_or(Self::Basic, |about| about.feature)
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// `IPv6`, or the title with the name where the two differ: `port trunking [trunk]`.
impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())?;
        if self.title().eq_ignore_ascii_case(self.name()) { Ok(()) } else { write!(f, " [{}]", self.name()) }
    }
}

/// A name of no feature, or of no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseFeatureError {
    /// No feature has the name.
    #[error("'{value}' is no feature: give one of {}", names(Feature::all()))]
    Feature {
        /// What was given.
        value: String,
    },
    /// No profile has the name, and it is no list of features.
    #[error("'{value}' is no profile: give one of {}, or a list of the features {}", Profile::NAMES.join(", "), names(Feature::all()))]
    Profile {
        /// What was given.
        value: String,
    },
}

fn names(features: impl Iterator<Item = Feature>) -> String {
    features.map(Feature::name).collect::<Vec<_>>().join(", ")
}

impl FromStr for Feature {
    type Err = ParseFeatureError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::all()
            .find(|feature| feature.name() == name)
            .ok_or_else(|| ParseFeatureError::Feature { value: name.to_owned() })
    }
}

/// A set of features. [`Feature::Basic`] is always one of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Features(u16);

impl Features {
    /// Stands beside the features: those have the lower bits.
    const PREVIEWS: u16 = 1 << 15;

    /// Basic networking alone.
    pub const BASIC: Self = Self(Feature::Basic.bit());

    /// Every feature.
    #[must_use]
    pub fn all() -> Self {
        Feature::all().collect()
    }

    /// The set of a region that shows previews too: what is kept, and not carried out yet.
    #[must_use]
    pub const fn with_previews(self) -> Self {
        Self(self.0 | Self::PREVIEWS)
    }

    /// Whether a region with this set offers what came with an extension.
    #[must_use]
    pub fn offers(self, alias: &str) -> bool {
        let previews = self.0 & Self::PREVIEWS != 0;
        self.contains(Feature::of_alias(alias)) && (previews || !crate::extension::is_preview(alias))
    }

    /// Whether a region with this set has the feature.
    #[must_use]
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & feature.bit() != 0
    }

    /// The set without a feature; nothing takes [`Feature::Basic`] away.
    #[must_use]
    pub const fn without(self, feature: Feature) -> Self {
        Self(self.0 & !feature.bit() | Self::BASIC.0)
    }

    /// The features in it.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::all().filter(move |feature| self.contains(*feature))
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        Self(features.into_iter().fold(Self::BASIC.0, |bits, feature| bits | feature.bit()))
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
