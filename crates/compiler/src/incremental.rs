//! Recompiling only what a change touches.

use std::collections::{BTreeMap, BTreeSet};

use imbl::{OrdMap, Vector};
use logical::{LogicalNetwork, RowKey};
use model::{Object, ObjectKey};

use crate::{Snapshot, Unit};

/// A compiled region that follows its objects.
#[derive(Clone, Debug, Default)]
pub struct Compiler {
    snapshot: Snapshot,
    network: LogicalNetwork,
    keys: OrdMap<Unit, Vector<RowKey>>,
    /// How many units make a row; only members of address sets have more than one.
    makers: OrdMap<RowKey, u32>,
}

impl Compiler {
    /// Compiles these objects.
    #[must_use]
    pub fn new(objects: impl IntoIterator<Item = Object>) -> Self {
        let mut compiler = Self { snapshot: Snapshot::new(objects), ..Self::default() };
        let units: Vec<Unit> = compiler.snapshot.units().collect();
        units.into_iter().for_each(|unit| drop(compiler.recompile(unit)));
        compiler
    }

    /// The objects.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The rows.
    #[must_use]
    pub fn network(&self) -> &LogicalNetwork {
        &self.network
    }

    /// The rows that a unit makes now.
    pub fn rows_of(&self, unit: Unit) -> impl Iterator<Item = RowKey> + '_ {
        self.keys.get(&unit).into_iter().flatten().copied()
    }

    /// Takes in the new state of some objects (`None`: removed) and returns the keys of all rows that
    /// were put, replaced or removed by it.
    pub fn update(&mut self, objects: impl IntoIterator<Item = (ObjectKey, Option<Object>)>) -> BTreeSet<RowKey> {
        let mut units = BTreeSet::new();
        for (key, object) in objects {
            units.extend(self.snapshot.apply(key, object));
        }
        units.into_iter().flat_map(|unit| self.recompile(unit)).collect()
    }

    fn recompile(&mut self, unit: Unit) -> Vec<RowKey> {
        let rows: BTreeMap<RowKey, _> = unit.rows(&self.snapshot).into_iter().map(|row| (row.key(), row)).collect();
        let keys: Vector<RowKey> = rows.keys().copied().collect();
        let old = if keys.is_empty() { self.keys.remove(&unit) } else { self.keys.insert(unit, keys) };

        let mut changed = Vec::new();
        let old: BTreeSet<RowKey> = old.into_iter().flatten().collect();
        for key in old.iter().filter(|key| !rows.contains_key(key)) {
            if self.release(*key) {
                self.network.remove(key);
                changed.push(*key);
            }
        }
        for (key, row) in rows {
            if !old.contains(&key) {
                *self.makers.entry(key).or_default() += 1;
            }
            if self.network.get(&key).as_ref() != Some(&row) {
                self.network.put(row);
                changed.push(key);
            }
        }
        changed
    }

    /// One unit less makes the row. True when it was the last one.
    fn release(&mut self, key: RowKey) -> bool {
        match self.makers.get_mut(&key) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            _ => {
                self.makers.remove(&key);
                true
            }
        }
    }
}
