//! A request to the network service on its way: who asks, in which region.

use std::sync::Arc;

use intent::{Context, Settings};
use store::{ChangeSeq, Read, Tx};

use super::{NetworkError, subject};
use crate::{
    Api, Region, audit,
    edge::Request,
    identity::{self, Caller},
    service,
};

/// A request, its region and the API.
#[derive(Clone)]
pub(super) struct Visit {
    pub(super) api: Arc<Api>,
    pub(super) request: Arc<Request>,
    pub(super) region: String,
    pub(super) settings: Arc<Settings>,
}

impl Visit {
    pub(super) fn new(api: &Arc<Api>, request: &Arc<Request>, region: &Region) -> Self {
        Self {
            api: Arc::clone(api),
            request: Arc::clone(request),
            region: region.name.clone(),
            settings: Arc::clone(&region.settings),
        }
    }

    fn context(&self, caller: &Caller) -> Result<Context, NetworkError> {
        let project = caller.project().ok_or(NetworkError::NoProject)?;
        Ok(Context {
            project_id: project.id.clone(),
            user_id: caller.user.id.clone(),
            roles: caller.role_names(),
            is_admin: caller.is_admin(),
            region: self.region.clone(),
            request_id: self.request.id.to_string(),
            settings: Arc::clone(&self.settings),
        })
    }

    /// Works in one snapshot, in which the caller was checked.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Read<'_>, &Context) -> Result<T, NetworkError> + Send + 'static,
    ) -> Result<T, NetworkError> {
        let presented = identity::presented(&self.api, &self.request).await?;
        let visit = self.clone();
        self.api
            .store
            .read(move |read| {
                let caller = service::caller(&visit.request, read.identity(), presented)?;
                let context = visit.context(&caller)?;
                work(read, &context)
            })
            .await
    }

    /// Works in one transaction, in which the caller was checked. With `?wait=1` it answers when
    /// the datapath has been told of the change, which it never tells itself.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>, &Context) -> Result<T, NetworkError> + Send + 'static,
    ) -> Result<T, NetworkError> {
        let presented = identity::presented(&self.api, &self.request).await?;
        let visit = self.clone();
        let (result, change) = self
            .api
            .store
            .write(move |tx| {
                let caller = service::caller(&visit.request, tx.identity(), presented)?;
                let context = visit.context(&caller)?;
                let rows = tx.rows_written();
                let result = work(tx, &context)?;
                visit.record(tx, rows)?;
                Ok::<_, NetworkError>((result, tx.last_change()))
            })
            .await?;
        if self.waits() {
            self.wait(change).await?;
        }
        Ok(result)
    }

    /// Writes down what a write did.
    fn record(&self, tx: &mut Tx<'_>, rows: u64) -> Result<(), NetworkError> {
        let subject = || subject(&self.request.method, &self.request.parts_after(1));
        Ok(audit::record(&self.api, &self.request, tx, rows, "network", subject)?)
    }

    /// Whether the client wants to wait for its change.
    pub(super) fn waits(&self) -> bool {
        self.request.query.flag("wait")
    }

    async fn wait(&self, change: ChangeSeq) -> Result<(), NetworkError> {
        let limit = self.api.config.limits.apply_time;
        self.ask_world(move |world, region| world.wait_applied(region, change, limit)).await
    }

    /// Asks the compiled world, whose answers may take a moment, on a thread of its own.
    pub(super) async fn ask_world<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn intent::World, &str) -> Result<T, intent::WorldError> + Send + 'static,
    ) -> Result<T, NetworkError> {
        let (world, region) = (Arc::clone(&self.api.world), self.region.clone());
        let place = Arc::clone(&self.api.questions).acquire_owned().await;
        let task = tokio::task::spawn_blocking(move || {
            // Held by the question, not by the request, which may be given up before.
            let _place = place;
            question(world.as_ref(), &region)
        });
        match task.await {
            Ok(answer) => Ok(answer?),
            Err(error) => Err(NetworkError::Internal(format!("asking the datapath failed: {error}"))),
        }
    }
}
