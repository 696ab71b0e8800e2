//! Reading objects in one snapshot.

use std::net::IpAddr;

use model::{
    Attribute, Body, Kind, ListQuery, Object, ObjectKey, Resource, ResourceInfo, Row,
    query::{Filter, SortKey},
};
use rusqlite::{Connection, OptionalExtension, ToSql, params, types::Value as Sql};
use serde_json::Value;
use types::{PortId, ProjectId, SubnetId};

use crate::{
    StoreError,
    table::{Table, plain, table, to_sql},
};

/// Whose objects a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Everybody's.
    All,
    /// Those that a project sees: its own, and what is shared with it.
    Project(&'a ProjectId),
}

/// A read transaction: everything that it reads is of one moment.
pub struct Read<'c> {
    pub(crate) connection: &'c Connection,
}

impl std::fmt::Debug for Read<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Read").finish_non_exhaustive()
    }
}

impl<'c> Read<'c> {
    /// The connection, for the SQL of other modules of this crate (identity).
    #[must_use]
    pub fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// The object of that id.
    pub fn get<R: Resource>(&self, region: &str, id: R::Id) -> Result<Option<R>, StoreError> {
        let table = table(R::INFO);
        self.get_body(R::INFO, region, &id.to_string(), Scope::All)?.map(|body| typed(table, body)).transpose()
    }

    /// The stored attributes of the object of that id, as far as the scope sees it.
    pub fn get_body(
        &self,
        info: &'static ResourceInfo,
        region: &str,
        id: &str,
        scope: Scope<'_>,
    ) -> Result<Option<Body>, StoreError> {
        let table = table(info);
        let mut query = Conditions::new(region);
        query.scope(table, scope);
        query.add("t.id = ?", [Sql::Text(id.to_owned())]);
        let mut statement = self.connection.prepare_cached(&format!("{} WHERE {}", table.select(), query.sql()))?;
        let mut rows = statement.query(rusqlite::params_from_iter(query.values))?;
        rows.next()?.map(|row| table.body(row)).transpose()
    }

    /// The objects whose attributes have these values.
    pub fn find<R: Resource>(&self, region: &str, equal: &[(&str, Value)]) -> Result<Vec<R>, StoreError> {
        let table = table(R::INFO);
        let mut query = ListQuery::default();
        for (name, value) in equal {
            if let Some(attribute) = R::INFO.attribute(name) {
                query.filters.push(Filter::OneOf { attribute, values: vec![value.clone()] });
            }
        }
        self.list_bodies(R::INFO, region, Scope::All, &query)?.into_iter().map(|body| typed(table, body)).collect()
    }

    /// The stored attributes of the objects that a query selects: one statement, whatever their
    /// number. A marker that names no object in scope gives an empty page; the caller looks first.
    pub fn list_bodies(
        &self,
        info: &'static ResourceInfo,
        region: &str,
        scope: Scope<'_>,
        query: &ListQuery,
    ) -> Result<Vec<Body>, StoreError> {
        self.list(info, region, scope, query, Table::body)
    }

    /// The same as [`list_bodies`](Self::list_bodies), in the form that is written without a detour.
    pub fn list_rows(
        &self,
        info: &'static ResourceInfo,
        region: &str,
        scope: Scope<'_>,
        query: &ListQuery,
    ) -> Result<Vec<Row>, StoreError> {
        self.list(info, region, scope, query, Table::row)
    }

    fn list<T>(
        &self,
        info: &'static ResourceInfo,
        region: &str,
        scope: Scope<'_>,
        query: &ListQuery,
        form: fn(&Table, &rusqlite::Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let table = table(info);
        let mut conditions = Conditions::new(region);
        conditions.scope(table, scope);
        for filter in &query.filters {
            conditions.filter(table, filter);
        }
        let marker = match &query.marker {
            None => None,
            Some(id) => match self.get_body(info, region, id, Scope::All)? {
                None => return Ok(Vec::new()),
                found => found,
            },
        };
        if let Some(marker) = &marker {
            conditions.after(table, &query.sort, marker, query.page_reverse);
        }
        let mut sql = format!("{} WHERE {} ORDER BY ", table.select(), conditions.sql());
        for key in &query.sort {
            let direction = if key.descending == query.page_reverse { "ASC" } else { "DESC" };
            sql.push_str(&format!("{} {direction}, ", table.expression(key.attribute)));
        }
        sql.push_str(if query.page_reverse { "t.id DESC" } else { "t.id" });
        if let Some(limit) = query.limit {
            sql.push_str(&format!(" LIMIT {limit}"));
        }
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(conditions.values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(form(table, row)?);
        }
        if query.page_reverse {
            found.reverse();
        }
        Ok(found)
    }

    /// Whether a subnet's address is some port's.
    pub fn address_in_use(&self, region: &str, subnet: SubnetId, address: IpAddr) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM fixed_ips WHERE region = ? AND subnet_id = ? AND ip_address = ?";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.exists(params![region, subnet.to_string(), address.to_string()])?)
    }

    /// The first free number from `first` to `last`, counted from the subnet's first address. It
    /// costs as many steps as the run of used addresses that starts at `first` is long.
    pub fn first_free(&self, region: &str, subnet: SubnetId, first: i64, last: i64) -> Result<Option<i64>, StoreError> {
        let subnet = subnet.to_string();
        let used: Option<i64> = self
            .connection
            .prepare_cached("SELECT host FROM fixed_ips WHERE region = ? AND subnet_id = ? AND host = ?")?
            .query_row(params![region, subnet, first], |row| row.get(0))
            .optional()?;
        if used.is_none() {
            return Ok(Some(first));
        }
        let next: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT f.host + 1 FROM fixed_ips f WHERE f.region = ?1 AND f.subnet_id = ?2 AND f.host >= ?3 \
                 AND f.host < ?4 AND NOT EXISTS (SELECT 1 FROM fixed_ips g WHERE g.region = ?1 AND g.subnet_id = ?2 \
                 AND g.host = f.host + 1) ORDER BY f.host LIMIT 1",
            )?
            .query_row(params![region, subnet, first, last], |row| row.get(0))
            .optional()?;
        Ok(next)
    }

    /// The ports that have an address in a subnet.
    pub fn ports_on_subnet(&self, region: &str, subnet: SubnetId) -> Result<Vec<PortId>, StoreError> {
        self.ids(
            "SELECT DISTINCT port_id FROM fixed_ips WHERE region = ? AND subnet_id = ?",
            region,
            &subnet.to_string(),
        )
    }

    /// The ports that are in a security group.
    pub fn ports_in_group(&self, region: &str, group: types::SecurityGroupId) -> Result<Vec<PortId>, StoreError> {
        self.ids(
            "SELECT port_id FROM port_security_groups WHERE region = ? AND security_group_id = ?",
            region,
            &group.to_string(),
        )
    }

    fn ids(&self, sql: &str, region: &str, parameter: &str) -> Result<Vec<PortId>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![region, parameter], |row| row.get::<_, String>(0))?;
        let mut ids = Vec::new();
        for id in rows {
            ids.extend(id?.parse::<PortId>().ok());
        }
        Ok(ids)
    }

    /// The object of that name.
    pub fn object(&self, region: &str, key: ObjectKey) -> Result<Option<Object>, StoreError> {
        Ok(match key {
            ObjectKey::Network(id) => self.get::<model::Network>(region, id)?.map(Object::from),
            ObjectKey::Subnet(id) => self.get::<model::Subnet>(region, id)?.map(Object::from),
            ObjectKey::Port(id) => self.get::<model::Port>(region, id)?.map(Object::from),
            ObjectKey::Router(id) => self.get::<model::Router>(region, id)?.map(Object::from),
            ObjectKey::FloatingIp(id) => self.get::<model::FloatingIp>(region, id)?.map(Object::from),
            ObjectKey::SecurityGroup(id) => self.get::<model::SecurityGroup>(region, id)?.map(Object::from),
            ObjectKey::SecurityGroupRule(id) => self.get::<model::SecurityGroupRule>(region, id)?.map(Object::from),
            ObjectKey::Attachment(id) => self.get::<model::Attachment>(region, id)?.map(Object::from),
        })
    }

    pub(crate) fn all_objects(&self, region: &str) -> Result<Vec<Object>, StoreError> {
        let mut objects = Vec::new();
        self.extend::<model::Network>(region, &mut objects)?;
        self.extend::<model::Subnet>(region, &mut objects)?;
        self.extend::<model::Port>(region, &mut objects)?;
        self.extend::<model::Router>(region, &mut objects)?;
        self.extend::<model::FloatingIp>(region, &mut objects)?;
        self.extend::<model::SecurityGroup>(region, &mut objects)?;
        self.extend::<model::SecurityGroupRule>(region, &mut objects)?;
        self.extend::<model::Attachment>(region, &mut objects)?;
        Ok(objects)
    }

    fn extend<R: Resource + Into<Object>>(&self, region: &str, objects: &mut Vec<Object>) -> Result<(), StoreError> {
        objects.extend(self.find::<R>(region, &[])?.into_iter().map(Into::into));
        Ok(())
    }
}

pub(crate) fn typed<R: Resource>(table: &Table, body: Body) -> Result<R, StoreError> {
    serde_json::from_value(Value::Object(body)).map_err(|source| StoreError::Corrupt { table: table.name, source })
}

/// The conditions of a `WHERE` with their values, in order.
struct Conditions {
    sql: Vec<String>,
    values: Vec<Sql>,
}

impl Conditions {
    fn new(region: &str) -> Self {
        Self { sql: vec!["t.region = ?".to_owned()], values: vec![Sql::Text(region.to_owned())] }
    }

    fn sql(&self) -> String {
        self.sql.join(" AND ")
    }

    fn add(&mut self, sql: impl Into<String>, values: impl IntoIterator<Item = Sql>) {
        self.sql.push(sql.into());
        self.values.extend(values);
    }

    fn scope(&mut self, table: &Table, scope: Scope<'_>) {
        if let Scope::Project(project) = scope {
            let times = table.visible.matches(":project").count();
            let values = vec![Sql::Text(project.as_str().to_owned()); times];
            self.add(table.visible.replace(":project", "?"), values);
        }
    }

    fn filter(&mut self, table: &Table, filter: &Filter) {
        match filter {
            Filter::OneOf { attribute, values } => {
                let expression = table.expression(attribute);
                let plain_values: Vec<_> =
                    values.iter().filter(|value| !value.is_null()).map(|value| to_sql(attribute, value)).collect();
                let mut parts = Vec::new();
                if !plain_values.is_empty() {
                    parts.push(format!("{expression} IN ({})", marks(plain_values.len())));
                }
                if plain_values.len() < values.len() {
                    parts.push(format!("{expression} IS NULL"));
                }
                self.add(format!("({})", parts.join(" OR ")), plain_values);
            }
            Filter::Contains { attribute, key, values } => self.contains(table, attribute, key, values),
            Filter::AddressSubstring(texts) => {
                let parts = vec!["instr(f.ip_address, ?) > 0"; texts.len()].join(" OR ");
                self.add(
                    format!(
                        "EXISTS (SELECT 1 FROM fixed_ips f WHERE f.region = t.region AND f.port_id = t.id AND ({parts}))"
                    ),
                    texts.iter().cloned().map(Sql::Text),
                );
            }
            Filter::Tags(tags) => {
                for tag in tags {
                    self.tags("EXISTS", std::slice::from_ref(tag));
                }
            }
            Filter::TagsAny(tags) => self.tags("EXISTS", tags),
            Filter::NotTags(tags) => {
                let has = "EXISTS (SELECT 1 FROM json_each(t.tags) WHERE value = ?)";
                let all = vec![has; tags.len()].join(" AND ");
                self.add(format!("NOT ({all})"), tags.iter().cloned().map(Sql::Text));
            }
            Filter::NotTagsAny(tags) => self.tags("NOT EXISTS", tags),
            Filter::ChangedSince(time) => self.add("t.updated_at >= ?", [Sql::Text(time.clone())]),
        }
    }

    fn tags(&mut self, exists: &str, tags: &[String]) {
        self.add(
            format!("{exists} (SELECT 1 FROM json_each(t.tags) WHERE value IN ({}))", marks(tags.len())),
            tags.iter().cloned().map(Sql::Text),
        );
    }

    fn contains(&mut self, table: &Table, attribute: &Attribute, key: &str, values: &[String]) {
        let values = values.iter().cloned().map(Sql::Text);
        let marks = marks(values.len());
        let sql = match (attribute.kind, attribute.name, key) {
            // The rows behind the two lists that ports are searched by have indexes.
            (Kind::FixedIps, _, "subnet_id" | "ip_address") => format!(
                "t.id IN (SELECT f.port_id FROM fixed_ips f WHERE f.region = t.region AND f.{key} IN ({marks}))"
            ),
            (Kind::FixedIps, ..) => return self.sql.push("0".to_owned()),
            (_, "security_groups", _) => format!(
                "t.id IN (SELECT g.port_id FROM port_security_groups g WHERE g.region = t.region \
                 AND g.security_group_id IN ({marks}))"
            ),
            _ => format!("EXISTS (SELECT 1 FROM json_each({}) WHERE value IN ({marks}))", table.expression(attribute)),
        };
        self.add(sql, values);
    }

    /// The objects behind a marker, in the order of the sort keys and then the id.
    fn after(&mut self, table: &Table, sort: &[SortKey], marker: &Body, reverse: bool) {
        let id = marker.get("id").map_or(Sql::Null, plain);
        let mut sql = format!("t.id {} ?", if reverse { "<" } else { ">" });
        let mut values = vec![id];
        // From the least significant key outwards: beyond(key) OR (equal(key) AND rest).
        for key in sort.iter().rev() {
            let expression = table.expression(key.attribute);
            let value = marker.get(key.attribute.name).map_or(Sql::Null, plain);
            let ascending = key.descending == reverse;
            // SQLite sorts null before every value.
            let (beyond, beyond_values) = match (&value, ascending) {
                (Sql::Null, true) => (format!("{expression} IS NOT NULL"), vec![]),
                (Sql::Null, false) => ("0".to_owned(), vec![]),
                (_, true) => (format!("{expression} > ?"), vec![value.clone()]),
                (_, false) => (format!("({expression} < ? OR {expression} IS NULL)"), vec![value.clone()]),
            };
            sql = format!("({beyond} OR ({expression} IS ? AND {sql}))");
            values = beyond_values.into_iter().chain([value]).chain(values).collect();
        }
        self.add(sql, values);
    }
}

fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}

/// Parameters by reference, for SQL built at run time.
pub(crate) fn references(values: &[Sql]) -> Vec<&dyn ToSql> {
    values.iter().map(|value| value as &dyn ToSql).collect()
}
