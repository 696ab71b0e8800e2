//! The role `api`: HTTP, store, compiler and reconcile, without any capability.

mod accounts;
mod cloud;
mod external;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use intent::{Settings, World};
use logical::{Driver, NullDriver};
use reconcile::{Reconciler, Regions};
use store::Store;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    Error,
    agent::{self, RemoteDriver},
    cli::RoleName,
    config::{ApiConfig, DriverKind, PUBLIC, ProxyHeaders, RegionConfig},
    data_dir::DataDir,
    error::Result,
    role::{self, Announcement, ApiSettings},
};

/// How long open requests may take to finish, within the supervisor's patience.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Serves until the supervisor ends it.
pub(super) fn run() -> Result<()> {
    // Before anything is read or any thread started: what is dropped here nothing below can use.
    hostnet::sandbox::drop_all_capabilities()?;
    // The database and the keys are nobody else's, wherever the data directory is.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let settings: ApiSettings = role::settings(RoleName::Api)?;
    crate::logging::start(&settings.log);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::io("start the runtime"))?;
    let result = runtime.block_on(serve(&settings));
    // Threads that still wait for the agent must not keep the process.
    runtime.shutdown_background();
    result
}

async fn serve(settings: &ApiSettings) -> Result<()> {
    let data_dir = DataDir::open(&settings.data_dir)?;
    let store = Store::open(&data_dir.database())?;
    let regions: Vec<String> = settings.regions.iter().map(|region| region.name.to_string()).collect();
    let mut cloud = cloud::Cloud::new(settings.cloud.as_ref(), &store, &regions).await?;
    if cloud.external.is_none() {
        let ready = accounts::ensure(&store, &data_dir, &settings.api, &regions).await?;
        external::ensure(&store, &regions, &ready.admin_project).await?;
    }

    let reconcilers = regions
        .iter()
        .map(|region| Ok(Reconciler::spawn(store.clone(), region.clone(), driver(settings))?))
        .collect::<Result<Vec<_>>>()?;
    let world: Arc<dyn World> = Arc::new(Regions::new(&reconcilers));

    let mut config = api::ApiConfig::new(settings.api.listen, data_dir.keys());
    config.limits.shutdown_time = SHUTDOWN;
    config.health_listen = Some(settings.api.metrics_listen);
    config.public_url = settings.api.public_url.as_ref().map(ToString::to_string);
    config.proxies = proxies(&settings.api);
    config.regions =
        settings.regions.iter().enumerate().map(|(index, region)| api_region(settings, index, region)).collect();
    config.external = cloud.external.take();
    config.peers = cloud.peers.clone();
    let mut probes = probes(&world, settings);
    if let Some(counters) = cloud.counters.take() {
        probes.metrics.push(Box::new(move || counters.render()));
    }
    let bound = api::bind(config, store, Arc::clone(&world), probes).await?;
    let notifier = cloud.notify();
    Announcement::Ready { notes: Vec::new() }.send()?;
    bound.run(end()).await;
    if let Some(notifier) = notifier {
        // What it has not told is told after the next start.
        notifier.abort();
    }
    // Stopping waits for a pass that is under way; the pass waits for the agent at most.
    tokio::task::spawn_blocking(move || reconcilers.into_iter().for_each(Reconciler::stop))
        .await
        .map_err(|error| Error::io("stop reconciling")(error.into()))
}

fn proxies(api: &ApiConfig) -> api::TrustedProxies {
    let headers = match api.proxy_headers {
        ProxyHeaders::XForwarded => api::ProxyHeaders::XForwarded,
        ProxyHeaders::Forwarded => api::ProxyHeaders::Forwarded,
    };
    api::TrustedProxies { addresses: api.trusted_proxies.clone(), headers }
}

/// What operations in a region need to know.
fn api_region(settings: &ApiSettings, index: usize, region: &RegionConfig) -> api::Region {
    let name = region.name.to_string();
    let mut physical_networks = vec![external::physical_network(index, &name)];
    physical_networks.extend(settings.physical_networks.iter().filter(|network| *network != PUBLIC).cloned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").map(|text| text.trim().to_owned());
    let defaults = Settings::default();
    let (host, other_hosts) = (host.unwrap_or(defaults.host.clone()), settings.hosts.clone());
    let settings = Settings { physical_networks, host, other_hosts, ..defaults };
    api::Region { name, settings: Arc::new(settings) }
}

fn driver(settings: &ApiSettings) -> Box<dyn Driver> {
    match settings.driver {
        DriverKind::Ebpf => Box::new(RemoteDriver::new(agent::socket(&settings.run_dir))),
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

/// Ready when the supervisor is gone, or tells this process to end.
async fn end() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        role::wait_for_end();
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
