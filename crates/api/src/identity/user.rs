//! Users and their passwords.

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::User;

use super::{
    KeystoneError, auth, domain,
    failures::Proof,
    fields::Fields,
    list, project,
    route::{Call, Visit},
};
use crate::{clock, edge::Reply};

const LONGEST_NAME: usize = 255;

fn view(call: &Call<'_>, user: &User) -> Value {
    let mut view = Value::Object(user.extra.clone());
    view["id"] = json!(user.id);
    view["name"] = json!(user.name);
    view["domain_id"] = json!(user.domain_id);
    view["enabled"] = json!(user.enabled);
    if let Some(project) = &user.default_project_id {
        view["default_project_id"] = json!(project);
    }
    view["password_expires_at"] = Value::Null;
    view["options"] = json!({});
    view["links"] = json!({ "self": call.url(&format!("/users/{}", user.id)) });
    view
}

/// The user of an id.
pub(super) fn find(call: &Call<'_>, id: &str) -> Result<User, KeystoneError> {
    let found = match id.parse() {
        Ok(id) => call.identity.user(&id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::NotFound { kind: "user", id: id.to_owned() })
}

fn no_namesake(call: &Call<'_>, user: &User) -> Result<(), KeystoneError> {
    match call.identity.user_named(&user.domain_id, &user.name)?.filter(|other| other.id != user.id) {
        None => Ok(()),
        Some(_) => Err(KeystoneError::Conflict {
            kind: "user",
            reason: format!("Duplicate entry found with name {} at domain ID {}", user.name, user.domain_id),
        }),
    }
}

/// `GET /users`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let views = call.identity.users()?.into_iter().map(|user| view(call, &user));
    let items = views.filter(|item| list::selects(call.request(), item, &["name", "domain_id", "enabled"])).collect();
    Ok(list::reply(call.request(), "users", items))
}

/// `GET /users/{user_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let user = find(call, call.parameter("user_id"))?;
    Ok(Reply::ok(&json!({ "user": view(call, &user) })))
}

/// `GET /users/{user_id}/projects`.
pub(super) fn projects(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let user = find(call, call.parameter("user_id"))?;
    let found = auth::projects_of(call.identity, &user)?;
    let views = found.iter().map(|found| project::view(call, found));
    let items = views.filter(|item| list::selects(call.request(), item, &["name", "enabled"])).collect();
    Ok(list::reply(call.request(), "projects", items))
}

/// The attributes of a body, of a caller who may send them: for others they are not looked at.
async fn sent(visit: &Visit) -> Result<Fields, KeystoneError> {
    visit.read(|_| Ok(())).await?;
    Fields::of(&visit.request, "user")
}

/// Takes the password out of a body and hashes it.
async fn hashed(visit: &Visit, fields: &mut Fields) -> Result<Option<Option<String>>, KeystoneError> {
    Ok(match fields.nullable_text("password")? {
        None => None,
        Some(None) => Some(None),
        Some(Some(password)) => Some(Some(visit.api.passwords.hash(visit.request.source, password).await?)),
    })
}

/// `POST /users`.
pub(super) async fn create(visit: Visit) -> Result<Reply, KeystoneError> {
    let mut fields = sent(&visit).await?;
    let password_hash = hashed(&visit, &mut fields).await?.flatten();
    visit
        .write(move |call| {
            fields.ignore(&["id", "links", "options"]);
            let name = fields.name(LONGEST_NAME)?.ok_or_else(|| fields.lacks("name"))?;
            let domain_id = match fields.text("domain_id")? {
                Some(id) => domain::find(call, &id)?.id,
                None => project::default_domain(call)?,
            };
            let user = User {
                enabled: fields.flag("enabled")?.unwrap_or(true),
                default_project_id: fields.id("default_project_id")?,
                password_hash,
                extra: fields.rest(),
                ..User::new(domain_id, name)
            };
            no_namesake(call, &user)?;
            call.identity.put_user(&user)?;
            Ok(Reply::json(StatusCode::CREATED, &json!({ "user": view(call, &user) })))
        })
        .await
}

/// `PATCH /users/{user_id}`.
pub(super) async fn update(visit: Visit) -> Result<Reply, KeystoneError> {
    let mut fields = sent(&visit).await?;
    let password_hash = hashed(&visit, &mut fields).await?;
    visit
        .write(move |call| {
            let mut user = find(call, call.parameter("user_id"))?;
            fields.ignore(&["id", "links", "options"]);
            if fields.text("domain_id")?.is_some_and(|wanted| wanted != user.domain_id.as_str()) {
                return Err(KeystoneError::BadRequest("Cannot change domain_id of a user.".to_owned()));
            }
            if let Some(name) = fields.name(LONGEST_NAME)? {
                user.name = name;
            }
            if let Some(enabled) = fields.flag("enabled")? {
                if !enabled && user.enabled {
                    user.valid_from = clock::now();
                }
                user.enabled = enabled;
            }
            if let Some(project) = fields.nullable_text("default_project_id")? {
                user.default_project_id = match project {
                    Some(id) => Some(project::find(call, &id)?.id),
                    None => None,
                };
            }
            if let Some(hash) = password_hash {
                user.password_hash = hash;
                user.valid_from = clock::now();
            }
            user.extra.extend(fields.rest());
            no_namesake(call, &user)?;
            call.identity.put_user(&user)?;
            Ok(Reply::ok(&json!({ "user": view(call, &user) })))
        })
        .await
}

/// `DELETE /users/{user_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let user = find(call, call.parameter("user_id"))?;
    call.identity.delete_user(&user.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `POST /users/{user_id}/password`: who knows the old password may set a new one, without a token.
pub(super) async fn change_password(visit: Visit) -> Result<Reply, KeystoneError> {
    let mut fields = Fields::of(&visit.request, "user")?;
    let original = fields.text("original_password")?.ok_or_else(|| fields.lacks("original_password"))?;
    let wanted = fields.text("password")?.ok_or_else(|| fields.lacks("password"))?;
    let known = visit
        .read(|call| match call.parameter("user_id").parse() {
            Ok(id) => Ok(call.identity.user(&id)?.filter(|user| user.enabled)),
            Err(_) => Ok(None),
        })
        .await?;
    let hash = known.as_ref().and_then(|user| user.password_hash.clone());
    let source = visit.request.source;
    let proof = async {
        let good = visit.api.passwords.verify(source, original, hash).await?;
        known.filter(|_| good).ok_or(KeystoneError::Unauthorized)
    };
    let known = visit.api.failures.watch(Proof::Login, source, proof).await?;
    let new_hash = visit.api.passwords.hash(source, wanted).await?;
    visit
        .write(move |call| {
            let user = call.identity.user(&known.id)?.filter(|user| user.password_hash == known.password_hash);
            let mut user = user.ok_or(KeystoneError::Unauthorized)?;
            user.password_hash = Some(new_hash);
            user.valid_from = clock::now();
            call.identity.put_user(&user)?;
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        })
        .await
}
