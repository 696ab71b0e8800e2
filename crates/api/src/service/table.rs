//! The table of a service whose operations are about one project at most.

use std::pin::Pin;

use store::StoreError;

use super::Visit;
use crate::{
    edge::Reply,
    endpoint::{Endpoint, Found, find},
    identity::{Access, KeystoneError},
};

/// What becomes an answer.
pub(crate) type Future<E> = Pin<Box<dyn std::future::Future<Output = Result<Reply, E>> + Send>>;

/// A line of the table. An operation checks its caller itself, by the object that it is about; what a line says of
/// access is what the sweep of unauthorised calls expects.
pub(crate) struct Route<V, E> {
    pub(crate) method: &'static str,
    /// The path below the table's; its one parameter, if any, is a project's id.
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) handler: fn(V, String) -> Future<E>,
}

/// A line: method, path, access and the function that answers.
macro_rules! route {
    ($method:literal $path:literal $access:ident $answer:path) => {
        $crate::service::Route {
            method: $method,
            path: $path,
            access: $crate::identity::Access::$access,
            handler: |visit, id| Box::pin(async move { $answer(&visit, &id).await }),
        }
    };
}
pub(crate) use route;

/// What a table has no line for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Miss {
    /// The path is there, by other methods.
    Method,
    /// Nor is the path.
    Path,
}

/// Answers a path below the table's. A service's own view of the request is `visit`, over `base`.
pub(crate) async fn answer<V, E>(
    table: &'static [Route<V, E>],
    visit: &V,
    base: &Visit,
    parts: &[&str],
) -> Result<Reply, E>
where
    V: Clone,
    E: From<Miss> + From<KeystoneError> + From<StoreError> + Send + 'static,
{
    let miss = match find(table, |route| (route.method, route.path), &base.request.method, parts) {
        Found::Line(route, parameters) => {
            let id = parameters.into_iter().next().map(|(_, id)| id).unwrap_or_default();
            return (route.handler)(visit.clone(), id).await;
        }
        Found::OtherMethod => Miss::Method,
        Found::Nothing => Miss::Path,
    };
    // A stranger learns nothing of what is here.
    base.read(|_, _| Ok::<_, E>(())).await?;
    Err(miss.into())
}

/// The endpoints of a table, whose paths are below `base`.
pub(crate) fn endpoints<V, E>(table: &'static [Route<V, E>], base: &str) -> impl Iterator<Item = Endpoint> {
    table.iter().map(move |route| Endpoint::new(route.method, format!("{base}{}", route.path), route.access))
}
