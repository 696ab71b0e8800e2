//! The file system where the datapath lives on without a process.
//!
//! Pins are below `<run-dir>/bpf/v<layout>/`: `maps/` and `links/`. The layout names the maps'
//! definitions, so that a build whose maps differ does not take them for its own.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::statfs::{BPF_FS_MAGIC, statfs},
};

use crate::{Error, error::Result};

/// The layout of this build's maps.
pub const LAYOUT: &str = include!(concat!(env!("OUT_DIR"), "/layout_hash.rs"));

/// Where the pins of an instance are.
#[derive(Clone, Debug)]
pub struct Pins {
    root: PathBuf,
}

impl Pins {
    /// Those below a run directory.
    #[must_use]
    pub fn below(run_dir: &Path) -> Self {
        Self { root: run_dir.join("bpf") }
    }

    /// Mounts the file system if it is not, makes this layout's directories, and refuses others.
    pub fn prepare(&self) -> Result<()> {
        self.mount()?;
        for entry in fs::read_dir(&self.root).map_err(Error::file("list", &self.root))? {
            let name = entry.map_err(Error::file("list", &self.root))?.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('v') && name != self.layout_name() {
                let (found, ours) = (name.into_owned(), self.layout_name());
                return Err(Error::OtherLayout { path: self.root.clone(), found, ours });
            }
        }
        for directory in [self.maps(), self.links()] {
            fs::create_dir_all(&directory).map_err(Error::file("create", directory))?;
        }
        Ok(())
    }

    /// Mounts a bpffs at `<run-dir>/bpf` if there is none.
    pub fn mount(&self) -> Result<()> {
        fs::create_dir_all(&self.root).map_err(Error::file("create", &self.root))?;
        if !self.is_mounted()? {
            let none: Option<&str> = None;
            mount(Some("bpf"), &self.root, Some("bpf"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, none)
                .map_err(|errno| Error::file("mount a bpffs at", &self.root)(errno.into()))?;
        }
        Ok(())
    }

    fn is_mounted(&self) -> Result<bool> {
        match statfs(&self.root) {
            Ok(stat) => Ok(stat.filesystem_type() == BPF_FS_MAGIC),
            Err(nix::errno::Errno::ENOENT) => Ok(false),
            Err(errno) => Err(Error::file("look at", &self.root)(errno.into())),
        }
    }

    /// Removes all pins of all layouts and the mount: with its pin a map or program ends. False when
    /// there was nothing.
    pub fn remove(&self) -> Result<bool> {
        if !self.is_mounted()? {
            return Ok(false);
        }
        for entry in fs::read_dir(&self.root).map_err(Error::file("list", &self.root))? {
            let path = entry.map_err(Error::file("list", &self.root))?.path();
            // The file system has files of its own, which cannot be removed.
            if path.is_dir() {
                fs::remove_dir_all(&path).map_err(Error::file("remove", path))?;
            }
        }
        umount2(&self.root, MntFlags::MNT_DETACH)
            .map_err(|errno| Error::file("unmount", &self.root)(io::Error::from(errno)))?;
        Ok(true)
    }

    fn layout_name(&self) -> String {
        format!("v{LAYOUT}")
    }

    /// Directory of this layout's maps.
    #[must_use]
    pub fn maps(&self) -> PathBuf {
        self.root.join(self.layout_name()).join("maps")
    }

    /// Directory of this layout's links, each named by the index of its device.
    #[must_use]
    pub fn links(&self) -> PathBuf {
        self.root.join(self.layout_name()).join("links")
    }

    /// The link at a device.
    #[must_use]
    pub fn link(&self, ifindex: u32) -> PathBuf {
        self.links().join(ifindex.to_string())
    }
}
