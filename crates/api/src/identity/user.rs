//! Users.
//!
//! What has to do with their passwords is in [`password`]; a password's hash is computed outside the
//! transaction that stores it, since it takes tens of milliseconds.

mod password;

use hyper::StatusCode;
use model::python;
use serde_json::{Value, json};
use store::identity::{PrincipalFilter, User};
use types::DomainId;

use super::{
    KeystoneError, auth,
    fields::Fields,
    list,
    option::{self, Kind},
    project,
    route::{Call, Visit},
};
use crate::{clock, edge::Reply};

pub(super) use password::{change_password, expires_at};

const LONGEST_NAME: usize = 255;

/// Obeyed: every one that has to do with passwords and locks. Kept only: inactivity, which nothing here
/// counts, and several factors, of which there is only one.
const OPTIONS: &[(&str, Kind)] = &[
    ("ignore_change_password_upon_first_use", Kind::Flag),
    ("ignore_password_expiry", Kind::Flag),
    ("ignore_lockout_failure_attempts", Kind::Flag),
    ("lock_password", Kind::Flag),
    ("ignore_user_inactivity", Kind::Flag),
    ("multi_factor_auth_rules", Kind::MethodLists),
    ("multi_factor_auth_enabled", Kind::Flag),
];

/// A user as clients see it.
pub(super) fn view(call: &Call<'_>, user: &User) -> Value {
    let mut view = Value::Object(user.extra.clone());
    view["id"] = json!(user.id);
    view["name"] = json!(user.name);
    view["domain_id"] = json!(user.domain_id);
    view["enabled"] = json!(user.enabled);
    if let Some(project) = &user.default_project_id {
        view["default_project_id"] = json!(project);
    }
    view["password_expires_at"] = json!(expires_at(user).map(clock::keystone_without_zone));
    view["options"] = json!(user.options);
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

/// What of a query the store selects by: the exact name and the domain, which is the caller's own when their
/// token is for one.
pub(super) fn wanted(call: &Call<'_>) -> Result<PrincipalFilter, KeystoneError> {
    let query = &call.request().query;
    let domain = match (call.own_domain()?, query.first("domain_id")) {
        (Some(own), _) => Some(own.clone()),
        // An id that is none selects nothing; which is what a random one does.
        (None, Some(id)) => Some(id.parse().unwrap_or_else(|_| DomainId::random())),
        (None, None) => None,
    };
    Ok(PrincipalFilter { domain, name: query.first("name").map(ToOwned::to_owned) })
}

/// `GET /users`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    page(call, call.identity.users_where(&wanted(call)?)?)
}

/// The page of users that the query asks for.
pub(super) fn page(call: &Call<'_>, users: Vec<User>) -> Result<Reply, KeystoneError> {
    let query = &call.request().query;
    let expiry = query.first("password_expires_at").map(password::ExpiryFilter::parse).transpose()?;
    // There are no federated users that these could name.
    let federated = ["idp_id", "protocol_id", "unique_id"].iter().any(|name| query.first(name).is_some());
    let users = users.into_iter().filter(|user| !federated && expiry.is_none_or(|expiry| expiry.selects(user)));
    let views = users.map(|user| view(call, &user));
    let items = views.filter(|item| list::selects(call.request(), item, &["name", "domain_id", "enabled"])).collect();
    list::page(call, "users", items, |id| list::found(find(call, id)))
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
    let filters = ["name", "domain_id", "enabled"];
    let items = views.filter(|item| list::selects(call.request(), item, &filters)).collect();
    list::page(call, "projects", items, |id| list::found(project::find(call, id)))
}

/// The attributes of a body, of a caller who may send them: for others they are not looked at.
async fn sent(visit: &Visit) -> Result<Fields, KeystoneError> {
    visit.read(|_| Ok(())).await?;
    Fields::of(&visit.request, "user")
}

/// A user's default project may be anything but a domain.
fn default_project(call: &Call<'_>, fields: &mut Fields) -> Result<Option<Option<types::ProjectId>>, KeystoneError> {
    let Some(sent) = fields.nullable_text("default_project_id")? else { return Ok(None) };
    let Some(text) = sent else { return Ok(Some(None)) };
    let is_domain = match text.parse() {
        Ok(id) => call.identity.domain(&id)?.is_some(),
        Err(_) => false,
    };
    if is_domain {
        let text = format!("User's default project ID cannot be a domain ID: {text}");
        return Err(KeystoneError::BadRequest(text));
    }
    let reason = format!("{} does not match '^[a-zA-Z0-9-]+$'", python::repr(&Value::from(text.as_str())));
    text.parse().map(|id| Some(Some(id))).map_err(|_| KeystoneError::invalid("default_project_id", &text, reason))
}

/// `POST /users`.
pub(super) async fn create(visit: Visit) -> Result<Reply, KeystoneError> {
    let mut fields = sent(&visit).await?;
    let new_password = password::hashed(&visit, &mut fields).await?.flatten();
    visit
        .write(move |call| {
            fields.ignore(&["id", "links", "password_expires_at"]);
            let name = fields.name(LONGEST_NAME)?.ok_or_else(|| fields.lacks("name"))?;
            let domain_id = project::domain_for_new(call, &mut fields)?;
            let mut user = User {
                enabled: fields.flag("enabled")?.unwrap_or(true),
                default_project_id: default_project(call, &mut fields)?.flatten(),
                ..User::new(domain_id, name)
            };
            option::merge(&mut fields, OPTIONS, &mut user.options)?;
            user.extra = fields.rest();
            no_namesake(call, &user)?;
            if let Some(hash) = new_password {
                password::set(call, &mut user, Some(hash), password::By::Administrator)?;
            }
            call.identity.put_user(&user)?;
            Ok(Reply::json(StatusCode::CREATED, &json!({ "user": view(call, &user) })))
        })
        .await
}

/// `PATCH /users/{user_id}`.
pub(super) async fn update(visit: Visit) -> Result<Reply, KeystoneError> {
    let mut fields = sent(&visit).await?;
    fields.refuse_empty("user")?;
    let new_password = password::hashed(&visit, &mut fields).await?;
    visit
        .write(move |call| {
            let mut user = find(call, call.parameter("user_id"))?;
            fields.same_id(user.id.as_str())?;
            fields.ignore(&["links", "password_expires_at"]);
            project::same_domain(&mut fields, &user.domain_id)?;
            if let Some(name) = fields.name(LONGEST_NAME)? {
                user.name = name;
            }
            if let Some(enabled) = fields.flag("enabled")? {
                if !enabled && user.enabled {
                    user.valid_from = clock::now();
                    call.identity.delete_application_credentials_of(&user.id)?;
                }
                if enabled {
                    // An administrator who says so unlocks the user.
                    call.identity.forget_failed_logins(&user.id)?;
                }
                user.enabled = enabled;
            }
            if let Some(project) = default_project(call, &mut fields)? {
                user.default_project_id = project;
            }
            option::merge(&mut fields, OPTIONS, &mut user.options)?;
            user.extra.extend(fields.rest());
            no_namesake(call, &user)?;
            if let Some(hash) = new_password {
                password::set(call, &mut user, hash, password::By::Administrator)?;
            }
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
