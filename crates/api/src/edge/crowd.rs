//! Open connections by source, so that one source cannot take all of them.
//!
//! Whoever has as many as one may have is hung up on at once, and counted. TLS handshakes are shared out the
//! same way, but there the rest wait: behind their own source's, in the time that a handshake may take, and without a
//! place that others could use. So a client that opens many connections in a burst is only slowed down. A trusted proxy
//! stands for all its clients and may have any number. The table holds open connections only, which are
//! bounded already.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Semaphore, SemaphorePermit};
use types::Cidr;

use super::TrustedProxies;
use crate::{Limits, identity::failures::source_range};

/// Who is here.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    handshakes: usize,
    open: Mutex<HashMap<Cidr, Source>>,
}

#[derive(Debug)]
struct Source {
    open: usize,
    /// Places of its handshakes.
    handshakes: Arc<Semaphore>,
}

/// One connection of a source; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Guest {
    crowd: Arc<Crowd>,
    /// None for a proxy, which is not counted.
    source: Option<(Cidr, Arc<Semaphore>)>,
}

impl Crowd {
    /// Of sources that may have so many connections and handshakes each.
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        let (most, handshakes) = (limits.connections_of_one_source, limits.handshakes_of_one_source);
        Arc::new(Self { most, handshakes, open: Mutex::default() })
    }

    /// Lets a connection in; none when its source has enough of them.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr, proxies: &TrustedProxies) -> Option<Guest> {
        let address = address.to_canonical();
        if proxies.trusts(address) {
            return Some(Guest { crowd: Arc::clone(self), source: None });
        }
        let source = source_range(address);
        let mut open = self.lock();
        let fresh = || Source { open: 0, handshakes: Arc::new(Semaphore::new(self.handshakes)) };
        let entry = open.entry(source).or_insert_with(fresh);
        // Who is refused has an entry already, unless nobody may have any.
        if entry.open >= self.most {
            return None;
        }
        entry.open += 1;
        let handshakes = Arc::clone(&entry.handshakes);
        drop(open);
        Some(Guest { crowd: Arc::clone(self), source: Some((source, handshakes)) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Cidr, Source>> {
        // A count is changed in one step.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// Waits for a place among the handshakes of its source; a proxy needs none.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let (_, handshakes) = self.source.as_ref()?;
        // The semaphore is never closed.
        handshakes.acquire().await.ok()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some((source, _)) = &self.source else { return };
        let mut open = self.crowd.lock();
        if let Some(entry) = open.get_mut(source) {
            entry.open -= 1;
            if entry.open == 0 {
                open.remove(source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_so_many_and_leaves_nothing_behind() {
        let crowd = Crowd::new(&Limits { connections_of_one_source: 2, ..Limits::default() });
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
