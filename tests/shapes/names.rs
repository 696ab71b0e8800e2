//! The ids and addresses of the recording, and those of this run.

use std::collections::BTreeMap;

use serde_json::Value;

/// From recorded texts to ours.
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    pub(crate) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// From now on the recorded text stands for ours.
    pub(crate) fn bind(&mut self, recorded: &str, ours: &str) {
        self.0.insert(recorded.to_owned(), ours.to_owned());
    }

    /// Binds the ids and addresses that stand at the same place of a recorded answer and of ours. What is bound
    /// already stays: the first answer that shows an object is the one that made it.
    pub(crate) fn learn(&mut self, recorded: &Value, ours: &Value) {
        match (recorded, ours) {
            (Value::Object(recorded), Value::Object(ours)) => {
                for (key, value) in recorded {
                    if let Some(ours) = ours.get(key) {
                        self.learn(value, ours);
                    }
                }
            }
            (Value::Array(recorded), Value::Array(ours)) => {
                for (recorded, ours) in recorded.iter().zip(ours) {
                    self.learn(recorded, ours);
                }
            }
            (Value::String(recorded), Value::String(ours)) if is_made_up(recorded) && is_made_up(ours) => {
                self.0.entry(recorded.clone()).or_insert_with(|| ours.clone());
            }
            _ => {}
        }
    }

    /// A recorded text with our names in it.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            // The longest name first: an address may begin another.
            let known = self.0.iter().filter(|(recorded, _)| rest.starts_with(recorded.as_str()));
            if let Some((recorded, ours)) = known.max_by_key(|(recorded, _)| recorded.len()) {
                result.push_str(ours);
                rest = &rest[recorded.len()..];
            } else {
                result.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        result
    }

    /// A recorded body with our names in it.
    pub(crate) fn json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            Value::Object(fields) => {
                Value::Object(fields.iter().map(|(key, value)| (key.clone(), self.json(value))).collect())
            }
            other => other.clone(),
        }
    }
}

/// Ids and addresses are the service's choice; everything else comes from the request.
fn is_made_up(text: &str) -> bool {
    let hex = |c: char| c.is_ascii_hexdigit();
    let is_uuid = text.len() == 36 && text.chars().all(|c| hex(c) || c == '-');
    let is_keystone_id = text.len() == 32 && text.chars().all(hex);
    let is_mac = text.len() == 17 && text.chars().all(|c| hex(c) || c == ':');
    is_uuid || is_keystone_id || is_mac || text.parse::<std::net::IpAddr>().is_ok()
}

/// A message with every id as `UUID`, and a list of them as one: their number and order are the service's choice, and
/// so are addresses of the external network, which become `ADDRESS`, and how often an object was changed before.
pub(crate) fn without_ids(text: &str) -> String {
    let is_uuid = |word: &str| matches!(word.len(), 32 | 36) && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || c == '-')).unwrap_or(rest.len());
        if is_uuid(&rest[..end]) {
            words.push("UUID".to_owned());
            rest = &rest[end..];
        } else {
            let end = end + rest[end..].chars().next().map_or(0, char::len_utf8);
            words.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
    }
    let external = |word: &str| word.starts_with("172.24.") && word.parse::<std::net::Ipv4Addr>().is_ok();
    let words = words.concat();
    let words = words.split(' ').map(|word| if external(word) { "ADDRESS" } else { word });
    let mut result = words.collect::<Vec<_>>().join(" ");
    if let Some((before, _)) = result.split_once("current revision is ") {
        result = format!("{before}current revision is NUMBER");
    }
    while result.contains("UUID,UUID") {
        result = result.replace("UUID,UUID", "UUID");
    }
    result
}
