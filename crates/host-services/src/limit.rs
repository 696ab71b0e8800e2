//! How much one port may ask for.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

/// Requests that a port may make at once.
const BURST: u32 = 20;
/// How long until it may make one more: ten a second. A client asks a handful of times an hour.
const REFILL: Duration = Duration::from_millis(100);
/// When as many ports are remembered, those that have been quiet are forgotten.
const FORGET_ABOVE: usize = 1024;

/// A token bucket per port, that is, per service address.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    /// When each port's bucket will be full again. A time stands for the bucket: what is missing is
    /// what refills until then.
    full_at: HashMap<Ipv4Addr, Instant>,
}

impl RateLimit {
    /// Whether the port may make a request at this time; takes a token if so.
    pub(crate) fn allow(&mut self, port: Ipv4Addr, now: Instant) -> bool {
        if self.full_at.len() > FORGET_ABOVE {
            // A full bucket is as good as none.
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        let full_at = self.full_at.entry(port).or_insert(now);
        let after = (*full_at).max(now) + REFILL;
        let allowed = after <= now + REFILL * BURST;
        if allowed {
            *full_at = after;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_ten_a_second_and_ports_do_not_share() {
        let mut limit = RateLimit::default();
        let start = Instant::now();
        let (one, two) = (Ipv4Addr::new(100, 64, 0, 1), Ipv4Addr::new(100, 64, 0, 2));
        assert_eq!((0..100).filter(|_| limit.allow(one, start)).count(), 20);
        assert!(limit.allow(two, start));
        let later = start + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| limit.allow(one, later)).count(), 10);
        let much_later = start + Duration::from_secs(100);
        assert_eq!((0..100).filter(|_| limit.allow(one, much_later)).count(), 20);
    }

    #[test]
    fn quiet_ports_are_forgotten() {
        let mut limit = RateLimit::default();
        let start = Instant::now();
        for port in 0..5000u32 {
            assert!(limit.allow(Ipv4Addr::from(port), start + Duration::from_secs(port.into())));
        }
        assert!(limit.full_at.len() <= FORGET_ABOVE + 1);
    }
}
