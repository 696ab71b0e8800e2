//! The pure core with a record in the place of the kernel: what is written when.

#![allow(clippy::unwrap_used, reason = "a test fails where a step does")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};

use driver_ebpf::{
    encode::DeviceFacts,
    entries::Sink,
    rows::Rows,
    table::{Entry, EntryKey, Table},
};
use logical::{AddressSetEntry, AddressSetId, Port, Remote, Row, RowKey};
use support::{address, group, guest, port_id, rule, switch};
use types::Direction;
use uuid::Uuid;

/// Maps in memory, and every change of them.
#[derive(Default)]
struct Record {
    maps: BTreeMap<EntryKey, Vec<u8>>,
    changes: Vec<(EntryKey, Option<Vec<u8>>)>,
}

impl Sink for Record {
    type Error = Infallible;

    fn write(&mut self, at: &EntryKey, value: &[u8]) -> Result<(), Infallible> {
        self.maps.insert(at.clone(), value.to_vec());
        self.changes.push((at.clone(), Some(value.to_vec())));
        Ok(())
    }

    fn delete(&mut self, at: &EntryKey) -> Result<(), Infallible> {
        self.maps.remove(at);
        self.changes.push((at.clone(), None));
        Ok(())
    }
}

struct Core {
    rows: Rows,
    record: Record,
}

impl Core {
    fn new() -> Self {
        Self { rows: Rows::new(100), record: Record::default() }
    }

    /// Another driver over the same maps.
    fn restarted(self) -> Self {
        let mut rows = Rows::new(100);
        for (at, value) in &self.record.maps {
            rows.restore(Entry { at: at.clone(), value: value.clone() });
        }
        Self { rows, record: Record { changes: Vec::new(), ..self.record } }
    }

    fn put(&mut self, row: impl Into<Row>) {
        let row = row.into();
        let device = match &row {
            Row::Port(port) => DeviceFacts { ifindex: 100 + u32::from(port.mac.0[5]), peer: true },
            _ => DeviceFacts::default(),
        };
        self.rows.put(&row, device, &mut self.record).unwrap();
    }

    /// Ends the batch: whether forwarding is decided anew, and at which ports policy is.
    fn finish(&mut self) -> (bool, BTreeSet<u32>) {
        let (effects, failures) = self.rows.finish(&mut self.record);
        assert!(failures.is_empty());
        (effects.forwarding, effects.policies)
    }

    /// Changes since the last call, of the tables that packets are decided by.
    fn changes(&mut self) -> Vec<(Table, bool)> {
        std::mem::take(&mut self.record.changes).into_iter().map(|(at, value)| (at.table, value.is_some())).collect()
    }
}

#[test]
fn a_row_that_is_there_is_not_written_again_and_what_nobody_asks_for_is_swept() {
    let network = switch(1);
    let rows: [Row; 4] = [
        network.clone().into(),
        rule(1, group(1), Direction::Ingress, Remote::Any).into(),
        guest(1, &network, "10.0.0.11/24", &[group(1)], None).into(),
        guest(2, &network, "10.0.0.12/24", &[group(1)], None).into(),
    ];
    let mut core = Core::new();
    rows.iter().for_each(|row| core.put(row.clone()));
    core.finish();
    let maps = core.record.maps.clone();

    let mut core = core.restarted();
    rows.iter().for_each(|row| core.put(row.clone()));
    assert_eq!(core.finish(), (false, BTreeSet::new()));
    assert!(core.rows.sweep(&mut core.record).is_empty());
    core.finish();
    assert_eq!(core.changes(), []);
    assert_eq!(core.record.maps, maps);

    let mut core = core.restarted();
    rows[..3].iter().for_each(|row| core.put(row.clone()));
    core.finish();
    let swept = core.rows.sweep(&mut core.record);
    assert_eq!(swept.get(&Table::Ports), Some(&1));
    let (forwarding, _) = core.finish();
    assert!(forwarding, "connections of the port that is gone are judged anew");
}

#[test]
fn an_address_that_moves_to_another_port_is_never_absent() {
    let network = switch(1);
    let mut core = Core::new();
    core.put(network.clone());
    let moving = |n, with: bool| -> Port {
        let mut port = guest(n, &network, &format!("10.0.0.{n}/24"), &[], None);
        port.addresses.extend(with.then(|| address("10.0.0.99/24")));
        port
    };
    core.put(moving(1, true));
    core.put(moving(2, false));
    core.finish();
    core.changes();

    core.put(moving(1, false));
    core.put(moving(2, true));
    assert!(core.finish().0, "packets to the address go elsewhere from now on");
    assert_eq!(core.changes(), [(Table::Neighbours, true)], "replaced, not deleted and made again");
}

#[test]
fn a_new_member_or_rule_is_one_or_two_entries_and_makes_nothing_old() {
    let network = switch(1);
    let set = AddressSetId(Uuid::from_u128(9));
    let member = |text: &str| AddressSetEntry { set, cidr: text.parse().unwrap() };
    let mut core = Core::new();
    core.put(network.clone());
    core.put(member("10.0.0.1"));
    core.put(rule(1, group(1), Direction::Ingress, Remote::Set(set)));
    core.put(guest(1, &network, "10.0.0.11/24", &[group(2), group(1)], None));
    core.finish();
    core.changes();

    core.put(member("10.0.0.2"));
    assert_eq!(core.finish(), (false, BTreeSet::new()));
    assert_eq!(core.changes(), [(Table::Members, true)]);

    core.put(rule(2, group(1), Direction::Ingress, Remote::Any));
    assert_eq!(core.finish(), (false, BTreeSet::new()));
    assert_eq!(core.changes(), [(Table::Numbers, true), (Table::Rules, true), (Table::RuleCounts, true)]);

    // What goes may have been the reason for a connection.
    core.rows.remove(RowKey::AddressSetEntry(set, "10.0.0.1".parse().unwrap()));
    assert_eq!(core.finish(), (false, BTreeSet::from([1])));
    core.rows.remove(RowKey::Acl(group(1), rule(2, group(1), Direction::Ingress, Remote::Any).id));
    assert_eq!(core.finish(), (false, BTreeSet::from([1])));
}

#[test]
fn the_number_of_a_port_that_is_gone_waits_for_its_connections() {
    let network = switch(1);
    let mut core = Core::new();
    core.put(network.clone());
    core.put(guest(1, &network, "10.0.0.11/24", &[], None));
    core.finish();
    core.rows.remove(RowKey::Port(port_id(1)));
    core.finish();
    let gone = core.rows.retired_points();
    assert_eq!(gone.len(), 1);
    core.put(guest(2, &network, "10.0.0.12/24", &[], None));
    core.finish();
    let named = |n| driver_ebpf::numbers::Named { pool: driver_ebpf::numbers::Pool::Port, scope: 0, id: port_id(n).0 };
    assert_eq!(core.rows.number(&named(2)), Some(2));
    core.rows.free_numbers(&gone, &mut core.record);
    core.put(guest(3, &network, "10.0.0.13/24", &[], None));
    assert_eq!(core.rows.number(&named(3)), Some(1));
}
