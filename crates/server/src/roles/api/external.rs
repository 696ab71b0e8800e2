//! `ext-net` of each region: there from the first start on, the operator's to change afterwards.

use intent::bootstrap::{ExternalNetwork, external_network};
use model::AllocationPool;
use store::Store;
use types::ProjectId;

use crate::{error::Result, region::Region};

/// Makes the networks that were never made.
pub(super) async fn ensure(store: &Store, regions: &[Region], project: &ProjectId) -> Result<()> {
    for region in regions {
        let (start, end) = region.prefix.pool();
        let wanted = ExternalNetwork {
            region: region.name.to_string(),
            project_id: project.clone(),
            name: "ext-net".to_owned(),
            physical_network: region.public(),
            cidr: region.prefix.cidr(),
            gateway_ip: region.prefix.gateway(),
            pools: vec![AllocationPool { start, end }],
            mtu: 1500,
        };
        store.write(move |tx| external_network(tx, &wanted)).await?;
    }
    Ok(())
}
