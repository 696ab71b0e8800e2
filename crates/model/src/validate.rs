//! From what a client wrote to a value of the attribute's type, in canonical form.
//!
//! The order is Neutron's: convert, then check. After this the value deserialises into the field's
//! type.

use std::{collections::HashSet, net::IpAddr};

use serde_json::{Value, json};
use types::{Cidr, MacAddr, Protocol};

use crate::{
    RequestError,
    attribute::{Attribute, Kind},
    python::{repr, text},
    resource::Body,
};

/// The most allowed address pairs of one port (Neutron's default).
pub const MAX_ADDRESS_PAIRS: usize = 10;
/// The most entries of any other list in a body: nothing a client sends grows without bound.
pub const MAX_LIST: usize = 1024;

/// One value under one attribute, with the errors of that attribute.
struct Field<'a> {
    name: &'a str,
    value: &'a Value,
}

impl<'a> Field<'a> {
    fn invalid(&self, reason: String) -> RequestError {
        RequestError::Invalid { name: self.name.to_owned(), reason, value: self.value.clone() }
    }

    fn conversion(&self, reason: String) -> RequestError {
        RequestError::Conversion { name: self.name.to_owned(), reason, value: self.value.clone() }
    }

    fn string(&self, max: usize) -> Result<&'a str, RequestError> {
        let value =
            self.value.as_str().ok_or_else(|| self.invalid(format!("'{}' is not a valid string", text(self.value))))?;
        if value.chars().count() > max {
            return Err(self.invalid(format!("'{value}' exceeds maximum length of {max}")));
        }
        Ok(value)
    }

    fn list(&self, reason: &dyn Fn(&Value) -> String) -> Result<&'a Vec<Value>, RequestError> {
        let list = self.value.as_array().ok_or_else(|| self.invalid(reason(self.value)))?;
        if list.len() > MAX_LIST {
            return Err(self.invalid(format!("{} entries are more than the maximum of {MAX_LIST}", list.len())));
        }
        Ok(list)
    }

    fn address(&self, value: &Value) -> Result<IpAddr, RequestError> {
        value
            .as_str()
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| self.invalid(format!("'{}' is not a valid IP address", text(value))))
    }

    fn uuid(&self, value: &Value) -> Result<String, RequestError> {
        // Neutron keeps ids as it makes them: lower case with dashes; other spellings never match.
        value
            .as_str()
            .filter(|id| id.len() == 36)
            .and_then(|id| id.parse::<types::PortId>().ok())
            .map(|id| id.to_string())
            .ok_or_else(|| self.invalid(format!("'{}' is not a valid UUID", text(value))))
    }

    fn cidr(&self, value: &Value) -> Result<Cidr, RequestError> {
        let written = value.as_str().filter(|cidr| cidr.contains('/'));
        written
            .and_then(|cidr| cidr.parse().ok())
            .ok_or_else(|| self.invalid(format!("'{}' is not a valid IP subnet", text(value))))
    }
}

/// The canonical form of a value of the attribute. An error repeats what was wrong, unless that is a
/// secret.
pub fn value(attribute: &Attribute, value: &Value) -> Result<Value, RequestError> {
    canonical(attribute, value).map_err(|error| if attribute.secret { hidden(attribute) } else { error })
}

fn hidden(attribute: &Attribute) -> RequestError {
    let form = match attribute.kind {
        Kind::Text { max } | Kind::TextOrNull { max } => format!("a string of at most {max} characters"),
        _ => "of the attribute's type".to_owned(),
    };
    let reason = format!("the value, which is not shown here, is not {form}");
    RequestError::Invalid { name: attribute.name.to_owned(), reason, value: Value::Null }
}

fn canonical(attribute: &Attribute, value: &Value) -> Result<Value, RequestError> {
    let field = Field { name: attribute.name, value };
    if value.is_null() && attribute.nullable {
        return Ok(Value::Null);
    }
    Ok(match attribute.kind {
        Kind::Text { max } => json!(field.string(max)?),
        Kind::TextOrNull { .. } if value.is_null() => json!(""),
        Kind::TextOrNull { max } => json!(field.string(max)?),
        Kind::Boolean => json!(boolean(&field)?),
        Kind::Integer { min, max } => json!(integer(&field, min, max)?),
        Kind::Uuid => json!(field.uuid(value)?),
        Kind::Project => json!(project(&field)?),
        Kind::Enum(values) => match value.as_str() {
            Some(text) if values.contains(&text) => value.clone(),
            _ => return Err(field.invalid(format!("{} is not in valid_values", text(value)))),
        },
        Kind::EtherType => match value.as_str().map(str::to_ascii_lowercase).as_deref() {
            Some("ipv4") => json!("IPv4"),
            Some("ipv6") => json!("IPv6"),
            _ => return Err(RequestError::EtherType { value: text(value) }),
        },
        Kind::IpProtocol => protocol(value)?,
        Kind::PortNumber => json!(port_number(value)?),
        Kind::Mac => match value.as_str().and_then(|mac| mac.parse::<MacAddr>().ok()) {
            Some(mac) => json!(mac),
            None => return Err(field.invalid(format!("'{}' is not a valid MAC address", text(value)))),
        },
        Kind::Address => json!(field.address(value)?),
        Kind::Cidr => match value.as_str().and_then(|cidr| cidr.parse::<Cidr>().ok()) {
            Some(cidr) => json!(cidr),
            None => return Err(field.conversion(format!("{} is not in a CIDR format", text(value)))),
        },
        Kind::Prefix => json!(prefix(value)?),
        Kind::IpVersion => match value.as_i64().or_else(|| value.as_str().and_then(|version| version.parse().ok())) {
            Some(version @ (4 | 6)) => json!(version),
            _ if value.is_i64() || value.is_u64() => {
                return Err(field.invalid(format!("{} is not in valid_values", text(value))));
            }
            _ => return Err(field.conversion(format!("'{}' is not an integer", text(value)))),
        },
        Kind::Timestamp => return Err(field.invalid(format!("'{}' cannot be given", text(value)))),
        Kind::DnsName => dns_name(&field, false)?,
        Kind::DnsDomain => dns_name(&field, true)?,
        Kind::UuidList => uuid_list(&field)?,
        Kind::TextList { max } => text_list(&field, max)?,
        Kind::Nameservers => nameservers(&field)?,
        Kind::HostRoutes => host_routes(&field)?,
        Kind::AllocationPools => allocation_pools(&field)?,
        Kind::FixedIps => fixed_ips(&field)?,
        Kind::AddressPairs => address_pairs(&field)?,
        Kind::DhcpOptions => dhcp_options(&field)?,
        Kind::Gateway => gateway(&field)?,
        Kind::AttachmentTarget => attachment_target(&field)?,
        Kind::Dictionary => match value {
            Value::Null => json!({}),
            Value::Object(_) => value.clone(),
            _ => return Err(field.invalid(format!("'{}' is not a dictionary", text(value)))),
        },
    })
}

/// The boolean that a client meant (oslo's `bool_from_string`, strict).
pub fn to_boolean(value: &Value) -> Option<bool> {
    if let Value::Bool(value) = value {
        return Some(*value);
    }
    match text(value).trim().to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Some(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Some(false),
        _ => None,
    }
}

fn boolean(field: &Field<'_>) -> Result<bool, RequestError> {
    to_boolean(field.value)
        .ok_or_else(|| field.conversion(format!("'{}' cannot be converted to boolean", text(field.value))))
}

fn integer(field: &Field<'_>, min: i64, max: i64) -> Result<i64, RequestError> {
    let number = match field.value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| field.conversion(format!("'{}' is not an integer", text(field.value))))?;
    if number < min {
        return Err(field.invalid(format!("'{number}' is too small - must be at least '{min}'")));
    }
    if number > max {
        return Err(field.invalid(format!("'{number}' is too large - must be no larger than '{max}'")));
    }
    Ok(number)
}

fn project<'a>(field: &Field<'a>) -> Result<&'a str, RequestError> {
    let id = field.string(64)?;
    if id.parse::<types::ProjectId>().is_err() {
        return Err(field.invalid(format!("'{id}' is not a valid project id")));
    }
    Ok(id)
}

/// Null for `any`, names in lower case, numbers as text.
fn protocol(value: &Value) -> Result<Value, RequestError> {
    let name = text(value).to_ascii_lowercase();
    match name.as_str() {
        "any" => Ok(Value::Null),
        "vrrp" => Ok(json!(name)),
        // Numbers are kept as the text that Neutron shows: without sign or leading zeros.
        _ => match (name.parse::<u8>(), name.parse::<Protocol>()) {
            (Ok(number), _) => Ok(json!(number.to_string())),
            (Err(_), Ok(_)) => Ok(json!(name)),
            (Err(_), Err(_)) => Err(RequestError::Protocol { value: text(value) }),
        },
    }
}

fn port_number(value: &Value) -> Result<u16, RequestError> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.and_then(|number| u16::try_from(number).ok()).ok_or_else(|| RequestError::PortValue { value: text(value) })
}

fn prefix(value: &Value) -> Result<String, RequestError> {
    let fail = || RequestError::Prefix { value: text(value) };
    let written = value.as_str().ok_or_else(fail)?;
    let cidr: Cidr = written.parse().map_err(|_| fail())?;
    Ok(if written.contains('/') { written.to_owned() } else { cidr.to_string() })
}

/// A host name or a domain: labels of letters, digits and dashes; a domain ends in a dot.
fn dns_name(field: &Field<'_>, is_domain: bool) -> Result<Value, RequestError> {
    if field.value.is_null() {
        return Ok(json!(""));
    }
    let written = field.string(255)?;
    let name = written.to_ascii_lowercase();
    let fail = |reason: &str| Err(field.invalid(format!("'{written}' not a valid PQDN or FQDN. Reason: {reason}")));
    if name.is_empty() {
        return Ok(json!(""));
    }
    if is_domain && !name.ends_with('.') {
        return Err(field.invalid(format!("'{written}' is not a FQDN")));
    }
    for label in name.strip_suffix('.').unwrap_or(&name).split('.') {
        if label.is_empty() {
            return fail("Encountered an empty component");
        }
        if label.len() > 63 {
            return fail(&format!("Name '{label}' must be 1-63 characters long"));
        }
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if label.starts_with('-') || label.ends_with('-') || !label.chars().all(good) {
            return fail(&format!(
                "Name '{label}' must be 1-63 characters long, each of which can only be alphanumeric or a hyphen"
            ));
        }
    }
    Ok(json!(name))
}

fn uuid_list(field: &Field<'_>) -> Result<Value, RequestError> {
    if field.value.is_null() {
        return Ok(json!([]));
    }
    let list = field.list(&|value| format!("'{}' is not a list", text(value)))?;
    let ids = list.iter().map(|id| field.uuid(id)).collect::<Result<Vec<_>, _>>()?;
    if ids.iter().collect::<HashSet<_>>().len() != ids.len() {
        return Err(field.invalid(format!("Duplicate items in the list: '{}'", repr(field.value))));
    }
    Ok(json!(ids))
}

fn text_list(field: &Field<'_>, max: usize) -> Result<Value, RequestError> {
    let list = field.list(&|value| format!("'{}' is not a list", text(value)))?;
    let mut seen = HashSet::new();
    for item in list {
        let value = Field { name: field.name, value: item }.string(max)?;
        if !seen.insert(value.to_owned()) {
            return Err(field.invalid(format!("Duplicate items in the list: '{value}'")));
        }
    }
    Ok(field.value.clone())
}

fn nameservers(field: &Field<'_>) -> Result<Value, RequestError> {
    if field.value.is_null() {
        return Ok(json!([]));
    }
    let mut servers: Vec<IpAddr> = Vec::new();
    for host in field.list(&|value| format!("Invalid data format for nameserver: '{}'", text(value)))? {
        let server = host.as_str().and_then(|host| host.parse().ok()).ok_or_else(|| {
            let host = text(host);
            field.invalid(format!("'{host}' is not a valid nameserver: '{host}' is not a valid IP address"))
        })?;
        if servers.contains(&server) {
            return Err(field.invalid(format!("Duplicate nameserver '{server}'")));
        }
        servers.push(server);
    }
    Ok(json!(servers))
}

/// The two members of an entry that must have these and no others.
fn pair<'v>(entry: &'v Value, keys: [&str; 2]) -> Option<[&'v Value; 2]> {
    let members = entry.as_object().filter(|members| members.len() == 2)?;
    Some([members.get(keys[0])?, members.get(keys[1])?])
}

fn host_routes(field: &Field<'_>) -> Result<Value, RequestError> {
    if field.value.is_null() {
        return Ok(json!([]));
    }
    let malformed = |value: &Value| format!("Invalid data format for hostroute: '{}'", text(value));
    let mut seen = HashSet::new();
    let mut routes = Vec::new();
    for entry in field.list(&malformed)? {
        let [destination, nexthop] =
            pair(entry, ["destination", "nexthop"]).ok_or_else(|| field.invalid(malformed(entry)))?;
        let cidr = field.cidr(destination)?;
        let written = text(destination);
        let written_address = written.split('/').next().and_then(|address| address.parse::<IpAddr>().ok());
        if written_address != Some(cidr.network()) {
            return Err(
                field.invalid(format!("'{written}' isn't a recognized IP subnet cidr, '{cidr}' is recommended"))
            );
        }
        let nexthop = field.address(nexthop)?;
        if !seen.insert((cidr, nexthop)) {
            return Err(field.invalid(format!("Duplicate hostroute '{}'", text(entry))));
        }
        routes.push(json!({"destination": cidr, "nexthop": nexthop}));
    }
    Ok(json!(routes))
}

fn allocation_pools(field: &Field<'_>) -> Result<Value, RequestError> {
    let malformed = |value: &Value| format!("Invalid data format for IP pool: '{}'", text(value));
    let mut pools = Vec::new();
    for entry in field.list(&malformed)? {
        let [start, end] = pair(entry, ["start", "end"]).ok_or_else(|| field.invalid(malformed(entry)))?;
        pools.push(json!({"start": field.address(start)?, "end": field.address(end)?}));
    }
    Ok(json!(pools))
}

fn members<'v>(field: &Field<'_>, entry: &'v Value, keys: &[&str], what: &str) -> Result<&'v Body, RequestError> {
    let members =
        entry.as_object().ok_or_else(|| field.invalid(format!("Invalid data format for {what}: '{}'", text(entry))))?;
    let unknown: Vec<_> = members.keys().filter(|key| !keys.contains(&key.as_str())).cloned().collect();
    if unknown.is_empty() { Ok(members) } else { Err(RequestError::Unrecognized { names: unknown }) }
}

fn fixed_ips(field: &Field<'_>) -> Result<Value, RequestError> {
    if field.value.is_null() {
        return Ok(json!([]));
    }
    let mut seen = HashSet::new();
    let mut ips = Vec::new();
    for entry in field.list(&|value| format!("Invalid data format for fixed IP: '{}'", text(value)))? {
        let members = members(field, entry, &["subnet_id", "ip_address"], "fixed IP")?;
        let subnet = members.get("subnet_id").filter(|id| !id.is_null()).map(|id| field.uuid(id)).transpose()?;
        let address = members.get("ip_address").filter(|ip| !ip.is_null()).map(|ip| field.address(ip)).transpose()?;
        if subnet.is_none() && address.is_none() {
            return Err(field.conversion("IP allocation requires subnet_id or ip_address".to_owned()));
        }
        if let Some(address) = address
            && !seen.insert(address)
        {
            return Err(field.invalid(format!("Duplicate IP address '{address}'")));
        }
        ips.push(json!({"subnet_id": subnet, "ip_address": address}));
    }
    Ok(json!(ips))
}

fn address_pairs(field: &Field<'_>) -> Result<Value, RequestError> {
    if field.value.is_null() {
        return Ok(json!([]));
    }
    let list = field.list(&|_| "Allowed address pairs must be a list.".to_owned())?;
    if list.len() > MAX_ADDRESS_PAIRS {
        return Err(RequestError::TooManyPairs { maximum: MAX_ADDRESS_PAIRS });
    }
    let mut seen = HashSet::new();
    let mut pairs = Vec::new();
    for entry in list {
        let members = members(field, entry, &["mac_address", "ip_address"], "allowed address pair")?;
        let written = members.get("ip_address").ok_or(RequestError::PairWithoutAddress)?;
        let cidr = written
            .as_str()
            .and_then(|cidr| cidr.parse::<Cidr>().ok())
            .ok_or_else(|| field.invalid(format!("'{}' is not a valid IP address or IP subnet", text(written))))?;
        let mac = match members.get("mac_address").filter(|mac| !mac.is_null()) {
            None => None,
            Some(mac) => Some(
                mac.as_str()
                    .and_then(|mac| mac.parse::<MacAddr>().ok())
                    .ok_or_else(|| field.invalid(format!("'{}' is not a valid MAC address", text(mac))))?,
            ),
        };
        if !seen.insert((mac, cidr)) {
            let mac_address = mac.map_or_else(|| "None".to_owned(), |mac| mac.to_string());
            return Err(RequestError::DuplicatePair { mac_address, ip_address: text(written) });
        }
        pairs.push(json!({"mac_address": mac, "ip_address": written}));
    }
    Ok(json!(pairs))
}

fn dhcp_options(field: &Field<'_>) -> Result<Value, RequestError> {
    if field.value.is_null() {
        return Ok(json!([]));
    }
    let mut options = Vec::new();
    for entry in field.list(&|value| format!("'{}' is not a list", text(value)))? {
        let members = members(field, entry, &["opt_name", "opt_value", "ip_version"], "extra DHCP option")?;
        let name = members.get("opt_name").unwrap_or(&Value::Null);
        let name = Field { name: field.name, value: name }.string(64)?;
        if name.trim().is_empty() {
            return Err(field.invalid(format!("'{name}' Blank strings are not permitted")));
        }
        let value = match members.get("opt_value").unwrap_or(&Value::Null) {
            Value::Null => Value::Null,
            value => json!(Field { name: field.name, value }.string(255)?),
        };
        let version = match members.get("ip_version").unwrap_or(&Value::Null) {
            Value::Null => 4,
            value => match text(value).as_str() {
                "4" => 4,
                "6" => 6,
                _ => return Err(field.invalid(format!("{} is not in valid_values", text(value)))),
            },
        };
        options.push(json!({"opt_name": name, "opt_value": value, "ip_version": version}));
    }
    Ok(json!(options))
}

fn gateway(field: &Field<'_>) -> Result<Value, RequestError> {
    let keys = ["network_id", "enable_snat", "external_fixed_ips", "qos_policy_id"];
    let members = members(field, field.value, &keys, "external gateway info")?;
    if members.is_empty() {
        return Ok(Value::Null);
    }
    let network = members.get("network_id").unwrap_or(&Value::Null);
    if network.is_null() && members.len() == 1 && members.contains_key("network_id") {
        return Ok(Value::Null);
    }
    if !members.contains_key("network_id") {
        return Err(field.invalid(
            "Validation of dictionary's keys failed. Expected keys: {'network_id'} Provided keys: {".to_owned()
                + &members.keys().map(|key| format!("'{key}'")).collect::<Vec<_>>().join(", ")
                + "}",
        ));
    }
    if let Some(policy) = members.get("qos_policy_id").filter(|policy| !policy.is_null()) {
        return Err(RequestError::Unsupported { name: "qos_policy_id".to_owned(), value: policy.clone() });
    }
    let snat = match members.get("enable_snat").filter(|snat| !snat.is_null()) {
        None => None,
        Some(value) => Some(boolean(&Field { name: field.name, value })?),
    };
    let ips = match members.get("external_fixed_ips").filter(|ips| !ips.is_null()) {
        None => Value::Null,
        Some(value) => fixed_ips(&Field { name: field.name, value })?,
    };
    Ok(json!({"network_id": field.uuid(network)?, "enable_snat": snat, "external_fixed_ips": ips}))
}

/// The kernel's rule for interface names, which network namespaces' names share by custom.
fn device_name(field: &Field<'_>, members: &Body, key: &str, max: usize) -> Result<String, RequestError> {
    let value = members.get(key).unwrap_or(&Value::Null);
    let name = Field { name: field.name, value }.string(max)?;
    let good = |c: char| !c.is_whitespace() && !c.is_control() && c != '/' && c != ':';
    if name.is_empty() || name == "." || name == ".." || !name.chars().all(good) {
        return Err(field.invalid(format!("'{name}' is not a valid {key}")));
    }
    Ok(name.to_owned())
}

fn attachment_target(field: &Field<'_>) -> Result<Value, RequestError> {
    let members = members(field, field.value, &["type", "name", "identity", "ifname"], "target")?;
    match members.get("type").and_then(Value::as_str) {
        Some("netns") => {
            let identity = members.get("identity").and_then(Value::as_u64).ok_or_else(|| {
                field.invalid(format!(
                    "'{}' is not the identity of a namespace",
                    text(members.get("identity").unwrap_or(&Value::Null))
                ))
            })?;
            let ifname = if members.contains_key("ifname") {
                device_name(field, members, "ifname", 15)?
            } else {
                "eth0".to_owned()
            };
            Ok(
                json!({"type": "netns", "name": device_name(field, members, "name", 255)?, "identity": identity, "ifname": ifname}),
            )
        }
        Some("tap") => Ok(json!({"type": "tap", "name": device_name(field, members, "name", 15)?})),
        _ => Err(field.invalid(format!(
            "'{}' is not a type of target: give netns or tap",
            text(members.get("type").unwrap_or(&Value::Null))
        ))),
    }
}
