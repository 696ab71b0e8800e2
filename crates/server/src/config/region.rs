//! Regions as they are configured, in the file and on the command line.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
    str::FromStr,
};

use model::Profile;
use serde::{Deserialize, Serialize};
use types::Cidr;

use super::{Config, DriverKind, InterfaceName, PUBLIC, RegionName, Uplink, ValueError};

/// Most regions of one process: each has a thread, a set of maps and a service process.
pub const MAX_REGIONS: usize = 16;

/// A region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionConfig {
    /// Its name, in the catalogue and in URLs.
    pub name: RegionName,
    /// What it offers.
    #[serde(default)]
    pub profile: Profile,
    /// Its datapath; `None`: that of `[agent]`.
    pub driver: Option<DriverKind>,
    /// What its `ext-net` connects to; `None`: as `[agent]` says.
    pub uplink: Option<Uplink>,
    /// The prefix of its `ext-net`; `None`: the next one of those for documentation.
    pub prefix: Option<ExternalPrefix>,
    /// Interfaces by the name of the physical network that they lead to.
    #[serde(default)]
    pub physical_networks: BTreeMap<String, InterfaceName>,
}

impl RegionConfig {
    /// A region of which only name and profile are said.
    #[must_use]
    pub fn new(name: RegionName, profile: Profile) -> Self {
        Self { name, profile, driver: None, uplink: None, prefix: None, physical_networks: BTreeMap::new() }
    }
}

impl Default for RegionConfig {
    fn default() -> Self {
        Self::new(RegionName::default(), Profile::Full)
    }
}

/// The prefix of an external network: IPv4, with room for a gateway and a few addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExternalPrefix(Cidr);

impl ExternalPrefix {
    /// The prefix itself.
    #[must_use]
    pub const fn cidr(self) -> Cidr {
        self.0
    }

    /// The address at a place in it.
    #[must_use]
    pub fn at(self, place: u32) -> IpAddr {
        match self.0.network() {
            IpAddr::V4(network) => IpAddr::V4((u32::from(network) + place).into()),
            // Never parsed.
            other @ IpAddr::V6(_) => other,
        }
    }

    /// The host's address in it, which is the gateway of routers.
    #[must_use]
    pub fn gateway(self) -> IpAddr {
        self.at(1)
    }

    /// The addresses for routers and floating IPs, from the first to the last. A few after the gateway
    /// stay free for what else is on a wire.
    #[must_use]
    pub fn pool(self) -> (IpAddr, IpAddr) {
        let size = 1_u32 << (32 - self.0.prefix_len());
        (self.at(if size >= 64 { 10 } else { 2 }), self.at(size - 2))
    }
}

impl fmt::Display for ExternalPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ExternalPrefix {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let cidr: Cidr = text.parse().map_err(|_| ValueError::Prefix(text.to_owned()))?;
        // A host's address with a length would be a typing error as often as a prefix.
        let whole = text.split('/').next() == Some(cidr.network().to_string().as_str());
        if cidr.is_ipv4() && whole && (8..=28).contains(&cidr.prefix_len()) {
            Ok(Self(cidr))
        } else {
            Err(ValueError::Prefix(text.to_owned()))
        }
    }
}

impl TryFrom<String> for ExternalPrefix {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ExternalPrefix> for String {
    fn from(prefix: ExternalPrefix) -> Self {
        prefix.to_string()
    }
}

/// A region on the command line: `name`, `name=profile` or `name=profile:driver`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionArg {
    name: RegionName,
    profile: Option<Profile>,
    driver: Option<DriverKind>,
}

impl FromStr for RegionArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, rest) = text.split_once('=').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let (profile, driver) = match rest.map(|rest| rest.split_once(':').map_or((rest, None), |(p, d)| (p, Some(d))))
        {
            None => (None, None),
            Some((profile, driver)) => (Some(profile), driver),
        };
        let driver = match driver {
            None => None,
            Some("ebpf") => Some(DriverKind::Ebpf),
            Some("null") => Some(DriverKind::Null),
            Some(other) => return Err(format!("'{other}' is no driver: give ebpf or null")),
        };
        Ok(Self {
            name: name.parse().map_err(|error: ValueError| error.to_string())?,
            profile: profile
                .map(str::parse)
                .transpose()
                .map_err(|error: model::ParseFeatureError| error.to_string())?,
            driver,
        })
    }
}

impl RegionArg {
    /// The region, on top of what the file says of one with its name.
    fn on(&self, file: &[RegionConfig]) -> RegionConfig {
        let mut region = file.iter().find(|region| region.name == self.name).cloned().unwrap_or_else(|| {
            // A region that is called like a profile is one of that profile.
            RegionConfig::new(self.name.clone(), Profile::by_name(self.name.as_str()).unwrap_or_default())
        });
        region.profile = self.profile.unwrap_or(region.profile);
        region.driver = self.driver.or(region.driver);
        region
    }
}

impl Config {
    /// Makes the regions those of the command line, if it names any.
    pub(super) fn take_regions(&mut self, arguments: &[RegionArg]) {
        if !arguments.is_empty() {
            self.region = arguments.iter().map(|argument| argument.on(&self.region)).collect();
        }
    }

    /// The datapath of a region.
    #[must_use]
    pub fn driver_of(&self, region: &RegionConfig) -> DriverKind {
        region.driver.unwrap_or(self.agent.driver)
    }

    /// Whether any region has a datapath in this kernel.
    #[must_use]
    pub fn needs_datapath(&self) -> bool {
        self.region.iter().any(|region| self.driver_of(region) == DriverKind::Ebpf)
    }

    /// What a region's `ext-net` connects to, and the interfaces of its other physical networks. Those
    /// at the top of the file are the first region's.
    #[must_use]
    pub fn wires_of(&self, region: &RegionConfig) -> (Uplink, BTreeMap<String, InterfaceName>) {
        let mut networks = region.physical_networks.clone();
        if self.region.first().is_some_and(|first| first.name == region.name) {
            networks.extend(self.physical_networks.iter().map(|(name, wire)| (name.clone(), wire.clone())));
        }
        // The wire may be named in either place.
        let uplink = networks.remove(PUBLIC).map(Uplink::Interface);
        (uplink.or_else(|| region.uplink.clone()).unwrap_or_else(|| self.agent.uplink.clone()), networks)
    }

    /// Checks what no single region shows; the error is a reason.
    pub(super) fn check_regions(&self) -> Result<(), String> {
        if self.region.is_empty() {
            return Err("no region is left: give one [[region]] with a name, or none for RegionOne".to_owned());
        }
        if self.region.len() > MAX_REGIONS {
            return Err(format!(
                "{} regions: one process serves at most {MAX_REGIONS}; start another one, in a network namespace of its own",
                self.region.len()
            ));
        }
        let mut names = BTreeSet::new();
        for region in &self.region {
            if !names.insert(&region.name) {
                return Err(format!("two regions have the name {}: rename one, or remove it", region.name));
            }
        }
        self.check_prefixes()?;
        self.check_wires()
    }

    fn check_prefixes(&self) -> Result<(), String> {
        for (index, region) in self.region.iter().enumerate() {
            let Some(prefix) = region.prefix else { continue };
            for other in self.region.iter().take(index) {
                if let Some(same) = other.prefix.filter(|same| same.cidr().overlaps(prefix.cidr())) {
                    return Err(format!(
                        "the prefixes {same} of region {} and {prefix} of region {} overlap: regions reach one another \
                         by them, so each needs its own",
                        other.name, region.name
                    ));
                }
            }
        }
        Ok(())
    }

    /// One wire has one driver at its end.
    fn check_wires(&self) -> Result<(), String> {
        let mut used: BTreeMap<InterfaceName, &RegionName> = BTreeMap::new();
        for region in self.region.iter().filter(|region| self.driver_of(region) == DriverKind::Ebpf) {
            if let (Some(public), Some(Uplink::Interface(uplink))) =
                (region.physical_networks.get(PUBLIC), &region.uplink)
                && public != uplink
            {
                return Err(format!(
                    "region {}: its external network is {public} in physical_networks and {uplink} as uplink: keep one",
                    region.name
                ));
            }
            let (uplink, networks) = self.wires_of(region);
            let uplink = match uplink {
                Uplink::Interface(wire) => Some(wire),
                Uplink::Auto | Uplink::None => None,
            };
            for wire in networks.into_values().chain(uplink) {
                if let Some(other) = used.insert(wire.clone(), &region.name).filter(|other| **other != region.name) {
                    return Err(format!(
                        "interface {wire} would carry networks of the regions {other} and {}: one interface serves one \
                         region; give each its own, by uplink or physical_networks of its [[region]]",
                        region.name
                    ));
                }
            }
        }
        Ok(())
    }
}
