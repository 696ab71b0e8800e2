//! The words of the field, as types.
//!
//! Every other crate speaks in these: an id of a port is not an id of a router, a MAC address is
//! not six loose bytes. A value that exists is valid, so nobody checks it twice; parsing is the
//! only way in, and its error names the value.
//!
//! Deliberately absent: anything that knows JSON bodies, SQL or packets.

#![forbid(unsafe_code)]

mod address;
mod id;
mod port_range;
mod protocol;

pub use address::{Cidr, MacAddr, ParseAddressError};
pub use id::{
    AccessRuleId, AddressScopeId, ApplicationCredentialId, AttachmentId, ConntrackHelperId, ConsumerId, CredentialId,
    DomainId, EndpointGroupId, EndpointId, FloatingIpId, GroupId, LimitId, NetworkId, ParseIdError, PolicyId, PortId,
    ProjectId, RegisteredLimitId, RoleId, RouterId, SecurityGroupId, SecurityGroupRuleId, ServiceId, SubnetId,
    SubnetPoolId, TrustId, UserId,
};
pub use port_range::{PortRange, PortRangeError};
pub use protocol::{Direction, IpVersion, ParseProtocolError, Protocol};
