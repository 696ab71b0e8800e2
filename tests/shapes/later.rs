//! What belongs to features that come later, by name and with its reason.

use std::{collections::BTreeSet, error::Error, fs, path::Path};

use serde_json::Value;

/// A line of `later.json`.
struct Entry {
    /// `file.case` of a recording, or `file: path` of attributes; `*` at its end stands for any ending.
    name: String,
    reason: String,
}

impl Entry {
    fn covers(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => self.name == name,
        }
    }
}

/// The list, and what of it was needed.
pub(crate) struct Later {
    entries: Vec<Entry>,
    used: BTreeSet<usize>,
}

impl Later {
    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("shapes/later.json");
        let json: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
        let groups = json.as_object().ok_or("later.json must map reasons to lists of names")?;
        let mut entries = Vec::new();
        for (reason, names) in groups {
            for name in names.as_array().ok_or("later.json must map reasons to lists of names")? {
                let name = name.as_str().ok_or("a name in later.json is no text")?.to_owned();
                entries.push(Entry { name, reason: reason.clone() });
            }
        }
        Ok(Self { entries, used: BTreeSet::new() })
    }

    fn uses(&mut self, name: &str) -> bool {
        let found = self.entries.iter().position(|entry| entry.covers(name));
        self.used.extend(found);
        found.is_some()
    }

    /// Whether a whole case comes later.
    pub(crate) fn defers(&mut self, case: &str) -> bool {
        self.uses(case)
    }

    /// Whether a difference at a path is one that comes later.
    pub(crate) fn allows(&mut self, file: &str, path: &str) -> bool {
        self.uses(&format!("{file}: {path}"))
    }

    /// What was needed.
    pub(crate) fn used(&self) -> Vec<(String, String)> {
        let line = |index: &usize| self.entries.get(*index).map(|entry| (entry.name.clone(), entry.reason.clone()));
        self.used.iter().filter_map(line).collect()
    }

    /// What nothing needed.
    pub(crate) fn unused(&self) -> Vec<String> {
        let unused = self.entries.iter().enumerate().filter(|(index, _)| !self.used.contains(index));
        unused.map(|(_, entry)| entry.name.clone()).collect()
    }
}
