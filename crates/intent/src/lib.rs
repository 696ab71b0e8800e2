//! Operations on resources: policy, validation, quota, allocation.
//!
//! An operation is a synchronous function inside a store transaction. It authorises, validates,
//! allocates and writes; the change log of the store tells reconcile what to do about it. It never
//! touches the network, and when it returns an error the transaction leaves no trace.
//!
//! # How the API calls this crate
//!
//! ```ignore
//! // A resource, by its path below /v2.0 ("networks", "security-groups", "baryon/attachments"):
//! let ops: &'static dyn Operations = intent::operations("networks")?;     // None: 404
//! let info: &'static model::ResourceInfo = ops.info();
//!
//! // Reading. `setup_needed` is true when something must be written before a first read
//! // (a project's default security group); then run `set_up` in a write and read again.
//! let page: Page = store.read(move |read| ops.list(read, &ctx, &query)).await?;   // query: model::ListQuery::parse(info, &pairs)?
//! let body: Body = store.read(move |read| ops.show(read, &ctx, &id, &fields)).await?;
//!
//! // Writing. `model::request::members(info, &json)?` finds the objects in the body and says
//! // whether it was a list (bulk create is one transaction).
//! let created: Vec<Body> = store.write(move |tx| ops.create(tx, &ctx, &bodies)).await?;
//! let updated: Body = store.write(move |tx| ops.update(tx, &ctx, &id, &body, if_match)).await?;
//! store.write(move |tx| ops.delete(tx, &ctx, &id, if_match)).await?;
//!
//! // Member actions: PUT /v2.0/routers/{id}/add_router_interface and so on; the answer is the body.
//! let action: fn(&mut Tx, &Context, &str, &Body) -> Result<Body, Error> = intent::action("routers", "add_router_interface")?;
//!
//! // Tags: /v2.0/{path}/{id}/tags[/{tag}]
//! tags::list(read, &ctx, info, &id) -> Result<Vec<String>, Error>
//! tags::contains(read, &ctx, info, &id, tag) -> Result<(), Error>           // TagNotFound
//! tags::replace(tx, &ctx, info, &id, &json) -> Result<Vec<String>, Error>   // body {"tags": [...]}
//! tags::extend(tx, &ctx, info, &id, &json) -> Result<Vec<String>, Error>    // POST of several
//! tags::add / tags::remove(tx, &ctx, info, &id, tag) -> Result<(), Error>
//! tags::clear(tx, &ctx, info, &id) -> Result<(), Error>
//!
//! // Quotas: /v2.0/quotas[/{project}[/default|/details]]; each answers the inner object of `quota`
//! quota::network::{show, defaults, details}(read, &ctx, project) -> Result<Body, Error>
//! quota::network::list(read, &ctx) -> Result<Vec<Body>, Error>
//! quota::network::update(tx, &ctx, project, &json) -> Result<Body, Error>   // body {"quota": {...}}
//! quota::network::reset(tx, &ctx, project) -> Result<(), Error>
//!
//! // Errors: status, `type` and message of the NeutronError body, and our detail.
//! error.status(): u16; error.kind(): &'static str; error.to_string(); error.detail(): String
//!
//! // At start: the external network.
//! bootstrap::external_network(tx, &bootstrap::ExternalNetwork { region, project_id, name, physical_network, cidr, gateway_ip, pools, mtu })
//! ```
//!
//! A body is a `model::Body` (`serde_json::Map`) under the API's attribute names, whole: `tenant_id`,
//! constants and computed attributes included, what the caller may not see left out.
//! `tx.last_change()` inside a write is the [`store::ChangeSeq`] to wait for with
//! [`World::wait_applied`].

#![forbid(unsafe_code)]

pub mod attachment;
pub mod bootstrap;
pub mod quota;
pub mod tags;

mod address;
mod conntrack_helper;
mod context;
mod error;
mod extra_route;
mod fixed_ip;
mod floating_ip;
mod network;
mod note;
mod operations;
mod port;
mod router;
mod router_interface;
mod security_group;
mod security_group_rule;
mod subnet;
mod world;

use model::Body;
use operations::Collection;
use store::Tx;

pub use context::{Context, Settings};
pub use error::{Error, Refusal};
pub use operations::{Name, Operations, Page, Parent};
pub use world::{DropCount, Problem, RegionStatus, TraceReport, TraceRequest, TraceStep, World, WorldError};

/// Every resource's operations, a line each, in the order of `model::registry`.
pub static OPERATIONS: &[&dyn Operations] = &[
    &Collection::<network::Networks>::NEW,
    &Collection::<subnet::Subnets>::NEW,
    &Collection::<port::Ports>::NEW,
    &Collection::<router::Routers>::NEW,
    &Collection::<floating_ip::FloatingIps>::NEW,
    &Collection::<security_group::SecurityGroups>::NEW,
    &Collection::<security_group_rule::SecurityGroupRules>::NEW,
    &Collection::<attachment::Attachments>::NEW,
    &Collection::<conntrack_helper::ConntrackHelpers>::NEW,
];

/// The operations of the resource at a path below `/v2.0`.
#[must_use]
pub fn operations(path: &str) -> Option<&'static dyn Operations> {
    OPERATIONS.iter().copied().find(|operations| operations.info().path == path)
}

/// The operations that the first parts of a path below `/v2.0` name, how many parts that takes, and
/// the id of the parent among them. The longest name wins: a router's helpers are no router.
#[must_use]
pub fn operations_at<'p>(parts: &[&'p str]) -> Option<(&'static dyn Operations, usize, Parent<'p>)> {
    let claims = OPERATIONS.iter().filter_map(|operations| {
        let (length, parent) = operations.info().claims(parts)?;
        Some((*operations, length, parent))
    });
    claims.max_by_key(|(_, length, _)| *length)
}

/// An action on one object, `PUT /v2.0/{path}/{id}/{action}`: transaction, caller, id, body; the
/// answer is the whole body of the response.
pub type Action = fn(&mut Tx<'_>, &Context, &str, &Body) -> Result<Body, Error>;

/// Every action: the path of its resource, its name, the function.
pub static ACTIONS: [(&str, &str, Action); 4] = [
    ("routers", "add_router_interface", router_interface::add),
    ("routers", "remove_router_interface", router_interface::remove),
    ("routers", "add_extraroutes", extra_route::add),
    ("routers", "remove_extraroutes", extra_route::remove),
];

/// The action of that name on the resource at a path below `/v2.0`.
#[must_use]
pub fn action(path: &str, name: &str) -> Option<Action> {
    ACTIONS.iter().find(|(resource, action, _)| *resource == path && *action == name).map(|(.., action)| *action)
}
