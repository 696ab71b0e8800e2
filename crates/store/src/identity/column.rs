//! Columns that hold ids and JSON as text.

use std::str::FromStr;

use rusqlite::{Row, types::Type};
use serde::de::DeserializeOwned;
use serde_json::Value;

fn broken(column: &str, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    // The index of the column is only shown to people; its name says more.
    tracing::error!(column, %error, "a stored value does not parse");
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}

/// The parsed text of a column.
pub(super) fn parsed<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    row.get_ref(column)?.as_str()?.parse().map_err(|error| broken(column, error))
}

/// The parsed text of a column that may be NULL.
pub(super) fn parsed_option<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| text.parse().map_err(|error| broken(column, error))).transpose()
}

/// The JSON of a column.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| broken(column, error))
}

/// A value as the JSON text of a column.
pub(super) fn text(value: &(impl Into<Value> + Clone)) -> String {
    value.clone().into().to_string()
}
