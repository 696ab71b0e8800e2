//! What a region has before its first request.

use std::{net::IpAddr, sync::Arc};

use model::{AllocationPool, Network, NetworkPatch, Request, Subnet, SubnetPatch};
use serde_json::json;
use store::Tx;
use types::{Cidr, NetworkId, ProjectId};

use crate::{Context, Error, Settings, network::Networks, operations::Behaviour, subnet::Subnets};

/// The external network that every project may use.
#[derive(Debug, Clone)]
pub struct ExternalNetwork {
    /// The region.
    pub region: String,
    /// The project that owns it: the administrators'.
    pub project_id: ProjectId,
    /// Its name: `ext-net`.
    pub name: String,
    /// The physical network that it lies on.
    pub physical_network: String,
    /// Its range.
    pub cidr: Cidr,
    /// The router outside.
    pub gateway_ip: IpAddr,
    /// The addresses to give; empty for all but the gateway.
    pub pools: Vec<AllocationPool>,
    /// Its MTU.
    pub mtu: u32,
}

/// Makes the external network with its subnet, unless the region has an external network of that
/// name; answers its id.
pub fn external_network(tx: &mut Tx<'_>, wanted: &ExternalNetwork) -> Result<NetworkId, Error> {
    let equal = [("name", json!(wanted.name)), ("router:external", json!(true))];
    if let Some(found) = tx.find::<Network>(&wanted.region, &equal)?.first() {
        return Ok(found.id);
    }
    let settings =
        Settings { physical_networks: vec![wanted.physical_network.clone()], mtu: wanted.mtu, ..Settings::default() };
    let context = Context::internal(&wanted.region, wanted.project_id.clone(), Arc::new(settings));
    let patch = NetworkPatch {
        name: Some(wanted.name.clone()),
        external: Some(true),
        mtu: Some(wanted.mtu),
        network_type: Some(Some("flat".to_owned())),
        physical_network: Some(Some(wanted.physical_network.clone())),
        ..NetworkPatch::default()
    };
    let project = wanted.project_id.clone();
    let network = Networks::create(tx, &context, project.clone(), Request::internal(patch))?;
    let patch = SubnetPatch {
        name: Some(format!("{}-subnet", wanted.name)),
        network_id: Some(network.id),
        ip_version: Some(if wanted.cidr.is_ipv4() { 4 } else { 6 }),
        cidr: Some(Some(wanted.cidr)),
        gateway_ip: Some(Some(wanted.gateway_ip)),
        allocation_pools: (!wanted.pools.is_empty()).then(|| wanted.pools.clone()),
        enable_dhcp: Some(false),
        ..SubnetPatch::default()
    };
    let _subnet: Subnet = Subnets::create(tx, &context, project, Request::internal(patch))?;
    Ok(network.id)
}
