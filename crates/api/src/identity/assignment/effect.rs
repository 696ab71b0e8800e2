//! What assignments come to: groups replaced by their members, inherited assignments by the projects
//! that inherit them, roles joined by those that they imply.
//!
//! The order is Keystone's, and so is what each step keeps of the one before: clients read from it
//! through which group, from where and by which role somebody came to a role.
//!
//! What is read is bounded: assignments come in pages, each is followed to its end before the next,
//! and members of one group at a time. So a list costs the memory of one answer, however much of what
//! was assigned comes to nothing.

use std::collections::{BTreeMap, BTreeSet};

use store::identity::{Actor, Assignment, AssignmentFilter, Identity, ProjectPlace, Target};
use types::{DomainId, GroupId, ProjectId, RoleId, UserId};

use super::{MOST, Wanted};

/// How many assignments are read at once.
const PAGE: usize = 1000;
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

/// What the query wants, as it takes effect where it may be seen; one more than an answer holds tells
/// that there is more.
pub(super) fn list(
    identity: Identity<'_>,
    wanted: &Wanted,
    tree: &Tree,
    is_visible: impl Fn(&Target) -> bool,
) -> Result<Vec<Ref>, KeystoneError> {
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
    let mut members = Members { identity, user, of_group: None };
    let implied = Implied::read(identity)?;
    let mut found = Vec::new();
    for mut source in sources(identity, wanted, user, projects.as_ref(), tree)? {
        loop {
            let page = identity.assignments(&source)?;
            source.after = page.last().filter(|_| page.len() == PAGE).cloned();
            // As in Keystone, whose effective list knows the system only when it is asked for.
            let counts = |made: &Assignment| wanted.target.is_some() || made.target != Target::System;
            for assignment in page.into_iter().filter(counts) {
                let placed = on_targets(Ref::of(assignment), projects.as_ref(), tree);
                for placed in placed.into_iter().filter(|placed| is_visible(&placed.target)) {
                    for held in members.expand(placed)? {
                        implied.expand(held, wanted.role.as_deref(), &mut found);
                        if found.len() > MOST {
                            return Ok(found);
                        }
                    }
                }
            }
            if source.after.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// Which assignments something follows from that the query wants, to be read in this order.
fn sources(
    identity: Identity<'_>,
    wanted: &Wanted,
    user: Option<&UserId>,
    projects: Option<&BTreeSet<ProjectId>>,
    tree: &Tree,
) -> Result<Vec<AssignmentFilter>, KeystoneError> {
    let actors = match user {
        Some(user) => {
            let groups = identity.memberships(user)?.into_iter().map(Actor::Group);
            Some(std::iter::once(Actor::User(user.clone())).chain(groups).collect::<Vec<_>>())
        }
        None => None,
    };
    let those = |targets: Option<Vec<Target>>, inherited: bool| AssignmentFilter {
        actors: actors.clone(),
        targets,
        inherited: Some(inherited),
        most: Some(PAGE),
        ..AssignmentFilter::default()
    };
    let mut sources = Vec::new();
    if wanted.inherited != Some(true) {
        let targets = match (&wanted.target, projects) {
            (Some(Target::Project(_)), Some(projects)) => Some(projects.iter().cloned().map(Target::Project).collect()),
            (Some(target), _) => Some(vec![target.clone()]),
            (None, _) => None,
        };
        sources.push(those(targets, false));
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
        sources.push(those(targets, true));
    }
    Ok(sources)
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

/// The members of the group that was last asked for: a group's assignments come one after another.
struct Members<'a> {
    identity: Identity<'a>,
    /// The only user of interest. Only groups of theirs are looked for then.
    user: Option<&'a UserId>,
    of_group: Option<(GroupId, Vec<UserId>)>,
}

impl Members<'_> {
    fn expand(&mut self, held: Ref) -> Result<Vec<Ref>, KeystoneError> {
        let Actor::Group(group) = &held.actor else { return Ok(vec![held]) };
        let users = match self.of_group.take() {
            Some((of, users)) if of == *group => users,
            _ => match self.user {
                Some(user) => vec![user.clone()],
                // More members than an answer holds are not told apart: all come to the same.
                None => self.identity.members_of(group, MOST + 1)?,
            },
        };
        let member =
            |user: &UserId| Ref { actor: Actor::User(user.clone()), group: Some(group.clone()), ..held.clone() };
        let expanded = users.iter().map(member).collect();
        self.of_group = Some((group.clone(), users));
        Ok(expanded)
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
