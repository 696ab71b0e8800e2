//! Keystone away, and a service user that is none.

use serde_json::Value;
use testkit::{PATIENCE, rest, wait_for};

use crate::cloud::Cloud;

/// How often Keystone answered.
fn exchanges(metrics: &str) -> u32 {
    let name = "baryon_peer_exchanges_total{peer=\"keystone\",result=\"worked\"} ";
    metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap()
}

#[test]
fn without_keystone_known_callers_go_on_and_strangers_wait() {
    let mut cloud = Cloud::new(&["service"]);

    // A service user that may not log in is told so at once, and its password to nobody.
    let failed = cloud.up_with_password("not it");
    let said = format!("{}{}", failed.stdout, failed.stderr);
    assert!(!failed.status.success(), "{said}");
    let expected = "http://127.0.0.1:5000/v3/auth/tokens refuses the login of user 'baryon' of project 'service'";
    assert!(said.contains(expected), "{said}");
    assert!(!said.contains("not it"), "{said}");

    cloud.keystone.project("demo").unwrap();
    cloud.keystone.user("alice", "a", "demo", &["member"]).unwrap();
    cloud.up("", &["--driver", "null"]);
    let known = cloud.keystone.log_in("alice", "a", "demo").unwrap().token;
    let unknown = cloud.keystone.log_in("alice", "a", "demo").unwrap().token;
    assert_eq!(cloud.status(&known), 200);
    let metrics = |cloud: &Cloud| cloud.host.netns().sh("curl --silent http://127.0.0.1:9697/metrics").unwrap();
    assert!(metrics(&cloud).contains("baryon_peer_up{peer=\"keystone\"} 1"), "{}", metrics(&cloud));

    // Many strangers with one token are one question; the reader of revocations asks beside them.
    let before = exchanges(&metrics(&cloud));
    let crowd = cloud.keystone.log_in("alice", "a", "demo").unwrap().token;
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..20).map(|_| scope.spawn(|| cloud.status(&crowd))).collect();
        assert!(asked.into_iter().all(|asked| asked.join().unwrap() == 200));
    });
    let questions = exchanges(&metrics(&cloud)) - before;
    assert!((1..10).contains(&questions), "{questions} questions for one token");

    cloud.keystone.kill();
    assert_eq!(cloud.status(&known), 200, "it was good a moment ago");
    let stranger: rest::Response = cloud.ask(&unknown, "GET", "/networks", &Value::Null);
    assert_eq!((stranger.status, stranger.header("retry-after")), (503, Some("1")), "{:?}", stranger.body);
    assert!(metrics(&cloud).contains("baryon_peer_up{peer=\"keystone\"} 0"), "{}", metrics(&cloud));
    assert!(cloud.host.is_ready(), "the datapath does not need Keystone");

    cloud.keystone.resume().unwrap();
    wait_for("a stranger to be known again", PATIENCE, || match cloud.status(&unknown) {
        200 => Ok(()),
        other => Err(format!("status {other}")),
    })
    .unwrap();
    for secret in ["the service's", &known, &unknown] {
        assert!(!cloud.host.log().contains(secret), "a secret in the log");
    }
}
