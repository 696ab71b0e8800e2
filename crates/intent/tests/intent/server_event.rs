//! What a compute service is told, and what it is answered when it binds a port.

use std::sync::Arc;

use intent::Settings;
use serde_json::{Value, json};

use crate::cloud::{Cloud, REGION, parts};

const SERVER: &str = "0f3d2b1a-5c6d-4e7f-8a9b-0c1d2e3f4a5b";

/// A region whose events are read.
fn cloud() -> Cloud {
    let cloud = Cloud::new();
    cloud.store.write_blocking(|tx| tx.set_event_readers(&[REGION.to_owned()])).unwrap();
    cloud
}

/// The events since the last call: what happened, and to which port.
fn told(cloud: &Cloud) -> Vec<(&'static str, String)> {
    let pending = cloud.store.read_blocking(|read| read.pending_events(REGION, 100)).unwrap();
    let seqs: Vec<i64> = pending.iter().map(|pending| pending.seq).collect();
    cloud.store.write_blocking(move |tx| tx.forget_events(&seqs)).unwrap();
    assert!(pending.iter().all(|pending| pending.event.server.to_string() == SERVER));
    pending.iter().map(|pending| (pending.event.kind.name(), pending.event.port.to_string())).collect()
}

fn changed(port: &str) -> (&'static str, String) {
    ("network-changed", port.to_owned())
}

#[test]
fn addresses_that_come_and_go_are_told() {
    let cloud = cloud();
    let (external, _) = cloud.external("198.51.100.0/24");
    let (network, subnet) = cloud.network(&cloud.alice, "10.20.0.0/24");
    let router = cloud.id(&cloud.alice, "routers", json!({"external_gateway_info": {"network_id": external}}));
    cloud.act(&cloud.alice, &router, "add_router_interface", json!({"subnet_id": subnet})).unwrap();
    let of_server = json!({"network_id": network, "device_id": SERVER, "device_owner": "compute:nova"});
    let port = cloud.id(&cloud.alice, "ports", of_server.clone());
    let other = cloud.id(&cloud.alice, "ports", of_server);
    let nobodys = cloud.port(&cloud.alice, &network);
    assert_eq!(told(&cloud), []);

    let body = json!({"floating_network_id": external, "port_id": port});
    let floating = cloud.id(&cloud.alice, "floatingips", body);
    assert_eq!(told(&cloud), [changed(&port)]);
    cloud.update(&cloud.alice, "floatingips", &floating, json!({"description": "x"})).unwrap();
    assert_eq!(told(&cloud), []);
    cloud.update(&cloud.alice, "floatingips", &floating, json!({"port_id": other})).unwrap();
    assert_eq!(told(&cloud), [changed(&port), changed(&other)], "both servers have other addresses now");
    cloud.update(&cloud.alice, "floatingips", &floating, json!({"port_id": nobodys})).unwrap();
    assert_eq!(told(&cloud), [changed(&other)]);
    cloud.delete(&cloud.alice, "floatingips", &floating).unwrap();
    assert_eq!(told(&cloud), []);

    cloud.update(&cloud.alice, "ports", &port, json!({"name": "x"})).unwrap();
    assert_eq!(told(&cloud), []);
    let two = json!({"fixed_ips": [{"subnet_id": subnet}, {"subnet_id": subnet}]});
    cloud.update(&cloud.alice, "ports", &port, two).unwrap();
    assert_eq!(told(&cloud), [changed(&port)]);
    cloud.delete(&cloud.alice, "ports", &port).unwrap();
    assert_eq!(told(&cloud), [("network-vif-deleted", port)]);
}

#[test]
fn a_port_is_bound_to_hosts_of_ours_only() {
    let mut cloud = cloud();
    cloud.admin.settings = Arc::new(Settings {
        host: "here".to_owned(),
        other_hosts: vec!["compute-1".to_owned()],
        ..Settings::default()
    });
    let (network, _) = cloud.network(&cloud.alice, "10.20.0.0/24");
    let port = cloud.id(&cloud.alice, "ports", json!({"network_id": network, "device_id": SERVER}));
    let bound = |host: Value| {
        let body = json!({"binding:host_id": host, "device_owner": "compute:nova"});
        let shown = cloud.update(&cloud.admin, "ports", &port, body).unwrap();
        (shown["binding:host_id"].clone(), shown["binding:vif_type"].clone(), shown["binding:vif_details"].clone())
    };
    let details = json!({"port_filter": true, "connectivity": "l2", "bound_drivers": {"0": "baryon"}});
    for host in ["here", "compute-1"] {
        assert_eq!(bound(json!(host)), (json!(host), json!("tap"), details.clone()));
    }
    let mac = json!({"mac_address": "fa:16:3e:00:00:01"});
    assert_eq!(parts(cloud.update(&cloud.admin, "ports", &port, mac.clone())).1, "PortBound");
    assert_eq!(bound(json!("elsewhere")), (json!("elsewhere"), json!("binding_failed"), json!({})));
    cloud.update(&cloud.admin, "ports", &port, mac).unwrap();
    for nowhere in [json!(""), Value::Null] {
        assert_eq!(bound(nowhere), (json!(""), json!("unbound"), json!({})));
    }
}
