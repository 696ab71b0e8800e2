//! The role `api`: HTTP, store, compiler and reconcile, as a user of its own without any capability.

mod accounts;
mod cloud;
mod external;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use api::{Certificate, Listeners, PemPair, Tls};
use hostnet::sandbox::{self, SandboxSpec};
use intent::{Settings, World};
use logical::{Driver, NullDriver};
use reconcile::{Reconciler, Regions};
use store::Store;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    Error,
    account::Account,
    agent::{self, RemoteDriver},
    cli::RoleName,
    config::{ApiConfig, ConfigError, DriverKind, ProxyHeaders},
    data_dir::DataDir,
    error::Result,
    region::Region,
    role::{self, Announcement, ApiSettings, News},
};

/// How long open requests may take to finish, within the supervisor's patience.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Serves until the supervisor ends it.
pub(super) fn run() -> Result<()> {
    let settings: ApiSettings = role::settings(RoleName::Api)?;
    let tls = certificate(&settings.api)?;
    // A low port takes a right, the last one that is used.
    let listeners = Listeners::open(settings.api.listen, Some(settings.api.metrics_listen))?;
    // Before any thread is started: what is dropped here nothing below can use.
    match settings.account {
        Some(Account { uid, gid }) => sandbox::enter(&SandboxSpec { uid, gid, ..SandboxSpec::default() })?,
        None => sandbox::drop_all_capabilities()?,
    }
    // The database and the keys are nobody else's, wherever the data directory is.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    crate::logging::start(&settings.log);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::io("start the runtime"))?;
    let result = runtime.block_on(serve(&settings, listeners, tls));
    // Threads that still wait for the agent must not keep the process.
    runtime.shutdown_background();
    result
}

async fn serve(settings: &ApiSettings, listeners: Listeners, tls: Option<Arc<Tls>>) -> Result<()> {
    let data_dir = DataDir::open(&settings.data_dir)?;
    let store = Store::open(&data_dir.database())?;
    let regions: Vec<String> = settings.regions.iter().map(|region| region.name.to_string()).collect();
    let mut cloud = cloud::Cloud::new(settings.cloud.as_ref(), &store, &regions).await?;
    if cloud.external.is_none() {
        let ready = accounts::ensure(&store, &data_dir, &settings.api, &regions).await?;
        external::ensure(&store, &settings.regions, &ready.admin_project).await?;
    }

    let reconcilers = settings
        .regions
        .iter()
        .map(|region| Ok(Reconciler::spawn(store.clone(), region.name.to_string(), driver(settings, region))?))
        .collect::<Result<Vec<_>>>()?;
    let world: Arc<dyn World> = Arc::new(Regions::new(&reconcilers));

    let mut config = api::ApiConfig::new(settings.api.listen, data_dir.keys());
    config.limits = api::Limits { shutdown_time: SHUTDOWN, ..settings.api.limits() };
    config.health_listen = Some(settings.api.metrics_listen);
    config.public_url = settings.api.public_url.as_ref().map(ToString::to_string);
    config.tls.clone_from(&tls);
    config.proxies = proxies(&settings.api);
    config.audit = settings.audit.into();
    config.security = security_rules(settings)?;
    config.preview = settings.api.preview;
    config.regions = settings.regions.iter().map(|region| api_region(settings, region)).collect();
    config.external = cloud.external.take();
    config.peers = cloud.peers.clone();
    let mut probes = probes(&world, settings);
    if let Some(counters) = cloud.counters.take() {
        probes.metrics.push(Box::new(move || counters.render()));
    }
    let bound = api::bind_on(listeners, config, store, Arc::clone(&world), probes).await?;
    let notifiers = cloud.notify();
    Announcement::Ready { notes: Vec::new() }.send()?;
    bound.run(end(tls)).await;
    // What they have not told is told after the next start.
    drop(notifiers);
    // Stopping waits for a pass that is under way; the pass waits for the agent at most.
    tokio::task::spawn_blocking(move || reconcilers.into_iter().for_each(Reconciler::stop))
        .await
        .map_err(|error| Error::io("stop reconciling")(error.into()))
}

/// The rules for passwords and logins. The supervisor has made the same of its file.
fn security_rules(settings: &ApiSettings) -> Result<api::SecurityCompliance> {
    Ok(settings.security_compliance.rules().map_err(|reason| ConfigError::Conflict { file: None, reason })?)
}

/// The first certificate, which comes after the settings.
fn certificate(config: &ApiConfig) -> Result<Option<Arc<Tls>>> {
    if config.tls_certificate.is_none() {
        return Ok(None);
    }
    let Some(News::Certificate { certificate, key }) = role::next_news() else {
        return Err(Error::Usage("the supervisor gave no certificate: use `baryon up`".to_owned()));
    };
    let certificate = Certificate::parse(&PemPair { certificate, key })
        .map_err(|error| Error::Usage(format!("the certificate of the listener: {error}")))?;
    Ok(Some(Tls::new(certificate)))
}

/// Another certificate, or the news that there is none. What goes wrong is told where it is noted.
fn renew(tls: &Tls, news: News) {
    match news {
        News::Certificate { certificate, key } => drop(tls.replace(&PemPair { certificate, key })),
        News::NoCertificate { reason } => tls.failed(&reason),
    }
}

fn proxies(api: &ApiConfig) -> api::TrustedProxies {
    let headers = match api.proxy_headers {
        ProxyHeaders::XForwarded => api::ProxyHeaders::XForwarded,
        ProxyHeaders::Forwarded => api::ProxyHeaders::Forwarded,
    };
    api::TrustedProxies { addresses: api.trusted_proxies.clone(), headers }
}

/// What operations in a region need to know.
fn api_region(settings: &ApiSettings, region: &Region) -> api::Region {
    let mut physical_networks = vec![region.public()];
    physical_networks.extend(region.physical_networks.keys().cloned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").map(|text| text.trim().to_owned());
    let defaults = Settings::default();
    let (host, other_hosts) = (host.unwrap_or(defaults.host.clone()), settings.hosts.clone());
    let quotas = settings.quota.defaults().clone();
    let settings = Settings { physical_networks, host, other_hosts, quotas, ..defaults };
    let driver = region.driver.to_string();
    api::Region { driver, ..api::Region::new(region.name.as_str(), region.profile, settings) }
}

fn driver(settings: &ApiSettings, region: &Region) -> Box<dyn Driver> {
    match region.driver {
        DriverKind::Ebpf => Box::new(RemoteDriver::new(agent::socket(&settings.run_dir), region.name.to_string())),
        DriverKind::Null => Box::new(NullDriver::default()),
    }
}

/// What `/readyz` and `/metrics` say of the datapath.
fn probes(world: &Arc<dyn World>, settings: &ApiSettings) -> api::Probes {
    let regions: Vec<String> = settings.regions.iter().map(|region| region.name.to_string()).collect();
    let (ready_world, ready_regions) = (Arc::clone(world), regions.clone());
    let world = Arc::clone(world);
    api::Probes {
        ready: vec![Box::new(move || ready_regions.iter().try_for_each(|region| ready(ready_world.as_ref(), region)))],
        metrics: vec![Box::new(move || metrics(world.as_ref(), &regions))],
    }
}

fn ready(world: &dyn World, region: &str) -> Result<(), String> {
    match world.status(region) {
        Ok(status) if status.driver_ok => Ok(()),
        Ok(status) => {
            Err(format!("region {region}: {}", status.detail.unwrap_or_else(|| "the first pass runs".to_owned())))
        }
        Err(error) => Err(format!("region {region}: {error}")),
    }
}

/// In the text format of Prometheus, which wants all samples of a name together.
fn metrics(world: &dyn World, regions: &[String]) -> String {
    let mut samples: BTreeMap<(String, &str), Vec<(&str, u64)>> = BTreeMap::new();
    for region in regions {
        let Ok(status) = world.status(region) else { continue };
        let mut add = |name: String, kind, value| samples.entry((name, kind)).or_default().push((region, value));
        add("datapath_ok".to_owned(), "gauge", status.driver_ok.into());
        add("datapath_rows".to_owned(), "gauge", status.rows);
        add("reconcile_lag_changes".to_owned(), "gauge", status.lag);
        add("reconcile_problems".to_owned(), "gauge", u64::try_from(status.problems.len()).unwrap_or(u64::MAX));
        for (name, value) in &status.counters {
            add(format!("reconcile_{name}_total"), "counter", *value);
        }
    }
    let mut text = String::new();
    for ((name, kind), values) in samples {
        text.push_str(&format!("# TYPE baryon_{name} {kind}\n"));
        for (region, value) in values {
            text.push_str(&format!("baryon_{name}{{region=\"{region}\"}} {value}\n"));
        }
    }
    text
}

/// Ready when the supervisor is gone, or tells this process to end. What else it says is done meanwhile.
async fn end(tls: Option<Arc<Tls>>) {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        while let Some(news) = role::next_news() {
            if let Some(tls) = &tls {
                renew(tls, news);
            }
        }
        let _ = sender.send(());
    });
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            // The lifeline says the same.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = receiver => {}
        () = terminated => {}
    }
}
