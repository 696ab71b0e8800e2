//! The list of resources.

use crate::{
    Attachment, ConntrackHelper, FloatingIp, Network, Port, Resource, ResourceInfo, Router, SecurityGroup,
    SecurityGroupRule, Subnet,
};

macro_rules! registry {
    ($($name:ident,)+) => {
        /// Every resource. Routes, sweeps and documents follow this list.
        pub static RESOURCES: &[&ResourceInfo] = &[$($name::INFO),+];

        /// Does something for the type of each resource.
        #[cfg(test)]
        pub(crate) fn for_each(work: &impl ForEach) {
            $(work.of::<$name>();)+
        }
    };
}

/// What is to be done for each resource.
#[cfg(test)]
pub(crate) trait ForEach {
    /// For this one.
    fn of<R: Resource>(&self);
}

registry! {
    Network,
    Subnet,
    Port,
    Router,
    FloatingIp,
    SecurityGroup,
    SecurityGroupRule,
    Attachment,
    ConntrackHelper,
}

/// The resource at a path below `/v2.0`.
#[must_use]
pub fn by_path(path: &str) -> Option<&'static ResourceInfo> {
    RESOURCES.iter().copied().find(|info| info.path == path)
}
