//! Domains.
//!
//! A domain is also a project that acts as one: `project` lends it its own paths.

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::{Domain, PrincipalFilter};
use types::{DomainId, ProjectId};

use super::{KeystoneError, fields::Fields, list, option, project::tag, route::Call};
use crate::{clock, edge::Reply};

const LONGEST_NAME: usize = 64;
const LONGEST_DESCRIPTION: usize = 255;

/// A domain as clients see it.
pub(super) fn view(call: &Call<'_>, domain: &Domain) -> Value {
    let mut view = Value::Object(domain.extra.clone());
    view["id"] = json!(domain.id);
    view["name"] = json!(domain.name);
    view["description"] = json!(domain.description);
    view["enabled"] = json!(domain.enabled);
    view["tags"] = json!(domain.tags);
    view["options"] = json!(domain.options);
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
        Some(_) => Err(taken(&domain.name)),
    }
}

fn taken(name: &str) -> KeystoneError {
    let reason = format!("it is not permitted to have two projects acting as domains with the same name: {name}");
    KeystoneError::Conflict { kind: "project", reason }
}

/// `GET /domains`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let own = call.own_domain()?;
    let domains = call.identity.domains()?.into_iter().filter(|domain| own.is_none_or(|own| domain.id == *own));
    let views = domains.map(|domain| view(call, &domain));
    let items = views.filter(|item| list::selects(call.request(), item, &["name", "enabled"])).collect();
    list::page(call, "domains", items, |id| list::found(find(call, id)))
}

/// `GET /domains/{domain_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let domain = find(call, call.parameter("domain_id"))?;
    Ok(Reply::ok(&json!({ "domain": view(call, &domain) })))
}

/// `POST /domains`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = Fields::of(call.request(), "domain")?;
    fields.ignore(&["id", "links"]);
    let id = match fields.nullable_text("explicit_domain_id")?.flatten() {
        Some(text) => explicit(&text)?,
        None => DomainId::random(),
    };
    let domain = make(call, id, fields)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "domain": view(call, &domain) })))
}

/// An id that a client chose: for domains that are to have the same one in several clouds.
fn explicit(text: &str) -> Result<DomainId, KeystoneError> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    let good = text.len() == 32 && text.bytes().all(is_digit);
    let parsed = if good { text.parse().ok() } else { None };
    let refused = || KeystoneError::BadRequest("Domain ID does not conform to required UUID format.".to_owned());
    parsed.ok_or_else(refused)
}

/// Stores a new domain of these attributes.
pub(super) fn make(call: &Call<'_>, id: DomainId, mut fields: Fields) -> Result<Domain, KeystoneError> {
    let name = fields.name(LONGEST_NAME)?.ok_or_else(|| fields.lacks("name"))?;
    let mut domain = Domain {
        id,
        description: fields.nullable_short_text("description", LONGEST_DESCRIPTION)?.flatten().unwrap_or_default(),
        enabled: fields.flag("enabled")?.unwrap_or(true),
        tags: tag::sent(&mut fields)?.unwrap_or_default(),
        ..Domain::new(name)
    };
    option::merge(&mut fields, option::RESOURCE_OPTIONS, &mut domain.options)?;
    domain.extra = fields.rest();
    no_namesake(call, &domain)?;
    // A domain is a project too, so that no project may have its id either.
    let is_project = match domain.id.as_str().parse::<ProjectId>() {
        Ok(id) => call.identity.project(&id)?.is_some(),
        Err(_) => false,
    };
    if is_project || call.identity.domain(&domain.id)?.is_some() {
        return Err(taken(&domain.name));
    }
    call.identity.put_domain(&domain)?;
    Ok(domain)
}

/// `PATCH /domains/{domain_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let domain = find(call, call.parameter("domain_id"))?;
    let mut fields = Fields::of(call.request(), "domain")?;
    fields.refuse_empty("domain")?;
    fields.same_id(domain.id.as_str())?;
    fields.ignore(&["links"]);
    let domain = change(call, domain, fields)?;
    Ok(Reply::ok(&json!({ "domain": view(call, &domain) })))
}

/// Stores a domain with these attributes changed.
pub(super) fn change(call: &Call<'_>, mut domain: Domain, mut fields: Fields) -> Result<Domain, KeystoneError> {
    option::refuse_update("domain", domain.id.as_str(), &domain.options, &fields)?;
    if let Some(name) = fields.name(LONGEST_NAME)? {
        domain.name = name;
    }
    if let Some(description) = fields.nullable_short_text("description", LONGEST_DESCRIPTION)? {
        domain.description = description.unwrap_or_default();
    }
    if let Some(enabled) = fields.flag("enabled")? {
        if !enabled && domain.enabled {
            domain.valid_from = clock::now();
        }
        domain.enabled = enabled;
    }
    if let Some(tags) = tag::sent(&mut fields)? {
        domain.tags = tags;
    }
    option::merge(&mut fields, option::RESOURCE_OPTIONS, &mut domain.options)?;
    domain.extra.extend(fields.rest());
    no_namesake(call, &domain)?;
    call.identity.put_domain(&domain)?;
    Ok(domain)
}

/// `DELETE /domains/{domain_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let domain = find(call, call.parameter("domain_id"))?;
    remove(call, &domain)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Deletes a domain with everything in it.
pub(super) fn remove(call: &Call<'_>, domain: &Domain) -> Result<(), KeystoneError> {
    option::refuse_delete("domain", domain.id.as_str(), &domain.options)?;
    if domain.enabled {
        // A slip of the hand must not take a whole domain away.
        return Err(KeystoneError::Refused(
            "Cannot delete a domain that is enabled, please disable it first.".to_owned(),
        ));
    }
    let filter = PrincipalFilter { domain: Some(domain.id.clone()), name: None };
    for project in call.identity.projects_where(&filter)? {
        option::refuse_delete("project", project.id.as_str(), &project.options)?;
    }
    call.identity.delete_domain(&domain.id)?;
    Ok(())
}
