//! What two answers have in common, and what not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    client::Answer,
    later::Later,
    names::{Names, without_ids},
    recording::Case,
};

/// What kind of value stands somewhere; of a list, what kinds stand in it.
#[derive(Debug, Default)]
struct Shape {
    scalars: BTreeSet<&'static str>,
    fields: Option<BTreeMap<String, Shape>>,
    items: Option<Option<Box<Shape>>>,
}

impl Shape {
    fn of(value: &Value) -> Self {
        let mut shape = Self::default();
        shape.add(value);
        shape
    }

    fn add(&mut self, value: &Value) {
        match value {
            // Null is the absence of a value of any kind.
            Value::Null => {}
            Value::Bool(_) => _ = self.scalars.insert("boolean"),
            Value::Number(_) => _ = self.scalars.insert("number"),
            Value::String(_) => _ = self.scalars.insert("string"),
            Value::Array(items) => {
                let merged = self.items.get_or_insert(None);
                for item in items {
                    merged.get_or_insert_with(Box::default).add(item);
                }
            }
            Value::Object(fields) => {
                let merged = self.fields.get_or_insert_with(BTreeMap::new);
                for (key, value) in fields {
                    merged.entry(key.clone()).or_default().add(value);
                }
            }
        }
    }

    fn kinds(&self) -> BTreeSet<&'static str> {
        let mut kinds = self.scalars.clone();
        kinds.extend(self.fields.as_ref().map(|_| "object"));
        kinds.extend(self.items.as_ref().map(|_| "list"));
        kinds
    }
}

/// Compares shapes and notes, by path, what differs.
fn differences(path: &str, recorded: &Shape, ours: &Shape, out: &mut Vec<(String, String)>) {
    let (theirs, mine) = (recorded.kinds(), ours.kinds());
    if !theirs.is_empty() && !mine.is_empty() && theirs.is_disjoint(&mine) {
        let list = |kinds: BTreeSet<&str>| kinds.into_iter().collect::<Vec<_>>().join(" or ");
        out.push((path.to_owned(), format!("is {}, recorded is {}", list(mine), list(theirs))));
    }
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    if let (Some(theirs), Some(mine)) = (&recorded.fields, &ours.fields) {
        for (key, shape) in theirs {
            match mine.get(key) {
                Some(own) => differences(&below(key), shape, own, out),
                None => out.push((below(key), "is missing".to_owned())),
            }
        }
        for key in mine.keys().filter(|key| !theirs.contains_key(*key)) {
            out.push((below(key), "is not in the recording".to_owned()));
        }
    }
    match (&recorded.items, &ours.items) {
        (Some(Some(theirs)), Some(Some(mine))) => differences(path, theirs, mine, out),
        (Some(Some(_)), Some(None)) => out.push((path.to_owned(), "is an empty list".to_owned())),
        _ => {}
    }
}

/// What differs between a recorded answer and ours, without what comes later.
pub(crate) fn answer(name: &str, case: &Case, answer: &Answer, names: &Names, later: &mut Later) -> Vec<String> {
    let mut found = Vec::new();
    if answer.status != case.status {
        found.push(format!("status {}, recorded is {}: {}", answer.status, case.status, answer.body));
        return found;
    }
    if let Some(media_type) = &case.media_type
        && answer.media_type.as_ref() != Some(media_type)
    {
        found.push(format!("media type {:?}, recorded is {media_type}", answer.media_type));
    }
    let is_error = ["NeutronError", "error", "_text"].iter().any(|key| case.response.get(key).is_some());
    if is_error {
        found.extend(errors(&names.json(&case.response), &answer.body));
        return found;
    }
    let mut out = Vec::new();
    differences("", &Shape::of(&case.response), &Shape::of(&answer.body), &mut out);
    let file = name.split('.').next().unwrap_or(name);
    out.retain(|(path, _)| !later.allows(file, path));
    found.extend(out.into_iter().map(|(path, what)| format!("{path} {what}")));
    found
}

/// Errors have to be equal, but for `detail`, which upstream leaves empty.
fn errors(recorded: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for pointer in
        ["/NeutronError/type", "/NeutronError/message", "/error/title", "/error/message", "/error/code", "/_text"]
    {
        let text = |value: &Value| {
            value.pointer(pointer).map(|value| match value {
                Value::String(text) => without_ids(text),
                other => other.to_string(),
            })
        };
        let (theirs, mine) = (text(recorded), text(ours));
        if theirs != mine {
            found.push(format!("{pointer} is {mine:?}\n         recorded is {theirs:?}"));
        }
    }
    if recorded.get("NeutronError").is_some() && ours.pointer("/NeutronError/detail").is_none() {
        found.push("/NeutronError/detail is missing".to_owned());
    }
    found
}

/// Our extensions are those of the recording, word by word, or our own; the recorded ones that we lack come later.
pub(crate) fn extensions(recorded: &Value, ours: &Value, later: &mut Later) -> Vec<String> {
    let by_alias = |value: &Value| -> BTreeMap<String, Value> {
        let list = value["extensions"].as_array().cloned().unwrap_or_default();
        list.into_iter().filter_map(|item| Some((item["alias"].as_str()?.to_owned(), item))).collect()
    };
    let (theirs, mine) = (by_alias(recorded), by_alias(ours));
    let mut found = Vec::new();
    for (alias, extension) in &mine {
        match theirs.get(alias) {
            None if later.allows("extensions", alias) => {}
            None => found.push(format!("{alias} is not in the recording")),
            // The words of the tag extension list its resources, which are ours.
            Some(recorded) if alias == "standard-attr-tag" => {
                if recorded["updated"] != extension["updated"] {
                    found.push(format!("{alias} is {extension}, recorded is {recorded}"));
                }
            }
            Some(recorded) if recorded != extension => {
                found.push(format!("{alias} is {extension}, recorded is {recorded}"));
            }
            Some(_) => {}
        }
    }
    let missing = theirs.keys().filter(|alias| !mine.contains_key(*alias) && !later.allows("extensions", alias));
    found.extend(missing.map(|alias| format!("{alias} is missing")));
    found
}
