//! Counters of requests, in the text format of Prometheus.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::{Method, StatusCode};

/// Upper bounds of the histogram's buckets, in milliseconds.
const BUCKETS: [u64; 10] = [1, 2, 5, 10, 25, 50, 100, 500, 2_000, 10_000];

/// What happened to requests since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    in_flight: AtomicI64,
    connections_refused: AtomicU64,
    handshakes_late: AtomicU64,
    // Service, method and status only: a path would be a series per object.
    requests: Mutex<BTreeMap<(&'static str, &'static str, u16), u64>>,
    durations: Mutex<BTreeMap<&'static str, Durations>>,
}

#[derive(Debug, Default)]
struct Durations {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    micros: u128,
}

/// Counts as a request in flight while it lives.
pub(crate) struct InFlight<'a>(&'a AtomicI64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Counters are whole after every statement, so a panic elsewhere spoils nothing.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stranger's path and method must not become labels without end.
fn service_label(service: &str) -> &'static str {
    match service {
        "identity" => "identity",
        "network" => "network",
        "load-balancer" => "load-balancer",
        "dns" => "dns",
        // Quotas across regions, at their other address.
        "v3" => "identity",
        "baryon" => "baryon",
        _ => "other",
    }
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

impl Metrics {
    pub(super) fn start(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.in_flight)
    }

    /// A connection was hung up on, since its source has as many as one may have.
    pub(super) fn refuse_connection(&self) {
        self.connections_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A handshake was cut off, since it took too long.
    pub(super) fn handshake_late(&self) {
        self.handshakes_late.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn finish(&self, service: &str, method: &Method, status: StatusCode, taken: Duration) {
        let service = service_label(service);
        *lock(&self.requests).entry((service, method_label(method), status.as_u16())).or_default() += 1;
        let mut durations = lock(&self.durations);
        let entry = durations.entry(service).or_default();
        entry.count += 1;
        entry.micros += taken.as_micros();
        for (bucket, bound) in entry.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(taken <= Duration::from_millis(bound));
        }
    }

    /// The text that Prometheus reads.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "# HELP baryon_api_requests_in_flight Requests being worked on.")?;
        writeln!(text, "# TYPE baryon_api_requests_in_flight gauge")?;
        writeln!(text, "baryon_api_requests_in_flight {}", self.in_flight.load(Ordering::Relaxed))?;
        for (name, help, count) in [
            ("connections_refused", "Connections beyond those that one source may have.", &self.connections_refused),
            ("handshakes_late", "TLS handshakes that were cut off after their time.", &self.handshakes_late),
        ] {
            let count = count.load(Ordering::Relaxed);
            let name = format!("baryon_api_{name}_total");
            writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {count}")?;
        }
        writeln!(text, "# HELP baryon_api_requests_total Requests answered.")?;
        writeln!(text, "# TYPE baryon_api_requests_total counter")?;
        for ((service, method, status), count) in lock(&self.requests).iter() {
            writeln!(
                text,
                "baryon_api_requests_total{{service=\"{service}\",method=\"{method}\",status=\"{status}\"}} {count}"
            )?;
        }
        writeln!(text, "# HELP baryon_api_request_seconds Time from a request's head to its answer.")?;
        writeln!(text, "# TYPE baryon_api_request_seconds histogram")?;
        for (service, durations) in lock(&self.durations).iter() {
            let name = "baryon_api_request_seconds";
            for (count, bound) in durations.buckets.iter().zip(BUCKETS) {
                let seconds = Duration::from_millis(bound).as_secs_f64();
                writeln!(text, "{name}_bucket{{service=\"{service}\",le=\"{seconds}\"}} {count}")?;
            }
            writeln!(text, "{name}_bucket{{service=\"{service}\",le=\"+Inf\"}} {}", durations.count)?;
            writeln!(
                text,
                "{name}_sum{{service=\"{service}\"}} {}.{:06}",
                durations.micros / 1_000_000,
                durations.micros % 1_000_000
            )?;
            writeln!(text, "{name}_count{{service=\"{service}\"}} {}", durations.count)?;
        }
        Ok(())
    }
}
