//! `baryon up`: checks, then the roles, then watching over them until it is told to stop.
//!
//! The supervisor does no work of its own that could fail later: it starts the agent (which makes
//! the host side), then the API, prints where things are, and starts a role again when it dies, after
//! a pause that grows with each death in a row. A role that fails before it was ever ready ends the
//! start, since its message is about something that the administrator must change.
//!
//! Stopping ends processes and nothing else: the datapath stays (`baryon down` removes it).

mod child;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    Error,
    cli::{RoleName, UpArgs},
    config::{CloudSettings, Config, DriverKind},
    data_dir::DataDir,
    error::Result,
    output::say,
    preflight,
    role::{AgentSettings, Announcement, ApiSettings},
};

use child::{Child, Ended};

/// Pause before a role is started again: at first, at most, and how long it must have lived for the
/// count to begin anew.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const PROVEN: Duration = Duration::from_secs(30);
/// How long a role may take to be ready: a database of many objects, all programs of the datapath.
const LONGEST_START: Duration = Duration::from_secs(120);

/// Runs until it is told to stop, or fails to start.
pub fn up(args: &UpArgs) -> Result<()> {
    let mut config = Config::for_up(args)?;
    crate::logging::start(&config.log);
    if config.agent.driver == DriverKind::Ebpf {
        preflight::require_datapath()?;
    }
    let data_dir = DataDir::create(&config.data_dir)?;
    let _lock = data_dir.lock()?;
    config.api.listen = preflight::check_listener(config.api.listen, "--listen")?;
    config.api.metrics_listen = preflight::check_listener(config.api.metrics_listen, "--metrics-listen")?;
    data_dir.note_start(&config.run_dir, &config.api.local_url())?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::io("start the supervisor"))?;
    runtime.block_on(supervise(&config, &data_dir))
}

/// A role that shall run, and the process that is it now.
struct Post {
    role: RoleName,
    settings: String,
    child: Option<Child>,
    started: Instant,
    restart: Option<Instant>,
    pause: Duration,
}

impl Post {
    fn new(role: RoleName, settings: String) -> Self {
        Self { role, settings, child: None, started: Instant::now(), restart: None, pause: FIRST_PAUSE }
    }

    async fn start(&mut self) -> Result<()> {
        self.started = Instant::now();
        self.restart = None;
        self.child = Some(Child::start(self.role, &self.settings).await?);
        Ok(())
    }

    /// Plans the next start after a death.
    fn mourn(&mut self, ended: &Ended) {
        self.child = None;
        if self.started.elapsed() > PROVEN {
            self.pause = FIRST_PAUSE;
        }
        tracing::error!(
            role = self.role.name(),
            restart_in_ms = u64::try_from(self.pause.as_millis()).unwrap_or(u64::MAX),
            "role ended: {ended}"
        );
        self.restart = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// Comes back when the process of this post ended or it is time to start it again.
    async fn event(&mut self) -> Event {
        match (&mut self.child, self.restart) {
            (Some(child), _) => Event::Ended(child.ended().await),
            (None, Some(time)) => {
                tokio::time::sleep_until(time.into()).await;
                Event::Restart
            }
            (None, None) => std::future::pending().await,
        }
    }
}

enum Event {
    Ended(Ended),
    Restart,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn any(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }
}

async fn supervise(config: &Config, data_dir: &DataDir) -> Result<()> {
    let mut signals = Signals::new().map_err(Error::io("listen to signals"))?;
    let mut posts = posts(config, data_dir)?;
    let result = tokio::select! {
        result = run(config, data_dir, &mut posts) => result,
        name = signals.any() => {
            tracing::info!("{name}: stopping; the datapath stays as it is");
            Ok(())
        }
    };
    // The API first: it drives the agent.
    for post in posts.iter_mut().rev() {
        if let Some(child) = post.child.take() {
            child.stop().await;
        }
    }
    result
}

/// The roles in the order in which they start.
fn posts(config: &Config, data_dir: &DataDir) -> Result<Vec<Post>> {
    let run_dir = data_dir.instance().run_dir(&config.run_dir);
    let mut posts = Vec::new();
    if config.agent.driver == DriverKind::Ebpf {
        let settings = AgentSettings {
            instance: data_dir.instance(),
            run_dir: run_dir.clone(),
            log: config.log.clone(),
            uplink: config.agent.uplink.clone(),
            physical_networks: config.physical_networks.clone(),
            timeouts: config.agent.timeouts,
        };
        posts.push(Post::new(RoleName::Agent, to_line(&settings)?));
    }
    let settings = ApiSettings {
        data_dir: data_dir.path().to_owned(),
        run_dir,
        api: config.api.clone(),
        log: config.log.clone(),
        driver: config.agent.driver,
        regions: config.region.clone(),
        cloud: CloudSettings::read(
            &config.identity,
            &config.nova,
            &format!("{}/identity", config.api.local_url()),
        )?,
        hosts: config.nova.hosts.clone(),
        physical_networks: config.physical_networks.keys().cloned().collect(),
    };
    posts.push(Post::new(RoleName::Api, to_line(&settings)?));
    Ok(posts)
}

fn to_line<T: serde::Serialize>(settings: &T) -> Result<String> {
    let text = serde_json::to_string(settings).map_err(std::io::Error::from);
    text.map(|text| text + "\n").map_err(Error::io("write a role's settings"))
}

async fn run(config: &Config, data_dir: &DataDir, posts: &mut [Post]) -> Result<()> {
    let begin = Instant::now();
    let mut notes = Vec::new();
    for post in posts.iter_mut() {
        post.start().await?;
        if let Some(child) = &mut post.child {
            let words = tokio::time::timeout(LONGEST_START, first_words(post.role, child));
            notes.extend(words.await.unwrap_or_else(|_| Err(never_ready(post.role)))?);
        }
    }
    banner(config, data_dir, &notes, begin.elapsed())?;
    loop {
        let (index, event) = next_event(posts).await;
        let Some(post) = posts.get_mut(index) else { continue };
        match event {
            Event::Ended(ended) => post.mourn(&ended),
            Event::Restart => {
                tracing::info!(role = post.role.name(), "starting the role again");
                // Out of memory or processes: that passes, so the post is kept.
                if let Err(error) = post.start().await {
                    post.mourn(&Ended::NotStarted(error.to_string()));
                }
            }
        }
    }
}

/// The next thing that happens to any post. There are one or two of them.
async fn next_event(posts: &mut [Post]) -> (usize, Event) {
    match posts {
        [first, second] => tokio::select! {
            event = first.event() => (0, event),
            event = second.event() => (1, event),
        },
        [only] => (0, only.event().await),
        _ => std::future::pending().await,
    }
}

/// What a role says of its start.
async fn first_words(role: RoleName, child: &mut Child) -> Result<Vec<String>> {
    match child.announcement().await {
        Some(Announcement::Ready { notes }) => Ok(notes),
        Some(Announcement::Failed { message }) => Err(Error::Role { message }),
        None => {
            let ended = child.ended().await;
            Err(Error::Role {
                message: format!("the role {} ended while it was starting: {ended}; see the log above", role.name()),
            })
        }
    }
}

fn never_ready(role: RoleName) -> Error {
    Error::Role {
        message: format!(
            "the role {} was not ready after {} s; see the log above",
            role.name(),
            LONGEST_START.as_secs()
        ),
    }
}

fn banner(config: &Config, data_dir: &DataDir, notes: &[String], took: Duration) -> Result<()> {
    let base = config.api.base_url();
    say!(
        "baryon {} is up after {:.1} s (instance {})",
        env!("CARGO_PKG_VERSION"),
        took.as_secs_f64(),
        data_dir.instance()
    )?;
    say!("  identity       {base}/identity/v3")?;
    for region in &config.region {
        say!("  network        {base}/network/{}/v2.0", region.name)?;
    }
    say!("  health         http://{}/healthz, /readyz, /metrics", config.api.metrics_listen)?;
    say!("  passwords      {} (clouds baryon-admin and baryon-demo)", data_dir.clouds().display())?;
    match notes {
        [] => say!("  datapath       none (--driver null): nothing on this host is changed, no packet is forwarded")?,
        notes => {
            say!("  changed on this host, until `baryon down{}`:", data_dir_option(data_dir.path()))?;
            notes.iter().try_for_each(|note| say!("    {note}"))?;
        }
    }
    say!("try it:")?;
    say!("  export OS_CLIENT_CONFIG_FILE={} OS_CLOUD=baryon-demo", data_dir.clouds().display())?;
    say!("  openstack network list")?;
    say!("Ctrl-C stops the processes; servers keep their network.")
}

fn data_dir_option(path: &Path) -> String {
    if path == crate::config::DEFAULT_DATA_DIR { String::new() } else { format!(" --data-dir {}", path.display()) }
}
