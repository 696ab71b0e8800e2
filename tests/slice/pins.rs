//! What the datapath has in the kernel, read with `bpftool` past the daemon.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::Host;

use crate::failure::{Result, ensure, need};

/// The pinned maps of the instance by name.
pub(crate) fn pinned_maps(host: &Host) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    collect(&host.run_dir(), &mut found);
    ensure(!found.is_empty(), || format!("no pinned maps below {}", host.run_dir().display()))?;
    Ok(found)
}

fn collect(dir: &Path, found: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.parent().and_then(Path::file_name).is_some_and(|name| name == "maps") {
            found.insert(entry.file_name().to_string_lossy().into_owned(), path);
        }
    }
}

/// A map's entries.
pub(crate) fn dump(host: &Host, path: &Path) -> Result<Vec<Value>> {
    let text = testkit::run(host.netns().command("bpftool").args(["-j", "map", "dump", "pinned"]).arg(path))?;
    need(serde_json::from_str(&text).ok(), "JSON from bpftool")
}
