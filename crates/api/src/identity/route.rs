//! The one way through the table of the identity API.

use std::{any::Any, pin::Pin, sync::Arc};

use hyper::Method;
use store::{Tx, identity::Identity};

use super::{
    Caller, KeystoneError, Presented, access, presented,
    routes::routes,
    subject::{Before, is_login, of_route},
};
use crate::{
    Api, audit,
    edge::{Reply, Request},
    endpoint::parameters,
    service,
};

pub use super::access::Access;

type Answer = Result<Reply, KeystoneError>;
type Future = Pin<Box<dyn std::future::Future<Output = Answer> + Send>>;

/// How an endpoint answers.
pub(crate) enum Handler {
    /// In a snapshot.
    Read(fn(&Call<'_>) -> Answer),
    /// In a transaction.
    Write(fn(&Call<'_>) -> Answer),
    /// In several steps, with a password's hash between them.
    Steps(fn(Visit) -> Future),
}

/// An endpoint.
pub struct Route {
    /// The method. What GET answers, HEAD does, without the body.
    pub method: &'static str,
    /// The path below `/identity/v3`; a part in braces stands for any text.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Its name in refusals.
    pub action: &'static str,
    pub(super) handler: Handler,
}

/// A request on its way to the route that it matched.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) api: Arc<Api>,
    pub(crate) request: Arc<Request>,
    route: &'static Route,
    parameters: Arc<Vec<(&'static str, String)>>,
}

/// What a handler sees.
pub(crate) struct Call<'a> {
    visit: &'a Visit,
    caller: Option<Caller>,
    /// The rows of the snapshot or transaction.
    pub(crate) identity: Identity<'a>,
}

impl<'a> Call<'a> {
    fn new(visit: &'a Visit, presented: Option<Presented>, identity: Identity<'a>) -> Result<Self, KeystoneError> {
        let route = visit.route;
        if route.access == Access::Anyone {
            return Ok(Self { visit, caller: None, identity });
        }
        let caller = service::caller(&visit.request, identity, presented.ok_or(KeystoneError::Unauthorized)?)?;
        if access::allows(route.access, visit, &caller, identity)? {
            Ok(Self { visit, caller: Some(caller), identity })
        } else {
            Err(KeystoneError::Forbidden(route.action))
        }
    }

    /// The caller.
    pub(crate) fn caller(&self) -> Result<&Caller, KeystoneError> {
        self.caller.as_ref().ok_or(KeystoneError::Unauthorized)
    }

    /// The API.
    pub(crate) fn api(&self) -> &'a Api {
        &self.visit.api
    }

    /// The request.
    pub(crate) fn request(&self) -> &'a Request {
        &self.visit.request
    }

    /// A part of the path by its name in the route.
    pub(crate) fn parameter(&self, name: &str) -> &'a str {
        self.visit.parameter(name)
    }

    /// The request on its way.
    pub(super) fn visit(&self) -> &'a Visit {
        self.visit
    }

    /// The name of what is asked for, in refusals.
    pub(crate) fn action(&self) -> &'static str {
        self.visit.route.action
    }

    /// The URL of something below `/identity/v3`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/identity/v3{path}", self.visit.request.public_url)
    }
}

impl Visit {
    /// A part of the path by its name in the route; empty when the route has no such part.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// The parts of the path that the route names.
    pub(super) fn parameters(&self) -> &[(&'static str, String)] {
        &self.parameters
    }

    /// Answers inside one snapshot, after the check of the caller.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Call<'_>) -> Result<T, KeystoneError> + Send + 'static,
    ) -> Result<T, KeystoneError> {
        let presented = self.presented().await?;
        let visit = self.clone();
        self.api.store.read(move |snapshot| work(&Call::new(&visit, presented, snapshot.identity())?)).await
    }

    /// Answers inside one transaction, after the check of the caller.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Call<'_>) -> Result<T, KeystoneError> + Send + 'static,
    ) -> Result<T, KeystoneError> {
        let presented = self.presented().await?;
        let visit = self.clone();
        let write = move |tx: &mut Tx<'_>| {
            let call = Call::new(&visit, presented, tx.identity())?;
            let (rows, before) = (tx.rows_written(), Before::of(tx, &visit.parameters)?);
            let result = work(&call)?;
            // A step that answers nothing yet, such as counting a failed login, is not what was asked for.
            if let Some(reply) = (&result as &dyn Any).downcast_ref::<Reply>() {
                visit.record(tx, rows, before, reply)?;
            }
            Ok(result)
        };
        self.api.store.write(write).await
    }

    /// Writes down what a write did, unless it was nothing.
    fn record(&self, tx: &mut Tx<'_>, rows: u64, before: Before, reply: &Reply) -> Result<(), KeystoneError> {
        if !is_login(&self.request.path) || self.request.method != Method::POST {
            before.note(tx, self.route, &self.parameters, reply)?;
            let subject = || of_route(self.route, &self.parameters);
            audit::record(&self.api, &self.request, tx, rows, "identity", subject)?;
        }
        Ok(())
    }

    /// What the request presents, where the route asks for it: a stranger shall not get as far as the
    /// store's threads.
    async fn presented(&self) -> Result<Option<Presented>, KeystoneError> {
        match self.route.access {
            Access::Anyone => Ok(None),
            _ => presented(&self.api, &self.request).await.map(Some),
        }
    }
}

impl Route {
    /// A line of the table.
    pub(super) const fn new(
        method: &'static str,
        path: &'static str,
        access: Access,
        action: &'static str,
        handler: Handler,
    ) -> Self {
        Self { method, path, access, action, handler }
    }
}

/// The route of a path below `/identity/v3`, if there is one by this method.
pub(super) fn find(method: &Method, parts: &[&str]) -> Option<(&'static Route, Vec<(&'static str, String)>)> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    routes().filter(|route| route.method == method).find_map(|route| Some((route, parameters(route.path, parts)?)))
}

/// Finds the route of a path below `/identity/v3` and answers.
pub(super) async fn dispatch(api: &Arc<Api>, request: &Arc<Request>, parts: &[&str]) -> Answer {
    let method = if request.method == Method::HEAD { "GET" } else { request.method.as_str() };
    let mut known_path = false;
    for route in routes() {
        let Some(parameters) = parameters(route.path, parts) else { continue };
        known_path = true;
        if route.method == method || route.method == request.method.as_str() {
            let parameters = Arc::new(parameters);
            let visit = Visit { api: Arc::clone(api), request: Arc::clone(request), route, parameters };
            return match route.handler {
                Handler::Read(answer) => visit.read(answer).await,
                Handler::Write(answer) => visit.write(answer).await,
                Handler::Steps(answer) => answer(visit).await,
            };
        }
    }
    Err(if known_path { KeystoneError::MethodNotAllowed } else { KeystoneError::UnknownPath })
}
