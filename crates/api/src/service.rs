//! What services share that are no `network`: a request in one snapshot or one transaction, in which its caller was
//! checked, and which leaves its event in the audit trail.
//!
//! A dialect gives its error, made of those of the identity service and of the store, and says what
//! a path is about ([`Subject`]).

mod table;

use std::sync::Arc;

use hyper::Method;
use store::{Read, StoreError, Tx, identity::Identity};

use crate::{
    Api,
    audit::{self, Subject},
    edge::Request,
    identity::{self, Caller, KeystoneError, Presented},
};

pub(crate) use table::{Miss, Route, answer, endpoints, route};

/// A request to a service.
#[derive(Clone)]
pub(crate) struct Visit {
    /// The API.
    pub(crate) api: Arc<Api>,
    /// The request.
    pub(crate) request: Arc<Request>,
    /// The service's name in the audit trail.
    service: &'static str,
    /// What a path of it is about.
    subject: fn(&Method, &[&str]) -> Subject,
}

impl Visit {
    /// A request to a service of this name.
    pub(crate) fn new(
        api: &Arc<Api>,
        request: &Arc<Request>,
        service: &'static str,
        subject: fn(&Method, &[&str]) -> Subject,
    ) -> Self {
        Self { api: Arc::clone(api), request: Arc::clone(request), service, subject }
    }

    /// Works in one snapshot, in which the caller was checked.
    pub(crate) async fn read<T, E>(
        &self,
        work: impl FnOnce(&Read<'_>, &Caller) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<KeystoneError> + From<StoreError> + Send + 'static,
    {
        let presented = identity::presented(&self.api, &self.request).await?;
        let visit = self.clone();
        self.api
            .store
            .read(move |read| {
                let caller = caller(&visit.request, read.identity(), presented)?;
                work(read, &caller)
            })
            .await
    }

    /// Works in one transaction, in which the caller was checked.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl FnOnce(&mut Tx<'_>, &Caller) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<KeystoneError> + From<StoreError> + Send + 'static,
    {
        let presented = identity::presented(&self.api, &self.request).await?;
        let visit = self.clone();
        self.api
            .store
            .write(move |tx| {
                let caller = caller(&visit.request, tx.identity(), presented)?;
                let rows = tx.rows_written();
                let result = work(tx, &caller)?;
                let subject = || (visit.subject)(&visit.request.method, &visit.request.parts_after(1));
                audit::record(&visit.api, &visit.request, tx, rows, visit.service, subject)?;
                Ok(result)
            })
            .await
    }
}

/// Who presents this, in these rows; the audit trail is told.
pub(crate) fn caller(request: &Request, identity: Identity<'_>, presented: Presented) -> Result<Caller, KeystoneError> {
    let caller = identity::authenticate(identity, presented)?;
    request.witness.caller(&caller);
    Ok(caller)
}

/// The roles that may read what their project has.
const READERS: [&str; 6] = ["admin", "manager", "member", "operator", "reader", "viewer"];

/// Whether the caller may read what a project has.
pub(crate) fn may_read(caller: &Caller, project: &str) -> bool {
    caller.is_admin()
        || (caller.project().is_some_and(|own| own.id.as_str() == project)
            && caller.role_names().iter().any(|role| READERS.contains(&role.as_str())))
}
