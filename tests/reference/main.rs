//! The reference pages in `docs/generated` are made from the code; a difference fails this test.
//! `UPDATE_EXPECT=1` writes them anew.
#![forbid(unsafe_code)]
#![allow(missing_docs, clippy::unwrap_used)]

use std::{fmt::Write, path::Path};

use logical::{DropReason, Stage, Timeouts};
use model::{Attribute, Kind, ResourceInfo, Who, extension::EXTENSIONS, registry::RESOURCES};

const NOTE: &str = "<!-- Made from the code by `UPDATE_EXPECT=1 cargo test -p baryon-tests --test reference`. -->\n\n";

fn check(page: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/generated").join(page);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "docs/generated/{page} is not what the code says: write it anew with UPDATE_EXPECT=1");
}

#[test]
fn network_api() {
    let mut text = format!("# Network API reference\n\n{NOTE}");
    text += "Paths are below `/network/{region}/v2.0`. *Create* and *update* say whether a request may give the \
             attribute; *filter* and *sort* whether a list may ask for it.\n";
    for resource in RESOURCES {
        write_resource(&mut text, resource);
    }
    text += "\n## Extensions\n\n| alias | what it adds |\n|---|---|\n";
    for extension in EXTENSIONS {
        writeln!(text, "| `{}` | {} |", extension.alias, extension.description.trim()).unwrap();
    }
    check("network-api.md", &text);
}

fn write_resource(text: &mut String, resource: &ResourceInfo) {
    writeln!(text, "\n## `/{}`\n\n{}", resource.path, resource.doc.trim()).unwrap();
    if resource.admin_only {
        *text += " For administrators only.";
    }
    *text += "\n\n| attribute | type | create | update | default | filter | sort | who | meaning |\n\
              |---|---|---|---|---|---|---|---|---|\n";
    for attribute in resource.attributes.iter().filter(|a| a.is_public()) {
        write_attribute(text, attribute);
    }
}

fn write_attribute(text: &mut String, a: &Attribute) {
    let yes = |flag: bool| if flag { "yes" } else { "" };
    let create = if a.required { "required" } else { yes(a.create) };
    let default = a.default.map(|json| format!("`{json}`")).unwrap_or_default();
    let who = match (a.see, a.set) {
        (Who::Admin, _) => "admin",
        (_, Who::Admin) => "set by admin",
        (_, Who::NetworkOwner) => "set by the network's owner",
        _ => "",
    };
    let (filter, sort, update) = (yes(a.filter), yes(a.sort), yes(a.update));
    let meaning = a.doc.split_whitespace().collect::<Vec<_>>().join(" ");
    writeln!(
        text,
        "| `{}` | {} | {create} | {update} | {default} | {filter} | {sort} | {who} | {meaning} |",
        a.name,
        kind(a.kind)
    )
    .unwrap();
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Text { max } => format!("text, up to {max}"),
        Kind::TextOrNull { max } => format!("text, up to {max}; null for none"),
        Kind::Integer { min, max: i64::MAX } => format!("integer, {min} or more"),
        Kind::Integer { min, max } => format!("integer, {min} to {max}"),
        Kind::Enum(values) => format!("one of {}", values.join(", ")),
        Kind::TextList { max } => format!("list of texts, up to {max} each"),
        other => {
            // `AllocationPools` reads "allocation pools".
            let mut words = String::new();
            for c in format!("{other:?}").chars() {
                if c.is_uppercase() && !words.is_empty() {
                    words.push(' ');
                }
                words.extend(c.to_lowercase());
            }
            words
        }
    }
}

#[test]
fn datapath() {
    let mut text = format!("# Datapath reference\n\n{NOTE}");
    text += "## Stages\n\nIn the order in which a packet meets them. `baryon trace` prints them.\n\n| stage | question |\n|---|---|\n";
    for stage in Stage::ALL {
        writeln!(text, "| `{stage}` | {} |", stage.meaning()).unwrap();
    }
    text += "\n## Drop reasons\n\nCounted per port, and named by `baryon trace`.\n\n| reason | what happened |\n|---|---|\n";
    for reason in DropReason::ALL {
        writeln!(text, "| `{reason}` | {} |", reason.meaning()).unwrap();
    }
    let t = Timeouts::default();
    text += "\n## Connections\n\nDefaults of the configuration's `[timeouts]`.\n\n| value | default |\n|---|---|\n";
    for (name, value, unit) in [
        ("tcp_opening", t.tcp_opening, " s"),
        ("tcp_established", t.tcp_established, " s (5 days)"),
        ("tcp_closing", t.tcp_closing, " s"),
        ("udp_opening", t.udp_opening, " s"),
        ("udp_established", t.udp_established, " s"),
        ("icmp", t.icmp, " s"),
        ("other", t.other, " s"),
        ("max_connections", t.max_connections, " per port"),
    ] {
        writeln!(text, "| `{name}` | {value}{unit} |").unwrap();
    }
    check("datapath.md", &text);
}
