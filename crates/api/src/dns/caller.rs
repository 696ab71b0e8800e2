//! For whom a request is: the caller's own project, another one, or all.

use types::ProjectId;

use super::DnsError;
use crate::{edge::Request, identity::Caller};

/// The headers by which an administrator acts for another project; the second is the older name.
const SUDO: [&str; 2] = ["x-auth-sudo-project-id", "x-auth-sudo-tenant-id"];
/// The header, and the names in the query, by which an administrator acts for all projects.
const ALL_PROJECTS: &str = "x-auth-all-projects";
const ALL_PROJECTS_QUERY: [&str; 2] = ["all_projects", "all_tenants"];

/// Who asks, and for whom.
pub(super) struct Acting {
    /// The project.
    pub(super) project: ProjectId,
    /// Whether other projects are meant too.
    pub(super) all_projects: bool,
    /// Whether the caller may change what only administrators may.
    pub(super) is_admin: bool,
}

/// What upstream's services take for yes.
fn says_yes(text: &str) -> bool {
    ["1", "t", "true", "on", "y", "yes"].contains(&text.trim().to_ascii_lowercase().as_str())
}

impl Acting {
    /// Reads the headers. Those that only administrators may send are refused before anything else.
    pub(super) fn of(request: &Request, caller: &Caller) -> Result<Self, DnsError> {
        let own = caller.project().ok_or(DnsError::Forbidden)?.id.clone();
        let is_admin = caller.is_admin();
        let sudo = SUDO.into_iter().find_map(|name| request.header(name));
        let query = ALL_PROJECTS_QUERY.into_iter().filter_map(|name| request.query.first(name)).next_back();
        let all_projects = query.or(request.header(ALL_PROJECTS)).is_some_and(says_yes);
        if (sudo.is_some() || all_projects) && !is_admin {
            return Err(DnsError::ForbiddenHeader);
        }
        let project = match sudo {
            Some(id) => id.parse().map_err(|_| DnsError::InvalidProject(id.to_owned()))?,
            None => own,
        };
        Ok(Self { project, all_projects, is_admin })
    }

    /// Whether something of a project may be asked for.
    pub(super) fn includes(&self, project: &ProjectId) -> bool {
        self.all_projects || self.project == *project
    }
}
