//! Who has which role where, and what follows from it.
//!
//! An assignment names an actor, a target and a role. What a user may do on a target follows from
//! the user's own assignments and those of the user's groups, on the target itself and, where they
//! are inherited, on every project above it and on its domain, and from the roles that those imply.
//! [`Identity::effective_roles`] computes that in one statement; every check of a token runs it, so
//! it reads one index entry per group and place and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Row, ToSql, named_params, params, types::Value as Sql};
use serde_json::Value;
use types::{DomainId, GroupId, ProjectId, RoleId, UserId};

use super::column::{parsed, parsed_option};
use super::{Domain, Identity, Project, Role};
use crate::StoreError;

/// Who has a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// One user.
    User(UserId),
    /// Every member of a group.
    Group(GroupId),
}

impl Actor {
    fn columns(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::User(id) => (Some(id.as_str()), None),
            Self::Group(id) => (None, Some(id.as_str())),
        }
    }

    /// The word of the column `actor`.
    fn word(&self) -> String {
        match self {
            Self::User(id) => format!("user:{id}"),
            Self::Group(id) => format!("group:{id}"),
        }
    }
}

/// Where a role applies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// In one project.
    Project(ProjectId),
    /// In a domain.
    Domain(DomainId),
    /// In the whole cloud.
    System,
}

impl Target {
    fn columns(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Project(id) => (Some(id.as_str()), None),
            Self::Domain(id) => (None, Some(id.as_str())),
            Self::System => (None, None),
        }
    }

    /// The word of the column `target`.
    fn word(&self) -> String {
        match self {
            Self::Project(id) => format!("project:{id}"),
            Self::Domain(id) => format!("domain:{id}"),
            Self::System => "system".to_owned(),
        }
    }
}

/// That an actor has a role somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assignment {
    /// The role.
    pub role_id: RoleId,
    /// Who has it.
    pub actor: Actor,
    /// Where.
    pub target: Target,
    /// Whether it applies to the projects below the target instead of the target itself.
    pub inherited: bool,
}

/// Which assignments to list; a part that is none leaves that side open.
#[derive(Debug, Clone, Default)]
pub struct AssignmentFilter {
    /// Only of these users and groups themselves, not of the users' groups.
    pub actors: Option<Vec<Actor>>,
    /// Only of this role.
    pub role: Option<RoleId>,
    /// Only on these targets.
    pub targets: Option<Vec<Target>>,
    /// Only those that are inherited, or only those that are not.
    pub inherited: Option<bool>,
    /// Only those that come after this one.
    pub after: Option<Assignment>,
    /// Only so many.
    pub most: Option<usize>,
}

/// Where a project is: below what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectPlace {
    /// The project.
    pub id: ProjectId,
    /// The project above it.
    pub parent_id: Option<ProjectId>,
    /// Its domain.
    pub domain_id: DomainId,
}

/// What has a name and lies in a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Users.
    Users,
    /// Groups.
    Groups,
    /// Projects.
    Projects,
    /// Roles; those of the whole cloud lie in no domain.
    Roles,
}

impl Assignment {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let actor = match parsed_option(row, "user_id")? {
            Some(user) => Actor::User(user),
            None => Actor::Group(parsed(row, "group_id")?),
        };
        let target = match (parsed_option(row, "project_id")?, parsed_option(row, "domain_id")?) {
            (Some(project), _) => Target::Project(project),
            (None, Some(domain)) => Target::Domain(domain),
            (None, None) => Target::System,
        };
        Ok(Self { role_id: parsed(row, "role_id")?, actor, target, inherited: row.get("inherited")? })
    }
}

/// The roles of a user on a target. `places` are the target itself and, for a project, whatever is
/// above it; CROSS JOIN keeps the planner from starting at the assignments, which are many.
const EFFECTIVE_ROLES: &str = "
    WITH RECURSIVE
        actors (actor) AS (
            SELECT 'user:' || :user
            UNION ALL
            SELECT 'group:' || group_id FROM group_members WHERE user_id = :user),
        above (id, parent_id) AS (
            SELECT id, parent_id FROM projects WHERE id = :project
            UNION
            SELECT projects.id, projects.parent_id FROM above JOIN projects ON projects.id = above.parent_id),
        places (target, inherited) AS (
            SELECT :target, 0
            UNION ALL
            SELECT 'project:' || parent_id, 1 FROM above WHERE parent_id IS NOT NULL
            UNION ALL
            SELECT 'domain:' || domain_id, 1 FROM projects WHERE id = :project),
        held (role_id) AS (
            SELECT role_assignments.role_id
            FROM actors CROSS JOIN places CROSS JOIN role_assignments USING (actor, target, inherited)
            UNION
            SELECT implied_role_id FROM held JOIN implied_roles ON prior_role_id = held.role_id)
    SELECT roles.* FROM held CROSS JOIN roles ON roles.id = held.role_id
    WHERE roles.domain_id IS NULL
    ORDER BY roles.id";

/// What a user's own assignments and those of the user's groups say, as far as they give a role that
/// counts: one of the whole cloud, or one of a domain that implies such a role.
const GIVEN: &str = "
    WITH RECURSIVE
        counting (role_id) AS (
            SELECT id FROM roles WHERE domain_id IS NULL
            UNION
            SELECT prior_role_id FROM counting JOIN implied_roles ON implied_role_id = counting.role_id),
        actors (actor) AS (
            SELECT 'user:' || :user
            UNION ALL
            SELECT 'group:' || group_id FROM group_members WHERE user_id = :user),
        given (project_id, domain_id, inherited) AS (
            SELECT project_id, domain_id, inherited FROM actors CROSS JOIN role_assignments USING (actor)
            WHERE role_id IN (SELECT role_id FROM counting))";

impl Identity<'_> {
    /// The projects in which a user has a role by any way, by id; disabled ones too.
    pub fn projects_of_user(&self, user: &UserId) -> Result<Vec<Project>, StoreError> {
        let sql = format!(
            "{GIVEN},
             below (id) AS (
                 SELECT id FROM given JOIN projects ON projects.parent_id = given.project_id WHERE inherited = 1
                 UNION
                 SELECT id FROM given JOIN projects ON projects.domain_id = given.domain_id WHERE inherited = 1
                 UNION
                 SELECT projects.id FROM below JOIN projects ON projects.parent_id = below.id)
             SELECT * FROM projects
             WHERE id IN (SELECT project_id FROM given WHERE inherited = 0 UNION SELECT id FROM below) ORDER BY id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(named_params! { ":user": user.as_str() }, Project::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The domains in which themselves a user has a role, by id; disabled ones too.
    pub fn domains_of_user(&self, user: &UserId) -> Result<Vec<Domain>, StoreError> {
        let sql = format!(
            "{GIVEN}
             SELECT * FROM domains WHERE id IN (SELECT domain_id FROM given WHERE inherited = 0) ORDER BY id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(named_params! { ":user": user.as_str() }, Domain::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The roles of the whole cloud that a user has on a target, by id: their own and their groups',
    /// inherited and implied ones too. A role of a domain counts by what it implies only, as in
    /// Keystone, where its name means nothing to services.
    pub fn effective_roles(&self, user: &UserId, target: &Target) -> Result<Vec<Role>, StoreError> {
        let mut statement = self.connection.prepare_cached(EFFECTIVE_ROLES)?;
        let (project, _) = target.columns();
        let parameters = named_params! { ":user": user.as_str(), ":target": target.word(), ":project": project };
        let rows = statement.query_map(parameters, Role::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The assignments that a filter selects, as they were made; by actor, target and role.
    pub fn assignments(&self, filter: &AssignmentFilter) -> Result<Vec<Assignment>, StoreError> {
        // Only what is asked for is in the text, so that each combination finds its index.
        let words = |words: Vec<String>| Value::from(words).to_string();
        let mut conditions = vec!["1"];
        let mut parameters: Vec<(&str, Sql)> = Vec::new();
        if let Some(actors) = &filter.actors {
            conditions.push("actor IN (SELECT value FROM json_each(:actors))");
            parameters.push((":actors", words(actors.iter().map(Actor::word).collect()).into()));
        }
        if let Some(targets) = &filter.targets {
            conditions.push("target IN (SELECT value FROM json_each(:targets))");
            parameters.push((":targets", words(targets.iter().map(Target::word).collect()).into()));
        }
        if let Some(role) = &filter.role {
            conditions.push("role_id = :role");
            parameters.push((":role", role.as_str().to_owned().into()));
        }
        if let Some(inherited) = filter.inherited {
            conditions.push("inherited = :inherited");
            parameters.push((":inherited", inherited.into()));
        }
        if let Some(Assignment { role_id, actor, target, inherited }) = &filter.after {
            conditions.push("(actor, target, inherited, role_id) > (:actor, :target, :below, :after)");
            parameters.push((":actor", actor.word().into()));
            parameters.push((":target", target.word().into()));
            parameters.push((":below", (*inherited).into()));
            parameters.push((":after", role_id.as_str().to_owned().into()));
        }
        // A negative limit is none.
        parameters.push((":most", filter.most.and_then(|most| i64::try_from(most).ok()).unwrap_or(-1).into()));
        let sql = format!(
            "SELECT * FROM role_assignments WHERE {} ORDER BY actor, target, inherited, role_id LIMIT :most",
            conditions.join(" AND ")
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let parameters: Vec<(&str, &dyn ToSql)> =
            parameters.iter().map(|(name, value)| (*name, value as &dyn ToSql)).collect();
        let rows = statement.query_map(&*parameters, Assignment::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The members of a group by id, at most so many.
    pub fn members_of(&self, group: &GroupId, most: usize) -> Result<Vec<UserId>, StoreError> {
        let sql = "SELECT user_id FROM group_members WHERE group_id = ?1 ORDER BY user_id LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![group.as_str(), most], |row| parsed(row, "user_id"))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The groups that a user is in.
    pub fn memberships(&self, user: &UserId) -> Result<Vec<GroupId>, StoreError> {
        let sql = "SELECT group_id FROM group_members WHERE user_id = ?1 ORDER BY group_id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([user.as_str()], |row| parsed(row, "group_id"))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Where every project is.
    pub fn project_places(&self) -> Result<Vec<ProjectPlace>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT id, parent_id, domain_id FROM projects")?;
        let rows = statement.query_map([], |row| {
            Ok(ProjectPlace {
                id: parsed(row, "id")?,
                parent_id: parsed_option(row, "parent_id")?,
                domain_id: parsed(row, "domain_id")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The names of some objects and the domains that they lie in, by id.
    pub fn names(
        &self,
        of: Named,
        ids: &BTreeSet<&str>,
    ) -> Result<BTreeMap<String, (String, Option<DomainId>)>, StoreError> {
        let table = match of {
            Named::Users => "users",
            Named::Groups => "groups",
            Named::Projects => "projects",
            Named::Roles => "roles",
        };
        let sql = format!("SELECT id, name, domain_id FROM {table} WHERE id IN (SELECT value FROM json_each(?1))");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let ids = Value::from(ids.iter().copied().collect::<Vec<_>>()).to_string();
        let rows = statement
            .query_map([ids], |row| Ok((row.get("id")?, (row.get("name")?, parsed_option(row, "domain_id")?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Gives a role. Nothing happens when the actor has it there already.
    pub fn assign_role(&self, assignment: &Assignment) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO role_assignments (role_id, user_id, group_id, project_id, domain_id, inherited)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        )?;
        let (user, group) = assignment.actor.columns();
        let (project, domain) = assignment.target.columns();
        statement.execute(params![assignment.role_id.as_str(), user, group, project, domain, assignment.inherited])?;
        Ok(())
    }

    /// Takes a role away. False when the actor did not have it there.
    pub fn unassign_role(&self, assignment: &Assignment) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM role_assignments WHERE actor = ?1 AND target = ?2 AND inherited = ?3 AND role_id = ?4",
        )?;
        let Assignment { role_id, actor, target, inherited } = assignment;
        Ok(statement.execute(params![actor.word(), target.word(), inherited, role_id.as_str()])? > 0)
    }
}
