//! Events for a compute service: with what they are about, in order, and only where somebody reads them.

use model::{ObjectKey, ServerEvent};
use store::{Pending, StatusUpdate, Store, StoreError};
use uuid::Uuid;

use crate::{Directory, REGION, insert, network, port, subnet};

fn pending(store: &Store) -> Vec<Pending> {
    store.read_blocking(|read| read.pending_events(REGION, 10)).unwrap()
}

fn readers(store: &Store, regions: &[&str]) {
    let regions: Vec<String> = regions.iter().map(|region| (*region).to_owned()).collect();
    store.write_blocking(move |tx| tx.set_event_readers(&regions)).unwrap();
}

fn server_port() -> model::Port {
    let mut port = port(&subnet(&network(), "10.0.0.0/24"), 5);
    port.device_owner = "compute:nova".to_owned();
    port.device_id = Uuid::new_v4().to_string();
    port
}

#[test]
fn events_wait_for_their_reader_across_restarts_and_go_when_told() {
    let directory = Directory::new();
    let store = directory.open();
    let event = ServerEvent::of_deletion(&server_port()).unwrap();
    let notify = |store: &Store, region: &'static str| {
        let event = event.clone();
        store.write_blocking(move |tx| tx.notify(region, Some(event))).unwrap();
    };
    notify(&store, REGION);
    assert_eq!(pending(&store), [], "nobody reads them");
    readers(&store, &[REGION]);
    notify(&store, REGION);
    notify(&store, "RegionTwo");
    notify(&store, REGION);
    drop(store);

    let store = directory.open();
    let waiting = pending(&store);
    assert_eq!(waiting.iter().map(|p| (p.region.as_str(), &p.event)).collect::<Vec<_>>(), [(REGION, &event); 2]);
    assert!(waiting[0].seq < waiting[1].seq);
    let told = vec![waiting[0].seq];
    store.write_blocking(move |tx| tx.forget_events(&told)).unwrap();
    assert_eq!(store.read_blocking(|read| read.pending_event_count(REGION)).unwrap(), 1);
    readers(&store, &["RegionTwo"]);
    assert_eq!(pending(&store), [], "those of a region without a reader go");
}

#[test]
fn an_event_is_as_durable_as_what_it_is_about() {
    let directory = Directory::new();
    let store = directory.open();
    readers(&store, &[REGION]);
    let event = ServerEvent::of_deletion(&server_port());
    let refused: Result<(), StoreError> = store.write_blocking(move |tx| {
        tx.notify(REGION, event)?;
        Err(StoreError::Closed)
    });
    assert!(refused.is_err());
    assert_eq!(pending(&store), []);
}

#[test]
fn a_status_brings_its_event_once() {
    let directory = Directory::new();
    let store = directory.open();
    readers(&store, &[REGION]);
    let network = network();
    let subnet = subnet(&network, "10.0.0.0/24");
    let mut port = port(&subnet, 5);
    port.device_owner = "compute:nova".to_owned();
    port.device_id = Uuid::new_v4().to_string();
    insert(&store, vec![network]).unwrap();
    insert(&store, vec![subnet]).unwrap();
    insert(&store, vec![port.clone()]).unwrap();
    let fence = store.acquire_lease(REGION, "a", std::time::Duration::from_secs(60)).unwrap();
    let event = ServerEvent::of_status(&port, "DOWN", "ACTIVE");
    let update =
        StatusUpdate { key: ObjectKey::Port(port.id), status: "ACTIVE".to_owned(), error: None, event: event.clone() };
    for _ in 0..2 {
        store.write_status(REGION, fence, std::slice::from_ref(&update)).unwrap();
    }
    let told: Vec<_> = pending(&store).into_iter().map(|pending| Some(pending.event)).collect();
    assert_eq!(told, [event]);
}
