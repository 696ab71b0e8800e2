//! Open connections by source, so that one source cannot take all of them.
//!
//! Whoever has as many as one may have is hung up on at once. A trusted proxy stands for all its clients
//! and may have any number. The table holds open connections only, which are bounded already.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use types::Cidr;

use super::TrustedProxies;
use crate::identity::failures::source_range;

/// Who is here.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    open: Mutex<HashMap<Cidr, usize>>,
}

/// One connection of a source; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Guest {
    crowd: Arc<Crowd>,
    /// None for a proxy, which is not counted.
    source: Option<Cidr>,
}

impl Crowd {
    /// Of sources that may have so many connections each.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::default() })
    }

    /// Lets a connection in; none when its source has enough of them.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr, proxies: &TrustedProxies) -> Option<Guest> {
        let address = address.to_canonical();
        if proxies.trusts(address) {
            return Some(Guest { crowd: Arc::clone(self), source: None });
        }
        let source = source_range(address);
        let mut open = self.lock();
        let count = open.entry(source).or_default();
        // Who is refused has an entry already, unless nobody may have any.
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Guest { crowd: Arc::clone(self), source: Some(source) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Cidr, usize>> {
        // A count is changed in one step.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some(source) = self.source else { return };
        let mut open = self.crowd.lock();
        if let Some(count) = open.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                open.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_so_many_and_leaves_nothing_behind() {
        let crowd = Crowd::new(2);
        let proxies = TrustedProxies { addresses: vec!["192.0.2.9/32".parse().unwrap()], ..TrustedProxies::default() };
        let admit = |address: &str| crowd.admit(address.parse().unwrap(), &proxies);
        let first = admit("192.0.2.1");
        // The same address, as a listener for both versions shows it.
        let second = admit("::ffff:192.0.2.1");
        assert!(first.is_some() && second.is_some() && admit("192.0.2.1").is_none());
        assert!(admit("192.0.2.2").is_some(), "another source");
        let proxied: Vec<_> = (0..5).map(|_| admit("192.0.2.9")).collect();
        assert!(proxied.iter().all(Option::is_some));
        drop(first);
        assert!(admit("192.0.2.1").is_some());
        drop((second, proxied));
        assert!(crowd.lock().is_empty());
    }
}
