//! `/domains/{domain_id}/config`: what is configured for one domain, in groups of options.
//!
//! Keystone configures by it how the users of a domain are found, for instance in an LDAP directory.
//! Users are always in the database here, so that the options are kept and shown, and nothing reads
//! them; tools that set them find what they set. Which options there are, and what they are by
//! default, is in [`options`]. Secrets among them are sealed with a key of the data directory and never shown.

mod options;

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::StatusCode;
use serde_json::{Map, Value, json};
use store::identity::{Domain, DomainOption};

use super::{KeystoneError, domain, fields::Fields, route::Call, sealed};
use crate::edge::Reply;

/// The options of a domain, by group and name.
type Config = BTreeMap<String, BTreeMap<String, Value>>;

/// What a path names below a configuration.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    group: Option<&'a str>,
    option: Option<&'a str>,
}

fn invalid(reason: impl std::fmt::Display) -> KeystoneError {
    KeystoneError::Refused(format!("Invalid domain specific configuration: {reason}."))
}

impl<'a> Part<'a> {
    /// What the path names. It must be something that can be configured.
    fn of(call: &Call<'a>) -> Result<Self, KeystoneError> {
        let named = |name: &str| Some(call.parameter(name)).filter(|text| !text.is_empty());
        let part = Self { group: named("group"), option: named("option") };
        part.check()?;
        Ok(part)
    }

    fn check(self) -> Result<(), KeystoneError> {
        let Some(group) = self.group else { return Ok(()) };
        if !options::is_group(group) {
            return Err(invalid(format!("Group {group} is not supported for domain specific configurations")));
        }
        match self.option {
            Some(option) if !options::is_shown(group, option) && !options::is_secret(group, option) => Err(invalid(
                format!("Option {option} in group {group} is not supported for domain specific configurations"),
            )),
            _ => Ok(()),
        }
    }

    /// The error when there is nothing configured.
    fn missing(self, domain: &Domain) -> KeystoneError {
        let what = match (self.group, self.option) {
            (Some(group), Some(option)) => format!("option {option} in group {group}"),
            (Some(group), None) => format!("group {group}"),
            (None, _) => "any options".to_owned(),
        };
        KeystoneError::Missing(format!("Could not find {what} in domain configuration for domain {}.", domain.id))
    }

    fn selects(self, option: &DomainOption) -> bool {
        self.group.is_none_or(|group| option.group == group) && self.option.is_none_or(|name| option.name == name)
    }
}

fn is_there(call: &Call<'_>, domain: &Domain, part: Part<'_>) -> Result<bool, KeystoneError> {
    Ok(call.identity.domain_options(&domain.id)?.iter().any(|option| part.selects(option)))
}

/// What may be shown of a part of a domain's configuration.
fn shown(call: &Call<'_>, domain: &Domain, part: Part<'_>) -> Result<Value, KeystoneError> {
    let mut config = Map::new();
    for option in call.identity.domain_options(&domain.id)? {
        if option.sealed || !part.selects(&option) {
            continue;
        }
        let value: Value = serde_json::from_str(&option.value)
            .map_err(|error| KeystoneError::Internal(format!("an option of domain {}: {error}", domain.id)))?;
        if part.option.is_some() {
            config.insert(option.name, value);
        } else {
            let group = config.entry(option.group).or_insert_with(|| json!({}));
            group[option.name.as_str()] = value;
        }
    }
    Ok(Value::Object(config))
}

/// The configuration of a body.
fn sent(call: &Call<'_>) -> Result<Map<String, Value>, KeystoneError> {
    Ok(Fields::of(call.request(), "config")?.rest())
}

/// Options that can be configured.
fn checked(config: Map<String, Value>) -> Result<Config, KeystoneError> {
    if config.is_empty() {
        return Err(invalid("No options specified"));
    }
    let mut checked = Config::new();
    for (group, values) in config {
        let values = match values {
            Value::Object(values) if !values.is_empty() => values,
            _ => {
                return Err(invalid(format!(
                    "The value of group {group} specified in the config should be a dictionary of options"
                )));
            }
        };
        for option in values.keys() {
            Part { group: Some(&group), option: Some(option) }.check()?;
        }
        checked.insert(group, values.into_iter().collect());
    }
    Ok(checked)
}

fn store(call: &Call<'_>, domain: &Domain, config: Config) -> Result<(), KeystoneError> {
    for (group, options) in config {
        for (name, value) in options {
            let is_secret = options::is_secret(&group, &name);
            let text = value.to_string();
            let value = if is_secret { seal(call, domain, &group, &name, &text)? } else { text };
            let option = DomainOption { group: group.clone(), name, value, sealed: is_secret };
            call.identity.put_domain_option(&domain.id, &option)?;
        }
    }
    Ok(())
}

/// What the row of a sealed option is called.
pub(super) fn sealed_row(domain: &str, group: &str, name: &str) -> String {
    format!("domain {domain} {group} {name}")
}

fn seal(call: &Call<'_>, domain: &Domain, group: &str, name: &str, value: &str) -> Result<String, KeystoneError> {
    let row = sealed_row(domain.id.as_str(), group, name);
    Ok(STANDARD.encode(sealed::seal(&call.api().secret_keys, &row, value)?))
}

/// `GET /domains/{domain_id}/config[/{group}[/{option}]]`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let domain = domain::find(call, call.parameter("domain_id"))?;
    let part = Part::of(call)?;
    let config = shown(call, &domain, part)?;
    if config.as_object().is_some_and(Map::is_empty) {
        return Err(part.missing(&domain));
    }
    Ok(Reply::ok(&json!({ "config": config })))
}

/// `PUT /domains/{domain_id}/config`: in place of what was there.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let domain = domain::find(call, call.parameter("domain_id"))?;
    let config = checked(sent(call)?)?;
    let whole = Part { group: None, option: None };
    let status = if is_there(call, &domain, whole)? { StatusCode::OK } else { StatusCode::CREATED };
    call.identity.delete_domain_options(&domain.id, None, None)?;
    store(call, &domain, config)?;
    Ok(Reply::json(status, &json!({ "config": shown(call, &domain, whole)? })))
}

/// `PATCH /domains/{domain_id}/config[/{group}[/{option}]]`: beside what is there.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let domain = domain::find(call, call.parameter("domain_id"))?;
    let part = Part::of(call)?;
    let body = sent(call)?;
    // Below one option, its group is not said again.
    let body = match (part.group, part.option) {
        (Some(group), Some(_)) => Map::from_iter([(group.to_owned(), Value::Object(body))]),
        _ => body,
    };
    let config = checked(body)?;
    refuse_other(part, &config)?;
    if part.group.is_some() && !is_there(call, &domain, part)? {
        return Err(part.missing(&domain));
    }
    store(call, &domain, config)?;
    let whole = Part { group: None, option: None };
    Ok(Reply::ok(&json!({ "config": shown(call, &domain, whole)? })))
}

/// Refuses a body that holds more than, or something else than, what the path names.
fn refuse_other(part: Part<'_>, config: &Config) -> Result<(), KeystoneError> {
    let Some(group) = part.group else { return Ok(()) };
    let options = config.get(group);
    let is_one = config.len() == 1 && (part.option.is_none() || options.is_none_or(|options| options.len() == 1));
    match (options, part.option) {
        (_, Some(option)) if !is_one => Err(invalid(format!(
            "Trying to update option {option} in group {group}, so that, and only that, option must be specified  in \
             the config"
        ))),
        (_, None) if !is_one => Err(invalid(format!(
            "Trying to update group {group}, so that, and only that, group must be specified in the config"
        ))),
        (None, _) => {
            let other = config.keys().next().map_or("", String::as_str);
            Err(invalid(format!("request to update group {group}, but config provided contains group {other} instead")))
        }
        (Some(options), Some(option)) if !options.contains_key(option) => {
            let other = options.keys().next().map_or("", String::as_str);
            Err(invalid(format!(
                "Trying to update option {option} in group {group}, but config provided contains option {other} \
                 instead"
            )))
        }
        _ => Ok(()),
    }
}

/// `DELETE /domains/{domain_id}/config[/{group}[/{option}]]`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let domain = domain::find(call, call.parameter("domain_id"))?;
    let part = Part::of(call)?;
    if part.group.is_some() && !is_there(call, &domain, part)? {
        return Err(part.missing(&domain));
    }
    call.identity.delete_domain_options(&domain.id, part.group, part.option)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `GET /domains/config[/{group}[/{option}]]/default`.
pub(super) fn show_default(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let part = Part::of(call)?;
    let config = match (part.group, part.option) {
        (Some(group), Some(option)) => match options::defaults(group).get(option) {
            Some(value) => json!({ option: value }),
            None => {
                return Err(invalid(format!(
                    "Reading the default for option {option} in group {group} is not supported"
                )));
            }
        },
        (Some(group), None) => json!({ group: options::defaults(group) }),
        (None, _) => Value::Object(
            options::GROUPS.iter().map(|group| ((*group).to_owned(), options::defaults(group).into())).collect(),
        ),
    };
    Ok(Reply::ok(&json!({ "config": config })))
}

/// `GET /domains/{domain_id}/config/security_compliance[/{option}]`: what passwords must look like, for
/// whoever is to choose one.
pub(super) fn show_security_compliance(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let pattern = call.api().config.security.password_pattern.as_ref();
    let readable = [
        ("password_regex", json!(pattern.map(|pattern| pattern.pattern()))),
        ("password_regex_description", json!(pattern.map(|pattern| pattern.description()))),
    ];
    if call.parameter("domain_id") != "default" {
        return Err(invalid(
            "Reading security compliance information for any domain other than the default domain is not allowed or \
             supported.",
        ));
    }
    let config = match call.parameter("option") {
        "" => json!({ "security_compliance": Map::from_iter(readable.map(|(name, value)| (name.to_owned(), value))) }),
        wanted => match readable.into_iter().find(|(name, _)| *name == wanted) {
            Some((name, value)) => json!({ name: value }),
            None => {
                return Err(invalid(
                    "Reading security compliance values other than password_regex and password_regex_description is \
                     not allowed.",
                ));
            }
        },
    };
    Ok(Reply::ok(&json!({ "config": config })))
}
