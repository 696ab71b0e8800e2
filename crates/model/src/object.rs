//! Objects of any resource, for the change log and the compiler.

use std::{fmt, sync::Arc};

use types::{AttachmentId, FloatingIpId, NetworkId, PortId, RouterId, SecurityGroupId, SecurityGroupRuleId, SubnetId};

use crate::{
    Attachment, FloatingIp, Network, Port, Resource, ResourceInfo, Router, SecurityGroup, SecurityGroupRule, Subnet,
};

macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident($id:ty),)*) => {
        /// An object of one of the resources that the datapath depends on.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Object {
            $($(#[$doc])* $name(Arc<$name>),)*
        }

        /// The name of an object.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ObjectKey {
            $($(#[$doc])* $name($id),)*
        }

        impl Object {
            /// Its name.
            #[must_use]
            pub fn key(&self) -> ObjectKey {
                match self {
                    $(Self::$name(object) => ObjectKey::$name(object.id),)*
                }
            }
        }

        impl ObjectKey {
            /// The resource that it is an object of.
            #[must_use]
            pub fn info(&self) -> &'static ResourceInfo {
                match self {
                    $(Self::$name(_) => $name::INFO,)*
                }
            }

            /// The name of the object of that resource, by the text of its id.
            #[must_use]
            pub fn parse(member: &str, id: &str) -> Option<Self> {
                $(if member == $name::INFO.member {
                    return id.parse().ok().map(Self::$name);
                })*
                None
            }

            /// The id's text.
            #[must_use]
            pub fn id(&self) -> String {
                match self {
                    $(Self::$name(id) => id.to_string(),)*
                }
            }
        }

        $(
            impl From<$name> for Object {
                fn from(object: $name) -> Self {
                    Self::$name(Arc::new(object))
                }
            }

            impl From<$id> for ObjectKey {
                fn from(id: $id) -> Self {
                    Self::$name(id)
                }
            }
        )*
    };
}

objects! {
    /// A network.
    Network(NetworkId),
    /// A subnet.
    Subnet(SubnetId),
    /// A port.
    Port(PortId),
    /// A router.
    Router(RouterId),
    /// A floating IP.
    FloatingIp(FloatingIpId),
    /// A security group.
    SecurityGroup(SecurityGroupId),
    /// A rule of a security group.
    SecurityGroupRule(SecurityGroupRuleId),
    /// An attachment.
    Attachment(AttachmentId),
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.info().member, self.id())
    }
}
