//! Options of domains, projects and users: what the service itself obeys, unlike extra attributes.

use std::collections::BTreeSet;

use model::python;
use serde_json::{Map, Value};

use super::{
    KeystoneError,
    fields::{Fields, wrong_type},
};

/// Keeps an object from being changed and deleted.
pub(super) const IMMUTABLE: &str = "immutable";

/// What an option's value may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// True or false.
    Flag,
    /// Lists of names of methods.
    MethodLists,
}

/// The options of domains and projects.
pub(super) const RESOURCE_OPTIONS: &[(&str, Kind)] = &[(IMMUTABLE, Kind::Flag)];

/// Puts the options of a body into those of an object. One that is sent as null is removed, one that is not
/// sent stays.
pub(super) fn merge(
    fields: &mut Fields,
    known: &[(&str, Kind)],
    options: &mut Map<String, Value>,
) -> Result<(), KeystoneError> {
    let Some(sent) = fields.optional_object("options")? else { return Ok(()) };
    for (name, value) in sent.rest() {
        let Some((_, kind)) = known.iter().find(|(known, _)| *known == name) else {
            let reason = format!("Additional properties are not allowed ('{name}' was unexpected)");
            return Err(KeystoneError::invalid("options", &name, reason));
        };
        match (kind, &value) {
            (_, Value::Null) => {
                options.remove(&name);
                continue;
            }
            (Kind::Flag, Value::Bool(_)) => {}
            (Kind::Flag, _) => return Err(wrong_type(&name, &value, "boolean")),
            (Kind::MethodLists, _) => check_lists(&name, &value)?,
        }
        options.insert(name, value);
    }
    Ok(())
}

/// Lists of texts: none empty, none twice, no text twice in one of them.
fn check_lists(name: &str, value: &Value) -> Result<(), KeystoneError> {
    let Value::Array(lists) = value else { return Err(wrong_type(name, value, "array")) };
    let refuse = |value: &Value, reason: &str| {
        let shown = python::repr(value);
        Err(KeystoneError::invalid(name, &shown, format!("{shown} {reason}")))
    };
    if repeats(lists.iter().map(Value::to_string)) {
        return refuse(value, "has non-unique elements");
    }
    for list in lists {
        let Value::Array(items) = list else { return Err(wrong_type(name, list, "array")) };
        if items.is_empty() {
            return refuse(list, "should be non-empty");
        }
        if repeats(items.iter().map(Value::to_string)) {
            return refuse(list, "has non-unique elements");
        }
        if let Some(other) = items.iter().find(|item| !item.is_string()) {
            return Err(wrong_type(name, other, "string"));
        }
    }
    Ok(())
}

/// Whether an element is there twice.
pub(super) fn repeats<T: Ord>(items: impl IntoIterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    !items.into_iter().all(|item| seen.insert(item))
}

/// Whether an object may not be changed or deleted.
pub(super) fn is_immutable(options: &Map<String, Value>) -> bool {
    options.get(IMMUTABLE) == Some(&Value::Bool(true))
}

/// Refuses the change of an immutable object, unless it does nothing but take that option away.
pub(super) fn refuse_update(
    kind: &str,
    id: &str,
    options: &Map<String, Value>,
    sent: &Fields,
) -> Result<(), KeystoneError> {
    if !is_immutable(options) || sent.frees_alone(IMMUTABLE) {
        return Ok(());
    }
    // The lone ` is Keystone's.
    let text =
        format!("Unable to update immutable {kind} resource: `{id}. Set resource option \"immutable\" to false first.");
    Err(KeystoneError::Refused(text))
}

/// Refuses to delete an immutable object.
pub(super) fn refuse_delete(kind: &str, id: &str, options: &Map<String, Value>) -> Result<(), KeystoneError> {
    if !is_immutable(options) {
        return Ok(());
    }
    let text =
        format!("Unable to delete immutable {kind} resource: `{id}. Set resource option \"immutable\" to false first.");
    Err(KeystoneError::Refused(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(before: Value, sent: Value) -> Result<Value, String> {
        let Value::Object(mut options) = before else { return Err("no object".to_owned()) };
        let mut fields = Fields::from_value("user", json!({ "options": sent })).unwrap();
        let known = [("immutable", Kind::Flag), ("rules", Kind::MethodLists)];
        merge(&mut fields, &known, &mut options).map_err(|error| error.to_string())?;
        Ok(Value::Object(options))
    }

    #[test]
    fn options_are_added_and_null_removes_one() {
        assert_eq!(merged(json!({}), json!({ "immutable": true })), Ok(json!({ "immutable": true })));
        assert_eq!(merged(json!({ "immutable": true }), json!({})), Ok(json!({ "immutable": true })));
        assert_eq!(merged(json!({ "immutable": true }), json!({ "immutable": null })), Ok(json!({})));
        assert_eq!(
            merged(json!({}), json!({ "rules": [["password", "totp"]] })),
            Ok(json!({ "rules": [["password", "totp"]] }))
        );
    }

    #[test]
    fn what_is_no_option_is_named() {
        let text = |sent: Value| merged(json!({}), sent).unwrap_err();
        assert!(text(json!({ "x": 1 })).ends_with("Additional properties are not allowed ('x' was unexpected)"));
        assert!(text(json!({ "immutable": "yes" })).ends_with("'yes' is not of type 'boolean'"));
        assert!(text(json!({ "rules": [[]] })).ends_with("[] should be non-empty"));
        assert!(text(json!({ "rules": [["a", "a"]] })).ends_with("['a', 'a'] has non-unique elements"));
        assert!(text(json!({ "rules": [["a"], ["a"]] })).ends_with("[['a'], ['a']] has non-unique elements"));
    }
}
