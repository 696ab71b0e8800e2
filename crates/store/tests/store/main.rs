//! The store at its boundaries: durability, isolation, the change log, leases, data directories.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails its test by a panic")]

mod commit;
mod directory;
mod lease;
mod outbox;
mod quota;
mod role;
mod statements;

use std::path::PathBuf;

use model::{Network, Port, Resource, Subnet, Timestamp};
use store::{Store, StoreError};
use types::{NetworkId, PortId, ProjectId, SubnetId};

/// The region of the tests.
const REGION: &str = "RegionOne";

/// A directory that goes with its value.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("baryon-store-{}", ProjectId::random()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("baryon.db")
    }

    fn open(&self) -> Store {
        Store::open(&self.file()).unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn network() -> Network {
    let mut network = Network::start(NetworkId::random(), "p".parse().unwrap(), Timestamp::now());
    network.name = "n".to_owned();
    network
}

fn subnet(network: &Network, cidr: &str) -> Subnet {
    let mut subnet = Subnet::start(SubnetId::random(), "p".parse().unwrap(), Timestamp::now());
    subnet.network_id = network.id;
    subnet.cidr = cidr.parse().unwrap();
    subnet
}

fn port(subnet: &Subnet, host: u32) -> Port {
    let mut port = Port::start(PortId::random(), "p".parse().unwrap(), Timestamp::now());
    port.network_id = subnet.network_id;
    let [_, a, b, c] = host.to_be_bytes();
    port.mac_address = types::MacAddr([0xfa, 0x16, 0x3e, a, b, c]);
    let ip_address = std::net::Ipv4Addr::from(u32::from_be_bytes([10, a, b, c])).into();
    port.fixed_ips = vec![model::FixedIp { subnet_id: subnet.id, ip_address }];
    port
}

/// Writes objects in one transaction.
fn insert<R: Resource>(store: &Store, objects: Vec<R>) -> Result<(), StoreError> {
    store.write_blocking(move |tx| objects.iter().try_for_each(|object| tx.insert(REGION, object)))
}
