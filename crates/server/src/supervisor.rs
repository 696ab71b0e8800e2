//! `baryon up`: checks, then the roles, then watching over them until it is told to stop.
//!
//! The supervisor does no work of its own that could fail later: it starts the agent (which makes
//! the host side), then the API, prints where things are, and starts a role again when it dies, after
//! a pause that grows with each death in a row. A role that fails before it was ever ready ends the
//! start, since its message is about something that the administrator must change.
//!
//! It also watches the files of the listener's certificate, which it alone may read ([`crate::tls`]),
//! and tells the API what is in them.
//!
//! Stopping ends processes and nothing else: the datapath stays (`baryon down` removes it).

mod child;
mod renewal;

use std::{
    io::IsTerminal as _,
    path::Path,
    time::{Duration, Instant},
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    Error,
    account::Account,
    cli::{RoleName, UpArgs},
    config::{CloudSettings, Config, DriverKind},
    data_dir::DataDir,
    error::Result,
    output::say,
    preflight::{self, open_files},
    region::{Region, Regions},
    role::{AgentSettings, Announcement, ApiSettings, News},
};

use child::{Child, Ended};
use renewal::Renewal;

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
    if config.needs_datapath() {
        preflight::require_datapath()?;
    }
    // Its roles inherit it.
    if let Err(error) = open_files::raise(&config.api) {
        tracing::warn!("{error}");
    }
    let data_dir = DataDir::create(&config.data_dir)?;
    let _lock = data_dir.lock()?;
    if let Some(account) = Account::choose(config.api.user.as_deref())? {
        account.take_over(data_dir.path())?;
        if config.needs_datapath() {
            account.require_reach(&data_dir.instance().run_dir(&config.run_dir).join("agent.sock"))?;
        }
    }
    config.api.listen = preflight::check_listener(config.api.listen, "--listen")?;
    config.api.metrics_listen = preflight::check_listener(config.api.metrics_listen, "--metrics-listen")?;
    let regions = Regions::resolve(&config, &data_dir)?;
    let keystone = config.identity.external.as_ref().map(ToString::to_string);
    data_dir.note_start(&config.run_dir, &config.api.local_url(), keystone.as_deref())?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::io("start the supervisor"))?;
    runtime.block_on(supervise(&config, &data_dir, &regions))
}

/// A role that shall run, and the process that is it now.
struct Post {
    role: RoleName,
    settings: String,
    /// What it was told last, beside its settings.
    news: Option<String>,
    child: Option<Child>,
    started: Instant,
    restart: Option<Instant>,
    pause: Duration,
}

impl Post {
    fn new(role: RoleName, settings: String) -> Self {
        Self { role, settings, news: None, child: None, started: Instant::now(), restart: None, pause: FIRST_PAUSE }
    }

    async fn start(&mut self) -> Result<()> {
        self.started = Instant::now();
        self.restart = None;
        self.child = Some(Child::start(self.role, &self.settings, self.news.as_deref()).await?);
        Ok(())
    }

    /// Tells the process, and later ones too if they shall know it.
    async fn tell(&mut self, news: &News) -> Result<()> {
        let line = news.to_line()?;
        if let Some(child) = &mut self.child {
            child.tell(&line).await;
        }
        if matches!(news, News::Certificate { .. }) {
            self.news = Some(line);
        }
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
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn any(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

async fn supervise(config: &Config, data_dir: &DataDir, regions: &Regions) -> Result<()> {
    let mut signals = Signals::new().map_err(Error::io("listen to signals"))?;
    let hangup = signal(SignalKind::hangup()).map_err(Error::io("listen to signals"))?;
    let (renewal, news) = Renewal::begin(&config.api)?;
    let mut posts = posts(config, data_dir, regions)?;
    if let Some(post) = posts.iter_mut().find(|post| post.role == RoleName::Api) {
        post.news = news;
    }
    let result = tokio::select! {
        result = run(config, data_dir, regions, &mut posts, renewal, hangup) => result,
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
fn posts(config: &Config, data_dir: &DataDir, regions: &Regions) -> Result<Vec<Post>> {
    let run_dir = data_dir.instance().run_dir(&config.run_dir);
    let mut posts = Vec::new();
    let account = Account::choose(config.api.user.as_deref())?;
    let with_datapath: Vec<_> =
        regions.served.iter().filter(|region| region.driver == DriverKind::Ebpf).cloned().collect();
    if !with_datapath.is_empty() {
        let settings = AgentSettings {
            instance: data_dir.instance(),
            run_dir: run_dir.clone(),
            account: account.unwrap_or_else(Account::own),
            log: config.log.clone(),
            regions: with_datapath,
            retired: regions.retired.clone(),
            timeouts: config.agent.timeouts,
        };
        posts.push(Post::new(RoleName::Agent, to_line(&settings)?));
    }
    let settings = ApiSettings {
        data_dir: data_dir.path().to_owned(),
        run_dir,
        api: config.api.clone(),
        account,
        log: config.log.clone(),
        audit: config.audit,
        security_compliance: config.security_compliance.clone(),
        quota: config.quota.clone(),
        regions: regions.served.clone(),
        cloud: CloudSettings::read(&config.identity, &config.nova, &format!("{}/identity", config.api.local_url()))?,
        hosts: config.nova.hosts.clone(),
    };
    posts.push(Post::new(RoleName::Api, to_line(&settings)?));
    Ok(posts)
}

fn to_line<T: serde::Serialize>(settings: &T) -> Result<String> {
    let text = serde_json::to_string(settings).map_err(std::io::Error::from);
    text.map(|text| text + "\n").map_err(Error::io("write a role's settings"))
}

async fn run(
    config: &Config,
    data_dir: &DataDir,
    regions: &Regions,
    posts: &mut [Post],
    mut renewal: Renewal,
    mut hangup: Signal,
) -> Result<()> {
    let begin = Instant::now();
    let mut notes = Vec::new();
    for post in posts.iter_mut() {
        post.start().await?;
        if let Some(child) = &mut post.child {
            let words = tokio::time::timeout(LONGEST_START, first_words(post.role, child));
            notes.extend(words.await.unwrap_or_else(|_| Err(never_ready(post.role)))?);
        }
    }
    banner(config, data_dir, regions, &notes, begin.elapsed())?;
    loop {
        let (index, event) = tokio::select! {
            event = next_event(posts) => event,
            news = renewal.changed() => {
                tell_api(posts, &news).await?;
                continue;
            }
            _ = hangup.recv() => {
                if std::io::stderr().is_terminal() {
                    tracing::info!("SIGHUP: the terminal is gone; stopping, the datapath stays as it is");
                    return Ok(());
                }
                match renewal.now() {
                    Some(news) => tell_api(posts, &news).await?,
                    None => tracing::info!("SIGHUP: there is no certificate to read again"),
                }
                continue;
            }
        };
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

async fn tell_api(posts: &mut [Post], news: &News) -> Result<()> {
    match posts.iter_mut().find(|post| post.role == RoleName::Api) {
        Some(post) => post.tell(news).await,
        None => Ok(()),
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

fn banner(config: &Config, data_dir: &DataDir, regions: &Regions, notes: &[String], took: Duration) -> Result<()> {
    let base = config.api.base_url();
    say!(
        "baryon {} is up after {:.1} s (instance {})",
        env!("CARGO_PKG_VERSION"),
        took.as_secs_f64(),
        data_dir.instance()
    )?;
    match &config.identity.external {
        Some(keystone) => say!("  identity       {keystone} (external; no users here)")?,
        None => say!("  identity       {base}/identity/v3")?,
    }
    for region in &regions.served {
        let Region { name, profile, prefix, .. } = region;
        say!("  network        {base}/network/{name}/v2.0 (profile {profile}, ext-net {prefix})")?;
    }
    say!("  health         http://{}/healthz, /readyz, /metrics", config.api.metrics_listen)?;
    if config.identity.external.is_none() {
        say!("  passwords      {} (clouds baryon-admin and baryon-demo)", data_dir.clouds().display())?;
    }
    match notes {
        [] => say!("  datapath       none (--driver null): nothing on this host is changed, no packet is forwarded")?,
        notes => {
            say!("  changed on this host, until `baryon down{}`:", data_dir_option(data_dir.path()))?;
            notes.iter().try_for_each(|note| say!("    {note}"))?;
        }
    }
    say!("try it:")?;
    if config.identity.external.is_some() {
        say!("  baryon register-endpoints --url {base}   (once, with your cloud's OS_CLOUD)")?;
    } else {
        say!("  export OS_CLIENT_CONFIG_FILE={} OS_CLOUD=baryon-demo", data_dir.clouds().display())?;
    }
    say!("  openstack network list")?;
    say!("Ctrl-C stops the processes; servers keep their network.")
}

fn data_dir_option(path: &Path) -> String {
    if path == crate::config::DEFAULT_DATA_DIR { String::new() } else { format!(" --data-dir {}", path.display()) }
}
