//! `GET /role_assignments`: who has which role where, as it was said or as it takes effect.

mod effect;
mod view;

use serde_json::json;
use store::identity::{Actor, AssignmentFilter, Target};

use super::{KeystoneError, project, route::Call};
use crate::edge::{Query, Reply};
use effect::{Ref, Tree};

/// How many assignments one answer holds at most. A longer list is cut and says so, as Keystone's
/// `list_limit` does: what takes effect can be every member of a group times every project.
const MOST: usize = 10_000;

/// What a query asks for.
struct Wanted {
    role: Option<String>,
    actor: Option<Actor>,
    target: Option<Target>,
    has_subtree: bool,
    inherited: Option<bool>,
    effective: bool,
}

/// A query parameter with a value.
fn given<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query.first(name).filter(|value| !value.is_empty())
}

/// Keystone takes every value of a flag but 0 for yes.
fn flag(query: &Query, name: &str) -> bool {
    query.first(name).is_some_and(|value| value != "0")
}

/// An id of a query. One that is none selects nothing, which is what a random one does.
fn id<T: std::str::FromStr>(text: &str, random: fn() -> T) -> T {
    text.parse().unwrap_or_else(|_| random())
}

impl Wanted {
    fn of(query: &Query) -> Result<Self, KeystoneError> {
        let refused = |reason: &str| Err(KeystoneError::BadRequest(reason.to_owned()));
        let (project, domain) = (given(query, "scope.project.id"), given(query, "scope.domain.id"));
        let (system, effective) = (given(query, "scope.system"), flag(query, "effective"));
        let (user, group) = (given(query, "user.id"), given(query, "group.id"));
        let inherited = query.first("scope.OS-INHERIT:inherited_to").map(|to| to == "projects");
        if project.is_some() && domain.is_some() {
            return refused("Specify a domain or project, not both");
        }
        if domain.is_some() && system.is_some() {
            return refused("Specify system or domain, not both");
        }
        if project.is_some() && system.is_some() {
            return refused("Specify system or project, not both");
        }
        if user.is_some() && group.is_some() {
            return refused("Specify a user or group, not both");
        }
        if effective && group.is_some() {
            return refused("Combining effective and group filter will always result in an empty list.");
        }
        if effective && inherited == Some(true) && domain.is_some() {
            return refused("Combining effective, domain and inherited filters will always result in an empty list.");
        }
        let has_subtree = flag(query, "include_subtree");
        if has_subtree && project.is_none() {
            return refused("scope.project.id must be specified if include_subtree is also specified");
        }
        let target = match (project, domain, system) {
            (Some(project), _, _) => Some(Target::Project(id(project, types::ProjectId::random))),
            (_, Some(domain), _) => Some(Target::Domain(id(domain, types::DomainId::random))),
            (_, _, Some("all")) => Some(Target::System),
            _ => None,
        };
        let actor = match (user, group) {
            (Some(user), _) => Some(Actor::User(id(user, types::UserId::random))),
            (_, Some(group)) => Some(Actor::Group(id(group, types::GroupId::random))),
            _ => None,
        };
        let role = given(query, "role.id").map(str::to_owned);
        Ok(Self { role, actor, target, has_subtree, inherited, effective })
    }
}

/// The assignments that were made, as far as the query wants them.
fn direct(call: &Call<'_>, wanted: &Wanted, tree: &Tree) -> Result<Vec<Ref>, KeystoneError> {
    let own = call.own_domain()?;
    let targets = match &wanted.target {
        Some(Target::Project(project)) if wanted.has_subtree => {
            let below = tree.below(project).into_iter().cloned();
            Some(std::iter::once(project.clone()).chain(below).map(Target::Project).collect())
        }
        Some(target) => Some(vec![target.clone()]),
        // What the caller may not see shall not take the place of what it may.
        None => own.map(|own| {
            let projects = tree.in_domain(own).cloned().map(Target::Project);
            projects.chain([Target::Domain(own.clone())]).collect()
        }),
    };
    let filter = AssignmentFilter {
        actors: wanted.actor.clone().map(|actor| vec![actor]),
        role: wanted.role.as_deref().map(|role| id(role, types::RoleId::random)),
        targets,
        inherited: wanted.inherited,
        after: None,
        // One more than is shown tells that there are more.
        most: Some(MOST + 1),
    };
    Ok(call.identity.assignments(&filter)?.into_iter().map(Ref::of).collect())
}

/// `GET /role_assignments`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let query = &call.request().query;
    let has_subtree = flag(query, "include_subtree");
    if let (true, Some(project), Some(own)) = (has_subtree, given(query, "scope.project.id"), call.own_domain()?)
        && project::find(call, project)?.domain_id != *own
    {
        // Keystone has a name of its own for the list of a tree.
        return Err(KeystoneError::Forbidden("identity:list_role_assignments_for_tree"));
    }
    let wanted = Wanted::of(query)?;
    let tree = Tree::read(call.identity)?;
    let own = call.own_domain()?;
    let is_visible = |target: &Target| {
        own.is_none_or(|own| match target {
            Target::Domain(domain) => domain == own,
            Target::Project(project) => tree.domain(project) == Some(own),
            Target::System => false,
        })
    };
    let mut refs = if wanted.effective {
        effect::list(call.identity, &wanted, &tree, is_visible)?
    } else {
        direct(call, &wanted, &tree)?
    };
    refs.retain(|item| is_visible(&item.target));
    let is_cut = refs.len() > MOST;
    refs.truncate(MOST);
    let names = if flag(query, "include_names") { Some(view::Names::of(call, &refs)?) } else { None };
    let items: Vec<_> = refs.iter().map(|item| view::view(call, item, names.as_ref())).collect();
    let own = format!("{}{}", call.request().public_url, call.request().path);
    let links = json!({ "next": null, "self": own, "previous": null });
    let mut body = json!({ "links": links, "role_assignments": items });
    if is_cut {
        body["truncated"] = json!(true);
    }
    Ok(Reply::ok(&body))
}
