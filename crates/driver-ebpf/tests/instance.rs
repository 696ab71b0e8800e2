//! An instance from its start to its end.

#![allow(clippy::unwrap_used, reason = "a test fails where a step does")]

mod support;

use driver_ebpf::{EbpfDriver, Error, LAYOUT, Pins};
use logical::{Change, Driver, RowState};
use support::{Host, group, guest, put, switch};

#[test]
fn pins_of_another_layout_are_refused_with_both_names() {
    let host = Host::new();
    Pins::below(&host.config.run_dir).mount().unwrap();
    std::fs::create_dir(host.config.run_dir.join("bpf/v0123456789abcdef")).unwrap();
    let error = EbpfDriver::open(host.config.clone()).unwrap_err();
    let Error::OtherLayout { found, ours, .. } = &error else { panic!("{error}") };
    assert_eq!((found.as_str(), ours.as_str()), ("v0123456789abcdef", format!("v{LAYOUT}").as_str()));
    assert!(error.to_string().contains("baryon down"), "{error}");
}

#[test]
fn a_namespace_that_is_missing_or_made_anew_is_waited_for_with_the_reason() {
    let mut host = Host::new();
    let server = host.server("a");
    let attachment = server.attachment();
    let mut driver = host.open();
    let network = switch(1);
    put(&mut driver, [network.clone().into()]);
    let port = guest(1, &network, "10.0.0.11/24", &[group(1)], attachment);
    put(&mut driver, [port.clone().into()]);

    hostnet::Netns::delete(&server.name).unwrap();
    let state = |driver: &mut EbpfDriver| driver.apply(&[Change::Put(port.clone().into())]).unwrap().remove(0).state;
    let RowState::Waiting { reason } = state(&mut driver) else { panic!("a deleted namespace") };
    assert!(reason.contains(&server.name) && reason.contains("does not exist"), "{reason}");

    let again = hostnet::Netns::create(&server.name).unwrap();
    let RowState::Waiting { reason } = state(&mut driver) else { panic!("a namespace made anew") };
    assert!(reason.contains(&again.identity().to_string()), "{reason}");
    drop(driver);
}
