//! What the server tells the API.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use cloud_client::Health;
use intent::Settings;
use model::Profile;
use model::QuotaDefaults;

use crate::{AuditConfig, ExternalIdentity, FailureLimits, SecurityCompliance, Tls, TrustedProxies};

/// A region of this process.
#[derive(Debug, Clone)]
pub struct Region {
    /// Its name, in URLs and in the catalogue.
    pub name: String,
    /// What it is called to offer, for people.
    pub profile: String,
    /// The name of its datapath, for people.
    pub driver: String,
    /// What its network operations need to know.
    pub settings: Arc<Settings>,
}

impl Region {
    /// A region of a profile.
    #[must_use]
    pub fn new(name: &str, profile: Profile, settings: Settings) -> Self {
        let settings = Settings { features: profile.features(), ..settings };
        Self {
            name: name.to_owned(),
            profile: profile.to_string(),
            driver: "none".to_owned(),
            settings: Arc::new(settings),
        }
    }
}

/// Where and how the API serves.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The address of the one listener for every service.
    pub listen: SocketAddr,
    /// The address of `/healthz`, `/readyz` and `/metrics`; none serves them nowhere.
    pub health_listen: Option<SocketAddr>,
    /// What clients reach the listener by, when that differs from the `Host` that they send: behind
    /// a proxy or a translation. Without a slash at its end.
    pub public_url: Option<String>,
    /// The certificate of the listener; without one it speaks plain HTTP.
    pub tls: Option<Arc<Tls>>,
    /// Whose word is taken on where requests come from.
    pub proxies: TrustedProxies,
    /// The regions of this cloud, the first one first in the catalogue.
    pub regions: Vec<Region>,
    /// Where the keys of tokens lie, one file each; made when absent.
    pub keys_dir: PathBuf,
    /// The Keystone that knows who our callers are, in place of users of our own.
    pub external: Option<ExternalIdentity>,
    /// Other services of the cloud, for `baryon status` and metrics.
    pub peers: Vec<Arc<Health>>,
    /// Rules for passwords, and for logins that fail.
    pub security: SecurityCompliance,
    /// Whether services are offered that do less than their API promises: load balancing and DNS, which know no more than
    /// their quotas yet.
    pub preview: bool,
    /// How long a token lasts.
    pub token_lifetime: Duration,
    /// What the audit trail remembers.
    pub audit: AuditConfig,
    /// What one client or many may take.
    pub limits: Limits,
}

impl ApiConfig {
    /// The configuration of one region on an address, everything else as by default.
    #[must_use]
    pub fn new(listen: SocketAddr, keys_dir: PathBuf) -> Self {
        Self {
            listen,
            health_listen: None,
            public_url: None,
            tls: None,
            proxies: TrustedProxies::default(),
            regions: vec![Region::new("RegionOne", Profile::Full, Settings::default())],
            keys_dir,
            external: None,
            peers: Vec::new(),
            security: SecurityCompliance::default(),
            preview: false,
            token_lifetime: Duration::from_secs(3600),
            audit: AuditConfig::default(),
            limits: Limits::default(),
        }
    }

    /// Tells each region what the others have, and whether previews are shown.
    pub(crate) fn introduce_regions(&mut self) {
        if self.preview {
            for region in &mut self.regions {
                let settings = Arc::make_mut(&mut region.settings);
                settings.features = settings.features.with_previews();
            }
        }
        let cloud: Vec<_> = self.regions.iter().map(|region| (region.name.clone(), region.settings.features)).collect();
        for region in &mut self.regions {
            Arc::make_mut(&mut region.settings).cloud.clone_from(&cloud);
        }
    }

    /// The limits of projects that have none of their own, for what is in no region.
    pub(crate) fn quota_defaults(&self) -> QuotaDefaults {
        // A configuration has one set of them; every region carries it.
        self.regions.first().map(|region| region.settings.quotas.clone()).unwrap_or_default()
    }

    /// The names of the regions.
    #[must_use]
    pub fn region_names(&self) -> Vec<String> {
        self.regions.iter().map(|region| region.name.clone()).collect()
    }
}

/// Bounds that keep one client from taking what all need.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections open at once; more wait in the kernel's queue.
    pub connections: usize,
    /// Of those, how many one source (an IPv4 address, an IPv6 /64) may have; a trusted proxy may have all.
    pub connections_of_one_source: usize,
    /// TLS handshakes at once; more wait, within the time that a handshake may take.
    pub handshakes: usize,
    /// Of those, how many one source may have at work; its further ones wait behind them.
    pub handshakes_of_one_source: usize,
    /// How long a handshake may take.
    pub handshake_time: Duration,
    /// Requests worked on at once; more wait for [`Self::queue_time`], then get 503.
    pub requests: usize,
    /// How long a request may wait for its turn.
    pub queue_time: Duration,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Bodies of more than 64 KiB on their way or worked on at once; more wait for [`Self::queue_time`], then get 503.
    pub large_bodies: usize,
    /// How long a client may take to send the head of a request, and to send its body.
    pub read_time: Duration,
    /// How long a request may take before the answer is 504.
    pub request_time: Duration,
    /// How long `?wait=1` waits for a change to be applied.
    pub apply_time: Duration,
    /// Questions to the compiled world at once, waits included: each holds a thread.
    pub questions: usize,
    /// Password hashes computed at once.
    pub hashes: usize,
    /// Logins that may wait for a hash, of all sources together; more get 429.
    pub waiting_logins: usize,
    /// Failed logins of one source.
    pub failures: FailureLimits,
    /// Objects in one page of a list, and in one bulk create.
    pub page: usize,
    /// How long open requests may take to finish after the shutdown signal.
    pub shutdown_time: Duration,
}

/// Files that the API has open besides connections, with room: the database's readers, monitors, the agent's and other
/// services' connections.
const OTHER_FILES: usize = 512;

impl Limits {
    /// How many files a process with these bounds may have open.
    #[must_use]
    pub fn open_files(&self) -> usize {
        self.connections.saturating_add(OTHER_FILES)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_of_one_source: 256,
            handshakes: 128,
            handshakes_of_one_source: 32,
            handshake_time: Duration::from_secs(10),
            requests: 256,
            queue_time: Duration::from_secs(5),
            body_bytes: 1 << 20,
            large_bodies: 128,
            read_time: Duration::from_secs(15),
            request_time: Duration::from_secs(60),
            apply_time: Duration::from_secs(30),
            questions: 128,
            hashes: std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2)),
            waiting_logins: 64,
            failures: FailureLimits::default(),
            page: 1000,
            shutdown_time: Duration::from_secs(10),
        }
    }
}
