//! What is in the maps, and whose it is.
//!
//! The driver reads its maps once, when it starts: what is there belongs to nobody yet. A row that is
//! put claims its entries; those that are there with equal values are not written. What a row no
//! longer asks for is deleted after the whole batch of changes has been written, unless another row
//! has claimed it by then: an address that moves from one row to another is never absent.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
};

use logical::RowKey;

use crate::{
    layout::{AddressKey, Layout, LogicalSwitch, MacKey, Pair, RULE_SET, Rule, RuleKey, SWITCH_EXTERNAL, SourceKey},
    numbers::Named,
    table::{Entry, EntryKey, Table},
};

/// Where entries are written: the kernel's maps, or in tests a record.
pub trait Sink {
    /// Why a call failed.
    type Error: fmt::Display;

    /// Makes the entry be there with this value.
    fn write(&mut self, at: &EntryKey, value: &[u8]) -> Result<(), Self::Error>;

    /// Makes the entry not be there.
    fn delete(&mut self, at: &EntryKey) -> Result<(), Self::Error>;
}

/// Who asked for an entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    /// Nobody since the driver was started.
    Nobody,
    /// A row.
    Row(RowKey),
    /// The numbers: an entry that says how many of them there are, or who has which.
    Numbers,
}

#[derive(Debug)]
struct Known {
    /// `None` after a failed write: unknown.
    value: Option<Vec<u8>>,
    owner: Owner,
}

/// What a batch of changes means for connections: which remembered decisions must be made anew.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Something that forwarding was worked out from has changed.
    pub forwarding: bool,
    /// Ports for which something that was allowed may not be any more.
    pub policies: BTreeSet<u32>,
}

/// The entries of all maps that rows decide.
#[derive(Debug, Default)]
pub struct Entries {
    known: HashMap<EntryKey, Known>,
    /// Which ports have a group at which place, and which rules ask a set.
    ports_of_group: HashMap<u32, HashSet<(u32, u32)>>,
    rules_of_set: HashMap<u32, HashSet<EntryKey>>,
    effects: Effects,
}

impl Entries {
    /// Takes over an entry that was found in a map.
    pub fn restore(&mut self, entry: Entry) {
        self.index(&entry.at, Some(&entry.value));
        self.known.insert(entry.at, Known { value: Some(entry.value), owner: Owner::Nobody });
    }

    /// Makes the entry be there and be the owner's. Writes nothing if it is.
    pub fn claim<S: Sink>(&mut self, owner: Owner, entry: &Entry, sink: &mut S) -> Result<(), S::Error> {
        let before = self.known.get_mut(&entry.at);
        let insert = before.is_none();
        if let Some(known) = before {
            known.owner = owner;
            if known.value.as_ref() == Some(&entry.value) {
                return Ok(());
            }
        }
        self.note_change(&entry.at, insert);
        self.index(&entry.at, None);
        match sink.write(&entry.at, &entry.value) {
            Ok(()) => {
                self.index(&entry.at, Some(&entry.value));
                self.known.insert(entry.at.clone(), Known { value: Some(entry.value.clone()), owner });
                Ok(())
            }
            Err(error) => {
                self.known.insert(entry.at.clone(), Known { value: None, owner });
                Err(error)
            }
        }
    }

    /// Deletes the entry if it is still that owner's.
    pub fn abandon<S: Sink>(&mut self, owner: Owner, at: &EntryKey, sink: &mut S) -> Result<(), S::Error> {
        if self.known.get(at).is_none_or(|known| known.owner != owner) {
            return Ok(());
        }
        self.note_change(at, false);
        self.index(at, None);
        match sink.delete(at) {
            Ok(()) => {
                self.known.remove(at);
                Ok(())
            }
            Err(error) => {
                if let Some(known) = self.known.get_mut(at) {
                    known.value = None;
                }
                Err(error)
            }
        }
    }

    /// What nobody has asked for since the start.
    #[must_use]
    pub fn unclaimed(&self) -> Vec<EntryKey> {
        self.known.iter().filter(|(_, known)| known.owner == Owner::Nobody).map(|(at, _)| at.clone()).collect()
    }

    /// What changed since the last call.
    pub fn take_effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }

    /// The value of an entry, if it is known.
    #[must_use]
    pub fn value(&self, at: &EntryKey) -> Option<&[u8]> {
        self.known.get(at)?.value.as_deref()
    }

    /// Which decisions an entry's change makes old. Additions rarely do: what was forwarded stays
    /// forwarded, and what was refused is asked anew with each packet anyway.
    fn note_change(&mut self, at: &EntryKey, insert: bool) {
        let key = &at.key;
        match at.table {
            Table::Numbers | Table::RuleCounts | Table::Floods | Table::FloodCounts => {}
            Table::Ports | Table::Fdb | Table::Devices | Table::Switches | Table::Routers if insert => {}
            Table::Neighbours if insert => self.effects.forwarding |= self.is_external(key),
            Table::Ports
            | Table::Fdb
            | Table::Devices
            | Table::Switches
            | Table::Routers
            | Table::Neighbours
            | Table::RouterAddresses
            | Table::Routes
            | Table::SourceNats
            | Table::FloatingIn
            | Table::FloatingOut => self.effects.forwarding = true,
            Table::Rules | Table::Members | Table::PortGroups | Table::Sources | Table::SourceMacs if insert => {}
            Table::Rules => {
                if let Some(rule) = RuleKey::from_bytes(key) {
                    self.note_group(rule.group);
                }
            }
            Table::Members => {
                let Some(set) = crate::layout::RangeKey::from_bytes(key).map(|range| range.slot) else { return };
                let rules = self.rules_of_set.get(&set).into_iter().flatten();
                let groups: HashSet<u32> =
                    rules.filter_map(|rule| RuleKey::from_bytes(&rule.key)).map(|rule| rule.group).collect();
                for group in groups {
                    self.note_group(group);
                }
            }
            Table::PortGroups => self.effects.policies.extend(Pair::from_bytes(key).map(|pair| pair.first)),
            Table::Sources => self.effects.policies.extend(SourceKey::from_bytes(key).map(|source| source.port)),
            Table::SourceMacs => self.effects.policies.extend(MacKey::from_bytes(key).map(|mac| mac.slot)),
        }
    }

    fn note_group(&mut self, group: u32) {
        let places = self.ports_of_group.get(&group).into_iter().flatten();
        self.effects.policies.extend(places.map(|(port, _)| *port));
    }

    /// Whether a neighbour is on an external switch, where an address that nobody had was on the wire.
    fn is_external(&self, neighbour: &[u8]) -> bool {
        let Some(address) = AddressKey::from_bytes(neighbour) else { return true };
        let at = EntryKey { table: Table::Switches, key: address.slot.bytes() };
        let switch = self.value(&at).and_then(LogicalSwitch::from_bytes);
        switch.is_none_or(|switch| switch.flags & SWITCH_EXTERNAL != 0)
    }

    /// Keeps the two indexes; without a value the entry's old value leaves them.
    fn index(&mut self, at: &EntryKey, value: Option<&[u8]>) {
        let old = || self.known.get(at).and_then(|known| known.value.as_deref());
        match at.table {
            Table::PortGroups => {
                let Some(place) = Pair::from_bytes(&at.key).map(|pair| (pair.first, pair.second)) else { return };
                match value {
                    Some(group) => {
                        let Some(group) = u32::from_bytes(group) else { return };
                        self.ports_of_group.entry(group).or_default().insert(place);
                    }
                    None => {
                        let Some(group) = old().and_then(u32::from_bytes) else { return };
                        remove(&mut self.ports_of_group, group, &place);
                    }
                }
            }
            Table::Rules => {
                let set =
                    |value| Rule::from_bytes(value).filter(|rule| rule.flags & RULE_SET != 0).map(|rule| rule.set);
                match value {
                    Some(value) => {
                        let Some(set) = set(value) else { return };
                        self.rules_of_set.entry(set).or_default().insert(at.clone());
                    }
                    None => {
                        let Some(set) = old().and_then(set) else { return };
                        remove(&mut self.rules_of_set, set, at);
                    }
                }
            }
            _ => {}
        }
    }
}

fn remove<T: std::hash::Hash + Eq>(index: &mut HashMap<u32, HashSet<T>>, key: u32, value: &T) {
    if let Some(values) = index.get_mut(&key) {
        values.remove(value);
        if values.is_empty() {
            index.remove(&key);
        }
    }
}

/// The entry that says which number is given to what.
#[must_use]
pub fn number_entry(named: &Named, number: u32) -> Entry {
    Entry::new(Table::Numbers, &named.key(), &number)
}
