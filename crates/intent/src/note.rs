//! What operations note for the audit trail: which object, and what changed of it.
//!
//! One note per object that a request names or makes. What follows from it (the rules of a new
//! group, the port of a router's interface, what a deleted port takes along) is told by the action.

use model::{Body, Record, Resource, ResourceInfo, view};
use store::{Tx, audit::Note};

/// The name of an action on objects of a resource: that of its policy rule.
pub(crate) fn action(verb: &str, info: &ResourceInfo) -> String {
    format!("{verb}_{}", info.member)
}

/// Notes what happened to an object, by its stored attributes.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    action: String,
    info: &'static ResourceInfo,
    before: Option<&Body>,
    after: Option<&Body>,
) {
    let id = after.or(before).and_then(|body| body.get("id")?.as_str());
    let target_id = id.unwrap_or_default().to_owned();
    let Record { before, after } = Record::of(info, before, after);
    tx.note(Note { action, target_type: info.member, target_id, before, after });
}

/// Notes that an object is tied to others, or no longer: by the ids of these.
pub(crate) fn note_tie<R: Resource>(
    tx: &mut Tx<'_>,
    action: &str,
    object: &R,
    before: Option<&Body>,
    after: Option<&Body>,
) {
    let Record { before, after } = Record::changed(before, after, |name| name.ends_with("_id"));
    let target_id = object.id().to_string();
    tx.note(Note { action: action.to_owned(), target_type: R::INFO.member, target_id, before, after });
}

/// Notes a change of an object.
pub(crate) fn note_change<R: Resource>(tx: &mut Tx<'_>, action: String, old: &R, new: &R) {
    note(tx, action, R::INFO, Some(&view::body_of(old)), Some(&view::body_of(new)));
}
