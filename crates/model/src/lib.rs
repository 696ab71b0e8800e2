//! The resources of the cloud network, each defined once.
//!
//! A resource is one file: a struct whose fields carry their meaning, and one line per field that
//! says what the API needs to know about it (may it be given on create and changed on update, its
//! default and rule, who sees and sets it). [`resource::resource!`](crate::network) makes two
//! structs and a table of that; everything else is ordinary code over the table:
//!
//! - [`request`]: a JSON body becomes a typed patch, or the error that Neutron would answer;
//! - [`query`]: the parameters of a list;
//! - [`view`]: stored values become what a client sees;
//! - `store` reads and writes rows by the same table, and `intent` adds the behaviour.
//!
//! Three forms of one object exist. The *struct* ([`Port`]) is whole and valid: the compiler and
//! the operations use it. The *patch* ([`PortPatch`]) is what a request asks for. The [`Body`] is
//! the struct under the API's names, on its way from a row to a client.
//!
//! Adding an attribute is one line here and one statement of a migration. Deliberately absent: SQL,
//! HTTP, and any rule that needs to see a second object.

#![forbid(unsafe_code)]

pub mod attachment;
pub mod attribute;
pub mod conntrack_helper;
mod error;
pub mod extension;
pub mod feature;
pub mod floating_ip;
pub mod network;
mod object;
pub mod port;
pub mod python;
pub mod query;
pub mod quota;
pub mod record;
pub mod registry;
pub mod request;
mod resource;
pub mod router;
pub mod row;
pub mod security_group;
pub mod security_group_rule;
mod server_event;
pub mod subnet;
mod timestamp;
pub mod validate;
pub mod view;

pub use attachment::{Attachment, AttachmentPatch, AttachmentTarget};
pub use attribute::{Attribute, Column, Constant, Kind, Who};
pub use conntrack_helper::{ConntrackHelper, ConntrackHelperPatch};
pub use error::RequestError;
pub use feature::{Feature, Features, ParseFeatureError, Profile};
pub use floating_ip::{FloatingIp, FloatingIpPatch};
pub use network::{Network, NetworkPatch};
pub use object::{Object, ObjectKey};
pub use port::{AddressPair, AddressPairRequest, DhcpOption, FixedIp, FixedIpRequest, Port, PortPatch};
pub use query::ListQuery;
pub use quota::{Quota, QuotaDefaults, QuotaError};
pub use record::Record;
pub use request::Request;
pub use resource::{Body, Patch, Resource, ResourceInfo};
pub use router::{ExternalGateway, ExtraRoute, GatewayRequest, Router, RouterPatch};
pub use row::{Cell, Fields, Row};
pub use security_group::{SecurityGroup, SecurityGroupPatch};
pub use security_group_rule::{EtherType, SecurityGroupRule, SecurityGroupRulePatch};
pub use server_event::{ServerEvent, ServerEventKind};
pub use subnet::{AllocationPool, HostRoute, Ipv6Mode, Subnet, SubnetPatch};
pub use timestamp::Timestamp;

#[cfg(test)]
mod tests;
