//! Objects of a list on their way from rows to bytes.
//!
//! A list may hold thousands of objects of forty attributes. As maps each key would be an allocation
//! and each nested list would be parsed and written again. A [`Row`] holds the values by the
//! attribute table's positions, JSON as the text that the store has, and is written straight from
//! there. One object alone is a [`Body`]: there the difference is nothing, and maps are handier.

use serde_json::Value;

use crate::{
    ResourceInfo,
    attribute::Constant,
    resource::Body,
    view::{Viewer, constant_value},
};

/// A stored value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Null.
    Null,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A string.
    Text(String),
    /// A list or an object, as JSON text.
    Json(String),
}

impl Cell {
    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Bool(*value),
            Self::Integer(number) => Value::from(*number),
            Self::Text(text) => Value::String(text.clone()),
            // The store writes this text itself, from values or by SQLite's JSON functions.
            Self::Json(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend(b"null"),
            Self::Boolean(true) => out.extend(b"true"),
            Self::Boolean(false) => out.extend(b"false"),
            Self::Integer(number) => write_json(out, number),
            Self::Text(text) => write_json(out, text),
            Self::Json(text) => out.extend(text.as_bytes()),
        }
    }
}

/// What can be asked of an object, and added to it, whatever its form.
pub trait Fields {
    /// An attribute's value; none when the object has no such attribute.
    fn value(&self, name: &str) -> Option<Value>;
    /// An attribute's value that is text.
    fn text(&self, name: &str) -> Option<&str>;
    /// Adds or replaces a value.
    fn set(&mut self, name: &'static str, value: Value);
    /// Takes an attribute away.
    fn remove(&mut self, name: &'static str);
}

impl Fields for Body {
    fn value(&self, name: &str) -> Option<Value> {
        self.get(name).cloned()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    fn set(&mut self, name: &'static str, value: Value) {
        self.insert(name.to_owned(), value);
    }

    fn remove(&mut self, name: &'static str) {
        Self::remove(self, name);
    }
}

/// An object as it was read.
#[derive(Debug, Clone)]
pub struct Row {
    info: &'static ResourceInfo,
    /// In the order of the attribute table.
    cells: Vec<Cell>,
    /// What was computed beside, in place of what the table says of that name; none takes it away.
    computed: Vec<(&'static str, Option<Value>)>,
}

impl Row {
    /// An object with the values of a resource's attributes, in the order of its table.
    #[must_use]
    pub fn new(info: &'static ResourceInfo, cells: Vec<Cell>) -> Self {
        Self { info, cells, computed: Vec::new() }
    }

    fn cell(&self, name: &str) -> Option<&Cell> {
        let at = self.info.attributes.iter().position(|attribute| attribute.name == name)?;
        self.cells.get(at)
    }

    fn is_computed(&self, name: &str) -> bool {
        self.computed.iter().any(|(computed, _)| *computed == name)
    }
}

impl Fields for Row {
    fn value(&self, name: &str) -> Option<Value> {
        match self.computed.iter().find(|(computed, _)| *computed == name) {
            Some((_, value)) => value.clone(),
            None => self.cell(name).map(Cell::value),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        match (self.computed.iter().find(|(computed, _)| *computed == name), self.cell(name)) {
            (Some((_, value)), _) => value.as_ref()?.as_str(),
            (None, Some(Cell::Text(text))) => Some(text),
            (None, _) => None,
        }
    }

    fn set(&mut self, name: &'static str, value: Value) {
        self.computed.retain(|(computed, _)| *computed != name);
        self.computed.push((name, Some(value)));
    }

    fn remove(&mut self, name: &'static str) {
        self.computed.retain(|(computed, _)| *computed != name);
        self.computed.push((name, None));
    }
}

/// Writes a list as the JSON text of an array: what [`Viewer::present`] makes of each object.
#[must_use]
pub fn write_list(viewer: &Viewer, rows: &[Row], fields: &[String]) -> Vec<u8> {
    let plan = Plan::new(viewer, fields);
    let mut out = Vec::with_capacity(2 + rows.len() * plan.guess);
    out.push(b'[');
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        plan.write(row, &mut out);
    }
    out.push(b']');
    out
}

/// What is worked out once for a whole list: keys and constants as they will be written.
struct Plan<'a> {
    viewer: &'a Viewer,
    stored: Vec<Stored>,
    constants: Vec<(&'static str, Vec<u8>)>,
    fields: &'a [String],
    /// Bytes of an object, roughly.
    guess: usize,
}

struct Stored {
    name: &'static str,
    /// `"name":`
    key: Vec<u8>,
    at: usize,
    omit_null: bool,
}

fn write_json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Writing to memory does not fail, and neither do plain values.
    let _ = serde_json::to_writer(out, value);
}

fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::new();
    write_json(&mut key, name);
    key.push(b':');
    key
}

impl<'a> Plan<'a> {
    fn new(viewer: &'a Viewer, fields: &'a [String]) -> Self {
        let wanted = |name: &str| fields.is_empty() || fields.iter().any(|field| field == name);
        let mut stored = Vec::new();
        for (at, attribute) in viewer.info().attributes.iter().enumerate() {
            let mut add = |name| {
                if viewer.shows(attribute) && wanted(name) {
                    stored.push(Stored { name, key: key(name), at, omit_null: attribute.omit_null });
                }
            };
            add(attribute.name);
            if attribute.name == "project_id" {
                add("tenant_id");
            }
        }
        let written = |constant: &Constant| {
            let mut text = key(constant.name);
            write_json(&mut text, &constant_value(constant.value));
            (constant.name, text)
        };
        let constants = viewer.constants().filter(|constant| wanted(constant.name)).map(written).collect();
        Self { guess: 32 * stored.len(), viewer, stored, constants, fields }
    }

    fn write(&self, row: &Row, out: &mut Vec<u8>) {
        let mut separator = b'{';
        let mut next = |out: &mut Vec<u8>| {
            out.push(separator);
            separator = b',';
        };
        for stored in self.stored.iter().filter(|stored| !row.is_computed(stored.name)) {
            let Some(cell) = row.cells.get(stored.at) else { continue };
            if stored.omit_null && *cell == Cell::Null {
                continue;
            }
            next(out);
            out.extend(&stored.key);
            cell.write(out);
        }
        for (_, text) in self.constants.iter().filter(|(name, _)| !row.is_computed(name)) {
            next(out);
            out.extend(text);
        }
        for (name, value) in &row.computed {
            let Some(value) = value else { continue };
            let wanted = self.fields.is_empty() || self.fields.iter().any(|field| field == name);
            if wanted && self.viewer.shows_name(name) {
                next(out);
                out.extend(key(name));
                write_json(out, value);
            }
        }
        if separator == b'{' {
            out.push(b'{');
        }
        out.push(b'}');
    }
}
