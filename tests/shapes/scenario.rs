//! The order in which the recorded requests make sense again.

use crate::client::Who::{self, Admin, Member, Nobody, Stranger};

/// One thing to do.
pub(crate) enum Step {
    /// Makes what the recording found in place, and binds what is at a JSON pointer of the answer to a recorded text.
    Given {
        who: Who,
        method: &'static str,
        path: &'static str,
        body: &'static str,
        bind: &'static [(&'static str, &'static str)],
    },
    /// Replays cases of a file.
    Replay { who: Who, file: &'static str, cases: &'static [&'static str] },
    /// Replays a case whose request the recording does not show.
    ReplayWith { who: Who, file: &'static str, case: &'static str, body: &'static str },
    /// Replays a case whose body is no JSON.
    ReplayText { who: Who, file: &'static str, case: &'static str, text: &'static str },
    /// Compares the lists of extensions.
    Extensions,
}

use Step::{Extensions, Given, Replay, ReplayText, ReplayWith};

/// Whether a recorded case, as `file.case`, is replayed.
pub(crate) fn mentions(name: &str) -> bool {
    let (file, case) = name.split_once('.').unwrap_or((name, ""));
    SCENARIO.iter().any(|step| match step {
        Replay { file: known, cases, .. } => *known == file && cases.contains(&case),
        ReplayWith { file: known, case: one, .. } | ReplayText { file: known, case: one, .. } => {
            *known == file && *one == case
        }
        Extensions => file == "extensions",
        Given { .. } => false,
    })
}

const CRUD: &[&str] = &["create", "show", "list", "update"];

/// Identity first, then each resource after those that it refers to, the errors while everything refers to something,
/// and at last what takes things away.
pub(crate) const SCENARIO: &[Step] = &[
    Replay { who: Nobody, file: "identity", cases: &["versions", "v3", "token_create", "no_token"] },
    ReplayWith {
        who: Nobody,
        file: "identity",
        case: "bad_password",
        body: r#"{"auth": {"identity": {"methods": ["password"], "password": {"user":
            {"name": "demo", "password": "wrong", "domain": {"id": "default"}}}}}}"#,
    },
    Replay {
        who: Admin,
        file: "identity",
        cases: &[
            "regions",
            "services",
            "endpoints",
            "projects",
            "users",
            "domains",
            "roles",
            "role_assignments",
            "catalog",
            "auth_projects",
            "token_validate",
            "not_found",
        ],
    },
    ReplayWith { who: Member, file: "identity", case: "forbidden", body: r#"{"project": {"name": "x"}}"# },
    ReplayWith { who: Admin, file: "identity", case: "conflict", body: r#"{"project": {"name": "demo"}}"# },
    ReplayWith { who: Admin, file: "identity", case: "bad_schema", body: r#"{"project": {"name": 5}}"# },
    Replay { who: Nobody, file: "versions", cases: &["root", "noauth_v2.0"] },
    Replay { who: Admin, file: "versions", cases: &["v2.0"] },
    Extensions,
    Replay { who: Admin, file: "extension-show", cases: &[""] },
    Given {
        who: Admin,
        method: "POST",
        path: "/v2.0/networks",
        body: r#"{"network": {"name": "ext-net", "router:external": true}}"#,
        bind: &[("/network/id", "1908bd36-e411-4718-b07a-b56b3f58e373")],
    },
    Given {
        who: Admin,
        method: "POST",
        path: "/v2.0/subnets",
        body: r#"{"subnet": {"network_id": "1908bd36-e411-4718-b07a-b56b3f58e373", "ip_version": 4,
            "cidr": "172.24.4.0/22", "enable_dhcp": false}}"#,
        bind: &[("/subnet/id", "d3f9ba0f-9264-4f8a-ae75-13eed82725b1")],
    },
    Given {
        who: Admin,
        method: "POST",
        path: "/v2.0/subnets",
        body: r#"{"subnet": {"network_id": "1908bd36-e411-4718-b07a-b56b3f58e373", "ip_version": 6,
            "cidr": "2001:db8::/64", "enable_dhcp": false}}"#,
        bind: &[("/subnet/id", "0d7afc8a-0c6d-4182-b43f-71af7818d4bc")],
    },
    Replay { who: Admin, file: "network-external", cases: &["show"] },
    Replay { who: Admin, file: "network", cases: CRUD },
    Replay { who: Admin, file: "subnet", cases: CRUD },
    Replay { who: Admin, file: "subnet-ipv6", cases: &["create", "show", "list"] },
    Replay { who: Admin, file: "port", cases: CRUD },
    Replay { who: Admin, file: "port-bound", cases: &["create", "show", "list"] },
    Replay { who: Admin, file: "router", cases: CRUD },
    Replay {
        who: Admin,
        file: "router-actions",
        cases: &["add_router_interface", "interface_port", "add_extraroutes", "remove_extraroutes"],
    },
    Replay { who: Admin, file: "floatingip", cases: CRUD },
    Replay { who: Admin, file: "security-group", cases: CRUD },
    Replay { who: Admin, file: "security-group-rule", cases: &["create", "show", "list"] },
    // A project has its default group from its first look on.
    Given { who: Member, method: "GET", path: "/v2.0/security-groups", body: "null", bind: &[] },
    Replay { who: Admin, file: "security-group-default", cases: &["list_default_of_project"] },
    Replay {
        who: Admin,
        file: "tags",
        cases: &["put_all", "get", "add", "check", "check_missing", "delete_one", "delete_all"],
    },
    Replay { who: Admin, file: "bulk-create", cases: &[""] },
    Replay { who: Admin, file: "pagination", cases: &["page1"] },
    Replay {
        who: Admin,
        file: "quotas",
        cases: &["show_default_project", "default", "details", "update", "list", "delete"],
    },
    // Requests that are wrong in themselves.
    Replay { who: Nobody, file: "errors", cases: &["401_no_token"] },
    Replay { who: Stranger, file: "errors", cases: &["401_bad_token"] },
    ReplayText { who: Admin, file: "errors", case: "400_malformed_json", text: "{nope" },
    Replay {
        who: Admin,
        file: "errors",
        cases: &[
            "200_unknown_filter",
            "400_add_interface_both",
            "400_add_interface_no_args",
            "400_bad_boolean",
            "400_bad_filter_limit",
            "400_bad_mac",
            "400_bad_network_type",
            "400_bad_route_nexthop",
            "400_bad_sort_dir",
            "400_bad_sort_key",
            "400_bad_uuid",
            "400_cidr_version_mismatch",
            "400_fip_not_external",
            "400_gateway_invalid",
            "400_gateway_not_external",
            "400_interface_already_on_router",
            "400_invalid_cidr",
            "400_ip_not_on_given_subnet",
            "400_ip_not_on_subnet",
            "400_missing_network_id",
            "400_name_too_long",
            "400_no_body",
            "400_overlapping_cidr",
            "400_pool_out_of_cidr",
            "400_quota_bad_value",
            "400_quota_negative",
            "400_readonly_attr",
            "400_sg_rule_bad_protocol",
            "400_sg_rule_ethertype",
            "400_sg_rule_no_protocol",
            "400_sg_rule_port_range",
            "400_sg_rule_prefix_mismatch",
            "400_unknown_attribute",
            "400_unknown_physnet",
            "400_update_port_network_id",
            "400_wrong_wrapper",
        ],
    },
    // What a member may not do, and does not see.
    Replay {
        who: Member,
        file: "errors",
        cases: &[
            "400_member_other_project",
            "403_member_external_net",
            "403_member_provider_attr",
            "403_member_quota_update",
            "404_member_create_agent_delete",
            "404_member_delete_other_network",
            "404_member_other_project_network",
        ],
    },
    // What is not there, or in the way of something.
    Given {
        who: Member,
        method: "POST",
        path: "/v2.0/networks",
        body: r#"{"network": {"name": "of demo"}}"#,
        bind: &[("/network/id", "network-of-demo")],
    },
    // It makes the default group one that is in use.
    Given {
        who: Member,
        method: "POST",
        path: "/v2.0/ports",
        body: r#"{"port": {"network_id": "network-of-demo"}}"#,
        bind: &[],
    },
    Given {
        who: Admin,
        method: "POST",
        path: "/v2.0/networks",
        body: r#"{"network": {"name": "unrouted"}}"#,
        bind: &[("/network/id", "unrouted-network")],
    },
    Given {
        who: Admin,
        method: "POST",
        path: "/v2.0/subnets",
        body: r#"{"subnet": {"network_id": "unrouted-network", "ip_version": 4, "cidr": "10.77.0.0/24"}}"#,
        bind: &[("/subnet/id", "6b3a5756-0d77-4434-9e9c-17b945de66a6")],
    },
    Given {
        who: Admin,
        method: "POST",
        path: "/v2.0/ports",
        body: r#"{"port": {"network_id": "unrouted-network"}}"#,
        bind: &[("/port/id", "4155bf38-e05c-4fa3-8e05-f63e882a79b6")],
    },
    Given {
        who: Admin,
        method: "POST",
        path: "/v2.0/ports",
        body: r#"{"port": {"network_id": "f32c2fc0-c3b5-44f2-b5d0-83bf37d6c28d",
            "security_groups": ["a85a53d2-7fa2-442c-abec-f36097365928"]}}"#,
        bind: &[("/port/id", "386fcfae-9d91-4a8d-9a57-0095ac5cbcc1")],
    },
    Given {
        who: Admin,
        method: "POST",
        path: "/v2.0/floatingips",
        body: r#"{"floatingip": {"floating_network_id": "1908bd36-e411-4718-b07a-b56b3f58e373"}}"#,
        bind: &[("/floatingip/id", "b94de75e-121a-48c8-8a4f-8660483d1f68")],
    },
    Given {
        who: Admin,
        method: "POST",
        path: "/v2.0/networks",
        body: r#"{"network": {"name": "vlan", "provider:network_type": "vlan", "provider:physical_network": "physnet1",
            "provider:segmentation_id": 1806}}"#,
        bind: &[],
    },
    Replay {
        who: Admin,
        file: "errors",
        cases: &[
            "404_add_interface_missing_subnet",
            "404_bad_marker",
            "404_fip_unreachable",
            "404_floatingip",
            "404_network",
            "404_port",
            "404_port_bad_sg",
            "404_port_on_missing_network",
            "404_put_collection",
            "404_remove_interface_missing",
            "404_router",
            "404_security_group",
            "404_security_group_rule",
            "404_subnet",
            "404_unknown_extension",
            "404_unknown_resource",
            "404_unknown_root",
            "405_method",
            "409_clear_gateway_fip",
            "409_default_sg_create",
            "409_default_sg_delete",
            "409_default_sg_rename",
            "409_fip_port_already",
            "409_fip_with_pf_assoc",
            "409_gateway_in_pool",
            "409_ip_in_use",
            "409_mac_in_use",
            "409_network_in_use",
            "409_pools_overlap",
            "409_port_in_use_router_interface",
            "409_remove_interface_fip",
            "409_router_in_use",
            "409_sg_in_use",
            "409_sg_rule_exists",
            "409_subnet_in_use",
            "409_vlan_in_use",
            "412_revision_mismatch",
        ],
    },
    Given {
        who: Admin,
        method: "PUT",
        path: "/v2.0/quotas/aed8c8d9557b453c82fc94665b004511",
        body: r#"{"quota": {"network": 0, "force": true}}"#,
        bind: &[],
    },
    Replay { who: Member, file: "errors", cases: &["409_over_quota_bulk", "409_over_quota_network"] },
    // Without its floating IP the interface may go.
    Given {
        who: Admin,
        method: "PUT",
        path: "/v2.0/floatingips/84280aaf-2e2b-44d2-9304-e820c8192035",
        body: r#"{"floatingip": {"port_id": null}}"#,
        bind: &[],
    },
    Replay { who: Admin, file: "router-actions", cases: &["remove_router_interface"] },
];
