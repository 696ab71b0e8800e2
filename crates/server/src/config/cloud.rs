//! `[identity]` and `[nova]`: the cloud that Baryon stands in, where there is one already.
//!
//! One service user asks Keystone and tells Nova. Its password lies in a file of its own, which only
//! its owner may read: a configuration file is shown, copied and backed up.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use cloud_client::{HttpSettings, Secret, ServiceUser};
use serde::{Deserialize, Serialize};

use super::{ConfigError, PublicUrl};

/// Who knows the users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityConfig {
    /// The Keystone that knows them; `None`: this service itself.
    pub external: Option<PublicUrl>,
    /// The service user.
    pub username: String,
    /// The file with its password.
    pub password_file: Option<PathBuf>,
    /// The project in which it has its role.
    pub project_name: String,
    /// The domain of the service user.
    pub user_domain_name: String,
    /// The domain of its project.
    pub project_domain_name: String,
    /// The certificates by which Keystone and Nova are known, in place of the machine's own.
    pub cacert: Option<PathBuf>,
    /// How long a good token is believed without asking again, in seconds.
    pub cache_seconds: u32,
    /// How often Keystone's revocations are read, in seconds.
    pub poll_seconds: u32,
    /// How long an answer of Keystone or Nova may take, in seconds.
    pub timeout_seconds: u32,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            external: None,
            username: "baryon".to_owned(),
            password_file: None,
            project_name: "service".to_owned(),
            user_domain_name: "Default".to_owned(),
            project_domain_name: "Default".to_owned(),
            cacert: None,
            cache_seconds: 60,
            poll_seconds: 2,
            timeout_seconds: 10,
        }
    }
}

/// The compute service beside us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NovaConfig {
    /// Whether it is told what became of servers' ports.
    pub notify: bool,
    /// Its URL, as the catalogue would have it; `None`: that of the catalogue.
    pub endpoint: Option<PublicUrl>,
    /// The region of the catalogue to look in; `None`: the name of our own region.
    pub region_name: Option<String>,
    /// Which of its URLs in the catalogue.
    pub interface: String,
    /// Names by which its hosts call this one, besides the name of this machine.
    pub hosts: Vec<String>,
}

impl Default for NovaConfig {
    fn default() -> Self {
        Self { notify: false, endpoint: None, region_name: None, interface: "public".to_owned(), hosts: Vec::new() }
    }
}

/// What the role `api` needs to know of the cloud around it. Holds the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudSettings {
    /// Who asks.
    pub user: ServiceUser,
    /// `[identity]`.
    pub identity: IdentityConfig,
    /// `[nova]`.
    pub nova: NovaConfig,
}

impl CloudSettings {
    /// Reads the password, if a cloud is configured. `own_identity` is our own identity service.
    pub fn read(identity: &IdentityConfig, nova: &NovaConfig, own_identity: &str) -> Result<Option<Self>, ConfigError> {
        if identity.external.is_none() && !nova.notify {
            return Ok(None);
        }
        let file = password_file(identity)?;
        let user = ServiceUser {
            auth_url: identity.external.as_ref().map_or_else(|| own_identity.to_owned(), ToString::to_string),
            username: identity.username.clone(),
            password: password(file)?,
            project_name: identity.project_name.clone(),
            user_domain_name: identity.user_domain_name.clone(),
            project_domain_name: identity.project_domain_name.clone(),
        };
        Ok(Some(Self { user, identity: identity.clone(), nova: nova.clone() }))
    }

    /// How it asks.
    #[must_use]
    pub fn http(&self) -> HttpSettings {
        let time = Duration::from_secs(self.identity.timeout_seconds.into());
        let defaults = HttpSettings::default();
        HttpSettings {
            cacert: self.identity.cacert.clone(),
            connect_time: defaults.connect_time.min(time),
            time,
            ..defaults
        }
    }
}

fn password_file(identity: &IdentityConfig) -> Result<&Path, ConfigError> {
    identity.password_file.as_deref().ok_or_else(|| ConfigError::Conflict {
        file: None,
        reason: format!(
            "identity.external and nova.notify need the password of the service user '{}': write it into a file that \
             only you may read, and name that as identity.password_file",
            identity.username
        ),
    })
}

fn password(file: &Path) -> Result<Secret, ConfigError> {
    let wrong = |reason: String| ConfigError::Conflict {
        file: None,
        reason: format!("identity.password_file {}: {reason}", file.display()),
    };
    let found = fs::metadata(file).map_err(|error| wrong(error.to_string()))?;
    if found.mode() & 0o077 != 0 {
        return Err(wrong(format!(
            "others may read it (mode {:o}): `chmod 600 {}`",
            found.mode() & 0o777,
            file.display()
        )));
    }
    let text = fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(wrong("it is empty".to_owned())),
        password => Ok(Secret::new(password)),
    }
}

/// What no single value shows.
pub(super) fn check(identity: &IdentityConfig, nova: &NovaConfig) -> Result<(), String> {
    if identity.external.is_some() || nova.notify {
        password_file(identity).map_err(|error| error.to_string())?;
    }
    for (key, value) in [
        ("identity.cache_seconds", identity.cache_seconds),
        ("identity.poll_seconds", identity.poll_seconds),
        ("identity.timeout_seconds", identity.timeout_seconds),
    ] {
        if value == 0 {
            return Err(format!("{key} = 0: give at least 1"));
        }
    }
    if !matches!(nova.interface.as_str(), "public" | "internal" | "admin") {
        return Err(format!("nova.interface = {:?}: give public, internal or admin", nova.interface));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn settings(file: Option<PathBuf>) -> Result<Option<CloudSettings>, String> {
        let identity = IdentityConfig {
            external: Some("https://keystone.example.org".parse().unwrap()),
            password_file: file,
            ..IdentityConfig::default()
        };
        CloudSettings::read(&identity, &NovaConfig::default(), "http://own").map_err(|error| error.to_string())
    }

    #[test]
    fn the_password_comes_from_a_file_that_nobody_else_reads() {
        let file = std::env::temp_dir().join(format!("baryon-password-{}", uuid::Uuid::new_v4()));
        assert!(settings(None).unwrap_err().contains("identity.password_file"));
        assert!(settings(Some(file.clone())).unwrap_err().contains("No such file"));
        fs::write(&file, "swordfish\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let told = settings(Some(file.clone())).unwrap_err();
        assert!(told.ends_with(&format!("others may read it (mode 644): `chmod 600 {}`", file.display())), "{told}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let read = settings(Some(file.clone())).unwrap().unwrap();
        assert_eq!(read.user.password.reveal(), "swordfish");
        assert!(!format!("{read:?}").contains("swordfish"));
        fs::remove_file(file).unwrap();
    }

    #[test]
    fn without_a_cloud_no_password_is_needed() {
        assert_eq!(
            CloudSettings::read(&IdentityConfig::default(), &NovaConfig::default(), "http://own").unwrap(),
            None
        );
    }
}
