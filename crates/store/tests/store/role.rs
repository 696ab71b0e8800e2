//! Which roles a user has where, against a recomputation that follows the words of the rule.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use store::{
    Store, StoreError,
    identity::{Actor, Assignment, AssignmentFilter, Domain, Group, Project, Role, Target, User},
};
use types::{DomainId, GroupId, ProjectId, RoleId, UserId};

use super::Directory;

/// A random cloud.
#[derive(Default, Clone)]
struct World {
    domains: Vec<DomainId>,
    projects: Vec<Project>,
    users: Vec<UserId>,
    members: Vec<(GroupId, UserId)>,
    roles: Vec<Role>,
    implied: Vec<(RoleId, RoleId)>,
    assignments: Vec<Assignment>,
}

fn role(name: &str, domain_id: Option<DomainId>) -> Role {
    let (description, immutable, extra) = (None, None, serde_json::Map::new());
    Role { id: RoleId::random(), name: name.to_owned(), domain_id, description, immutable, extra }
}

impl World {
    fn write(store: &Store, seed: u64) -> Self {
        store
            .write_blocking(move |tx| {
                let mut random = StdRng::seed_from_u64(seed);
                let identity = tx.identity();
                let mut world = Self::default();
                for number in 0..3 {
                    let domain = Domain::new(format!("d{number}"));
                    identity.put_domain(&domain)?;
                    world.domains.push(domain.id);
                }
                for number in 0..20 {
                    let own = world.domains.choose(&mut random).unwrap().clone();
                    let mut project = Project::new(own.clone(), format!("p{number}"));
                    let peers: Vec<_> = world.projects.iter().filter(|peer| peer.domain_id == own).collect();
                    if random.random_bool(0.8) {
                        project.parent_id = peers.choose(&mut random).map(|parent| parent.id.clone());
                    }
                    identity.put_project(&project)?;
                    world.projects.push(project);
                }
                for number in 0..6 {
                    let user = User::new(world.domains[0].clone(), format!("u{number}"));
                    identity.put_user(&user)?;
                    world.users.push(user.id);
                }
                let mut groups = Vec::new();
                for number in 0..4 {
                    let group = Group::new(world.domains[0].clone(), format!("g{number}"));
                    identity.put_group(&group)?;
                    for user in world.users.iter().filter(|_| random.random_bool(0.4)) {
                        identity.add_member(&group.id, user)?;
                        world.members.push((group.id.clone(), user.clone()));
                    }
                    groups.push(group.id);
                }
                for number in 0..7 {
                    let of = random.random_bool(0.3).then(|| world.domains.choose(&mut random).unwrap().clone());
                    let role = role(&format!("r{number}"), of);
                    identity.put_role(&role)?;
                    world.roles.push(role);
                }
                for _ in 0..6 {
                    // Circles too: the API refuses them, the statement must end all the same.
                    let pair = (world.roles.choose(&mut random).unwrap(), world.roles.choose(&mut random).unwrap());
                    identity.imply_role(&pair.0.id, &pair.1.id)?;
                    world.implied.push((pair.0.id.clone(), pair.1.id.clone()));
                }
                for _ in 0..25 {
                    let target = match random.random_range(0..10) {
                        0 => Target::System,
                        1..4 => Target::Domain(world.domains.choose(&mut random).unwrap().clone()),
                        _ => Target::Project(world.projects.choose(&mut random).unwrap().id.clone()),
                    };
                    let actor = if random.random_bool(0.5) {
                        Actor::User(world.users.choose(&mut random).unwrap().clone())
                    } else {
                        Actor::Group(groups.choose(&mut random).unwrap().clone())
                    };
                    let inherited = target != Target::System && random.random_bool(0.5);
                    let role_id = world.roles.choose(&mut random).unwrap().id.clone();
                    let assignment = Assignment { role_id, actor, target, inherited };
                    identity.assign_role(&assignment)?;
                    world.assignments.push(assignment);
                }
                Ok::<_, StoreError>(world)
            })
            .unwrap()
    }

    fn targets(&self) -> Vec<Target> {
        let projects = self.projects.iter().map(|project| Target::Project(project.id.clone()));
        projects.chain(self.domains.iter().cloned().map(Target::Domain)).chain([Target::System]).collect()
    }

    /// Whether a project is somewhere below another.
    fn is_below(&self, project: &Project, above: &ProjectId) -> bool {
        let parent = |id: &ProjectId| self.projects.iter().find(|project| project.id == *id);
        project
            .parent_id
            .as_ref()
            .is_some_and(|id| id == above || parent(id).is_some_and(|it| self.is_below(it, above)))
    }

    fn holds(&self, user: &UserId, assignment: &Assignment, target: &Target) -> bool {
        let is_actor = match &assignment.actor {
            Actor::User(id) => id == user,
            Actor::Group(group) => self.members.contains(&(group.clone(), user.clone())),
        };
        let is_there = match (assignment.inherited, target) {
            (false, _) => assignment.target == *target,
            (true, Target::Project(id)) => {
                let project = self.projects.iter().find(|project| project.id == *id).unwrap();
                match &assignment.target {
                    Target::Domain(domain) => project.domain_id == *domain,
                    Target::Project(above) => self.is_below(project, above),
                    Target::System => false,
                }
            }
            (true, _) => false,
        };
        is_actor && is_there
    }

    fn naive(&self, user: &UserId, target: &Target) -> BTreeSet<RoleId> {
        let held = self.assignments.iter().filter(|assignment| self.holds(user, assignment, target));
        let mut roles: BTreeSet<_> = held.map(|assignment| assignment.role_id.clone()).collect();
        loop {
            let before = roles.len();
            let next = self.implied.iter().filter(|(prior, _)| roles.contains(prior)).map(|(_, role)| role.clone());
            roles.extend(next.collect::<Vec<_>>());
            if roles.len() == before {
                break;
            }
        }
        let of_cloud = |id: &RoleId| self.roles.iter().any(|role| role.id == *id && role.domain_id.is_none());
        roles.into_iter().filter(of_cloud).collect()
    }
}

#[test]
fn effective_roles_are_what_the_rule_says() {
    let mut seen = BTreeMap::new();
    for seed in 0..40 {
        let directory = Directory::new();
        let store = directory.open();
        let world = World::write(&store, seed);
        for user in &world.users {
            let mut places = BTreeSet::new();
            for target in world.targets() {
                let expected = world.naive(user, &target);
                let (of, place) = (user.clone(), target.clone());
                let found = store.read_blocking(move |read| read.identity().effective_roles(&of, &place)).unwrap();
                let found: BTreeSet<_> = found.into_iter().map(|role| role.id).collect();
                assert_eq!(found, expected, "seed {seed}, {user} on {target:?}");
                *seen.entry(found.len()).or_insert(0) += 1;
                if !found.is_empty() {
                    places.insert(target);
                }
            }
            let of = user.clone();
            let (projects, domains) = store
                .read_blocking(move |read| {
                    let identity = read.identity();
                    Ok::<_, StoreError>((identity.projects_of_user(&of)?, identity.domains_of_user(&of)?))
                })
                .unwrap();
            let projects = projects.into_iter().map(|project| Target::Project(project.id));
            let listed: BTreeSet<_> = projects.chain(domains.into_iter().map(|it| Target::Domain(it.id))).collect();
            places.remove(&Target::System);
            assert_eq!(listed, places, "seed {seed}, {user}");
        }
    }
    assert!(seen.len() > 3, "the worlds are not all alike: {seen:?}");
}

#[test]
fn what_an_assignment_refers_to_takes_it_along() {
    let directory = Directory::new();
    let store = directory.open();
    let counts = store
        .write_blocking(|tx| {
            let identity = tx.identity();
            let home = Domain::new("home");
            identity.put_domain(&home)?;
            let (user, group) = (User::new(home.id.clone(), "u"), Group::new(home.id.clone(), "g"));
            let project = Project::new(home.id.clone(), "p");
            let (one, two) = (role("one", None), role("two", None));
            identity.put_user(&user)?;
            identity.put_group(&group)?;
            identity.put_project(&project)?;
            identity.put_role(&one)?;
            identity.put_role(&two)?;
            let targets = [Target::Project(project.id.clone()), Target::Domain(home.id.clone()), Target::System];
            for actor in [Actor::User(user.id.clone()), Actor::Group(group.id.clone())] {
                for target in &targets {
                    for role_id in [&one.id, &two.id] {
                        let assignment = Assignment {
                            role_id: role_id.clone(),
                            actor: actor.clone(),
                            target: target.clone(),
                            inherited: false,
                        };
                        identity.assign_role(&assignment)?;
                        // A second time is the first time.
                        identity.assign_role(&assignment)?;
                    }
                }
            }
            let count = || Ok::<_, StoreError>(identity.assignments(&AssignmentFilter::default())?.len());
            let mut counts = vec![count()?];
            identity.delete_role(&two.id)?;
            counts.push(count()?);
            identity.delete_project(&project.id)?;
            counts.push(count()?);
            identity.delete_group(&group.id)?;
            counts.push(count()?);
            identity.delete_user(&user.id)?;
            counts.push(count()?);
            Ok::<_, StoreError>(counts)
        })
        .unwrap();
    assert_eq!(counts, [12, 6, 4, 2, 0]);
}
