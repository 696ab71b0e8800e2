//! Names of the maps that rows are encoded into, and their entries.

use crate::layout::Layout;

macro_rules! maps {
    ($name:ident: $($(#[$doc:meta])* $variant:ident = $map:literal,)*) => {
        /// A map whose entries rows decide.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in the programs, and of its pin.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $map,)* }
            }
        }
    };
}

maps! { Table:
    /// Numbers given to rows.
    Numbers = "numbers",
    /// Switches by number.
    Switches = "switches",
    /// Routers by number.
    Routers = "routers",
    /// Members of sets.
    Members = "members",
    /// Rules by group, direction and number.
    Rules = "rules",
    /// How many numbers of rules to look at.
    RuleCounts = "rule_counts",
    /// Ports by number.
    Ports = "ports",
    /// Groups of a port.
    PortGroups = "port_groups",
    /// Source addresses that a port may use.
    SourceMacs = "source_macs",
    /// Pairs of source addresses that a port may use.
    Sources = "sources",
    /// Ports by Ethernet address.
    Fdb = "fdb",
    /// Who has an address on a switch.
    Neighbours = "neighbours",
    /// Addresses of a router.
    RouterAddresses = "router_addresses",
    /// Guest ports of a switch.
    Floods = "floods",
    /// How many numbers of guest ports to look at.
    FloodCounts = "flood_counts",
    /// Routes.
    Routes = "routes",
    /// Source NAT.
    SourceNats = "source_nats",
    /// Floating IPs, inwards.
    FloatingIn = "floating_in",
    /// Floating IPs, outwards.
    FloatingOut = "floating_out",
    /// What is behind a device.
    Devices = "devices",
}

/// Where an entry is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EntryKey {
    /// The map.
    pub table: Table,
    /// The key's bytes.
    pub key: Vec<u8>,
}

/// An entry of a map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Where.
    pub at: EntryKey,
    /// The value's bytes.
    pub value: Vec<u8>,
}

impl Entry {
    /// An entry with that key and value.
    pub fn new(table: Table, key: &impl Layout, value: &impl Layout) -> Self {
        Self { at: EntryKey { table, key: key.bytes() }, value: value.bytes() }
    }
}
