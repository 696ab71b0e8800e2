//! What must be put back: old values of the host's settings, written down before they are changed.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use hostnet::sysctl;
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    data_dir::write_whole,
    error::Result,
    region::{Part, Slot},
};

/// The record, in the run directory: a reboot undoes both the changes and it.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// Identity of the network namespace that the instance lives in.
    namespace: u64,
    /// Old values by key.
    sysctls: BTreeMap<String, String>,
    /// Interfaces of physical networks, which the driver makes listen to more than their own address:
    /// those of the first region by the network's name, those of others by `<region's label>/network`.
    #[serde(default)]
    physical_networks: BTreeMap<String, String>,
}

/// Changes settings of the host so that they can be put back.
#[derive(Debug)]
pub(super) struct Undo {
    path: PathBuf,
    record: Record,
}

fn path(run_dir: &Path) -> PathBuf {
    run_dir.join("host.json")
}

impl Undo {
    /// Continues the record of an earlier start, if it was in this namespace.
    pub(super) fn begin(run_dir: &Path, namespace: u64) -> Result<Self> {
        let record = match read(run_dir)? {
            Some(record) if record.namespace == namespace => record,
            // The other namespace's devices may still be there; taking over here would leave them to nobody.
            Some(_) => {
                return Err(Error::Usage(format!(
                    "{} belongs to an instance in another network namespace: start it there, or give another --data-dir \
                 (if that namespace is gone for good, remove this directory)",
                    run_dir.display()
                )));
            }
            None => Record { namespace, sysctls: BTreeMap::new(), physical_networks: BTreeMap::new() },
        };
        let undo = Self { path: path(run_dir), record };
        undo.write()?;
        Ok(undo)
    }

    /// Sets a setting, and keeps what it was before the first time.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let old = sysctl::read(key)?;
        if old == value {
            return Ok(());
        }
        self.record.sysctls.entry(key.to_owned()).or_insert(old);
        self.write()?;
        sysctl::write(key, value)?;
        Ok(())
    }

    /// Puts one setting back that an earlier start had changed.
    pub(super) fn put_back(&mut self, key: &str) -> Result<()> {
        let Some(old) = self.record.sysctls.get(key) else { return Ok(()) };
        sysctl::write(key, old)?;
        // Forgotten only after it was done, so that a crash in between repeats it.
        self.record.sysctls.remove(key);
        self.write()
    }

    /// Notes the interfaces that carry a region's physical networks.
    pub(super) fn note_physical_networks(&mut self, part: Part, networks: &BTreeMap<String, String>) -> Result<()> {
        let key = |network: &str| key_of(part, network);
        self.record.physical_networks.retain(|known, _| network_of(part, known).is_none());
        self.record.physical_networks.extend(networks.iter().map(|(network, wire)| (key(network), wire.clone())));
        self.write()
    }

    fn write(&self) -> Result<()> {
        let text = serde_json::to_string(&self.record).map_err(std::io::Error::from);
        text.and_then(|text| write_whole(&self.path, &text, 0o600))
            .map_err(Error::io(format!("write {}", self.path.display())))
    }
}

fn read(run_dir: &Path) -> Result<Option<Record>> {
    let path = path(run_dir);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(format!("read {}", path.display()))(error)),
    };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        Error::Usage(format!(
            "{} is damaged ({error}): put net.ipv4.ip_forward to what it should be, and remove it",
            path.display()
        ))
    })
}

/// The namespace that the instance lives in, as far as that is known.
pub(super) fn namespace(run_dir: &Path) -> Result<Option<u64>> {
    Ok(read(run_dir)?.map(|record| record.namespace))
}

/// Interfaces of a region's physical networks, as far as they are known.
pub(super) fn physical_networks(part: Part, run_dir: &Path) -> Result<BTreeMap<String, String>> {
    let all = read(run_dir)?.map(|record| record.physical_networks).unwrap_or_default();
    let of_part = |(key, wire): (String, String)| Some((network_of(part, &key)?.to_owned(), wire));
    Ok(all.into_iter().filter_map(of_part).collect())
}

fn key_of(part: Part, network: &str) -> String {
    if part.slot == Slot::FIRST { network.to_owned() } else { format!("{}/{network}", part.label()) }
}

/// The network that a key names, if it is one of the region's.
fn network_of(part: Part, key: &str) -> Option<&str> {
    match key.split_once('/') {
        None => (part.slot == Slot::FIRST).then_some(key),
        Some((label, network)) => (label == part.label()).then_some(network),
    }
}

/// Puts everything back and forgets it.
pub(super) fn revert(run_dir: &Path, removed: &mut Vec<String>) -> Result<()> {
    let Some(record) = read(run_dir)? else { return Ok(()) };
    for (key, old) in &record.sysctls {
        let now = sysctl::write(key, old)?;
        if now != *old {
            removed.push(format!("setting {} is {old} again", key.replace('/', ".")));
        }
    }
    super::remove_file(&path(run_dir))
}
