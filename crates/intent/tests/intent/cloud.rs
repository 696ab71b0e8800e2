//! A region in a temporary directory with an administrator and two projects.

use std::{path::PathBuf, sync::Arc};

use intent::{Context, Error, Name, Operations, Page, Settings};
use model::{Body, ListQuery};
use serde_json::{Value, json};
use store::Store;
use types::{ProjectId, UserId};

/// The region of the tests.
pub(crate) const REGION: &str = "RegionOne";

/// A region; its directory goes with it.
pub(crate) struct Cloud {
    /// Its state.
    pub(crate) store: Store,
    /// An administrator.
    pub(crate) admin: Context,
    /// A member of a project.
    pub(crate) alice: Context,
    /// A member of another project.
    pub(crate) bob: Context,
    directory: PathBuf,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

fn context(role: &str) -> Context {
    Context {
        project_id: ProjectId::random(),
        user_id: UserId::random(),
        roles: vec![role.to_owned()],
        is_admin: role == "admin",
        region: REGION.to_owned(),
        request_id: "req-test".to_owned(),
        settings: Arc::new(Settings::default()),
    }
}

/// The operations at a path below `/v2.0`, and the parent that it names.
fn at(path: &str) -> (&'static dyn Operations, Option<String>) {
    let parts: Vec<_> = path.split('/').collect();
    let (operations, length, parent) = intent::operations_at(&parts).unwrap();
    assert_eq!(length, parts.len(), "{path}");
    (operations, parent.map(str::to_owned))
}

impl Cloud {
    /// An empty region.
    pub(crate) fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("baryon-intent-{}", ProjectId::random()));
        let store = Store::open(&directory.join("baryon.db")).unwrap();
        Self { store, admin: context("admin"), alice: context("member"), bob: context("member"), directory }
    }

    /// Creates one object.
    pub(crate) fn create(&self, who: &Context, path: &str, body: Value) -> Result<Body, Error> {
        self.create_all(who, path, vec![body]).map(|mut bodies| bodies.remove(0))
    }

    /// Creates several objects in one request.
    pub(crate) fn create_all(&self, who: &Context, path: &str, bodies: Vec<Value>) -> Result<Vec<Body>, Error> {
        let (operations, parent) = at(path);
        let who = who.clone();
        self.store.write_blocking(move |tx| {
            let bodies: Vec<&Body> = bodies.iter().map(|body| body.as_object().unwrap()).collect();
            operations.create(tx, &who, parent.as_deref(), &bodies)
        })
    }

    /// Creates one object, and answers its id.
    pub(crate) fn id(&self, who: &Context, path: &str, body: Value) -> String {
        let made = self.create(who, path, body).unwrap_or_else(|error| panic!("{path}: {error}"));
        made["id"].as_str().unwrap().to_owned()
    }

    /// Shows an object.
    pub(crate) fn show(&self, who: &Context, path: &str, id: &str) -> Result<Body, Error> {
        let (operations, parent) = at(path);
        let (who, id) = (who.clone(), id.to_owned());
        self.store
            .read_blocking(move |read| operations.show(read, &who, Name { parent: parent.as_deref(), id: &id }, &[]))
    }

    /// Lists objects by the pairs of a query string.
    pub(crate) fn list(&self, who: &Context, path: &str, pairs: &[(&str, &str)]) -> Result<Vec<Body>, Error> {
        let (operations, parent) = at(path);
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let query = ListQuery::parse(operations.info(), &pairs)?;
        let who = who.clone();
        let page: Page =
            self.store.read_blocking(move |read| operations.list(read, &who, parent.as_deref(), &query))?;
        Ok(serde_json::from_slice(&page.json).unwrap())
    }

    /// Updates an object.
    pub(crate) fn update(&self, who: &Context, path: &str, id: &str, body: Value) -> Result<Body, Error> {
        self.update_if(who, path, id, body, None)
    }

    /// Updates an object of a revision.
    pub(crate) fn update_if(
        &self,
        who: &Context,
        path: &str,
        id: &str,
        body: Value,
        if_match: Option<u64>,
    ) -> Result<Body, Error> {
        let (operations, parent) = at(path);
        let (who, id) = (who.clone(), id.to_owned());
        self.store.write_blocking(move |tx| {
            operations.update(
                tx,
                &who,
                Name { parent: parent.as_deref(), id: &id },
                body.as_object().unwrap(),
                if_match,
            )
        })
    }

    /// Deletes an object.
    pub(crate) fn delete(&self, who: &Context, path: &str, id: &str) -> Result<(), Error> {
        let (operations, parent) = at(path);
        let (who, id) = (who.clone(), id.to_owned());
        self.store
            .write_blocking(move |tx| operations.delete(tx, &who, Name { parent: parent.as_deref(), id: &id }, None))
    }

    /// Runs an action of a router.
    pub(crate) fn act(&self, who: &Context, id: &str, action: &str, body: Value) -> Result<Body, Error> {
        let action = intent::action("routers", action).unwrap();
        let (who, id) = (who.clone(), id.to_owned());
        self.store.write_blocking(move |tx| action(tx, &who, &id, body.as_object().unwrap()))
    }

    /// A network with one IPv4 subnet: their ids.
    pub(crate) fn network(&self, who: &Context, cidr: &str) -> (String, String) {
        let network = self.id(who, "networks", json!({"name": "net"}));
        let subnet = self.id(who, "subnets", json!({"network_id": network, "ip_version": 4, "cidr": cidr}));
        (network, subnet)
    }

    /// An external network with one IPv4 subnet: their ids.
    pub(crate) fn external(&self, cidr: &str) -> (String, String) {
        let network = self.id(&self.admin, "networks", json!({"name": "ext-net", "router:external": true}));
        let subnet = self.id(&self.admin, "subnets", json!({"network_id": network, "ip_version": 4, "cidr": cidr}));
        (network, subnet)
    }

    /// A port on a network: its id.
    pub(crate) fn port(&self, who: &Context, network: &str) -> String {
        self.id(who, "ports", json!({"network_id": network}))
    }
}

/// The parts of an error that a client sees.
pub(crate) fn parts<T: std::fmt::Debug>(result: Result<T, Error>) -> (u16, String, String) {
    let error = result.unwrap_err();
    (error.status(), error.kind().to_owned(), error.to_string())
}

/// A text of a body.
pub(crate) fn text<'b>(body: &'b Body, name: &str) -> &'b str {
    body.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("{name} of {body:?}"))
}
