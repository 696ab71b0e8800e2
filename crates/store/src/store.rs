//! The store's front: transactions for the API, and what reconcile needs.

use std::{fs, path::Path, sync::Arc, time::Duration};

use model::{Object, ObjectKey};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use crate::{
    ChangeSeq, Changes, Fence, Read, StatusUpdate, StoreError, Tx, lease, log::CommitLog, migrate, reader::Readers,
    writer::Writer,
};

/// How many threads read at the same time.
const READERS: usize = 4;
/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 512;

/// The state of every region. Clones share it; the threads end with the last clone.
#[derive(Clone)]
pub struct Store {
    writer: Writer,
    readers: Readers,
    log: Arc<CommitLog>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("newest", &self.log.newest()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database file, making it and its directory if need be, and brings its schema up to
    /// date. A file that a newer program wrote, or another program, is an error that says so.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            fs::create_dir_all(directory)
                .map_err(|source| StoreError::Directory { path: directory.to_owned(), source })?;
        }
        let open = |flags: OpenFlags| {
            Connection::open_with_flags(path, flags)
                .map_err(|source| StoreError::Open { path: path.to_owned(), source })
        };
        let mut writer = open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | NO_MUTEX)?;
        migrate::check(&writer, path)?;
        configure(&writer)?;
        migrate::migrate(&mut writer)?;
        let newest = Read { connection: &writer }.newest_change()?;
        let readers = (0..READERS)
            .map(|_| {
                let connection = open(OpenFlags::SQLITE_OPEN_READ_WRITE | NO_MUTEX)?;
                configure(&connection)?;
                connection.pragma_update(None, "query_only", true)?;
                Ok(connection)
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        let log = Arc::new(CommitLog::new(newest));
        Ok(Self { writer: Writer::start(writer, Arc::clone(&log))?, readers: Readers::start(readers)?, log })
    }

    /// [`open`](Self::open) for whoever only looks: none when there is no database, or one that an older
    /// program wrote and that may still be running.
    pub fn open_current(path: &Path) -> Result<Option<Self>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | NO_MUTEX)
            .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        migrate::check(&connection, path)?;
        if migrate::is_current(&connection)? { Self::open(path).map(Some) } else { Ok(None) }
    }

    /// Runs an operation that writes. When it returns `Ok`, the answer comes after the commit is on
    /// disk; when it returns an error, nothing of it remains. The future may be dropped: the
    /// operation runs all the same.
    ///
    /// The queue of requests is bounded; with 4,096 waiting, the calling thread waits.
    pub async fn write<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.submit(operation).await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// [`write`](Self::write) for threads outside an async runtime.
    pub fn write_blocking<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        wait(self.writer.submit(operation))
    }

    /// Runs an operation that reads, in one snapshot.
    pub async fn read<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        F: FnOnce(&Read<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.readers.submit(operation).await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// [`read`](Self::read) for threads outside an async runtime.
    pub fn read_blocking<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        F: FnOnce(&Read<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        wait(self.readers.submit(operation))
    }

    /// Why the last transaction could not be committed (the disk is full, say); `None` when it was.
    #[must_use]
    pub fn write_problem(&self) -> Option<String> {
        self.log.problem()
    }

    /// Every object of a region, and the place in the change log that they are of. Blocks.
    pub fn load_all(&self, region: &str) -> Result<(Vec<Object>, ChangeSeq), StoreError> {
        let region = region.to_owned();
        self.read_blocking(move |read| Ok((read.all_objects(&region)?, read.newest_change()?)))
    }

    /// What was touched in a region since a place in the change log. Blocks.
    pub fn changes_since(&self, region: &str, since: ChangeSeq) -> Result<Changes, StoreError> {
        let region = region.to_owned();
        self.read_blocking(move |read| read.changes_since(&region, since))
    }

    /// The objects of these names, `None` for those that are gone. Blocks.
    pub fn load(&self, region: &str, keys: &[ObjectKey]) -> Result<Vec<(ObjectKey, Option<Object>)>, StoreError> {
        let (region, keys) = (region.to_owned(), keys.to_vec());
        self.read_blocking(move |read| keys.into_iter().map(|key| Ok((key, read.object(&region, key)?))).collect())
    }

    /// Writes what the datapath says about objects. It is an error if the fence is not the region's
    /// newest. Status writes make no entries in the change log. Blocks.
    pub fn write_status(&self, region: &str, fence: Fence, updates: &[StatusUpdate]) -> Result<(), StoreError> {
        if updates.is_empty() {
            return Ok(());
        }
        let (region, updates) = (region.to_owned(), updates.to_vec());
        self.write_blocking(move |tx| lease::write_status(tx, &region, fence, &updates))
    }

    /// Becomes, or stays, the owner of a region for `ttl`. The holder's name must be one process's
    /// own. An unexpired lease of another holder is [`StoreError::LeaseHeld`]. Blocks.
    pub fn acquire_lease(&self, region: &str, holder: &str, ttl: Duration) -> Result<Fence, StoreError> {
        let (region, holder) = (region.to_owned(), holder.to_owned());
        self.write_blocking(move |tx| lease::acquire(tx, &region, &holder, ttl))
    }

    /// Gives a region up, so that another process need not wait for the lease to expire. Blocks.
    pub fn release_lease(&self, region: &str, fence: Fence) -> Result<(), StoreError> {
        let region = region.to_owned();
        self.write_blocking(move |tx| lease::release(tx, &region, fence))
    }

    /// The newest committed change.
    #[must_use]
    pub fn newest_change(&self) -> ChangeSeq {
        self.log.newest()
    }

    /// Waits until a change newer than `known` is committed, for at most `timeout`; answers the
    /// newest change. Blocks.
    #[must_use]
    pub fn wait_for_change(&self, known: ChangeSeq, timeout: Duration) -> ChangeSeq {
        self.log.wait(known, timeout)
    }
}

/// Each connection stays on one thread.
const NO_MUTEX: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX;

fn configure(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    Ok(())
}

fn wait<T, E: From<StoreError>>(answer: oneshot::Receiver<Result<T, E>>) -> Result<T, E> {
    answer.blocking_recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
}
