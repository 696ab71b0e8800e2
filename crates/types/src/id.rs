//! Typed identifiers: UUIDs that cannot be mistaken for one another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A string that is not a UUID where one is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a valid UUID")]
pub struct ParseIdError(pub String);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new random id (UUID version 4).
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError(text.to_owned()))
            }
        }
    )*};
}

ids! {
    /// A network: an isolated L2 segment.
    NetworkId,
    /// A subnet: an address range of a network.
    SubnetId,
    /// A subnet pool, from which subnets may take their prefix.
    SubnetPoolId,
    /// An address scope: the subnet pools in it do not overlap and route without NAT.
    AddressScopeId,
    /// A port: one device's place on a network.
    PortId,
    /// A router between subnets and an external network.
    RouterId,
    /// A floating IP.
    FloatingIpId,
    /// A security group.
    SecurityGroupId,
    /// A rule of a security group.
    SecurityGroupRuleId,
    /// An attachment: the device of a server that a port is connected to.
    AttachmentId,
    /// A helper for a protocol whose connections open others.
    ConntrackHelperId,
}

macro_rules! keystone_ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        ///
        /// Keystone writes its ids as 32 hexadecimal digits, and an external Keystone may hand out
        /// other strings (LDAP users have 64 digits), so it is an opaque text of 1 to 64 characters.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new random id in Keystone's own form.
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v4().simple().to_string())
            }

            /// The text of the id.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                if (1..=64).contains(&text.len()) && text.chars().all(good) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(ParseIdError(text.to_owned()))
                }
            }
        }
    )*};
}

keystone_ids! {
    /// A project (tenant).
    ProjectId,
    /// A user.
    UserId,
    /// A group of users.
    GroupId,
    /// A domain of projects and users.
    DomainId,
    /// A role: what a user may do in a project, a domain or the whole cloud.
    RoleId,
    /// A service of the catalogue.
    ServiceId,
    /// Where a service is reached.
    EndpointId,
    /// A group of endpoints, chosen by filters.
    EndpointGroupId,
    /// A text that services fetch as their policy.
    PolicyId,
    /// How much of something there is by default.
    RegisteredLimitId,
    /// How much of something one project or domain may have.
    LimitId,
    /// An application credential: a secret that lets a program act for a user in one project.
    ApplicationCredentialId,
    /// An access rule: a request that an application credential may make.
    AccessRuleId,
    /// A trust: roles of one user that another user may use.
    TrustId,
    /// A credential that Keystone keeps for others: a pair of EC2 keys, a certificate.
    CredentialId,
    /// A consumer: a program that asks users for their rights by OAuth.
    ConsumerId,
}

impl ProjectId {
    /// The owner of what no project owns: the ports of routers' gateways and of floating IPs, which
    /// Neutron shows with an empty project.
    #[must_use]
    pub const fn unowned() -> Self {
        Self(String::new())
    }
}
