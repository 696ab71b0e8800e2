//! An instance, and the names of what it has in the kernel as a whole; what it has for each region is
//! named by [`Part`](crate::region::Part).
//!
//! Several instances share one machine, each in a network namespace of its own, while names of
//! namespaces, of nftables tables in one namespace and of directories are shared. So every name
//! carries the instance, and `baryon down` finds what is ours by name alone.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// Six hex digits, made at the first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceId([u8; 3]);

/// A text that is no instance id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an instance id of six hex digits")]
pub struct ParseInstanceError(String);

impl InstanceId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        let [a, b, c, ..] = *uuid::Uuid::new_v4().as_bytes();
        Self([a, b, c])
    }

    /// The nftables table, one for all regions.
    #[must_use]
    pub fn table(self) -> String {
        format!("baryon_{self}")
    }

    /// Sockets, pins, and what must be undone.
    #[must_use]
    pub fn run_dir(self, run_dir: &Path) -> PathBuf {
        run_dir.join(self.to_string())
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.0;
        write!(f, "{a:02x}{b:02x}{c:02x}")
    }
}

impl FromStr for InstanceId {
    type Err = ParseInstanceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ParseInstanceError(text.to_owned());
        if text.len() != 6 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(fail());
        }
        let number = u32::from_str_radix(text, 16).map_err(|_| fail())?;
        let [_, a, b, c] = number.to_be_bytes();
        Ok(Self([a, b, c]))
    }
}

impl TryFrom<String> for InstanceId {
    type Error = ParseInstanceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<InstanceId> for String {
    fn from(id: InstanceId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_six_hex_digits() {
        let id: InstanceId = "00a1ff".parse().unwrap();
        assert_eq!(id.to_string(), "00a1ff");
        for bad in ["", "00a1f", "00A1FF", "+0a1ff", "00a1fff"] {
            assert!(bad.parse::<InstanceId>().is_err(), "{bad}");
        }
    }
}
