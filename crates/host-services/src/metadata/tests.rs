use std::{borrow::Cow, net::Ipv4Addr, sync::Arc};

use expect_test::{Expect, expect};
use logical::{Metadata, PortId, PortServices};

use super::answer;
use crate::config::PortEntry;

fn entry() -> PortEntry {
    PortEntry {
        service_address: Ipv4Addr::new(100, 64, 0, 1),
        port: PortId("11111111-2222-4333-8444-555555555555".parse().unwrap()),
        mac: "fa:16:3e:00:00:01".parse().unwrap(),
        services: Arc::new(PortServices {
            dhcp4: Some(crate::dhcp::tests::options()),
            metadata: Some(Metadata {
                instance_id: "0a1b2c3d-2222-4333-8444-555555555555".to_owned(),
                hostname: "web1".to_owned(),
                name: "Web 1".to_owned(),
                project_id: "11112222333344445555666677778888".to_owned(),
                availability_zone: Cow::Borrowed("nova"),
                local_ipv4: Some(Ipv4Addr::new(10, 0, 0, 5)),
                public_ipv4: Some(Ipv4Addr::new(198, 51, 100, 20)),
                mac: "fa:16:3e:00:00:01".parse().unwrap(),
                public_keys: vec!["ssh-ed25519 AAAA me@home\n".to_owned(), "ssh-rsa BBBB".to_owned()],
                user_data: Some(b"#cloud-config\n\xff".to_vec()),
            }),
        }),
    }
}

/// `path -> body`, a line of a list indented below its path.
fn show(entry: &PortEntry, paths: &[&str]) -> String {
    let mut text = String::new();
    for path in paths {
        text.push_str(path);
        match answer(entry, path) {
            None => text.push_str(" -> 404\n"),
            Some(document) => {
                let body = String::from_utf8_lossy(&document.body).into_owned();
                if body.contains('\n') {
                    text.push_str(&format!(
                        " ({}):\n    {}\n",
                        document.content_type,
                        body.trim_end().replace('\n', "\n    ")
                    ));
                } else {
                    text.push_str(&format!(" -> '{body}'\n"));
                }
            }
        }
    }
    text
}

fn check(paths: &[&str], expected: &Expect) {
    expected.assert_eq(&show(&entry(), paths));
}

#[test]
fn the_ec2_tree_is_listed_and_read() {
    check(
        &[
            "/",
            "/latest",
            "/latest/meta-data/",
            "/2009-04-04/meta-data/hostname",
            "/1.0/meta-data/local-ipv4",
            "/latest/meta-data/public-ipv4",
            "//latest//meta-data//instance-id/",
            "/latest/meta-data/public-keys",
            "/latest/meta-data/public-keys/0",
            "/latest/meta-data/public-keys/0/openssh-key",
            "/latest/meta-data/public-keys/1/openssh-key",
            "/latest/meta-data/public-keys/2/openssh-key",
            "/latest/meta-data/placement/availability-zone",
            "/latest/meta-data/mac",
            "/latest/user-data",
            "/latest/meta-data/nothing",
            "/latest/meta-data/hostname/deeper",
            "/2031-01-01/meta-data/",
            "/favicon.ico",
        ],
        &expect![[r#"
            / (text/plain; charset=utf-8):
                1.0
                2007-01-19
                2007-03-01
                2007-08-29
                2007-10-10
                2007-12-15
                2008-02-01
                2008-09-01
                2009-04-04
                latest
            /latest (text/plain; charset=utf-8):
                meta-data/
                user-data
            /latest/meta-data/ (text/plain; charset=utf-8):
                ami-id
                ami-launch-index
                ami-manifest-path
                block-device-mapping/
                hostname
                instance-action
                instance-id
                instance-type
                local-hostname
                local-ipv4
                mac
                placement/
                public-hostname
                public-ipv4
                public-keys/
                reservation-id
                security-groups
            /2009-04-04/meta-data/hostname -> 'web1.example.org'
            /1.0/meta-data/local-ipv4 -> '10.0.0.5'
            /latest/meta-data/public-ipv4 -> '198.51.100.20'
            //latest//meta-data//instance-id/ -> 'i-0a1b2c3d'
            /latest/meta-data/public-keys (text/plain; charset=utf-8):
                0=me@home
                1=key-1
            /latest/meta-data/public-keys/0 -> 'openssh-key'
            /latest/meta-data/public-keys/0/openssh-key (text/plain; charset=utf-8):
                ssh-ed25519 AAAA me@home
            /latest/meta-data/public-keys/1/openssh-key (text/plain; charset=utf-8):
                ssh-rsa BBBB
            /latest/meta-data/public-keys/2/openssh-key -> 404
            /latest/meta-data/placement/availability-zone -> 'nova'
            /latest/meta-data/mac -> 'fa:16:3e:00:00:01'
            /latest/user-data (application/octet-stream):
                #cloud-config
                �
            /latest/meta-data/nothing -> 404
            /latest/meta-data/hostname/deeper -> 404
            /2031-01-01/meta-data/ -> 404
            /favicon.ico -> 404
        "#]],
    );
}

#[test]
fn every_listed_entry_can_be_read() {
    let entry = entry();
    let mut paths = vec!["/latest/".to_owned(), "/openstack/latest/".to_owned()];
    while let Some(path) = paths.pop() {
        let listing = String::from_utf8(answer(&entry, &path).unwrap().body).unwrap();
        for line in listing.lines() {
            let name = line.split('=').next().unwrap();
            let below = format!("{path}{name}");
            assert!(answer(&entry, &below).is_some(), "{below}");
            if line.ends_with('/') || line.contains('=') {
                paths.push(format!("{}/", below.trim_end_matches('/')));
            }
        }
    }
}

#[test]
fn the_openstack_tree_is_listed_and_read() {
    check(
        &[
            "/openstack",
            "/openstack/latest/",
            "/openstack/latest/meta_data.json",
            "/openstack/2018-08-27/network_data.json",
            "/openstack/latest/user_data",
            "/openstack/latest/vendor_data.json",
            "/openstack/1999-01-01/meta_data.json",
        ],
        &expect![[r#"
            /openstack (text/plain; charset=utf-8):
                2012-08-10
                2013-04-04
                2013-10-17
                2015-10-15
                2016-06-30
                2016-10-06
                2017-02-22
                2018-08-27
                2020-10-14
                latest
            /openstack/latest/ (text/plain; charset=utf-8):
                meta_data.json
                network_data.json
                user_data
                vendor_data.json
                vendor_data2.json
            /openstack/latest/meta_data.json -> '{"availability_zone":"nova","devices":[],"hostname":"web1.example.org","keys":[{"data":"ssh-ed25519 AAAA me@home","name":"me@home","type":"ssh"},{"data":"ssh-rsa BBBB","name":"key-1","type":"ssh"}],"launch_index":0,"name":"Web 1","project_id":"11112222333344445555666677778888","public_keys":{"key-1":"ssh-rsa BBBB","me@home":"ssh-ed25519 AAAA me@home"},"uuid":"0a1b2c3d-2222-4333-8444-555555555555"}'
            /openstack/2018-08-27/network_data.json -> '{"links":[{"ethernet_mac_address":"fa:16:3e:00:00:01","id":"tap11111111-22","mtu":1442,"type":"phy","vif_id":"11111111-2222-4333-8444-555555555555"}],"networks":[{"id":"network0","link":"tap11111111-22","type":"ipv4_dhcp"}],"services":[{"address":"9.9.9.9","type":"dns"},{"address":"1.1.1.1","type":"dns"}]}'
            /openstack/latest/user_data (application/octet-stream):
                #cloud-config
                �
            /openstack/latest/vendor_data.json -> '{}'
            /openstack/1999-01-01/meta_data.json -> 404
        "#]],
    );
}

#[test]
fn what_a_server_does_not_have_is_empty_or_absent() {
    let mut entry = entry();
    let services = Arc::make_mut(&mut entry.services);
    services.dhcp4 = None;
    let metadata = services.metadata.as_mut().unwrap();
    (metadata.public_ipv4, metadata.user_data) = (None, None);
    metadata.public_keys.clear();
    expect![[r#"
        /latest/ -> 'meta-data/'
        /latest/user-data -> 404
        /latest/meta-data/public-ipv4 -> ''
        /latest/meta-data/hostname -> 'web1'
        /latest/meta-data/public-keys/ -> ''
        /latest/meta-data/public-keys/0/openssh-key -> 404
        /openstack/latest/user_data -> 404
        /openstack/latest/network_data.json -> '{"links":[{"ethernet_mac_address":"fa:16:3e:00:00:01","id":"tap11111111-22","mtu":null,"type":"phy","vif_id":"11111111-2222-4333-8444-555555555555"}],"networks":[],"services":[]}'
    "#]].assert_eq(&show(
        &entry,
        &[
            "/latest/",
            "/latest/user-data",
            "/latest/meta-data/public-ipv4",
            "/latest/meta-data/hostname",
            "/latest/meta-data/public-keys/",
            "/latest/meta-data/public-keys/0/openssh-key",
            "/openstack/latest/user_data",
            "/openstack/latest/network_data.json",
        ],
    ));
    Arc::make_mut(&mut entry.services).metadata = None;
    assert_eq!(answer(&entry, "/latest/meta-data/"), None);
}
