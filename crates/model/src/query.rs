//! What a list request asks for: filters, order, page, fields.

use serde_json::Value;

use crate::{
    RequestError, ResourceInfo,
    attribute::{Attribute, Kind},
    validate,
};

/// The most objects of one page, whatever a client asks for.
pub const MAX_LIMIT: usize = 10_000;

/// A condition on the objects of a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// The attribute has one of the values.
    OneOf {
        /// The attribute.
        attribute: &'static Attribute,
        /// The values, in the attribute's type.
        values: Vec<Value>,
    },
    /// A list attribute has an entry whose member `key` is one of the values (`fixed_ips`), or an
    /// entry that is one of the values when `key` is empty (`security_groups`).
    Contains {
        /// The attribute.
        attribute: &'static Attribute,
        /// The member.
        key: String,
        /// The values.
        values: Vec<String>,
    },
    /// An entry of `fixed_ips` has an address in which one of the texts occurs.
    AddressSubstring(Vec<String>),
    /// Has all these tags.
    Tags(Vec<String>),
    /// Has one of these tags.
    TagsAny(Vec<String>),
    /// Lacks one of these tags.
    NotTags(Vec<String>),
    /// Has none of these tags.
    NotTagsAny(Vec<String>),
    /// Changed at that time or later (`changed_since`).
    ChangedSince(String),
}

/// A sort key with its direction.
#[derive(Debug, Clone, Copy)]
pub struct SortKey {
    /// The attribute.
    pub attribute: &'static Attribute,
    /// Largest first.
    pub descending: bool,
}

/// What a list request asks for.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// All must hold.
    pub filters: Vec<Filter>,
    /// The order; objects that are equal under it are in the order of their ids.
    pub sort: Vec<SortKey>,
    /// The most objects of the page.
    pub limit: Option<usize>,
    /// The id of the last object of the page before.
    pub marker: Option<String>,
    /// The page lies before the marker.
    pub page_reverse: bool,
    /// The attributes to show; empty for all.
    pub fields: Vec<String>,
}

impl ListQuery {
    /// Reads the pairs of a query string, decoded. Names that are no attribute are ignored, as
    /// Neutron does.
    pub fn parse(info: &'static ResourceInfo, pairs: &[(String, String)]) -> Result<Self, RequestError> {
        let mut query = Self::default();
        let mut sort_keys: Vec<&str> = Vec::new();
        let mut sort_dirs: Vec<&str> = Vec::new();
        for (name, value) in pairs {
            match name.as_str() {
                "fields" => query.fields.push(value.clone()),
                "limit" => query.limit = limit(value)?,
                "marker" => query.marker = Some(value.clone()),
                "page_reverse" => query.page_reverse = validate::to_boolean(&Value::from(value.as_str())) == Some(true),
                "sort_key" => sort_keys.push(value),
                "sort_dir" => sort_dirs.push(value),
                _ => query.add_filter(info, name, value)?,
            }
        }
        query.fields.retain(|field| !field.is_empty());
        query.sort = sort(info, &sort_keys, &sort_dirs)?;
        Ok(query)
    }

    /// The query of objects that an attribute's value selects.
    #[must_use]
    pub fn by(attribute: &'static Attribute, value: impl Into<Value>) -> Self {
        let filter = Filter::OneOf { attribute, values: vec![value.into()] };
        Self { filters: vec![filter], ..Self::default() }
    }

    fn add_filter(&mut self, info: &'static ResourceInfo, name: &str, value: &str) -> Result<(), RequestError> {
        let list = || value.split(',').map(str::to_owned).collect();
        match name {
            "tags" if info.has_tags() => self.filters.push(Filter::Tags(list())),
            "tags-any" if info.has_tags() => self.filters.push(Filter::TagsAny(list())),
            "not-tags" if info.has_tags() => self.filters.push(Filter::NotTags(list())),
            "not-tags-any" if info.has_tags() => self.filters.push(Filter::NotTagsAny(list())),
            "changed_since" => self.filters.push(Filter::ChangedSince(changed_since(value)?)),
            _ => {
                let Some(attribute) = info.attribute(name).filter(|attribute| attribute.filter) else { return Ok(()) };
                match attribute.kind {
                    Kind::FixedIps | Kind::UuidList => self.add_containment(attribute, value),
                    _ => self.add_value(attribute, filter_value(attribute, value)?),
                }
            }
        }
        Ok(())
    }

    fn add_value(&mut self, attribute: &'static Attribute, value: Value) {
        for filter in &mut self.filters {
            if let Filter::OneOf { attribute: known, values } = filter
                && known.name == attribute.name
            {
                values.push(value);
                return;
            }
        }
        self.filters.push(Filter::OneOf { attribute, values: vec![value] });
    }

    /// `fixed_ips=subnet_id=...`, `fixed_ips=ip_address=...` or `security_groups=...`: the values of
    /// one member are alternatives.
    fn add_containment(&mut self, attribute: &'static Attribute, value: &str) {
        let (key, value) = match attribute.kind {
            Kind::FixedIps => value.split_once('=').unwrap_or(("ip_address", value)),
            _ => ("", value),
        };
        let value = value.to_owned();
        for filter in &mut self.filters {
            match filter {
                Filter::AddressSubstring(texts) if key == "ip_address_substr" => return texts.push(value),
                Filter::Contains { attribute: known, key: known_key, values }
                    if known.name == attribute.name && known_key == key =>
                {
                    return values.push(value);
                }
                _ => {}
            }
        }
        self.filters.push(match key {
            "ip_address_substr" => Filter::AddressSubstring(vec![value]),
            _ => Filter::Contains { attribute, key: key.to_owned(), values: vec![value] },
        });
    }
}

fn limit(value: &str) -> Result<Option<usize>, RequestError> {
    match value.parse::<usize>() {
        // Zero is no limit.
        Ok(0) => Ok(None),
        Ok(limit) => Ok(Some(limit.min(MAX_LIMIT))),
        Err(_) => Err(RequestError::Limit { value: value.to_owned() }),
    }
}

/// A filter's value in the attribute's type. A value that no object can have is kept as text: the
/// list is then empty, as Neutron's is.
fn filter_value(attribute: &Attribute, text: &str) -> Result<Value, RequestError> {
    Ok(match attribute.kind {
        Kind::Boolean => validate::value(attribute, &Value::from(text))?,
        Kind::Integer { .. } | Kind::PortNumber | Kind::IpVersion => {
            text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
        }
        // "None" is how clients written in Python say null.
        _ if attribute.nullable && (text == "None" || text == "null") => Value::Null,
        Kind::Mac | Kind::Address => {
            validate::value(attribute, &Value::from(text)).unwrap_or_else(|_| Value::from(text))
        }
        _ => Value::from(text),
    })
}

fn changed_since(text: &str) -> Result<String, RequestError> {
    let with_zone = if text.ends_with('Z') { text.to_owned() } else { format!("{text}Z") };
    match with_zone.parse::<crate::Timestamp>() {
        Ok(time) => Ok(crate::Timestamp::from_second(time.as_second()).to_string()),
        Err(_) => Err(RequestError::Conversion {
            name: "changed_since".to_owned(),
            reason: format!("The input must be in the following format: [YYYY-MM-DDTHH:MM:SS], not '{text}'"),
            value: Value::from(text),
        }),
    }
}

fn sort(info: &'static ResourceInfo, keys: &[&str], directions: &[&str]) -> Result<Vec<SortKey>, RequestError> {
    let sortable = |key: &str| info.attribute(key).filter(|attribute| attribute.sort);
    let bad: Vec<_> = keys.iter().filter(|key| sortable(key).is_none()).map(|key| (*key).to_owned()).collect();
    if !bad.is_empty() {
        return Err(RequestError::SortKey { names: bad });
    }
    let bad: Vec<_> =
        directions.iter().filter(|dir| !["asc", "desc"].contains(dir)).map(|dir| (*dir).to_owned()).collect();
    if !bad.is_empty() {
        return Err(RequestError::SortDirection { values: bad });
    }
    if directions.len() > keys.len() {
        return Err(RequestError::SortCount);
    }
    let direction = |index: usize| directions.get(index) == Some(&"desc");
    Ok(keys
        .iter()
        .enumerate()
        .filter_map(|(index, key)| Some(SortKey { attribute: sortable(key)?, descending: direction(index) }))
        .collect())
}
