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

macro_rules! principals {
    ($($kind:literal in $table:literal: $($column:literal as $form:ident),+;)+) => {
        /// Every kind of row of which the trail tells more than the id.
        pub static PRINCIPALS: &[Principal] = &[
            $(Principal { kind: $kind, table: $table, columns: &[$(($column, As::$form)),+] },)+
        ];
    };
}

principals! {
    "domain" in "domains":
        "name" as Text, "description" as Text, "enabled" as Flag, "tags" as Json, "options" as Json;
    "project" in "projects":
        "name" as Text, "domain_id" as Text, "parent_id" as Text, "description" as Text, "enabled" as Flag,
        "tags" as Json, "options" as Json;
    "user" in "users":
        "name" as Text, "domain_id" as Text, "default_project_id" as Text, "enabled" as Flag, "options" as Json;
    "group" in "groups": "name" as Text, "domain_id" as Text, "description" as Text;
    "role" in "roles": "name" as Text, "domain_id" as Text, "description" as Text, "immutable" as Flag;
    "region" in "identity_regions": "description" as Text, "parent_region_id" as Text;
    "service" in "services": "type" as Text, "name" as Text, "enabled" as Flag;
    "endpoint" in "endpoints":
        "service_id" as Text, "region_id" as Text, "interface" as Text, "url" as Text, "enabled" as Flag;
    "endpoint_group" in "endpoint_groups": "name" as Text, "description" as Text, "filters" as Json;
    "application_credential" in "application_credentials":
        "name" as Text, "user_id" as Text, "project_id" as Text, "description" as Text, "unrestricted" as Flag;
    "access_rule" in "access_rules": "user_id" as Text, "service" as Text, "method" as Text, "path" as Text;
    "trust" in "trusts":
        "trustor_user_id" as Text, "trustee_user_id" as Text, "project_id" as Text, "impersonation" as Flag;
    "credential" in "credentials": "user_id" as Text, "project_id" as Text, "type" as Text;
    "consumer" in "consumers": "description" as Text;
    "policy" in "policies": "type" as Text;
    "registered_limit" in "registered_limits":
        "service_id" as Text, "region_id" as Text, "resource_name" as Text, "default_limit" as Text,
        "description" as Text;
    "limit" in "limits":
        "registered_limit_id" as Text, "project_id" as Text, "domain_id" as Text, "resource_limit" as Text,
        "description" as Text;
}

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
        (ValueRef::Integer(number), As::Flag) => Value::Bool(number != 0),
        (ValueRef::Integer(number), _) => Value::from(number),
        (ValueRef::Text(text), As::Json) => serde_json::from_slice(text).unwrap_or_default(),
        (ValueRef::Text(text), _) => Value::String(String::from_utf8_lossy(text).into_owned()),
        (ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_), _) => Value::Null,
    }
}
