//! What may be written down of an object: by the audit trail, for people to read later.
//!
//! Of a new or deleted object, the attributes that say something; of a changed one, those that
//! changed. Never a secret, nothing that is no part of the API, and no more than a bounded text:
//! what does not fit is left out and `"truncated": true` says so.

use serde_json::Value;

use crate::{ResourceInfo, resource::Body};

/// The longest text of one side, in bytes.
pub const LONGEST: usize = 4096;

/// Attributes that every change changes, or that the target of an event names already.
const NOISE: [&str; 4] = ["id", "revision_number", "created_at", "updated_at"];

/// The attributes before and after, as JSON objects; `None` where there is nothing to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// As they were.
    pub before: Option<String>,
    /// As they are.
    pub after: Option<String>,
}

impl Record {
    /// What happened to an object of a resource, by its stored attributes: made when there is no
    /// before, gone when there is no after.
    #[must_use]
    pub fn of(info: &'static ResourceInfo, before: Option<&Body>, after: Option<&Body>) -> Self {
        let told = |name: &str| {
            !NOISE.contains(&name)
                && info.attribute(name).is_some_and(|attribute| attribute.is_public() && !attribute.secret)
        };
        Self::changed(before, after, told)
    }

    /// The same of any two objects, of whose members those are told that `told` knows.
    #[must_use]
    pub fn changed(before: Option<&Body>, after: Option<&Body>, told: impl Fn(&str) -> bool) -> Self {
        let tell = |of: Option<&Body>, other: Option<&Body>| {
            let differs = |name: &str, value: &Value| match other {
                Some(other) => other.get(name) != Some(value),
                None => !says_nothing(value),
            };
            text(of?.iter().filter(|(name, value)| told(name) && differs(name, value)))
        };
        Self { before: tell(before, after), after: tell(after, before) }
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Members as the text of a JSON object.
fn text<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>) -> Option<String> {
    const TRUNCATED: &str = "\"truncated\":true";
    let mut object = String::new();
    let mut truncated = false;
    for (name, value) in members {
        let member = format!("{}:{value}", Value::String(name.clone()));
        if object.len() + member.len() + TRUNCATED.len() + 4 > LONGEST {
            truncated = true;
        } else {
            object.push(if object.is_empty() { '{' } else { ',' });
            object.push_str(&member);
        }
    }
    if truncated {
        object.push(if object.is_empty() { '{' } else { ',' });
        object.push_str(TRUNCATED);
    }
    if object.is_empty() {
        return None;
    }
    object.push('}');
    Some(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::RESOURCES;

    fn body(value: Value) -> Body {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_change_tells_what_changed_and_no_more() {
        let before = body(json!({"id": "1", "name": "a", "mtu": 1500, "description": "", "revision_number": 1}));
        let after = body(json!({"id": "1", "name": "b", "mtu": 1500, "description": "", "revision_number": 2}));
        let record = Record::of(RESOURCES[0], Some(&before), Some(&after));
        assert_eq!(record.before.as_deref(), Some(r#"{"name":"a"}"#));
        assert_eq!(record.after.as_deref(), Some(r#"{"name":"b"}"#));
        let made = Record::of(RESOURCES[0], None, Some(&after));
        assert_eq!(made, Record { before: None, after: Some(r#"{"mtu":1500,"name":"b"}"#.to_owned()) });
        assert_eq!(Record::of(RESOURCES[0], Some(&after), Some(&after)), Record::default());
    }

    #[test]
    fn no_secret_of_any_resource_is_told() {
        let mut secrets = 0;
        for info in RESOURCES {
            let with = |text: &str| -> Body {
                info.attributes.iter().map(|attribute| (attribute.name.to_owned(), json!(text))).collect()
            };
            let (before, after) = (with("the old value"), with("the new value"));
            for (before, after) in [(None, Some(&after)), (Some(&before), Some(&after)), (Some(&before), None)] {
                let record = Record::of(info, before, after);
                for side in [record.before, record.after].into_iter().flatten() {
                    let told = body(serde_json::from_str(&side).unwrap());
                    for attribute in info.attributes.iter().filter(|attribute| attribute.secret) {
                        secrets += 1;
                        assert!(!told.contains_key(attribute.name), "{} of {}", attribute.name, info.member);
                    }
                }
            }
        }
        assert!(secrets > 0, "there is a secret in the registry");
    }

    #[test]
    fn an_error_about_a_secret_does_not_repeat_it() {
        for info in RESOURCES {
            for attribute in info.attributes.iter().filter(|attribute| attribute.secret) {
                for value in [json!(["a secret"]), json!({"a secret": 1}), json!("a secret".repeat(100_000))] {
                    let Err(error) = crate::validate::value(attribute, &value) else { continue };
                    let told = format!("{error} {} {error:?}", error.detail());
                    assert!(!told.contains("a secret") && told.contains(attribute.name), "{told:.300}");
                }
            }
        }
    }

    #[test]
    fn long_values_are_left_out_and_it_is_said() {
        let after = body(json!({"name": "n", "description": "x".repeat(2 * LONGEST)}));
        let told = Record::of(RESOURCES[0], None, Some(&after)).after.unwrap();
        assert_eq!(told, r#"{"name":"n","truncated":true}"#);
        let many: Body = (0..1000).map(|n| (format!("attribute{n}"), json!("value"))).collect();
        let told = Record::changed(None, Some(&many), |_| true).after.unwrap();
        assert!(told.len() <= LONGEST && told.ends_with(r#","truncated":true}"#), "{}", told.len());
        assert!(serde_json::from_str::<Value>(&told).is_ok());
    }
}
