//! Locks after failed logins.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use api::{NullWorld, SecurityCompliance};
use serde_json::{Value, json};
use store::StoreError;

use super::{Cloud, TestApi, id};

/// Three failures lock a user for a second.
fn cloud(duration: Duration) -> (Cloud, Value) {
    let rules =
        SecurityCompliance { lockout_failure_attempts: 3, lockout_duration: duration, ..SecurityCompliance::default() };
    let cloud = Cloud::of(TestApi::with(|config| config.security = rules, Arc::new(NullWorld)));
    let user = cloud.user(json!({ "name": "u", "domain_id": "default", "password": "right" }));
    (cloud, user)
}

fn status(cloud: &Cloud, user: &Value, password: &str) -> u16 {
    cloud.login(user, password, &Value::Null).status
}

fn fail(cloud: &Cloud, user: &Value, times: usize) {
    for _ in 0..times {
        assert_eq!(status(cloud, user, "wrong"), 401);
    }
}

#[test]
fn too_many_failures_in_a_row_lock_a_user_for_a_while() {
    let (cloud, user) = cloud(Duration::from_secs(1));
    fail(&cloud, &user, 2);
    assert_eq!(status(&cloud, &user, "right"), 201, "two are not enough");
    fail(&cloud, &user, 2);
    assert_eq!(status(&cloud, &user, "right"), 201, "a good login makes those before forgotten");
    fail(&cloud, &user, 3);
    let locked = cloud.login(&user, "right", &Value::Null);
    let wrong = cloud.login(&user, "wrong", &Value::Null);
    let nobody = cloud.login(&json!({ "id": "nobody" }), "wrong", &Value::Null);
    for answer in [&locked, &wrong, &nobody] {
        assert_eq!((answer.status, &answer.text), (401, &wrong.text), "all refusals are the same");
    }
    // What was tried while it was locked makes the lock no longer.
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(status(&cloud, &user, "right"), 201);
    fail(&cloud, &user, 2);
    assert_eq!(status(&cloud, &user, "right"), 201, "after a lock the count begins anew");
}

#[test]
fn a_lock_without_an_end_is_ended_by_an_administrator_who_enables_the_user() {
    let (cloud, user) = cloud(Duration::ZERO);
    fail(&cloud, &user, 3);
    assert_eq!(status(&cloud, &user, "right"), 401);
    let path = format!("/users/{}", id(&user));
    cloud.change(&path, json!({ "user": { "description": "x" } }));
    assert_eq!(status(&cloud, &user, "right"), 401);
    cloud.change(&path, json!({ "user": { "enabled": true } }));
    assert_eq!(status(&cloud, &user, "right"), 201);
}

#[test]
fn failures_of_a_change_of_password_count_and_a_locked_user_cannot_change_it() {
    let (cloud, user) = cloud(Duration::ZERO);
    let change = |original: &str| {
        let body = json!({ "user": { "original_password": original, "password": "new" } });
        cloud.api.ask("", "POST", &format!("/identity/v3/users/{}/password", id(&user)), &body).status
    };
    for _ in 0..3 {
        assert_eq!(change("wrong"), 401);
    }
    assert_eq!(change("right"), 401);
    assert_eq!(status(&cloud, &user, "right"), 401);
}

#[test]
fn some_users_are_never_locked_and_tokens_outlive_a_lock() {
    let (cloud, user) = cloud(Duration::ZERO);
    let token = cloud.token(&user, "right", &Value::Null);
    fail(&cloud, &user, 3);
    assert_eq!(cloud.api.get(&token, "/identity/v3/auth/projects").status, 200, "who is in stays in");
    let path = format!("/users/{}", id(&user));
    cloud.change(&path, json!({ "user": { "options": { "ignore_lockout_failure_attempts": true } } }));
    assert_eq!(status(&cloud, &user, "right"), 201);
    fail(&cloud, &user, 4);
    assert_eq!(status(&cloud, &user, "right"), 201);
}

#[test]
fn guesses_side_by_side_get_no_further_than_one_after_another() {
    let (cloud, user) = cloud(Duration::ZERO);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| fail(&cloud, &user, 1));
        }
    });
    assert_eq!(status(&cloud, &user, "right"), 401);
}

#[test]
fn a_good_login_writes_nothing_unless_there_is_a_failure_to_forget() {
    let (cloud, user) = cloud(Duration::from_secs(60));
    let written = || {
        let id = id(&user).parse().unwrap();
        let read = cloud.api.store.read_blocking(move |read| read.identity().failed_logins(&id));
        read.expect("the row")
    };
    assert_eq!(status(&cloud, &user, "right"), 201);
    assert_eq!(written(), None);
    fail(&cloud, &user, 1);
    assert_eq!(written().unwrap().attempts, 1);
    assert_eq!(status(&cloud, &user, "right"), 201);
    assert_eq!(written(), None);
}

/// What logins cost so far: hashes that were computed, and rows that were written.
fn cost(cloud: &Cloud) -> (u64, u64) {
    let mut response = ureq::get(format!("http://{}/metrics", cloud.api.health)).call().unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    let computed = text.lines().find_map(|line| line.strip_prefix("baryon_password_hashes_computed_total "));
    let rows = cloud.api.store.write_blocking(|tx| Ok::<_, StoreError>(tx.rows_written())).unwrap();
    (computed.unwrap().parse().unwrap(), rows)
}

/// What comes of a wrong login, and what it costs. Its audit event is written a little later.
fn cost_of(cloud: &Cloud, user: &Value, password: &str) -> ((u16, String), (u64, u64)) {
    let before = cost(cloud);
    let answer = cloud.login(user, password, &Value::Null);
    let deadline = Instant::now() + Duration::from_secs(10);
    while cost(cloud).1 < before.1 + 2 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
    }
    // Whatever else it might write comes now.
    thread::sleep(Duration::from_millis(300));
    let after = cost(cloud);
    ((answer.status, answer.text), (after.0 - before.0, after.1 - before.1))
}

#[test]
fn every_refused_login_costs_one_hash_and_the_same_writes() {
    let (cloud, known) = cloud(Duration::ZERO);
    let locked = cloud.user(json!({ "name": "locked", "domain_id": "default", "password": "right" }));
    fail(&cloud, &locked, 3);
    let disabled =
        cloud.user(json!({ "name": "disabled", "domain_id": "default", "password": "right", "enabled": false }));
    let without = cloud.user(json!({ "name": "without a password", "domain_id": "default" }));
    // The row of those who are nobody is there before, as after the first login that failed ever.
    fail(&cloud, &json!({ "id": "nobody" }), 1);
    let unknown = json!({ "id": "someone else" });
    // The audit events of these are written.
    thread::sleep(Duration::from_secs(1));
    let expected = cost_of(&cloud, &unknown, "wrong");
    // One row counts the failure, one is the audit event.
    assert_eq!((expected.0.0, expected.1), (401, (1, 2)));
    for (case, user, password) in [
        ("wrong password, the first time", &known, "wrong"),
        ("wrong password, again", &known, "wrong"),
        ("locked, wrong password", &locked, "wrong"),
        ("locked, right password", &locked, "right"),
        ("disabled, wrong password", &disabled, "wrong"),
        ("disabled, right password", &disabled, "right"),
        ("without a password", &without, ""),
        ("unknown, no password", &unknown, ""),
    ] {
        assert_eq!(cost_of(&cloud, user, password), expected, "{case}");
    }
}
