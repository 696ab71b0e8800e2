//! Quotas and tags.

use intent::{quota::network as quota, tags};
use model::{Network, Resource};
use serde_json::json;

use crate::cloud::{Cloud, parts, text};

#[test]
fn a_limit_holds_for_single_and_bulk_requests() {
    let cloud = Cloud::new();
    let project = cloud.alice.project_id.clone();
    let set = |who: &intent::Context, limit: serde_json::Value| {
        let (who, project) = (who.clone(), project.clone());
        cloud.store.write_blocking(move |tx| quota::update(tx, &who, &project, &json!({"quota": {"network": limit}})))
    };
    assert_eq!(parts(set(&cloud.alice, json!(5))).2, "rule:update_quota is disallowed by policy");
    assert_eq!(
        parts(set(&cloud.admin, json!("x"))),
        (400, "InvalidInput".into(), "Invalid input for operation: 'x' is not an integer.".into())
    );
    assert_eq!(
        parts(set(&cloud.admin, json!(-2))).2,
        "Invalid input for network. Reason: '-2' is too small - must be at least '-1'."
    );
    set(&cloud.admin, json!(1)).unwrap();
    let over = (409, "OverQuota".to_owned(), "Quota exceeded for resources: ['network'].".to_owned());
    let two = vec![json!({"name": "q"}), json!({"name": "q2"})];
    assert_eq!(parts(cloud.create_all(&cloud.alice, "networks", two)), over);
    cloud.create(&cloud.alice, "networks", json!({"name": "q"})).unwrap();
    assert_eq!(parts(cloud.create(&cloud.alice, "networks", json!({"name": "q"}))), over);
    let who = cloud.alice.clone();
    let owner = project.clone();
    let details = cloud.store.read_blocking(move |read| quota::details(read, &who, &owner)).unwrap();
    assert_eq!(details["network"], json!({"limit": 1, "used": 1, "reserved": 0}));
    let who = cloud.admin.clone();
    cloud.store.write_blocking(move |tx| quota::reset(tx, &who, &project)).unwrap();
    cloud.create(&cloud.alice, "networks", json!({"name": "q"})).unwrap();
}

#[test]
fn tags_are_a_set_on_any_object() {
    let cloud = Cloud::new();
    let network = cloud.create(&cloud.alice, "networks", json!({"name": "n"})).unwrap();
    let id = text(&network, "id").to_owned();
    let who = cloud.alice.clone();
    let found = cloud
        .store
        .write_blocking(move |tx| {
            let info = Network::INFO;
            tags::replace(tx, &who, info, &id, &json!({"tags": ["a", "b"]}))?;
            tags::add(tx, &who, info, &id, "c")?;
            tags::add(tx, &who, info, &id, "c")?;
            tags::remove(tx, &who, info, &id, "a")?;
            assert!(matches!(
                tags::contains(tx, &who, info, &id, "zz"),
                Err(intent::Error::TagNotFound { tag }) if tag == "zz"
            ));
            tags::list(tx, &who, info, &id)
        })
        .unwrap();
    assert_eq!(found, ["b", "c"]);
    let by = |pairs: &[(&str, &str)]| cloud.list(&cloud.alice, "networks", pairs).unwrap().len();
    assert_eq!((by(&[("tags", "b,c")]), by(&[("tags", "a,b")]), by(&[("tags-any", "a,b")])), (1, 0, 1));
    assert_eq!((by(&[("not-tags", "a,b")]), by(&[("not-tags-any", "a,b")])), (1, 0));
}
