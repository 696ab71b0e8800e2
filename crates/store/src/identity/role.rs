//! Roles, what they imply, and who has them where.

use rusqlite::{OptionalExtension, Row, named_params, params};
use types::{DomainId, ProjectId, RoleId, UserId};

use super::Identity;
use super::column::{parsed, parsed_option};
use crate::StoreError;

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Id.
    pub id: RoleId,
    /// Name, unique in its domain.
    pub name: String,
    /// The domain that the role belongs to; none for a role of the whole cloud.
    pub domain_id: Option<DomainId>,
    /// Free text.
    pub description: Option<String>,
    /// An immutable role can be neither changed nor deleted.
    pub immutable: bool,
}

/// Where a role applies.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// That a user has a role somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The role.
    pub role_id: RoleId,
    /// Who has it.
    pub user_id: UserId,
    /// Where.
    pub target: Target,
    /// Whether it applies to the projects below the target instead of the target itself.
    pub inherited: bool,
}

/// Which assignments to list; a part that is none leaves that side open.
#[derive(Debug, Clone, Default)]
pub struct AssignmentFilter {
    /// Only of this user.
    pub user: Option<UserId>,
    /// Only of this role.
    pub role: Option<RoleId>,
    /// Only on this target.
    pub target: Option<Target>,
}

impl Role {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            name: row.get("name")?,
            domain_id: parsed_option(row, "domain_id")?,
            description: row.get("description")?,
            immutable: row.get("immutable")?,
        })
    }
}

impl Assignment {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let project = parsed_option(row, "project_id")?;
        let domain = parsed_option(row, "domain_id")?;
        Ok(Self {
            role_id: parsed(row, "role_id")?,
            user_id: parsed(row, "user_id")?,
            target: match (project, domain) {
                (Some(id), _) => Target::Project(id),
                (None, Some(id)) => Target::Domain(id),
                (None, None) => Target::System,
            },
            inherited: row.get("inherited")?,
        })
    }
}

impl Identity<'_> {
    /// Every role, by id.
    pub fn roles(&self) -> Result<Vec<Role>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM roles ORDER BY id")?;
        let rows = statement.query_map([], Role::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One role.
    pub fn role(&self, id: &RoleId) -> Result<Option<Role>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM roles WHERE id = ?1")?;
        Ok(statement.query_row([id.as_str()], Role::from_row).optional()?)
    }

    /// The role of a name, in a domain or (none) in the whole cloud.
    pub fn role_named(&self, domain: Option<&DomainId>, name: &str) -> Result<Option<Role>, StoreError> {
        let sql = "SELECT * FROM roles WHERE name = ?1 AND coalesce(domain_id, '') = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let domain = domain.map_or("", DomainId::as_str);
        Ok(statement.query_row(params![name, domain], Role::from_row).optional()?)
    }

    /// Stores a role: a new one, or the new state of one that exists.
    pub fn put_role(&self, role: &Role) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO roles (id, name, domain_id, description, immutable)
             VALUES (:id, :name, :domain_id, :description, :immutable)
             ON CONFLICT (id) DO UPDATE SET name = :name, description = :description, immutable = :immutable",
        )?;
        statement.execute(named_params! {
            ":id": role.id.as_str(), ":name": role.name,
            ":domain_id": role.domain_id.as_ref().map(DomainId::as_str),
            ":description": role.description, ":immutable": role.immutable,
        })?;
        Ok(())
    }

    /// Deletes a role with its assignments and implications. False when there is none.
    pub fn delete_role(&self, id: &RoleId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM roles WHERE id = ?1", [id.as_str()])? > 0)
    }

    /// The direct implications: whoever has the first role has the second.
    pub fn implied_roles(&self) -> Result<Vec<(RoleId, RoleId)>, StoreError> {
        let sql = "SELECT prior_role_id, implied_role_id FROM implied_roles ORDER BY 1, 2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows =
            statement.query_map([], |row| Ok((parsed(row, "prior_role_id")?, parsed(row, "implied_role_id")?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes a role imply another. Nothing happens when it does already.
    pub fn imply_role(&self, prior: &RoleId, implied: &RoleId) -> Result<(), StoreError> {
        let sql = "INSERT INTO implied_roles (prior_role_id, implied_role_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        self.connection.prepare_cached(sql)?.execute(params![prior.as_str(), implied.as_str()])?;
        Ok(())
    }

    /// The roles that a user has on a target, with those that its roles imply and those inherited
    /// from the project's domain, by id.
    pub fn effective_roles(&self, user: &UserId, target: &Target) -> Result<Vec<Role>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "WITH RECURSIVE held (id) AS (
                 SELECT role_id FROM role_assignments
                 WHERE user_id = :user AND (
                     (inherited = 0 AND project_id IS :project AND domain_id IS :domain)
                     OR (inherited = 1 AND domain_id = (SELECT domain_id FROM projects WHERE id = :project)))
                 UNION
                 SELECT implied_role_id FROM implied_roles JOIN held ON prior_role_id = held.id)
             SELECT roles.* FROM roles JOIN held USING (id) ORDER BY roles.id",
        )?;
        let (project, domain) = target.columns();
        let parameters = named_params! { ":user": user.as_str(), ":project": project, ":domain": domain };
        let rows = statement.query_map(parameters, Role::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The assignments that a filter selects.
    pub fn assignments(&self, filter: &AssignmentFilter) -> Result<Vec<Assignment>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT * FROM role_assignments
             WHERE (:user IS NULL OR user_id = :user) AND (:role IS NULL OR role_id = :role)
               AND (:any_target OR (project_id IS :project AND domain_id IS :domain))
             ORDER BY user_id, project_id, domain_id, role_id, inherited",
        )?;
        let (project, domain) = filter.target.as_ref().map_or((None, None), Target::columns);
        let parameters = named_params! {
            ":user": filter.user.as_ref().map(UserId::as_str), ":role": filter.role.as_ref().map(RoleId::as_str),
            ":any_target": filter.target.is_none(), ":project": project, ":domain": domain,
        };
        let rows = statement.query_map(parameters, Assignment::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Gives a role. Nothing happens when the user has it there already.
    pub fn assign_role(&self, assignment: &Assignment) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO role_assignments (role_id, user_id, project_id, domain_id, inherited)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?;
        let (project, domain) = assignment.target.columns();
        let Assignment { role_id, user_id, inherited, .. } = assignment;
        statement.execute(params![role_id.as_str(), user_id.as_str(), project, domain, inherited])?;
        Ok(())
    }

    /// Takes a role away. False when the user did not have it there.
    pub fn unassign_role(&self, assignment: &Assignment) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM role_assignments
             WHERE role_id = ?1 AND user_id = ?2 AND project_id IS ?3 AND domain_id IS ?4 AND inherited = ?5",
        )?;
        let (project, domain) = assignment.target.columns();
        let Assignment { role_id, user_id, inherited, .. } = assignment;
        Ok(statement.execute(params![role_id.as_str(), user_id.as_str(), project, domain, inherited])? > 0)
    }
}
