//! Objects in, logical network out, as text. `UPDATE_EXPECT=1` writes the expectation anew.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use compiler::{Snapshot, compile};
use expect_test::expect;

/// Ids are long; what tells them apart is their first and last digits.
fn short(text: &str) -> String {
    text.replace("-0000-0000-0000-0000000000", "-").replace("0000000000", "").replace("000", "")
}

#[test]
fn a_region_with_a_router_a_floating_ip_and_a_default_group() {
    let network = compile(&Snapshot::new(common::objects()));
    expect![[r#"
        switch a0-01 mtu=1500 external=public
        switch a0-02 mtu=1500
        router d0-01
        set f0-01 member 10.0.0.3/32
        set f0-01 member 10.0.0.4/32
        acl group=f0-01 egress allow V4
        acl group=f0-01 ingress allow V4 remote-set=f0-01
        acl group=f0-01 ingress allow V4 tcp ports=80-81
        port c0-01 switch=a0-01 fa:16:3e:00:00:01 198.51.100.5/24 mtu=1500 router=d0-01 unsecured
        port c0-02 switch=a0-02 fa:16:3e:00:00:02 10.0.0.1/24 mtu=1500 router=d0-01 unsecured
        port c0-03 switch=a0-02 fa:16:3e:00:00:03 10.0.0.3/24 mtu=1500 guest=netns:web 1/eth0 pairs=[10.0.0.3/32@fa:16:3e:00:00:03] groups=[f0-01] dhcp=10.0.0.3/24 metadata=web1
        port c0-04 switch=a0-02 fa:16:3e:00:00:04 10.0.0.4/24 mtu=1500 guest pairs=[10.0.0.4/32@fa:16:3e:00:00:04] groups=[f0-01] dhcp=10.0.0.4/24
        route router=d0-01 0.0.0.0/0 port=c0-01 via 198.51.100.1
        route router=d0-01 10.0.0.0/24 port=c0-02 connected
        route router=d0-01 10.9.0.0/16 port=c0-02 via 10.0.0.9
        route router=d0-01 198.51.100.0/24 port=c0-01 connected
        snat router=d0-01 port=c0-01 to 198.51.100.5
        floating-ip 198.51.100.9 switch=a0-01 router=d0-01 to 10.0.0.3
    "#]].assert_eq(&short(&network.to_string()));
}

#[test]
fn services_tell_a_server_its_own_data() {
    let network = compile(&Snapshot::new(common::objects()));
    let port = network.ports.get(&logical::PortId(common::port_id(3).0)).unwrap();
    expect![[r#"
        Some(
            PortServices {
                dhcp4: Some(
                    Dhcp4Options {
                        address: 10.0.0.3,
                        prefix_len: 24,
                        router: Some(
                            10.0.0.1,
                        ),
                        dns_servers: [],
                        routes: [],
                        mtu: 1500,
                        lease_seconds: 86400,
                        hostname: "web1",
                        domain: None,
                        extra: [],
                    },
                ),
                metadata: Some(
                    Metadata {
                        instance_id: "00080000-0000-0000-0000-000000000001",
                        hostname: "web1",
                        name: "web 1",
                        project_id: "p",
                        availability_zone: "nova",
                        local_ipv4: Some(
                            10.0.0.3,
                        ),
                        public_ipv4: Some(
                            198.51.100.9,
                        ),
                        mac: fa:16:3e:00:00:03,
                        public_keys: [],
                        user_data: None,
                    },
                ),
            },
        )
    "#]]
    .assert_debug_eq(&port.services);
}
