//! Readers: threads with a connection each, and a snapshot per request.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{Read, StoreError};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// How many requests may wait for a reader; beyond it, callers wait.
const QUEUE: usize = 4096;

/// The readers' side for callers.
#[derive(Clone)]
pub(crate) struct Readers {
    jobs: mpsc::SyncSender<Job>,
}

impl Readers {
    /// Starts a thread per connection; they end when the last `Readers` is gone.
    pub(crate) fn start(connections: Vec<Connection>) -> Result<Self, StoreError> {
        let (jobs, received) = mpsc::sync_channel::<Job>(QUEUE);
        let received = Arc::new(Mutex::new(received));
        for connection in connections {
            let received = Arc::clone(&received);
            thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || {
                    loop {
                        // One thread waits in `recv`, the others for the lock; both are queues.
                        let job = received.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        match job {
                            Ok(job) => job(&connection),
                            Err(mpsc::RecvError) => break,
                        }
                    }
                })
                .map_err(|error| StoreError::Commit(format!("no thread: {error}")))?;
        }
        Ok(Self { jobs })
    }

    /// Queues a reading request.
    pub(crate) fn submit<T, E, F>(&self, operation: F) -> oneshot::Receiver<Result<T, E>>
    where
        F: FnOnce(&Read<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let outcome = catch_unwind(AssertUnwindSafe(|| in_snapshot(connection, operation)));
            let result = outcome.unwrap_or_else(|_| Err(StoreError::Panicked("while reading".to_owned()).into()));
            if !connection.is_autocommit() {
                drop(connection.execute_batch("ROLLBACK"));
            }
            drop(reply.send(result));
        });
        drop(self.jobs.send(job));
        answer
    }
}

fn in_snapshot<T, E, F>(connection: &Connection, operation: F) -> Result<T, E>
where
    F: FnOnce(&Read<'_>) -> Result<T, E>,
    E: From<StoreError>,
{
    connection.execute_batch("BEGIN DEFERRED").map_err(StoreError::from)?;
    let result = operation(&Read { connection });
    connection.execute_batch("COMMIT").map_err(StoreError::from)?;
    result
}
