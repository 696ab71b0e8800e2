//! Reading the trail.

use rusqlite::{Row, types::Value as Sql};

use super::{Event, Outcome};
use crate::{Read, StoreError};

/// Which events, and how many. Everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// At this time or later, in microseconds since 1970.
    pub since: Option<i64>,
    /// Before this time.
    pub until: Option<i64>,
    /// By this user.
    pub user_id: Option<String>,
    /// In this project.
    pub project_id: Option<String>,
    /// About this object.
    pub target_id: Option<String>,
    /// Of this request.
    pub request_id: Option<String>,
    /// The beginning of the action's name.
    pub action: Option<String>,
    /// That ended so.
    pub outcome: Option<Outcome>,
    /// Beyond this place, in the direction that is read in.
    pub marker: Option<u64>,
    /// Oldest first, in place of newest first.
    pub ascending: bool,
    /// The most events.
    pub limit: usize,
}

impl AuditQuery {
    fn conditions(&self) -> Vec<(&'static str, Sql)> {
        let text = |value: &Option<String>| value.clone().map(Sql::Text);
        let narrow = [&self.user_id, &self.project_id, &self.target_id, &self.request_id].iter().any(|id| id.is_some());
        // Where an index gives the few events of one user or object, in order, the one by time would
        // only make SQLite sort; the plus hides it.
        let (since, until) = if narrow { ("+time >= ?", "+time < ?") } else { ("time >= ?", "time < ?") };
        let beyond = if self.ascending { "sequence > ?" } else { "sequence < ?" };
        [
            ("request_id = ?", text(&self.request_id)),
            ("target_id = ?", text(&self.target_id)),
            ("user_id = ?", text(&self.user_id)),
            ("project_id = ?", text(&self.project_id)),
            (since, self.since.map(Sql::Integer)),
            (until, self.until.map(Sql::Integer)),
            // Of nearly every event, or of nearly none: no index helps.
            ("+outcome = ?", self.outcome.map(|outcome| Sql::Text(outcome.as_str().to_owned()))),
            // No other character of an action's name is special to GLOB, and the API refuses those.
            ("action GLOB ?", self.action.as_ref().map(|action| Sql::Text(format!("{action}*")))),
            (beyond, self.marker.map(|place| Sql::Integer(i64::try_from(place).unwrap_or(i64::MAX)))),
        ]
        .into_iter()
        .filter_map(|(condition, value)| Some((condition, value?)))
        .collect()
    }
}

impl Read<'_> {
    /// The events that a query asks for.
    pub fn audit(&self, query: &AuditQuery) -> Result<Vec<Event>, StoreError> {
        let conditions = query.conditions();
        let mut sql = "SELECT * FROM audit".to_owned();
        for (index, (condition, _)) in conditions.iter().enumerate() {
            sql.push_str(if index == 0 { " WHERE " } else { " AND " });
            sql.push_str(condition);
        }
        let direction = if query.ascending { "ASC" } else { "DESC" };
        sql.push_str(&format!(" ORDER BY sequence {direction} LIMIT ?"));
        let limit = Sql::Integer(i64::try_from(query.limit).unwrap_or(i64::MAX));
        let values = conditions.into_iter().map(|(_, value)| value).chain([limit]);
        let mut statement = self.connection().prepare_cached(&sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(values), event)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let outcome: String = row.get("outcome")?;
    Ok(Event {
        sequence: row.get("sequence")?,
        time: row.get("time")?,
        request_id: row.get("request_id")?,
        global_request_id: row.get("global_request_id")?,
        region: row.get("region")?,
        service: row.get("service")?,
        action: row.get("action")?,
        // A constraint of the table knows no other names.
        outcome: Outcome::parse(&outcome).unwrap_or(Outcome::Failure),
        status: row.get("status")?,
        user_id: row.get("user_id")?,
        user_name: row.get("user_name")?,
        user_domain_id: row.get("user_domain_id")?,
        project_id: row.get("project_id")?,
        application_credential_id: row.get("application_credential_id")?,
        trust_id: row.get("trust_id")?,
        source: row.get("source")?,
        target_type: row.get("target_type")?,
        target_id: row.get("target_id")?,
        before: row.get("before")?,
        after: row.get("after")?,
        reason: row.get("reason")?,
    })
}
