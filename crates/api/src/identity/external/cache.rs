//! A map that forgets its oldest entry when it is full.

use std::collections::{BTreeMap, HashMap};

/// The hash of a token.
pub(super) type Key = [u8; 32];

/// See the module's text.
#[derive(Debug)]
pub(super) struct Bounded<V> {
    entries: HashMap<Key, (u64, V)>,
    /// Keys by the number of their insertion.
    order: BTreeMap<u64, Key>,
    next: u64,
    limit: usize,
}

impl<V> Bounded<V> {
    pub(super) fn new(limit: usize) -> Self {
        Self { entries: HashMap::new(), order: BTreeMap::new(), next: 0, limit }
    }

    pub(super) fn get(&self, key: &Key) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(super) fn insert(&mut self, key: Key, value: V) {
        self.remove(&key);
        while self.entries.len() >= self.limit
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.order.insert(self.next, key);
        self.entries.insert(key, (self.next, value));
        self.next += 1;
    }

    pub(super) fn remove(&mut self, key: &Key) {
        if let Some((number, _)) = self.entries.remove(key) {
            self.order.remove(&number);
        }
    }

    /// Keeps the entries that are wanted; how many were not.
    pub(super) fn retain(&mut self, wanted: impl Fn(&V) -> bool) -> usize {
        let before = self.entries.len();
        let order = &mut self.order;
        self.entries.retain(|_, (number, value)| {
            let keep = wanted(value);
            if !keep {
                order.remove(number);
            }
            keep
        });
        before - self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_when_it_is_full() {
        let mut map = Bounded::new(2);
        let key = |n| [n; 32];
        map.insert(key(1), 'a');
        map.insert(key(2), 'b');
        // Said again, it is no longer the oldest.
        map.insert(key(1), 'c');
        map.insert(key(3), 'd');
        assert_eq!((map.get(&key(1)), map.get(&key(2)), map.get(&key(3))), (Some(&'c'), None, Some(&'d')));
        assert_eq!(map.retain(|value| *value == 'd'), 1);
        map.remove(&key(3));
        assert_eq!((map.entries.len(), map.order.len()), (0, 0));
    }
}
