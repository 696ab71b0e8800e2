//! The logical network: all tables together.

use std::{net::Ipv4Addr, sync::Arc};

use imbl::OrdMap;
use types::Cidr;

use crate::{
    Acl, AclGroupId, AclId, AddressSetEntry, AddressSetId, Change, FloatingIp, Origin, Port, PortId, Route, Router,
    RouterId, Row, RowKey, SourceNat, Switch, SwitchId,
};

macro_rules! tables {
    ($($(#[$doc:meta])* $field:ident: $variant:ident, $key:ty => $row:ty, $pattern:pat => $value:expr;)*) => {
        /// What the datapath of a region shall do. Cloning is cheap; clones share what is equal.
        #[derive(Clone, PartialEq, Eq, Debug, Default)]
        pub struct LogicalNetwork {
            $($(#[$doc])* pub $field: OrdMap<$key, Arc<$row>>,)*
        }

        impl LogicalNetwork {
            /// Puts a row in the place of the one with its key, if there is one.
            pub fn put(&mut self, row: Row) {
                let key = row.key();
                match (row, key) {
                    $((Row::$variant(row), $pattern) => { self.$field.insert($value, row); })*
                    // A row's key is always of the row's own table.
                    _ => {}
                }
            }

            /// Removes the row with that key and returns it.
            pub fn remove(&mut self, key: &RowKey) -> Option<Row> {
                match *key {
                    $($pattern => self.$field.remove(&$value).map(Row::$variant),)*
                }
            }

            /// The row with that key.
            #[must_use]
            pub fn get(&self, key: &RowKey) -> Option<Row> {
                match *key {
                    $($pattern => self.$field.get(&$value).cloned().map(Row::$variant),)*
                }
            }

            /// All rows, in the order of [`RowKey`].
            pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
                std::iter::empty()$(.chain(self.$field.values().cloned().map(Row::$variant)))*
            }
        }
    };
}

tables! {
    /// Switches.
    switches: Switch, SwitchId => Switch, RowKey::Switch(id) => id;
    /// Routers.
    routers: Router, RouterId => Router, RowKey::Router(id) => id;
    /// Members of address sets.
    address_sets: AddressSetEntry, (AddressSetId, Cidr) => AddressSetEntry, RowKey::AddressSetEntry(set, cidr) => (set, cidr);
    /// Rules.
    acls: Acl, (AclGroupId, AclId) => Acl, RowKey::Acl(group, id) => (group, id);
    /// Ports.
    ports: Port, PortId => Port, RowKey::Port(id) => id;
    /// Routes.
    routes: Route, (RouterId, Cidr) => Route, RowKey::Route(router, destination) => (router, destination);
    /// Source NAT.
    source_nats: SourceNat, (RouterId, PortId) => SourceNat, RowKey::SourceNat(router, port) => (router, port);
    /// Floating IPs.
    floating_ips: FloatingIp, (SwitchId, Ipv4Addr) => FloatingIp, RowKey::FloatingIp(switch, address) => (switch, address);
}

impl LogicalNetwork {
    /// The object behind the row with that key.
    #[must_use]
    pub fn origin(&self, key: &RowKey) -> Option<Origin> {
        self.get(key)?.origin().cloned()
    }

    /// The changes that make `self` equal to `target`: removals first, in the opposite order of
    /// putting, then puts.
    #[must_use]
    pub fn diff(&self, target: &Self) -> Vec<Change> {
        let mut changes: Vec<Change> =
            self.rows().map(|row| row.key()).filter(|key| target.get(key).is_none()).map(Change::Remove).collect();
        changes.reverse();
        changes.extend(target.rows().filter(|row| self.get(&row.key()).as_ref() != Some(row)).map(Change::Put));
        changes
    }

    /// Makes the changes.
    pub fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Put(row) => self.put(row.clone()),
                Change::Remove(key) => {
                    self.remove(key);
                }
            }
        }
    }
}
