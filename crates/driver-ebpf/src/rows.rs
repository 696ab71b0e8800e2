//! The core of the driver without its hands: rows, numbers and entries, and what to write when.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use logical::{Observation, Observed, Row, RowKey, RowState};

use crate::{
    encode::{DeviceFacts, Encoded, encode},
    entries::{Effects, Entries, Owner, Sink, number_entry},
    layout::{EGRESS, INGRESS, Pair},
    numbers::{Named, Numbers, Pool},
    table::{Entry, EntryKey, Table},
};

#[derive(Debug, Default)]
struct Held {
    entries: Vec<EntryKey>,
    used: Vec<Named>,
}

/// All rows that were put, what is in the maps, and the difference between the two on its way.
#[derive(Debug)]
pub struct Rows {
    entries: Entries,
    numbers: Numbers,
    held: HashMap<RowKey, Held>,
    observed: BTreeMap<RowKey, Observation>,
    /// To delete when the batch is written, unless somebody claims it.
    leaving: Vec<(Owner, EntryKey)>,
    /// Scopes whose count may have changed.
    counts: BTreeSet<(Pool, u32)>,
}

impl Rows {
    /// Nothing known.
    #[must_use]
    pub fn new(max_ports: u32) -> Self {
        Self {
            entries: Entries::default(),
            numbers: Numbers::new(max_ports),
            held: HashMap::new(),
            observed: BTreeMap::new(),
            leaving: Vec::new(),
            counts: BTreeSet::new(),
        }
    }

    /// Takes over an entry that was found in a map.
    pub fn restore(&mut self, entry: Entry) {
        if entry.at.table == Table::Numbers
            && let (Some(named), Some(number)) =
                (Named::from_key(&entry.at.key), <u32 as crate::layout::Layout>::from_bytes(&entry.value))
        {
            self.numbers.restore(named, number);
        }
        self.entries.restore(entry);
    }

    /// Makes the row's entries be there.
    pub fn put<S: Sink>(&mut self, row: &Row, device: DeviceFacts, sink: &mut S) -> Result<(), String> {
        let key = row.key();
        let owner = Owner::Row(key);
        let mut encoded = Encoded::default();
        let mut result = encode(row, device, &mut self.numbers, &mut encoded).map_err(|error| error.to_string());
        if result.is_err() {
            encoded.entries.clear();
        }
        result = result.and_then(|()| self.write(owner, &encoded, sink));

        let entries = encoded.entries.into_iter().map(|entry| entry.at).collect();
        let old = self.held.insert(key, Held { entries, used: encoded.used.clone() }).unwrap_or_default();
        let kept: BTreeSet<&EntryKey> = self.held[&key].entries.iter().collect();
        let gone = old.entries.into_iter().filter(|at| !kept.contains(at)).map(|at| (owner, at));
        self.leaving.extend(gone);
        for named in old.used {
            self.note_count(named);
            self.numbers.drop_user(named);
        }
        result
    }

    fn write<S: Sink>(&mut self, owner: Owner, encoded: &Encoded, sink: &mut S) -> Result<(), String> {
        for named in &encoded.used {
            self.note_count(*named);
            if let Some(number) = self.numbers.get(named) {
                let entry = number_entry(named, number);
                self.entries.claim(Owner::Numbers, &entry, sink).map_err(|error| failed(&entry.at, error))?;
            }
        }
        for entry in &encoded.entries {
            self.entries.claim(owner, entry, sink).map_err(|error| failed(&entry.at, error))?;
        }
        Ok(())
    }

    /// Makes nothing of the row be there, by the end of the batch.
    pub fn remove(&mut self, key: RowKey) {
        self.observed.remove(&key);
        let Some(held) = self.held.remove(&key) else { return };
        self.leaving.extend(held.entries.into_iter().map(|at| (Owner::Row(key), at)));
        for named in held.used {
            self.note_count(named);
            self.numbers.drop_user(named);
        }
    }

    /// Ends a batch: deletes what left, frees numbers, corrects counts. Failures are of the rows that
    /// owned what could not be deleted.
    pub fn finish<S: Sink>(&mut self, sink: &mut S) -> (Effects, Vec<(RowKey, String)>) {
        let mut failures = Vec::new();
        for (owner, at) in std::mem::take(&mut self.leaving) {
            if let Err(error) = self.entries.abandon(owner, &at, sink)
                && let Owner::Row(key) = owner
            {
                failures.push((key, failed(&at, error)));
                // Tried again with the next batch.
                self.leaving.push((owner, at));
            }
        }
        self.free_numbers(&BTreeSet::new(), sink);
        for (pool, scope) in std::mem::take(&mut self.counts) {
            if self.write_count(pool, scope, sink).is_err() {
                self.counts.insert((pool, scope));
            }
        }
        (self.entries.take_effects(), failures)
    }

    /// Frees the numbers that nothing names: those in `collected` are named by no connection.
    pub fn free_numbers<S: Sink>(&mut self, collected: &BTreeSet<Named>, sink: &mut S) {
        for named in self.numbers.free_retired(collected) {
            let at = number_entry(&named, 0).at;
            // A number that stays in the map is found, unused, by the next start.
            let _ = self.entries.abandon(Owner::Numbers, &at, sink);
            self.note_count(named);
        }
    }

    /// The numbers of points that wait for the collector.
    #[must_use]
    pub fn retired_points(&self) -> BTreeSet<Named> {
        self.numbers.retired_points()
    }

    fn note_count(&mut self, named: Named) {
        if matches!(named.pool, Pool::Rule | Pool::Member) {
            self.counts.insert((named.pool, named.scope));
        }
    }

    /// One above the highest number in use.
    fn write_count<S: Sink>(&mut self, pool: Pool, scope: u32, sink: &mut S) -> Result<(), S::Error> {
        let count = self.numbers.count(pool, scope);
        let entry = match pool {
            Pool::Rule => {
                let direction = if scope & 1 == INGRESS { INGRESS } else { EGRESS };
                Entry::new(Table::RuleCounts, &Pair { first: scope >> 1, second: direction }, &count)
            }
            _ => Entry::new(Table::FloodCounts, &scope, &count),
        };
        if count == 0 {
            self.entries.abandon(Owner::Numbers, &entry.at, sink)
        } else {
            self.entries.claim(Owner::Numbers, &entry, sink)
        }
    }

    /// Deletes what no row has asked for since the start. Returns how many entries of which table.
    pub fn sweep<S: Sink>(&mut self, sink: &mut S) -> BTreeMap<Table, usize> {
        let mut removed = BTreeMap::new();
        for at in self.entries.unclaimed() {
            if at.table == Table::Numbers {
                continue;
            }
            if self.entries.abandon(Owner::Nobody, &at, sink).is_ok() {
                *removed.entry(at.table).or_default() += 1;
            }
        }
        self.numbers.retire_unused();
        for at in self.entries.unclaimed() {
            // Only numbers are left; they go the way of all numbers without a user.
            if let Some(value) = self.entries.value(&at).map(<[u8]>::to_vec) {
                let _ = self.entries.claim(Owner::Numbers, &Entry { at, value }, sink);
            }
        }
        removed
    }

    /// Notes what is true of a row that was put.
    pub fn note(&mut self, key: RowKey, digest: u64, state: RowState) {
        self.observed.insert(key, Observation { digest, state });
    }

    /// What is true of the row, as far as known.
    #[must_use]
    pub fn observation(&self, key: &RowKey) -> Option<&Observation> {
        self.observed.get(key)
    }

    /// All that is known of rows.
    #[must_use]
    pub fn observed(&self) -> Observed {
        self.observed.clone()
    }

    /// The number given to something.
    #[must_use]
    pub fn number(&self, named: &Named) -> Option<u32> {
        self.numbers.get(named)
    }
}

fn failed(at: &EntryKey, error: impl std::fmt::Display) -> String {
    format!("cannot change an entry of the map '{}': {error}", at.table.name())
}
