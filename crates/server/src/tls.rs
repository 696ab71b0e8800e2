//! The files of the listener's certificate and key: read here, by the one process that may.
//!
//! The key belongs to root and nobody else, and the role `api` is somebody else. So the supervisor
//! reads the files, at the start and again when they change, and hands their text to the role over
//! the pipe that it has with it (`docs/adr/0004-tls-by-rustls.md`). A pair that is no good is never
//! handed over: the role, also one that is started again, keeps the last good one.
//!
//! Files are watched by looking, once a second: certificates are replaced by renames, by symbolic
//! links that point elsewhere, by a volume that is mounted anew, and looking sees all of those. A
//! change is taken when it has lasted for one look, because certificate and key are two files and
//! nobody replaces both at once.

use std::{
    fs::{File, Metadata},
    io::Read as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use api::{Certificate, PemPair, TlsError};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::config::ApiConfig;

/// Bytes of a file: a chain of certificates has a few thousand.
const LONGEST: u64 = 256 << 10;
/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Why the files are of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// One of them cannot be read.
    #[error("cannot read {}, which {key} names: {reason}", file.display())]
    Read {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The key is no secret.
    #[error(
        "{} may be read by others (mode {mode:04o}), and who has read it can pretend to be this service: chmod 600 it",
        file.display()
    )]
    KeyMode {
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// What they hold is no pair.
    #[error("api.tls_certificate {} with api.tls_key {}: {source}", certificate.display(), key.display())]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        source: TlsError,
    },
    /// The certificate of the authority is none.
    #[error("{}, which api.ca_certificate names, holds no PEM block CERTIFICATE", file.display())]
    Authority {
        /// The file.
        file: PathBuf,
    },
}

/// Where the two files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl PairFiles {
    /// The files of a configuration that has TLS.
    #[must_use]
    pub fn of(config: &ApiConfig) -> Option<Self> {
        let (certificate, key) = (config.tls_certificate.clone()?, config.tls_key.clone()?);
        Some(Self { certificate, key })
    }

    /// What they hold now, checked: it is a pair, although perhaps one that has expired.
    pub fn read(&self) -> Result<(PemPair, Certificate), PairError> {
        let (certificate, _) = read("api.tls_certificate", &self.certificate)?;
        let (key, metadata) = read("api.tls_key", &self.key)?;
        let mode = metadata.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(PairError::KeyMode { file: self.key.clone(), mode });
        }
        let pair = PemPair { certificate, key };
        match Certificate::parse(&pair) {
            Ok(parsed) => Ok((pair, parsed)),
            Err(source) => Err(self.wrong(source)),
        }
    }

    fn wrong(&self, source: TlsError) -> PairError {
        PairError::Pair { certificate: self.certificate.clone(), key: self.key.clone(), source }
    }

    /// The same, of a pair that shall be used from now on, which an expired one shall not.
    pub fn read_valid(&self) -> Result<PemPair, PairError> {
        let (pair, certificate) = self.read()?;
        certificate.require_valid(jiff::Timestamp::now()).map_err(|source| self.wrong(source))?;
        Ok(pair)
    }

    /// Tells one state of the files from another, without reading them.
    fn stamp(&self) -> [Option<Stamp>; 2] {
        [&self.certificate, &self.key].map(|file| std::fs::metadata(file).ok().map(|metadata| Stamp::of(&metadata)))
    }
}

/// Checks that the file of an authority holds a certificate.
pub fn check_authority(file: &Path) -> Result<(), PairError> {
    let (text, _) = read("api.ca_certificate", file)?;
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(())
    } else {
        Err(PairError::Authority { file: file.to_owned() })
    }
}

fn read(key: &'static str, file: &Path) -> Result<(String, Metadata), PairError> {
    let fail = |reason: String| PairError::Read { key, file: file.to_owned(), reason };
    let open = File::open(file).and_then(|open| open.metadata().map(|metadata| (open, metadata)));
    let (open, metadata) = open.map_err(|error| fail(error.to_string()))?;
    if !metadata.is_file() {
        return Err(fail("it is no file".to_owned()));
    }
    let mut text = String::new();
    open.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| fail(error.to_string()))?;
    if text.len() as u64 > LONGEST {
        return Err(fail(format!("it is longer than {LONGEST} bytes")));
    }
    Ok((text, metadata))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    changed: (i64, i64),
    size: u64,
    mode: u32,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
            size: metadata.size(),
            mode: metadata.mode(),
        }
    }
}

/// Watches the files.
#[derive(Debug)]
pub struct Watch {
    files: PairFiles,
    taken: [Option<Stamp>; 2],
    /// A change that was seen once.
    fresh: Option<[Option<Stamp>; 2]>,
    looks: Interval,
}

impl Watch {
    /// Of files whose present state is known.
    #[must_use]
    pub fn new(files: PairFiles) -> Self {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { taken: files.stamp(), files, fresh: None, looks }
    }

    /// Comes back when the files have changed, with what they hold then.
    pub async fn changed(&mut self) -> Result<PemPair, PairError> {
        loop {
            self.looks.tick().await;
            let now = self.files.stamp();
            if now == self.taken {
                self.fresh = None;
            } else if self.fresh == Some(now) {
                return self.read();
            } else {
                self.fresh = Some(now);
            }
        }
    }

    /// What the files hold, changed or not.
    pub fn read(&mut self) -> Result<PemPair, PairError> {
        self.taken = self.files.stamp();
        self.fresh = None;
        self.files.read_valid()
    }
}

#[cfg(test)]
mod tests;
