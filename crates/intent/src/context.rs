//! Who asks, and where.

use std::sync::Arc;

use model::{Feature, Features, QuotaDefaults, ResourceInfo, view::Viewer};
use store::Scope;
use types::{ProjectId, UserId};

/// What operations need to know of a region's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The names of the physical networks.
    pub physical_networks: Vec<String>,
    /// The domain of ports' names, without or with its last dot.
    pub dns_domain: String,
    /// The MTU of networks that name none, and the most that one may ask for.
    pub mtu: u32,
    /// The name of this host, for attachments that name none.
    pub host: String,
    /// Further names by which a compute service calls this host.
    pub other_hosts: Vec<String>,
    /// What the region has; what it lacks is refused by name.
    pub features: Features,
    /// The limits of projects that have none of their own.
    pub quotas: QuotaDefaults,
    /// What every region of this cloud has, by their names, so that a refusal can say where to go.
    pub cloud: Vec<(String, Features)>,
}

impl Default for Settings {
    fn default() -> Self {
        // Networks of one host are not encapsulated, so Ethernet's own MTU is theirs.
        Self {
            physical_networks: vec!["public".to_owned()],
            dns_domain: "openstacklocal.".to_owned(),
            mtu: 1500,
            host: "localhost".to_owned(),
            other_hosts: Vec::new(),
            features: Features::all(),
            quotas: QuotaDefaults::default(),
            cloud: Vec::new(),
        }
    }
}

impl Settings {
    /// Whether a name is one of this host's.
    #[must_use]
    pub fn is_host(&self, name: &str) -> bool {
        self.host == name || self.other_hosts.iter().any(|other| other == name)
    }

    /// Where a feature is to be had, as a sentence.
    #[must_use]
    pub fn regions_with(&self, feature: Feature) -> String {
        let names: Vec<_> =
            self.cloud.iter().filter(|(_, has)| has.contains(feature)).map(|(name, _)| name.as_str()).collect();
        match names.as_slice() {
            [] => "No region of this cloud offers it.".to_owned(),
            names => format!("Regions that offer it: {}.", names.join(", ")),
        }
    }
}

/// An authenticated request.
#[derive(Debug, Clone)]
pub struct Context {
    /// The project that the token is scoped to.
    pub project_id: ProjectId,
    /// The user.
    pub user_id: UserId,
    /// The user's roles in the project.
    pub roles: Vec<String>,
    /// Whether the user is an administrator: sees and changes everything.
    pub is_admin: bool,
    /// The region that the request is for.
    pub region: String,
    /// The request's id, for logs.
    pub request_id: String,
    /// The region's configuration.
    pub settings: Arc<Settings>,
}

/// The roles that may change something; `reader` and `viewer` may not.
const WRITERS: [&str; 4] = ["admin", "manager", "member", "operator"];

impl Context {
    /// This service itself, acting in a region.
    #[must_use]
    pub fn internal(region: &str, project_id: ProjectId, settings: Arc<Settings>) -> Self {
        Self {
            project_id,
            user_id: UserId::random(),
            roles: vec!["admin".to_owned()],
            is_admin: true,
            region: region.to_owned(),
            request_id: "req-internal".to_owned(),
            settings,
        }
    }

    /// Whether the user may change anything.
    #[must_use]
    pub fn may_write(&self) -> bool {
        self.is_admin || self.roles.iter().any(|role| WRITERS.contains(&role.to_ascii_lowercase().as_str()))
    }

    /// How the user sees the objects of a resource.
    #[must_use]
    pub fn viewer(&self, info: &'static ResourceInfo) -> Viewer {
        Viewer::new(info, self.is_admin, self.settings.features)
    }

    /// Whose objects the user sees.
    #[must_use]
    pub fn scope(&self) -> Scope<'_> {
        if self.is_admin { Scope::All } else { Scope::Project(&self.project_id) }
    }

    /// Whether the user acts for the project, or for all.
    #[must_use]
    pub fn owns(&self, project: &ProjectId) -> bool {
        self.is_admin || *project == self.project_id
    }
}
