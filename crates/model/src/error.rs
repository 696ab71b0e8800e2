//! What can be wrong with a request before any object is looked at.

use serde_json::Value;

use crate::python;

/// A request that is not valid in itself. The messages are those of Neutron, word by word.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// The body has no member of the resource's name.
    #[error("Unable to find '{member}' in request body")]
    NoMember {
        /// The name that the body must have.
        member: &'static str,
    },
    /// The body is no JSON object of the form that is asked for.
    #[error("Body contains invalid data")]
    Malformed,
    /// Members that the resource does not have.
    #[error("Unrecognized attribute(s) '{}'", names.join(", "))]
    Unrecognized {
        /// Their names.
        names: Vec<String>,
    },
    /// An attribute that only this service sets.
    #[error("Attribute '{name}' not allowed in POST")]
    NotInPost {
        /// Its name.
        name: String,
    },
    /// An attribute that cannot change.
    #[error("Cannot update read-only attribute {name}")]
    ReadOnly {
        /// Its name.
        name: String,
    },
    /// An attribute without which the object cannot be created.
    #[error("Failed to parse request. Required attribute '{name}' not specified")]
    Required {
        /// Its name.
        name: &'static str,
    },
    /// A value that breaks the attribute's rule.
    #[error("Invalid input for {name}. Reason: {reason}.")]
    Invalid {
        /// The attribute.
        name: String,
        /// The rule that it breaks.
        reason: String,
        /// The value.
        value: Value,
    },
    /// A value that cannot be converted to the attribute's type.
    #[error("Invalid input for operation: {reason}.")]
    Conversion {
        /// The attribute.
        name: String,
        /// Why not.
        reason: String,
        /// The value.
        value: Value,
    },
    /// An attribute of a feature that this service does not have, with a value that would use it.
    #[error("Invalid input for operation: {name} '{}' is not supported by this service.", python::text(value))]
    Unsupported {
        /// The attribute.
        name: String,
        /// The value.
        value: Value,
    },
    /// Another project's id from somebody who is no administrator.
    #[error(
        "Specifying 'project_id' other than the authenticated project in request is not allowed for the current user."
    )]
    OtherProject {
        /// The other project.
        project: String,
    },
    /// An IP protocol without a name here.
    #[error(
        "Security group rule protocol {value} not supported. Only protocol values (None, 'any', 'ah', 'dccp', 'egp', \
         'esp', 'gre', 'hopopt', 'icmp', 'igmp', 'ip', 'ipip', 'ipv6-encap', 'ipv6-frag', 'ipv6-icmp', 'icmpv6', \
         'ipv6-nonxt', 'ipv6-opts', 'ipv6-route', 'ospf', 'pgm', 'rsvp', 'sctp', 'tcp', 'udp', 'udplite', 'vrrp') \
         and integer representations [0 to 255] are supported."
    )]
    Protocol {
        /// The value.
        value: String,
    },
    /// An ether type that is neither IPv4 nor IPv6.
    #[error("Security group rule for ethertype '{value}' not supported. Allowed values are ['IPv4', 'IPv6'].")]
    EtherType {
        /// The value.
        value: String,
    },
    /// A port that is no number from 0 to 65535.
    #[error("Invalid value for port {value}")]
    PortValue {
        /// The value.
        value: String,
    },
    /// A remote prefix that is no CIDR.
    #[error("Invalid CIDR {value} given as IP prefix.")]
    Prefix {
        /// The value.
        value: String,
    },
    /// An allowed address pair without addresses.
    #[error("AllowedAddressPair must contain ip_address")]
    PairWithoutAddress,
    /// The same allowed address pair twice.
    #[error("Request contains duplicate address pair: mac_address {mac_address} ip_address {ip_address}.")]
    DuplicatePair {
        /// Its MAC address.
        mac_address: String,
        /// Its addresses.
        ip_address: String,
    },
    /// More allowed address pairs than a port may have.
    #[error("The number of allowed address pair exceeds the maximum {maximum}.")]
    TooManyPairs {
        /// The most that a port may have.
        maximum: usize,
    },
    /// A limit of a list that is no number.
    #[error("Bad limit request: Limit must be an integer 0 or greater and not '{value}'.")]
    Limit {
        /// The value.
        value: String,
    },
    /// A sort key that is no attribute, or cannot be sorted by.
    #[error("[{}] is invalid attribute for sort_keys", quoted(names))]
    SortKey {
        /// The keys.
        names: Vec<String>,
    },
    /// A sort direction that is neither `asc` nor `desc`.
    #[error("[{}] is invalid value for sort_dirs, valid value is 'asc' and 'desc'", quoted(values))]
    SortDirection {
        /// The directions.
        values: Vec<String>,
    },
    /// Not as many directions as keys.
    #[error("The number of sort_keys and sort_dirs must be same")]
    SortCount,
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

impl RequestError {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::TooManyPairs { .. } => 409,
            _ => 400,
        }
    }

    /// The `type` of the `NeutronError` body.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Conversion { .. } | Self::Unsupported { .. } => "InvalidInput",
            Self::Protocol { .. } => "SecurityGroupRuleInvalidProtocol",
            Self::EtherType { .. } => "SecurityGroupRuleInvalidEtherType",
            Self::PortValue { .. } => "SecurityGroupInvalidPortValue",
            Self::Prefix { .. } => "InvalidCIDR",
            Self::PairWithoutAddress => "AllowedAddressPairsMissingIP",
            Self::DuplicatePair { .. } => "DuplicateAddressPairInRequest",
            Self::TooManyPairs { .. } => "AllowedAddressPairExhausted",
            Self::Limit { .. } => "BadRequest",
            _ => "HTTPBadRequest",
        }
    }

    /// The `detail` of the `NeutronError` body: the field, the value and the way out, which
    /// upstream leaves empty.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::NoMember { member } => format!("The body must be {{\"{member}\": {{...}}}}."),
            Self::Malformed => "The body must be a JSON object.".to_owned(),
            Self::Unrecognized { names } => {
                format!("Remove {} from the body, or look at the extensions that this region offers.", names.join(", "))
            }
            Self::NotInPost { name } | Self::ReadOnly { name } => {
                format!("{name} is set by the service; leave it out of the body.")
            }
            Self::Required { name } => format!("Give {name} in the body."),
            Self::Invalid { name, value, .. } | Self::Conversion { name, value, .. } => {
                format!("field: {name}, value: {}", shortened(value))
            }
            Self::Unsupported { name, .. } => format!("Leave {name} out of the body."),
            Self::OtherProject { project } => {
                format!("field: project_id, value: {project}; leave it out, or ask an administrator.")
            }
            Self::Protocol { value } => format!("field: protocol, value: {value}"),
            Self::EtherType { value } => format!("field: ethertype, value: {value}"),
            Self::PortValue { value } => {
                format!("field: port_range_min or port_range_max, value: {value}; give a number from 0 to 65535.")
            }
            Self::Prefix { value } => format!("field: remote_ip_prefix, value: {value}; write 192.0.2.0/24."),
            Self::PairWithoutAddress | Self::DuplicatePair { .. } | Self::TooManyPairs { .. } => {
                "field: allowed_address_pairs".to_owned()
            }
            Self::Limit { .. } => "parameter: limit".to_owned(),
            Self::SortKey { .. } | Self::SortCount => "parameter: sort_key".to_owned(),
            Self::SortDirection { .. } => "parameter: sort_dir".to_owned(),
        }
    }
}

/// The value, or its beginning: an answer does not repeat megabytes.
fn shortened(value: &Value) -> String {
    let text = python::repr(value);
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
