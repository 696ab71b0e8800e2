//! Attachments.

use serde_json::{Value, json};

use crate::cloud::{Cloud, parts, text};

fn netns(port: &str, identity: u64) -> Value {
    json!({"port_id": port, "server_name": "my web_1", "target": {"type": "netns", "name": "web1", "identity": identity}})
}

#[test]
fn an_attachment_ties_a_port_to_a_device() {
    let cloud = Cloud::new();
    let (network, _) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let port = cloud.port(&cloud.alice, &network);
    assert_eq!(parts(cloud.create(&cloud.alice, "baryon/attachments", netns(&port, 1))).0, 403);
    let mut body = netns(&port, 1);
    body["user_data"] = json!("IyEvYmluL3No");
    let attachment = cloud.create(&cloud.admin, "baryon/attachments", body).unwrap();
    assert_eq!(attachment["target"]["ifname"], "eth0");
    assert!(!attachment.contains_key("user_data"), "a secret is not shown");
    let shown = cloud.show(&cloud.admin, "ports", &port).unwrap();
    assert_eq!(shown["device_owner"], "compute:baryon");
    assert_eq!(shown["device_id"], attachment["id"]);
    assert_eq!(shown["binding:host_id"], "localhost");
    assert_eq!(shown["dns_name"], "myweb1");

    assert_eq!(parts(cloud.create(&cloud.admin, "baryon/attachments", netns(&port, 2))).1, "PortAlreadyAttached");
    let other = cloud.port(&cloud.alice, &network);
    assert_eq!(parts(cloud.create(&cloud.admin, "baryon/attachments", netns(&other, 1))).1, "DeviceAlreadyAttached");
    // A namespace of that name that was made anew is another one.
    cloud.create(&cloud.admin, "baryon/attachments", netns(&other, 2)).unwrap();

    cloud.delete(&cloud.admin, "baryon/attachments", text(&attachment, "id")).unwrap();
    let shown = cloud.show(&cloud.admin, "ports", &port).unwrap();
    assert_eq!((&shown["device_owner"], &shown["binding:vif_type"]), (&json!(""), &json!("unbound")));
    cloud.delete(&cloud.alice, "ports", &other).unwrap();
    assert!(cloud.list(&cloud.admin, "baryon/attachments", &[]).unwrap().is_empty());
    let missing = "00000000-0000-4000-8000-000000000000";
    assert_eq!(parts(cloud.create(&cloud.admin, "baryon/attachments", netns(missing, 9))).1, "PortNotFound");
}
