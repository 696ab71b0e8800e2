//! The keys of answers are the real service's: `../shared/conformance/shapes` records them.

use std::collections::BTreeSet;

use model::Body;
use serde_json::json;

use crate::cloud::Cloud;

/// `network.json`.
const NETWORK_ADMIN: &str = "admin_state_up availability_zone_hints availability_zones created_at description dns_domain id ipv4_address_scope ipv6_address_scope l2_adjacency mtu name port_security_enabled project_id provider:network_type provider:physical_network provider:segmentation_id qos_policy_id revision_number router:external shared status subnets tags tenant_id updated_at";
/// `network-as-member.json`.
const NETWORK_MEMBER: &str = "admin_state_up availability_zone_hints availability_zones created_at description dns_domain id ipv4_address_scope ipv6_address_scope l2_adjacency mtu name port_security_enabled project_id qos_policy_id revision_number router:external shared status subnets tags tenant_id updated_at";
/// `subnet.json`.
const SUBNET_ADMIN: &str = "allocation_pools cidr created_at description dns_nameservers dns_publish_fixed_ip enable_dhcp gateway_ip host_routes id ip_version ipv6_address_mode ipv6_ra_mode name network_id project_id revision_number router:external segment_id service_types subnetpool_id tags tenant_id updated_at";
/// `subnet-as-member.json`.
const SUBNET_MEMBER: &str = "allocation_pools cidr created_at description dns_nameservers dns_publish_fixed_ip enable_dhcp gateway_ip host_routes id ip_version ipv6_address_mode ipv6_ra_mode name network_id project_id revision_number router:external service_types subnetpool_id tags tenant_id updated_at";
/// `port.json`.
const PORT_ADMIN: &str = "admin_state_up allowed_address_pairs binding:host_id binding:profile binding:vif_details binding:vif_type binding:vnic_type created_at data_plane_status description device_id device_owner device_profile dns_assignment dns_domain dns_name extra_dhcp_opts fixed_ips hardware_offload_type hints id ip_allocation mac_address name network_id numa_affinity_policy port_security_enabled project_id propagate_uplink_status qos_network_policy_id qos_policy_id resource_request revision_number security_groups status tags tenant_id trusted updated_at";
/// `port-as-member.json`.
const PORT_MEMBER: &str = "admin_state_up allowed_address_pairs binding:vnic_type created_at data_plane_status description device_id device_owner device_profile dns_assignment dns_domain dns_name extra_dhcp_opts fixed_ips hardware_offload_type id ip_allocation mac_address name network_id numa_affinity_policy port_security_enabled project_id propagate_uplink_status qos_network_policy_id qos_policy_id revision_number security_groups status tags tenant_id updated_at";
/// `router.json`.
const ROUTER_ADMIN: &str = "admin_state_up availability_zone_hints availability_zones conntrack_helpers created_at description distributed enable_ndp_proxy external_gateway_info flavor_id ha id name project_id revision_number routes status tags tenant_id updated_at";
/// `router-as-member.json`.
const ROUTER_MEMBER: &str = "admin_state_up availability_zone_hints availability_zones conntrack_helpers created_at description enable_ndp_proxy external_gateway_info flavor_id id name project_id revision_number routes status tags tenant_id updated_at";
/// `floatingip.json`.
const FLOATING_IP: &str = "created_at description dns_domain dns_name fixed_ip_address floating_ip_address floating_network_id id port_details port_forwardings port_id project_id qos_policy_id revision_number router_id status tags tenant_id updated_at";
/// `security-group.json`.
const SECURITY_GROUP: &str = "created_at description id name project_id revision_number security_group_rules shared stateful tags tenant_id updated_at";
/// `security-group-rule.json`.
const SECURITY_GROUP_RULE: &str = "belongs_to_default_sg created_at description direction ethertype id normalized_cidr port_range_max port_range_min project_id protocol remote_address_group_id remote_group_id remote_ip_prefix revision_number security_group_id tenant_id updated_at";

fn assert_keys(body: &Body, expected: &str) {
    let found: BTreeSet<&str> = body.keys().map(String::as_str).collect();
    let expected: BTreeSet<&str> = expected.split(' ').collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let extra: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:?}, extra {extra:?}");
}

#[test]
fn answers_have_the_keys_of_the_real_service() {
    let cloud = Cloud::new();
    let (external, _) = cloud.external("198.51.100.0/24");
    for (who, network_keys, subnet_keys, port_keys, router_keys) in [
        (&cloud.admin, NETWORK_ADMIN, SUBNET_ADMIN, PORT_ADMIN, ROUTER_ADMIN),
        (&cloud.alice, NETWORK_MEMBER, SUBNET_MEMBER, PORT_MEMBER, ROUTER_MEMBER),
    ] {
        let (network, subnet) = cloud.network(who, "10.20.0.0/24");
        let port = cloud.port(who, &network);
        let router = cloud.id(who, "routers", json!({"external_gateway_info": {"network_id": external}}));
        cloud.act(who, &router, "add_router_interface", json!({"subnet_id": subnet})).unwrap();
        let body = json!({"floating_network_id": external, "port_id": port});
        let floating = cloud.id(who, "floatingips", body);
        assert_keys(&cloud.show(who, "networks", &network).unwrap(), network_keys);
        assert_keys(&cloud.show(who, "subnets", &subnet).unwrap(), subnet_keys);
        assert_keys(&cloud.show(who, "ports", &port).unwrap(), port_keys);
        assert_keys(&cloud.show(who, "routers", &router).unwrap(), router_keys);
        assert_keys(&cloud.show(who, "floatingips", &floating).unwrap(), FLOATING_IP);
        let group = cloud.create(who, "security-groups", json!({"name": "web"})).unwrap();
        assert_keys(&group, SECURITY_GROUP);
        let rule = json!({"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"});
        assert_keys(&cloud.create(who, "security-group-rules", rule).unwrap(), SECURITY_GROUP_RULE);
        let found = cloud.list(who, "ports", &[("fields", "id"), ("fields", "name")]).unwrap();
        assert_keys(found.first().unwrap(), "id name");
    }
}

#[test]
fn values_start_as_those_of_the_real_service() {
    let cloud = Cloud::new();
    let (network, subnet) = cloud.network(&cloud.admin, "10.20.0.0/24");
    let subnet = cloud.show(&cloud.admin, "subnets", &subnet).unwrap();
    assert_eq!(subnet["gateway_ip"], "10.20.0.1");
    assert_eq!(subnet["allocation_pools"], json!([{"start": "10.20.0.2", "end": "10.20.0.254"}]));
    let body = json!({
        "network_id": network,
        "allowed_address_pairs": [{"ip_address": "10.20.0.200"}],
        "extra_dhcp_opts": [{"opt_name": "bootfile-name", "opt_value": "x", "ip_version": 4}],
        "dns_name": "host1",
        "fixed_ips": [{"ip_address": "10.20.0.85"}],
        "mac_address": "fa:16:3e:78:9b:46",
    });
    let port = cloud.create(&cloud.admin, "ports", body).unwrap();
    assert_eq!(port["status"], "DOWN");
    let pair = json!([{"mac_address": "fa:16:3e:78:9b:46", "ip_address": "10.20.0.200"}]);
    assert_eq!(port["allowed_address_pairs"], pair);
    let names = json!([{"ip_address": "10.20.0.85", "hostname": "host1", "fqdn": "host1.openstacklocal."}]);
    assert_eq!(port["dns_assignment"], names);
    assert_eq!(port["binding:vif_type"], "unbound");
    assert_eq!(port["tenant_id"], port["project_id"]);
}
