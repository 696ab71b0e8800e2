//! Events of writes, in the transaction that writes.

use std::sync::Arc;

use store::{
    StoreError, Tx,
    audit::{Event, Note},
};

use super::{
    Subject,
    answered::blank,
    bound::{ID, shortened},
};
use crate::{Api, edge::Request};

/// The most events of one request; what is more is one event with their number. A bulk create has at
/// most a page of objects, so this is out of reach for it.
const MOST: usize = 1024;

/// Inserts the events of a request at the end of its transaction: one for each note, or one for the
/// subject when nothing was noted. A request that wrote no row since `rows` has none.
pub(crate) fn record(
    api: &Arc<Api>,
    request: &Request,
    tx: &mut Tx<'_>,
    rows: u64,
    service: &str,
    subject: impl FnOnce() -> Subject,
) -> Result<(), StoreError> {
    let notes = tx.take_notes();
    if tx.rows_written() == rows {
        return Ok(());
    }
    let mut subject = subject();
    let new = |subject: &Subject| {
        let mut event = blank(service, subject, request.id, request.global_id(), request.source);
        request.witness.sign(&mut event);
        event
    };
    let mut events = Vec::with_capacity(notes.len().clamp(1, MOST + 1));
    let more = notes.len().saturating_sub(MOST);
    if notes.is_empty() {
        events.push(new(&subject));
    } else {
        let pattern = new(&Subject { region: subject.region.take(), ..Subject::default() });
        events.extend(notes.into_iter().take(MOST).map(|note| noted(&pattern, service, note)));
    }
    if more > 0 {
        let mut rest = new(&subject);
        rest.reason = Some(format!("and {more} objects more"));
        events.push(rest);
    }
    for event in &mut events {
        tx.insert_audit(event)?;
    }
    let (api, witness) = (Arc::clone(api), Arc::clone(&request.witness));
    tx.after_commit(move || {
        witness.recorded();
        api.trail.committed(events);
    });
    Ok(())
}

fn noted(pattern: &Event, service: &str, note: Note) -> Event {
    Event {
        action: format!("{service}:{}", note.action),
        target_type: Some(note.target_type.to_owned()),
        target_id: Some(shortened(&note.target_id, ID)),
        before: note.before,
        after: note.after,
        ..pattern.clone()
    }
}
