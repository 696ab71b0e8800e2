//! Application credentials and their access rules.

use rusqlite::{OptionalExtension, Row, named_params, params};
use types::{AccessRuleId, ApplicationCredentialId, ProjectId, RoleId, UserId};

use super::Identity;
use super::column::parsed;
use crate::StoreError;

/// A secret that lets a program act for a user in one project.
#[derive(Clone, PartialEq, Eq)]
pub struct ApplicationCredential {
    /// Id.
    pub id: ApplicationCredentialId,
    /// For whom it acts.
    pub user_id: UserId,
    /// Where it acts.
    pub project_id: ProjectId,
    /// Name, unique among the user's.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// PHC string of argon2id.
    pub secret_hash: String,
    /// When it ends, in microseconds since 1970.
    pub expires_at: Option<i64>,
    /// Whether it may make and delete others of its kind; none counts as not.
    pub unrestricted: Option<bool>,
    /// The roles that it has at most: those that the user has lost count no more.
    pub roles: Vec<RoleId>,
    /// The requests that it may make; all when there are none.
    pub access_rules: Vec<AccessRule>,
}

impl std::fmt::Debug for ApplicationCredential {
    /// Leaves out the secret's hash, so that no log line can hold it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApplicationCredential").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A request that an application credential may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule {
    /// Id.
    pub id: AccessRuleId,
    /// The type of the service: `network`.
    pub service: String,
    /// The method, in capitals.
    pub method: String,
    /// The path's pattern.
    pub path: String,
}

impl ApplicationCredential {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            user_id: parsed(row, "user_id")?,
            project_id: parsed(row, "project_id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            secret_hash: row.get("secret_hash")?,
            expires_at: row.get("expires_at")?,
            unrestricted: row.get("unrestricted")?,
            roles: Vec::new(),
            access_rules: Vec::new(),
        })
    }
}

impl AccessRule {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            service: row.get("service")?,
            method: row.get("method")?,
            path: row.get("path")?,
        })
    }
}

impl Identity<'_> {
    /// The application credentials of a user, by id.
    pub fn application_credentials_of(&self, user: &UserId) -> Result<Vec<ApplicationCredential>, StoreError> {
        let sql = "SELECT * FROM application_credentials WHERE user_id = ?1 ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([user.as_str()], ApplicationCredential::from_row)?;
        rows.map(|row| self.with_parts(row?)).collect()
    }

    /// One application credential.
    pub fn application_credential(
        &self,
        id: &ApplicationCredentialId,
    ) -> Result<Option<ApplicationCredential>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM application_credentials WHERE id = ?1")?;
        let found = statement.query_row([id.as_str()], ApplicationCredential::from_row).optional()?;
        found.map(|found| self.with_parts(found)).transpose()
    }

    /// The application credential of a name of a user.
    pub fn application_credential_named(
        &self,
        user: &UserId,
        name: &str,
    ) -> Result<Option<ApplicationCredential>, StoreError> {
        let sql = "SELECT * FROM application_credentials WHERE user_id = ?1 AND name = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_row(params![user.as_str(), name], ApplicationCredential::from_row).optional()?;
        found.map(|found| self.with_parts(found)).transpose()
    }

    fn with_parts(&self, mut found: ApplicationCredential) -> Result<ApplicationCredential, StoreError> {
        let sql =
            "SELECT role_id FROM application_credential_roles WHERE application_credential_id = ?1 ORDER BY role_id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let roles = statement.query_map([found.id.as_str()], |row| parsed(row, "role_id"))?;
        found.roles = roles.collect::<Result<_, _>>()?;
        let mut statement = self.connection.prepare_cached(
            "SELECT access_rules.* FROM application_credential_access_rules
             JOIN access_rules ON access_rules.id = access_rule_id
             WHERE application_credential_id = ?1 ORDER BY access_rules.id",
        )?;
        let rules = statement.query_map([found.id.as_str()], AccessRule::from_row)?;
        found.access_rules = rules.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// Stores a new application credential. Its access rules must be there.
    pub fn create_application_credential(&self, new: &ApplicationCredential) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO application_credentials
                 (id, user_id, project_id, name, description, secret_hash, expires_at, unrestricted)
             VALUES (:id, :user, :project, :name, :description, :hash, :expires_at, :unrestricted)",
        )?;
        statement.execute(named_params! {
            ":id": new.id.as_str(), ":user": new.user_id.as_str(), ":project": new.project_id.as_str(),
            ":name": new.name, ":description": new.description, ":hash": new.secret_hash,
            ":expires_at": new.expires_at, ":unrestricted": new.unrestricted,
        })?;
        let sql = "INSERT INTO application_credential_roles VALUES (?1, ?2)";
        let mut statement = self.connection.prepare_cached(sql)?;
        for role in &new.roles {
            statement.execute(params![new.id.as_str(), role.as_str()])?;
        }
        let sql = "INSERT INTO application_credential_access_rules VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        let mut statement = self.connection.prepare_cached(sql)?;
        for rule in &new.access_rules {
            statement.execute(params![new.id.as_str(), rule.id.as_str()])?;
        }
        Ok(())
    }

    /// Deletes an application credential; its access rules stay. False when there is none.
    pub fn delete_application_credential(&self, id: &ApplicationCredentialId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM application_credentials WHERE id = ?1";
        Ok(self.connection.prepare_cached(sql)?.execute([id.as_str()])? > 0)
    }

    /// Deletes the application credentials and access rules of a user, who was disabled.
    pub fn delete_application_credentials_of(&self, user: &UserId) -> Result<(), StoreError> {
        for table in ["application_credentials", "access_rules"] {
            let sql = format!("DELETE FROM {table} WHERE user_id = ?1");
            self.connection.prepare_cached(&sql)?.execute([user.as_str()])?;
        }
        Ok(())
    }

    /// Deletes the application credentials that have a role, which is about to be deleted.
    pub(super) fn delete_application_credentials_with(&self, role: &RoleId) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM application_credentials
             WHERE id IN (SELECT application_credential_id FROM application_credential_roles WHERE role_id = ?1)",
        )?;
        statement.execute([role.as_str()])?;
        Ok(())
    }

    /// The access rules of a user, by id.
    pub fn access_rules_of(&self, user: &UserId) -> Result<Vec<AccessRule>, StoreError> {
        let sql = "SELECT * FROM access_rules WHERE user_id = ?1 ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([user.as_str()], AccessRule::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Stores an access rule, or finds the equal one that the user has.
    pub fn ensure_access_rule(&self, user: &UserId, rule: AccessRule) -> Result<AccessRule, StoreError> {
        let sql = "SELECT * FROM access_rules WHERE user_id = ?1 AND service = ?2 AND path = ?3 AND method = ?4";
        let mut statement = self.connection.prepare_cached(sql)?;
        let equal = params![user.as_str(), rule.service, rule.path, rule.method];
        if let Some(found) = statement.query_row(equal, AccessRule::from_row).optional()? {
            return Ok(found);
        }
        let sql = "INSERT INTO access_rules (id, user_id, service, path, method) VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute(params![rule.id.as_str(), user.as_str(), rule.service, rule.path, rule.method])?;
        Ok(rule)
    }

    /// Deletes an access rule; one in use is [`StoreError::Reference`]. False when there is none.
    pub fn delete_access_rule(&self, id: &AccessRuleId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM access_rules WHERE id = ?1";
        Ok(self.connection.prepare_cached(sql)?.execute([id.as_str()])? > 0)
    }
}
