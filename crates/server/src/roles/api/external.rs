//! `ext-net` of each region: there from the first start on, the operator's to change afterwards.

use std::net::{IpAddr, Ipv4Addr};

use intent::bootstrap::{ExternalNetwork, external_network};
use model::AllocationPool;
use store::Store;
use types::{Cidr, ProjectId};

use crate::{config::PUBLIC, error::Result};

/// A prefix per region (RFC 5737: nobody's by rights), the gateway being the host.
const PREFIXES: [[u8; 3]; 3] = [[198, 51, 100], [203, 0, 113], [192, 0, 2]];

/// Makes the networks that were never made.
pub(super) async fn ensure(store: &Store, regions: &[String], project: &ProjectId) -> Result<()> {
    // A fourth region has no prefix left that could be chosen for it: its operator makes `ext-net`.
    for (index, (region, prefix)) in regions.iter().zip(PREFIXES).enumerate() {
        let at = |last: u8| -> IpAddr { Ipv4Addr::new(prefix[0], prefix[1], prefix[2], last).into() };
        let Some(cidr) = Cidr::new(at(0), 24) else { continue };
        let wanted = ExternalNetwork {
            region: region.clone(),
            project_id: project.clone(),
            name: "ext-net".to_owned(),
            physical_network: physical_network(index, region),
            cidr,
            gateway_ip: at(1),
            pools: vec![AllocationPool { start: at(10), end: at(254) }],
            mtu: 1500,
        };
        store.write(move |tx| external_network(tx, &wanted)).await?;
    }
    Ok(())
}

/// The physical network of a region's `ext-net`.
pub(super) fn physical_network(index: usize, region: &str) -> String {
    if index == 0 { PUBLIC.to_owned() } else { format!("{PUBLIC}-{region}") }
}
