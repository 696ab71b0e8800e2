//! One owner per region, and status that only the owner writes.

use std::{thread, time::Duration};

use model::{Network, ObjectKey};
use store::{Changes, Fence, StatusUpdate, StoreError};

use crate::{Directory, REGION, insert, network};

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_region_has_one_owner_and_a_late_one_is_recognised() {
    let directory = Directory::new();
    let store = directory.open();
    let short = Duration::from_millis(50);
    let first = store.acquire_lease(REGION, "a", short).unwrap();
    assert_eq!(store.acquire_lease(REGION, "a", short).unwrap(), first);
    assert!(
        matches!(store.acquire_lease(REGION, "b", LONG), Err(StoreError::LeaseHeld { holder, .. }) if holder == "a")
    );
    thread::sleep(short * 2);
    let second = store.acquire_lease(REGION, "b", LONG).unwrap();
    assert!(second > first);
    let update =
        StatusUpdate { key: ObjectKey::Network(network().id), status: "ACTIVE".to_owned(), error: None, event: None };
    let late = store.write_status(REGION, first, std::slice::from_ref(&update));
    assert!(matches!(late, Err(StoreError::StaleFence { .. })));
    store.write_status(REGION, second, &[update]).unwrap();
    store.release_lease(REGION, second).unwrap();
    assert!(store.acquire_lease(REGION, "a", LONG).unwrap() > second);
    assert_eq!(store.acquire_lease("RegionTwo", "b", LONG).unwrap(), Fence(1));
}

#[test]
fn a_status_is_a_revision_but_no_entry_in_the_log() {
    let directory = Directory::new();
    let store = directory.open();
    let network = network();
    let (id, key) = (network.id, ObjectKey::Network(network.id));
    insert(&store, vec![network.clone()]).unwrap();
    let before = store.newest_change();
    let fence = store.acquire_lease(REGION, "a", LONG).unwrap();
    let write = |status: &str, error: Option<&str>| {
        let update = StatusUpdate { key, status: status.to_owned(), error: error.map(str::to_owned), event: None };
        store.write_status(REGION, fence, &[update]).unwrap();
        store.read_blocking(move |read| read.get::<Network>(REGION, id)).unwrap().unwrap()
    };
    let failed = write("ERROR", Some("the driver refused it"));
    assert_eq!((failed.status.as_str(), failed.revision_number), ("ERROR", network.revision_number + 1));
    let reworded = write("ERROR", Some("it still does"));
    assert_eq!(reworded.revision_number, failed.revision_number);
    assert_eq!(reworded.status_error.as_deref(), Some("it still does"));
    let healed = write("ACTIVE", None);
    assert_eq!((healed.status_error, healed.revision_number), (None, failed.revision_number + 1));
    let nothing = Changes::Keys { keys: Vec::new(), upto: before };
    assert_eq!(store.changes_since(REGION, before).unwrap(), nothing);
}
