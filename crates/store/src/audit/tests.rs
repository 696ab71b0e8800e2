use rusqlite::Connection;

use super::*;
use crate::{ChangeSeq, Read};

fn database() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    crate::migrate::migrate(&mut connection).unwrap();
    connection
}

fn event(time: i64, action: &str, outcome: Outcome) -> Event {
    Event {
        sequence: 0,
        time,
        request_id: format!("req-{time}"),
        global_request_id: None,
        region: None,
        service: "identity".to_owned(),
        action: action.to_owned(),
        outcome,
        status: None,
        user_id: Some("u".to_owned()),
        user_name: Some("name".to_owned()),
        user_domain_id: Some("default".to_owned()),
        project_id: Some("p".to_owned()),
        application_credential_id: None,
        trust_id: None,
        source: Some("192.0.2.1".to_owned()),
        target_type: Some("user".to_owned()),
        target_id: Some(format!("t{time}")),
        before: None,
        after: Some("{}".to_owned()),
        reason: None,
    }
}

fn fill(connection: &Connection, events: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let mut tx = Tx::new(connection, ChangeSeq(0));
    let insert = |mut event: Event| {
        tx.insert_audit(&mut event).unwrap();
        event
    };
    events.into_iter().map(insert).collect()
}

fn times(connection: &Connection, query: AuditQuery) -> Vec<i64> {
    let query = if query.limit == 0 { AuditQuery { limit: 100, ..query } } else { query };
    Read { connection }.audit(&query).unwrap().into_iter().map(|event| event.time).collect()
}

#[test]
fn events_come_back_as_they_were_and_by_any_filter() {
    let connection = database();
    let mut other = event(3, "network:create_port", Outcome::Refused);
    other.user_id = Some("v".to_owned());
    other.project_id = None;
    let events = fill(
        &connection,
        [event(1, "identity:create_user", Outcome::Success), event(2, "identity:delete_user", Outcome::Failure), other],
    );
    let all = Read { connection: &connection }.audit(&AuditQuery { limit: 9, ..AuditQuery::default() }).unwrap();
    assert_eq!(all, events.iter().rev().cloned().collect::<Vec<_>>());
    let some = |text: &str| Some(text.to_owned());
    let d = AuditQuery::default;
    for (query, expected) in [
        (AuditQuery { since: Some(2), ..d() }, vec![3, 2]),
        (AuditQuery { until: Some(2), ..d() }, vec![1]),
        (AuditQuery { user_id: some("v"), ..d() }, vec![3]),
        (AuditQuery { project_id: some("p"), since: Some(2), ..d() }, vec![2]),
        (AuditQuery { target_id: some("t1"), ..d() }, vec![1]),
        (AuditQuery { request_id: some("req-2"), ..d() }, vec![2]),
        (AuditQuery { action: some("identity:"), ..d() }, vec![2, 1]),
        (AuditQuery { action: some("identity:create"), ..d() }, vec![1]),
        (AuditQuery { outcome: Some(Outcome::Refused), ..d() }, vec![3]),
        (AuditQuery { limit: 2, ..d() }, vec![3, 2]),
        (AuditQuery { marker: Some(events[1].sequence), ..d() }, vec![1]),
        (AuditQuery { marker: Some(events[1].sequence), ascending: true, ..d() }, vec![3]),
        (AuditQuery { ascending: true, limit: 2, ..d() }, vec![1, 2]),
    ] {
        assert_eq!(times(&connection, query.clone()), expected, "{query:?}");
    }
}

#[test]
fn old_events_go_in_batches() {
    let connection = database();
    fill(&connection, (0..10).map(|time| event(time, "a", Outcome::Success)));
    let mut tx = Tx::new(&connection, ChangeSeq(0));
    assert_eq!(tx.purge_audit_before(5, 3).unwrap(), 3);
    assert_eq!(tx.purge_audit_before(5, 3).unwrap(), 2);
    assert_eq!(tx.purge_audit_before(5, 3).unwrap(), 0);
    assert_eq!(times(&connection, AuditQuery::default()), [9, 8, 7, 6, 5]);
}

#[test]
fn a_flood_of_refusals_does_not_push_out_what_was_done() {
    let connection = database();
    fill(&connection, (0..4).map(|time| event(time, "done", Outcome::Success)));
    fill(&connection, (4..20).map(|time| event(time, "flood", Outcome::Refused)));
    let purge = |most: u64| {
        let mut excess = Read { connection: &connection }.audit_excess(most).unwrap();
        let mut tx = Tx::new(&connection, ChangeSeq(0));
        while excess != AuditExcess::default() {
            tx.purge_audit_excess(&mut excess, 3).unwrap();
        }
    };
    purge(20);
    assert_eq!(times(&connection, AuditQuery::default()).len(), 20, "there is room for all");
    purge(8);
    assert_eq!(times(&connection, AuditQuery::default()), [19, 18, 17, 16, 3, 2, 1, 0]);
    purge(4);
    assert_eq!(times(&connection, AuditQuery::default()), [19, 18, 3, 2], "half each, the newest");
}

#[test]
fn what_is_told_of_rows_is_in_the_schema_and_no_secret() {
    let connection = database();
    let read = Read { connection: &connection };
    for principal in PRINCIPALS {
        assert_eq!(principal.told(&read, "nothing").expect(principal.kind), None);
    }
    connection
        .execute("INSERT INTO domains (id, name, tags, extra) VALUES ('d', 'n', '[\"a\"]', '{\"secret\": 1}')", [])
        .unwrap();
    let told = Principal::of("domain").unwrap().told(&read, "d").unwrap().unwrap();
    let expected = serde_json::json!({"name": "n", "description": "", "enabled": true, "tags": ["a"], "options": {}});
    assert_eq!(serde_json::Value::Object(told), expected);
}
