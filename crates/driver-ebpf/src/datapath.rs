//! Rows in the kernel's maps: the core of the driver joined to the kernel, without devices.

use std::collections::{BTreeMap, BTreeSet};

use logical::{Row, RowKey};

use crate::{
    config::EbpfConfig,
    encode::DeviceFacts,
    error::Result,
    kernel::Kernel,
    layout::Layout,
    numbers::{Named, Pool},
    rows::Rows,
    table::Table,
};

/// Maps, programs, and the rows that are in the maps.
#[derive(Debug)]
pub(crate) struct Datapath {
    pub(crate) kernel: Kernel,
    pub(crate) rows: Rows,
    /// The last interface index that was used up by an earlier driver.
    pub(crate) last_ifindex: Option<u32>,
}

impl Datapath {
    /// Opens the maps or makes them, and reads what is there.
    pub(crate) fn open(config: &EbpfConfig) -> Result<Self> {
        let kernel = Kernel::open(config)?;
        let mut rows = Rows::new(config.max_ports);
        let mut last_ifindex = None;
        for entry in kernel.dump()? {
            if entry.at.table == Table::Numbers && entry.at.key == Named::IFINDEX.key().bytes() {
                last_ifindex = u32::from_bytes(&entry.value);
            } else {
                rows.restore(entry);
            }
        }
        Ok(Self { kernel, rows, last_ifindex })
    }

    pub(crate) fn put(&mut self, row: &Row, device: DeviceFacts) -> Result<(), String> {
        self.rows.put(row, device, &mut self.kernel)
    }

    /// Deletes what no row has asked for since the start.
    pub(crate) fn sweep(&mut self) -> BTreeMap<Table, usize> {
        self.rows.sweep(&mut self.kernel)
    }

    /// Ends a batch of changes: what is not asked for goes, and what was decided by it is decided anew.
    pub(crate) fn finish(&mut self) -> Result<Vec<(RowKey, String)>> {
        let (effects, failures) = self.rows.finish(&mut self.kernel);
        self.kernel.bump_policies(&effects.policies)?;
        if effects.forwarding {
            self.kernel.bump_generation()?;
        }
        Ok(failures)
    }

    /// Gives numbers of ports and switches free again that no connection names.
    pub(crate) fn free(&mut self, collected: &BTreeSet<Named>) -> Result<()> {
        for named in collected.iter().filter(|named| named.pool == Pool::Port) {
            // The next port with the number begins with nothing.
            if let Some(number) = self.rows.number(named) {
                self.kernel.reset_port(number)?;
            }
        }
        self.rows.free_numbers(collected, &mut self.kernel);
        Ok(())
    }
}
