//! From the API's objects to the logical network: a pure function, and its incremental twin.
//!
//! [`compile`] takes a [`Snapshot`] of a region's objects and makes the [`LogicalNetwork`] that the
//! datapath shall have. It knows no clock, no database and no network; the same snapshot always gives
//! the same rows.
//!
//! The work is cut into [`Unit`]s: one port, one router, one rule. A unit's rows depend on a few
//! objects only, and [`Snapshot::apply`] names the units that a changed object touches, by indexes,
//! not by searching. [`Compiler`] keeps the rows of every unit and recompiles just those, so that the
//! cost of a change follows the change. What keeps it honest is a test: after any sequence of changes
//! the incremental result equals the full one.
//!
//! Rejected: a dataflow engine that finds dependencies by itself. A dozen kinds of objects do not
//! need one, and a page of explicit dependencies can be read.
//!
//! Deliberately absent: IPv6 rows (no datapath forwards IPv6 yet), and every judgement on whether a
//! request is allowed; what is in the store is taken as right, and what cannot be compiled, such as a
//! route whose next hop nothing reaches, has no rows.

#![forbid(unsafe_code)]

mod floating_ip;
mod incremental;
mod network;
mod port;
mod port_services;
mod router;
mod security_group_rule;
mod snapshot;
mod unit;

pub use incremental::Compiler;
pub use snapshot::Snapshot;
pub use unit::Unit;

use logical::LogicalNetwork;

/// The logical network of a region.
#[must_use]
pub fn compile(snapshot: &Snapshot) -> LogicalNetwork {
    let mut network = LogicalNetwork::default();
    for unit in snapshot.units() {
        unit.rows(snapshot).into_iter().for_each(|row| network.put(row));
    }
    network
}
