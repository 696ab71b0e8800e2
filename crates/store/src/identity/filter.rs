//! Which projects, users or groups a list is to hold.

use types::DomainId;

/// Which of the principals of one kind to list; a part that is none leaves that side open.
///
/// These are the filters that a list by name needs in order not to read a whole table. What else may
/// be asked for is left to the reader of the list.
#[derive(Debug, Clone, Default)]
pub struct PrincipalFilter {
    /// Only in this domain.
    pub domain: Option<DomainId>,
    /// Only of this name.
    pub name: Option<String>,
}

impl PrincipalFilter {
    /// The condition on the rows of a table, with its values in order.
    pub(super) fn sql(&self, table: &str) -> (String, Vec<&str>) {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        if let Some(domain) = &self.domain {
            conditions.push(format!("{table}.domain_id = ?"));
            values.push(domain.as_str());
        }
        if let Some(name) = &self.name {
            conditions.push(format!("{table}.name = ?"));
            values.push(name.as_str());
        }
        if conditions.is_empty() {
            conditions.push("1".to_owned());
        }
        (conditions.join(" AND "), values)
    }
}
