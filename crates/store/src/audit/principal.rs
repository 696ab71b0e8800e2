//! What the trail may tell of a row of the identity service.
//!
//! An allow list of columns, not a list of exceptions: a hash, a blob or a secret that somebody adds
//! to a table is not told because nobody thought of it.

use model::{Body, Record};
use rusqlite::{OptionalExtension, types::ValueRef};
use serde_json::Value;

use crate::{Read, StoreError};

/// How a column is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    Text,
    Flag,
    Json,
}

/// A kind of row of the identity service.
#[derive(Debug)]
pub struct Principal {
    /// Its name in bodies and, with `_id`, in paths: `user`.
    pub kind: &'static str,
    table: &'static str,
    columns: &'static [(&'static str, As)],
}

use As::{Flag, Json, Text};

/// Every kind of row of which the trail tells more than the id.
pub static PRINCIPALS: [Principal; 9] = [
    Principal {
        kind: "domain",
        table: "domains",
        columns: &[("name", Text), ("description", Text), ("enabled", Flag), ("tags", Json)],
    },
    Principal {
        kind: "project",
        table: "projects",
        columns: &[
            ("name", Text),
            ("domain_id", Text),
            ("parent_id", Text),
            ("description", Text),
            ("enabled", Flag),
            ("tags", Json),
        ],
    },
    Principal {
        kind: "user",
        table: "users",
        columns: &[("name", Text), ("domain_id", Text), ("default_project_id", Text), ("enabled", Flag)],
    },
    Principal {
        kind: "group",
        table: "groups",
        columns: &[("name", Text), ("domain_id", Text), ("description", Text)],
    },
    Principal {
        kind: "role",
        table: "roles",
        columns: &[("name", Text), ("domain_id", Text), ("description", Text), ("immutable", Flag)],
    },
    Principal {
        kind: "region",
        table: "identity_regions",
        columns: &[("description", Text), ("parent_region_id", Text)],
    },
    Principal { kind: "service", table: "services", columns: &[("type", Text), ("name", Text), ("enabled", Flag)] },
    Principal {
        kind: "endpoint",
        table: "endpoints",
        columns: &[("service_id", Text), ("region_id", Text), ("interface", Text), ("url", Text), ("enabled", Flag)],
    },
    Principal {
        kind: "application_credential",
        table: "application_credentials",
        columns: &[("name", Text), ("user_id", Text), ("project_id", Text)],
    },
];

impl Principal {
    /// The kind of that name.
    #[must_use]
    pub fn of(kind: &str) -> Option<&'static Self> {
        PRINCIPALS.iter().find(|principal| principal.kind == kind)
    }

    /// What the trail may tell of the row with an id; `None` when there is no such row.
    pub fn told(&self, read: &Read<'_>, id: &str) -> Result<Option<Body>, StoreError> {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        let sql = format!("SELECT {} FROM {} WHERE id = ?", names.join(", "), self.table);
        let row = |row: &rusqlite::Row<'_>| {
            let mut body = Body::new();
            for (index, (name, form)) in self.columns.iter().enumerate() {
                body.insert((*name).to_owned(), value(row.get_ref(index)?, *form));
            }
            Ok(body)
        };
        Ok(read.connection().prepare_cached(&sql)?.query_row([id], row).optional()?)
    }

    /// What changed between two states of a row.
    #[must_use]
    pub fn record(before: Option<&Body>, after: Option<&Body>) -> Record {
        Record::changed(before, after, |_| true)
    }
}

fn value(stored: ValueRef<'_>, form: As) -> Value {
    match (stored, form) {
        (ValueRef::Integer(number), Flag) => Value::Bool(number != 0),
        (ValueRef::Integer(number), _) => Value::from(number),
        (ValueRef::Text(text), Json) => serde_json::from_slice(text).unwrap_or_default(),
        (ValueRef::Text(text), _) => Value::String(String::from_utf8_lossy(text).into_owned()),
        (ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_), _) => Value::Null,
    }
}
