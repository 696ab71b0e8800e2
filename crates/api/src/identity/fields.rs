//! Reading the object of a request body, with Keystone's messages for what does not fit.

use serde_json::{Map, Value};

use super::KeystoneError;
use model::python;

use crate::edge::Request;

/// The attributes that a client sent; each is taken once, what remains is the client's own.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// The object below `key` of the request's body.
    pub(crate) fn of(request: &Request, key: &str) -> Result<Self, KeystoneError> {
        let body = request.json().ok_or_else(|| {
            KeystoneError::BadRequest(
                "The server could not comply with the request since it is malformed: \
                the body must be a JSON object."
                    .to_owned(),
            )
        })?;
        match body {
            Value::Object(mut body) => match body.remove(key) {
                Some(Value::Object(fields)) => Ok(Self(fields)),
                Some(other) => Err(wrong_type(key, &other, "object")),
                None => Err(missing(key, &Value::Object(body))),
            },
            other => Err(wrong_type("body", &other, "object")),
        }
    }

    /// A value that must be an object.
    pub(crate) fn from_value(name: &str, value: Value) -> Result<Self, KeystoneError> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            other => Err(wrong_type(name, &other, "object")),
        }
    }

    /// An object inside another, which must be there.
    pub(crate) fn object(&mut self, name: &str) -> Result<Self, KeystoneError> {
        match self.0.remove(name) {
            Some(Value::Object(fields)) => Ok(Self(fields)),
            Some(other) => Err(wrong_type(name, &other, "object")),
            None => Err(self.lacks(name)),
        }
    }

    /// An object inside another, if it is there.
    pub(crate) fn optional_object(&mut self, name: &str) -> Result<Option<Self>, KeystoneError> {
        if self.0.contains_key(name) { self.object(name).map(Some) } else { Ok(None) }
    }

    /// Whether something of a name is there and was not taken.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text, if it is there.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, KeystoneError> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(name, &other, "string")),
        }
    }

    /// A text or null, if it is there.
    pub(crate) fn nullable_text(&mut self, name: &str) -> Result<Option<Option<String>>, KeystoneError> {
        if self.0.get(name).is_some_and(Value::is_null) {
            self.0.remove(name);
            return Ok(Some(None));
        }
        Ok(self.text(name)?.map(Some))
    }

    /// A name of 1 to `longest` characters, if it is there; white space around it does not count.
    pub(crate) fn name(&mut self, longest: usize) -> Result<Option<String>, KeystoneError> {
        let Some(name) = self.text("name")? else { return Ok(None) };
        let refuse = |reason: &str| {
            let quoted = python::repr(&Value::from(name.as_str()));
            Err(KeystoneError::invalid("name", &name, format!("{quoted} {reason}")))
        };
        if name.is_empty() {
            return refuse("should be non-empty");
        }
        if name.chars().count() > longest {
            return refuse("is too long");
        }
        let kept = name.trim();
        if kept.is_empty() { refuse("does not match '[\\\\S]+'") } else { Ok(Some(kept.to_owned())) }
    }

    /// Refuses a change that changes nothing, of an object of that name.
    pub(crate) fn refuse_empty(&self, name: &str) -> Result<(), KeystoneError> {
        if self.0.is_empty() { Err(KeystoneError::invalid(name, "{}", "{} should be non-empty")) } else { Ok(()) }
    }

    /// A text of at most `longest` characters or null, if it is there.
    pub(crate) fn nullable_short_text(
        &mut self,
        name: &str,
        longest: usize,
    ) -> Result<Option<Option<String>>, KeystoneError> {
        let text = self.nullable_text(name)?;
        match text.as_ref().and_then(Option::as_ref) {
            Some(long) if long.chars().count() > longest => {
                let quoted = python::repr(&Value::from(long.as_str()));
                Err(KeystoneError::invalid(name, long, format!("{quoted} is too long")))
            }
            _ => Ok(text),
        }
    }

    /// Refuses an id in the body that is another than the path's.
    pub(crate) fn same_id(&mut self, id: &str) -> Result<(), KeystoneError> {
        match self.nullable_text("id")?.flatten() {
            Some(other) if other != id => Err(KeystoneError::BadRequest("Cannot change ID".to_owned())),
            _ => Ok(()),
        }
    }

    /// Whether all that was sent is an option that is to go: `{"options": {"<name>": false}}`.
    pub(crate) fn frees_alone(&self, option: &str) -> bool {
        let option = self.0.get("options").and_then(|options| options.get(option));
        self.0.len() == 1 && matches!(option, Some(Value::Null | Value::Bool(false)))
    }

    /// A boolean, if it is there.
    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, KeystoneError> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong_type(name, &other, "boolean")),
        }
    }

    /// A boolean or null, if it is there.
    pub(crate) fn nullable_flag(&mut self, name: &str) -> Result<Option<Option<bool>>, KeystoneError> {
        if self.0.get(name).is_some_and(Value::is_null) {
            self.0.remove(name);
            return Ok(Some(None));
        }
        Ok(self.flag(name)?.map(Some))
    }

    /// A whole number, if it is there and not null.
    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>, KeystoneError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong_type(name, &value, "integer")),
        }
    }

    /// A list, if it is there.
    pub(crate) fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, KeystoneError> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(wrong_type(name, &other, "array")),
        }
    }

    /// A list of texts, if it is there.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, KeystoneError> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        let Value::Array(items) = value else { return Err(wrong_type(name, &value, "array")) };
        let text = |item: Value| match item {
            Value::String(text) => Ok(text),
            other => Err(wrong_type(name, &other, "string")),
        };
        items.into_iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// The error for an attribute that must be there.
    pub(crate) fn lacks(&self, name: &str) -> KeystoneError {
        missing(name, &Value::Object(self.0.clone()))
    }

    /// Forgets attributes that are the server's alone.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.0.remove(*name);
        }
    }

    /// What was not taken.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.0
    }
}

/// Attributes whose values, whatever their type, no message repeats.
const SECRET: [&str; 10] = [
    "application_credential",
    "auth",
    "blob",
    "credential",
    "id",
    "identity",
    "original_password",
    "password",
    "secret",
    "token",
];

pub(super) fn wrong_type(name: &str, value: &Value, wanted: &str) -> KeystoneError {
    let shown = if SECRET.contains(&name) { "***".to_owned() } else { python::repr(value) };
    KeystoneError::invalid(name, &shown, format!("{shown} is not of type '{wanted}'"))
}

fn missing(name: &str, value: &Value) -> KeystoneError {
    // The object may hold a password, so the message names its keys only.
    let keys = value.as_object().map(|fields| fields.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    KeystoneError::BadRequest(format!("'{name}' is a required property (found: {})", keys.unwrap_or_default()))
}
