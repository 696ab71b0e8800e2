//! The process of a role, seen from its supervisor.

use std::{fmt, process::ExitStatus, process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{ChildStdin, ChildStdout, Command},
};

use crate::{
    Error,
    cli::RoleName,
    error::Result,
    role::{self, Announcement},
};

/// How long a role may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(8);

/// A running role.
pub(super) struct Child {
    role: RoleName,
    process: tokio::process::Child,
    /// Its lifeline: the role ends when this does.
    lifeline: Option<ChildStdin>,
    words: Lines<BufReader<ChildStdout>>,
}

/// How a role ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// By itself or by a signal.
    Exit(ExitStatus),
    /// It was never started.
    NotStarted(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => status.fmt(f),
            Self::NotStarted(reason) => f.write_str(reason),
        }
    }
}

impl Child {
    /// Starts the role and gives it its settings, and the news that belongs to them.
    pub(super) async fn start(role: RoleName, settings: &str, news: Option<&str>) -> Result<Self> {
        let failed = |source| Error::io(format!("start the role {}", role.name()))(source);
        let mut process = Command::new(role::program())
            .args(["role", role.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C in a terminal is for the supervisor alone, which ends its roles in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (Some(mut lifeline), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(failed(std::io::Error::other("its pipes are missing")));
        };
        let lines = settings.to_owned() + news.unwrap_or_default();
        if let Err(error) = lifeline.write_all(lines.as_bytes()).await {
            // It died before it read them; how is seen where its end is waited for.
            tracing::debug!(role = role.name(), "settings not delivered: {error}");
        }
        Ok(Self { role, process, lifeline: Some(lifeline), words: BufReader::new(stdout).lines() })
    }

    /// Tells the role something while it runs.
    pub(super) async fn tell(&mut self, news: &str) {
        let Some(lifeline) = &mut self.lifeline else { return };
        let told = tokio::time::timeout(PATIENCE, lifeline.write_all(news.as_bytes())).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::warn!(
                role = self.role.name(),
                "does not take news; a role that has ended gets it when it is back"
            );
        }
    }

    /// What the role says of its start; `None` when it ended without a word.
    pub(super) async fn announcement(&mut self) -> Option<Announcement> {
        next_announcement(self.role, &mut self.words).await
    }

    /// Waits for the role's end, and logs what it says until then.
    pub(super) async fn ended(&mut self) -> Ended {
        loop {
            tokio::select! {
                biased;
                status = self.process.wait() => {
                    return match status {
                        Ok(status) => Ended::Exit(status),
                        Err(error) => Ended::NotStarted(error.to_string()),
                    };
                }
                Some(announcement) = next_announcement(self.role, &mut self.words) => match announcement {
                    Announcement::Ready { .. } => tracing::info!(role = self.role.name(), "ready"),
                    Announcement::Failed { message } => tracing::error!(role = self.role.name(), "{message}"),
                },
            }
        }
    }

    /// Ends the role: by its lifeline and SIGTERM, and by force when it does not listen.
    pub(super) async fn stop(mut self) {
        drop(self.lifeline.take());
        if let Some(pid) = self.process.id().and_then(|pid| i32::try_from(pid).ok()) {
            // It may have ended already.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        match tokio::time::timeout(PATIENCE, self.process.wait()).await {
            Ok(Ok(status)) => tracing::debug!(role = self.role.name(), "ended: {status}"),
            Ok(Err(error)) => tracing::warn!(role = self.role.name(), "cannot wait for it: {error}"),
            Err(_) => {
                tracing::warn!(role = self.role.name(), "did not end within {} s: killed", PATIENCE.as_secs());
                if let Err(error) = self.process.kill().await {
                    tracing::error!(role = self.role.name(), "cannot kill it: {error}");
                }
            }
        }
    }
}

async fn next_announcement(role: RoleName, words: &mut Lines<BufReader<ChildStdout>>) -> Option<Announcement> {
    while let Ok(Some(line)) = words.next_line().await {
        match serde_json::from_str(&line) {
            Ok(announcement) => return Some(announcement),
            Err(_) => tracing::warn!(role = role.name(), "unexpected output: {line}"),
        }
    }
    None
}
