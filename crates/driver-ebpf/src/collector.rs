//! Frees the memory of connections whose time has run out, on a thread of its own.
//!
//! Expiry is decided when a packet looks; this only makes room. It is also what makes numbers free
//! again: after a run that began when a port was gone, no connection names it.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{Builder, JoinHandle},
    time::Duration,
};

use crate::{Error, error::Result, sys::Collect};

/// Time between two runs.
const PERIOD: Duration = Duration::from_secs(5);

/// Which run of the collector; they are counted.
pub(crate) type Run = u64;

#[derive(Debug, Default)]
struct Progress {
    started: Run,
    finished: Run,
    stop: bool,
}

#[derive(Debug, Default)]
struct Shared {
    progress: Mutex<Progress>,
    wake: Condvar,
}

/// The collector; ends when dropped.
#[derive(Debug)]
pub(crate) struct Collector {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Collector {
    pub(crate) fn start(collect: Collect) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = Builder::new()
            .name("collector".to_owned())
            .spawn(move || work(&of_thread, &collect))
            .map_err(|source| Error::System { operation: "start a thread".to_owned(), source })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The first run that will see everything that is true now.
    pub(crate) fn next_run(&self) -> Run {
        self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner).started + 1
    }

    /// The last run that has ended well.
    pub(crate) fn finished(&self) -> Run {
        self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner).finished
    }
}

fn work(shared: &Shared, collect: &Collect) {
    loop {
        let run = {
            let progress = shared.progress.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = shared.wake.wait_timeout_while(progress, PERIOD, |progress| !progress.stop);
            let (mut progress, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if progress.stop {
                return;
            }
            progress.started += 1;
            progress.started
        };
        match collect.run() {
            Ok(removed) => {
                tracing::trace!(removed, "collected old connections");
                shared.progress.lock().unwrap_or_else(PoisonError::into_inner).finished = run;
            }
            Err(error) => tracing::warn!(%error, "old connections stay in memory"),
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
