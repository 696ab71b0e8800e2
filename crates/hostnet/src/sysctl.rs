//! Settings below `/proc/sys/net`, of the calling thread's network namespace (the files show the
//! namespace of whoever opens them).

use std::{fs, path::PathBuf};

use crate::{Error, Result};

/// Reads a setting, such as `net/ipv4/ip_forward`.
pub fn read(key: &str) -> Result<String> {
    let path = path_of(key)?;
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(source) => Err(Error::io(format!("read sysctl {key}"), source)),
    }
}

/// Changes a setting and returns its old value, with which the change can be undone. A setting
/// that has the value already is not written.
pub fn write(key: &str, value: &str) -> Result<String> {
    let old = read(key)?;
    if old != value {
        fs::write(path_of(key)?, value)
            .map_err(|source| Error::io(format!("set sysctl {key} to '{value}'"), source))?;
    }
    Ok(old)
}

/// The path of a key. The parts are separated by `/`, since names of interfaces may hold dots.
fn path_of(key: &str) -> Result<PathBuf> {
    let good = key.starts_with("net/") && key.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if good { Ok(PathBuf::from("/proc/sys").join(key)) } else { Err(Error::InvalidSysctl { key: key.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_network_settings_are_reachable() {
        for bad in ["kernel/hostname", "net/../kernel/hostname", "/net/ipv4", "net", "net//ipv4", "net.ipv4.ip_forward"]
        {
            assert!(matches!(read(bad), Err(Error::InvalidSysctl { .. })), "{bad}");
        }
        assert!(matches!(read("net/ipv4/ip_forward").unwrap().as_str(), "0" | "1"));
    }
}
