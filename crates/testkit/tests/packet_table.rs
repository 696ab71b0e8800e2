//! The packet table, run on the interpreter.

#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use logical::{DropReason, Verdict};
use testkit::packet_table::{Interpreter, cases};

#[test]
fn the_interpreter_does_what_every_case_says() {
    let failures: Vec<String> = cases().iter().filter_map(|case| case.run(&mut Interpreter::default()).err()).collect();
    assert!(failures.is_empty(), "{} cases failed:\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn every_reason_to_drop_a_packet_has_a_case() {
    // A full table needs a datapath with one, and an internal fault a broken datapath.
    let without_a_case = [DropReason::ConnectionTableFull, DropReason::Internal];
    let seen: BTreeSet<DropReason> = cases()
        .iter()
        .flat_map(|case| case.verdicts().collect::<Vec<_>>())
        .filter_map(|verdict| if let Verdict::Dropped(reason) = verdict { Some(reason) } else { None })
        .collect();
    let missing: Vec<&str> = DropReason::ALL
        .iter()
        .filter(|reason| !seen.contains(reason) && !without_a_case.contains(reason))
        .map(|reason| reason.name())
        .collect();
    assert!(missing.is_empty(), "no case drops a packet because of {missing:?}");
}

#[test]
fn cases_have_names_of_their_own() {
    let cases = cases();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len());
}
