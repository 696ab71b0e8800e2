//! The roles: what the processes that `baryon up` starts do.

mod agent;
mod api;
mod services;

use crate::{cli::RoleName, error::Result, role::Announcement};

/// Runs a role until its supervisor ends it.
pub(crate) fn run(role: RoleName) -> Result<()> {
    let result = match role {
        RoleName::Api => api::run(),
        RoleName::Agent => agent::run(),
        // Its parent is the agent, which speaks to it in another way.
        RoleName::Services => return services::run(),
    };
    match result {
        Err(error) => {
            let told = Announcement::Failed { message: error.to_string() }.send();
            // Without a supervisor that listens, standard error is the place.
            told.map_or(Err(error), |()| Err(crate::Error::Told))
        }
        ok => ok,
    }
}
