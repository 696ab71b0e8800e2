//! The reconcile thread. See the crate's text.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use compiler::Compiler;
use intent::{Problem, RegionStatus};
use logical::{Change, Driver, Observation, Observed, Outcome, RowKey, RowState};
use model::ObjectKey;
use store::{ChangeSeq, Changes, Fence, StatusUpdate, Store};

use crate::{
    ReconcileError,
    plan::{all_keys, plan},
    retry::Retries,
    shared::Shared,
    status::{Status, dependents, event, objects_of, status, stored},
};

/// How long the thread sleeps at most: disturbances and retries are looked at this often.
const TICK: Duration = Duration::from_millis(250);
/// All rows are looked at this often, whatever the change log says.
const FULL_PASS_EVERY: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(15);
/// Who holds the lease. An embedded database has one process at a time, which its lock on the data
/// directory ensures; a process that was killed is succeeded at once because it bears the same name.
const HOLDER: &str = "the owner of the data directory";
/// Changes per driver call, which bounds its messages.
const BATCH: usize = 256;

pub(crate) struct Worker {
    store: Store,
    shared: Arc<Shared>,
    lease: Option<(Fence, Instant)>,
    /// `None` until the store has been read, and again when the change log was trimmed too far.
    compiled: Option<Compiled>,
    observed: Observed,
    /// When all rows were last looked at; `None`: what the driver has is unknown.
    full_pass: Option<Instant>,
    retries: Retries,
    statuses: HashMap<ObjectKey, Status>,
    counters: BTreeMap<String, u64>,
}

struct Compiled {
    compiler: Compiler,
    seq: ChangeSeq,
}

/// What a pass has to look at.
#[derive(Default)]
struct Work {
    rows: BTreeSet<RowKey>,
    objects: BTreeSet<ObjectKey>,
}

impl Worker {
    pub(crate) fn new(store: Store, shared: Arc<Shared>) -> Self {
        Self {
            store,
            shared,
            lease: None,
            compiled: None,
            observed: Observed::new(),
            full_pass: None,
            retries: Retries::default(),
            statuses: HashMap::new(),
            counters: BTreeMap::new(),
        }
    }

    pub(crate) fn run(mut self) {
        let mut failing: Option<String> = None;
        while !self.shared.is_stopping() {
            let result = self.pass();
            let error = result.as_ref().err().map(ToString::to_string);
            if error != failing {
                match &error {
                    Some(error) => tracing::warn!(region = self.shared.region(), error, "reconcile pass failed"),
                    None => tracing::info!(region = self.shared.region(), "reconcile works again"),
                }
                failing.clone_from(&error);
            }
            if result.is_err() {
                *self.counters.entry("failed_passes".to_owned()).or_default() += 1;
                self.full_pass = None;
                // What failed may be the ownership itself.
                self.lease = None;
            }
            self.publish(error);
            let seen = self.compiled.as_ref().map_or_else(ChangeSeq::default, |c| c.seq);
            if failing.is_some() {
                // The store may be full of commits that cannot be applied; they must not make us spin.
                std::thread::sleep(TICK);
            } else {
                let _newest = self.store.wait_for_change(seen, TICK);
            }
        }
    }

    /// One pass: take in, compare, apply, write status.
    fn pass(&mut self) -> Result<(), ReconcileError> {
        let fence = self.lease()?;
        let mut compiled = match self.compiled.take() {
            Some(compiled) => compiled,
            None => self.load()?,
        };
        let result = self.pass_over(&mut compiled, fence);
        self.compiled = Some(compiled);
        result
    }

    /// The fence of the region's lease, renewed in good time.
    fn lease(&mut self) -> Result<Fence, ReconcileError> {
        if let Some((fence, at)) = self.lease
            && at.elapsed() < LEASE / 3
        {
            return Ok(fence);
        }
        self.lease = None;
        let now = Instant::now();
        let fence = self.store.acquire_lease(self.shared.region(), HOLDER, LEASE)?;
        self.lease = Some((fence, now));
        Ok(fence)
    }

    fn load(&mut self) -> Result<Compiled, ReconcileError> {
        let (objects, seq) = self.store.load_all(self.shared.region())?;
        self.full_pass = None;
        self.statuses.clear();
        Ok(Compiled { compiler: Compiler::new(objects), seq })
    }

    fn pass_over(&mut self, compiled: &mut Compiled, fence: Fence) -> Result<(), ReconcileError> {
        let mut work = self.take_in(compiled)?;
        let shared = Arc::clone(&self.shared);
        {
            let mut driver = shared.driver();
            let now = Instant::now();
            let disturbed = driver.disturbed()?;
            disturbed.iter().for_each(|key| drop(self.observed.remove(key)));
            work.rows.extend(disturbed);
            work.rows.extend(self.retries.due(now));

            let full = self.full_pass.is_none_or(|at| now.duration_since(at) >= FULL_PASS_EVERY);
            if self.full_pass.is_none() {
                // The first pass, or the first after a failure: it may be another driver than before.
                let capabilities = driver.capabilities()?;
                self.shared.publish(|published| published.capabilities = Some(capabilities));
            }
            if full {
                self.observed = driver.observe()?;
                work.rows = all_keys(compiled.compiler.network(), &self.observed);
                work.objects.extend(compiled.compiler.snapshot().keys());
            }
            self.apply(driver.as_mut(), compiled, &work.rows)?;
            if full {
                driver.sweep()?.removed.iter().for_each(|what| tracing::info!(what, "removed what nothing asked for"));
                self.full_pass = Some(now);
            }
        }
        self.write_status(compiled, &work, fence)?;
        let (seq, network) = (compiled.seq, compiled.compiler.network().clone());
        self.shared.publish(|published| {
            published.applied = seq;
            published.network = network;
        });
        Ok(())
    }

    /// Takes in what was committed since the last pass.
    fn take_in(&mut self, compiled: &mut Compiled) -> Result<Work, ReconcileError> {
        let mut work = Work::default();
        match self.store.changes_since(self.shared.region(), compiled.seq)? {
            Changes::Trimmed => *compiled = self.load()?,
            Changes::Keys { keys, upto } => {
                if !keys.is_empty() {
                    let objects = self.store.load(self.shared.region(), &keys)?;
                    for (key, object) in &objects {
                        // Dependents before and after: an attachment that goes changes its port.
                        work.objects.extend(dependents(compiled.compiler.snapshot(), *key));
                        if object.is_none() {
                            self.statuses.remove(key);
                        }
                    }
                    work.rows = compiled.compiler.update(objects);
                    for key in keys {
                        work.objects.extend(dependents(compiled.compiler.snapshot(), key));
                        // What was just written by a request may carry a status of its own.
                        self.statuses.remove(&key);
                    }
                }
                compiled.seq = upto;
            }
        }
        Ok(work)
    }

    fn apply(
        &mut self,
        driver: &mut dyn Driver,
        compiled: &Compiled,
        keys: &BTreeSet<RowKey>,
    ) -> Result<(), ReconcileError> {
        for batch in plan(compiled.compiler.network(), &self.observed, keys).chunks(BATCH) {
            // Until it is answered, what the driver has of these rows is unknown.
            batch.iter().for_each(|change| drop(self.observed.remove(&change.key())));
            let outcomes = driver.apply(batch)?;
            for (change, outcome) in batch.iter().zip(outcomes) {
                self.take_outcome(change, outcome);
            }
        }
        Ok(())
    }

    fn take_outcome(&mut self, change: &Change, outcome: Outcome) {
        let key = outcome.key;
        let (counter, digest) = match change {
            Change::Put(row) => ("puts", row.digest()),
            Change::Remove(_) => ("removals", 0),
        };
        *self.counters.entry(counter.to_owned()).or_default() += 1;
        match (&outcome.state, change) {
            (RowState::Applied, Change::Remove(_)) => {
                self.retries.succeeded(&key);
                return;
            }
            (RowState::Applied, Change::Put(_)) => self.retries.succeeded(&key),
            (RowState::Waiting { .. }, _) => self.retries.failed(key, Instant::now()),
            (RowState::Failed { reason }, _) => {
                tracing::warn!(?key, reason, "the datapath refused a row");
                *self.counters.entry("refusals".to_owned()).or_default() += 1;
                self.retries.failed(key, Instant::now());
            }
        }
        self.observed.insert(key, Observation { digest, state: outcome.state });
    }

    fn write_status(&mut self, compiled: &Compiled, work: &Work, fence: Fence) -> Result<(), ReconcileError> {
        let snapshot = compiled.compiler.snapshot();
        let mut objects = work.objects.clone();
        objects.extend(work.rows.iter().flat_map(|row| objects_of(&compiled.compiler, row)));

        let (mut updates, mut statuses) = (Vec::new(), Vec::new());
        for key in objects {
            let Some(now) = status(snapshot, &self.observed, key) else { continue };
            let known = self.statuses.get(&key).map(|s| (s.word.to_owned(), s.error.clone()));
            let before = known.or_else(|| stored(snapshot, key));
            if before != Some((now.word.to_owned(), now.error.clone())) {
                let event = before.and_then(|(word, _)| event(snapshot, key, &word, now.word));
                updates.push(StatusUpdate { key, status: now.word.to_owned(), error: now.error.clone(), event });
            }
            statuses.push((key, now));
        }
        if !updates.is_empty() {
            self.store.write_status(self.shared.region(), fence, &updates)?;
        }
        // Only what is written is known: a write that was refused is made again by the next pass.
        self.statuses.extend(statuses);
        Ok(())
    }

    fn publish(&self, error: Option<String>) {
        let now = Instant::now();
        let network = self.compiled.as_ref().map(|c| c.compiler.network());
        let problem = |(key, observation): (&RowKey, &Observation)| {
            let (reason, waiting) = match &observation.state {
                RowState::Applied => return None,
                RowState::Waiting { reason } => (reason.clone(), true),
                RowState::Failed { reason } => (reason.clone(), false),
            };
            let subject = network.and_then(|n| n.origin(key));
            Some(Problem {
                subject: subject.map_or_else(
                    || ("row".to_owned(), format!("{key:?}")),
                    |origin| (origin.tag.into_owned(), origin.id.to_string()),
                ),
                reason,
                waiting,
                retry_in: self.retries.remaining(key, now).as_secs(),
            })
        };
        let status = RegionStatus {
            driver_ok: error.is_none(),
            detail: error,
            rows: self.observed.len() as u64,
            lag: self.compiled.as_ref().map_or(0, |c| self.store.newest_change().0.saturating_sub(c.seq.0)),
            problems: self.observed.iter().filter_map(problem).collect(),
            counters: self.counters.clone(),
        };
        self.shared.publish(|published| published.status = status);
    }
}
