//! The one writer: group commit.
//!
//! One thread owns the connection that writes. A request is a function; the thread runs it in a
//! savepoint of a transaction that all requests share which came while the last one committed. So
//! one fsync serves them all, and a reply, which waits for it, means durable. A request that fails,
//! or panics, rolls back its savepoint and leaves the others alone.
//!
//! Requests validate on the state that the requests before them wrote, so no two can take the same
//! address, and nothing ever waits for a lock or is retried.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{ChangeSeq, StoreError, Tx, changes, log::CommitLog, tx::AfterCommit};

/// The most requests of one transaction: a bound on what one failed commit takes with it.
const MAX_GROUP: usize = 256;
/// How many commits pass between two looks at the length of the change log.
const TRIM_EVERY: u64 = 256;

/// Tells the caller how the transaction ended.
type Finish = Box<dyn FnOnce(Result<(), String>) + Send>;
/// A request: runs in a savepoint, says whether to keep it, and waits for the commit.
type Job = Box<dyn FnOnce(Result<&Connection, String>, ChangeSeq) -> Done + Send>;

struct Done {
    /// The newest change if the savepoint is kept; `None` rolls it back.
    keep: Option<ChangeSeq>,
    finish: Finish,
}

/// The writer's side for callers.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::SyncSender<Job>,
}

/// How many requests may wait for the writer; beyond it, callers wait.
const QUEUE: usize = 4096;

impl Writer {
    /// Starts the thread, which ends when the last `Writer` is gone.
    pub(crate) fn start(connection: Connection, log: Arc<CommitLog>) -> Result<Self, StoreError> {
        let (jobs, received) = mpsc::sync_channel(QUEUE);
        thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&connection, &received, &log))
            .map_err(|error| StoreError::Commit(format!("no thread: {error}")))?;
        Ok(Self { jobs })
    }

    /// Queues a request; the answer comes after the commit.
    pub(crate) fn submit<T, E, F>(&self, operation: F) -> oneshot::Receiver<Result<T, E>>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection, last_change| {
            let (result, newest, after) = match connection {
                Ok(connection) => run_one(connection, last_change, operation),
                Err(reason) => (Err(StoreError::Commit(reason).into()), last_change, Vec::new()),
            };
            let keep = result.is_ok().then_some(newest);
            let finish: Finish = Box::new(move |commit| {
                if commit.is_ok() && result.is_ok() {
                    for done in after {
                        // This thread is everybody's: nobody's panic may end it.
                        drop(catch_unwind(AssertUnwindSafe(done)));
                    }
                }
                let answer = match commit {
                    Ok(()) => result,
                    // An operation's own error stands, whatever became of the others.
                    Err(reason) => result.and(Err(StoreError::Commit(reason).into())),
                };
                // A caller that no longer waits does not need the answer.
                drop(reply.send(answer));
            });
            Done { keep, finish }
        });
        // A full queue holds the caller here; a closed one drops the job, and with it the reply.
        drop(self.jobs.send(job));
        answer
    }
}

/// Runs one request; a panic is its error.
fn run_one<T, E, F>(
    connection: &Connection,
    last_change: ChangeSeq,
    operation: F,
) -> (Result<T, E>, ChangeSeq, Vec<AfterCommit>)
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, E>,
    E: From<StoreError>,
{
    let mut tx = Tx::new(connection, last_change);
    let result = catch_unwind(AssertUnwindSafe(|| operation(&mut tx))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(StoreError::Panicked(text.unwrap_or_else(|| "without a message".to_owned())).into())
    });
    (result, tx.last_change(), tx.take_after_commit())
}

fn run(connection: &Connection, jobs: &mpsc::Receiver<Job>, log: &CommitLog) {
    let mut commits: u64 = 0;
    while let Ok(first) = jobs.recv() {
        let mut waiting = Vec::new();
        let outcome = group(connection, first, jobs, log.newest(), &mut waiting);
        let answer = outcome.as_ref().map(|_| ()).map_err(ToString::to_string);
        if let Err(error) = &outcome {
            tracing::error!(%error, requests = waiting.len(), "a transaction could not be committed");
            if !connection.is_autocommit() {
                drop(connection.execute_batch("ROLLBACK"));
            }
        }
        log.ended(answer.as_ref().copied().map_err(String::as_str));
        // Readers see the commit before the callers hear of it.
        if let Ok(newest) = outcome {
            log.publish(newest);
        }
        for finish in waiting {
            finish(answer.clone());
        }
        commits += 1;
        if commits.is_multiple_of(TRIM_EVERY)
            && let Err(error) = changes::trim(connection, changes::KEEP)
        {
            tracing::warn!(%error, "the change log could not be trimmed");
        }
    }
}

/// Runs the requests that are there in one transaction and commits it.
fn group(
    connection: &Connection,
    first: Job,
    jobs: &mpsc::Receiver<Job>,
    mut newest: ChangeSeq,
    waiting: &mut Vec<Finish>,
) -> Result<ChangeSeq, rusqlite::Error> {
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        waiting.push(first(Err(error.to_string()), newest).finish);
        return Err(error);
    }
    let mut next = Some(first);
    while let Some(job) = next {
        connection.prepare_cached("SAVEPOINT request")?.execute([])?;
        let done = job(Ok(connection), newest);
        waiting.push(done.finish);
        match done.keep {
            Some(last) => newest = last,
            None => {
                connection.prepare_cached("ROLLBACK TO request")?.execute([])?;
            }
        }
        connection.prepare_cached("RELEASE request")?.execute([])?;
        next = if waiting.len() < MAX_GROUP { jobs.try_recv().ok() } else { None };
    }
    connection.execute_batch("COMMIT")?;
    Ok(newest)
}
