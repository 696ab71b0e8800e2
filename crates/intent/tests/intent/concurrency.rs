//! Many requests at once, and what reconcile hears of them.

use std::{collections::HashSet, thread};

use model::{Network, ObjectKey, Resource};
use serde_json::json;
use store::{ChangeSeq, Changes};

use crate::cloud::{Cloud, REGION};

#[test]
fn sixteen_threads_never_get_the_same_address() {
    let cloud = Cloud::new();
    let (network, _) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let addresses: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let made = (0..16).filter_map(|_| {
                        let port = cloud.create(&cloud.alice, "ports", json!({"network_id": network})).ok()?;
                        Some(port["fixed_ips"][0]["ip_address"].as_str()?.to_owned())
                    });
                    made.collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    // 256 requests for the 253 addresses that are neither network, broadcast nor gateway.
    assert_eq!(addresses.len(), 253);
    assert_eq!(addresses.iter().collect::<HashSet<_>>().len(), 253);
}

#[test]
fn the_change_log_names_what_was_touched() {
    let cloud = Cloud::new();
    let (_, before) = cloud.store.load_all(REGION).unwrap();
    let (network, subnet) = cloud.network(&cloud.alice, "10.0.0.0/24");
    drop(cloud.create(&cloud.alice, "networks", json!({"mtu": 65_000})));
    let Changes::Keys { keys, upto } = cloud.store.changes_since(REGION, before).unwrap() else { panic!("trimmed") };
    let expected = [ObjectKey::parse("network", &network).unwrap(), ObjectKey::parse("subnet", &subnet).unwrap()];
    assert_eq!(keys, expected);
    assert_eq!(upto, cloud.store.newest_change());
    let elsewhere = Changes::Keys { keys: Vec::new(), upto };
    assert_eq!(cloud.store.changes_since("RegionTwo", before).unwrap(), elsewhere);
    assert_eq!(cloud.store.changes_since(REGION, ChangeSeq(u64::MAX / 4)).unwrap(), Changes::Trimmed);
    cloud.delete(&cloud.alice, "networks", &network).unwrap();
    let key = ObjectKey::Network(network.parse().unwrap());
    assert_eq!(cloud.store.load(REGION, &[key]).unwrap(), [(key, None)]);
    assert_eq!(Network::INFO.member, key.info().member);
}

#[test]
fn regions_do_not_see_each_other() {
    let cloud = Cloud::new();
    let mut elsewhere = cloud.admin.clone();
    elsewhere.region = "RegionTwo".to_owned();
    let id = cloud.id(&cloud.admin, "networks", json!({"name": "here"}));
    assert!(cloud.show(&elsewhere, "networks", &id).is_err());
    assert!(cloud.list(&elsewhere, "networks", &[]).unwrap().is_empty());
}
