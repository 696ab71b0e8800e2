//! Domains.

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::Domain;
use types::DomainId;

use super::{KeystoneError, fields::Fields, list, route::Call};
use crate::{clock, edge::Reply};

const LONGEST_NAME: usize = 64;

/// A domain as clients see it.
pub(super) fn view(call: &Call<'_>, domain: &Domain) -> Value {
    let mut view = Value::Object(domain.extra.clone());
    view["id"] = json!(domain.id);
    view["name"] = json!(domain.name);
    view["description"] = json!(domain.description);
    view["enabled"] = json!(domain.enabled);
    view["tags"] = json!(domain.tags);
    view["options"] = json!({});
    view["links"] = json!({ "self": call.url(&format!("/domains/{}", domain.id)) });
    view
}

/// The domain of an id.
pub(super) fn find(call: &Call<'_>, id: &str) -> Result<Domain, KeystoneError> {
    let found = match id.parse() {
        Ok(id) => call.identity.domain(&id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::NotFound { kind: "domain", id: id.to_owned() })
}

fn no_namesake(call: &Call<'_>, domain: &Domain) -> Result<(), KeystoneError> {
    match call.identity.domain_named(&domain.name)?.filter(|other| other.id != domain.id) {
        None => Ok(()),
        Some(other) => Err(KeystoneError::Conflict {
            kind: "domain",
            reason: format!(
                "it is not permitted to have two domains with either the same name or same id: name is {}, domain id {}",
                other.name, other.id
            ),
        }),
    }
}

/// `GET /domains`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let views = call.identity.domains()?.into_iter().map(|domain| view(call, &domain));
    let items = views.filter(|item| list::selects(call.request(), item, &["name", "enabled"])).collect();
    Ok(list::reply(call.request(), "domains", items))
}

/// `GET /domains/{domain_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let domain = find(call, call.parameter("domain_id"))?;
    Ok(Reply::ok(&json!({ "domain": view(call, &domain) })))
}

/// `POST /domains`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = Fields::of(call.request(), "domain")?;
    fields.ignore(&["id", "links", "options"]);
    let domain = Domain {
        id: fields.id("explicit_domain_id")?.unwrap_or_else(DomainId::random),
        name: fields.name(LONGEST_NAME)?.ok_or_else(|| fields.lacks("name"))?,
        description: fields.nullable_text("description")?.flatten().unwrap_or_default(),
        enabled: fields.flag("enabled")?.unwrap_or(true),
        valid_from: 0,
        tags: fields.texts("tags")?.unwrap_or_default(),
        options: serde_json::Map::new(),
        extra: fields.rest(),
    };
    no_namesake(call, &domain)?;
    if call.identity.domain(&domain.id)?.is_some() {
        let reason = format!("it is not permitted to have two domains with the same id: {}", domain.id);
        return Err(KeystoneError::Conflict { kind: "domain", reason });
    }
    call.identity.put_domain(&domain)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "domain": view(call, &domain) })))
}

/// `PATCH /domains/{domain_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut domain = find(call, call.parameter("domain_id"))?;
    let mut fields = Fields::of(call.request(), "domain")?;
    fields.ignore(&["id", "links", "options"]);
    if let Some(name) = fields.name(LONGEST_NAME)? {
        domain.name = name;
    }
    if let Some(description) = fields.nullable_text("description")? {
        domain.description = description.unwrap_or_default();
    }
    if let Some(enabled) = fields.flag("enabled")? {
        if !enabled && domain.enabled {
            domain.valid_from = clock::now();
        }
        domain.enabled = enabled;
    }
    if let Some(tags) = fields.texts("tags")? {
        domain.tags = tags;
    }
    domain.extra.extend(fields.rest());
    no_namesake(call, &domain)?;
    call.identity.put_domain(&domain)?;
    Ok(Reply::ok(&json!({ "domain": view(call, &domain) })))
}

/// `DELETE /domains/{domain_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let domain = find(call, call.parameter("domain_id"))?;
    if domain.enabled {
        // A slip of the hand must not take a whole domain away.
        return Err(KeystoneError::Refused(
            "Cannot delete a domain that is enabled, please disable it first.".to_owned(),
        ));
    }
    call.identity.delete_domain(&domain.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
