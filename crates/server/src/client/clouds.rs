//! clouds.yaml: the one that we write, and the ones that users have.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use cloud_client::{Secret, ServiceUser};
use serde::Deserialize;

use super::{ClientError, Result};
use crate::{
    cli::CloudArgs,
    data_dir::{EXTERNAL_IDENTITY, LOCAL_URL},
};

/// How to log in to a cloud with a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Cloud {
    pub(super) auth_url: String,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) user_domain: String,
    pub(super) project: String,
    pub(super) project_domain: String,
    pub(super) region: Option<String>,
    /// Where the service answers on this host, whatever URL the world knows it by.
    pub(super) local_url: Option<String>,
    /// The authorities' certificates; none: those of this machine.
    pub(super) cacert: Option<PathBuf>,
    /// Whether certificates are checked at all.
    pub(super) verify: bool,
}

impl fmt::Debug for Cloud {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.project, self.username, self.auth_url)
    }
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    clouds: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<Auth>,
    region_name: Option<String>,
    cacert: Option<PathBuf>,
    verify: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    auth_url: Option<String>,
    username: Option<String>,
    password: Option<String>,
    project_name: Option<String>,
    user_domain_name: Option<String>,
    project_domain_name: Option<String>,
}

impl Cloud {
    /// The cloud that the options and the environment mean. What these commands do is an operator's
    /// job, so without an option the data directory's administrator comes before `OS_CLOUD`, which
    /// often names an ordinary user.
    pub(crate) fn choose(args: &CloudArgs) -> Result<Self> {
        let ours = args.data_dir.join("clouds.yaml");
        let mut cloud = if let Some(name) = &args.os_cloud {
            let files = candidates(&ours);
            let file = files.iter().find(|file| file.exists()).ok_or(ClientError::NoCloud { clouds: ours })?;
            Self::read(file, name)?
        } else if let Ok(keystone) = std::fs::read_to_string(args.data_dir.join(EXTERNAL_IDENTITY)) {
            // A clouds.yaml of ours is of a time before; its users are no longer asked.
            Self::from_environment(&ours).map_err(|error| match error {
                ClientError::NoCloud { .. } => ClientError::External { keystone },
                other => other,
            })?
        } else if ours.exists() {
            let local_url = std::fs::read_to_string(args.data_dir.join(LOCAL_URL)).ok();
            Self { local_url, ..Self::read(&ours, "baryon-admin")? }
        } else {
            Self::from_environment(&ours)?
        };
        if let Some(region) = &args.os_region_name {
            cloud.region = Some(region.clone());
        }
        if let Some(file) = &args.cacert {
            cloud.cacert = Some(file.clone());
        }
        Ok(cloud)
    }

    /// The cloud whose operator runs the command: never a user of our own.
    pub fn operator(args: &CloudArgs) -> Result<Self> {
        match &args.os_cloud {
            Some(_) => Self::choose(args),
            None => Self::from_environment(&args.data_dir.join("clouds.yaml")),
        }
    }

    /// The same login for a client of the cloud's other services.
    #[must_use]
    pub fn service_user(&self) -> ServiceUser {
        ServiceUser {
            auth_url: self.auth_url.clone(),
            username: self.username.clone(),
            password: Secret::new(self.password.clone()),
            project_name: self.project.clone(),
            user_domain_name: self.user_domain.clone(),
            project_domain_name: self.project_domain.clone(),
        }
    }

    /// The user's password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// A cloud of a file.
    pub fn read(file: &Path, name: &str) -> Result<Self> {
        let wrong = |reason: String| ClientError::Clouds { file: file.to_owned(), reason };
        let text = std::fs::read_to_string(file).map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                wrong("cannot be read by you: run the command as the user that `baryon up` runs as".to_owned())
            }
            _ => wrong(format!("cannot be read: {error}")),
        })?;
        let parsed: File = serde_saphyr::from_str(&text).map_err(|error| {
            wrong(format!("is no clouds.yaml: {}", error.to_string().lines().next().unwrap_or_default()))
        })?;
        let Some(entry) = parsed.clouds.get(name) else {
            let names: Vec<&str> = parsed.clouds.keys().map(String::as_str).collect();
            return Err(wrong(format!("has no cloud {name}; it has: {}", names.join(", "))));
        };
        let none = Auth::default();
        let auth = entry.auth.as_ref().unwrap_or(&none);
        let need = |value: &Option<String>, key: &str| {
            value.clone().ok_or_else(|| {
                wrong(format!("cloud {name} has no auth.{key}; these commands log in with a user's password only"))
            })
        };
        let domain = |value: &Option<String>| value.clone().unwrap_or_else(|| "Default".to_owned());
        Ok(Self {
            auth_url: need(&auth.auth_url, "auth_url")?,
            username: need(&auth.username, "username")?,
            password: need(&auth.password, "password")?,
            project: need(&auth.project_name, "project_name")?,
            user_domain: domain(&auth.user_domain_name),
            project_domain: domain(&auth.project_domain_name),
            region: entry.region_name.clone(),
            local_url: None,
            cacert: entry.cacert.clone().or_else(|| std::env::var_os("OS_CACERT").map(PathBuf::from)),
            verify: entry.verify.unwrap_or(true),
        })
    }

    fn from_environment(ours: &Path) -> Result<Self> {
        let get = |variable: &str| std::env::var(variable).ok().filter(|value| !value.is_empty());
        if get("OS_AUTH_URL").is_none() {
            if let Some(name) = get("OS_CLOUD") {
                let files = candidates(ours);
                if let Some(file) = files.iter().find(|file| file.exists()) {
                    return Self::read(file, &name);
                }
            }
            return Err(ClientError::NoCloud { clouds: ours.to_owned() });
        }
        let need = |variable: &'static str| get(variable).ok_or(ClientError::Environment { variable });
        let domain = |variable: &str| get(variable).unwrap_or_else(|| "Default".to_owned());
        Ok(Self {
            auth_url: need("OS_AUTH_URL")?,
            username: need("OS_USERNAME")?,
            password: need("OS_PASSWORD")?,
            project: need("OS_PROJECT_NAME")?,
            user_domain: domain("OS_USER_DOMAIN_NAME"),
            project_domain: domain("OS_PROJECT_DOMAIN_NAME"),
            region: get("OS_REGION_NAME"),
            local_url: None,
            cacert: get("OS_CACERT").map(PathBuf::from),
            verify: get("OS_INSECURE")
                .is_none_or(|value| !matches!(value.to_lowercase().as_str(), "1" | "true" | "yes")),
        })
    }
}

/// Where the clouds of `--os-cloud` are looked for: the order of openstacksdk, ours before it unless
/// a file is named.
fn candidates(ours: &Path) -> Vec<PathBuf> {
    if let Some(file) = std::env::var_os("OS_CLIENT_CONFIG_FILE") {
        return vec![file.into()];
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    vec![
        ours.to_owned(),
        "clouds.yaml".into(),
        home.join(".config/openstack/clouds.yaml"),
        "/etc/openstack/clouds.yaml".into(),
    ]
}

/// A login for the file that we write.
pub struct Account<'a> {
    /// Name of the cloud in the file.
    pub cloud: &'a str,
    /// User.
    pub username: &'a str,
    /// Their password.
    pub password: &'a str,
    /// Their project.
    pub project: &'a str,
}

/// The text of a clouds.yaml. The first region is the one of commands that name none.
#[must_use]
pub fn render(auth_url: &str, regions: &[String], cacert: Option<&Path>, accounts: &[Account<'_>]) -> String {
    let mut text = String::from("# Written by `baryon up`. Use it with OS_CLIENT_CONFIG_FILE and OS_CLOUD.\nclouds:\n");
    let region = regions.first().map_or("RegionOne", String::as_str);
    // Without the list, clients take no other region than the first.
    let several = match regions {
        [] | [_] => String::new(),
        several => format!("    regions: {}\n", serde_json::Value::from(several)),
    };
    for account in accounts {
        let Account { cloud, username, password, project } = account;
        // Values are JSON strings, which YAML reads as they are.
        let [auth_url, username, password, project, region] =
            [auth_url, username, password, project, region].map(|value| serde_json::Value::from(value).to_string());
        let cacert = cacert.map(|file| format!("    cacert: {}\n", serde_json::Value::from(file.to_string_lossy())));
        let cacert = cacert.unwrap_or_default();
        text.push_str(&format!(
            "  {cloud}:\n    auth:\n      auth_url: {auth_url}\n      username: {username}\n      password: {password}\n      \
             project_name: {project}\n      user_domain_name: Default\n      project_domain_name: Default\n    \
             region_name: {region}\n{several}    interface: public\n    identity_api_version: 3\n{cacert}"
        ));
    }
    text
}
