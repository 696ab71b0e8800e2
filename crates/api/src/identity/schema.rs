//! What a body must look like, stated as data, and Keystone's words for what does not.
//!
//! Keystone checks bodies against JSON schemas before it looks at anything else. A [`Schema`] states
//! such a one: attributes in the order in which they are checked, then what must be there, then what
//! may be there besides. What passes is read by [`Fields`], whose own checks then find nothing.

use model::python;
use serde_json::{Map, Value};

use super::{KeystoneError, fields::Fields};
use crate::edge::Request;

/// The largest number that Keystone's database holds.
const LARGEST_INTEGER: i64 = 0x7fff_ffff;

/// What an attribute may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A text of so many characters.
    Text { shortest: usize, longest: usize },
    /// The same, or null.
    TextOrNull { shortest: usize, longest: usize },
    /// A text with something besides white space, of 1 to 255 characters.
    Name,
    /// An id as Keystone makes them, or null.
    IdOrNull,
    /// 32 hexadecimal digits, with or without dashes.
    Uuid,
    /// A URL, as far as Keystone looks at it.
    Url,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// True or false.
    Flag,
    /// True, false or null.
    FlagOrNull,
    /// A number that means how much; -1 for no limit.
    Limit,
    /// An object of its own.
    Object(&'static Schema),
}

/// An attribute of an object.
#[derive(Debug)]
pub(super) struct Attribute {
    name: &'static str,
    kind: Kind,
}

/// A line of a schema.
pub(super) const fn attribute(name: &'static str, kind: Kind) -> Attribute {
    Attribute { name, kind }
}

/// What an object may hold.
#[derive(Debug)]
pub(super) struct Schema {
    /// Its attributes.
    pub(super) attributes: &'static [Attribute],
    /// Which of them must be there.
    pub(super) required: &'static [&'static str],
    /// Whether it may hold others.
    pub(super) is_open: bool,
    /// Whether it may be empty.
    pub(super) may_be_empty: bool,
}

/// The body of a request; one that is no JSON counts as an empty object, as in Keystone.
fn body(request: &Request) -> Map<String, Value> {
    match request.json() {
        Some(Value::Object(body)) => body,
        _ => Map::new(),
    }
}

/// The member of a body that holds everything.
fn member(request: &Request, key: &str) -> Result<Value, KeystoneError> {
    let absent = || KeystoneError::BadRequest(format!("'{key}' is a required property"));
    body(request).remove(key).ok_or_else(absent)
}

impl Schema {
    /// The attributes of the one object of a body.
    pub(super) fn read(&self, request: &Request, key: &str) -> Result<Fields, KeystoneError> {
        let object = member(request, key)?;
        self.check(key, &object)?;
        Fields::from_value(key, object)
    }

    /// The attributes of each object of a body's list.
    pub(super) fn read_list(&self, request: &Request, key: &str) -> Result<Vec<Fields>, KeystoneError> {
        let list = member(request, key)?;
        let Value::Array(items) = &list else { return Err(wrong(key, &list, "is not of type 'array'")) };
        if items.is_empty() {
            return Err(wrong(key, &list, "should be non-empty"));
        }
        for (position, item) in items.iter().enumerate() {
            self.check(&position.to_string(), item)?;
        }
        items.iter().map(|item| Fields::from_value(key, item.clone())).collect()
    }

    fn check(&self, name: &str, value: &Value) -> Result<(), KeystoneError> {
        let Value::Object(object) = value else { return Err(wrong(name, value, "is not of type 'object'")) };
        for attribute in self.attributes {
            if let Some(value) = object.get(attribute.name) {
                attribute.kind.check(attribute.name, value)?;
            }
        }
        if let Some(absent) = self.required.iter().find(|required| !object.contains_key(**required)) {
            let reason = format!("'{absent}' is a required property");
            return Err(KeystoneError::invalid(name, python::text(value), reason));
        }
        if object.is_empty() && !self.may_be_empty {
            return Err(wrong(name, value, "should be non-empty"));
        }
        let is_known = |key: &&String| self.attributes.iter().any(|attribute| attribute.name == **key);
        let mut others: Vec<_> =
            object.keys().filter(|key| !is_known(key)).map(|key| python::repr(&key.as_str().into())).collect();
        if !self.is_open && !others.is_empty() {
            others.sort();
            let verb = if others.len() == 1 { "was" } else { "were" };
            let reason = format!("Additional properties are not allowed ({} {verb} unexpected)", others.join(", "));
            return Err(KeystoneError::invalid(name, python::text(value), reason));
        }
        Ok(())
    }
}

fn wrong(name: &str, value: &Value, how: &str) -> KeystoneError {
    KeystoneError::invalid(name, python::text(value), format!("{} {how}", python::repr(value)))
}

impl Kind {
    fn check(self, name: &str, value: &Value) -> Result<(), KeystoneError> {
        let fail = |how: &str| Err(wrong(name, value, how));
        match (self, value) {
            (Self::TextOrNull { .. } | Self::IdOrNull | Self::FlagOrNull, Value::Null)
            | (Self::Flag | Self::FlagOrNull, Value::Bool(_)) => Ok(()),
            (Self::Text { shortest, longest } | Self::TextOrNull { shortest, longest }, Value::String(text)) => {
                length(text, shortest, longest).or_else(fail)
            }
            (Self::Name, Value::String(text)) => length(text, 1, 255)
                .or_else(fail)
                .and_then(|()| if text.trim().is_empty() { fail("does not match '[\\\\S]+'") } else { Ok(()) }),
            (Self::IdOrNull, Value::String(text)) => length(text, 1, 64).or_else(fail).and_then(|()| {
                let good = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
                if good { Ok(()) } else { fail("does not match '^[a-zA-Z0-9-]+$'") }
            }),
            (Self::Uuid, Value::String(text)) => {
                if is_uuid(text) {
                    Ok(())
                } else {
                    fail("is not a 'uuid'")
                }
            }
            (Self::Url, Value::String(text)) => length(text, 0, 225)
                .or_else(fail)
                .and_then(|()| if has_scheme(text) { Ok(()) } else { fail("does not match '^[a-zA-Z0-9+.-]+:.+'") }),
            (Self::OneOf(choices), value) => {
                let known = choices.iter().any(|choice| value == choice);
                let choices = python::repr(&choices.iter().copied().collect());
                // A value of another type is told about its type first.
                match value {
                    Value::String(_) if known => Ok(()),
                    Value::String(_) => fail(&format!("is not one of {choices}")),
                    _ => fail("is not of type 'string'"),
                }
            }
            (Self::Limit, Value::Number(number)) => match number.as_i64() {
                Some(limit) if limit < -1 => fail("is less than the minimum of -1"),
                Some(limit) if limit <= LARGEST_INTEGER => Ok(()),
                Some(_) => fail(&format!("is greater than the maximum of {LARGEST_INTEGER}")),
                None => fail("is not of type 'integer'"),
            },
            (Self::Object(schema), value) => schema.check(name, value),
            (kind, _) => fail(&format!("is not of type {}", kind.types())),
        }
    }

    fn types(self) -> &'static str {
        match self {
            Self::Text { .. } | Self::Name | Self::Uuid | Self::Url | Self::OneOf(_) => "'string'",
            Self::TextOrNull { .. } | Self::IdOrNull => "'string', 'null'",
            Self::Flag => "'boolean'",
            Self::FlagOrNull => "'boolean', 'null'",
            Self::Limit => "'integer'",
            Self::Object(_) => "'object'",
        }
    }
}

fn length(text: &str, shortest: usize, longest: usize) -> Result<(), &'static str> {
    match text.chars().count() {
        0 if shortest == 1 => Err("should be non-empty"),
        count if count < shortest => Err("is too short"),
        count if count > longest => Err("is too long"),
        _ => Ok(()),
    }
}

/// As Python's `uuid` reads them: dashes and braces do not count.
fn is_uuid(text: &str) -> bool {
    let digits = || text.trim_start_matches("urn:uuid:").chars().filter(|c| !matches!(c, '-' | '{' | '}'));
    digits().count() == 32 && digits().all(|c| c.is_ascii_hexdigit())
}

fn has_scheme(text: &str) -> bool {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-');
    text.split_once(':').is_some_and(|(scheme, rest)| {
        !scheme.is_empty() && scheme.chars().all(is_scheme) && !rest.is_empty() && !rest.starts_with('\n')
    })
}
