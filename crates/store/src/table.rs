//! Where the attributes of a resource are kept.
//!
//! Most are columns of the resource's table, by name. A [`Derived`] attribute is read from other
//! rows by an SQL expression and never written; a list with constraints of its own is a derived
//! attribute with a function that writes its rows.

use std::sync::LazyLock;

use model::{
    Attachment, Attribute, Body, Cell, Column, ConntrackHelper, FloatingIp, Network, Port, Resource, ResourceInfo,
    Router, Row, SecurityGroup, SecurityGroupRule, Subnet,
};
use rusqlite::{Connection, types::ValueRef};
use serde_json::Value;

use crate::{StoreError, children};

/// An attribute that lies outside its resource's row.
pub(crate) struct Derived {
    /// Its name in the API.
    pub(crate) attribute: &'static str,
    /// An expression over the resource's row `t`.
    pub(crate) sql: &'static str,
    /// Writes it, when it is a list of rows of its own.
    pub(crate) replace: Option<ReplaceRows>,
}

/// Makes the rows of a list attribute equal to a value: connection, region, object id, value.
pub(crate) type ReplaceRows = fn(&Connection, &str, &str, &Value) -> Result<(), StoreError>;

/// Where a resource is kept.
pub(crate) struct Table {
    pub(crate) info: &'static ResourceInfo,
    pub(crate) name: &'static str,
    pub(crate) derived: &'static [Derived],
    /// The condition on a row `t` under which project `:project` sees it.
    pub(crate) visible: &'static str,
}

const OWN: &str = "t.project_id = :project";

const fn computed(attribute: &'static str, sql: &'static str) -> Derived {
    Derived { attribute, sql, replace: None }
}

/// Every resource's table.
pub(crate) static TABLES: &[Table] = &[
    Table {
        info: Network::INFO,
        name: "networks",
        derived: &[computed(
            "subnets",
            "(SELECT json_group_array(s.id) FROM subnets s WHERE s.region = t.region AND s.network_id = t.id)",
        )],
        visible: "(t.project_id = :project OR t.shared = 1 OR t.router_external = 1)",
    },
    Table {
        info: Subnet::INFO,
        name: "subnets",
        derived: &[
            computed(
                "router:external",
                "(SELECT n.router_external FROM networks n WHERE n.region = t.region AND n.id = t.network_id)",
            ),
            computed("shared", "(SELECT n.shared FROM networks n WHERE n.region = t.region AND n.id = t.network_id)"),
        ],
        visible: "(t.project_id = :project OR EXISTS (SELECT 1 FROM networks n WHERE n.region = t.region \
                  AND n.id = t.network_id AND (n.shared = 1 OR n.router_external = 1 OR n.project_id = :project)))",
    },
    Table {
        info: Port::INFO,
        name: "ports",
        derived: &[
            Derived {
                attribute: "fixed_ips",
                sql: "(SELECT json_group_array(json_object('subnet_id', f.subnet_id, 'ip_address', f.ip_address) \
                      ORDER BY f.position) FROM fixed_ips f WHERE f.region = t.region AND f.port_id = t.id)",
                replace: Some(children::replace_fixed_ips),
            },
            Derived {
                attribute: "security_groups",
                sql: "(SELECT json_group_array(g.security_group_id ORDER BY g.position) FROM port_security_groups g \
                      WHERE g.region = t.region AND g.port_id = t.id)",
                replace: Some(children::replace_security_groups),
            },
        ],
        visible: "(t.project_id = :project OR t.network_id IN (SELECT n.id FROM networks n \
                  WHERE n.region = t.region AND n.project_id = :project))",
    },
    Table {
        info: Router::INFO,
        name: "routers",
        derived: &[computed(
            "external_gateway_info",
            "(SELECT json_object('network_id', p.network_id, 'enable_snat', json(iif(t.enable_snat, 'true', 'false')), \
             'external_fixed_ips', json((SELECT json_group_array(json_object('subnet_id', f.subnet_id, \
             'ip_address', f.ip_address) ORDER BY f.position) FROM fixed_ips f \
             WHERE f.region = p.region AND f.port_id = p.id))) \
             FROM ports p WHERE p.region = t.region AND p.id = t.gw_port_id)",
        )],
        visible: OWN,
    },
    Table { info: FloatingIp::INFO, name: "floating_ips", derived: &[], visible: OWN },
    Table {
        info: SecurityGroup::INFO,
        name: "security_groups",
        derived: &[],
        visible: "(t.project_id = :project OR t.shared = 1)",
    },
    Table {
        info: SecurityGroupRule::INFO,
        name: "security_group_rules",
        derived: &[computed(
            "belongs_to_default_sg",
            "(SELECT g.is_default FROM security_groups g WHERE g.region = t.region AND g.id = t.security_group_id)",
        )],
        visible: "(t.project_id = :project OR EXISTS (SELECT 1 FROM security_groups g WHERE g.region = t.region \
                  AND g.id = t.security_group_id AND g.project_id = :project))",
    },
    Table { info: Attachment::INFO, name: "attachments", derived: &[], visible: OWN },
    Table {
        info: ConntrackHelper::INFO,
        name: "conntrack_helpers",
        derived: &[],
        visible: "EXISTS (SELECT 1 FROM routers r WHERE r.region = t.region AND r.id = t.router_id \
                  AND r.project_id = :project)",
    },
];

/// The table of a resource.
///
/// # Panics
/// When the resource has none: a line is missing above, which every test of the resource finds.
pub(crate) fn table(info: &'static ResourceInfo) -> &'static Table {
    match TABLES.iter().find(|table| std::ptr::eq(table.info, info) || table.info.member == info.member) {
        Some(table) => table,
        None => panic!("resource {} has no table", info.member),
    }
}

/// The column of an attribute.
pub(crate) fn column(attribute: &Attribute) -> String {
    attribute.name.replace([':', '-'], "_")
}

impl Table {
    pub(crate) fn derived(&self, name: &str) -> Option<&'static Derived> {
        self.derived.iter().find(|derived| derived.attribute == name)
    }

    /// The expression that reads an attribute of a row `t`.
    pub(crate) fn expression(&self, attribute: &Attribute) -> String {
        match self.derived(attribute.name) {
            Some(derived) => derived.sql.to_owned(),
            None => format!("t.{}", column(attribute)),
        }
    }

    /// `SELECT` of every attribute, in the order of the attribute table.
    pub(crate) fn select(&self) -> &'static str {
        static SELECTS: LazyLock<Vec<(&'static str, String)>> = LazyLock::new(|| {
            let select = |table: &Table| {
                let columns: Vec<_> =
                    table.info.attributes.iter().map(|attribute| table.expression(attribute)).collect();
                format!("SELECT {} FROM {} t", columns.join(", "), table.name)
            };
            TABLES.iter().map(|table| (table.name, select(table))).collect()
        });
        SELECTS.iter().find(|(name, _)| *name == self.name).map_or("", |(_, sql)| sql)
    }

    /// A row of [`select`](Self::select) as a body.
    pub(crate) fn body(&self, row: &rusqlite::Row<'_>) -> Result<Body, StoreError> {
        let mut body = Body::new();
        for (index, attribute) in self.info.attributes.iter().enumerate() {
            let value = self.value(row.get_ref(index)?, attribute)?;
            body.insert(attribute.name.to_owned(), value);
        }
        Ok(body)
    }

    /// A row of [`select`](Self::select) as it goes into a list.
    pub(crate) fn row(&self, row: &rusqlite::Row<'_>) -> Result<Row, StoreError> {
        let cell = |(index, attribute): (usize, &Attribute)| self.cell(row.get_ref(index)?, attribute);
        let cells = self.info.attributes.iter().enumerate().map(cell).collect::<Result<_, _>>()?;
        Ok(Row::new(self.info, cells))
    }

    fn cell(&self, stored: ValueRef<'_>, attribute: &Attribute) -> Result<Cell, StoreError> {
        Ok(match (attribute.kind.column(), stored) {
            (_, ValueRef::Null) => Cell::Null,
            (Column::Boolean, ValueRef::Integer(number)) => Cell::Boolean(number != 0),
            (_, ValueRef::Integer(number)) => Cell::Integer(number),
            (Column::Json, ValueRef::Text(text)) => Cell::Json(utf8(text)),
            (_, ValueRef::Text(text)) => Cell::Text(utf8(text)),
            (_, ValueRef::Real(_) | ValueRef::Blob(_)) => return Err(self.of_another_type(attribute)),
        })
    }

    fn of_another_type(&self, attribute: &Attribute) -> StoreError {
        let source = serde::de::Error::custom(format!("column {} is of another type", attribute.name));
        StoreError::Corrupt { table: self.name, source }
    }

    fn value(&self, stored: ValueRef<'_>, attribute: &Attribute) -> Result<Value, StoreError> {
        let corrupt = |source| StoreError::Corrupt { table: self.name, source };
        Ok(match (attribute.kind.column(), stored) {
            (_, ValueRef::Null) => Value::Null,
            (Column::Boolean, ValueRef::Integer(number)) => Value::Bool(number != 0),
            (_, ValueRef::Integer(number)) => Value::from(number),
            (Column::Json, ValueRef::Text(text)) => match text {
                b"[]" => Value::Array(Vec::new()),
                text => serde_json::from_slice(text).map_err(corrupt)?,
            },
            (_, ValueRef::Text(text)) => Value::String(utf8(text)),
            (_, ValueRef::Real(_) | ValueRef::Blob(_)) => return Err(self.of_another_type(attribute)),
        })
    }
}

/// SQLite's text, which is UTF-8 unless another program wrote it.
fn utf8(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(text).into_owned(),
    }
}

/// An attribute's value in the form of its column.
pub(crate) fn to_sql(attribute: &Attribute, value: &Value) -> rusqlite::types::Value {
    use rusqlite::types::Value as Sql;
    match (attribute.kind.column(), value) {
        (_, Value::Null) => Sql::Null,
        (Column::Json, value) => Sql::Text(value.to_string()),
        (_, value) => plain(value),
    }
}

/// A scalar in the form of a column.
pub(crate) fn plain(value: &Value) -> rusqlite::types::Value {
    use rusqlite::types::Value as Sql;
    match value {
        Value::Null => Sql::Null,
        Value::Bool(value) => Sql::Integer(i64::from(*value)),
        Value::Number(number) => number.as_i64().map_or_else(|| Sql::Text(number.to_string()), Sql::Integer),
        Value::String(text) => Sql::Text(text.clone()),
        other => Sql::Text(other.to_string()),
    }
}
