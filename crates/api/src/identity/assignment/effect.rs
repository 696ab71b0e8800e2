//! What assignments come to: groups replaced by their members, inherited assignments by the projects
//! that inherit them, roles joined by those that they imply.
//!
//! The order is Keystone's, and so is what each step keeps of the one before: clients read from it
//! through which group, from where and by which role somebody came to a role.

use std::collections::{BTreeMap, BTreeSet};

use store::identity::{Actor, Assignment, AssignmentFilter, Identity, ProjectPlace, Target};
use types::{DomainId, GroupId, ProjectId, RoleId, UserId};

use super::{MOST, Wanted};
use crate::identity::KeystoneError;

/// An assignment, or what follows from one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ref {
    pub(super) role: RoleId,
    pub(super) actor: Actor,
    pub(super) target: Target,
    /// Whether it is one that the projects below the target inherit.
    pub(super) inherited: bool,
    /// The group through whose membership.
    pub(super) group: Option<GroupId>,
    /// The project or domain from which it was inherited.
    pub(super) source: Option<Target>,
    /// The role that implies this one.
    pub(super) prior: Option<RoleId>,
}

impl Ref {
    /// An assignment as it was made.
    pub(super) fn of(assignment: Assignment) -> Self {
        let Assignment { role_id: role, actor, target, inherited } = assignment;
        Self { role, actor, target, inherited, group: None, source: None, prior: None }
    }
}

/// Which project is below which.
pub(super) struct Tree {
    places: BTreeMap<ProjectId, ProjectPlace>,
    children: BTreeMap<ProjectId, Vec<ProjectId>>,
}

impl Tree {
    pub(super) fn read(identity: Identity<'_>) -> Result<Self, KeystoneError> {
        let mut tree = Self { places: BTreeMap::new(), children: BTreeMap::new() };
        for place in identity.project_places()? {
            if let Some(parent) = &place.parent_id {
                tree.children.entry(parent.clone()).or_default().push(place.id.clone());
            }
            tree.places.insert(place.id.clone(), place);
        }
        Ok(tree)
    }

    /// The domain of a project.
    pub(super) fn domain(&self, project: &ProjectId) -> Option<&DomainId> {
        self.places.get(project).map(|place| &place.domain_id)
    }

    /// The projects below a project, without itself.
    pub(super) fn below(&self, project: &ProjectId) -> Vec<&ProjectId> {
        let mut found = Vec::new();
        let mut open: Vec<_> = self.children.get(project).into_iter().flatten().collect();
        while let Some(next) = open.pop() {
            found.push(next);
            open.extend(self.children.get(next).into_iter().flatten());
        }
        found
    }

    /// The projects above a project, without itself.
    fn above(&self, project: &ProjectId) -> Vec<&ProjectId> {
        let parent = |id: &ProjectId| self.places.get(id).and_then(|place| place.parent_id.as_ref());
        std::iter::successors(parent(project), |id| parent(id)).collect()
    }

    /// The projects of a domain.
    pub(super) fn in_domain<'a>(&'a self, domain: &'a DomainId) -> impl Iterator<Item = &'a ProjectId> {
        self.places.values().filter(move |place| place.domain_id == *domain).map(|place| &place.id)
    }
}

/// What the query wants, as it takes effect.
pub(super) fn list(identity: Identity<'_>, wanted: &Wanted, tree: &Tree) -> Result<Vec<Ref>, KeystoneError> {
    let user = match &wanted.actor {
        Some(Actor::User(user)) => Some(user),
        // Nobody is a group when groups are replaced by their members.
        Some(Actor::Group(_)) => return Ok(Vec::new()),
        None => None,
    };
    let projects: Option<BTreeSet<ProjectId>> = match &wanted.target {
        Some(Target::Project(project)) => {
            let below = if wanted.has_subtree { tree.below(project) } else { Vec::new() };
            Some(std::iter::once(project).chain(below).cloned().collect())
        }
        _ => None,
    };
    let made = sources(identity, wanted, user, projects.as_ref(), tree)?;
    let members = Members::read(identity, user, &made)?;
    let implied = Implied::read(identity)?;
    let mut found = Vec::new();
    for assignment in made {
        for placed in on_targets(Ref::of(assignment), projects.as_ref(), tree) {
            for held in members.expand(placed) {
                implied.expand(held, wanted.role.as_deref(), &mut found);
                if found.len() > MOST {
                    return Ok(found);
                }
            }
        }
    }
    Ok(found)
}

/// The assignments from which something follows that the query wants.
fn sources(
    identity: Identity<'_>,
    wanted: &Wanted,
    user: Option<&UserId>,
    projects: Option<&BTreeSet<ProjectId>>,
    tree: &Tree,
) -> Result<Vec<Assignment>, KeystoneError> {
    let actors = match user {
        Some(user) => {
            let groups = identity.memberships(user)?.into_iter().map(Actor::Group);
            Some(std::iter::once(Actor::User(user.clone())).chain(groups).collect::<Vec<_>>())
        }
        None => None,
    };
    let read = |targets: Option<Vec<Target>>, inherited: bool| {
        let filter = AssignmentFilter {
            actors: actors.clone(),
            targets,
            inherited: Some(inherited),
            ..AssignmentFilter::default()
        };
        identity.assignments(&filter)
    };
    let mut made = Vec::new();
    if wanted.inherited != Some(true) {
        let targets = match (&wanted.target, projects) {
            (Some(Target::Project(_)), Some(projects)) => Some(projects.iter().cloned().map(Target::Project).collect()),
            (Some(target), _) => Some(vec![target.clone()]),
            (None, _) => None,
        };
        let mut direct = read(targets, false)?;
        // As in Keystone, whose effective list knows the system only when it is asked for.
        direct.retain(|assignment| wanted.target.is_some() || assignment.target != Target::System);
        made.extend(direct);
    }
    let nothing_inherits = matches!(wanted.target, Some(Target::Domain(_) | Target::System));
    if wanted.inherited != Some(false) && !nothing_inherits {
        let targets = match &wanted.target {
            Some(Target::Project(project)) => {
                let domain = tree.domain(project).cloned().map(Target::Domain);
                let mut above: BTreeSet<_> = tree.above(project).into_iter().cloned().collect();
                if wanted.has_subtree {
                    above.extend(projects.into_iter().flatten().cloned());
                }
                Some(domain.into_iter().chain(above.into_iter().map(Target::Project)).collect())
            }
            _ => None,
        };
        made.extend(read(targets, true)?);
    }
    Ok(made)
}

/// An assignment on each project that inherits it and that is wanted, or the assignment itself.
fn on_targets(made: Ref, projects: Option<&BTreeSet<ProjectId>>, tree: &Tree) -> Vec<Ref> {
    if !made.inherited {
        return vec![made];
    }
    let heirs: Vec<&ProjectId> = match &made.target {
        Target::Domain(domain) => tree.in_domain(domain).collect(),
        Target::Project(project) => tree.below(project),
        Target::System => Vec::new(),
    };
    let is_wanted = |heir: &&ProjectId| projects.is_none_or(|projects| projects.contains(*heir));
    let heir = |project: &ProjectId| Ref {
        target: Target::Project(project.clone()),
        source: Some(made.target.clone()),
        inherited: false,
        ..made.clone()
    };
    heirs.into_iter().filter(is_wanted).map(heir).collect()
}

/// The members of the groups that have assignments.
struct Members(BTreeMap<GroupId, Vec<UserId>>);

impl Members {
    fn read(identity: Identity<'_>, user: Option<&UserId>, made: &[Assignment]) -> Result<Self, KeystoneError> {
        let groups: BTreeSet<_> = made
            .iter()
            .filter_map(|assignment| match &assignment.actor {
                Actor::Group(group) => Some(group),
                Actor::User(_) => None,
            })
            .collect();
        let mut members: BTreeMap<GroupId, Vec<UserId>> = BTreeMap::new();
        match user {
            // Only groups of the user were looked for.
            Some(user) => members.extend(groups.into_iter().map(|group| (group.clone(), vec![user.clone()]))),
            None => {
                for (group, member) in identity.members_of(&groups.into_iter().collect::<Vec<_>>())? {
                    members.entry(group).or_default().push(member);
                }
            }
        }
        Ok(Self(members))
    }

    fn expand(&self, held: Ref) -> Vec<Ref> {
        let Actor::Group(group) = &held.actor else { return vec![held] };
        let member =
            |user: &UserId| Ref { actor: Actor::User(user.clone()), group: Some(group.clone()), ..held.clone() };
        self.0.get(group).into_iter().flatten().map(member).collect()
    }
}

/// What roles imply, and which of them count by themselves.
struct Implied {
    next: BTreeMap<RoleId, Vec<RoleId>>,
    of_cloud: BTreeSet<RoleId>,
}

impl Implied {
    fn read(identity: Identity<'_>) -> Result<Self, KeystoneError> {
        let mut next: BTreeMap<RoleId, Vec<RoleId>> = BTreeMap::new();
        for (prior, implied) in identity.implied_roles()? {
            next.entry(prior).or_default().push(implied);
        }
        let of_cloud = identity.roles()?.into_iter().filter(|role| role.domain_id.is_none()).map(|role| role.id);
        Ok(Self { next, of_cloud: of_cloud.collect() })
    }

    /// A role with all that it implies, each with the role that implied it: one and the same role may
    /// come by several. Roles of domains have done their work when what they imply is there.
    fn expand(&self, held: Ref, only: Option<&str>, found: &mut Vec<Ref>) {
        let mut seen = BTreeSet::new();
        let mut open = vec![held];
        while let Some(held) = open.pop() {
            if !seen.insert((held.role.clone(), held.prior.clone())) {
                continue;
            }
            for implied in self.next.get(&held.role).into_iter().flatten() {
                open.push(Ref { role: implied.clone(), prior: Some(held.role.clone()), ..held.clone() });
            }
            if self.of_cloud.contains(&held.role) && only.is_none_or(|role| held.role.as_str() == role) {
                found.push(held);
            }
        }
    }
}
