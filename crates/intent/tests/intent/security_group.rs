//! Security groups and rules.

use serde_json::{Value, json};

use crate::cloud::{Cloud, parts, text};

#[test]
fn every_project_has_its_default_group() {
    let cloud = Cloud::new();
    let operations = intent::operations("security-groups").unwrap();
    let who = cloud.alice.clone();
    assert!(cloud.store.read_blocking(move |read| operations.setup_needed(read, &who)).unwrap());
    let who = cloud.alice.clone();
    cloud.store.write_blocking(move |tx| operations.set_up(tx, &who)).unwrap();
    let groups = cloud.list(&cloud.alice, "security-groups", &[("name", "default")]).unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0]["security_group_rules"].as_array().unwrap().len(), 4);
    let id = text(&groups[0], "id");
    assert_eq!(
        parts(cloud.create(&cloud.alice, "security-groups", json!({"name": "default"}))),
        (409, "SecurityGroupDefaultAlreadyExists".into(), "Default security group already exists.".into())
    );
    assert_eq!(
        parts(cloud.update(&cloud.alice, "security-groups", id, json!({"name": "x"}))),
        (409, "SecurityGroupCannotUpdateDefault".into(), "Updating default security group not allowed.".into())
    );
    assert_eq!(parts(cloud.delete(&cloud.alice, "security-groups", id)).0, 409);
    let (network, _) = cloud.network(&cloud.alice, "10.0.0.0/24");
    cloud.port(&cloud.alice, &network);
    assert_eq!(
        parts(cloud.delete(&cloud.alice, "security-groups", id)),
        (409, "SecurityGroupInUse".into(), format!("Security Group {id} in use."))
    );
    assert_eq!(cloud.list(&cloud.alice, "security-groups", &[]).unwrap().len(), 1);
    let ports = cloud.list(&cloud.alice, "ports", &[]).unwrap();
    cloud.delete(&cloud.alice, "ports", text(&ports[0], "id")).unwrap();
    cloud.delete(&cloud.admin, "security-groups", id).unwrap();
}

#[test]
fn rules_are_checked_as_upstream_does() {
    let cloud = Cloud::new();
    let group = cloud.id(&cloud.alice, "security-groups", json!({"name": "web"}));
    let base = json!({
        "security_group_id": group, "direction": "ingress", "protocol": "tcp", "port_range_min": 80,
        "port_range_max": 80, "remote_ip_prefix": "0.0.0.0/0",
    });
    let create = |changes: Value| {
        let mut body = base.clone();
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        cloud.create(&cloud.alice, "security-group-rules", body)
    };
    let rule = create(json!({})).unwrap();
    assert_eq!(
        parts(create(json!({}))).2,
        format!("Security group rule already exists. Rule id is {}.", text(&rule, "id"))
    );
    let message = |changes: Value| {
        let (status, kind, message) = parts(create(changes));
        format!("{status} {kind} {message}")
    };
    assert!(message(json!({"protocol": "bogus"})).starts_with(
        "400 SecurityGroupRuleInvalidProtocol Security group rule protocol bogus not supported. Only protocol values \
         (None, 'any', 'ah',"
    ));
    assert_eq!(
        message(json!({"ethertype": "IPv5"})),
        "400 SecurityGroupRuleInvalidEtherType Security group rule for ethertype 'IPv5' not supported. Allowed values \
         are ['IPv4', 'IPv6']."
    );
    assert_eq!(
        message(json!({"protocol": null})),
        "400 SecurityGroupProtocolRequiredWithPorts Must also specify protocol if port range is given."
    );
    assert_eq!(
        message(json!({"port_range_min": 90})),
        "400 SecurityGroupInvalidPortRange For TCP/UDP protocols, port_range_min must be <= port_range_max"
    );
    assert_eq!(
        message(json!({"ethertype": "IPv6"})),
        "400 SecurityGroupRuleParameterConflict Conflicting value ethertype IPv6 for CIDR 0.0.0.0/0"
    );
    assert!(message(json!({"protocol": "icmp", "port_range_min": 300})).contains("It must be 0 to 255."));
    assert!(
        message(json!({"protocol": 58, "remote_ip_prefix": null})).contains("Invalid ethertype IPv4 for protocol 58")
    );
    assert!(message(json!({"remote_group_id": group})).contains("Only remote_ip_prefix or remote_group_id"));
}

#[test]
fn protocols_are_shown_as_written_and_icmp_for_ipv6_is_icmpv6() {
    let cloud = Cloud::new();
    let group = cloud.id(&cloud.alice, "security-groups", json!({"name": "web"}));
    let create = |changes: Value| {
        let mut body = json!({"security_group_id": group, "direction": "ingress"});
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        cloud.create(&cloud.alice, "security-group-rules", body).unwrap()
    };
    assert_eq!(create(json!({"protocol": 6}))["protocol"], "6");
    assert_eq!(create(json!({"protocol": "any"}))["protocol"], Value::Null);
    assert_eq!(create(json!({"protocol": "icmp", "ethertype": "IPv6"}))["protocol"], "ipv6-icmp");
    let prefix = create(json!({"protocol": "udp", "remote_ip_prefix": "10.0.0.9"}));
    assert_eq!(
        (&prefix["remote_ip_prefix"], &prefix["normalized_cidr"]),
        (&json!("10.0.0.9/32"), &json!("10.0.0.9/32"))
    );
    let shown = cloud.show(&cloud.alice, "security-groups", &group).unwrap();
    assert_eq!(shown["security_group_rules"].as_array().unwrap().len(), 6);
}

#[test]
fn a_group_goes_with_the_rules_that_name_it() {
    let cloud = Cloud::new();
    let web = cloud.id(&cloud.alice, "security-groups", json!({"name": "web"}));
    let db = cloud.id(&cloud.alice, "security-groups", json!({"name": "db"}));
    let body = json!({"security_group_id": db, "direction": "ingress", "remote_group_id": web});
    let rule = cloud.id(&cloud.alice, "security-group-rules", body);
    assert_eq!(parts(cloud.delete(&cloud.bob, "security-group-rules", &rule)).0, 404);
    cloud.delete(&cloud.alice, "security-groups", &web).unwrap();
    assert_eq!(parts(cloud.show(&cloud.alice, "security-group-rules", &rule)).0, 404);
}

#[test]
fn the_groups_of_a_port_agree_on_being_stateful() {
    let cloud = Cloud::new();
    let (network, _) = cloud.network(&cloud.alice, "10.0.0.0/24");
    let stateless = cloud.id(&cloud.alice, "security-groups", json!({"name": "a", "stateful": false}));
    let stateful = cloud.id(&cloud.alice, "security-groups", json!({"name": "b"}));
    let port =
        |groups: Value| cloud.create(&cloud.alice, "ports", json!({"network_id": network, "security_groups": groups}));
    assert_eq!(parts(port(json!([stateless, stateful]))).1, "SecurityGroupConflict");
    port(json!([stateless])).unwrap();
    let change = json!({"stateful": true});
    assert_eq!(parts(cloud.update(&cloud.alice, "security-groups", &stateless, change)).1, "SecurityGroupInUse");
}
