//! Usage is what is there, whatever happens to objects.

use std::collections::BTreeMap;

use model::{Network, Port, quota};
use rand::{Rng, SeedableRng, rngs::StdRng};
use store::{Store, StoreError};
use types::{NetworkId, ProjectId};

use crate::{Directory, network, port, subnet};

const REGIONS: [&str; 2] = ["RegionOne", "RegionTwo"];

fn projects() -> [ProjectId; 3] {
    ["p", "q", ""].map(|id| if id.is_empty() { ProjectId::unowned() } else { id.parse().unwrap() })
}

fn assert_no_drift(store: &Store) {
    let drift = store.read_blocking(|read| read.quotas().drift()).unwrap();
    assert!(drift.is_empty(), "{drift:?}");
}

fn used(store: &Store, region: &'static str, project: &ProjectId, key: &str) -> u64 {
    let (project, quota) = (project.clone(), quota::by_key(key).unwrap());
    store.read_blocking(move |read| read.quotas().balance(region, &project, quota)).unwrap().used
}

#[test]
fn every_resource_that_is_limited_is_counted() {
    let directory = Directory::new();
    drop(directory.open());
    let connection = rusqlite::Connection::open(directory.file()).unwrap();
    let triggers: Vec<String> = connection
        .prepare("SELECT tbl_name || ' ' || sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for counted in model::registry::RESOURCES.iter().filter_map(|info| quota::of_resource(info)) {
        for event in ["AFTER INSERT ON", "AFTER DELETE ON", "AFTER UPDATE OF project_id, region ON"] {
            let found = triggers.iter().any(|sql| sql.contains(event) && sql.contains(&format!("'{}'", counted.key)));
            assert!(found, "no trigger {event} counts {}: its migration lacks it", counted.key);
        }
    }
}

/// Random creates, deletes, hand-overs between projects and transactions that fail in the middle.
#[test]
fn random_changes_leave_the_usage_equal_to_the_count() {
    for seed in 0..4 {
        let directory = Directory::new();
        let store = directory.open();
        let mut random = StdRng::seed_from_u64(seed);
        let mut known: BTreeMap<NetworkId, &'static str> = BTreeMap::new();
        for _ in 0..100 {
            let region = REGIONS[random.random_range(0..2)];
            let project = projects()[random.random_range(0..3)].clone();
            let fails = random.random_range(0..4) == 0;
            let chosen = known.iter().nth(random.random_range(0..known.len().max(1))).map(|(id, at)| (*id, *at));
            let made = network();
            let id = made.id;
            let done = store.write_blocking(move |tx| {
                for name in ["a", "b", "c"] {
                    let mut network = network();
                    network.project_id = project.clone();
                    network.name = name.to_owned();
                    tx.insert(region, &network)?;
                    if name != "a" {
                        tx.delete::<Network>(region, network.id)?;
                    }
                }
                tx.insert(region, &Network { project_id: project.clone(), ..made })?;
                if let Some((id, at)) = chosen
                    && let Some(old) = tx.get::<Network>(at, id)?
                {
                    tx.update(at, &old, &Network { project_id: project, ..old.clone() })?;
                    if at == region {
                        tx.delete::<Network>(at, id)?;
                    }
                }
                if fails { Err(StoreError::Closed) } else { Ok(()) }
            });
            assert_eq!(done.is_err(), fails);
            if !fails {
                known.insert(id, region);
            }
            assert_no_drift(&store);
        }
        let all: u64 = REGIONS
            .iter()
            .flat_map(|region| projects().map(|project| used(&store, region, &project, "network.networks")))
            .sum();
        assert!(all > 20, "something was counted: {all}");
    }
}

#[test]
fn what_is_gone_leaves_no_row() {
    let directory = Directory::new();
    let store = directory.open();
    let (network, project) = (network(), "p".parse::<ProjectId>().unwrap());
    let subnet = subnet(&network, "10.0.0.0/24");
    let ports: Vec<Port> = (2..5).map(|host| port(&subnet, host)).collect();
    let (objects, made) = (ports.clone(), (network.clone(), subnet.clone()));
    store
        .write_blocking(move |tx| {
            tx.insert(REGIONS[0], &made.0)?;
            tx.insert(REGIONS[0], &made.1)?;
            objects.iter().try_for_each(|port| tx.insert(REGIONS[0], port))
        })
        .unwrap();
    assert_eq!(used(&store, REGIONS[0], &project, "network.ports"), 3);
    assert_eq!(used(&store, REGIONS[1], &project, "network.ports"), 0);
    store
        .write_blocking(move |tx| {
            ports.iter().try_for_each(|port| tx.delete::<Port>(REGIONS[0], port.id).map(drop))?;
            tx.delete::<model::Subnet>(REGIONS[0], subnet.id)?;
            tx.delete::<Network>(REGIONS[0], network.id).map(drop)
        })
        .unwrap();
    assert_eq!(store.read_blocking(move |read| read.quotas().usage(&project)).unwrap(), []);
    assert_no_drift(&store);
}

#[test]
fn a_drift_is_found() {
    let directory = Directory::new();
    let store = directory.open();
    store.write_blocking(|tx| tx.insert(REGIONS[0], &network())).unwrap();
    let connection = rusqlite::Connection::open(directory.file()).unwrap();
    connection.execute("UPDATE quota_usage SET used = 7", []).unwrap();
    connection.execute("INSERT INTO quota_usage VALUES ('p', 'RegionTwo', 'network.ports', 2)", []).unwrap();
    let mut drift = store.read_blocking(|read| read.quotas().drift()).unwrap();
    drift.sort_by(|a, b| a.recorded.cmp(&b.recorded));
    let found: Vec<_> =
        drift.iter().map(|drift| (drift.recorded.resource.as_str(), drift.recorded.number, drift.counted)).collect();
    assert_eq!(found, [("network.networks", 7, 1), ("network.ports", 2, 0)]);
}

#[test]
fn limits_are_kept_per_project_region_and_service() {
    let directory = Directory::new();
    let store = directory.open();
    let project: ProjectId = "p".parse().unwrap();
    let set = |region: &'static str, key: &str, limit: Option<i64>| {
        let (project, quota) = (project.clone(), quota::by_key(key).unwrap());
        store.write_blocking(move |tx| tx.quotas().set_limit(region, &project, quota, limit)).unwrap();
    };
    let limits = || {
        let project = project.clone();
        let rows = store.read_blocking(move |read| read.quotas().limits(&project)).unwrap();
        rows.into_iter().map(|row| (row.region, row.resource, row.number)).collect::<Vec<_>>()
    };
    set("RegionOne", "network.ports", Some(3));
    set("RegionOne", "network.ports", Some(4));
    set("RegionTwo", "loadbalancer.pools", Some(-1));
    set("RegionTwo", "dns.zones", Some(20));
    let row = |region: &str, key: &str, limit: i64| (region.to_owned(), key.to_owned(), limit);
    let zones = row("", "dns.zones", 20);
    let pools = row("RegionTwo", "loadbalancer.pools", -1);
    assert_eq!(limits(), [zones.clone(), row("RegionOne", "network.ports", 4), pools.clone()]);
    set("RegionOne", "network.ports", None);
    set("RegionOne", "network.ports", None);
    assert_eq!(limits(), [zones.clone(), pools]);
    set("RegionTwo", "loadbalancer.pools", None);
    assert_eq!(limits(), [zones]);
}
