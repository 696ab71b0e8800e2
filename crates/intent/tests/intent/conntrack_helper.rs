//! Parts of an object, by the example of a router's conntrack helpers.

use intent::Error;
use model::Body;
use serde_json::json;

use crate::cloud::Cloud;

#[test]
fn parts_are_reached_by_their_parent_only() {
    let cloud = Cloud::new();
    let (alice, bob) = (&cloud.alice, &cloud.bob);
    let (one, other) = (cloud.id(alice, "routers", json!({})), cloud.id(alice, "routers", json!({})));
    let helpers = |router: &str| format!("routers/{router}/conntrack_helpers");
    let tftp = json!({ "protocol": "udp", "port": 69, "helper": "tftp" });
    let made = cloud.create(alice, &helpers(&one), tftp.clone()).unwrap();
    let id = made["id"].as_str().unwrap();
    let mut expected = tftp.clone();
    expected["id"] = json!(id);
    expected["baryon:applied"] = json!(false);
    assert_eq!(json!(made), expected, "neither parent, nor owner, nor history are shown");
    assert_eq!(cloud.list(alice, &helpers(&one), &[]).unwrap(), std::slice::from_ref(&made));
    assert!(cloud.list(alice, &helpers(&other), &[]).unwrap().is_empty());

    let error = |result: Result<Body, Error>| result.unwrap_err().to_string();
    let missing = format!("Conntrack Helper {id} could not be found.");
    assert_eq!(error(cloud.show(alice, &helpers(&other), id)), missing);
    assert_eq!(
        error(cloud.create(alice, &helpers(&one), tftp.clone())),
        format!(
            "Bad conntrack_helper request: A duplicate conntrack helper entry with same attributes already exists, \
             conflicting values are {{'protocol': 'udp', 'port': 69, 'helper': 'tftp', 'router_id': '{one}'}}."
        )
    );
    let mut elsewhere = tftp.clone();
    elsewhere["router_id"] = json!(other);
    assert_eq!(error(cloud.create(alice, &helpers(&one), elsewhere)), "Unrecognized attribute(s) 'router_id'");

    let hidden = format!("Router {one} could not be found");
    assert_eq!(error(cloud.create(bob, &helpers(&one), tftp)), hidden);
    assert_eq!(error(cloud.show(bob, &helpers(&one), id)), hidden);
    cloud.delete(alice, "routers", &one).unwrap();
    assert_eq!(error(cloud.show(alice, &helpers(&one), id)), hidden);
}
