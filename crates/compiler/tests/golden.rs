//! Objects in, logical network out, as text. `UPDATE_EXPECT=1` writes the expectation anew.
#![allow(missing_docs)]

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
    expect![[]].assert_eq(&short(&network.to_string()));
}

#[test]
fn services_tell_a_server_its_own_data() {
    let network = compile(&Snapshot::new(common::objects()));
    let port = network.ports.get(&logical::PortId(common::port_id(3).0)).unwrap();
    expect![[]].assert_debug_eq(&port.services);
}
