//! Trusts: roles of one user that another may use.

use rusqlite::{OptionalExtension, Row, named_params, params};
use types::{ProjectId, RoleId, TrustId, UserId};

use super::Identity;
use super::column::{parsed, parsed_option};
use crate::StoreError;

/// Roles of one user, the trustor, that another, the trustee, may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// Id.
    pub id: TrustId,
    /// Whose roles.
    pub trustor_user_id: UserId,
    /// Who may use them.
    pub trustee_user_id: UserId,
    /// Where they are used.
    pub project_id: Option<ProjectId>,
    /// Whether the trustee appears as the trustor.
    pub impersonation: bool,
    /// When it ends, in microseconds since 1970.
    pub expires_at: Option<i64>,
    /// How many tokens it is still good for; none for any number.
    pub remaining_uses: Option<i64>,
    /// The trust by which it was made.
    pub redelegated_trust_id: Option<TrustId>,
    /// How many more trusts may follow one another from this one.
    pub redelegation_count: i64,
    /// The roles; those that do not exist any longer too.
    pub roles: Vec<RoleId>,
}

impl Trust {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            trustor_user_id: parsed(row, "trustor_user_id")?,
            trustee_user_id: parsed(row, "trustee_user_id")?,
            project_id: parsed_option(row, "project_id")?,
            impersonation: row.get("impersonation")?,
            expires_at: row.get("expires_at")?,
            remaining_uses: row.get("remaining_uses")?,
            redelegated_trust_id: parsed_option(row, "redelegated_trust_id")?,
            redelegation_count: row.get("redelegation_count")?,
            roles: Vec::new(),
        })
    }

    /// Whether it can still be used at a time: it is not over and not used up.
    #[must_use]
    pub fn is_usable(&self, now: i64) -> bool {
        self.expires_at.is_none_or(|end| now <= end) && self.remaining_uses != Some(0)
    }
}

/// Which trusts to list; a part that is none leaves that side open.
#[derive(Debug, Clone, Default)]
pub struct TrustFilter {
    /// Only of this trustor.
    pub trustor: Option<UserId>,
    /// Only of this trustee.
    pub trustee: Option<UserId>,
}

impl Identity<'_> {
    /// The trusts that a filter selects, by id, without their roles.
    pub fn trusts(&self, filter: &TrustFilter) -> Result<Vec<Trust>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT * FROM trusts
             WHERE (:trustor IS NULL OR trustor_user_id = :trustor) AND (:trustee IS NULL OR trustee_user_id = :trustee)
             ORDER BY id",
        )?;
        let parameters = named_params! {
            ":trustor": filter.trustor.as_ref().map(UserId::as_str),
            ":trustee": filter.trustee.as_ref().map(UserId::as_str),
        };
        let rows = statement.query_map(parameters, Trust::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One trust.
    pub fn trust(&self, id: &TrustId) -> Result<Option<Trust>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM trusts WHERE id = ?1")?;
        let Some(mut trust) = statement.query_row([id.as_str()], Trust::from_row).optional()? else { return Ok(None) };
        let sql = "SELECT role_id FROM trust_roles WHERE trust_id = ?1 ORDER BY role_id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let roles = statement.query_map([id.as_str()], |row| parsed(row, "role_id"))?;
        trust.roles = roles.collect::<Result<_, _>>()?;
        Ok(Some(trust))
    }

    /// Stores a new trust.
    pub fn create_trust(&self, new: &Trust) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO trusts (id, trustor_user_id, trustee_user_id, project_id, impersonation, expires_at,
                 remaining_uses, redelegated_trust_id, redelegation_count)
             VALUES (:id, :trustor, :trustee, :project, :impersonation, :expires_at, :uses, :parent, :count)",
        )?;
        statement.execute(named_params! {
            ":id": new.id.as_str(), ":trustor": new.trustor_user_id.as_str(), ":trustee": new.trustee_user_id.as_str(),
            ":project": new.project_id.as_ref().map(ProjectId::as_str), ":impersonation": new.impersonation,
            ":expires_at": new.expires_at, ":uses": new.remaining_uses,
            ":parent": new.redelegated_trust_id.as_ref().map(TrustId::as_str), ":count": new.redelegation_count,
        })?;
        let sql = "INSERT INTO trust_roles VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        let mut statement = self.connection.prepare_cached(sql)?;
        for role in &new.roles {
            statement.execute(params![new.id.as_str(), role.as_str()])?;
        }
        Ok(())
    }

    /// Takes one of a trust's uses. False when there is none left; a trust without a limit always has.
    pub fn use_trust(&self, id: &TrustId) -> Result<bool, StoreError> {
        let sql = "UPDATE trusts SET remaining_uses = remaining_uses - 1 WHERE id = ?1 AND remaining_uses > 0";
        if self.connection.prepare_cached(sql)?.execute([id.as_str()])? > 0 {
            return Ok(true);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM trusts WHERE id = ?1 AND remaining_uses IS NULL)";
        Ok(self.connection.prepare_cached(sql)?.query_row([id.as_str()], |row| row.get(0))?)
    }

    /// Deletes a trust and those made by it. False when there is none.
    pub fn delete_trust(&self, id: &TrustId) -> Result<bool, StoreError> {
        Ok(self.connection.prepare_cached("DELETE FROM trusts WHERE id = ?1")?.execute([id.as_str()])? > 0)
    }
}
