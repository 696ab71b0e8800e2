//! Lists that are rows of their own, because a constraint or a query needs them.

use std::net::IpAddr;

use model::FixedIp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use types::{Cidr, SecurityGroupId};

use crate::StoreError;

/// Beyond this distance from the subnet's first address nobody looks for free addresses by number.
const MAX_HOST: u128 = 1 << 62;

/// The distance of an address from its range's first address, as far as it is stored.
pub(crate) fn host_number(cidr: Cidr, address: IpAddr) -> Option<i64> {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    let distance = number(address).checked_sub(number(cidr.network()))?;
    if distance < MAX_HOST { i64::try_from(distance).ok() } else { None }
}

fn typed<T: serde::de::DeserializeOwned>(table: &'static str, value: &Value) -> Result<T, StoreError> {
    serde::Deserialize::deserialize(value).map_err(|source| StoreError::Corrupt { table, source })
}

pub(crate) fn replace_fixed_ips(
    connection: &Connection,
    region: &str,
    port: &str,
    value: &Value,
) -> Result<(), StoreError> {
    let ips: Vec<FixedIp> = typed("fixed_ips", value)?;
    connection
        .prepare_cached("DELETE FROM fixed_ips WHERE region = ? AND port_id = ?")?
        .execute(params![region, port])?;
    for (position, ip) in ips.iter().enumerate() {
        let subnet = ip.subnet_id.to_string();
        let cidr: Option<String> = connection
            .prepare_cached("SELECT cidr FROM subnets WHERE region = ? AND id = ?")?
            .query_row(params![region, subnet], |row| row.get(0))
            .optional()?;
        let host = cidr.and_then(|cidr| cidr.parse().ok()).and_then(|cidr| host_number(cidr, ip.ip_address));
        connection
            .prepare_cached(
                "INSERT INTO fixed_ips (region, port_id, position, subnet_id, ip_address, host) VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![region, port, position, subnet, ip.ip_address.to_string(), host])?;
    }
    Ok(())
}

pub(crate) fn replace_security_groups(
    connection: &Connection,
    region: &str,
    port: &str,
    value: &Value,
) -> Result<(), StoreError> {
    let groups: Vec<SecurityGroupId> = typed("port_security_groups", value)?;
    connection
        .prepare_cached("DELETE FROM port_security_groups WHERE region = ? AND port_id = ?")?
        .execute(params![region, port])?;
    for (position, group) in groups.iter().enumerate() {
        connection
            .prepare_cached(
                "INSERT INTO port_security_groups (region, port_id, position, security_group_id) VALUES (?, ?, ?, ?)",
            )?
            .execute(params![region, port, position, group.to_string()])?;
    }
    Ok(())
}
