//! Numbers that stand for rows in the maps.
//!
//! A number is given to a row, or to an id that rows share (a group, a set), when the first row uses
//! it, and counts its users. They are kept in a pinned map, so that a driver that starts again goes on
//! with the same. The smallest free number is given: lists that the programs walk stay short.
//!
//! Without users a number is *retired*, not free: entries that name it may still be in the kernel.
//! Numbers of ports and switches name the points of connections, so they stay retired until the
//! collector has found no connection of theirs; else the next port with the number would get the
//! connections of the one before.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use crate::layout::{Layout, NumberKey};

/// What numbers are given to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u32)]
pub enum Pool {
    /// Switches.
    Switch = 1,
    /// Routers.
    Router = 2,
    /// Ports of all kinds.
    Port = 3,
    /// Groups of rules.
    Group = 4,
    /// Address sets.
    Set = 5,
    /// Rules, within a group and direction.
    Rule = 6,
    /// Guest ports, within a switch.
    Member = 7,
    /// Interface indexes; not a row's.
    Ifindex = 8,
}

impl Pool {
    const ALL: [Self; 8] =
        [Self::Switch, Self::Router, Self::Port, Self::Group, Self::Set, Self::Rule, Self::Member, Self::Ifindex];

    /// The first number: the programs take 0 of these for "none".
    const fn first(self) -> u32 {
        match self {
            Self::Rule | Self::Member => 0,
            _ => 1,
        }
    }

    /// Whether connections name the number.
    const fn is_point(self) -> bool {
        matches!(self, Self::Switch | Self::Port)
    }
}

/// What a number is given to: an id within a scope of a pool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Named {
    /// Which numbers.
    pub pool: Pool,
    /// For rules the group and direction, for members the switch, else 0.
    pub scope: u32,
    /// The id.
    pub id: Uuid,
}

impl Named {
    /// The last index given to an interface; no row's.
    pub const IFINDEX: Self = Self { pool: Pool::Ifindex, scope: 0, id: Uuid::nil() };

    /// The key in the pinned map.
    #[must_use]
    pub fn key(&self) -> NumberKey {
        NumberKey { pool: self.pool as u32, scope: self.scope, id: self.id.into_bytes() }
    }

    /// What a key of the pinned map names; `None` for keys that are none of ours.
    #[must_use]
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let key = NumberKey::from_bytes(key)?;
        let pool = Pool::ALL.into_iter().find(|pool| *pool as u32 == key.pool)?;
        Some(Self { pool, scope: key.scope, id: Uuid::from_bytes(key.id) })
    }
}

/// No number is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no number is left for another {pool:?}: the datapath has room for {limit}")]
pub struct Exhausted {
    pool: Pool,
    limit: u32,
}

#[derive(Debug)]
struct Given {
    number: u32,
    users: u32,
}

/// All numbers given.
#[derive(Debug)]
pub struct Numbers {
    given: HashMap<Named, Given>,
    used: HashMap<(Pool, u32), BTreeSet<u32>>,
    /// Those without users; the kernel may still name them.
    retired: BTreeSet<Named>,
    max_ports: u32,
}

impl Numbers {
    /// Nothing given yet; ports get numbers below `max_ports`.
    #[must_use]
    pub fn new(max_ports: u32) -> Self {
        Self { given: HashMap::new(), used: HashMap::new(), retired: BTreeSet::new(), max_ports }
    }

    /// Takes over a number that an earlier driver gave. It has no user yet.
    pub fn restore(&mut self, named: Named, number: u32) {
        self.given.insert(named, Given { number, users: 0 });
        self.used.entry((named.pool, named.scope)).or_default().insert(number);
    }

    /// Adds a user, and gives a number if there is none yet.
    pub fn take(&mut self, named: Named) -> Result<u32, Exhausted> {
        if let Some(given) = self.given.get_mut(&named) {
            given.users += 1;
            self.retired.remove(&named);
            return Ok(given.number);
        }
        let used = self.used.entry((named.pool, named.scope)).or_default();
        let number = smallest_free(used, named.pool.first());
        let limit = if named.pool == Pool::Port { self.max_ports } else { 1 << 22 };
        if number >= limit {
            return Err(Exhausted { pool: named.pool, limit });
        }
        used.insert(number);
        self.given.insert(named, Given { number, users: 1 });
        Ok(number)
    }

    /// Removes a user; without one the number is retired.
    pub fn drop_user(&mut self, named: Named) {
        if let Some(given) = self.given.get_mut(&named) {
            given.users = given.users.saturating_sub(1);
            if given.users == 0 {
                self.retired.insert(named);
            }
        }
    }

    /// Retires what was restored and has found no user.
    pub fn retire_unused(&mut self) {
        let unused = self.given.iter().filter(|(_, given)| given.users == 0).map(|(named, _)| *named);
        self.retired.extend(unused);
    }

    /// The number, if one is given.
    #[must_use]
    pub fn get(&self, named: &Named) -> Option<u32> {
        self.given.get(named).map(|given| given.number)
    }

    /// Frees the retired numbers that nothing in the kernel names any more: those of points among
    /// `collected`, and all others. Returns them; their entries are to be deleted.
    pub fn free_retired(&mut self, collected: &BTreeSet<Named>) -> Vec<Named> {
        let free: Vec<Named> =
            self.retired.iter().filter(|named| !named.pool.is_point() || collected.contains(named)).copied().collect();
        for named in &free {
            self.retired.remove(named);
            if let Some(given) = self.given.remove(named)
                && let Some(used) = self.used.get_mut(&(named.pool, named.scope))
            {
                used.remove(&given.number);
                if used.is_empty() {
                    self.used.remove(&(named.pool, named.scope));
                }
            }
        }
        free
    }

    /// The retired numbers that connections may still name.
    #[must_use]
    pub fn retired_points(&self) -> BTreeSet<Named> {
        self.retired.iter().filter(|named| named.pool.is_point()).copied().collect()
    }

    /// One above the highest number of a scope that has a user, 0 when none has.
    #[must_use]
    pub fn count(&self, pool: Pool, scope: u32) -> u32 {
        self.used.get(&(pool, scope)).and_then(BTreeSet::last).map_or(0, |last| last + 1)
    }
}

fn smallest_free(used: &BTreeSet<u32>, first: u32) -> u32 {
    // Mostly there is no gap.
    match used.last() {
        None => first,
        Some(last) if (last - first + 1) as usize == used.len() => last + 1,
        Some(_) => {
            (first..).zip(used).find(|(expected, number)| expected != *number).map_or(first, |(expected, _)| expected)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(n: u128) -> Named {
        Named { pool: Pool::Port, scope: 0, id: Uuid::from_u128(n) }
    }

    #[test]
    fn a_port_number_is_not_given_again_before_its_connections_are_gone() {
        let mut numbers = Numbers::new(100);
        assert_eq!(numbers.take(port(1)), Ok(1));
        assert_eq!(numbers.take(port(2)), Ok(2));
        numbers.drop_user(port(1));
        assert_eq!(numbers.free_retired(&BTreeSet::new()), []);
        assert_eq!(numbers.take(port(3)), Ok(3));
        assert_eq!(numbers.free_retired(&BTreeSet::from([port(1)])), [port(1)]);
        assert_eq!(numbers.take(port(4)), Ok(1));
    }

    #[test]
    fn a_row_that_comes_back_gets_its_number_back() {
        let mut numbers = Numbers::new(100);
        numbers.restore(port(7), 40);
        assert_eq!(numbers.take(port(7)), Ok(40));
        numbers.drop_user(port(7));
        assert_eq!(numbers.take(port(7)), Ok(40));
        assert!(numbers.free_retired(&BTreeSet::from([port(7)])).is_empty());
    }

    #[test]
    fn numbers_run_out_with_an_error_that_names_the_limit() {
        let mut numbers = Numbers::new(2);
        assert_eq!(numbers.take(port(1)), Ok(1));
        let error = numbers.take(port(2)).unwrap_err();
        assert_eq!(error.to_string(), "no number is left for another Port: the datapath has room for 2");
    }

    #[test]
    fn keys_of_the_pinned_map_round_trip() {
        let named = Named { pool: Pool::Rule, scope: 77, id: Uuid::from_u128(5) };
        assert_eq!(Named::from_key(&named.key().bytes()), Some(named));
        assert_eq!(Named::from_key(&[0; 3]), None);
    }
}
