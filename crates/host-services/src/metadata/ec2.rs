//! The EC2 tree: a directory lists its entries, one a line, directories with a slash at the end.

use logical::Metadata;

use super::{Document, full_name, key_name};
use crate::config::PortEntry;

/// The versions that clients ask for. All show the same tree: it only ever grew.
const VERSIONS: [&str; 10] = [
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
    "latest",
];

/// The entries of `meta-data/`, sorted.
const META_DATA: [&str; 17] = [
    "ami-id",
    "ami-launch-index",
    "ami-manifest-path",
    "block-device-mapping/",
    "hostname",
    "instance-action",
    "instance-id",
    "instance-type",
    "local-hostname",
    "local-ipv4",
    "mac",
    "placement/",
    "public-hostname",
    "public-ipv4",
    "public-keys/",
    "reservation-id",
    "security-groups",
];

pub(super) fn versions() -> Document {
    Document::list(&VERSIONS)
}

pub(super) fn answer(entry: &PortEntry, facts: &Metadata, version: &str, path: &[&str]) -> Option<Document> {
    if !VERSIONS.contains(&version) {
        return None;
    }
    match path {
        [] if facts.user_data.is_some() => Some(Document::list(&["meta-data/", "user-data"])),
        [] => Some(Document::list(&["meta-data/"])),
        ["user-data"] => facts.user_data.as_deref().map(Document::bytes),
        ["meta-data"] => Some(Document::list(&META_DATA)),
        ["meta-data", "public-keys", rest @ ..] => public_keys(facts, rest),
        ["meta-data", "placement"] => Some(Document::list(&["availability-zone"])),
        ["meta-data", "placement", "availability-zone"] => Some(Document::text(facts.availability_zone.as_ref())),
        ["meta-data", "block-device-mapping"] => Some(Document::list(&["ami", "root"])),
        ["meta-data", "block-device-mapping", "ami"] => Some(Document::text("vda")),
        ["meta-data", "block-device-mapping", "root"] => Some(Document::text("/dev/vda")),
        ["meta-data", name] => value(entry, facts, name).map(Document::text),
        _ => None,
    }
}

/// A value of its own. What only a compute service knows has a fixed value: scripts expect the
/// paths to exist.
fn value(entry: &PortEntry, facts: &Metadata, name: &str) -> Option<String> {
    // EC2's ids are a letter and eight hexadecimal digits.
    let short_id = || facts.instance_id.chars().filter(char::is_ascii_hexdigit).take(8).collect::<String>();
    let address = |address: Option<std::net::Ipv4Addr>| address.map(|a| a.to_string()).unwrap_or_default();
    Some(match name {
        "ami-id" => "ami-00000000".to_owned(),
        "ami-launch-index" => "0".to_owned(),
        "ami-manifest-path" => "unknown".to_owned(),
        "hostname" | "local-hostname" | "public-hostname" => full_name(entry, facts),
        "instance-action" => "none".to_owned(),
        "instance-id" => format!("i-{}", short_id()),
        "instance-type" => "baryon".to_owned(),
        "local-ipv4" => address(facts.local_ipv4),
        "mac" => facts.mac.to_string(),
        "public-ipv4" => address(facts.public_ipv4),
        "reservation-id" => format!("r-{}", short_id()),
        "security-groups" => String::new(),
        _ => return None,
    })
}

/// `public-keys/` lists `0=name`, `public-keys/0/` lists the one form there is.
fn public_keys(facts: &Metadata, path: &[&str]) -> Option<Document> {
    let key = |index: &str| facts.public_keys.get(index.parse::<usize>().ok()?);
    match path {
        [] => {
            let names = facts.public_keys.iter().enumerate();
            let lines: Vec<String> = names.map(|(index, key)| format!("{index}={}", key_name(index, key))).collect();
            Some(Document::text(lines.join("\n")))
        }
        [index] => key(index).map(|_| Document::list(&["openssh-key"])),
        [index, "openssh-key"] => key(index).map(|key| Document::text(format!("{}\n", key.trim_end()))),
        _ => None,
    }
}
