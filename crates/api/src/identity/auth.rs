//! `/auth`: tokens are issued, looked at and revoked; what a user may ask a token for.

use std::collections::BTreeMap;

use hyper::{StatusCode, header::HeaderName};
use serde_json::{Value, json};
use store::identity::{AssignmentFilter, Identity, Project, Target, User};
use types::DomainId;

use super::{
    Caller, KeystoneError, Scope, authenticate, catalog as catalogue, domain,
    fields::Fields,
    list, project,
    route::{Call, Visit},
    token::{Methods, Token, TokenScope},
};
use crate::{clock, edge::Reply};

const SUBJECT: HeaderName = HeaderName::from_static("x-subject-token");

/// How a body says who asks.
enum Credentials {
    Password { user: UserRef, password: String },
    Token(String),
}

/// A user by id or by name.
enum UserRef {
    Id(String),
    Name(String, DomainRef),
}

/// A domain by id or by name.
enum DomainRef {
    Id(String),
    Name(String),
}

/// What scope a body asks for.
enum Wanted {
    Default,
    Unscoped,
    System,
    Domain(DomainRef),
    ProjectId(String),
    ProjectName(String, DomainRef),
}

fn domain_ref(mut fields: Fields) -> Result<DomainRef, KeystoneError> {
    match (fields.text("id")?, fields.text("name")?) {
        (Some(id), _) => Ok(DomainRef::Id(id)),
        (None, Some(name)) => Ok(DomainRef::Name(name)),
        (None, None) => Err(fields.lacks("id")),
    }
}

fn credentials(identity: &mut Fields) -> Result<Credentials, KeystoneError> {
    let methods = identity.texts("methods")?.ok_or_else(|| identity.lacks("methods"))?;
    // Several methods at once mean several factors; the strongest that we know decides alone only
    // when it is the only one.
    match methods.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["password"] => {
            let mut user = identity.object("password")?.object("user")?;
            let password = user.text("password")?.ok_or_else(|| user.lacks("password"))?;
            let user = match (user.text("id")?, user.text("name")?) {
                (Some(id), _) => UserRef::Id(id),
                (None, Some(name)) => UserRef::Name(name, domain_ref(user.object("domain")?)?),
                (None, None) => return Err(user.lacks("id")),
            };
            Ok(Credentials::Password { user, password })
        }
        ["token"] => {
            let mut token = identity.object("token")?;
            token.text("id")?.map(Credentials::Token).ok_or_else(|| token.lacks("id"))
        }
        // Keystone's answer to methods that it has not got.
        _ => Err(KeystoneError::Unauthorized),
    }
}

fn wanted(auth: Fields) -> Result<Wanted, KeystoneError> {
    let mut rest = auth.rest();
    let Some(scope) = rest.remove("scope") else { return Ok(Wanted::Default) };
    if scope == "unscoped" {
        return Ok(Wanted::Unscoped);
    }
    let mut scope = Fields::from_value("scope", scope)?;
    if scope.optional_object("system")?.is_some() {
        return Ok(Wanted::System);
    }
    if let Some(domain) = scope.optional_object("domain")? {
        return domain_ref(domain).map(Wanted::Domain);
    }
    if let Some(mut project) = scope.optional_object("project")? {
        return match (project.text("id")?, project.text("name")?) {
            (Some(id), _) => Ok(Wanted::ProjectId(id)),
            (None, Some(name)) => Ok(Wanted::ProjectName(name, domain_ref(project.object("domain")?)?)),
            (None, None) => Err(project.lacks("id")),
        };
    }
    if scope.optional_object("unscoped")?.is_some() {
        return Ok(Wanted::Unscoped);
    }
    Err(KeystoneError::Unauthorized)
}

fn find_domain(identity: Identity<'_>, domain: &DomainRef) -> Result<Option<DomainId>, KeystoneError> {
    Ok(match domain {
        DomainRef::Id(id) => id.parse().ok(),
        DomainRef::Name(name) => identity.domain_named(name)?.map(|domain| domain.id),
    })
}

fn find_user(identity: Identity<'_>, user: &UserRef) -> Result<Option<User>, KeystoneError> {
    match user {
        UserRef::Id(id) => match id.parse() {
            Ok(id) => Ok(identity.user(&id)?),
            Err(_) => Ok(None),
        },
        UserRef::Name(name, domain) => match find_domain(identity, domain)? {
            Some(domain) => Ok(identity.user_named(&domain, name)?),
            None => Ok(None),
        },
    }
}

fn find_scope(identity: Identity<'_>, user: &User, wanted: &Wanted) -> Result<TokenScope, KeystoneError> {
    let project = |found: Option<Project>| match found {
        Some(project) => Ok(TokenScope::Project(project.id)),
        None => Err(KeystoneError::Unauthorized),
    };
    match wanted {
        Wanted::Unscoped => Ok(TokenScope::Unscoped),
        Wanted::System => Ok(TokenScope::System),
        Wanted::Domain(domain) => {
            find_domain(identity, domain)?.map(TokenScope::Domain).ok_or(KeystoneError::Unauthorized)
        }
        Wanted::ProjectId(id) => id.parse().map(TokenScope::Project).map_err(|_| KeystoneError::Unauthorized),
        Wanted::ProjectName(name, domain) => match find_domain(identity, domain)? {
            Some(domain) => project(identity.project_named(&domain, name)?),
            None => Err(KeystoneError::Unauthorized),
        },
        // The user's own project where there is one that is of use, else none.
        Wanted::Default => {
            let Some(id) = &user.default_project_id else { return Ok(TokenScope::Unscoped) };
            let usable = identity.project(id)?.is_some_and(|project| project.enabled)
                && !identity.effective_roles(&user.id, &Target::Project(id.clone()))?.is_empty();
            Ok(if usable { TokenScope::Project(id.clone()) } else { TokenScope::Unscoped })
        }
    }
}

/// `POST /auth/tokens`.
pub(super) async fn issue(visit: Visit) -> Result<Reply, KeystoneError> {
    let mut auth = Fields::of(&visit.request, "auth")?;
    let credentials = credentials(&mut auth.object("identity")?)?;
    let wanted = wanted(auth)?;
    match credentials {
        Credentials::Password { user, password } => {
            let found = visit.read(move |call| find_user(call.identity, &user)).await?;
            let hash = found.as_ref().and_then(|user| user.password_hash.clone());
            let good = visit.api.passwords.verify(password, hash).await?;
            let Some(known) = found.filter(|_| good) else { return Err(KeystoneError::Unauthorized) };
            visit
                .read(move |call| {
                    // The user as they are now, after the time that the hash took. A password that
                    // was changed meanwhile is the wrong one.
                    let user = call.identity.user(&known.id)?.filter(|user| user.password_hash == known.password_hash);
                    let user = user.ok_or(KeystoneError::Unauthorized)?;
                    let issued_at = clock::now();
                    let lifetime = i64::try_from(call.api().config.token_lifetime.as_micros()).unwrap_or(i64::MAX);
                    let token = Token {
                        scope: find_scope(call.identity, &user, &wanted)?,
                        user: user.id,
                        methods: Methods::PASSWORD,
                        audit_id: Token::random_audit_id(),
                        chain_id: None,
                        issued_at,
                        expires_at: issued_at.saturating_add(lifetime),
                    };
                    created(call, token)
                })
                .await
        }
        Credentials::Token(text) => {
            visit
                .read(move |call| {
                    let parent = opened(call, &text)?;
                    let parent = authenticate(call.identity, parent)?;
                    let token = Token {
                        scope: find_scope(call.identity, &parent.user, &wanted)?,
                        user: parent.user.id,
                        methods: parent.token.methods.and(Methods::TOKEN),
                        audit_id: Token::random_audit_id(),
                        chain_id: Some(parent.token.chain_id.unwrap_or(parent.token.audit_id)),
                        issued_at: clock::now(),
                        // A token from a token lives no longer, or it could live for ever.
                        expires_at: parent.token.expires_at,
                    };
                    created(call, token)
                })
                .await
        }
    }
}

fn created(call: &Call<'_>, token: Token) -> Result<Reply, KeystoneError> {
    let text = token.seal(&call.api().keys).ok_or_else(|| KeystoneError::Internal("no key for tokens".to_owned()))?;
    // The same check as at each use: what it refuses shall not be issued.
    let holder = authenticate(call.identity, token)?;
    Ok(Reply::json(StatusCode::CREATED, &view(call, &holder)?).with_header(SUBJECT, &text))
}

fn opened(call: &Call<'_>, text: &str) -> Result<Token, KeystoneError> {
    let token = Token::open(text, &call.api().keys).filter(|token| token.expires_at > clock::now());
    token.ok_or(KeystoneError::Unauthorized)
}

fn view(call: &Call<'_>, holder: &Caller) -> Result<Value, KeystoneError> {
    let token = &holder.token;
    let domain_of = |id: &DomainId, name: &str| json!({ "id": id, "name": name });
    let mut body = json!({
        "methods": token.methods.names(),
        "user": {
            "domain": domain_of(&holder.domain.id, &holder.domain.name),
            "id": holder.user.id,
            "name": holder.user.name,
            "password_expires_at": null,
        },
        "audit_ids": token.audit_ids(),
        "expires_at": clock::keystone(token.expires_at),
        "issued_at": clock::keystone(token.issued_at),
    });
    match &holder.scope {
        Scope::Unscoped => return Ok(json!({ "token": body })),
        Scope::Project(project, domain) => {
            body["project"] =
                json!({ "domain": domain_of(&domain.id, &domain.name), "id": project.id, "name": project.name });
            body["is_domain"] = json!(false);
        }
        Scope::Domain(domain) => body["domain"] = domain_of(&domain.id, &domain.name),
        Scope::System => body["system"] = json!({ "all": true }),
    }
    body["roles"] = holder.roles.iter().map(|role| json!({ "id": role.id, "name": role.name })).collect();
    if call.request().query.first("nocatalog").is_none() {
        body["catalog"] = catalogue::of(call)?;
    }
    Ok(json!({ "token": body }))
}

fn subject(call: &Call<'_>) -> Result<Caller, KeystoneError> {
    let missing = || KeystoneError::Missing("Could not recognize the subject token.".to_owned());
    let text = call
        .request()
        .header(SUBJECT.as_str())
        .ok_or_else(|| KeystoneError::BadRequest("The header X-Subject-Token must name the token.".to_owned()))?;
    let subject =
        opened(call, text).and_then(|token| authenticate(call.identity, token)).map_err(|error| match error {
            KeystoneError::Unauthorized => missing(),
            other => other,
        })?;
    let caller = call.caller()?;
    let may = caller.is_admin() || caller.has_role("service") || caller.user.id == subject.user.id;
    if may { Ok(subject) } else { Err(KeystoneError::Forbidden("identity:validate_token")) }
}

/// `GET /auth/tokens`.
pub(super) fn validate(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let subject = subject(call)?;
    let text = call.request().header(SUBJECT.as_str()).unwrap_or_default();
    Ok(Reply::ok(&view(call, &subject)?).with_header(SUBJECT, text))
}

/// `DELETE /auth/tokens`.
pub(super) fn revoke(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let token = subject(call)?.token;
    call.identity.revoke_token(&token.audit_text(), token.expires_at, clock::now())?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `GET /auth/projects`: where the caller has a role.
pub(super) fn projects(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let found = projects_of(call.identity, &call.caller()?.user)?;
    let items = found.iter().map(|item| project::view(call, item)).collect();
    Ok(list::reply(call.request(), "projects", items))
}

/// The enabled projects in which a user has a role, by id.
pub(super) fn projects_of(identity: Identity<'_>, user: &User) -> Result<Vec<Project>, KeystoneError> {
    let filter = AssignmentFilter { user: Some(user.id.clone()), ..AssignmentFilter::default() };
    let assignments = identity.assignments(&filter)?;
    let has = |project: &Project| {
        assignments.iter().any(|assignment| match &assignment.target {
            Target::Project(id) => !assignment.inherited && *id == project.id,
            Target::Domain(id) => assignment.inherited && *id == project.domain_id,
            Target::System => false,
        })
    };
    let enabled: BTreeMap<_, _> = identity.domains()?.into_iter().map(|domain| (domain.id, domain.enabled)).collect();
    let usable = |project: &Project| project.enabled && enabled.get(&project.domain_id) == Some(&true);
    Ok(identity.projects()?.into_iter().filter(|project| usable(project) && has(project)).collect())
}

/// `GET /auth/domains`: domains in which the caller has a role.
pub(super) fn domains(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut items = Vec::new();
    for found in call.identity.domains()? {
        let target = Target::Domain(found.id.clone());
        if found.enabled && !call.identity.effective_roles(&call.caller()?.user.id, &target)?.is_empty() {
            items.push(domain::view(call, &found));
        }
    }
    Ok(list::reply(call.request(), "domains", items))
}

/// `GET /auth/system`: whether the caller has a role in the whole cloud.
pub(super) fn system(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let roles = call.identity.effective_roles(&call.caller()?.user.id, &Target::System)?;
    let items = if roles.is_empty() { Vec::new() } else { vec![json!({ "all": true })] };
    Ok(list::reply(call.request(), "system", items))
}

/// `GET /auth/catalog`.
pub(super) fn catalog(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let own = format!("{}{}", call.request().public_url, call.request().path);
    Ok(Reply::ok(&json!({ "catalog": catalogue::of(call)?, "links": { "self": own } })))
}
