//! An assignment as clients see it, with the links that say where it comes from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use store::identity::{Actor, Named, Target};
use types::DomainId;

use super::effect::Ref;
use crate::identity::{KeystoneError, route::Call};

type Owned = BTreeMap<String, (String, Option<DomainId>)>;

/// The names of what some assignments refer to, by id.
pub(super) struct Names {
    users: Owned,
    groups: Owned,
    projects: Owned,
    roles: Owned,
    domains: BTreeMap<DomainId, String>,
}

impl Names {
    pub(super) fn of(call: &Call<'_>, refs: &[Ref]) -> Result<Self, KeystoneError> {
        let (mut users, mut groups, mut projects) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for item in refs {
            match &item.actor {
                Actor::User(id) => users.insert(id.as_str()),
                Actor::Group(id) => groups.insert(id.as_str()),
            };
            if let Target::Project(id) = &item.target {
                projects.insert(id.as_str());
            }
        }
        let roles = refs.iter().map(|item| item.role.as_str()).collect();
        let identity = call.identity;
        Ok(Self {
            users: identity.names(Named::Users, &users)?,
            groups: identity.names(Named::Groups, &groups)?,
            projects: identity.names(Named::Projects, &projects)?,
            roles: identity.names(Named::Roles, &roles)?,
            domains: identity.domains()?.into_iter().map(|domain| (domain.id, domain.name)).collect(),
        })
    }

    fn domain(&self, id: &DomainId) -> Value {
        json!({ "id": id, "name": self.domains.get(id) })
    }

    fn owned(&self, of: &Owned, id: &str) -> Value {
        match of.get(id) {
            Some((name, Some(domain))) => json!({ "id": id, "name": name, "domain": self.domain(domain) }),
            Some((name, None)) => json!({ "id": id, "name": name }),
            None => json!({ "id": id }),
        }
    }
}

/// The part of a URL that names a target.
fn path(target: &Target) -> String {
    match target {
        Target::Project(id) => format!("/projects/{id}"),
        Target::Domain(id) => format!("/domains/{id}"),
        Target::System => "/system".to_owned(),
    }
}

fn links(call: &Call<'_>, item: &Ref) -> Value {
    let mut links = json!({});
    let actor = match (&item.group, &item.actor) {
        (Some(group), Actor::User(user)) => {
            links["membership"] = json!(call.url(&format!("/groups/{group}/users/{user}")));
            format!("/groups/{group}")
        }
        (_, Actor::User(user)) => format!("/users/{user}"),
        (_, Actor::Group(group)) => format!("/groups/{group}"),
    };
    let place = path(item.source.as_ref().unwrap_or(&item.target));
    let given = item.prior.as_ref().unwrap_or(&item.role);
    let is_inherited = item.inherited || item.source.is_some();
    let (before, after) = if is_inherited { ("/OS-INHERIT", "/inherited_to_projects") } else { ("", "") };
    links["assignment"] = json!(call.url(&format!("{before}{place}{actor}/roles/{given}{after}")));
    if let Some(prior) = &item.prior {
        // Keystone has the two roles in this order.
        links["prior_role"] = json!(call.url(&format!("/prior_role/{}/implies/{prior}", item.role)));
    }
    links
}

/// An assignment, with names when there are any.
pub(super) fn view(call: &Call<'_>, item: &Ref, names: Option<&Names>) -> Value {
    let named = |pick: fn(&Names) -> &Owned, id: &str| match names {
        Some(names) => names.owned(pick(names), id),
        None => json!({ "id": id }),
    };
    let mut scope = match &item.target {
        Target::Project(id) => json!({ "project": named(|names| &names.projects, id.as_str()) }),
        Target::Domain(id) => {
            json!({ "domain": names.map_or_else(|| json!({ "id": id }), |names| names.domain(id)) })
        }
        Target::System => json!({ "system": { "all": true } }),
    };
    if item.inherited || item.source.is_some() {
        scope["OS-INHERIT:inherited_to"] = json!("projects");
    }
    let role = named(|names| &names.roles, item.role.as_str());
    let mut view = json!({ "links": links(call, item), "scope": scope, "role": role });
    match &item.actor {
        Actor::User(id) => view["user"] = named(|names| &names.users, id.as_str()),
        Actor::Group(id) => view["group"] = named(|names| &names.groups, id.as_str()),
    }
    view
}
