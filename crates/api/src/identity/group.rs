//! Groups of users.

use hyper::StatusCode;
use serde_json::{Value, json};
use store::identity::{Group, PrincipalFilter};

use super::{
    KeystoneError,
    fields::Fields,
    list, project,
    route::Call,
    user::{self, wanted},
};
use crate::edge::Reply;

const LONGEST_NAME: usize = 255;

/// A group as clients see it.
pub(super) fn view(call: &Call<'_>, group: &Group) -> Value {
    let mut view = Value::Object(group.extra.clone());
    view["id"] = json!(group.id);
    view["name"] = json!(group.name);
    view["domain_id"] = json!(group.domain_id);
    view["description"] = json!(group.description);
    view["links"] = json!({ "self": call.url(&format!("/groups/{}", group.id)) });
    view
}

/// The group of an id.
pub(super) fn find(call: &Call<'_>, id: &str) -> Result<Group, KeystoneError> {
    let found = match id.parse() {
        Ok(id) => call.identity.group(&id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| KeystoneError::NotFound { kind: "group", id: id.to_owned() })
}

fn no_namesake(call: &Call<'_>, group: &Group) -> Result<(), KeystoneError> {
    match call.identity.group_named(&group.domain_id, &group.name)?.filter(|other| other.id != group.id) {
        None => Ok(()),
        Some(_) => Err(KeystoneError::Conflict {
            kind: "group",
            reason: format!("Duplicate entry found with name {} at domain ID {}", group.name, group.domain_id),
        }),
    }
}

/// `GET /groups`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let filter: PrincipalFilter = wanted(call)?;
    let views = call.identity.groups(&filter)?.into_iter().map(|group| view(call, &group));
    let items = views.filter(|item| list::selects(call.request(), item, &["name", "domain_id"])).collect();
    list::page(call, "groups", items, |id| list::found(find(call, id)))
}

/// `GET /users/{user_id}/groups`.
pub(super) fn of_user(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let user = user::find(call, call.parameter("user_id"))?;
    let own = call.own_domain()?;
    let groups = call.identity.groups_of(&user.id)?.into_iter();
    let groups = groups.filter(|group| own.is_none_or(|own| group.domain_id == *own));
    let views = groups.map(|group| {
        let mut view = view(call, &group);
        // Only memberships of federated users expire.
        view["membership_expires_at"] = Value::Null;
        view
    });
    let items = views.filter(|item| list::selects(call.request(), item, &["name"])).collect();
    list::page(call, "groups", items, |id| list::found(find(call, id)))
}

/// `GET /groups/{group_id}`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let group = find(call, call.parameter("group_id"))?;
    Ok(Reply::ok(&json!({ "group": view(call, &group) })))
}

/// `POST /groups`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut fields = Fields::of(call.request(), "group")?;
    fields.ignore(&["id", "links"]);
    let name = fields.name(LONGEST_NAME)?.ok_or_else(|| fields.lacks("name"))?;
    let domain_id = project::domain_for_new(call, &mut fields)?;
    let group = Group {
        description: fields.nullable_text("description")?.flatten().unwrap_or_default(),
        extra: fields.rest(),
        ..Group::new(domain_id, name)
    };
    no_namesake(call, &group)?;
    call.identity.put_group(&group)?;
    Ok(Reply::json(StatusCode::CREATED, &json!({ "group": view(call, &group) })))
}

/// `PATCH /groups/{group_id}`.
pub(super) fn update(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut group = find(call, call.parameter("group_id"))?;
    let mut fields = Fields::of(call.request(), "group")?;
    fields.refuse_empty("group")?;
    fields.same_id(group.id.as_str())?;
    fields.ignore(&["links"]);
    project::same_domain(&mut fields, &group.domain_id)?;
    if let Some(name) = fields.name(LONGEST_NAME)? {
        group.name = name;
    }
    if let Some(description) = fields.nullable_text("description")? {
        group.description = description.unwrap_or_default();
    }
    group.extra.extend(fields.rest());
    no_namesake(call, &group)?;
    call.identity.put_group(&group)?;
    Ok(Reply::ok(&json!({ "group": view(call, &group) })))
}

/// `DELETE /groups/{group_id}`.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let group = find(call, call.parameter("group_id"))?;
    call.identity.delete_group(&group.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `GET /groups/{group_id}/users`.
pub(super) fn members(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let group = find(call, call.parameter("group_id"))?;
    let own = call.own_domain()?;
    let users = call.identity.members(&group.id)?;
    user::page(call, users.into_iter().filter(|user| own.is_none_or(|own| user.domain_id == *own)).collect())
}

/// `PUT /groups/{group_id}/users/{user_id}`.
pub(super) fn add_member(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let group = find(call, call.parameter("group_id"))?;
    let user = user::find(call, call.parameter("user_id"))?;
    call.identity.add_member(&group.id, &user.id)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn no_member(call: &Call<'_>) -> KeystoneError {
    let (user, group) = (call.parameter("user_id"), call.parameter("group_id"));
    KeystoneError::Missing(format!("User '{user}' not found in group '{group}'"))
}

/// `GET /groups/{group_id}/users/{user_id}`: 204 when the user is in it.
pub(super) fn check_member(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let group = find(call, call.parameter("group_id"))?;
    let user = user::find(call, call.parameter("user_id"))?;
    let is_member = call.identity.is_member(&group.id, &user.id)?;
    if is_member { Ok(Reply::empty(StatusCode::NO_CONTENT)) } else { Err(no_member(call)) }
}

/// `DELETE /groups/{group_id}/users/{user_id}`.
///
/// Keystone voids every token of the user here. Ours need not be: roles are read with each request, so that
/// those that came by the group are gone from all of them, and nothing else is.
pub(super) fn remove_member(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let group = find(call, call.parameter("group_id"))?;
    let user = user::find(call, call.parameter("user_id"))?;
    let was_member = call.identity.remove_member(&group.id, &user.id)?;
    if was_member { Ok(Reply::empty(StatusCode::NO_CONTENT)) } else { Err(no_member(call)) }
}
