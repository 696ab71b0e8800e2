//! Labels of projects and domains, and lists by them.

use hyper::{StatusCode, header};
use model::python;
use serde_json::{Value, json};
use store::identity::{Domain, Project};

use super::{Named, named};
use crate::{
    edge::{Reply, Request},
    identity::{
        KeystoneError,
        fields::Fields,
        option::{self, repeats},
        route::Call,
    },
};

/// Labels of one project.
const MOST: usize = 80;
/// Characters of a label.
const LONGEST: usize = 255;

/// The labels of a body, if they are there.
pub(in crate::identity) fn sent(fields: &mut Fields) -> Result<Option<Vec<String>>, KeystoneError> {
    fields.texts("tags")?.map(checked).transpose()
}

/// Labels that Keystone would take, without white space around them and none twice.
fn checked(tags: Vec<String>) -> Result<Vec<String>, KeystoneError> {
    for tag in &tags {
        check_one(tag)?;
    }
    let refuse = |reason: &str| {
        let shown = python::repr(&json!(tags));
        Err(KeystoneError::invalid("tags", &shown, format!("{shown} {reason}")))
    };
    if tags.len() > MOST {
        return refuse("is too long");
    }
    if repeats(&tags) {
        return refuse("has non-unique elements");
    }
    let mut kept: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags.iter().map(|tag| tag.trim()) {
        if !kept.iter().any(|other| other == tag) {
            kept.push(tag.to_owned());
        }
    }
    Ok(kept)
}

fn check_one(tag: &str) -> Result<(), KeystoneError> {
    let quoted = python::repr(&Value::from(tag));
    let reason = if tag.is_empty() {
        "should be non-empty"
    } else if tag.chars().count() > LONGEST {
        "is too long"
    } else if tag.contains([',', '/']) {
        "does not match '^[^,/]*$'"
    } else {
        return Ok(());
    };
    Err(KeystoneError::invalid("tags", tag, format!("{quoted} {reason}")))
}

/// `tags=a,b` (all of them), `tags-any` (one of them), `not-tags` (not all of them), `not-tags-any` (none).
#[derive(Debug, Default)]
pub(super) struct Filter<'a> {
    all: Option<&'a str>,
    any: Option<&'a str>,
    not_all: Option<&'a str>,
    none: Option<&'a str>,
}

impl<'a> Filter<'a> {
    /// What a query asks for.
    pub(super) fn of(request: &'a Request) -> Self {
        let query = &request.query;
        Self {
            all: query.first("tags"),
            any: query.first("tags-any"),
            not_all: query.first("not-tags"),
            none: query.first("not-tags-any"),
        }
    }

    /// Whether a project's view has the labels.
    pub(super) fn selects(&self, item: &Value) -> bool {
        let has = |tag: &str| item["tags"].as_array().is_some_and(|tags| tags.iter().any(|have| have == tag));
        self.all.is_none_or(|tags| tags.split(',').all(has))
            && self.any.is_none_or(|tags| tags.split(',').any(has))
            && self.not_all.is_none_or(|tags| !tags.split(',').all(has))
            && self.none.is_none_or(|tags| !tags.split(',').any(has))
    }
}

impl Named {
    fn tags(&mut self) -> &mut Vec<String> {
        match self {
            Self::Project(Project { tags, .. }) | Self::Domain(Domain { tags, .. }) => tags,
        }
    }

    fn store_tags(&self, call: &Call<'_>) -> Result<(), KeystoneError> {
        match self {
            Self::Project(project) => call.identity.put_project(project)?,
            Self::Domain(domain) => call.identity.put_domain(domain)?,
        }
        Ok(())
    }

    fn refuse_immutable(&self, verb: &str) -> Result<(), KeystoneError> {
        let (id, options) = match self {
            Self::Project(project) => (project.id.as_str(), &project.options),
            Self::Domain(domain) => (domain.id.as_str(), &domain.options),
        };
        if !option::is_immutable(options) {
            return Ok(());
        }
        Err(KeystoneError::Refused(format!(
            "Cannot {verb} project tags for {id}, project is immutable. Set \"immutable\" option to false before \
             creating project tags."
        )))
    }
}

fn reply(call: &Call<'_>, tags: &[String]) -> Reply {
    let own = call.url(&format!("/projects/{}/tags", call.parameter("project_id")));
    Reply::ok(&json!({ "tags": tags, "links": { "self": own } }))
}

/// `GET /projects/{project_id}/tags`.
pub(in crate::identity) fn list(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    Ok(reply(call, named(call, call.parameter("project_id"))?.tags()))
}

/// `PUT /projects/{project_id}/tags`.
pub(in crate::identity) fn replace(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut found = named(call, call.parameter("project_id"))?;
    let body = call.request().json().unwrap_or(Value::Null);
    let mut fields = Fields::from_value("body", body)?;
    let tags = sent(&mut fields)?.ok_or_else(|| fields.lacks("tags"))?;
    found.refuse_immutable("update")?;
    *found.tags() = tags;
    found.store_tags(call)?;
    Ok(reply(call, found.tags()))
}

/// `DELETE /projects/{project_id}/tags`.
pub(in crate::identity) fn clear(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut found = named(call, call.parameter("project_id"))?;
    found.refuse_immutable("update")?;
    found.tags().clear();
    found.store_tags(call)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn missing(tag: &str) -> KeystoneError {
    KeystoneError::NotFound { kind: "project tag", id: tag.to_owned() }
}

/// `GET /projects/{project_id}/tags/{tag}`: 204 when the project has it.
pub(in crate::identity) fn check(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let tag = call.parameter("tag");
    if named(call, call.parameter("project_id"))?.tags().iter().any(|have| have == tag) {
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    } else {
        Err(missing(tag))
    }
}

/// `PUT /projects/{project_id}/tags/{tag}`.
pub(in crate::identity) fn add(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut found = named(call, call.parameter("project_id"))?;
    let tag = call.parameter("tag");
    check_one(tag)?;
    found.refuse_immutable("create")?;
    let tags = found.tags();
    tags.push(tag.to_owned());
    *tags = checked(std::mem::take(tags))?;
    found.store_tags(call)?;
    let url = call.url(&format!("/projects/{}/tags/{tag}", call.parameter("project_id")));
    Ok(Reply::empty(StatusCode::CREATED).with_header(header::LOCATION, &url))
}

/// `DELETE /projects/{project_id}/tags/{tag}`.
pub(in crate::identity) fn remove(call: &Call<'_>) -> Result<Reply, KeystoneError> {
    let mut found = named(call, call.parameter("project_id"))?;
    let tag = call.parameter("tag");
    found.refuse_immutable("delete")?;
    let tags = found.tags();
    let Some(place) = tags.iter().position(|have| have == tag) else { return Err(missing(tag)) };
    tags.remove(place);
    found.store_tags(call)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn text(tags: &[&str]) -> String {
        checked(tags.iter().map(|tag| (*tag).to_owned()).collect()).unwrap_err().to_string()
    }

    #[test]
    fn labels_are_bounded_in_number_length_and_characters() {
        assert_eq!(checked(vec![" a ".to_owned(), "b c".to_owned()]).unwrap(), ["a", "b c"]);
        assert!(checked((0..80).map(|n| n.to_string()).collect()).is_ok());
        assert!(checked((0..81).map(|n| n.to_string()).collect()).unwrap_err().to_string().ends_with("is too long"));
        assert!(checked(vec!["ö".repeat(255)]).is_ok());
        assert!(text(&[&"ö".repeat(256)]).ends_with("is too long"));
        assert!(text(&[""]).ends_with("'' should be non-empty"));
        assert!(text(&["a/b"]).ends_with("'a/b' does not match '^[^,/]*$'"));
        assert!(text(&["a,b"]).ends_with("'a,b' does not match '^[^,/]*$'"));
        assert!(text(&["a", "a"]).ends_with("['a', 'a'] has non-unique elements"));
    }

    proptest! {
        /// The four filters, said with sets.
        #[test]
        fn filters_say_what_sets_say(
            have in proptest::collection::btree_set("[a-d]", 0..4),
            wanted in proptest::collection::btree_set("[a-d]", 1..4),
        ) {
            let item = json!({ "tags": have });
            let joined = wanted.iter().cloned().collect::<Vec<_>>().join(",");
            let both: BTreeSet<_> = have.intersection(&wanted).collect();
            let (all, any) = (both.len() == wanted.len(), !both.is_empty());
            let some = Some(joined.as_str());
            let none = Filter::default;
            prop_assert_eq!(Filter { all: some, ..none() }.selects(&item), all);
            prop_assert_eq!(Filter { any: some, ..none() }.selects(&item), any);
            prop_assert_eq!(Filter { not_all: some, ..none() }.selects(&item), !all);
            prop_assert_eq!(Filter { none: some, ..none() }.selects(&item), !any);
            prop_assert!(none().selects(&item));
        }
    }
}
