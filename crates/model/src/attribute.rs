//! The attribute table: what the API needs to know about one field of a resource.
//!
//! An attribute is data. It is written as one line beside its field (see [`crate::port`]), with
//! the builder functions below; requests, filters, sorting, visibility and documents are ordinary
//! functions over it.

/// Who may do something with an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Whoever may see or change the object itself.
    Everyone,
    /// The owner of the network that the object lies on, and administrators.
    NetworkOwner,
    /// Administrators.
    Admin,
    /// Only this program: the attribute is stored, and never part of the API.
    Nobody,
}

/// The type of an attribute's value in the API, with the rule that makes a value good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string of up to `max` characters.
    Text {
        /// Longest string, in characters.
        max: usize,
    },
    /// A string of up to `max` characters; null stands for an empty one.
    TextOrNull {
        /// Longest string, in characters.
        max: usize,
    },
    /// A boolean; the strings and numbers that Neutron takes for one are converted.
    Boolean,
    /// An integer; strings of digits are converted.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// A UUID.
    Uuid,
    /// A project's id.
    Project,
    /// One of these strings.
    Enum(&'static [&'static str]),
    /// One of these strings in any case, else the error is the operation's own.
    EtherType,
    /// An IP protocol: a name, a number, or `any` for null.
    IpProtocol,
    /// A TCP or UDP port, or an ICMP type or code, by number.
    PortNumber,
    /// A MAC address.
    Mac,
    /// An IP address.
    Address,
    /// A CIDR.
    Cidr,
    /// A prefix as it was written; a bare address becomes a prefix of one.
    Prefix,
    /// `4` or `6`.
    IpVersion,
    /// Seconds since the epoch in ISO 8601, UTC.
    Timestamp,
    /// A DNS label or name.
    DnsName,
    /// A DNS domain that ends in a dot.
    DnsDomain,
    /// A list of UUIDs without duplicates.
    UuidList,
    /// A list of strings of up to `max` characters each.
    TextList {
        /// Longest string, in characters.
        max: usize,
    },
    /// A list of DNS servers' addresses without duplicates.
    Nameservers,
    /// A list of `{destination, nexthop}` without duplicates.
    HostRoutes,
    /// A list of `{start, end}`.
    AllocationPools,
    /// A list of `{subnet_id, ip_address}`, one of the two or both.
    FixedIps,
    /// A list of `{mac_address, ip_address}`, the MAC address optional.
    AddressPairs,
    /// A list of `{opt_name, opt_value, ip_version}`.
    DhcpOptions,
    /// A router's gateway: `{network_id, enable_snat, external_fixed_ips}`, or null.
    Gateway,
    /// The device of an attachment.
    AttachmentTarget,
    /// An object with any members.
    Dictionary,
}

/// How a value is kept in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Text.
    Text,
    /// An integer.
    Integer,
    /// 0 or 1.
    Boolean,
    /// JSON text: a list or an object.
    Json,
}

impl Kind {
    /// How a value of this kind is kept in a column.
    #[must_use]
    pub const fn column(self) -> Column {
        match self {
            Self::Boolean => Column::Boolean,
            Self::Integer { .. } | Self::PortNumber | Self::IpVersion => Column::Integer,
            Self::UuidList
            | Self::TextList { .. }
            | Self::Nameservers
            | Self::HostRoutes
            | Self::AllocationPools
            | Self::FixedIps
            | Self::AddressPairs
            | Self::DhcpOptions
            | Self::Gateway
            | Self::AttachmentTarget
            | Self::Dictionary => Column::Json,
            _ => Column::Text,
        }
    }

    /// The JSON text of a value that stands for "not set yet" while an object is being made.
    #[must_use]
    pub const fn zero(self) -> &'static str {
        match self {
            Self::Boolean => "false",
            Self::Integer { .. } | Self::PortNumber => "0",
            Self::IpVersion => "4",
            Self::Uuid => "\"00000000-0000-0000-0000-000000000000\"",
            Self::Mac => "\"00:00:00:00:00:00\"",
            Self::Address => "\"0.0.0.0\"",
            Self::Cidr | Self::Prefix => "\"0.0.0.0/0\"",
            Self::EtherType => "\"IPv4\"",
            Self::Timestamp => "\"1970-01-01T00:00:00Z\"",
            Self::Enum(values) => {
                // The first value of the enumerations in use; serde checks it when an object is made.
                if values.is_empty() { "null" } else { "\"\"" }
            }
            Self::Gateway | Self::AttachmentTarget => "null",
            Self::Dictionary => "{}",
            _ => match self.column() {
                Column::Json => "[]",
                _ => "\"\"",
            },
        }
    }
}

/// What the API needs to know about one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Its name in the API.
    pub name: &'static str,
    /// Its meaning.
    pub doc: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// May be given on create.
    pub create: bool,
    /// May be changed on update.
    pub update: bool,
    /// Must be given on create.
    pub required: bool,
    /// The value may be null.
    pub nullable: bool,
    /// The value, as JSON text, when create does not give one. `None` leaves the choice to the
    /// operation (a generated MAC address, the gateway of a subnet).
    pub default: Option<&'static str>,
    /// The value of a new object before the operation has chosen one; see [`Kind::zero`].
    pub initial: Option<&'static str>,
    /// May be a filter of lists.
    pub filter: bool,
    /// May be a sort key of lists.
    pub sort: bool,
    /// The value is a secret: kept out of logs, audit and dry runs, never shown.
    pub secret: bool,
    /// Left out of answers while it is null.
    pub omit_null: bool,
    /// Who sees it.
    pub see: Who,
    /// Who may give it on create and on update.
    pub set: Who,
    /// The API extension that it came with; empty for the core.
    pub since: &'static str,
}

/// A read-only attribute of a kind; the functions of [`Attribute`] say what else is true of it.
#[must_use]
pub const fn attribute(kind: Kind) -> Attribute {
    let scalar = !matches!(kind.column(), Column::Json);
    Attribute {
        name: "",
        doc: "",
        kind,
        create: false,
        update: false,
        required: false,
        nullable: false,
        default: None,
        initial: None,
        filter: scalar,
        sort: scalar,
        secret: false,
        omit_null: false,
        see: Who::Everyone,
        set: Who::Everyone,
        since: "",
    }
}

/// A string of up to `max` characters.
#[must_use]
pub const fn text(max: usize) -> Attribute {
    attribute(Kind::Text { max })
}

/// A boolean.
#[must_use]
pub const fn boolean() -> Attribute {
    attribute(Kind::Boolean)
}

/// An integer from `min` to `max`.
#[must_use]
pub const fn integer(min: i64, max: i64) -> Attribute {
    attribute(Kind::Integer { min, max })
}

/// The UUID of another object.
#[must_use]
pub const fn uuid() -> Attribute {
    attribute(Kind::Uuid)
}

impl Attribute {
    /// May be given on create.
    #[must_use]
    pub const fn create(self) -> Self {
        Self { create: true, ..self }
    }

    /// May be given on create and changed on update.
    #[must_use]
    pub const fn create_update(self) -> Self {
        Self { create: true, update: true, ..self }
    }

    /// Must be given on create.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { create: true, required: true, ..self }
    }

    /// The object that this one is a part of: the path says it, and no body.
    #[must_use]
    pub const fn parent(self) -> Self {
        Self { create: true, required: true, see: Who::Nobody, sort: false, ..self }
    }

    /// Kept, and no part of the API, if so.
    #[must_use]
    pub(crate) const fn hidden_if(self, hidden: bool) -> Self {
        if hidden { Self { see: Who::Nobody, filter: false, sort: false, create: false, ..self } } else { self }
    }

    /// The value may be null.
    #[must_use]
    pub const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// The value, as JSON text, when create does not give one.
    #[must_use]
    pub const fn default(self, json: &'static str) -> Self {
        Self { default: Some(json), ..self }
    }

    /// The value, as JSON text, that a new object has before the operation chooses one.
    #[must_use]
    pub const fn initial(self, json: &'static str) -> Self {
        Self { initial: Some(json), ..self }
    }

    /// A list that may be a filter all the same.
    #[must_use]
    pub const fn filter(self) -> Self {
        Self { filter: true, ..self }
    }

    /// Neither a filter nor a sort key.
    #[must_use]
    pub const fn unlisted(self) -> Self {
        Self { filter: false, sort: false, ..self }
    }

    /// Not a sort key.
    #[must_use]
    pub const fn unsorted(self) -> Self {
        Self { sort: false, ..self }
    }

    /// The value is a secret.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { secret: true, filter: false, sort: false, see: Who::Nobody, ..self }
    }

    /// Left out of answers while it is null.
    #[must_use]
    pub const fn omit_null(self) -> Self {
        Self { omit_null: true, nullable: true, ..self }
    }

    /// Seen and set by administrators only.
    #[must_use]
    pub const fn admin(self) -> Self {
        Self { see: Who::Admin, set: Who::Admin, ..self }
    }

    /// Seen by everyone who sees the object, set by administrators only.
    #[must_use]
    pub const fn set_by_admin(self) -> Self {
        Self { set: Who::Admin, ..self }
    }

    /// Seen by everyone who sees the object, set by the network's owner and administrators.
    #[must_use]
    pub const fn set_by_network_owner(self) -> Self {
        Self { set: Who::NetworkOwner, ..self }
    }

    /// Stored, and never part of the API.
    #[must_use]
    pub const fn internal(self) -> Self {
        Self { see: Who::Nobody, set: Who::Nobody, filter: false, sort: false, ..self }
    }

    /// Part of requests, and never of answers.
    #[must_use]
    pub const fn hidden(self) -> Self {
        Self { see: Who::Nobody, ..self }
    }

    /// The extension that it came with.
    #[must_use]
    pub const fn since(self, alias: &'static str) -> Self {
        Self { since: alias, ..self }
    }

    /// Its name and meaning; the resource's definition calls it.
    #[must_use]
    pub const fn named(self, name: &'static str, doc: &'static str) -> Self {
        Self { name, doc, ..self }
    }

    /// The JSON text of the value that a new object starts with.
    #[must_use]
    pub const fn start(&self) -> &'static str {
        match (self.initial, self.default) {
            (Some(json), _) | (None, Some(json)) => json,
            (None, None) if self.nullable => "null",
            (None, None) => self.kind.zero(),
        }
    }

    /// Whether the attribute is ever part of an answer.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        !matches!(self.see, Who::Nobody)
    }
}

/// An attribute of an extension whose feature this service does not have yet: clients of the real
/// service find the key with the value that means "not used", and may send that value.
#[derive(Debug, Clone, Copy)]
pub struct Constant {
    /// Its name in the API.
    pub name: &'static str,
    /// Its value, as JSON text.
    pub value: &'static str,
    /// Whether only administrators see it.
    pub admin: bool,
    /// Whether it may be sent, with that value or null.
    pub accepted: bool,
    /// The API extension that it comes with; empty for the core.
    pub since: &'static str,
}

/// A constant that may be sent.
#[must_use]
pub const fn constant(name: &'static str, value: &'static str) -> Constant {
    Constant { name, value, admin: false, accepted: true, since: "" }
}

impl Constant {
    /// Seen by administrators only.
    #[must_use]
    pub const fn admin(self) -> Self {
        Self { admin: true, ..self }
    }

    /// Never part of a request.
    #[must_use]
    pub const fn read_only(self) -> Self {
        Self { accepted: false, ..self }
    }

    /// The extension that it comes with.
    #[must_use]
    pub const fn since(self, alias: &'static str) -> Self {
        Self { since: alias, ..self }
    }
}
