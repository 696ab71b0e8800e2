//! Running programs: with a time limit, and as children that end with the value that holds them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::{Error, Result};

/// How long a command may take unless its caller says otherwise; generous, since two cores are shared by many tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a finished program said.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The program and its arguments.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Finished {
    /// The standard output, or an error with everything it said when it failed.
    pub fn success(self) -> Result<String> {
        if self.status.success() {
            return Ok(self.stdout);
        }
        Err(Error::Command {
            command: self.command,
            status: self.status.to_string(),
            output: format!("{}{}", self.stdout, self.stderr).trim_end().to_owned(),
        })
    }
}

/// The command line as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|w| w.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Runs a program to its end, whatever its status; one that outlives `limit` is killed.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<Finished> {
    let shown = line(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Error::io(format!("cannot start `{shown}`")))?;
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(Error::io(format!("cannot wait for `{shown}`")))? {
            break Some(status);
        }
        if begin.elapsed() > limit {
            break None;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let Some(status) = status else {
        // The child is ours and not yet waited for, so both calls can only fail when it just ended.
        let _ = child.kill();
        let _ = child.wait();
        // A grandchild may hold the pipes open for ever: what it printed is not worth the wait.
        return Err(Error::Timeout { what: format!("`{shown}`"), limit, detail: "it was killed".to_owned() });
    };
    Ok(Finished { command: shown, status, stdout: collect(stdout), stderr: collect(stderr) })
}

/// Runs a program that must succeed and returns its standard output.
pub fn run(command: &mut Command) -> Result<String> {
    run_within(command, PATIENCE)?.success()
}

type Drained = Option<thread::JoinHandle<String>>;

fn drain(pipe: Option<impl Read + Send + 'static>) -> Drained {
    pipe.map(|mut pipe| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // An unreadable pipe means a dead writer: what came before it is all there is.
            let _ = pipe.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    })
}

fn collect(drained: Drained) -> String {
    drained.and_then(|thread| thread.join().ok()).unwrap_or_default()
}

/// Waits until `probe` gives a value; its last `None` reason is in the error.
pub fn wait_for<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<T, String>) -> Result<T> {
    let begin = Instant::now();
    loop {
        match probe() {
            Ok(value) => return Ok(value),
            Err(detail) if begin.elapsed() > limit => {
                return Err(Error::Timeout { what: what.to_owned(), limit, detail });
            }
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// A program that runs beside the test, its output in a file; it ends when this value does.
#[derive(Debug)]
pub struct Background {
    child: Child,
    command: String,
    log: PathBuf,
}

impl Background {
    /// Starts a program whose two outputs go to `log`.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let shown = line(command);
        let out = File::create(log).map_err(Error::io(format!("cannot write {}", log.display())))?;
        let err = out.try_clone().map_err(Error::io(format!("cannot write {}", log.display())))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(Error::io(format!("cannot start `{shown}`")))?;
        Ok(Self { child, command: shown, log: log.to_path_buf() })
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }

    /// What it has printed so far.
    pub fn output(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Its status, if it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().map_err(Error::io(format!("cannot wait for `{}`", self.command)))
    }

    /// Waits until a line of its output contains `text`.
    pub fn wait_until_it_says(&mut self, text: &str, limit: Duration) -> Result<()> {
        let what = format!("`{}` to say {text:?}", self.command);
        wait_for(&what, limit, || {
            let output = self.output();
            if output.contains(text) { Ok(()) } else { Err(output) }
        })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(self.pid(), signal).map_err(|e| Error::Io { what: format!("kill {}", self.pid()), source: e.into() })
    }

    /// Asks it to end by `signal` and waits; one that does not within `limit` is an error and is killed.
    pub fn stop(mut self, signal: Signal, limit: Duration) -> Result<(ExitStatus, String)> {
        if self.ended()?.is_none() {
            self.signal(signal)?;
        }
        let what = format!("`{}` to end on {signal}", self.command);
        let status = wait_for(&what, limit, || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err(self.output()),
            Err(e) => Err(e.to_string()),
        })?;
        Ok((status, self.output()))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Both fail only for a child that has ended and been waited for, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processes that descend from `ancestor`, itself first, parents before children.
pub fn family(ancestor: Pid) -> Vec<Pid> {
    let mut members = vec![ancestor];
    let parents: Vec<(i32, i32)> = all_pids().into_iter().filter_map(|pid| Some((pid, parent_of(pid)?))).collect();
    let mut next = 0;
    while next < members.len() {
        let parent = members[next].as_raw();
        members.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(child, _)| Pid::from_raw(*child)));
        next += 1;
    }
    members
}

/// Every process of the machine, by number.
pub(crate) fn all_pids() -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces and parentheses; the state and the parent follow the last one.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
