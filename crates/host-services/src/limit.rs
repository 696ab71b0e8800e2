//! How much one port may ask for.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

/// When as many ports are remembered, those that have been quiet are forgotten.
const FORGET_ABOVE: usize = 1024;

/// A token bucket per port, that is, per service address.
#[derive(Debug)]
pub(crate) struct RateLimit {
    /// Requests that a port may make at once.
    burst: u32,
    /// How long until it may make one more.
    refill: Duration,
    /// When each port's bucket will be full again. A time stands for the bucket: what is missing is
    /// what refills until then.
    full_at: HashMap<Ipv4Addr, Instant>,
}

impl RateLimit {
    /// For DHCP, of which a client asks a handful of times a day.
    pub(crate) fn dhcp() -> Self {
        Self::new(20, Duration::from_millis(100))
    }

    /// For metadata, of which a server that starts reads some hundred documents.
    pub(crate) fn metadata() -> Self {
        Self::new(200, Duration::from_millis(20))
    }

    fn new(burst: u32, refill: Duration) -> Self {
        Self { burst, refill, full_at: HashMap::new() }
    }

    /// Whether the port may make a request now; takes a token if so.
    pub(crate) fn allow(&mut self, port: Ipv4Addr, now: Instant) -> bool {
        let full_at = self.bucket(port, now);
        let after = full_at + self.refill;
        let allowed = after <= now + self.refill * self.burst;
        if allowed {
            self.full_at.insert(port, after);
        }
        allowed
    }

    /// Takes a token, be it one that is still to come; returns how long to wait for it.
    pub(crate) fn wait(&mut self, port: Ipv4Addr, now: Instant) -> Duration {
        let after = self.bucket(port, now) + self.refill;
        self.full_at.insert(port, after);
        after.saturating_duration_since(now + self.refill * self.burst)
    }

    /// When the port's bucket is full: a full one is as good as none.
    fn bucket(&mut self, port: Ipv4Addr, now: Instant) -> Instant {
        if self.full_at.len() > FORGET_ABOVE {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        self.full_at.get(&port).copied().unwrap_or(now).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_ten_a_second_and_ports_do_not_share() {
        let mut limit = RateLimit::dhcp();
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
    fn who_waits_gets_each_token_in_its_time() {
        let mut limit = RateLimit::metadata();
        let start = Instant::now();
        let port = Ipv4Addr::new(100, 64, 0, 1);
        assert!((0..200).all(|_| limit.wait(port, start).is_zero()));
        assert_eq!(limit.wait(port, start), Duration::from_millis(20));
        assert_eq!(limit.wait(port, start), Duration::from_millis(40));
        assert!(limit.wait(port, start + Duration::from_secs(1)).is_zero());
    }

    #[test]
    fn quiet_ports_are_forgotten() {
        let mut limit = RateLimit::dhcp();
        let start = Instant::now();
        for port in 0..5000u32 {
            assert!(limit.allow(Ipv4Addr::from(port), start + Duration::from_secs(port.into())));
        }
        assert!(limit.full_at.len() <= FORGET_ABOVE + 1);
    }
}
