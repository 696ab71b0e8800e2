//! Why an operation was refused, in Neutron's words.
//!
//! The name of a variant is the `type` of the `NeutronError` body (`as` gives another name where
//! one type has several messages); beside it stand the HTTP status, the message, and after `=>` our
//! `detail`: field, value and the way out, which upstream leaves empty.

use std::net::IpAddr;

use model::{Feature, RequestError};
use store::StoreError;
use types::{Cidr, MacAddr, NetworkId, PortId, RouterId, SecurityGroupId, SecurityGroupRuleId, SubnetId};

macro_rules! kind {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $kind:literal) => {
        $kind
    };
}

macro_rules! errors {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident $(as $kind:literal)? { $($field:ident: $ty:ty),* } $status:literal $message:literal => $detail:literal;
    )+) => {
        /// Why an operation was refused.
        #[derive(Debug, thiserror::Error)]
        #[allow(missing_docs, reason = "the message names what each field is")]
        pub enum Error {
            $($(#[doc = $doc])+ #[error($message)] $name { $($field: $ty),* },)+
            /// What one feature's own operations refuse.
            #[error("{0}")]
            Feature(Box<dyn Refusal>),
            /// The request is not valid in itself.
            #[error(transparent)]
            Request(#[from] RequestError),
            /// The store failed; clients get no more than that.
            #[error("Request Failed: internal server error while processing your request.")]
            Store(#[from] StoreError),
        }

        impl Error {
            /// The HTTP status.
            #[must_use]
            pub fn status(&self) -> u16 {
                match self {
                    $(Self::$name { .. } => $status,)+
                    Self::Feature(refusal) => refusal.status(),
                    Self::Request(error) => error.status(),
                    Self::Store(error) if error.is_retryable() => 503,
                    Self::Store(_) => 500,
                }
            }

            /// The `type` of the `NeutronError` body.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => kind!($name $($kind)?),)+
                    Self::Feature(refusal) => refusal.kind(),
                    Self::Request(error) => error.kind(),
                    Self::Store(_) => "HTTPInternalServerError",
                }
            }

            /// The `detail` of the `NeutronError` body.
            #[must_use]
            #[allow(unused_variables, reason = "a detail need not repeat every field")]
            pub fn detail(&self) -> String {
                match self {
                    $(Self::$name { $($field),* } => format!($detail),)+
                    Self::Feature(refusal) => refusal.detail(),
                    Self::Request(error) => error.detail(),
                    Self::Store(_) => String::new(),
                }
            }
        }
    };
}

/// What a feature's own operations refuse: status, `type`, message and detail of an error body.
pub trait Refusal: std::error::Error + Send + Sync {
    /// The HTTP status.
    fn status(&self) -> u16;
    /// The `type` of the `NeutronError` body.
    fn kind(&self) -> &'static str;
    /// The `detail` of the `NeutronError` body.
    fn detail(&self) -> String;
}

/// Defines the errors of one feature, beside its operations, in the form of [`Error`]'s own.
macro_rules! refusals {
    ($enum:ident: $(
        $(#[doc = $doc:literal])+
        $name:ident $(as $kind:literal)? { $($field:ident: $ty:ty),* } $status:literal $message:literal => $detail:literal;
    )+) => {
        #[derive(Debug, thiserror::Error)]
        pub(crate) enum $enum {
            $($(#[doc = $doc])+ #[error($message)] $name { $($field: $ty),* },)+
        }

        impl $crate::error::Refusal for $enum {
            fn status(&self) -> u16 {
                match self {
                    $(Self::$name { .. } => $status,)+
                }
            }

            fn kind(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $crate::error::kind!($name $($kind)?),)+
                }
            }

            #[allow(unused_variables, reason = "a detail need not repeat every field")]
            fn detail(&self) -> String {
                match self {
                    $(Self::$name { $($field),* } => format!($detail),)+
                }
            }
        }

        impl From<$enum> for $crate::Error {
            fn from(refusal: $enum) -> Self {
                Self::Feature(Box::new(refusal))
            }
        }
    };
}

pub(crate) use {kind, refusals};

errors! {
    /// No such network, or not visible.
    NetworkNotFound { id: String } 404 "Network {id} could not be found."
        => "field: network_id, value: {id}; 'openstack network list' shows those that you may use.";
    /// No such subnet.
    SubnetNotFound { id: String } 404 "Subnet {id} could not be found."
        => "field: subnet_id, value: {id}; 'openstack subnet list' shows those that you may use.";
    /// No such port.
    PortNotFound { id: String } 404 "Port {id} could not be found."
        => "field: port_id, value: {id}; 'openstack port list' shows those that you may use.";
    /// No such router.
    RouterNotFound { id: String } 404 "Router {id} could not be found" => "field: router_id, value: {id}";
    /// No such floating IP.
    FloatingIPNotFound { id: String } 404 "Floating IP {id} could not be found" => "field: id, value: {id}";
    /// No such security group.
    SecurityGroupNotFound { id: String } 404 "Security group {id} does not exist"
        => "field: security_group_id, value: {id}; 'openstack security group list' shows those that you may use.";
    /// No such rule.
    SecurityGroupRuleNotFound { id: String } 404 "Security group rule {id} does not exist" => "field: id, value: {id}";
    /// No such attachment.
    AttachmentNotFound { id: String } 404 "Attachment {id} could not be found."
        => "field: id, value: {id}; 'baryon status' shows the attachments.";
    /// No such subnet pool.
    SubnetPoolNotFound { id: String } 404 "Subnet pool {id} could not be found."
        => "field: subnetpool_id, value: {id}; give a cidr.";
    /// A resource that is not there for this caller.
    HTTPNotFound {} 404 "The resource could not be found." => "";
    /// The region has not what the request uses.
    FeatureNotOffered { region: String, feature: Feature, attribute: String, elsewhere: String } 400
        "Region {region} does not offer {feature}." => "field: {attribute}. {elsewhere}";
    /// The object has no such tag.
    TagNotFound { tag: String } 404 "Tag {tag} could not be found." => "field: tag, value: {tag}";
    /// Tags of an object that does not exist.
    TagResourceNotFound { resource: &'static str, id: String } 404 "Resource {resource} {id} could not be found."
        => "field: id, value: {id}";
    /// A project without limits of its own.
    TenantQuotaNotFound { project: String } 404 "Quota for tenant {project} could not be found."
        => "The project has the default limits.";
    /// Not allowed.
    PolicyNotAuthorized { rule: String } 403 "{rule} is disallowed by policy"
        => "Ask an administrator, or leave the attribute out.";
    /// `If-Match` names another revision.
    RevisionNumberConstraintFailed { expected: u64, current: u64 } 412
        "Constrained to {expected}, but current revision is {current}"
        => "Show the object, and repeat the request with If-Match: revision_number={current}.";
    /// Something that only administrators may do.
    AdminRequired { reason: &'static str } 403 "User does not have admin privileges: {reason}."
        => "Ask an administrator.";
    /// A limit of the project.
    OverQuota { resources: String } 409 "Quota exceeded for resources: {resources}."
        => "'openstack quota show' shows the limits; delete something, or ask an administrator for more.";
    /// A value that the operation cannot accept.
    InvalidInput { message: String } 400 "Invalid input for operation: {message}." => "{message}";
    /// A request that the resource cannot accept.
    BadRequest { resource: &'static str, message: String } 400 "Bad {resource} request: {message}." => "{message}";

    /// More is in use than a new limit allows.
    QuotaBelowUsage as "HTTPBadRequest" { resource: &'static str, limit: i64, used: u64 } 400
        "Quota limit {limit} for {resource} must be greater than or equal to already used {used}"
        => "field: {resource}, value: {limit}; send force in place of check_limit to set it all the same.";

    /// Ports keep the network.
    NetworkInUse { network: NetworkId, ports: String } 409
        "Unable to complete operation on network {network}. There are one or more ports still in use on the network, \
         id for these ports is: {ports}."
        => "Delete these ports first: {ports}";
    /// Others use the shared network.
    InvalidSharedSetting { network: String } 409
        "Unable to reconfigure sharing settings for network {network}. Multiple tenants are using it."
        => "field: shared; other projects have ports on the network.";
    /// Gateways or floating IPs keep the network external.
    ExternalNetworkInUse { network: NetworkId } 409
        "External network {network} cannot be updated to be made non-external, since it has existing gateway ports."
        => "field: router:external; clear the routers' gateways and delete the floating IPs first.";
    /// The VLAN has a network.
    VlanIdInUse { vlan: u32, physical_network: String } 409
        "Unable to create the network. The VLAN {vlan} on physical network {physical_network} is in use."
        => "field: provider:segmentation_id, value: {vlan}";
    /// The physical network has a flat network.
    FlatNetworkInUse { physical_network: String } 409
        "Unable to create the flat network. Physical network {physical_network} is in use."
        => "field: provider:physical_network, value: {physical_network}";
    /// The virtual network identifier has a network.
    TunnelIdInUse { id: u32 } 409 "Unable to create the network. The tunnel ID {id} is in use."
        => "field: provider:segmentation_id, value: {id}";
    /// Nothing is left to give to a network.
    NoNetworkAvailable {} 503 "Unable to create the network. No tenant network is available for allocation."
        => "All segment ids are in use.";

    /// Ports keep the subnet.
    SubnetInUse { subnet: SubnetId } 409
        "Unable to complete operation on subnet {subnet}: One or more ports have an IP allocation from this subnet."
        => "'openstack port list --fixed-ip subnet={subnet}' shows the ports.";
    /// The network's packets are too small for the IP version.
    NetworkMTUSubnetConflict { network: NetworkId, minimum: u32 } 409
        "MTU of {network} is not valid, subnet requires a minimum of {minimum}"
        => "field: mtu; IPv4 needs 68 and IPv6 1280 bytes.";
    /// The gateway address lies in a pool.
    GatewayConflictWithAllocationPools { gateway: IpAddr, pool: String } 409
        "Gateway ip {gateway} conflicts with allocation pool {pool}."
        => "fields: gateway_ip and allocation_pools; take the address out of the pool.";
    /// Two pools share addresses.
    OverlappingAllocationPools { first: String, second: String, cidr: Cidr } 409
        "Found overlapping allocation pools: {first} {second} for subnet {cidr}." => "field: allocation_pools";
    /// A pool leaves the subnet.
    OutOfBoundsAllocationPool { pool: String, cidr: Cidr } 400
        "The allocation pool {pool} spans beyond the subnet cidr {cidr}." => "field: allocation_pools, value: {pool}";
    /// A pool whose end is before its start.
    InvalidAllocationPool { pool: String } 400 "The allocation pool {pool} is not valid."
        => "field: allocation_pools, value: {pool}";
    /// A router's interface has the gateway address.
    GatewayIpInUse { address: IpAddr, port: PortId } 409
        "Current gateway ip {address} already in use by port {port}. Unable to update."
        => "field: gateway_ip; remove the router's interface first.";
    /// Too many resolvers.
    DNSNameServersExhausted { subnet: String, limit: usize } 400
        "Unable to complete operation for {subnet}. The number of DNS nameservers exceeds the limit {limit}."
        => "field: dns_nameservers";
    /// Too many host routes.
    HostRoutesExhausted { subnet: String, limit: usize } 400
        "Unable to complete operation for {subnet}. The number of host routes exceeds the limit {limit}."
        => "field: host_routes";

    /// Another port of the network has the MAC address.
    MacAddressInUse { network: NetworkId, mac: MacAddr } 409
        "Unable to complete operation for network {network}. The mac address {mac} is in use."
        => "field: mac_address, value: {mac}; leave it out to get one.";
    /// Another port has the address.
    IpAddressAlreadyAllocated { address: IpAddr, subnet: SubnetId } 409
        "IP address {address} already allocated in subnet {subnet}"
        => "field: ip_address, value: {address}; 'openstack port list --fixed-ip ip-address={address}' shows the port.";
    /// The network's pools are empty.
    IpAddressGenerationFailure { network: NetworkId } 409 "No more IP addresses available on network {network}."
        => "Enlarge the allocation pools, or delete ports.";
    /// The subnet's pools are empty.
    IpAddressGenerationFailureForSubnet as "IpAddressGenerationFailure" { subnet: SubnetId } 409
        "No more IP addresses available for subnet {subnet}." => "Enlarge the allocation pools, or delete ports.";
    /// The address is in no subnet of the network.
    InvalidIpForNetwork { address: IpAddr } 400
        "IP address {address} is not a valid IP for any of the subnets on the specified network."
        => "field: fixed_ips, value: {address}";
    /// The address is not in the subnet.
    InvalidIpForSubnet { address: IpAddr } 400 "IP address {address} is not a valid IP for the specified subnet."
        => "field: fixed_ips, value: {address}";
    /// The port is this service's own.
    ServicePortInUse { port: PortId, owner: String } 409
        "Port {port} cannot be deleted directly via the port API: has device owner {owner}."
        => "Remove the router's interface or gateway, or delete the floating IP.";
    /// The port belongs to a device.
    PortInUse { port: PortId, network: NetworkId, device: String } 409
        "Unable to complete operation on port {port} for network {network}. Port already has an attached device {device}."
        => "field: device_id, value: {device}; detach the device first.";
    /// The MAC address of a connected port cannot change.
    PortBound { port: PortId, vif_type: String, old_mac: MacAddr, new_mac: MacAddr } 409
        "Unable to complete operation on port {port}, port is already bound, port type: {vif_type}, old_mac {old_mac}, \
         new_mac {new_mac}."
        => "field: mac_address; detach the server first.";
    /// Security groups need port security.
    PortSecurityAndIPRequiredForSecurityGroups {} 400
        "Port security must be enabled and port must have an IP address in order to use security groups."
        => "fields: port_security_enabled and security_groups";
    /// Security groups keep port security on.
    PortSecurityPortHasSecurityGroup {} 409
        "Port has security group associated. Cannot disable port security or IP address until security group is removed."
        => "Send security_groups: [] in the same request.";
    /// Address pairs need port security.
    AddressPairAndPortSecurityRequired {} 409
        "Port Security must be enabled in order to have allowed address pairs on a port."
        => "fields: port_security_enabled and allowed_address_pairs";

    /// Interfaces keep the router.
    RouterInUse { router: RouterId, ports: String } 409 "Router {router} has ports still attached: {ports}"
        => "Remove the router's interfaces first.";
    /// The router has no interface on the subnet.
    RouterInterfaceNotFoundForSubnet { router: RouterId, subnet: SubnetId } 404
        "Router {router} has no interface on subnet {subnet}" => "field: subnet_id, value: {subnet}";
    /// The port is no interface of the router.
    RouterInterfaceNotFound { router: RouterId, port: PortId } 404
        "Router {router} does not have an interface with id {port}" => "field: port_id, value: {port}";
    /// Floating IPs need the interface.
    RouterInterfaceInUseByFloatingIP { router: RouterId, subnet: SubnetId } 409
        "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is required by one or more \
         floating IPs."
        => "Disassociate the floating IPs of the subnet's ports first.";
    /// Routes need the interface.
    RouterInterfaceInUseByRoute { router: RouterId, subnet: SubnetId } 409
        "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is required by one or more \
         routes."
        => "Remove the routes by next hops of the subnet first.";
    /// Floating IPs need the gateway.
    RouterExternalGatewayInUseByFloatingIp { router: RouterId, network: NetworkId } 409
        "Gateway cannot be updated for router {router}, since a gateway to external network {network} is required by \
         one or more floating IPs."
        => "Disassociate the router's floating IPs first.";
    /// A route that the router cannot have.
    InvalidRoutes { routes: String, reason: &'static str } 400 "Invalid format for routes: {routes}, {reason}"
        => "field: routes; the next hop must be an address on a subnet of the router, other than its own.";

    /// No router connects the port with the external network.
    ExternalGatewayForFloatingIPNotFound { network: NetworkId, subnet: SubnetId, port: PortId } 404
        "External network {network} is not reachable from subnet {subnet}.  Therefore, cannot associate Port {port} with \
         a Floating IP."
        => "Connect the subnet to a router that has its gateway on the external network.";
    /// The address has a floating IP.
    FloatingIPPortAlreadyAssociated { address: IpAddr, id: String, port: PortId, fixed: IpAddr, network: NetworkId } 409
        "Cannot associate floating IP {address} ({id}) with port {port} using fixed IP {fixed}, as that fixed IP already \
         has a floating IP on external network {network}."
        => "field: port_id, value: {port}";

    /// Every project has one default group.
    SecurityGroupDefaultAlreadyExists {} 409 "Default security group already exists." => "field: name, value: default";
    /// Ports keep the group.
    SecurityGroupInUse { id: SecurityGroupId } 409 "Security Group {id} in use."
        => "'openstack port list --security-group {id}' shows the ports.";
    /// The default group stays.
    SecurityGroupCannotRemoveDefault {} 409 "Insufficient rights for removing default security group."
        => "Every project has its default group.";
    /// The default group keeps its name.
    SecurityGroupCannotUpdateDefault {} 409 "Updating default security group not allowed." => "field: name";
    /// A port's groups either all remember connections, or none does.
    SecurityGroupConflict {} 409
        "Error Cannot apply both stateful and stateless security groups on the same port while attempting the operation."
        => "field: security_groups; give groups with the same value of stateful.";
    /// The rule is there.
    SecurityGroupRuleExists { id: SecurityGroupRuleId } 409
        "Security group rule already exists. Rule id is {id}." => "The rule {id} does the same.";
    /// Ports without a protocol.
    SecurityGroupProtocolRequiredWithPorts {} 400 "Must also specify protocol if port range is given."
        => "field: protocol";
    /// A range that is empty.
    SecurityGroupInvalidPortRange {} 400 "For TCP/UDP protocols, port_range_min must be <= port_range_max"
        => "fields: port_range_min and port_range_max; give both.";
    /// A port that no packet has.
    SecurityGroupInvalidPortValue { port: u16 } 400 "Invalid value for port {port}"
        => "fields: port_range_min and port_range_max, value: {port}";
    /// A type or code that no packet has.
    SecurityGroupInvalidIcmpValue { field: &'static str, attribute: &'static str, value: u16 } 400
        "Invalid value for ICMP {field} ({attribute}) {value}. It must be 0 to 255."
        => "field: {attribute}, value: {value}";
    /// A code without a type.
    SecurityGroupMissingIcmpType { value: u16 } 400
        "ICMP code (port-range-max) {value} is provided but ICMP type (port-range-min) is missing."
        => "field: port_range_min";
    /// Ports of a protocol that has none.
    SecurityGroupInvalidProtocolForPort { protocol: String } 400
        "Invalid protocol {protocol} for port range, only supported for TCP, UDP, UDPLITE, SCTP and DCCP."
        => "fields: port_range_min and port_range_max; leave them out.";
    /// A protocol of the other IP version.
    SecurityGroupEthertypeConflictWithProtocol { ethertype: &'static str, protocol: String } 400
        "Invalid ethertype {ethertype} for protocol {protocol}." => "fields: ethertype and protocol";
    /// A prefix of the other IP version.
    SecurityGroupRuleParameterConflict { ethertype: &'static str, cidr: String } 400
        "Conflicting value ethertype {ethertype} for CIDR {cidr}" => "fields: ethertype and remote_ip_prefix";
    /// Two kinds of other side.
    SecurityGroupRemoteGroupAndRemoteIpPrefix {} 400 "Only remote_ip_prefix or remote_group_id may be provided."
        => "Leave one of the two out, or make two rules.";

    /// The port has an attachment.
    PortAlreadyAttached { port: PortId, attachment: String } 409
        "Port {port} is already attached (attachment {attachment})."
        => "field: port_id; 'baryon detach {port}' detaches it.";
    /// The device has an attachment.
    DeviceAlreadyAttached { device: String, attachment: String } 409
        "Device {device} is already attached (attachment {attachment})."
        => "field: target, value: {device}; detach it first, or name another interface.";
}

impl Error {
    /// An [`Error::InvalidInput`].
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidInput { message: message.into() }
    }

    /// An [`Error::PolicyNotAuthorized`].
    pub(crate) fn forbidden(rule: impl Into<String>) -> Self {
        Self::PolicyNotAuthorized { rule: rule.into() }
    }

    /// An [`Error::BadRequest`].
    pub(crate) fn bad(resource: &'static str, message: impl Into<String>) -> Self {
        Self::BadRequest { resource, message: message.into() }
    }
}
