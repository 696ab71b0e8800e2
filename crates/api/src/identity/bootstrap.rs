//! What a new cloud starts with: a domain, roles, two projects, two users, the catalogue.
//!
//! Every step makes what is missing and leaves what is there, so that it runs at each start: a
//! region that came into the configuration gets its endpoints, one that went loses them.

use model::Feature;
use serde_json::Map;
use store::{
    Store, StoreError, Tx,
    identity::{Actor, Assignment, Domain, Endpoint, Identity, Project, Region, Role, Service, Target, User},
};
use types::{DomainId, EndpointId, ProjectId, RoleId, ServiceId, UserId};

use super::{KeystoneError, password};
use crate::{ApiConfig, clock};

/// Roles of a new cloud, each with the roles that it implies.
const ROLES: [(&str, &[&str]); 7] = [
    ("admin", &["manager"]),
    ("manager", &["member"]),
    ("member", &["reader"]),
    ("reader", &[]),
    ("service", &[]),
    // The service's own two roles: operator reads and writes, viewer reads.
    ("operator", &["member"]),
    ("viewer", &["reader"]),
];

/// Services: type, name, path; `{region}` makes an endpoint of its own in each region.
const SERVICES: [(&str, &str, &str); 4] = [
    ("identity", "keystone", "/identity/v3"),
    ("network", "neutron", "/network/{region}"),
    // Only to tell users of the server commands what to do instead, see absent.rs.
    ("compute", "nova", "/compute/v2.1"),
    ("image", "glance", "/image"),
];

/// Services that do less than their API promises yet: only with `[api] preview = true`, and only in regions that have
/// their feature. DNS is one service for all regions.
const PREVIEW: [((&str, &str, &str), Feature); 2] = [
    (("load-balancer", "octavia", "/load-balancer/{region}"), Feature::Octavia),
    (("dns", "designate", "/dns"), Feature::Basic),
];

const INTERFACES: [&str; 3] = ["public", "internal", "admin"];

/// Why a cloud could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The store failed.
    #[error("cannot set up identities: {0}")]
    Store(#[from] StoreError),
    /// A password could not be hashed.
    #[error("cannot set up identities: {0}")]
    Password(String),
    /// A name that cannot be a region's.
    #[error("'{0}' cannot be the name of a region: use letters, digits, '-', '_' and '.'")]
    RegionName(String),
}

/// What the first start needs to know.
#[derive(Clone)]
pub struct Bootstrap {
    /// The regions of the configuration.
    pub regions: Vec<String>,
    /// The password of the user `admin`.
    pub admin_password: String,
    /// The password of the user `demo`.
    pub demo_password: String,
    /// Sets the passwords of users that exist already too: when their owner has lost them.
    pub reset_passwords: bool,
}

/// What a start found or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrapped {
    /// The project `admin`.
    pub admin_project: ProjectId,
    /// The project `demo`.
    pub demo_project: ProjectId,
    /// Whether the passwords of [`Bootstrap`] are now those of both users. Otherwise both existed.
    pub passwords_set: bool,
}

/// Makes what is missing of a new cloud.
pub async fn bootstrap(store: &Store, wanted: Bootstrap) -> Result<Bootstrapped, BootstrapError> {
    check_regions(&wanted.regions)?;
    let hash = |password: String| async {
        let task = tokio::task::spawn_blocking(move || password::hash(&password));
        match task.await {
            Ok(Ok(hash)) => Ok(hash),
            Ok(Err(error)) => Err(BootstrapError::Password(error.to_string())),
            Err(error) => Err(BootstrapError::Password(error.to_string())),
        }
    };
    let admin_hash = hash(wanted.admin_password).await?;
    let demo_hash = hash(wanted.demo_password).await?;
    store
        .write(move |transaction| {
            let identity = transaction.identity();
            let domain = default_domain(identity)?;
            let roles = roles(identity)?;
            let role = |name: &str| roles.iter().find(|(known, _)| *known == name).map(|(_, id)| id.clone());
            let admin_project = project(identity, &domain, "admin")?;
            let demo_project = project(identity, &domain, "demo")?;
            let reset = wanted.reset_passwords;
            let (admin, admin_set) = user(identity, &domain, "admin", &admin_project, admin_hash, reset)?;
            let (demo, demo_set) = user(identity, &domain, "demo", &demo_project, demo_hash, reset)?;
            let grants = [
                (role("admin"), &admin, Target::Project(admin_project.clone())),
                (role("admin"), &admin, Target::System),
                (role("member"), &demo, Target::Project(demo_project.clone())),
            ];
            for (role_id, user_id, target) in grants {
                let Some(role_id) = role_id else { continue };
                let actor = Actor::User(user_id.clone());
                identity.assign_role(&Assignment { role_id, actor, target, inherited: false })?;
            }
            catalogue(identity, &wanted.regions)?;
            Ok(Bootstrapped { admin_project, demo_project, passwords_set: admin_set && demo_set })
        })
        .await
}

/// Brings the catalogue's regions and endpoints to those of the configuration.
pub(crate) async fn refresh_catalogue(store: &Store, config: &ApiConfig) -> Result<(), BootstrapError> {
    let regions = config.region_names();
    check_regions(&regions)?;
    let preview = PREVIEW.map(|(service, feature)| {
        let has = |region: &&crate::Region| config.preview && region.settings.features.contains(feature);
        (service, config.regions.iter().filter(has).map(|region| region.name.clone()).collect::<Vec<_>>())
    });
    let refresh = move |transaction: &mut Tx<'_>| {
        let identity = transaction.identity();
        catalogue(identity, &regions)?;
        preview.iter().try_for_each(|(service, regions)| offer(identity, *service, regions))?;
        Ok(())
    };
    store.write(refresh).await
}

fn check_regions(regions: &[String]) -> Result<(), BootstrapError> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match regions.iter().find(|name| name.is_empty() || name.starts_with('.') || !name.chars().all(good)) {
        Some(bad) => Err(BootstrapError::RegionName(bad.clone())),
        None => Ok(()),
    }
}

fn default_domain(identity: Identity<'_>) -> Result<DomainId, StoreError> {
    if let Some(domain) = identity.domain_named("Default")? {
        return Ok(domain.id);
    }
    let domain = Domain {
        // The id that clients write into their configuration without asking. It parses always.
        id: "default".parse().unwrap_or_else(|_| DomainId::random()),
        description: "The default domain".to_owned(),
        ..Domain::new("Default")
    };
    identity.put_domain(&domain)?;
    Ok(domain.id)
}

fn roles(identity: Identity<'_>) -> Result<Vec<(&'static str, RoleId)>, StoreError> {
    let mut known = Vec::new();
    for (name, _) in ROLES {
        let id = match identity.role_named(None, name)? {
            Some(role) => role.id,
            None => {
                let id = RoleId::random();
                let role = Role {
                    id: id.clone(),
                    name: name.to_owned(),
                    domain_id: None,
                    description: None,
                    immutable: Some(true),
                    extra: Map::new(),
                };
                identity.put_role(&role)?;
                id
            }
        };
        known.push((name, id));
    }
    for ((_, implied), (_, prior)) in ROLES.iter().zip(&known) {
        for (_, id) in known.iter().filter(|(name, _)| implied.contains(name)) {
            identity.imply_role(prior, id)?;
        }
    }
    Ok(known)
}

fn project(identity: Identity<'_>, domain: &DomainId, name: &str) -> Result<ProjectId, StoreError> {
    if let Some(project) = identity.project_named(domain, name)? {
        return Ok(project.id);
    }
    let project =
        Project { description: format!("The first project of {name}."), ..Project::new(domain.clone(), name) };
    identity.put_project(&project)?;
    Ok(project.id)
}

fn user(
    identity: Identity<'_>,
    domain: &DomainId,
    name: &str,
    project: &ProjectId,
    hash: String,
    reset: bool,
) -> Result<(UserId, bool), StoreError> {
    let mut user = match identity.user_named(domain, name)? {
        Some(user) if !reset => return Ok((user.id, false)),
        Some(user) => User { valid_from: clock::now(), ..user },
        None => User { default_project_id: Some(project.clone()), ..User::new(domain.clone(), name) },
    };
    user.password_hash = Some(hash);
    user.password_set_at = Some(clock::now());
    identity.put_user(&user)?;
    Ok((user.id, true))
}

/// Brings this server's own services and endpoints to what they should be. What came through the API
/// is left alone, and so is whether one of our own is enabled.
fn catalogue(identity: Identity<'_>, regions: &[String]) -> Result<(), StoreError> {
    let known = identity.regions()?;
    for name in regions.iter().filter(|name| known.iter().all(|region| region.id != **name)) {
        let (description, extra) = (String::new(), Map::new());
        identity.put_region(&Region { id: name.clone(), description, parent_region_id: None, extra })?;
    }
    SERVICES.into_iter().try_for_each(|service| offer(identity, service, regions))
}

/// Makes a service's endpoints those of these regions; without any, the service goes.
fn offer(identity: Identity<'_>, (kind, name, path): (&str, &str, &str), regions: &[String]) -> Result<(), StoreError> {
    let found = identity.services()?.into_iter().find(|service| service.configured && service.kind == kind);
    let service_id = match found {
        Some(service) if regions.is_empty() => return identity.delete_service(&service.id).map(drop),
        None if regions.is_empty() => return Ok(()),
        Some(service) => service.id,
        None => {
            let id = ServiceId::random();
            let (kind, name) = (kind.to_owned(), name.to_owned());
            let service = Service { id: id.clone(), kind, name, enabled: true, configured: true, extra: Map::new() };
            identity.put_service(&service)?;
            id
        }
    };
    let mut own = identity.endpoints()?;
    own.retain(|known| known.configured && known.service_id == service_id);
    let is_gone = |known: &Endpoint| known.region_id.as_ref().is_none_or(|region| !regions.contains(region));
    for gone in own.iter().filter(|known| is_gone(known)) {
        identity.delete_endpoint(&gone.id)?;
    }
    for region in regions {
        let url = path.replace("{region}", region);
        for interface in INTERFACES {
            let found =
                own.iter().find(|known| known.region_id.as_ref() == Some(region) && known.interface == interface);
            if found.is_some_and(|known| known.url == url) {
                continue;
            }
            identity.put_endpoint(&Endpoint {
                id: found.map_or_else(EndpointId::random, |known| known.id.clone()),
                service_id: service_id.clone(),
                region_id: Some(region.clone()),
                interface: interface.to_owned(),
                url: url.clone(),
                enabled: found.is_none_or(|known| known.enabled),
                configured: true,
                extra: found.map(|known| known.extra.clone()).unwrap_or_default(),
            })?;
        }
    }
    Ok(())
}

impl From<KeystoneError> for BootstrapError {
    fn from(error: KeystoneError) -> Self {
        Self::Password(error.to_string())
    }
}
