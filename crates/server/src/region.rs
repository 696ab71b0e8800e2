//! The regions of an instance: what each is called in the kernel, and which prefix is its outside.
//!
//! Both must stay as they are for as long as the data lives, whatever the configuration's order: a
//! region's devices, pins and namespaces are found by their names, and its routers and floating IPs
//! have addresses of its prefix. So a region gets a [`Slot`] and a prefix when it is first served, and
//! they are written down in the data directory. A slot is never given to another region: one that
//! leaves the configuration and comes back finds its objects, its addresses and its name again.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    str::FromStr,
};

use model::Profile;
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    config::{Config, DriverKind, ExternalPrefix, InterfaceName, PUBLIC, RegionConfig, RegionName, Uplink},
    data_dir::{DataDir, write_whole},
    error::Result,
    instance::InstanceId,
};

/// Prefixes that are nobody's by rights (RFC 5737), in the order in which regions get them.
const PREFIXES: [&str; 3] = ["198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24"];
/// The file in the data directory.
const REGISTER: &str = "regions";

/// A region's place among those that an instance has ever served; 0 for the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Slot(u8);

impl Slot {
    /// The first region's, whose names in the kernel bear no number.
    pub const FIRST: Self = Self(0);
    /// How many there are.
    const COUNT: u8 = 32;

    /// From this index on the region's devices have theirs: ranges apart, so that none ever gets an
    /// index that another region's maps may still name.
    #[must_use]
    pub fn first_ifindex(self) -> u32 {
        driver_ebpf::FIRST_IFINDEX + (u32::from(self.0) << 26)
    }

    /// What is added to a name that the first region has without it.
    fn suffix(self) -> String {
        if self == Self::FIRST { String::new() } else { self.0.to_string() }
    }
}

/// What one region has of an instance, by its names in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part {
    /// The instance.
    pub instance: InstanceId,
    /// The region's place.
    pub slot: Slot,
}

impl Part {
    /// What the devices of ports say in their aliases.
    #[must_use]
    pub fn label(self) -> String {
        match self.slot {
            Slot::FIRST => self.instance.to_string(),
            Slot(number) => format!("{}-{number}", self.instance),
        }
    }

    /// The end of the uplink that is the physical network's.
    #[must_use]
    pub fn uplink_physical(self) -> String {
        format!("bry{}x{}", self.instance, self.slot.suffix())
    }

    /// The end of the uplink that is the host's.
    #[must_use]
    pub fn uplink_host(self) -> String {
        format!("bry{}h{}", self.instance, self.slot.suffix())
    }

    /// The device that leads to the service namespace.
    #[must_use]
    pub fn service_device(self) -> String {
        format!("bry{}s{}", self.instance, self.slot.suffix())
    }

    /// The service namespace.
    #[must_use]
    pub fn service_netns(self) -> String {
        format!("baryon-{}-svc{}", self.instance, self.slot.suffix())
    }

    /// Where its pins are, below the instance's run directory.
    #[must_use]
    pub fn run_dir(self, instance_run_dir: &Path) -> PathBuf {
        match self.slot {
            Slot::FIRST => instance_run_dir.to_owned(),
            Slot(number) => instance_run_dir.join(format!("region{number}")),
        }
    }
}

/// A region that is served: the configuration, with everything chosen that it leaves open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Its name.
    pub name: RegionName,
    /// Its place.
    pub slot: Slot,
    /// What it offers.
    pub profile: Profile,
    /// Its datapath.
    pub driver: DriverKind,
    /// What its `ext-net` connects to.
    pub uplink: Uplink,
    /// The prefix of its `ext-net`.
    pub prefix: ExternalPrefix,
    /// Interfaces of its other physical networks.
    pub physical_networks: BTreeMap<String, InterfaceName>,
}

impl Region {
    /// The physical network of its `ext-net`.
    #[must_use]
    pub fn public(&self) -> String {
        if self.slot == Slot::FIRST { PUBLIC.to_owned() } else { format!("{PUBLIC}-{}", self.name) }
    }

    /// Its part of an instance.
    #[must_use]
    pub fn part(&self, instance: InstanceId) -> Part {
        Part { instance, slot: self.slot }
    }
}

/// A region that was served once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its place.
    pub slot: Slot,
    /// Its name.
    pub name: RegionName,
    /// The prefix of its `ext-net`.
    pub prefix: ExternalPrefix,
}

/// Every region that the instance has served, in the order of their slots.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Register(Vec<Known>);

impl Register {
    /// Reads what is written down in a data directory; nothing, when nothing is yet.
    pub fn read(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(REGISTER);
        match fs::read_to_string(&path) {
            Ok(text) => text.parse().map_err(|reason| {
                Error::Usage(format!("{} is damaged ({reason}): restore it from a backup", path.display()))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::io(format!("read {}", path.display()))(error)),
        }
    }

    /// The regions that the configuration names, each with its place and prefix; new ones get theirs.
    pub fn resolve(&mut self, config: &Config) -> Result<Vec<Region>> {
        // What is fixed already, by an earlier start or by the configuration, is taken before anything is chosen.
        for region in &config.region {
            if let Some(prefix) = region.prefix {
                self.enter(region, prefix)?;
            }
        }
        config.region.iter().map(|region| self.serve(config, region)).collect()
    }

    fn serve(&mut self, config: &Config, region: &RegionConfig) -> Result<Region> {
        let known = match self.0.iter().find(|known| known.name == region.name) {
            Some(known) => known.clone(),
            None => {
                let prefix = self.free_prefix(&region.name)?;
                self.enter(region, prefix)?
            }
        };
        let (uplink, physical_networks) = config.wires_of(region);
        Ok(Region {
            name: known.name,
            slot: known.slot,
            profile: region.profile,
            driver: config.driver_of(region),
            uplink,
            prefix: known.prefix,
            physical_networks,
        })
    }

    /// Notes a region with its prefix, unless it is known with the same.
    fn enter(&mut self, region: &RegionConfig, prefix: ExternalPrefix) -> Result<Known> {
        if let Some(known) = self.0.iter().find(|known| known.name == region.name) {
            if known.prefix == prefix {
                return Ok(known.clone());
            }
            return Err(Error::Usage(format!(
                "region {}: its ext-net was made with the prefix {}, which its routers and floating IPs have addresses of: \
                 put prefix = \"{}\" back, or give the region with {prefix} another name",
                region.name, known.prefix, known.prefix
            )));
        }
        if let Some(other) = self.0.iter().find(|known| known.prefix.cidr().overlaps(prefix.cidr())) {
            return Err(Error::Usage(format!(
                "region {}: its prefix {prefix} overlaps {} of region {}: regions reach one another by them, so give it \
                 another prefix in its [[region]]",
                region.name, other.prefix, other.name
            )));
        }
        let slot = u8::try_from(self.0.len()).ok().filter(|slot| *slot < Slot::COUNT).ok_or_else(|| {
            Error::Usage(format!(
                "region {}: this data directory has served {} regions, which is all that it can name: use the name of a \
                 former one, or another --data-dir",
                region.name,
                Slot::COUNT
            ))
        })?;
        let known = Known { slot: Slot(slot), name: region.name.clone(), prefix };
        self.0.push(known.clone());
        Ok(known)
    }

    /// The next prefix that is nobody's.
    fn free_prefix(&self, name: &RegionName) -> Result<ExternalPrefix> {
        let taken = |prefix: &ExternalPrefix| self.0.iter().any(|known| known.prefix.cidr().overlaps(prefix.cidr()));
        PREFIXES.iter().filter_map(|text| text.parse().ok()).find(|prefix| !taken(prefix)).ok_or_else(|| {
            let users: Vec<_> = self.0.iter().map(|known| format!("{} ({})", known.prefix, known.name)).collect();
            Error::Usage(format!(
                "region {name} has no prefix for its ext-net, since {} are taken: choose one for it, such as \
                 prefix = \"10.255.{}.0/24\" in its [[region]] of the configuration file",
                users.join(", "),
                self.0.len()
            ))
        })
    }

    /// Every region that was ever served.
    #[must_use]
    pub fn known(&self) -> &[Known] {
        &self.0
    }

    /// Writes it down.
    pub fn write(&self, data_dir: &Path) -> Result<()> {
        let path = data_dir.join(REGISTER);
        if Self::read(data_dir)? == *self {
            return Ok(());
        }
        write_whole(&path, &self.to_string(), 0o644).map_err(Error::io(format!("write {}", path.display())))
    }
}

/// The regions of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions {
    /// Those that are served, in the order of the configuration.
    pub served: Vec<Region>,
    /// Those without a datapath that may have had one.
    pub retired: Vec<(Slot, RegionName)>,
}

impl Regions {
    /// Those of a configuration, on a data directory, where what is new is written down.
    pub fn resolve(config: &Config, data_dir: &DataDir) -> Result<Self> {
        let mut register = Register::read(data_dir.path())?;
        let served = register.resolve(config)?;
        register.write(data_dir.path())?;
        let has_datapath =
            |slot: Slot| served.iter().any(|region| region.slot == slot && region.driver == DriverKind::Ebpf);
        let retired = register.0.iter().filter(|known| !has_datapath(known.slot));
        let retired = retired.map(|known| (known.slot, known.name.clone())).collect();
        Ok(Self { served, retired })
    }
}

/// A line per region: slot, name, prefix.
impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|Known { slot, name, prefix }| writeln!(f, "{} {name} {prefix}", slot.0))
    }
}

impl FromStr for Register {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut register = Self::default();
        for (index, line) in text.lines().enumerate() {
            let words: Vec<_> = line.split(' ').collect();
            let known = match words.as_slice() {
                [slot, name, prefix] if slot.parse() == Ok(index) && index < usize::from(Slot::COUNT) => Known {
                    slot: Slot(u8::try_from(index).unwrap_or(Slot::COUNT)),
                    name: name.parse().map_err(|error| format!("line {}: {error}", index + 1))?,
                    prefix: prefix.parse().map_err(|error| format!("line {}: {error}", index + 1))?,
                },
                _ => return Err(format!("line {}: '{line}' is not '{index} NAME PREFIX'", index + 1)),
            };
            register.0.push(known);
        }
        Ok(register)
    }
}

#[cfg(test)]
mod tests;
