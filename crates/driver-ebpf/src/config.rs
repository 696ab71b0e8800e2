//! What the driver is told at its start.

use std::{collections::BTreeMap, path::PathBuf};

use logical::Timeouts;
use serde::{Deserialize, Serialize};
use types::MacAddr;

/// Indexes of devices that a driver makes start here, far above those that the kernel chooses.
pub const FIRST_IFINDEX: u32 = 1 << 20;

/// Configuration of the datapath of one instance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EbpfConfig {
    /// Name of the instance; devices carry it in their alias.
    pub instance: String,
    /// Directory for what lives as long as the host runs; pins are below its `bpf`.
    pub run_dir: PathBuf,
    /// Devices that the driver makes get indexes from here on. Several drivers in one network namespace
    /// need ranges apart: an index in a map must never mean another one's device.
    pub first_ifindex: u32,
    /// Interface of each physical network.
    pub physical_networks: BTreeMap<String, String>,
    /// This namespace's end of the link to the host services; `None`: there are no services.
    pub service_interface: Option<String>,
    /// Ethernet address of the services' end of that link.
    pub service_mac: MacAddr,
    /// Lifetimes and limits of connections.
    pub timeouts: Timeouts,
    /// Most connections of all ports together, in entries: two per connection. Takes effect when the
    /// maps are made; memory is used only for connections that exist.
    pub max_flows: u32,
    /// Most ports of all kinds. Takes effect when the maps are made.
    pub max_ports: u32,
}

impl Default for EbpfConfig {
    fn default() -> Self {
        Self {
            instance: "default".to_owned(),
            run_dir: PathBuf::from("/run/baryon"),
            first_ifindex: FIRST_IFINDEX,
            physical_networks: BTreeMap::new(),
            service_interface: None,
            service_mac: MacAddr([0xfa, 0x16, 0x3f, 0xa9, 0xfe, 0x01]),
            timeouts: Timeouts::default(),
            max_flows: 1 << 20,
            max_ports: 16384,
        }
    }
}
