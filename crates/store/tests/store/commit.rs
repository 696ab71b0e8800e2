//! Transactions: all or nothing, durable, in the order of the log.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use model::{Network, ObjectKey, Resource, Timestamp};
use store::{ChangeSeq, Changes, Store, StoreError};

use crate::{Directory, REGION, insert, network, port, subnet};

#[test]
fn what_was_answered_is_there_after_reopening() {
    let directory = Directory::new();
    let made: Vec<Network> = (0..50).map(|_| network()).collect();
    let store = directory.open();
    thread::scope(|scope| {
        for network in &made {
            let store = &store;
            scope.spawn(move || insert(store, vec![network.clone()]).unwrap());
        }
    });
    // The file as a killed process leaves it: nothing is closed, the write-ahead log is not merged.
    let copy = Directory::new();
    for suffix in ["", "-wal"] {
        let name = format!("baryon.db{suffix}");
        std::fs::copy(directory.0.join(&name), copy.0.join(&name)).unwrap();
    }
    let again = copy.open();
    let (objects, upto) = again.load_all(REGION).unwrap();
    assert_eq!(objects.len(), made.len());
    assert_eq!(upto, store.newest_change());
}

#[test]
fn a_request_that_fails_or_panics_leaves_nothing_and_spoils_no_other() {
    let directory = Directory::new();
    let store = directory.open();
    let barrier = Arc::new(Barrier::new(3));
    let run = |failure: Option<&'static str>| {
        let (store, barrier) = (store.clone(), Arc::clone(&barrier));
        thread::spawn(move || {
            barrier.wait();
            store.write_blocking(move |tx| {
                tx.insert(REGION, &network())?;
                match failure {
                    Some("panic") => panic!("as planned"),
                    Some(_) => Err(StoreError::Reference),
                    None => Ok(()),
                }
            })
        })
    };
    let threads = [run(Some("panic")), run(Some("error")), run(None)];
    let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(matches!(&results[0], Err(StoreError::Panicked(text)) if text == "as planned"));
    assert!(results[1].is_err() && results[2].is_ok());
    let (objects, _) = store.load_all(REGION).unwrap();
    assert_eq!(objects.len(), 1);
    let Changes::Keys { keys, .. } = store.changes_since(REGION, ChangeSeq(0)).unwrap() else { panic!("trimmed") };
    assert_eq!(keys, [objects[0].key()]);
}

#[test]
fn constraints_hold_whatever_the_operation_forgot() {
    let directory = Directory::new();
    let store = directory.open();
    let network = network();
    let subnet = subnet(&network, "10.0.0.0/8");
    let first = port(&subnet, 7);
    insert(&store, vec![network.clone()]).unwrap();
    insert(&store, vec![subnet.clone()]).unwrap();
    insert(&store, vec![first.clone()]).unwrap();
    let mut same_address = port(&subnet, 8);
    same_address.fixed_ips = first.fixed_ips.clone();
    assert!(insert(&store, vec![same_address]).unwrap_err().is_not_unique("ip_address"));
    let mut same_mac = port(&subnet, 9);
    same_mac.mac_address = first.mac_address;
    assert!(insert(&store, vec![same_mac]).unwrap_err().is_not_unique("mac_address"));
    let mut nowhere = port(&subnet, 10);
    nowhere.network_id = types::NetworkId::random();
    assert!(matches!(insert(&store, vec![nowhere]), Err(StoreError::Reference)));
    let (id, subnet_id) = (network.id, subnet.id);
    let removed = store.write_blocking(move |tx| tx.delete::<Network>(REGION, id));
    assert!(matches!(removed, Err(StoreError::Reference)));
    let removed = store.write_blocking(move |tx| tx.delete::<model::Subnet>(REGION, subnet_id));
    assert!(matches!(removed, Err(StoreError::Reference)));
    // A port takes its addresses with it.
    let id = first.id;
    assert!(store.write_blocking(move |tx| tx.delete::<model::Port>(REGION, id)).unwrap());
    assert!(store.write_blocking(move |tx| tx.delete::<model::Subnet>(REGION, subnet_id)).unwrap());
}

#[test]
fn an_object_comes_back_as_it_was_written() {
    let directory = Directory::new();
    let store = directory.open();
    let network = network();
    let subnet = subnet(&network, "10.0.0.0/8");
    let mut port = port(&subnet, 7);
    port.name = "größer 東京 'quoted' \"twice\"".to_owned();
    port.tags = vec!["a".to_owned(), "b".to_owned()];
    port.binding_profile = [("k".to_owned(), serde_json::json!({"deep": [1, null]}))].into_iter().collect();
    insert(&store, vec![network]).unwrap();
    insert(&store, vec![subnet]).unwrap();
    insert(&store, vec![port.clone()]).unwrap();
    let id = port.id;
    let read = move |store: &Store| store.read_blocking(move |read| read.get::<model::Port>(REGION, id)).unwrap();
    assert_eq!(read(&store), Some(port.clone()));
    let mut new = port.clone();
    new.name.clear();
    new.fixed_ips.clear();
    new.touch(Timestamp::from_second(1));
    let (old, changed) = (port, new.clone());
    store.write_blocking(move |tx| tx.update(REGION, &old, &changed)).unwrap();
    assert_eq!(read(&store), Some(new));
}

#[test]
fn waiting_ends_with_a_commit_or_with_the_time() {
    let directory = Directory::new();
    let store = directory.open();
    let known = store.newest_change();
    assert_eq!(store.wait_for_change(known, Duration::from_millis(5)), known);
    let waiter = {
        let store = store.clone();
        thread::spawn(move || store.wait_for_change(known, Duration::from_secs(30)))
    };
    let made = network();
    let key = ObjectKey::Network(made.id);
    insert(&store, vec![made]).unwrap();
    assert!(waiter.join().unwrap() > known);
    let Changes::Keys { keys, .. } = store.changes_since(REGION, known).unwrap() else { panic!("trimmed") };
    assert_eq!(keys, [key]);
}
