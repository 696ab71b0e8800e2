//! Groups of users, and who is in them.

use rusqlite::{OptionalExtension, Row, named_params, params, params_from_iter};
use serde_json::{Map, Value};
use types::{DomainId, GroupId, UserId};

use super::column::{json, parsed, text};
use super::{Identity, PrincipalFilter, User};
use crate::StoreError;

/// A group: users who get the same roles.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Id.
    pub id: GroupId,
    /// The domain in which the name is unique.
    pub domain_id: DomainId,
    /// Name, unique in its domain.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Attributes that only the client gives a meaning.
    pub extra: Map<String, Value>,
}

impl Group {
    /// An empty group of a name, with a new id.
    #[must_use]
    pub fn new(domain_id: DomainId, name: impl Into<String>) -> Self {
        Self { id: GroupId::random(), domain_id, name: name.into(), description: String::new(), extra: Map::new() }
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: parsed(row, "id")?,
            domain_id: parsed(row, "domain_id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            extra: json(row, "extra")?,
        })
    }
}

impl Identity<'_> {
    /// The groups that a filter selects, by id.
    pub fn groups(&self, filter: &PrincipalFilter) -> Result<Vec<Group>, StoreError> {
        let (condition, values) = filter.sql("groups");
        let sql = format!("SELECT * FROM groups WHERE {condition} ORDER BY id");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), Group::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One group.
    pub fn group(&self, id: &GroupId) -> Result<Option<Group>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM groups WHERE id = ?1")?;
        Ok(statement.query_row([id.as_str()], Group::from_row).optional()?)
    }

    /// The group of a name in a domain.
    pub fn group_named(&self, domain: &DomainId, name: &str) -> Result<Option<Group>, StoreError> {
        let sql = "SELECT * FROM groups WHERE domain_id = ?1 AND name = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params![domain.as_str(), name], Group::from_row).optional()?)
    }

    /// Stores a group: a new one, or the new state of one that exists.
    pub fn put_group(&self, group: &Group) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO groups (id, domain_id, name, description, extra)
             VALUES (:id, :domain_id, :name, :description, :extra)
             ON CONFLICT (id) DO UPDATE SET name = :name, description = :description, extra = :extra",
        )?;
        statement.execute(named_params! {
            ":id": group.id.as_str(), ":domain_id": group.domain_id.as_str(), ":name": group.name,
            ":description": group.description, ":extra": text(&group.extra),
        })?;
        Ok(())
    }

    /// Deletes a group with its memberships and assignments. False when there is none.
    pub fn delete_group(&self, id: &GroupId) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM groups WHERE id = ?1", [id.as_str()])? > 0)
    }

    /// Puts a user into a group. Nothing happens when they are in it already.
    pub fn add_member(&self, group: &GroupId, user: &UserId) -> Result<(), StoreError> {
        let sql = "INSERT INTO group_members (group_id, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        self.connection.prepare_cached(sql)?.execute(params![group.as_str(), user.as_str()])?;
        Ok(())
    }

    /// Takes a user out of a group. False when they were not in it.
    pub fn remove_member(&self, group: &GroupId, user: &UserId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM group_members WHERE group_id = ?1 AND user_id = ?2";
        Ok(self.connection.prepare_cached(sql)?.execute(params![group.as_str(), user.as_str()])? > 0)
    }

    /// Whether a user is in a group.
    pub fn is_member(&self, group: &GroupId, user: &UserId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM group_members WHERE group_id = ?1 AND user_id = ?2";
        Ok(self.connection.prepare_cached(sql)?.exists(params![group.as_str(), user.as_str()])?)
    }

    /// The users in a group, by id.
    pub fn members(&self, group: &GroupId) -> Result<Vec<User>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT users.* FROM users JOIN group_members ON user_id = users.id WHERE group_id = ?1 ORDER BY users.id",
        )?;
        let rows = statement.query_map([group.as_str()], User::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The groups that a user is in, by id.
    pub fn groups_of(&self, user: &UserId) -> Result<Vec<Group>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT groups.* FROM groups JOIN group_members ON group_id = groups.id
             WHERE user_id = ?1 ORDER BY groups.id",
        )?;
        let rows = statement.query_map([user.as_str()], Group::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
