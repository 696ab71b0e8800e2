//! The OpenStack tree: documents in JSON, under the dates of their versions.

use logical::Metadata;
use serde_json::{Map, Value, json};

use super::{Document, full_name, key_name};
use crate::config::PortEntry;

const VERSIONS: [&str; 10] = [
    "2012-08-10",
    "2013-04-04",
    "2013-10-17",
    "2015-10-15",
    "2016-06-30",
    "2016-10-06",
    "2017-02-22",
    "2018-08-27",
    "2020-10-14",
    "latest",
];

pub(super) fn answer(entry: &PortEntry, facts: &Metadata, path: &[&str]) -> Option<Document> {
    let (version, path) = match path {
        [] => return Some(Document::list(&VERSIONS)),
        [version, path @ ..] => (version, path),
    };
    if !VERSIONS.contains(version) {
        return None;
    }
    match path {
        [] => {
            let mut names = vec!["meta_data.json", "network_data.json"];
            names.extend(facts.user_data.is_some().then_some("user_data"));
            names.extend(["vendor_data.json", "vendor_data2.json"]);
            Some(Document::list(&names))
        }
        ["meta_data.json"] => Some(Document::json(&meta_data(entry, facts))),
        ["network_data.json"] => Some(Document::json(&network_data(entry, facts))),
        ["user_data"] => facts.user_data.as_deref().map(Document::bytes),
        ["vendor_data.json" | "vendor_data2.json"] => Some(Document::json(&json!({}))),
        _ => None,
    }
}

fn meta_data(entry: &PortEntry, facts: &Metadata) -> Value {
    let keys = || facts.public_keys.iter().enumerate();
    let public_keys: Map<String, Value> =
        keys().map(|(index, key)| (key_name(index, key), json!(key.trim_end()))).collect();
    let keys: Vec<Value> = keys()
        .map(|(index, key)| json!({"name": key_name(index, key), "type": "ssh", "data": key.trim_end()}))
        .collect();
    json!({
        "uuid": facts.instance_id,
        "name": facts.name,
        "hostname": full_name(entry, facts),
        "availability_zone": facts.availability_zone,
        "project_id": facts.project_id,
        "launch_index": 0,
        "public_keys": public_keys,
        "keys": keys,
        "devices": [],
    })
}

/// The server's interface. Its address comes by DHCP, so the document says just that.
fn network_data(entry: &PortEntry, facts: &Metadata) -> Value {
    let port = entry.port.to_string();
    // The name that Nova would give to the port's device.
    let link: String = format!("tap{port}").chars().take(14).collect();
    let dhcp = entry.services.dhcp4.as_ref();
    let networks = dhcp.map(|_| json!({"id": "network0", "type": "ipv4_dhcp", "link": link}));
    let services = dhcp.into_iter().flat_map(|dhcp| &dhcp.dns_servers);
    json!({
        "links": [{
            "id": link,
            "vif_id": port,
            "type": "phy",
            "mtu": dhcp.map(|dhcp| dhcp.mtu),
            "ethernet_mac_address": facts.mac,
        }],
        "networks": networks.into_iter().collect::<Vec<_>>(),
        "services": services.map(|address| json!({"type": "dns", "address": address})).collect::<Vec<_>>(),
    })
}
